"""A version of a package in a feed."""

from flask import Blueprint

blueprint = Blueprint("version", __name__)


@blueprint.get("/feeds/<feed_name>/versions/<version>/<path:name>")
def show(feed_name: str, name: str, version: str) -> str:
    """Show a version."""
    return f"{feed_name} {name} {version}"
