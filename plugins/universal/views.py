"""What Universal clients ask of a feed: lists, downloads, uploads (the vendor's Universal Feed API, 1.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import chain, islice
from typing import Any

from app.plugin import AppError, Forbidden, Invalid, InvalidPackage, NotFound, NotOffered, Permission
from app.plugin.archives import ZipArchive, open_zip
from app.plugin.records import PackageRecord, Published, VersionRecord
from app.plugin.web import Response, Routes, ServedFeed, attachment, json_response, text_error, text_response

from .items import newest_first, package_item, summary_item, version_item
from .names import file_name, join_name
from .payload import as_tgz, as_zip
from .uploads import take_upload
from .versions import version_key

JSON = "application/json"
MOST = 1000
MOST_WITH_FILES = 100
ALIASES = ("latest", "latest-stable", "latest-unstable")
CONTENTS = {"zip": (as_zip, "application/zip"), "tgz": (as_tgz, "application/x-compressed")}

routes = Routes(error=text_error)


@routes.get("/meta")
def meta(feed: ServedFeed) -> Response:
    """Say what the feed is and can do."""
    packages, versions = feed.counts()
    services = ["UploadPackage", "UploadContents", "Delete", "DownloadContents"]
    described = {
        "apiVersion": "1.3.0",
        "name": feed.name,
        "description": f"Universal packages of the feed {feed.name}",
        "version": "1.3.0",
        "packageCount": packages,
        "packageVersionCount": versions,
        "services": services,
    }
    return json_response(described)


@routes.get("/packages")
def list_packages(feed: ServedFeed) -> Response:
    """Give packages as an array; one package as an object where ``name`` is given."""
    name = feed.request.args.get("name")
    if name:
        package = feed.get_package(join_name(feed.request.args.get("group", ""), name))
        return feed.document("package", lambda: _json(package_item(package)), content_type=JSON, package=package.name)
    page = feed.search(group=feed.request.args.get("group"), with_versions=True, limit=_count(feed, MOST))
    return json_response([summary_item(package) for package in page.items])


@routes.get("/search")
def search(feed: ServedFeed) -> Response:
    """Find packages by ``term``, as the client calls it, or ``query``, as the documentation does."""
    args = feed.request.args
    text = args.get("term") or args.get("query") or ""
    page = feed.search(text[:500], group=args.get("group"), with_versions=True, limit=_count(feed, MOST))
    return json_response([summary_item(package) for package in page.items])


@routes.get("/versions")
def list_versions(feed: ServedFeed) -> Response:
    """Give versions as an array; one version as an object where ``version`` is given."""
    args = feed.request.args
    files = args.get("includeFileList", "").lower() == "true"
    if files:
        feed.require(Permission.DOWNLOAD_PACKAGE)
    if args.get("version"):
        name = join_name(args.get("group", ""), args.get("name", ""))
        # A plus sign in a query arrives as a space, and no version has a space.
        found = get_version(feed, name, args["version"].replace(" ", "+"))
        key = f"version {found.version} {files}"
        return feed.document(
            key, lambda: _json(_described(feed, found, files=files)), content_type=JSON, package=found.name
        )
    most = _count(feed, MOST_WITH_FILES if files else MOST)
    if args.get("name"):
        package = feed.package(join_name(args.get("group", ""), args["name"]))
        return json_response([]) if package is None else _versions_of(feed, package, most, files=files)
    packages = _packages(feed, args.get("group"), most)
    versions = chain.from_iterable(newest_first(package) for package in packages)
    return json_response([_described(feed, version, files=files) for version in islice(versions, most)])


def _versions_of(feed: ServedFeed, package: PackageRecord, most: int, *, files: bool) -> Response:
    def build() -> bytes:
        return _json([_described(feed, version, files=files) for version in newest_first(package)[:most]])

    return feed.document(f"versions {files} {most}", build, content_type=JSON, package=package.name)


def _packages(feed: ServedFeed, group: str | None, most: int) -> Iterator[PackageRecord]:
    for item in feed.search(group=group, limit=most).items:
        package = feed.package(item.name)
        if package is not None:
            yield package


def _described(feed: ServedFeed, version: VersionRecord, *, files: bool) -> dict[str, Any]:
    if not files:
        return version_item(version, None)
    with feed.open(version.main) as file:
        return version_item(version, feed.format.entries(file))


def get_version(feed: ServedFeed, name: str, version: str) -> VersionRecord:
    """Give one version; raise NotFound.

    ``1.0.0+a`` and ``1.0.0+b`` are one slot, so ``1.0.0`` finds either, but asking for one never gives the other.
    """
    found = feed.get_version(name, version)
    build = version.partition("+")[2]
    if build and build != found.version.partition("+")[2]:
        raise NotFound(f"There is no version {version} of {name} in {feed.name}; it holds {found.version}.")
    return found


# Downloads ----------------------------------------------------------------------------------------------


@routes.get("/download/<path:path>", needs=Permission.DOWNLOAD_PACKAGE)
def download(feed: ServedFeed, path: str) -> Response:
    """Give a package file, or with ``contentOnly`` its payload as zip or tgz."""
    version = _wanted(feed, path)
    kind = feed.request.args.get("contentOnly", "").lower()
    if kind:
        return _contents(feed, version, kind)
    return feed.send(version.main, "application/zip", file_name(version.name, version.version))


@routes.get("/download-file/<path:path>", needs=Permission.DOWNLOAD_PACKAGE)
def download_file(feed: ServedFeed, path: str) -> Response:
    """Give one file of a package."""
    inner = feed.request.args.get("path", "").replace("\\", "/").lstrip("/")
    if not inner:
        raise Invalid("Which file? Give its path inside the package: ?path=upack.json.")
    version = _wanted(feed, path)
    etag = f"{version.main.digests.sha256}-{sha256(inner.encode()).hexdigest()[:16]}"
    filename = inner.rpartition("/")[2]
    return _stream(feed, version, lambda archive: _file(archive, inner), "application/octet-stream", filename, etag)


def _file(archive: ZipArchive, path: str) -> Iterator[bytes]:
    folder = path.rstrip("/") + "/"
    if any(entry.path.startswith(folder) for entry in archive.entries):
        raise Forbidden(f"{path[:260]!r} is a folder; ask for a file in it, or download the package.")
    entry = archive.find(path)
    if entry is None:
        raise NotFound(f"There is no file {path[:260]!r} in the package; list its files.", code="unknown-entry")
    return archive.chunks(entry)


@routes.get("/download-vpack/<path:path>")
def download_virtual(_feed: ServedFeed, **_: str) -> Response:
    """Refuse: virtual packages are not offered."""
    raise NotOffered("Virtual packages are not offered here; publish the assembled package.")


def _wanted(feed: ServedFeed, path: str) -> VersionRecord:
    parts = _segments(path)
    if "latest" in feed.request.args:
        return get_version(feed, "/".join(parts), "latest")
    if len(parts) < 2 or not (parts[-1] in ALIASES or _is_version(parts[-1])):
        raise Invalid("Which version? End the address with it (group/name/1.0.0), or add ?latest.")
    return get_version(feed, "/".join(parts[:-1]), parts[-1])


def _contents(feed: ServedFeed, version: VersionRecord, kind: str) -> Response:
    if kind not in CONTENTS:
        raise Invalid(f"contentOnly={kind[:20]} is not known; use zip or tgz.")
    make, content_type = CONTENTS[kind]
    name = file_name(version.name, version.version).removesuffix("upack") + kind
    return _stream(feed, version, make, content_type, name, f"{version.main.digests.sha256}-{kind}")


def _stream(
    feed: ServedFeed,
    version: VersionRecord,
    make: Callable[[ZipArchive], Iterator[bytes]],
    content_type: str,
    filename: str,
    etag: str,
) -> Response:
    file = feed.open(version.main)
    try:
        chunks = make(open_zip(file))
    except AppError:
        file.close()
        raise
    response = Response(chunks, content_type=content_type)
    response.call_on_close(file.close)
    response.headers["Content-Disposition"] = attachment(filename)
    response.set_etag(etag, weak=True)
    response.cache_control.private = True
    response.cache_control.no_cache = True
    response.make_conditional(feed.request.environ)
    return response


def _segments(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _is_version(text: str) -> bool:
    try:
        return bool(version_key(text))
    except InvalidPackage:
        return False


def _count(feed: ServedFeed, most: int) -> int:
    text = feed.request.args.get("count") or str(most)
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Invalid(f"count={text[:20]!r} is no number; use 1 to {most}.")
    return min(int(text), most)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


# Changes ------------------------------------------------------------------------------------------------


@routes.route("/upload", ("PUT", "POST"), Permission.ADD_PACKAGE)
def upload(feed: ServedFeed) -> Response:
    """Take a finished package, or contents with the manifest in parameters."""
    return _uploaded(take_upload(feed, {}))


@routes.route("/upload/<path:path>", ("PUT", "POST"), Permission.ADD_PACKAGE)
def upload_as(feed: ServedFeed, path: str) -> Response:
    """Take a package that is what the address says."""
    return _uploaded(take_upload(feed, _identity(_segments(path))))


def _identity(parts: list[str]) -> dict[str, str]:
    if len(parts) > 1 and _is_version(parts[-1]):
        return {"group": "/".join(parts[:-2]), "name": parts[-2], "version": parts[-1]}
    group = {"group": "/".join(parts[:-1])} if len(parts) > 1 else {}
    return {**group, "name": parts[-1]} if parts else {}


def _uploaded(done: Published) -> Response:
    return text_response(f"{done.name} {done.version}\n", 201)


@routes.route("/delete/<path:path>", ("DELETE", "POST"), Permission.DELETE_PACKAGE)
def delete(feed: ServedFeed, path: str) -> Response:
    """Delete one version."""
    parts = _segments(path)
    if len(parts) < 2 or not _is_version(parts[-1]):
        raise Invalid("Which version? End the address with it: delete/group/name/1.0.0.")
    version = get_version(feed, "/".join(parts[:-1]), parts[-1])
    feed.delete_versions(version.name, [version.version])
    return text_response(f"{version.name} {version.version} is deleted\n")


@routes.route("/import", ("POST",), Permission.ADD_PACKAGE)
def import_package(_feed: ServedFeed) -> Response:
    """Refuse: importing from an asset directory is not offered."""
    raise NotOffered("Importing from an asset directory is not offered here; upload the package.")
