"""A feed's settings: its name and group, where it leads, what it takes, its end."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, RadioField, SelectChoice, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.domain.errors import AppError, Invalid
from app.domain.permissions import Permission
from app.domain.promotion import Accepts, PromoteTo
from app.services import access, feeds
from app.services.runtime import Work
from app.storage.models import Feed
from app.web.extensions import runtime
from app.web.pages.feed import header
from app.web.pages.session import current_actor, end_reading, page_work

blueprint = Blueprint("settings", __name__)


class SettingsForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask for a feed's settings."""

    name = StringField("Name", [InputRequired(), Length(max=50)], description="Clients' addresses change with it.")
    description = StringField("Description", [Optional(), Length(max=500)])
    group = StringField("Feed group", [Optional(), Length(max=100)])
    promote_to = RadioField(
        "Promote to",
        choices=[
            SelectChoice("any", "Any feed of its format"),
            SelectChoice("list", "Only the feeds chosen below"),
            SelectChoice("disabled", "Nowhere: promotion from this feed is disabled"),
        ],
    )
    targets = SelectMultipleField(
        "Chosen feeds", option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False), validate_choice=False
    )
    accepts = RadioField(
        "Takes",
        choices=[
            SelectChoice("anything", "Uploads, publications and promotions"),
            SelectChoice("promotions", "Promotions only"),
        ],
    )
    comments_required = BooleanField("Every promotion into it needs comments")
    allow_overwrite = BooleanField("Whoever may overwrite packages may replace a version's bytes")
    active = BooleanField("Active: clients are served")


@blueprint.route("/feeds/<feed_name>/settings", methods=["GET", "POST"])
def show(feed_name: str) -> str | Response | tuple[str, int]:
    """Show and change a feed's settings."""
    work = page_work()
    feed = access.get_feed(work, feed_name, Permission.MANAGE_FEED)
    form = SettingsForm(data=_data(feed))
    form.targets.choices = [SelectChoice(f.name) for f in _others(work, feed)]
    if not form.validate_on_submit():
        return render_template("feed/settings.html", **header(work, feed), form=form)
    end_reading()
    try:
        with runtime().writing(current_actor()) as write:
            changed = feeds.update_feed(write, feed_name, _change(form))
    except AppError as error:
        form.form_errors.append(error.message)
        work = page_work()
        feed = access.get_feed(work, feed_name, Permission.MANAGE_FEED)
        return render_template("feed/settings.html", **header(work, feed), form=form), error.status
    flash("The settings are saved.", "success")
    return redirect(url_for("settings.show", feed_name=changed.name))


def _others(work: Work, feed: Feed) -> list[Feed]:
    return [each for each in access.visible_feeds(work) if each.format == feed.format and each.id != feed.id]


def _data(feed: Feed) -> dict[str, object]:
    plain = ("name", "description", "promote_to", "accepts", "comments_required", "allow_overwrite", "active")
    return {
        **{name: getattr(feed, name) for name in plain},
        "group": feed.group.name if feed.group else "",
        "targets": [target.name for target in feed.targets],
    }


def _change(form: SettingsForm) -> feeds.FeedChange:
    promote_to = PromoteTo(form.promote_to.data)
    return feeds.FeedChange(
        name=(form.name.data or "").strip(),
        description=form.description.data or "",
        group=(form.group.data or "").strip(),
        active=form.active.data,
        accepts=Accepts(form.accepts.data),
        promote_to=promote_to,
        targets=form.targets.data if promote_to is PromoteTo.LIST else None,
        allow_overwrite=form.allow_overwrite.data,
        comments_required=form.comments_required.data,
    )


@blueprint.post("/feeds/<feed_name>/delete")
def delete(feed_name: str) -> Response:
    """Delete a feed whose name was typed to confirm it."""
    work = page_work()
    feed = access.get_feed(work, feed_name, Permission.MANAGE_FEED)
    if request.form.get("confirm", "").strip() != feed.name:
        raise Invalid(f"To delete the feed, type its name: {feed.name}.", code="not-confirmed")
    end_reading()
    with runtime().writing(current_actor()) as write:
        gone = feeds.delete_feed(write, feed_name)
    flash(f"The feed {feed_name} and its {gone:,} versions are deleted; its history stays.", "success")
    return redirect(url_for("feeds.index"))
