"""A package in a feed."""

from flask import Blueprint

blueprint = Blueprint("package", __name__)


@blueprint.get("/feeds/<feed_name>/packages/<path:name>")
def show(feed_name: str, name: str) -> str:
    """Show a package's versions."""
    return f"{feed_name} {name}"
