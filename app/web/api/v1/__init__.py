"""Our own API: everything that the pages do, as resources; described by OpenAPI 3.1 from the same declarations."""

from __future__ import annotations

from flask import Flask

from app.web.api.v1 import document, feeds, keys, packages, people, promotions, rights
from app.web.api.v1.operations import blueprint
from app.web.extensions import csrf

_RESOURCES = (feeds, packages, promotions, people, rights, keys, document)


def install(app: Flask) -> None:
    """Mount the API."""
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)


__all__ = ["install"]
