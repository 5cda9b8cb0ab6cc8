"""A feed: what is in it, how to use it, uploading to it."""

from __future__ import annotations

from typing import BinaryIO, cast

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.domain.errors import AppError, Invalid
from app.domain.permissions import Permission
from app.domain.promotion import Accepts
from app.plugin.format import FeedAddress
from app.plugin.records import State
from app.services import access, history, listings, newest, packages, publishing, remotesearch
from app.services.history import HistoryFilter
from app.services.listings import Listing
from app.services.overview import versions_ahead
from app.services.runtime import Work
from app.services.sources import reach_of
from app.storage.models import Feed
from app.web.addresses import Addresses, KnownFeed
from app.web.bodies import chunks_of
from app.web.extensions import runtime
from app.web.pages.locks import locked
from app.web.pages.session import current_actor, end_reading, extension, page_work
from app.web.rendering import Paging

blueprint = Blueprint("feed", __name__)
PER_PAGE = 20


def address_of(work: Work, feed: Feed) -> FeedAddress:
    """Give both addresses of a feed, as whoever looks reaches the server."""
    addresses = cast("Addresses", extension("addresses"))
    server = addresses.server_url(request.scheme, request.host)
    return addresses.feed_address(KnownFeed(feed.name, f"/{work.get_format(feed.format).prefix}/{feed.name}"), server)


def may(work: Work, feed: Feed) -> dict[str, bool]:
    """Say what whoever looks may do with a feed."""
    open_ = feed.active and feed.accepts != Accepts.PROMOTIONS
    return {
        "upload": open_ and access.allowed(work, Permission.ADD_PACKAGE, feed),
        "unlist": open_ and access.allowed(work, Permission.UNLIST_PACKAGE, feed),
        "delete": open_ and access.allowed(work, Permission.DELETE_PACKAGE, feed),
        "pull": open_ and access.allowed(work, Permission.PULL_PACKAGE, feed),
        "download": access.allowed(work, Permission.DOWNLOAD_PACKAGE, feed),
        "manage": access.allowed(work, Permission.MANAGE_FEED, feed),
    }


def header(work: Work, feed: Feed) -> dict[str, object]:
    """Give what every page of a feed shows above its tabs."""
    counted = listings.counts(work, [feed.id]).get(feed.id, (0, 0, 0))
    _, promoted = history.records(work, HistoryFilter(feed=feed.name, limit=1))
    ahead = versions_ahead(work)
    stages = [(target, ahead.get((feed.id, target.id), 0)) for target in feed.targets]
    return {
        "feed": feed,
        "format": work.get_format(feed.format),
        "address": address_of(work, feed),
        "may": may(work, feed),
        "locked": locked(work, feed),
        "counted": counted,
        "promoted": promoted,
        "stages": [stage for stage in stages if access.allowed(work, Permission.VIEW_FEED, stage[0])],
    }


def page_number() -> int:
    """Give the page that the address asks for, from 1."""
    text = request.args.get("page", "1")
    return max(int(text), 1) if text.isdigit() and len(text) < 9 else 1


def sorting(otherwise: str) -> tuple[str, str, bool]:
    """Give the sort that the address asks for: as it stands there, its key, whether it descends."""
    sort = request.args.get("sort", otherwise)
    return sort, sort.removeprefix("-"), sort.startswith("-")


@blueprint.get("/feeds/<feed_name>")
def show(feed_name: str) -> str:
    """Show a feed's packages, or with ``state=remote`` what its connectors offer."""
    work = page_work()
    feed = access.get_feed(work, feed_name)
    if request.args.get("state") == "remote":
        return _show_remote(work, feed)
    sort, key, descending = sorting("name")
    page = page_number()
    listing = Listing(
        request.args.get("q", "").strip(),
        prerelease=request.args.get("prerelease") != "without",
        unlisted=request.args.get("listed") == "all",
        state=_held_state(),
        behind=request.args.get("behind") == "yes",
        sort=key,
        descending=descending,
        offset=(page - 1) * PER_PAGE,
        limit=PER_PAGE,
    )
    lines, total = listings.list_packages(work, feed, listing)
    return render_template(
        "feed/packages.html",
        **header(work, feed),
        lines=lines,
        listing=listing,
        sort=sort,
        paging=Paging(page, PER_PAGE, total),
        example=lines[0] if lines else None,
        looked_at=newest.looked_at(work, feed) if feed.links else None,
    )


def _held_state() -> str:
    state = request.args.get("state", "")
    return state if state in (State.LOCAL, State.CACHED) else ""


def _show_remote(work: Work, feed: Feed) -> str:
    """Show what a feed's connectors find for a text; what the feed holds of it is marked."""
    text, page = request.args.get("q", "").strip(), page_number()
    shown = header(work, feed)
    reach = reach_of(work, feed)
    end_reading()
    prerelease = request.args.get("prerelease") != "without"
    offset = (page - 1) * PER_PAGE
    found = remotesearch.find(runtime(), reach, text, prerelease=prerelease, offset=offset, limit=PER_PAGE)
    work = page_work()
    feed = access.get_feed(work, feed.name)
    held = packages.by_keys(work, feed, [reach.format.name_key(line.name) for line, _ in found.lines])
    return render_template(
        "feed/remote.html",
        **{**shown, "feed": feed},
        found=found,
        text=text,
        page=page,
        held={package.name: package for package in held},
        connected=bool(reach.links),
    )


@blueprint.post("/feeds/<feed_name>/newest")
def look(feed_name: str) -> Response:
    """Look for newer versions of what the feed holds, as a job."""
    end_reading()
    with runtime().writing(current_actor()) as work:
        number = newest.start(work, feed_name).id
    return redirect(url_for("jobs.show", number=number))


@blueprint.get("/feeds/<feed_name>/promotions")
def promoted(feed_name: str) -> str:
    """Show the promotions into and out of a feed."""
    work = page_work()
    feed = access.get_feed(work, feed_name)
    page = page_number()
    lines, total = history.records(work, HistoryFilter(feed=feed.name, offset=(page - 1) * PER_PAGE, limit=PER_PAGE))
    return render_template(
        "feed/promotions.html", **header(work, feed), lines=lines, paging=Paging(page, PER_PAGE, total)
    )


@blueprint.post("/feeds/<feed_name>/upload")
def upload(feed_name: str) -> Response | tuple[Response, int]:
    """Publish the files of a form, one after the other; each is there or refused by itself."""
    access.get_feed(page_work(), feed_name, Permission.ADD_PACKAGE)
    end_reading()
    files = [file for file in request.files.getlist("file") if file.filename]
    if not files:
        return _said(feed_name, [], [Invalid("Choose a package file first.")])
    done, failed = [], []
    for file in files:
        try:
            done.append(_publish(feed_name, file))
        except AppError as error:
            error.message = f"{file.filename}: {error.message}"
            failed.append(error)
    return _said(feed_name, done, failed)


def _publish(feed_name: str, file: FileStorage) -> str:
    published = publishing.publish(
        runtime(), current_actor(), feed_name, chunks_of(cast("BinaryIO", file.stream)), file.filename or "upload"
    )
    return f"{published.name} {published.version}" + ("" if published.created else " (was there already)")


def _said(feed_name: str, done: list[str], failed: list[AppError]) -> Response | tuple[Response, int]:
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        if failed:
            return jsonify(detail=failed[0].message, code=failed[0].code), failed[0].status
        return jsonify(message=", ".join(done))
    if done:
        flash(f"Published {', '.join(done)}.", "success")
    for error in failed:
        flash(error.message, "error")
    return redirect(url_for("feed.show", feed_name=feed_name))
