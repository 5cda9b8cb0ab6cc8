"""Home: which feeds there are and how they relate; creating one; searching all of them."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.domain.errors import AppError, Unauthenticated
from app.domain.permissions import Permission
from app.domain.promotion import Accepts, PromoteTo
from app.services import access, connectors, history, listings, people
from app.services import feeds as service
from app.services.history import HistoryFilter
from app.services.listings import Listing, PackageLine
from app.services.overview import overview
from app.services.runtime import Work
from app.storage.models import Connector, Feed
from app.web.extensions import runtime
from app.web.pages.security.frame import blame
from app.web.pages.session import current_actor, end_reading, page_work

blueprint = Blueprint("feeds", __name__)

USAGES = [
    SelectChoice("private", "Private: your own packages, published by your own builds"),
    SelectChoice("free", "Free: public packages that somebody wants to try"),
    SelectChoice("validated", "Validated: what was approved; takes promotions only"),
    SelectChoice("mixed", "Mixed: a bit of everything"),
]
_PLACES = {"feed-exists": "name", "invalid-name": "name", "format-mismatch": "connector"}
SAMPLES = ("npm-dev", "npm-test", "npm-prod")


class FeedForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask what a new feed is."""

    format = RadioField("What does it hold?", [InputRequired("Choose a format.")])
    name = StringField(
        "Name",
        [InputRequired("Choose a name."), Length(max=50)],
        description="Letters, digits, dots, dashes; it becomes part of the address, like npm-dev.",
    )
    usage = RadioField("What is it for?", choices=USAGES, default="private")
    group = StringField(
        "Feed group", [Optional(), Length(max=100)], description="A team or a pipeline; new names make new groups."
    )
    target = SelectField("Promotes to", description="The next stage, if there is one already.")
    connector = SelectField(
        "Connector", default="", description="A source of the same format that people can look into here and pull from."
    )


@blueprint.get("/")
def index() -> str | Response:
    """Show the feeds, or the first steps where there is none."""
    work = page_work()
    if not current_user.is_authenticated and not people.any_user(work):
        return redirect(url_for("account.sign_in"))
    found = overview(work)
    if not found.lines and not current_user.is_authenticated:
        raise Unauthenticated("Sign in to see the feeds.")
    may_create = access.allowed(work, Permission.CONFIGURE)
    if not found.lines:
        return render_template("feeds/first_run.html", may_create=may_create, samples=SAMPLES)
    latest, _ = history.records(work, HistoryFilter(limit=6))
    waiting = [
        (step, stage, next_stage)
        for pipeline in found.pipelines
        for step, stage, next_stage in zip(pipeline.steps, pipeline.stages, pipeline.stages[1:], strict=False)
        if step.ahead and step.may_promote
    ]
    return render_template(
        "feeds/index.html", overview=found, latest=latest, waiting=waiting[:3], may_create=may_create
    )


@blueprint.route("/feeds/new", methods=["GET", "POST"])
def create() -> str | Response | tuple[str, int]:
    """Create a feed."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    form = FeedForm()
    form.format.choices = [SelectChoice(f.key, f.title) for f in runtime().plugins.formats.values()]
    if not form.format.data:
        form.format.data = form.format.choices[0].value
    form.target.choices = [
        SelectChoice("", "Any feed of its format"),
        *(SelectChoice(f.name) for f in access.visible_feeds(work)),
    ]
    form.connector.choices = [
        SelectChoice("", "None"),
        *(SelectChoice(each.name, f"{each.name} ({each.format})") for each in _connectors(work)),
    ]
    if not form.validate_on_submit():
        return render_template("feeds/new.html", form=form)
    end_reading()
    change = service.FeedChange(
        group=form.group.data or None,
        accepts=Accepts.PROMOTIONS if form.usage.data == "validated" else None,
        targets=[form.target.data] if form.target.data else None,
        connectors=[form.connector.data] if form.connector.data else None,
    )
    try:
        with runtime().writing(current_actor()) as write:
            feed = service.create_feed(write, (form.name.data or "").strip(), form.format.data, change)
    except AppError as error:
        blame(form, error, _PLACES)
        return render_template("feeds/new.html", form=form), error.status
    flash(f"The feed {feed.name} is there. Point a client at it, or upload a package.", "success")
    return redirect(url_for("feed.show", feed_name=feed.name))


def _connectors(work: Work) -> list[Connector]:
    return connectors.list_connectors(work) if connectors.may_manage_some(work) else []


@blueprint.post("/feeds/samples")
def create_samples() -> Response:
    """Create three npm feeds that lead from development to production."""
    end_reading()
    with runtime().writing(current_actor()) as work:
        for name in reversed(SAMPLES):
            _create_sample(work, name)
    flash("Three feeds are there: publish to npm-dev, promote to npm-test and npm-prod.", "success")
    return redirect(url_for("feeds.index"))


def _create_sample(work: Work, name: str) -> Feed:
    position = SAMPLES.index(name)
    last = position == len(SAMPLES) - 1
    change = service.FeedChange(
        group="Sample pipeline",
        accepts=Accepts.PROMOTIONS if last else None,
        targets=None if last else [SAMPLES[position + 1]],
        promote_to=PromoteTo.DISABLED if last else None,
    )
    return service.create_feed(work, name, "npm", change)


@blueprint.get("/search")
def search() -> str:
    """Find packages by a word in every feed that one may see."""
    work, text = page_work(), request.args.get("q", "").strip()
    feeds = access.visible_feeds(work)
    if not feeds and not current_user.is_authenticated:
        raise Unauthenticated("Sign in to search the feeds.")
    found: list[tuple[Feed, list[PackageLine], int]] = []
    for feed in feeds:
        lines, total = listings.list_packages(work, feed, Listing(text, unlisted=True, limit=10))
        if total:
            found.append((feed, lines, total))
    return render_template("feeds/search.html", text=text, found=found, count=sum(total for _, _, total in found))
