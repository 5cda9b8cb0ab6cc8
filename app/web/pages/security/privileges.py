"""Test privileges: what somebody may where, and which grant decides it."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.domain.errors import AppError
from app.domain.permissions import Permission
from app.services import access, people, privileges
from app.services.privileges import Principal, Privilege
from app.services.runtime import Work
from app.storage.models import User
from app.web.pages.security.frame import asked, frame
from app.web.pages.security.granting import kind_and_name
from app.web.pages.security.words import EXPLAINED, GROUPS, group_of
from app.web.pages.session import page_work

blueprint = Blueprint("privileges", __name__, url_prefix="/administration/privileges")
KINDS = [
    ("user", "User"),
    ("group", "Group"),
    ("everyone", "Everyone"),
    ("authenticated", "Authenticated"),
    ("anonymous", "Anonymous"),
]


@blueprint.get("")
def index() -> str:
    """Show every attribute of whoever the address names, on the feed that it names or the installation."""
    work = page_work()
    kind, name, feed = asked("kind") or "user", asked("name"), asked("feed")
    feeds = access.visible_feeds(work, Permission.MANAGE_FEED)
    if not feeds:
        access.require(work, Permission.CONFIGURE)
    found, refused = _tested(work, kind, name, feed)
    return render_template(
        "administration/privileges.html",
        **frame(work, "privileges.index"),
        kinds=KINDS,
        kind=kind,
        name=name,
        feed=feed,
        feeds=[*([("", "The installation")] if _is_admin(work) else []), *((each.name, each.name) for each in feeds)],
        people=kind_and_name(work),
        user=_user(work, name) if kind == "user" and found else None,
        groups=_by_group(found),
        counted=(sum(each.allowed for each in found), len(found)),
        explained=EXPLAINED,
        refused=refused,
    )


def _is_admin(work: Work) -> bool:
    return access.allowed(work, Permission.CONFIGURE)


def _tested(work: Work, kind: str, name: str, feed: str) -> tuple[list[Privilege], AppError | None]:
    """Give what the address asks for, nothing before somebody is named, or why it cannot be said."""
    if (kind in ("user", "group") and not name) or not (feed or _is_admin(work)):
        return [], None
    try:
        return privileges.test(work, Principal(kind, name if kind in ("user", "group") else ""), feed), None
    except AppError as error:
        if error.status in (401, 403):
            raise
        return [], error


def _user(work: Work, name: str) -> User | None:
    return people.find_user(work, name)


def _by_group(found: list[Privilege]) -> list[tuple[str, list[Privilege]]]:
    groups = ((group, [each for each in found if group_of(each.permission) == group]) for group in GROUPS.values())
    return [(group, held) for group, held in groups if held]
