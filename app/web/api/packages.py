"""Packages by API: list, download, upload, delete and change versions of one feed, for every format alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Response, current_app, request

from app.domain.errors import Conflict, Forbidden, Invalid, InvalidPackage
from app.domain.permissions import Permission
from app.plugin.format import FeedFormat
from app.plugin.records import FileRecord, PackageRecord, VersionRecord
from app.plugin.web import json_response, text_response
from app.services import access, listings, packages, publishing
from app.services.listings import Listing
from app.services.runtime import Work
from app.storage.models import Feed
from app.web.api import purls
from app.web.api.answers import as_bad_request, make_blueprint, moment
from app.web.api.calls import Call, Fields, receive, without_nothing
from app.web.api.identifiers import GROUPS, Meant, choose_file, files_by_qualifier, name_in, version_in
from app.web.serving import RequestedFeed, Serving

blueprint = make_blueprint("packages", "/api/packages/<feed_name>")
_ALIASES = (packages.LATEST, packages.LATEST_STABLE, packages.LATEST_UNSTABLE)
_NO_REASON = "This version is deprecated."


def _open(feed_name: str, permission: Permission, *, body: bool = True) -> tuple[Call, Feed, FeedFormat]:
    call = receive(body=body)
    feed = access.get_feed(call.work, feed_name, permission)
    if not feed.active:
        raise Forbidden(f"The feed {feed.name} is deactivated; activate it in its settings first.", code="inactive")
    return call, feed, call.work.get_format(feed.format)


def _served(call: Call, feed: Feed) -> RequestedFeed:
    serving: Serving = current_app.extensions["promontory.serving"]
    return RequestedFeed(serving, call.work, feed, request, "", call.expires)


# Read -------------------------------------------------------------------------------------------------


@blueprint.get("", strict_slashes=False)
@blueprint.get("/", strict_slashes=False)
def probe(feed_name: str) -> Response:
    """Say what a feed is; the vendor's client asks before it downloads or deletes."""
    _, feed, format = _open(feed_name, Permission.VIEW_FEED)
    about = {"id": feed.id, "name": feed.name, "feedType": format.key, "packageType": format.purl_type}
    return json_response(about)


@blueprint.get("/latest", strict_slashes=False)
def latest(feed_name: str) -> Response:
    """Give the newest version of each package, or of one."""
    call, feed, format = _open(feed_name, Permission.VIEW_FEED)
    stable = bool(call.fields.flag("stableOnly"))
    name = name_in(call.fields, format)
    if name is not None:
        found = _newest(packages.find_package(call.work, feed, name), stable=stable)
    else:
        listing = Listing(prerelease=not stable, group=call.fields.find(*GROUPS), limit=None)
        found = listings.newest_versions(call.work, feed, listing)
    return json_response([each for version, total in found for each in _infos(format, version, total)])


def _newest(package: PackageRecord | None, *, stable: bool) -> Iterator[tuple[VersionRecord, int]]:
    if package is None:
        return
    wanted = package.latest_stable if stable else package.latest
    for version in package.versions:
        if version.version == wanted:
            yield version, _total(package.versions)


def _total(versions: Iterable[VersionRecord]) -> int:
    return sum(version.downloads for version in versions)


@blueprint.get("/versions", strict_slashes=False)
def versions(feed_name: str) -> Response:
    """Give every version of a package, of a group or of the feed."""
    call, feed, format = _open(feed_name, Permission.VIEW_FEED)
    name, version = name_in(call.fields, format), call.fields.text("version")
    if name is None:
        found: Iterable[VersionRecord] = listings.all_versions(call.work, feed, call.fields.find(*GROUPS))
    else:
        package = packages.find_package(call.work, feed, name)
        found = package.versions if package is not None else ()
    answer = list[tuple[str, dict[str, Any]]]()
    totals = dict[str, int]()
    for each in found:
        totals[each.name] = totals.get(each.name, 0) + each.downloads
        if not version or _is_version(format, each, version):
            answer.extend((each.name, info) for info in _infos(format, each, 0))
    return json_response([{**info, "totalDownloads": totals[name]} for name, info in answer])


def _is_version(format: FeedFormat, held: VersionRecord, wanted: str) -> bool:
    try:
        return held.key == format.version_key(wanted)
    except InvalidPackage:
        return False


def _infos(format: FeedFormat, version: VersionRecord, total: int) -> Iterator[dict[str, Any]]:
    for qualifier, file in files_by_qualifier(format, version).items():
        yield _info(format, version, qualifier, file, total)


def _info(format: FeedFormat, version: VersionRecord, qualifier: str, file: FileRecord, total: int) -> dict[str, Any]:
    group, name = format.split_name(version.name)
    digests = file.digests
    return without_nothing(
        {
            "purl": purls.build(format, version.name, version.version, qualifier),
            "group": group or None,
            "name": name,
            "version": version.version,
            "qualifier": qualifier or None,
            "totalDownloads": total,
            "downloads": version.downloads,
            "published": moment(version.published),
            "publishedBy": version.published_by,
            "size": digests.size,
            "listed": version.listed,
            "md5": digests.md5,
            "sha1": digests.sha1,
            "sha256": digests.sha256,
            "sha512": digests.sha512,
            "deprecated": bool(version.deprecated),
            "deprecationReason": version.deprecated or None,
        }
    )


@blueprint.get("/download", strict_slashes=False)
def download(feed_name: str) -> Response:
    """Give a version's file; ``latest``, ``latest-stable`` and ``latest-unstable`` are resolved here."""
    call, feed, format = _open(feed_name, Permission.DOWNLOAD_PACKAGE)
    file = _file(call.work, feed, format, version_in(call.fields, format))[1]
    return _served(call, feed).send(file, "application/octet-stream", format.filename(file.manifest))


def _file(work: Work, feed: Feed, format: FeedFormat, meant: Meant) -> tuple[VersionRecord, FileRecord]:
    version = packages.get_version(work, feed, meant.name, meant.version)
    return version, choose_file(format, version, meant.qualifier)


@blueprint.get("/metadata", strict_slashes=False)
def metadata(feed_name: str) -> Response:
    """Describe a version and its files; vulnerabilities and compliance are left out, because nothing looked."""
    call, feed, format = _open(feed_name, Permission.VIEW_FEED)
    meant = version_in(call.fields, format)
    version = packages.get_version(call.work, feed, meant.name, meant.version)
    common = {
        "published": moment(version.published),
        "publishedBy": version.published_by,
        "state": version.state.capitalize(),
    }
    status = _status_of(version)
    terms = version.main.manifest.license
    artifacts = [
        {"qualifier": qualifier, "name": file.filename, "size": file.digests.size, **common, "status": status}
        for qualifier, file in files_by_qualifier(format, version).items()
    ]
    return json_response(
        {
            **_named(format, version.name),
            "version": version.version,
            **common,
            "size": version.size,
            "downloads": version.downloads,
            "artifacts": [{**artifact, "downloads": version.downloads} for artifact in artifacts],
            "licenses": [{"code": terms, "title": terms}] if terms else [],
            "status": status,
        }
    )


def _status_of(version: VersionRecord) -> dict[str, bool]:
    return {"deprecated": bool(version.deprecated), "listed": version.listed, "allowDownload": True}


def _named(format: FeedFormat, full_name: str) -> dict[str, str]:
    group, name = format.split_name(full_name)
    return {"group": group, "name": name} if group else {"name": name}


@blueprint.post("/audit", strict_slashes=False)
def audit(feed_name: str) -> Response:
    """Answer that nothing was analysed: no policy is kept here against which a version could comply."""
    call, feed, format = _open(feed_name, Permission.VIEW_FEED)
    meant = version_in(call.fields, format)
    version = packages.get_version(call.work, feed, meant.name, meant.version)
    text = f"Inconclusive: {version.name} {version.version} was not analysed; no policies are kept here."
    now = moment(datetime.now(UTC))
    return json_response({"resultCode": "I", "analysisDate": now, "detail": text, "statusText": text})


# Write ------------------------------------------------------------------------------------------------


@blueprint.route("/upload", methods=["PUT", "POST"], strict_slashes=False)
@blueprint.route("/upload/<path:filename>", methods=["PUT", "POST"], strict_slashes=False)
def upload(feed_name: str, filename: str = "") -> Response:
    """Publish the file that the body is; what it is called does not matter, its bytes say what it is."""
    call, feed, format = _open(feed_name, Permission.ADD_PACKAGE, body=False)
    if request.mimetype == "multipart/form-data":
        raise Invalid("A multipart body is not taken here; send the file itself as the body (curl --upload-file).")
    with as_bad_request(Conflict):
        done = _served(call, feed).publish(request.stream, filename.rpartition("/")[2])
    purl = purls.build(format, done.name, done.version)
    return json_response({**_named(format, done.name), "version": done.version, "purl": purl, "created": done.created})


@blueprint.route("/delete", methods=["POST", "DELETE"], strict_slashes=False)
def delete(feed_name: str) -> Response:
    """Delete a version, or with a qualifier one file of it; a deletion names its version, never an alias."""
    call, feed, format = _open(feed_name, Permission.DELETE_PACKAGE)
    meant = _exactly(version_in(call.fields, format))
    version, file = _file(call.work, feed, format, meant)
    only_one = bool(meant.qualifier) and len(files_by_qualifier(format, version)) > 1
    with call.writing() as work:
        if only_one:
            publishing.delete_file(work, feed.name, meant.name, version.version, file.variant)
        else:
            publishing.delete_versions(work, feed.name, meant.name, [version.version])
    return text_response("")


def _exactly(meant: Meant) -> Meant:
    if meant.version in _ALIASES:
        raise Invalid(f"{meant.version!r} is no exact version; name the one that is to change.", code="alias")
    return meant


@blueprint.route("/status", methods=["POST", "PUT"], strict_slashes=False)
def status(feed_name: str) -> Response:
    """Change whether a version is listed or deprecated; what is not sent stays."""
    call, feed, format = _open(feed_name, Permission.UNLIST_PACKAGE)
    fields, meant = call.fields, _exactly(version_in(call.fields, format))
    if fields.flag("allow") is False:
        raise Invalid("Blocking downloads of a version is not offered; unlist it, or delete it.", code="not-offered")
    version = packages.get_version(call.work, feed, meant.name, meant.version)
    listed, message = fields.flag("listed"), _deprecation(fields, version)
    with call.writing() as work:
        if listed is not None and listed != version.listed:
            publishing.set_listed(work, feed.name, meant.name, version.version, listed=listed)
        if message is not None:
            publishing.set_deprecated(work, feed.name, meant.name, {version.version: message})
    return text_response("")


def _deprecation(fields: Fields, version: VersionRecord) -> str | None:
    """Give the new deprecation message (empty: none), or None where it stays."""
    deprecated, reason = fields.flag("deprecated"), fields.find("deprecationReason")
    if deprecated is False:
        return ""
    if deprecated is None and (reason is None or not version.deprecated):
        return reason or None
    return reason or version.deprecated or _NO_REASON
