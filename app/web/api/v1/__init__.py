"""Promontory's own HTTP API, version 1; its routes and its OpenAPI document come from the same declarations."""

from flask import Blueprint, Flask

from app.web.api.v1 import documents
from app.web.api.v1.contents import OPERATIONS
from app.web.api.v1.serving import PREFIX, refuse, view_of
from app.web.extensions import csrf

NAME = "api_v1"


def install(app: Flask) -> None:
    """Mount the API; a session never authorises it, so that there is nothing to forge."""
    blueprint = Blueprint(NAME, __name__, url_prefix=PREFIX)
    blueprint.register_error_handler(Exception, refuse)
    for operation in OPERATIONS:
        blueprint.add_url_rule(operation.rule, operation.name, view_of(operation), methods=[operation.method])
    documents.add_to(blueprint)
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
