"""Groups: creating, renaming and deleting them; who belongs to them."""

from __future__ import annotations

import re

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length, Optional

from app.domain.errors import AppError, Invalid
from app.domain.permissions import Permission
from app.services import access, grants, people
from app.services.runtime import Work
from app.storage.models import Grant, Group
from app.web.pages.feed import page_number, sorting
from app.web.pages.security.frame import asked, blame, frame, save, try_to
from app.web.pages.security.granting import suggested
from app.web.pages.session import page_work
from app.web.rendering import Paging

blueprint = Blueprint("groups", __name__, url_prefix="/administration")
PER_PAGE = 50
_PLACES = {"group-exists": "name", "invalid-name": "name", "unknown-user": "members"}


class GroupForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask for a new group's name and first members."""

    name = StringField(
        "Name", [InputRequired("Choose a name."), Length(max=100)], description="Like Developers or Senior Developers."
    )
    members = StringField("Members", [Optional()], description="Names of users, with commas between them.")


class NameForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask for a group's name."""

    name = StringField("Name", [InputRequired("Choose a name."), Length(max=100)])


class MembersForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask who is to join."""

    members = StringField(
        "Add members", [InputRequired("Name somebody.")], description="Names of users, with commas between them."
    )


def _page(template: str, work: Work, **values: object) -> str:
    around = frame(work, "groups.index")
    return render_template(f"administration/{template}.html", **around, **values)


def _names(text: str | None) -> list[str]:
    return [name for part in re.split(r"[,;\n]", text or "") if (name := part.strip())]


@blueprint.get("/groups")
def index() -> str:
    """List the groups with their members."""
    work, page, text = page_work(), page_number(), asked("q").casefold()
    everything = people.list_groups(work)
    found = [
        group
        for group in everything
        if text in group.name.casefold() or any(text in user.name.casefold() for user in group.users)
    ]
    sort, key, descending = sorting("name")
    found.sort(key=(lambda group: len(group.users)) if key == "members" else (lambda group: group.key))
    if descending:
        found.reverse()
    return _page(
        "groups",
        work,
        groups=found[(page - 1) * PER_PAGE : page * PER_PAGE],
        everything=len(everything),
        granted=_counted(work),
        paging=Paging(page, PER_PAGE, len(found)),
        sort=sort,
    )


def _counted(work: Work) -> dict[int, int]:
    """Count what was granted to each group, by its id."""
    counted: dict[int, int] = {}
    for entry in grants.list_grants(work):
        if entry.group_id is not None:
            counted[entry.group_id] = counted.get(entry.group_id, 0) + 1
    return counted


@blueprint.route("/new-group", methods=["GET", "POST"])
def create() -> str | Response | tuple[str, int]:
    """Create a group."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    form = GroupForm()
    if not form.validate_on_submit():
        return _page("group_new", work, form=form, users=suggested(work))
    name, members = (form.name.data or "").strip(), _names(form.members.data)
    try:
        group = save(lambda write: people.create_group(write, name, members))
    except AppError as error:
        blame(form, error, _PLACES)
        work = page_work()
        return _page("group_new", work, form=form, users=suggested(work)), error.status
    flash(f"The group {group.name} is there. Now say what its members may do.", "success")
    return redirect(url_for("groups.show", name=group.name))


@blueprint.get("/groups/<name>")
def show(name: str) -> str:
    """Show a group: who belongs to it, what they may do by it."""
    return _show(name)


def _show(name: str, *, renaming: NameForm | None = None, joining: MembersForm | None = None) -> str:
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    group = people.get_group(work, name)
    inside = {user.id for user in group.users}
    return _page(
        "group",
        work,
        group=group,
        renaming=renaming or NameForm(formdata=None, data={"name": group.name}),
        joining=joining or MembersForm(formdata=None),
        others=[user for user in suggested(work) if user.id not in inside],
        entries=_entries(work, group),
    )


def _entries(work: Work, group: Group) -> list[Grant]:
    return [entry for entry in grants.list_grants(work) if entry.group_id == group.id]


@blueprint.post("/groups/<name>/rename")
def rename(name: str) -> Response | tuple[str, int]:
    """Give a group another name."""
    form, status = NameForm(), 400
    if form.validate_on_submit():
        try:
            group = save(lambda write: people.rename_group(write, name, (form.name.data or "").strip()))
        except AppError as error:
            blame(form, error, _PLACES)
            status = error.status
        else:
            flash(f"The group is called {group.name} now.", "success")
            return redirect(url_for("groups.show", name=group.name))
    return _show(name, renaming=form), status


@blueprint.post("/groups/<name>/members")
def add_members(name: str) -> Response | tuple[str, int]:
    """Add users to a group."""
    form, status = MembersForm(), 400
    if form.validate_on_submit():
        names = _names(form.members.data)
        try:
            save(lambda write: people.add_members(write, name, names))
        except AppError as error:
            blame(form, error, _PLACES)
            status = error.status
        else:
            flash(f"In {name} now: {', '.join(names)}.", "success")
            return redirect(url_for("groups.show", name=name))
    return _show(name, joining=form), status


@blueprint.post("/groups/<name>/members/remove")
def remove_member(name: str) -> Response:
    """Take a user out of a group."""
    member = request.form.get("member", "")
    try_to(lambda write: people.remove_members(write, name, [member]), f"{member} is no longer in {name}.")
    return redirect(url_for("groups.show", name=name))


@blueprint.route("/groups/<name>/delete", methods=["GET", "POST"])
def delete(name: str) -> str | Response | tuple[str, int]:
    """Delete a group whose name was typed to confirm it; say first what goes with it."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    group = people.get_group(work, name)
    if request.method == "GET":
        return _confirm(work, group)
    confirmed = request.form.get("confirm", "").strip()
    try:
        if confirmed != group.name:
            raise Invalid(f"To delete the group, type its name: {group.name}.", code="not-confirmed")
        save(lambda write: people.delete_group(write, name))
    except AppError as error:
        work = page_work()
        return _confirm(work, people.get_group(work, name), error.message), error.status
    flash(f"The group {confirmed} is deleted; its members are still there.", "success")
    return redirect(url_for("groups.index"))


def _confirm(work: Work, group: Group, refused: str = "") -> str:
    kinds = ("permission", "restriction")
    hits = [
        f"the {kinds[entry.deny]} {entry.task.name}, {grants.describe_scope(entry)}" for entry in _entries(work, group)
    ]
    members = [f"what {len(group.users)} members may do by it: {', '.join(user.name for user in group.users[:20])}"]
    return _page("group_delete", work, group=group, refused=refused, hits=[*hits, *(members if group.users else [])])
