"""A version of a package in a feed: what it is, what it needs, what is in it, who let it in; changing its status."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from typing import cast

from flask import Blueprint, Response, flash, render_template, request, url_for
from flask import redirect as redirect_to
from werkzeug.wrappers import Response as BaseResponse

from app.domain.connectors import RemoteUse
from app.domain.errors import AppError, Conflict, Forbidden, Invalid, InvalidPackage, NotFound, TooLarge
from app.domain.names import fold
from app.domain.permissions import Permission
from app.plugin.format import Entry, FeedFormat
from app.plugin.records import FileRecord, PackageRecord, State, VersionRecord
from app.plugin.web import attachment
from app.services import access, dependencies, history, offers, packages, promotions, provenance, publishing
from app.services.history import HistoryFilter
from app.services.runtime import Work
from app.services.sources import reach_of
from app.storage.models import Feed
from app.web.documents import answer_file
from app.web.extensions import runtime
from app.web.pages import contents
from app.web.pages.feed import address_of, may, page_number
from app.web.pages.locks import locked, locked_promotion
from app.web.pages.package import look, promote_link, tags_by_version
from app.web.pages.session import current_actor, end_reading, extension, page_work
from app.web.rendering import Paging
from app.web.serving import Serving

blueprint = Blueprint("version", __name__)
PER_PAGE = 20
ENTRY_LIMIT = 64 * 1024 * 1024
"""Bytes of a single file inside a package that are sent; whoever wants more takes the whole package."""
_ADDRESS = "/feeds/<feed_name>/versions/<version>/<path:name>"
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()+@-]")


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold the version that a page is about, with its feed and package."""

    work: Work
    feed: Feed
    format: FeedFormat
    package: PackageRecord
    version: VersionRecord
    may: dict[str, bool]


def _see(feed_name: str, name: str, version: str, permission: Permission = Permission.VIEW_FEED) -> Seen:
    work = page_work()
    feed = access.get_feed(work, feed_name, permission)
    format = work.get_format(feed.format)
    package, _ = look(work, feed, name, remote=False)
    found, rights = _find(format, package, version), may(work, feed)
    if found is None and permission is Permission.VIEW_FEED:
        package, _ = look(work, feed, name, remote=True)
        found = _find(format, package, version)
    if found is None:
        raise packages.unknown_version(feed, package, version)
    if found.state is State.REMOTE:
        if permission is not Permission.VIEW_FEED:
            raise _only_remote(feed, found)
        found = _with_details(work, feed, found)
        rights = {**rights, "download": False, "unlist": False, "delete": False}
    return Seen(work, feed, format, package, found, rights)


def _find(format: FeedFormat, package: PackageRecord, version: str) -> VersionRecord | None:
    try:
        return package.version(format.version_key(packages.resolve_alias(package, version) or version))
    except InvalidPackage:
        return None


def _only_remote(feed: Feed, version: VersionRecord) -> NotFound:
    return NotFound(
        f"{version.name} {version.version} is not in {feed.name}; {version.connector} offers it: pull it first.",
        code="remote",
    )


def _with_details(work: Work, feed: Feed, version: VersionRecord) -> VersionRecord:
    """Give a remote version with what its source says when asked further: its dependencies, a readme."""
    reach = reach_of(work, feed)
    offer = offers.offer_for(work, feed, reach, version.name)
    offered = offer.versions.get(version.key)
    if offered is not None and offered.version.manifest is None:
        try:
            source = work.runtime.sources.upstream(work.runtime, reach.format, offered.link)
            found = source.details(offered.version)
            version = offers.remote_record(reach.format, offers.Offered(offered.link, found, offered.key))
        except AppError:
            pass
    return offers.with_readme(version, offer.readme)


# Tabs -------------------------------------------------------------------------------------------------


@blueprint.get(_ADDRESS)
def show(feed_name: str, version: str, name: str) -> str:
    """Show one of a version's tabs."""
    seen = _see(feed_name, name, version)
    tab = request.args.get("tab", "overview")
    here = _TABS if seen.version.state is not State.REMOTE else ("overview", "dependencies", "promotions")
    tab = tab if tab in here else "overview"
    return render_template(f"version/{tab}.html", tab=tab, **_header(seen), **_TABS[tab](seen))


def _header(seen: Seen) -> dict[str, object]:
    """Give what every tab shows: the head of the page and the cards beside."""
    record, key = seen.version, seen.package.key
    remote = record.state is State.REMOTE
    may_read = access.allowed(seen.work, Permission.DOWNLOAD_PACKAGE, seen.feed)
    choices = promotions.target_choices(seen.work, seen.feed) if may_read else []
    line = HistoryFilter(format=seen.feed.format, name_key=key, version_key=record.key, limit=1)
    held = provenance.places(seen.work, seen.feed.format, key)
    here = held.get(record.key, ())
    return {
        "feed": seen.feed,
        "format": seen.format,
        "package": seen.package,
        "version": record,
        "may": seen.may,
        "remote": remote,
        "pull_url": url_for("pull.dialog", feed=seen.feed.name, item=f"{record.name}@{record.version}"),
        "locked": locked(seen.work, seen.feed),
        "promotion_lock": locked_promotion(seen.work, seen.feed, choices),
        "tags": tags_by_version(seen.package).get(record.version, []),
        "choices": choices,
        "promotable": any(choice.offered for choice in choices),
        "promote_url": lambda **more: promote_link(seen.feed, record.name, record.version, **more),
        "promoted": history.versions(seen.work, line)[1],
        "places": here,
        "other_places": _without(held, {place.feed for place in here}, record.key),
    }


def _without(held: dict[str, tuple[provenance.Place, ...]], having: set[str], key: str) -> list[tuple[str, bool]]:
    """Give the feeds that hold other versions only, and whether all of those are older."""
    newest: dict[str, str] = {}
    for other in sorted(held):
        newest.update({place.feed: other for place in held[other] if place.feed not in having})
    return [(feed, newest[feed] < key) for feed in sorted(newest)]


def _overview(seen: Seen) -> dict[str, object]:
    record = seen.version
    address = address_of(seen.work, seen.feed)
    return {
        "snippets": seen.format.install_snippets(address, record.name, record.version) if _is_served(seen) else [],
        "details": seen.format.details([file.manifest for file in record.files]),
        "arrival": provenance.arrivals(seen.work, seen.feed, seen.package.key).get(record.key),
        "visible": {feed.name for feed in access.visible_feeds(seen.work)},
    }


def _is_served(seen: Seen) -> bool:
    """Tell whether clients are given the version: one that is only remote where the feed serves and caches."""
    return seen.version.state is not State.REMOTE or seen.feed.remote == RemoteUse.CACHE


def _dependencies(seen: Seen) -> dict[str, object]:
    found = dependencies.needs(seen.work, seen.feed, seen.version.main.manifest.dependencies)
    order = list(dict.fromkeys(need.dependency.group for need in found))
    found.sort(key=lambda need: order.index(need.dependency.group))
    return {"groups": [(group, list(each)) for group, each in groupby(found, lambda need: need.dependency.group)]}


def _promotions(seen: Seen) -> dict[str, object]:
    page = page_number()
    wanted = HistoryFilter(
        format=seen.feed.format,
        name_key=seen.package.key,
        version_key=seen.version.key,
        offset=(page - 1) * PER_PAGE,
        limit=PER_PAGE,
    )
    lines, total = history.versions(seen.work, wanted)
    visible = {feed.name for feed in access.visible_feeds(seen.work)}
    named = {name for line in lines for name in (line.promotion.source_name, line.promotion.target_name)}
    link: Callable[[str], str] = lambda name: url_for("feed.show", feed_name=name)  # noqa: E731 - handed to a macro
    return {"lines": lines, "paging": Paging(page, PER_PAGE, total), "feed_url": link if named <= visible else None}


def _manage(seen: Seen) -> dict[str, object]:
    if not (seen.may["unlist"] or seen.may["delete"]):
        access.require(seen.work, Permission.UNLIST_PACKAGE, seen.feed)
        raise Forbidden(f"Nothing can be changed in {seen.feed.name}: it takes promotions only, or is deactivated.")
    return {}


def _files(seen: Seen) -> dict[str, object]:
    if not seen.may["download"]:
        return {"folder": None, "text": None, "trail": [], "problem": ""}
    path, variant = request.args.get("path", ""), request.args.get("variant", "")
    chosen = _variant(seen, variant)
    shared: dict[str, object] = {"chosen": chosen, "folder": None, "text": None, "problem": ""}
    try:
        entries = _entries(seen, chosen)
        if path:
            data = _read(seen, chosen, path, contents.TEXT_LIMIT + 1)
            size = next((entry.size for entry in entries if entry.path == path), len(data))
            return {**shared, "text": contents.as_text(path, data), "size": size, "trail": contents.parents(path)}
    except InvalidPackage as error:
        return {**shared, "problem": error.message, "trail": []}
    return {**shared, **_folder(entries, request.args.get("folder", "").strip("/"))}


def _folder(entries: list[Entry], path: str) -> dict[str, object]:
    folder = contents.open_folder(entries, path)
    if path and not folder.total:
        raise NotFound(f"There is no folder {path!r} in this file; start at the top.", code="unknown-folder")
    return {"folder": folder, "trail": contents.parents(path)}


_TABS: dict[str, Callable[[Seen], dict[str, object]]] = {
    "overview": _overview,
    "dependencies": _dependencies,
    "files": _files,
    "promotions": _promotions,
    "manage": _manage,
}


# Bytes ------------------------------------------------------------------------------------------------


def _variant(seen: Seen, variant: str) -> FileRecord:
    if not variant:
        return seen.version.main
    for file in seen.version.files:
        if file.variant == variant:
            return file
    raise NotFound(
        f"There is no file {variant!r} of {seen.version.name} {seen.version.version}; see its files.",
        code="unknown-file",
    )


def _entries(seen: Seen, file: FileRecord) -> list[Entry]:
    with runtime().blobs.open(file.digests.sha256) as stream:
        return list(seen.format.entries(stream))


def _read(seen: Seen, file: FileRecord, path: str, limit: int) -> bytes:
    with runtime().blobs.open(file.digests.sha256) as stream:
        return seen.format.read_entry(stream, path, limit)


@blueprint.get("/feeds/<feed_name>/download/<version>/<path:name>")
def download(feed_name: str, version: str, name: str) -> Response:
    """Send a version's file, and count the download."""
    seen = _see(feed_name, name, version, Permission.DOWNLOAD_PACKAGE)
    file = _variant(seen, request.args.get("variant", ""))
    answer = answer_file(request, runtime().blobs, file, "application/octet-stream", None, private=True)
    # Unlike a client's address this one depends on who is signed in, and on what the feed holds now.
    answer.cache_control.clear()
    answer.cache_control.private = answer.cache_control.no_cache = True
    if request.method == "GET" and answer.status_code == 200:
        serving = cast("Serving", extension("serving"))
        serving.downloads.count((fold(seen.feed.name), seen.package.key, seen.version.key))
    return answer


@blueprint.get("/feeds/<feed_name>/files/<version>/<path:name>")
def entry(feed_name: str, version: str, name: str) -> Response:
    """Send one file from inside a package, always to be saved and never to be shown."""
    seen = _see(feed_name, name, version, Permission.DOWNLOAD_PACKAGE)
    path = request.args.get("path", "")
    if not path:
        raise Invalid("Say which file, as ?path=.", code="no-path")
    data = _read(seen, _variant(seen, request.args.get("variant", "")), path, ENTRY_LIMIT + 1)
    if len(data) > ENTRY_LIMIT:
        raise TooLarge(f"{path!r} has more than {ENTRY_LIMIT:,} bytes; download the whole package.")
    answer = Response(data, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = attachment(path.rpartition("/")[2])
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


# Changes ----------------------------------------------------------------------------------------------


def _writing() -> AbstractContextManager[Work]:
    # Asking who acts reads the database too; what is read after the change must not be the state before it.
    actor = current_actor()
    end_reading()
    return runtime().writing(actor)


@blueprint.post(f"{_ADDRESS}/status")
def status(feed_name: str, version: str, name: str) -> BaseResponse:
    """List or unlist a version, or set its deprecation message; an empty one takes it back."""
    access.get_feed(page_work(), feed_name, Permission.UNLIST_PACKAGE)
    listed, message = request.form.get("listed"), request.form.get("deprecated")
    back = url_for("version.show", feed_name=feed_name, version=version, name=name)
    try:
        with _writing() as work:
            if listed is not None:
                publishing.set_listed(work, feed_name, name, version, listed=listed == "on")
            if message is not None:
                publishing.set_deprecated(work, feed_name, name, {version: message.strip()})
    except (Invalid, Conflict) as error:
        return _refused(error, f"{back}?tab=manage")
    flash(f"{name} {version} is {_done(listed, message)}.", "success")
    return redirect_to(back)


def _done(listed: str | None, message: str | None) -> str:
    said = [] if listed is None else ["listed" if listed == "on" else "unlisted"]
    if message is not None:
        said.append("deprecated" if message.strip() else "no longer deprecated")
    return " and ".join(said) or "as it was"


@blueprint.post(f"{_ADDRESS}/delete")
def delete(feed_name: str, version: str, name: str) -> BaseResponse:
    """Delete a version whose package's name was typed to confirm it."""
    access.get_feed(page_work(), feed_name, Permission.DELETE_PACKAGE)
    back = url_for("version.show", feed_name=feed_name, version=version, name=name, tab="manage")
    if request.form.get("confirm", "").strip() != name:
        return _refused(Invalid(f"To delete the version, type the package's name: {name}."), back)
    try:
        with _writing() as work:
            publishing.delete_versions(work, feed_name, name, [version])
    except (Invalid, Conflict) as error:
        return _refused(error, back)
    flash(f"{name} {version} is deleted from {feed_name}; its history stays.", "success")
    work = page_work()
    left = packages.find_package(work, access.get_feed(work, feed_name), name)
    if left is None:
        return redirect_to(url_for("feed.show", feed_name=feed_name))
    return redirect_to(url_for("package.show", feed_name=feed_name, name=name))


def _refused(error: AppError, back: str) -> BaseResponse:
    flash(error.message, "error")
    return redirect_to(back)
