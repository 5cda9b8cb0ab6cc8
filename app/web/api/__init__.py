"""The HTTP API: the vendor's contract, answered in its shapes, and our own below /api/v1."""

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from app.web.api import answers, health, v1
from app.web.api.connectors import blueprint as connectors
from app.web.api.feeds import blueprint as feeds
from app.web.api.keys import blueprint as keys
from app.web.api.packages import blueprint as packages
from app.web.api.people import blueprint as people
from app.web.api.promotions import blueprint as promotions
from app.web.api.rights import blueprint as rights
from app.web.api.settings import blueprint as settings
from app.web.api.v1.serving import PREFIX, refuse
from app.web.extensions import csrf

_CONTRACT = (promotions, packages, feeds, connectors, keys, people, rights, settings)


def install(app: Flask) -> None:
    """Mount the API; keys and passwords authorise it and cookies never do, so that there is nothing to forge."""
    for blueprint in _CONTRACT:
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
    app.register_blueprint(health.blueprint)
    v1.install(app)
    app.before_request(_refuse_unknown)


def _refuse_unknown() -> Response | None:
    """Answer for addresses below /api/ that are none of ours as the API does, not as a page."""
    error = request.routing_exception
    if f"{request.path}/".startswith("/api/") and isinstance(error, NotFound | MethodNotAllowed):
        return refuse(error) if request.path.startswith(f"{PREFIX}/") else answers.refuse(error)
    return None
