"""What V3 clients ask a feed for: the service index, packages, registrations; and what every client publishes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from app.plugin import Conflict, Invalid, Manifest, NotFound, Permission
from app.plugin.archives import ZipArchive, open_zip
from app.plugin.records import FileRecord, PackageRecord, VersionRecord
from app.plugin.web import Response, Routes, ServedFeed, json_response, text_response

from . import archive
from .nuspec import MAX_NUSPEC, SYMBOLS
from .registration import HIVES, Hive, index, leaf, lower, page
from .versions import normalize

JSON, BINARY = "application/json", "application/octet-stream"
_IMAGES = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def nuget_error(status: int, code: str, message: str) -> Response:  # noqa: ARG001 - as every format's
    """Shape a refusal: the reason phrase is what NuGet shows its users."""
    response = text_response(message, status)
    reason = " ".join(message.encode("ascii", "replace").decode().split())[:200]
    response.status = f"{status} {reason}"
    return response


routes = Routes(nuget_error)


@routes.get("/v3/index.json")
def service_index(feed: ServedFeed) -> Response:
    """Say where everything is; a client looks for the types that it knows, in an order of its own."""
    return feed.document("index", lambda: _dump(_services(feed.url)), content_type=JSON)


def _services(url: str) -> dict[str, Any]:
    search, complete = f"{url}/v3/query", f"{url}/v3/autocomplete"
    plain, packed, newest = (f"{url}/v3/{hive.path}/" for hive in HIVES.values())
    places = (
        (f"{url}/v3/flat/", ("PackageBaseAddress/3.0.0",)),
        (f"{url}/api/v2/package", ("PackagePublish/2.0.0",)),
        (f"{url}/api/v2/symbolpackage", ("SymbolPackagePublish/4.9.0",)),
        (search, tuple(f"SearchQueryService{v}" for v in ("", "/3.0.0-beta", "/3.0.0-rc", "/3.4.0", "/3.5.0"))),
        (complete, tuple(f"SearchAutocompleteService{v}" for v in ("", "/3.0.0-beta", "/3.0.0-rc", "/3.5.0"))),
        (plain, tuple(f"RegistrationsBaseUrl{v}" for v in ("", "/3.0.0-beta", "/3.0.0-rc"))),
        (packed, ("RegistrationsBaseUrl/3.4.0",)),
        (newest, ("RegistrationsBaseUrl/3.6.0",)),
        (f"{url}/v3/flat/{{lower_id}}/{{lower_version}}/readme", ("ReadmeUriTemplate/6.13.0",)),
        (f"{url}/v2", ("LegacyGallery/2.0.0",)),
    )
    resources = [{"@id": address, "@type": kind} for address, kinds in places for kind in kinds]
    resources.append({"@id": newest, "@type": "RegistrationsBaseUrl/Versioned", "clientVersion": "4.3.0-alpha"})
    return {"version": "3.0.0", "resources": resources}


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


# The flat container -----------------------------------------------------------------------------------


@routes.get("/v3/flat/<name>/index.json")
def flat_index(feed: ServedFeed, name: str) -> Response:
    """List all versions of a package, unlisted ones too, as they stand in addresses."""
    package = feed.get_package(name)
    return feed.document(
        "flat", lambda: _dump({"versions": [lower(each) for each in package.versions]}), content_type=JSON, package=name
    )


@routes.get("/v3/flat/<name>/<version>/<filename>")
def flat_file(feed: ServedFeed, name: str, version: str, filename: str) -> Response:
    """Give a package or its symbols, its nuspec, its readme or its icon."""
    held = feed.get_version(name, normalize(version))
    stem = filename.lower()
    for file in held.files:
        if stem == file.filename:
            return feed.send(file, BINARY)
    wanted: dict[str, Callable[[ServedFeed, VersionRecord], Response]] = {
        f"{name.lower()}.nuspec": _nuspec,
        "readme": _readme,
        "icon": _icon,
    }
    if stem not in wanted:
        raise NotFound(f"There is no {filename[:100]!r} of {held.name} {held.version} here.", code="unknown-file")
    return wanted[stem](feed, held)


def package_file(version: VersionRecord) -> FileRecord:
    """Give a version's package; raise NotFound where it has symbols only."""
    if version.main.variant == SYMBOLS:
        raise NotFound(f"{version.name} {version.version} has symbols only.", code="unknown-file")
    return version.main


def _nuspec(feed: ServedFeed, version: VersionRecord) -> Response:
    def read() -> bytes:
        return _within(feed, package_file(version), lambda zip_: zip_.read(archive.nuspec_of(zip_), MAX_NUSPEC))

    return feed.document(f"nuspec {version.key}", read, content_type="application/xml", package=version.name)


def _within(feed: ServedFeed, file: FileRecord, read: Callable[[ZipArchive], bytes]) -> bytes:
    with feed.open(file) as stream:
        return read(open_zip(stream))


def _readme(feed: ServedFeed, version: VersionRecord) -> Response:  # noqa: ARG001 - one of three
    text = version.main.manifest.readme
    if not text:
        raise NotFound(f"{version.name} {version.version} has no readme.", code="unknown-file")
    return text_response(text, headers={"Content-Type": "text/markdown; charset=utf-8"})


def _icon(feed: ServedFeed, version: VersionRecord) -> Response:
    def read(zip_: ZipArchive) -> bytes:
        entry = archive.find_entry(zip_, version.main.manifest.data["icon"])
        return b"" if entry is None else zip_.head(entry, archive.MAX_ICON)

    image = _within(feed, package_file(version), read)
    kind = next((kind for magic, kind in _IMAGES if image.startswith(magic)), None)
    if kind is None:
        raise NotFound(f"{version.name} {version.version} has no icon in PNG or JPEG.", code="unknown-file")
    headers = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
    return Response(image, headers=headers, content_type=kind)


# Registrations ----------------------------------------------------------------------------------------


@routes.get("/v3/<any(reg,'reg-gz','reg-semver2'):hive>/<name>/index.json")
def registration_index(feed: ServedFeed, hive: str, name: str) -> Response:
    """Give the versions of a package with what they need."""
    return _registration(feed, hive, name, "index", lambda package, of: index(feed.url, package, of))


@routes.get("/v3/<any(reg,'reg-gz','reg-semver2'):hive>/<name>/page/<low>/<high>.json")
def registration_page(feed: ServedFeed, hive: str, name: str, low: str, high: str) -> Response:
    """Give some versions of a package that has many."""
    key = f"page {low.lower()} {high.lower()}"
    return _registration(feed, hive, name, key, lambda package, of: page(feed.url, package, of, low, high))


@routes.get("/v3/<any(reg,'reg-gz','reg-semver2'):hive>/<name>/<version>.json")
def registration_leaf(feed: ServedFeed, hive: str, name: str, version: str) -> Response:
    """Give one version."""
    held = feed.get_version(name, normalize(version))
    return _registration(feed, hive, name, f"leaf {held.key}", lambda package, of: leaf(feed.url, package, of, held))


def _registration(
    feed: ServedFeed, hive: str, name: str, key: str, make: Callable[[PackageRecord, Hive], dict[str, Any]]
) -> Response:
    return feed.document(
        f"{hive} {key}", lambda: _dump(make(feed.get_package(name), HIVES[hive])), content_type=JSON, package=name
    )


# Publishing -------------------------------------------------------------------------------------------


@routes.route("/api/v2/package", ("PUT", "POST"), Permission.ADD_PACKAGE)
@routes.route("/v2/package", ("PUT", "POST"), Permission.ADD_PACKAGE)
@routes.route("/v2", ("PUT", "POST"), Permission.ADD_PACKAGE)
@routes.route("/", ("PUT", "POST"), Permission.ADD_PACKAGE)
def push(feed: ServedFeed) -> Response:
    """Publish a package; one that is there already is 409, even with the same bytes, because clients count on it."""

    def check(manifest: Manifest) -> None:
        if manifest.variant == SYMBOLS:
            raise Invalid("This is a symbol package; push it as one (dotnet does so by itself).", code="symbols")

    return _publish(feed, check)


@routes.route("/api/v2/symbolpackage", ("PUT", "POST"), Permission.ADD_PACKAGE)
def push_symbols(feed: ServedFeed) -> Response:
    """Publish the symbols of a package that is there."""

    def check(manifest: Manifest) -> None:
        if manifest.variant != SYMBOLS:
            raise Invalid("This is no symbol package; pack it as .snupkg.", code="no-symbols")
        if not feed.holds(manifest.name, manifest.version)[1]:
            raise NotFound(
                f"{feed.name} has no {manifest.name} {manifest.version} that these symbols could belong to; "
                "push the package first.",
                code="unknown-version",
            )

    # Clients push the symbols along with the package, and skip only a package that is there already.
    return _publish(feed, check, again=True)


def _publish(feed: ServedFeed, check: Callable[[Manifest], None], *, again: bool = False) -> Response:
    published = feed.publish_stored(feed.store(_body(feed)), "package.nupkg", expect=check)
    if not published.created and not again:
        raise Conflict(
            f"{feed.name} already holds {published.name} {published.version}; raise the version.", code="version-exists"
        )
    return text_response("", 201)


def _body(feed: ServedFeed) -> Iterable[bytes]:
    request = feed.request
    if request.mimetype != "multipart/form-data":
        stream: Any = request.stream
    else:
        # The first part is the package, whatever it is called.
        file = next(iter(request.files.values()), None)
        if file is None:
            raise Invalid("The form has no file in it; send the package as its first part.", code="missing-file")
        stream = file.stream
    return iter(lambda: stream.read(131_072), b"")


@routes.route("/api/v2/package/<name>/<version>", ("DELETE",), Permission.UNLIST_PACKAGE)
@routes.route("/v2/package/<name>/<version>", ("DELETE",), Permission.UNLIST_PACKAGE)
@routes.route("/v2/<name>/<version>", ("DELETE",), Permission.UNLIST_PACKAGE)
def unlist(feed: ServedFeed, name: str, version: str) -> Response:
    """Unlist a version: what NuGet calls deleting keeps it for those who name it."""
    feed.set_listed(name, normalize(version), listed=False)
    return text_response("", 204)


@routes.route("/api/v2/package/<name>/<version>", ("POST",), Permission.UNLIST_PACKAGE)
def relist(feed: ServedFeed, name: str, version: str) -> Response:
    """List an unlisted version again."""
    feed.set_listed(name, normalize(version), listed=True)
    return text_response("", 200)


# Symbols ----------------------------------------------------------------------------------------------


@routes.get("/symbols/<filename>/<signature>/<again>", needs=Permission.DOWNLOAD_PACKAGE)
def symbols(feed: ServedFeed, filename: str, signature: str, again: str) -> Response:
    """Give a .pdb to a debugger, by its name and id."""
    handle = archive.symbol_handle(filename, signature)
    found = feed.find(handle)
    if found is None or again.lower() != filename.lower():
        raise NotFound(f"There are no symbols {filename[:100]!r} of that id here.", code="unknown-symbols")
    path = found[1].manifest.data["pdbs"][handle]
    return Response(_pieces(feed, found[1], path), content_type=BINARY)


def _pieces(feed: ServedFeed, file: FileRecord, path: str) -> Iterable[bytes]:
    with feed.open(file) as stream:
        zip_ = open_zip(stream)
        entry = zip_.find(path)
        if entry is not None:
            yield from zip_.chunks(entry)


@routes.get("/")
def root(feed: ServedFeed) -> Response:
    """Say where the indexes are."""
    return json_response({"v3": f"{feed.url}/v3/index.json", "v2": f"{feed.url}/v2/"})
