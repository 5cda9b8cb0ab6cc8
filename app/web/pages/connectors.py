"""Connectors: which sources there are, whether they answer, what they may fill."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import (
    BooleanField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from app.domain.connectors import Credential
from app.domain.errors import AppError, Invalid
from app.domain.permissions import Permission
from app.plugin.format import Feature, FeedFormat
from app.services import access, connectorhealth
from app.services import connectors as service
from app.services.connectors import ConnectorChange
from app.services.runtime import Work
from app.storage.models import Connector
from app.web.extensions import runtime
from app.web.pages.feed import page_number, sorting
from app.web.pages.security.frame import asked, blame, save
from app.web.pages.session import current_actor, end_reading, page_work
from app.web.rendering import Paging

blueprint = Blueprint("connectors", __name__)
PER_PAGE = 50
_PLACES = {
    "connector-exists": "name",
    "invalid-name": "name",
    "bad-url": "url",
    "no-address": "url",
    "invalid-pattern": "filters",
    "bad-header-name": "username",
    "bad-credential": "secret",
    "format-mismatch": "feed",
    "own-feed": "feed",
    "unknown-feed": "feed",
}
CREDENTIALS = [
    SelectChoice("none", "None: the source is open to everybody"),
    SelectChoice("basic", "User name and password (or API key)"),
    SelectChoice("bearer", "Bearer token"),
    SelectChoice("header", "A header of its own, such as X-NuGet-ApiKey"),
]


class ConnectorForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask where a connector leads and what it may fill."""

    name = StringField("Name", [InputRequired("Choose a name."), Length(max=100)], description="Like public-npm.")
    url = StringField(
        "Address",
        [Optional(), Length(max=2000)],
        description="As clients of the format are set to it.",
    )
    feed = SelectField("Or another feed of this installation", validate_choice=False)
    enabled = BooleanField("In use: feeds ask it", default=True)
    filters = TextAreaField(
        "Names that pass",
        [Optional(), Length(max=200_000)],
        description="One pattern a line, with * and ?. A line that begins with ! blocks, and wins. Where any line "
        "allows, everything else is out. Nothing here: every name passes.",
    )
    credential = RadioField("Credentials", choices=CREDENTIALS, default="none")
    username = StringField("User or header name", [Optional(), Length(max=200)])
    secret = PasswordField("Password, token or value", [Optional(), Length(max=8000)])
    timeout = IntegerField(
        "Timeout in seconds",
        [InputRequired(), NumberRange(1, 300)],
        default=10,
        description="To connect; of silence.",
    )
    cache_minutes = IntegerField(
        "Keep answers for minutes",
        [InputRequired(), NumberRange(0, 43_200)],
        default=30,
        description="Before the source is asked whether anything is new.",
    )


class NewConnectorForm(ConnectorForm):
    """Ask for a connector that there is not yet."""

    format = RadioField("What does it lead to?", [InputRequired("Choose a format.")])


def connectable() -> list[FeedFormat]:
    """Give the formats that know remote sources."""
    return [f for f in runtime().plugins.formats.values() if Feature.UPSTREAM in f.features]


@blueprint.get("/connectors")
def index() -> str:
    """List the connectors that one may manage."""
    work, page, text = page_work(), page_number(), asked("q").casefold()
    visible = _visible(work)
    everything = service.list_connectors(work)
    found = [
        each
        for each in everything
        if (text in each.name.casefold() or text in service.address_of(each, visible).casefold())
        and asked("format") in ("", each.format)
        and asked("state") in ("", state_of(each))
    ]
    sort, key, descending = sorting("name")
    found.sort(key=_ORDERS.get(key, _ORDERS["name"]), reverse=descending)
    return render_template(
        "connectors/index.html",
        connectors=found[(page - 1) * PER_PAGE : page * PER_PAGE],
        everything=len(everything),
        formats=[(format.key, format.title) for format in connectable()],
        paging=Paging(page, PER_PAGE, len(found)),
        sort=sort,
        state_of=state_of,
        address_of=lambda each: service.address_of(each, visible),
        visible=visible,
    )


_ORDERS = {
    "name": lambda each: (each.key,),
    "format": lambda each: (each.format, each.key),
    "address": lambda each: (service.address_of(each), each.key),
    "state": lambda each: (state_of(each), each.key),
    "checked": lambda each: (each.checked.timestamp() if each.checked else 0, each.key),
}


def state_of(connector: Connector) -> str:
    """Say in a word how a connector does: disabled, failing, healthy, or unknown where nobody asked yet."""
    if not connector.enabled:
        return "disabled"
    if connector.failure:
        return "failing"
    return "healthy" if connector.checked is not None else "unknown"


def _visible(work: Work) -> set[str]:
    return {feed.name for feed in access.visible_feeds(work)}


def _offer_feeds(form: ConnectorForm, work: Work, format_key: str | None = None) -> None:
    feeds = access.visible_feeds(work, Permission.DOWNLOAD_PACKAGE)
    chosen = [feed for feed in feeds if format_key in (None, feed.format)]
    labels = [SelectChoice(f.name, f.name if format_key else f"{f.name} ({f.format})") for f in chosen]
    form.feed.choices = [SelectChoice("", "None: it leads to the address"), *labels]


@blueprint.route("/connectors/new", methods=["GET", "POST"])
def create() -> str | Response | tuple[str, int]:
    """Create a connector."""
    work = page_work()
    if not service.may_manage_some(work):
        access.require(work, Permission.MANAGE_CONNECTORS)
    given = {name: request.args[name] for name in ("format", "name", "url") if name in request.args}
    form = NewConnectorForm(data=given)
    form.format.choices = [SelectChoice(f.key, f.title) for f in connectable()]
    if not form.format.data:
        form.format.data = form.format.choices[0].value
    _offer_feeds(form, work)
    presets = [(f, source) for f in connectable() for source in f.client_sources()]
    if not form.validate_on_submit():
        return render_template("connectors/new.html", form=form, presets=presets)
    try:
        made = save(lambda write: _create(write, form))
    except AppError as error:
        blame(form, error, _PLACES)
        return render_template("connectors/new.html", form=form, presets=presets), error.status
    _say_health(made.name)
    return redirect(url_for("connectors.show", name=made.name))


def _create(work: Work, form: NewConnectorForm) -> Connector:
    made = service.create_connector(work, (form.name.data or "").strip(), form.format.data, change_of(form))
    for feed in request.args.getlist("feed"):
        held = access.get_feed(work, feed)
        service.attach(work, feed, [*(link.connector.name for link in held.links), made.name])
    return made


def change_of(form: ConnectorForm) -> ConnectorChange:
    """Give what a form asks for; a secret that was left empty stays."""
    kind = Credential(form.credential.data)
    return ConnectorChange(
        name=(form.name.data or "").strip(),
        url=(form.url.data or "").strip(),
        feed=form.feed.data or "",
        enabled=form.enabled.data,
        timeout=form.timeout.data,
        cache_minutes=form.cache_minutes.data,
        filters=(form.filters.data or "").splitlines(),
        credential=kind,
        username=(form.username.data or "").strip(),
        secret=form.secret.data or None,
    )


def _say_health(name: str) -> None:
    end_reading()
    failure = connectorhealth.check(runtime(), current_actor(), name)
    if failure:
        flash(f"The connector {name} is saved, but its source does not answer: {failure}", "error")
    else:
        flash(f"The connector {name} is saved, and its source answers.", "success")


@blueprint.route("/connectors/<name>", methods=["GET", "POST"])
def show(name: str) -> str | Response | tuple[str, int]:
    """Show and change a connector."""
    work = page_work()
    connector = service.get_connector(work, name)
    form = ConnectorForm(data=_data(connector))
    _offer_feeds(form, work, connector.format)
    if not form.validate_on_submit():
        return _page(work, connector, form)
    try:
        changed = save(lambda write: service.update_connector(write, name, change_of(form)))
        runtime().sources.forget(connector.name)
    except AppError as error:
        blame(form, error, _PLACES)
        work = page_work()
        return _page(work, service.get_connector(work, name), form), error.status
    _say_health(changed.name)
    return redirect(url_for("connectors.show", name=changed.name))


def _page(work: Work, connector: Connector, form: ConnectorForm) -> str:
    visible = _visible(work)
    return render_template(
        "connectors/show.html",
        connector=connector,
        form=form,
        state=state_of(connector),
        address=service.address_of(connector, visible),
        source=runtime().network.state(connector.name),
        visible=visible,
    )


def _data(connector: Connector) -> dict[str, object]:
    plain = ("name", "url", "enabled", "credential", "username", "timeout", "cache_minutes")
    return {
        **{field: getattr(connector, field) for field in plain},
        "feed": connector.feed.name if connector.feed is not None else "",
        "filters": "\n".join(connector.filters),
    }


@blueprint.post("/connectors/<name>/check")
def check(name: str) -> Response:
    """Ask the source now."""
    service.get_connector(page_work(), name)
    end_reading()
    failure = connectorhealth.check(runtime(), current_actor(), name)
    flash(failure or f"The source of {name} answers.", "error" if failure else "success")
    return redirect(url_for("connectors.show", name=name))


@blueprint.post("/connectors/<name>/delete")
def delete(name: str) -> Response:
    """Delete a connector whose name was typed to confirm it."""
    connector = service.get_connector(page_work(), name)
    if request.form.get("confirm", "").strip() != connector.name:
        raise Invalid(f"To delete the connector, type its name: {connector.name}.", code="not-confirmed")
    used = save(lambda work: service.delete_connector(work, name))
    runtime().sources.forget(name)
    stays = f"; what came by it stays in {', '.join(used)}" if used else ""
    flash(f"The connector {name} is deleted{stays}.", "success")
    return redirect(url_for("connectors.index"))
