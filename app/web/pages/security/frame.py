"""What the pages of Users & Tasks share: tabs, side links, how they save and say what was refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import flash, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy import func, select

from app.domain.errors import AppError
from app.domain.permissions import Permission
from app.services import access
from app.services.runtime import Work
from app.storage.models import Group, User
from app.web.extensions import runtime
from app.web.pages.session import current_actor, end_reading, local_path
from app.web.rendering import NavItem

T = TypeVar("T")
Tab = tuple[str, str, int | None, bool]

_SIDE = (
    ("Users & Tasks", "users.index", "users"),
    ("API keys", "keys.index", "key"),
    ("Event log", "administration.event_log", "list-details"),
    ("Jobs", "jobs.index", "loader-2"),
    ("Plugins", "administration.plugins", "puzzle"),
)


def frame(work: Work, here: str) -> dict[str, Any]:
    """Give what stands around every page of Users & Tasks: who may see which tab, and where one is.

    ``here`` is the endpoint of the tab that is open.
    """
    admin = access.allowed(work, Permission.CONFIGURE)
    sections = _sections(work, here, admin=admin)
    return {"admin": admin, "side": side_links(work, "users.index"), "sections": sections, "home": sections[0][1]}


def side_links(work: Work, here: str) -> list[NavItem]:
    """Give the links beside the pages of Administration, none to whoever does not administer."""
    if not access.allowed(work, Permission.CONFIGURE):
        return []
    return [NavItem(title, url_for(name), name == here, icon) for title, name, icon in _SIDE]


def _sections(work: Work, here: str, *, admin: bool) -> list[Tab]:
    everybody: list[tuple[str, str, int | None]] = [
        ("Tasks & permissions", "permissions.index", None),
        ("Test privileges", "privileges.index", None),
    ]
    if admin:
        people = work.session.scalar(select(func.count(User.id)))
        groups = work.session.scalar(select(func.count(Group.id)))
        everybody.insert(1, ("Customize Tasks", "tasks.index", None))
        everybody[:0] = [("Users", "users.index", people), ("Groups", "groups.index", groups)]
    return [(title, url_for(name), count, name == here) for title, name, count in everybody]


def save(action: Callable[[Work], T]) -> T:
    """Do something as a writer, for whoever looks; gives what it gives."""
    end_reading()
    with runtime().writing(current_actor()) as work:
        return action(work)


def blame(form: FlaskForm, error: AppError, places: Mapping[str, str]) -> None:
    """Put a refusal beside the field that its code is about, else above the form."""
    name = places.get(error.code)
    if name is None:
        form.form_errors.append(error.message)
    else:
        form[name].errors = [*form[name].errors, error.message]


def try_to(action: Callable[[Work], object], done: str) -> None:
    """Do something that is undone as easily and say so, or say why not; the page that follows shows either."""
    try:
        save(action)
    except AppError as error:
        if error.status in (401, 403):
            raise
        flash(error.message, "error")
    else:
        flash(done, "success")


def back(otherwise: str) -> str:
    """Give where a posted form wants to return to, a path of ours, else the alternative."""
    return local_path(request.form.get("next"), otherwise)


def asked(name: str) -> str:
    """Give a word of the address, without blanks around it."""
    return request.args.get(name, "").strip()
