"""A feed's connectors: which it asks and in which order, what they are for, which names they may not fill."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectChoice, TextAreaField
from wtforms.validators import Length, Optional

from app.domain.connectors import RemoteUse
from app.domain.errors import AppError
from app.domain.permissions import Permission
from app.services import access, feeds
from app.services import connectors as service
from app.services.runtime import Work
from app.storage.models import Feed
from app.web.pages.connectors import state_of
from app.web.pages.feed import header
from app.web.pages.security.frame import blame, save, try_to
from app.web.pages.session import page_work

blueprint = Blueprint("feed_connectors", __name__)


class RemoteForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask what remote packages are for, and which names stay the feed's own."""

    remote = RadioField(
        "Remote packages",
        choices=[
            SelectChoice("browse", "Browse only: people look at them and pull; clients see what the feed holds"),
            SelectChoice("cache", "Serve and cache: clients get them too, fetched and verified when first asked for"),
            SelectChoice("off", "Off: connectors are not asked"),
        ],
    )
    reserved_names = TextAreaField(
        "Reserved names",
        [Optional(), Length(max=200_000)],
        description="One pattern a line, such as acme.* or @acme/*. They are never filled from a connector, nor is any "
        "of them asked for.",
    )
    allowed_names = TextAreaField(
        "Names that may be filled all the same",
        [Optional(), Length(max=200_000)],
        description="A package that somebody published or promoted into the feed is its own: nothing is added to it "
        "from outside, unless a pattern here allows that name.",
    )


@blueprint.get("/feeds/<feed_name>/connectors")
def show(feed_name: str) -> str:
    """Show a feed's connectors."""
    work = page_work()
    return _page(work, access.get_feed(work, feed_name))


def _page(work: Work, feed: Feed, form: RemoteForm | None = None) -> str:
    data = {"remote": feed.remote, **{name: "\n".join(getattr(feed, name)) for name in _PATTERNS}}
    visible = {each.name for each in access.visible_feeds(work)}
    manages = access.allowed(work, Permission.MANAGE_CONNECTORS, feed)
    return render_template(
        "feed/connectors.html",
        **header(work, feed),
        links=feed.links,
        manages=manages,
        attachable=service.attachable(work, feed),
        form=form or RemoteForm(data=data),
        state_of=state_of,
        address_of=lambda each: service.address_of(each, visible),
        inward=_used_by(work, feed),
    )


_PATTERNS = ("reserved_names", "allowed_names")


def _used_by(work: Work, feed: Feed) -> list[str]:
    """Give the feeds that look into this one by a connector, as far as whoever looks may see them."""
    visible = access.visible_feeds(work)
    return [each.name for each in visible if any(link.connector.feed_id == feed.id for link in each.links)]


@blueprint.post("/feeds/<feed_name>/connectors")
def attach(feed_name: str) -> Response:
    """Attach a connector, detach one, or ask one earlier."""
    feed = access.get_feed(page_work(), feed_name, Permission.MANAGE_CONNECTORS)
    names = [link.connector.name for link in feed.links]
    wanted, done = _rearranged(names, request.form.get("action", ""), request.form.get("connector", ""))
    try_to(lambda work: service.attach(work, feed_name, wanted), done)
    return redirect(url_for("feed_connectors.show", feed_name=feed_name))


def _rearranged(names: list[str], action: str, name: str) -> tuple[list[str], str]:
    if action == "detach":
        return [each for each in names if each != name], f"{name} is detached; what came by it stays."
    if action == "earlier" and name in names[1:]:
        at = names.index(name)
        names[at - 1 : at + 1] = [name, names[at - 1]]
        return names, f"{name} is asked earlier."
    if action == "attach" and name:
        return [*names, name], f"{name} is attached."
    return names, "Nothing was changed."


@blueprint.post("/feeds/<feed_name>/remote")
def remote(feed_name: str) -> str | Response | tuple[str, int]:
    """Change what remote packages are for, and the names that stay the feed's own."""
    work = page_work()
    feed = access.get_feed(work, feed_name, Permission.MANAGE_FEED)
    form = RemoteForm()
    if not form.validate_on_submit():
        return _page(work, feed, form)
    change = feeds.FeedChange(
        remote=RemoteUse(form.remote.data),
        reserved_names=(form.reserved_names.data or "").splitlines(),
        allowed_names=(form.allowed_names.data or "").splitlines(),
    )
    try:
        save(lambda write: feeds.update_feed(write, feed_name, change))
    except AppError as error:
        blame(form, error, {"invalid-pattern": "reserved_names"})
        work = page_work()
        return _page(work, access.get_feed(work, feed_name), form), error.status
    flash("The settings are saved.", "success")
    return redirect(url_for("feed_connectors.show", feed_name=feed_name))
