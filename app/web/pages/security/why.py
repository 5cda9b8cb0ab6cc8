"""Why can't I?: which right is missing where, what decided that, and who can grant it."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_login import current_user

from app.domain.errors import Invalid
from app.domain.permissions import FEED_PERMISSIONS, Permission
from app.services import access, privileges
from app.web.pages.security.frame import asked
from app.web.pages.security.words import EXPLAINED
from app.web.pages.session import local_path, page_work

blueprint = Blueprint("why", __name__)


@blueprint.get("/why")
def show() -> str:
    """Explain to whoever looks why they may not do something, or that they may."""
    work, code, feed = page_work(), asked("permission"), asked("feed")
    if code not in Permission._value2member_map_:
        raise Invalid(f"There is no permission {code[:60]!r}; follow the link beside what you may not do.")
    permission = Permission(code)
    refusal = privileges.why_not(work, permission, feed)
    return render_template(
        "why.html",
        refusal=refusal,
        explained=EXPLAINED[permission],
        on_feed=permission in FEED_PERMISSIONS,
        sees_feed=bool(feed) and _sees(feed),
        admin=access.allowed(work, Permission.CONFIGURE),
        signed_in=current_user.is_authenticated,
        who=work.actor.name,
        back=local_path(_referrer()),
    )


def _sees(feed_name: str) -> bool:
    work = page_work()
    feed = access.find_feed(work, feed_name)
    return feed is not None and access.allowed(work, Permission.VIEW_FEED, feed)


def _referrer() -> str:
    """Give the path of ours that the click came from, or nothing."""
    came_from = request.referrer or ""
    return came_from.removeprefix(request.host_url.rstrip("/")) if came_from.startswith(request.host_url) else ""
