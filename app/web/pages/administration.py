"""Administration: what is loaded, and where the rest is done."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.domain.permissions import Permission
from app.services import access
from app.web.extensions import runtime
from app.web.pages.session import page_work

blueprint = Blueprint("administration", __name__, url_prefix="/administration")


@blueprint.get("/")
def index() -> str:
    """Show what there is to administer."""
    access.require(page_work(), Permission.CONFIGURE)
    return render_template("administration/index.html", plugins=runtime().plugins)


@blueprint.get("/plugins")
def plugins() -> str:
    """List the plugins: what they brought, where they came from, why one was skipped."""
    access.require(page_work(), Permission.CONFIGURE)
    found = runtime().plugins
    return render_template("administration/plugins.html", sources=found.sources, formats=found.formats)
