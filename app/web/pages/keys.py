"""API keys: made, shown once, changed, their uses read, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, time

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, DateField, RadioField, SelectChoice, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.domain.errors import AppError, Forbidden, Unauthenticated
from app.domain.permissions import Permission
from app.services import access, keys, people
from app.services.keys import FOREVER, KeyChange, KeyRequest
from app.services.runtime import Work
from app.storage.models import ApiKey, User
from app.web.extensions import runtime
from app.web.pages.feed import page_number
from app.web.pages.security.frame import side_links
from app.web.pages.session import current_actor, end_reading, page_work
from app.web.rendering import Paging

blueprint = Blueprint("keys", __name__, url_prefix="/keys")
PER_PAGE = 50
RIGHTS = [
    SelectChoice("view", "View and download"),
    SelectChoice("add", "Publish and upload"),
    SelectChoice("promote", "Promote into"),
    SelectChoice("delete", "Delete, overwrite, unlist"),
]
KINDS = {
    "personal": "Personal: acts as a user, with exactly their rights",
    "feed": "Feed: has the rights chosen here, on the feeds chosen here",
    "system": "System: may do everything; for administration by scripts",
}


def _checkboxes(label: str, **given: object) -> SelectMultipleField:
    return SelectMultipleField(
        label, option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False), validate_choice=False, **given
    )


class NewKeyForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask what a new key may do."""

    kind = RadioField("Type")
    name = StringField(
        "Name", [InputRequired("Name it after what uses it."), Length(max=100)], description="History shows it."
    )
    description = StringField("Description", [Optional(), Length(max=500)])
    user = SelectField("Acts as", validate_choice=False)
    feeds = _checkboxes("Feeds")
    feed_group = SelectField("Or a feed group", validate_choice=False)
    rights = _checkboxes("Rights", choices=RIGHTS)
    expires = DateField("Works until", [Optional()], description="Empty: until it is deleted.")


class KeyForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask what is to change of a key."""

    name = StringField("Name", [InputRequired("Name it after what uses it."), Length(max=100)])
    description = StringField("Description", [Optional(), Length(max=500)])
    rights = _checkboxes("Rights")
    expires = DateField("Works until", [Optional()], description="Empty: until it is deleted.")
    enabled = BooleanField("Enabled")


@blueprint.get("/")
def index() -> str:
    """List the keys that one may manage."""
    work = page_work()
    _check_person(work)
    text, kind = request.args.get("q", "").strip().lower(), request.args.get("type", "")
    everything = keys.list_keys(work)
    found = [key for key in everything if kind in ("", key.kind) and text in f"{key.name}\n{key.description}".lower()]
    page = page_number()
    return render_template(
        "keys/index.html",
        side=side_links(work, "keys.index"),
        keys=found[(page - 1) * PER_PAGE : page * PER_PAGE],
        any=bool(everything),
        paging=Paging(page, PER_PAGE, len(found)),
        now=work.now(),
        scope_of=scope_of,
    )


def _check_person(work: Work) -> None:
    if work.actor.anonymous:
        raise Unauthenticated("Sign in to see the API keys.")


def scope_of(key: ApiKey) -> str:
    """Name what a key is bound to."""
    if key.user is not None:
        return f"as {key.user.name}"
    if key.feed_group is not None:
        return f"feed group {key.feed_group.name}"
    return ", ".join(feed.name for feed in key.feeds) or "everything"


@blueprint.route("/new", methods=["GET", "POST"])
def create() -> str | tuple[str, int]:
    """Create a key and show its secret, this once."""
    work = page_work()
    _check_person(work)
    form = NewKeyForm(data=_asked_for())
    _offer(work, form)
    if not form.validate_on_submit():
        return _new(form), 400 if request.method == "POST" else 200
    request_ = _request(form)
    end_reading()
    try:
        with runtime().writing(current_actor()) as write:
            key, secret = keys.create_key(write, request_)
            # Given in the answer itself: neither a cookie nor an address ever holds it.
            side = side_links(write, "keys.index")
            return render_template("keys/created.html", side=side, key=key, secret=secret, scope=scope_of(key)), 201
    except AppError as error:
        form.form_errors.append(error.message)
        _offer(page_work(), form)
        return _new(form), error.status


def _new(form: NewKeyForm) -> str:
    return render_template("keys/new.html", side=side_links(page_work(), "keys.index"), form=form)


def _asked_for() -> dict[str, object]:
    return {
        "kind": request.args.get("type", "personal"),
        "user": request.args.get("user", ""),
        "feeds": request.args.getlist("feed"),
        "rights": request.args.getlist("right") or ["view"],
    }


def _offer(work: Work, form: NewKeyForm) -> None:
    admin = access.allowed(work, Permission.CONFIGURE)
    managed = access.visible_feeds(work, Permission.MANAGE_FEED)
    kinds = ["personal", *(["feed"] if managed else []), *(["system"] if admin else [])]
    form.kind.choices = [SelectChoice(kind, KINDS[kind]) for kind in kinds]
    users = people.list_users(work) if admin else [work.session.get_one(User, work.actor.user_id)]
    form.user.choices = [SelectChoice(user.name, user.display_name or user.name) for user in users if user.active]
    if not form.user.data:
        form.user.data = work.actor.name
    form.feeds.choices = [SelectChoice(feed.name) for feed in managed]
    groups = sorted({feed.group.name for feed in managed if feed.group is not None}) if admin else []
    form.feed_group.choices = [SelectChoice("", "No group"), *(SelectChoice(group) for group in groups)]


def _request(form: NewKeyForm) -> KeyRequest:
    kind = form.kind.data
    return KeyRequest(
        kind,
        (form.name.data or "").strip(),
        form.description.data or "",
        user=form.user.data if kind == "personal" else "",
        feeds=form.feeds.data or () if kind == "feed" and not form.feed_group.data else (),
        feed_group=form.feed_group.data if kind == "feed" else "",
        rights=form.rights.data or () if kind == "feed" else (),
        expires=_end_of(form.expires.data),
    )


def _end_of(day: datetime | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.max, UTC)


@blueprint.route("/<int:number>", methods=["GET", "POST"])
def show(number: int) -> str | Response | tuple[str, int]:
    """Show a key with its uses, and change it."""
    key = keys.get_key(page_work(), number)
    form = KeyForm(data=_data(key))
    form.rights.choices = _rights_of(key)
    if not form.validate_on_submit():
        return _page(number, form), 400 if request.method == "POST" else 200
    rights = form.rights.data if key.kind != "personal" else None
    change = KeyChange(
        name=(form.name.data or "").strip(),
        description=form.description.data or "",
        enabled=form.enabled.data,
        rights=rights,
        expires=_end_of(form.expires.data) or FOREVER,
    )
    end_reading()
    try:
        with runtime().writing(current_actor()) as write:
            keys.update_key(write, number, change)
    except Forbidden:
        raise
    except AppError as error:
        form.form_errors.append(error.message)
        return _page(number, form), error.status
    flash("The key is changed.", "success")
    return redirect(url_for("keys.show", number=number))


def _page(number: int, form: KeyForm) -> str:
    work, page = page_work(), page_number()
    key = keys.get_key(work, number)
    uses, total = keys.access_log(work, number, offset=(page - 1) * PER_PAGE, limit=PER_PAGE)
    return render_template(
        "keys/show.html",
        side=side_links(work, "keys.index"),
        key=key,
        form=form,
        scope=scope_of(key),
        uses=uses,
        paging=Paging(page, PER_PAGE, total),
        now=work.now(),
    )


def _rights_of(key: ApiKey) -> list[SelectChoice]:
    if key.kind == "feed":
        return RIGHTS
    return [SelectChoice(api) for api in keys.SYSTEM_APIS] if key.kind == "system" else []


def _data(key: ApiKey) -> dict[str, object]:
    plain = ("name", "description", "rights", "enabled")
    return {**{name: getattr(key, name) for name in plain}, "expires": key.expires and key.expires.date()}


@blueprint.post("/<int:number>/delete")
def delete(number: int) -> Response:
    """Delete a key; whatever uses it stops working at once."""
    name = keys.get_key(page_work(), number).name
    end_reading()
    with runtime().writing(current_actor()) as write:
        keys.delete_key(write, number)
    flash(f"The key {name} is deleted; it stopped working.", "success")
    return redirect(url_for("keys.index"))
