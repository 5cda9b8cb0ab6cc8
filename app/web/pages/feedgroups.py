"""Feed groups: feeds that belong together, on which rights can be granted as one."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.domain.errors import AppError, Invalid
from app.domain.permissions import Permission
from app.services import access
from app.services import feedgroups as service
from app.services.runtime import Work
from app.web.pages.security.frame import blame, save
from app.web.pages.session import page_work

blueprint = Blueprint("feed_groups", __name__)
_PLACES = {"feed-group-exists": "name", "invalid-name": "name"}


class GroupForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask for a group's name."""

    name = StringField(
        "Name", [InputRequired("Choose a name."), Length(max=100)], description="A team or a pipeline, like Payments."
    )


@blueprint.route("/feed-groups", methods=["GET", "POST"])
def index() -> str | Response | tuple[str, int]:
    """List the groups, and create one."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    form = GroupForm()
    if not form.validate_on_submit():
        return _index(work, form)
    try:
        made = save(lambda write: service.create_feed_group(write, (form.name.data or "").strip()).name)
    except AppError as error:
        blame(form, error, _PLACES)
        return _index(page_work(), form), error.status
    flash(f"The feed group {made} is there. A feed joins it in its settings.", "success")
    return redirect(url_for("feed_groups.index"))


def _index(work: Work, form: GroupForm) -> str:
    return render_template("feeds/groups.html", groups=service.list_feed_groups(work), form=form)


@blueprint.route("/feed-groups/<name>", methods=["GET", "POST"])
def show(name: str) -> str | Response | tuple[str, int]:
    """Show a group, and rename it."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    group, _ = service.get_feed_group(work, name)
    form = GroupForm(data={"name": group.name})
    if not form.validate_on_submit():
        return _show(work, name, form)
    try:
        renamed = save(lambda write: service.rename_feed_group(write, name, (form.name.data or "").strip()).name)
    except AppError as error:
        blame(form, error, _PLACES)
        return _show(page_work(), name, form), error.status
    flash(f"The feed group is called {renamed}.", "success")
    return redirect(url_for("feed_groups.show", name=renamed))


def _show(work: Work, name: str, form: GroupForm) -> str:
    group, feeds = service.get_feed_group(work, name)
    return render_template(
        "feeds/group.html", group=group, feeds=feeds, form=form, held=service.held_by_feed_group(work, name)
    )


@blueprint.post("/feed-groups/<name>/delete")
def delete(name: str) -> Response:
    """Delete a group whose name was typed to confirm it; its feeds stay."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    group, _ = service.get_feed_group(work, name)
    if request.form.get("confirm", "").strip() != group.name:
        raise Invalid(f"To delete the feed group, type its name: {group.name}.", code="not-confirmed")
    try:
        save(lambda write: service.delete_feed_group(write, name, emptying=True))
    except AppError as error:
        if error.status != 409:
            raise
        flash(error.message, "error")
        return redirect(url_for("feed_groups.show", name=name))
    flash(f"The feed group {name} is deleted; its feeds stay.", "success")
    return redirect(url_for("feed_groups.index"))
