"""Who let what in, when and why: the history of the site, its records, its export."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request

from app.domain.errors import Unauthenticated
from app.services import access, history
from app.services.history import HistoryFilter, HistoryLine
from app.web.extensions import runtime
from app.web.pages.exports import csv_file, json_file
from app.web.pages.feed import page_number
from app.web.pages.session import current_actor, page_work
from app.web.rendering import Paging

blueprint = Blueprint("promotions", __name__, url_prefix="/promotions")
PER_PAGE = 20
_EXPORT_AT_ONCE = 1000
COLUMNS = (
    "No.",
    "Date",
    "From Feed",
    "To Feed",
    "User",
    "Format",
    "Package",
    "Version",
    "Outcome",
    "Digest",
    "Comments",
)
KEYS = ("id", "date", "fromFeed", "toFeed", "user", "format", "package", "version", "outcome", "digest", "comments")


def _check_visitor() -> None:
    """Ask a visitor to sign in who may see no feed: then there is nothing for them here."""
    work = page_work()
    if work.actor.anonymous and not access.visible_feeds(work):
        raise Unauthenticated("Sign in to see the promotions.")


def _filter(*, offset: int = 0, limit: int = PER_PAGE) -> HistoryFilter:
    asked = request.args
    return HistoryFilter(
        feed=asked.get("feed", ""),
        format=asked.get("format", ""),
        text=asked.get("q", "").strip(),
        person=asked.get("person", "").strip(),
        since=asked.get("since", ""),
        until=asked.get("until", ""),
        offset=offset,
        limit=limit,
    )


@blueprint.get("/")
def index() -> str:
    """Show the promotions of every feed that one may see, newest first."""
    _check_visitor()
    work, page = page_work(), page_number()
    access_feeds = access.visible_feeds(work)
    lines, total = history.records(work, _filter(offset=(page - 1) * PER_PAGE))
    return render_template(
        "promotions/index.html",
        lines=lines,
        paging=Paging(page, PER_PAGE, total),
        feeds=[("", "Any feed"), *((feed.name, feed.name) for feed in access_feeds)],
        formats=[("", "Any format"), *((f.key, f.title) for f in runtime().plugins.formats.values())],
        filtered=any(request.args.get(name) for name in ("q", "feed", "format", "person", "since", "until")),
    )


@blueprint.get("/<int:number>")
def record(number: int) -> str:
    """Show one promotion with its items."""
    _check_visitor()
    found, items = history.get_record(page_work(), number)
    visible = {feed.name for feed in access.visible_feeds(page_work())}
    return render_template("promotions/record.html", promotion=found, items=items, visible=visible)


@blueprint.get("/export.csv")
def export_csv() -> Response:
    """Give the promoted versions that match as CSV."""
    _check_visitor()
    return csv_file("promotions.csv", COLUMNS, map(_values, _all_lines()))


@blueprint.get("/export.json")
def export_json() -> Response:
    """Give the promoted versions that match as JSON, one object a line within one array."""
    _check_visitor()
    return json_file("promotions.json", KEYS, map(_values, _all_lines()))


def _all_lines() -> Iterator[HistoryLine]:
    actor, offset = current_actor(), 0
    while True:
        with runtime().reading(actor) as work:
            lines, _ = history.versions(work, _filter(offset=offset, limit=_EXPORT_AT_ONCE))
        yield from lines
        offset += len(lines)
        if len(lines) < _EXPORT_AT_ONCE:
            return


def _values(line: HistoryLine) -> tuple[str | int, ...]:
    p = line.promotion
    at = p.at.isoformat(timespec="seconds")
    return (
        *(p.id, at, p.source_name, p.target_name, p.actor, p.format),
        *(line.name, line.version, line.outcome, line.digest, p.comments),
    )
