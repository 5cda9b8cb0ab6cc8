"""Administration: what is loaded, what was done, and where the rest is done."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request

from app.domain.permissions import Permission
from app.services import access, events
from app.services.events import EventFilter
from app.storage.models import Event
from app.web.extensions import runtime
from app.web.pages.exports import Cell, csv_file, json_file
from app.web.pages.feed import page_number
from app.web.pages.security.frame import side_links
from app.web.pages.session import current_actor, page_work
from app.web.rendering import Paging

blueprint = Blueprint("administration", __name__, url_prefix="/administration")
PER_PAGE = 50
_EXPORT_AT_ONCE = 1000
COLUMNS = ("No.", "Date", "User", "Event", "Feed", "Subject", "Detail", "Hash")
KEYS = ("id", "date", "user", "event", "feed", "subject", "detail", "hash")


@blueprint.get("/")
def index() -> str:
    """Show what there is to administer."""
    access.require(page_work(), Permission.CONFIGURE)
    return render_template("administration/index.html", plugins=runtime().plugins)


# The event log ----------------------------------------------------------------------------------------


@blueprint.get("/events")
def event_log() -> str:
    """Show everything that was done, newest first."""
    work, page = page_work(), page_number()
    found, total = events.find(work, _filter(offset=(page - 1) * PER_PAGE, limit=PER_PAGE))
    return render_template(
        "administration/events.html",
        side=side_links(work, "administration.event_log"),
        events=found,
        paging=Paging(page, PER_PAGE, total),
        feeds=[("", "Any feed"), *((feed.name, feed.name) for feed in access.visible_feeds(work))],
        tags=[("", "Any event"), *((tag, tag.replace("-", " ")) for tag in events.tags(work))],
        filtered=any(request.args.get(name) for name in ("q", "feed", "tag", "person", "since", "until")),
    )


@blueprint.get("/events.csv")
def events_csv() -> Response:
    """Give the events that match as CSV."""
    access.require(page_work(), Permission.CONFIGURE)
    return csv_file("events.csv", COLUMNS, map(_values, _all_events()))


@blueprint.get("/events.json")
def events_json() -> Response:
    """Give the events that match as JSON."""
    access.require(page_work(), Permission.CONFIGURE)
    return json_file("events.json", KEYS, map(_values, _all_events()))


def _filter(*, before: int | None = None, offset: int = 0, limit: int) -> EventFilter:
    def asked(name: str) -> str:
        return request.args.get(name, "").strip()

    return EventFilter(
        tag=asked("tag"),
        feed=asked("feed"),
        actor=asked("person"),
        text=asked("q"),
        since=asked("since"),
        until=asked("until"),
        before=before,
        offset=offset,
        limit=limit,
    )


def _all_events() -> Iterator[Event]:
    actor, before = current_actor(), 2**31 - 1
    while True:
        with runtime().reading(actor) as work:
            found, _ = events.find(work, _filter(before=before, limit=_EXPORT_AT_ONCE))
        yield from found
        if len(found) < _EXPORT_AT_ONCE:
            return
        before = found[-1].id


def _values(event: Event) -> tuple[Cell, ...]:
    detail = json.dumps(event.data, ensure_ascii=False, sort_keys=True)
    return event.id, event.at, event.actor, event.tag, event.feed, event.subject, detail, event.hash


@blueprint.get("/plugins")
def plugins() -> str:
    """List the plugins: what they brought, where they came from, why one was skipped."""
    access.require(page_work(), Permission.CONFIGURE)
    found = runtime().plugins
    side = side_links(page_work(), "administration.plugins")
    return render_template("administration/plugins.html", side=side, sources=found.sources, formats=found.formats)
