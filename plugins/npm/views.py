"""The npm protocol: what a feed holds, and every way to change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin import Conflict, Invalid, InvalidPackage, NotFound, Permission
from app.plugin.web import PackageRecord, Response, Routes, ServedFeed, json_error, json_response

from .claims import Claim, check_digests, check_revision, check_tag, read_change, read_claim
from .names import check_name, check_new_name, name_of_segment, tarball_name, version_of_tarball
from .packument import (
    ABBREVIATED,
    FULL,
    abbreviated,
    dist_tags,
    find,
    full,
    revision,
    to_bytes,
    version_object,
)
from .publish import read_document

TARBALL = "application/octet-stream"

routes = Routes(error=json_error)


def _known(segment: str) -> str:
    """Give the name in a path; a name that nothing can have is not found."""
    try:
        return check_name(name_of_segment(segment))
    except InvalidPackage as error:
        raise NotFound(error.message, code="unknown-package") from error


# Reading ------------------------------------------------------------------------------------------------


@routes.get("/<name>")
def packument(feed: ServedFeed, name: str) -> Response:
    """Answer with a package's document, abbreviated where the client prefers that."""
    name = _known(name)
    accept = feed.request.accept_mimetypes
    short = accept.quality(ABBREVIATED) > accept.quality(FULL)
    build = abbreviated if short else full
    return feed.document(
        f"{build.__name__}:{name}",
        lambda: to_bytes(build(feed.get_package(name), feed.url)),
        content_type=ABBREVIATED if short else FULL,
        package=name,
        vary=("Accept",),
    )


@routes.get("/<name>/<version>")
def one_version(feed: ServedFeed, name: str, version: str) -> Response:
    """Answer with one version's object; the version may be a tag."""
    name = _known(name)

    def build() -> bytes:
        record = feed.get_package(name)
        wanted = find(record, dist_tags(record).get(version, version))
        if wanted is None:
            raise NotFound(f"There is no version or tag {version[:100]!r} of {name} here.", code="unknown-version")
        return to_bytes(version_object(wanted, feed.url))

    return feed.document(f"version:{name}:{version}", build, content_type=FULL, package=name)


@routes.get("/<name>/-/<filename>", Permission.DOWNLOAD_PACKAGE)
def tarball(feed: ServedFeed, name: str, filename: str) -> Response:
    """Answer with a tarball, whatever the client accepts: some ask for it as if it were a packument."""
    name = _known(name)
    version = version_of_tarball(name, filename)
    file = feed.get_version(name, version).main if version else None
    if file is None or file.filename != filename:
        raise NotFound(f"There is no file {filename[:200]!r} of {name} here.", code="unknown-file")
    return feed.send(file, TARBALL)


@routes.get("/-/npm/v1/keys")
@routes.get("/-/npm/v1/attestations/<subject>")
def no_signatures(feed: ServedFeed, subject: str = "") -> Response:  # noqa: ARG001 - the same for everything
    """Say that this feed signs nothing."""
    raise NotFound("This feed has no signing keys and no attestations.", code="not-signed")


# Publishing and deprecating -----------------------------------------------------------------------------


@routes.route("/<name>", ("PUT",), Permission.ADD_PACKAGE)
def publish(feed: ServedFeed, name: str) -> Response:
    """Publish one version; where no tarball comes along, take over changed messages and tags.

    A version that is there stays there: 409, even for the same bytes, because npm expects to hear of it.
    """
    name = check_name(name_of_segment(name))
    document = read_document(feed.request.stream, feed.store)
    if document.tarball is None:
        return _change(feed, name, document.values)
    claim = read_claim(document.values, name)
    check_digests(claim, document.tarball)
    known, there = feed.holds(name, claim.version)
    if there:
        raise _exists(claim)
    if not known:
        check_new_name(name)
    # The first version of a package is its latest, whatever the client said.
    tags = claim.tags if known else (*claim.tags, "latest")
    filename = tarball_name(name, claim.version)
    published = feed.publish_stored(document.tarball, filename, tags=tags, expect=claim.check)
    if not published.created:
        raise _exists(claim)
    # No client reads a revision from here: each reads the packument before it changes anything.
    return json_response({"ok": True, "success": True, "id": name}, 201)


def _exists(claim: Claim) -> Conflict:
    return Conflict(
        f"{claim.name}@{claim.version} is already published here and cannot be published over; raise the version.",
        code="version-exists",
    )


def _change(feed: ServedFeed, name: str, values: Mapping[str, Any]) -> Response:
    record = feed.get_package(name)
    check_revision(record, values.get("_rev", "*"))
    change = read_change(values, record)
    if change.messages:
        feed.set_deprecated(name, change.messages)
    for tag, version in change.tags.items():
        feed.set_tag(name, tag, version)
    return _done(feed, name, 200)


def _done(feed: ServedFeed, name: str, status: int) -> Response:
    record = feed.package(name)
    facts = {"rev": revision(record)} if record else {}
    return json_response({"ok": True, "success": True, "id": name, **facts}, status)


# Unpublishing -------------------------------------------------------------------------------------------


@routes.route("/<name>/-rev/<rev>", ("PUT",), Permission.DELETE_PACKAGE)
def unpublish_some(feed: ServedFeed, name: str, rev: str) -> Response:
    """Delete the versions that are missing from a packument sent back: the first half of unpublishing one.

    ``npm owner`` comes by here too, and is told that owners are not kept per package.
    """
    record = _revised(feed, name, rev)
    values = read_document(feed.request.stream, feed.store).values
    removed = read_change(values, record).removed
    if len(removed) == len(record.versions):
        raise Invalid("The packument holds no version; to delete the whole package, send DELETE to this address.")
    if not removed and "maintainers" in values:
        raise Invalid(
            "Owners are not kept per package: whoever may publish to the feed may publish this package; "
            "see the feed's permissions.",
            code="no-owners",
        )
    if removed:
        feed.delete_versions(record.name, removed)
    return _done(feed, record.name, 201)


@routes.route("/<name>/-/<filename>/-rev/<rev>", ("DELETE",), Permission.DELETE_PACKAGE)
def unpublish_tarball(feed: ServedFeed, name: str, filename: str, rev: str) -> Response:
    """Delete a version by its file: the second half of unpublishing one, which has mostly nothing left to do."""
    record = _revised(feed, name, rev)
    doomed = [each.version for each in record.versions if each.main.filename == filename]
    if doomed:
        feed.delete_versions(record.name, doomed)
    return _done(feed, record.name, 200)


@routes.route("/<name>/-rev/<rev>", ("DELETE",), Permission.DELETE_PACKAGE)
def unpublish_all(feed: ServedFeed, name: str, rev: str) -> Response:
    """Delete a package."""
    record = _revised(feed, name, rev)
    feed.delete_versions(record.name)
    return _done(feed, record.name, 200)


def _revised(feed: ServedFeed, name: str, rev: str) -> PackageRecord:
    record = feed.get_package(_known(name))
    check_revision(record, rev)
    return record


# Tags ---------------------------------------------------------------------------------------------------


@routes.get("/-/package/<name>/dist-tags")
def list_tags(feed: ServedFeed, name: str) -> Response:
    """Answer with a package's tags."""
    return json_response(dist_tags(feed.get_package(_known(name))))


@routes.route("/-/package/<name>/dist-tags/<tag>", ("PUT", "POST"), Permission.ADD_PACKAGE)
def set_tag(feed: ServedFeed, name: str, tag: str) -> Response:
    """Point a tag at a version; the body is the version as a JSON text."""
    name, version = _known(name), feed.json_body()
    record = feed.get_package(name)
    wanted = find(record, version) if isinstance(version, str) else None
    if wanted is None:
        raise NotFound(f"{name} has no version {str(version)[:100]!r} here to tag.", code="unknown-version")
    feed.set_tag(name, check_tag(tag), wanted.version)
    return _done(feed, name, 201)


@routes.route("/-/package/<name>/dist-tags/<tag>", ("DELETE",), Permission.ADD_PACKAGE)
def remove_tag(feed: ServedFeed, name: str, tag: str) -> Response:
    """Remove a tag; every package keeps its latest."""
    if tag == "latest":
        raise Invalid("The tag latest cannot be removed; point it at another version instead.", code="needs-latest")
    feed.remove_tag(_known(name), tag)
    return _done(feed, _known(name), 200)
