"""The HTTP API: the vendor's contract, answered in its shapes."""

from flask import Flask

from app.web.api import health


def install(app: Flask) -> None:
    """Mount the API."""
    app.register_blueprint(health.blueprint)
