"""What clients change: push packages and symbols, unlist, relist, deprecate; the same for V3 and V2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.plugin import Conflict, Invalid, InvalidPackage, Manifest, NotFound, Permission
from app.plugin.web import Response, Routes, ServedFeed, first_part, text_response

from .errors import error
from .names import PACKAGE, SYMBOLS
from .package import SYMBOLS as SYMBOLS_VARIANT
from .releases import release, releases
from .views import find_release, known

CHUNK = 256 * 1024
MAX_MESSAGE = 4_000

routes = Routes(error=error)


@routes.route("/v2", ("PUT", "POST"), Permission.ADD_PACKAGE)
@routes.route("/v2/package", ("PUT", "POST"), Permission.ADD_PACKAGE)
def push(feed: ServedFeed) -> Response:
    """Publish a package; what is there already is refused, even with the same bytes, as clients expect."""
    return _publish(feed, f"upload{PACKAGE}", symbols=False)


@routes.route("/v2/symbolpackage", ("PUT", "POST"), Permission.ADD_PACKAGE)
def push_symbols(feed: ServedFeed) -> Response:
    """Publish the symbols of a version that is there."""
    return _publish(feed, f"upload{SYMBOLS}", symbols=True)


def _publish(feed: ServedFeed, filename: str, *, symbols: bool) -> Response:
    def expect(manifest: Manifest) -> None:
        if symbols != bool(manifest.variant):
            raise Invalid(
                f"The file holds {'symbols' if manifest.variant else 'a package'}; push symbols (.snupkg) to "
                "/api/v2/symbolpackage and packages (.nupkg) to /api/v2/package.",
                code="wrong-address",
            )
        if manifest.variant == SYMBOLS_VARIANT:
            _check_package_of(feed, manifest)

    published = feed.publish_stored(feed.store(_body(feed)), filename, expect=expect)
    if not published.created:
        raise Conflict(
            f"{published.name} {published.version} is already published here; raise the version.",
            code="version-exists",
        )
    return text_response("", 201)


def _check_package_of(feed: ServedFeed, symbols: Manifest) -> None:
    """Raise unless the package of some symbols is here and listed: they go along with it in everything."""
    found = release(feed.get_version(symbols.name, symbols.version))
    if not found.listed:
        raise Conflict(f"{found.id} {found.version.full} is unlisted; relist it before its symbols are pushed.")


def _body(feed: ServedFeed) -> Iterator[bytes]:
    """Give the package that a request brings: a form's first part, whatever it is called, or the body itself."""
    if feed.request.mimetype.startswith("multipart/"):
        yield from first_part(feed.request)
        return
    while chunk := feed.request.stream.read(CHUNK):
        yield chunk


@routes.route("/v2/<id>/<version>", ("DELETE",), Permission.UNLIST_PACKAGE)
@routes.route("/v2/package/<id>/<version>", ("DELETE",), Permission.UNLIST_PACKAGE)
def unlist(feed: ServedFeed, id: str, version: str) -> Response:
    """Unlist a version: who names it exactly, in a lock file for example, still gets it."""
    found = find_release(feed, id, version)
    feed.set_listed(found.id, found.record.version, listed=False)
    return text_response("", 204)


@routes.route("/v2/package/<id>/<version>", ("POST",), Permission.UNLIST_PACKAGE)
def relist(feed: ServedFeed, id: str, version: str) -> Response:
    """List a version again."""
    found = find_release(feed, id, version)
    feed.set_listed(found.id, found.record.version, listed=True)
    return text_response("", 200)


@routes.route("/v2/package/<id>/deprecations", ("PUT",), Permission.UNLIST_PACKAGE)
def deprecate(feed: ServedFeed, id: str) -> Response:
    """Deprecate versions with a message, or take that back with an empty one.

    The body is the public gallery's: ``{"versions": ["1.0.0"], "message": "..."}``; its other members are not kept.
    """
    body = feed.json_body()
    versions, message = _asked(body, "versions", list), _asked(body, "message", str)
    if len(message) > MAX_MESSAGE or not all(isinstance(each, str) for each in versions):
        raise Invalid(f"A deprecation has versions as texts, and a message of at most {MAX_MESSAGE:,} characters.")
    package = feed.get_package(known(id))
    held = {each.record.key: each.record.version for each in releases(package)}
    wanted = [held.get(_key(feed, version)) for version in versions]
    if None in wanted:
        raise NotFound(f"{package.name} has no version {versions[wanted.index(None)][:80]!r} here.")
    feed.set_deprecated(package.name, {version: message for version in wanted if version is not None})
    return text_response("", 200)


def _asked(body: object, member: str, kind: type) -> Any:
    value = body.get(member) if isinstance(body, dict) else None
    if not isinstance(value, kind):
        raise Invalid('A deprecation is sent as JSON: {"versions": ["1.0.0"], "message": "..."}.')
    return value


def _key(feed: ServedFeed, version: str) -> str:
    try:
        return feed.format.version_key(version)
    except InvalidPackage:
        return ""
