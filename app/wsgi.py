"""Serve behind any WSGI server: ``waitress-serve --call app.wsgi:application``."""

from flask import Flask

from app.bootstrap import open_runtime
from app.settings import load_settings
from app.web import create_app


def application() -> Flask:
    """Make the application from the settings in the environment."""
    return create_app(open_runtime(load_settings()))
