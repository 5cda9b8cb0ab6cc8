"""The V3 protocol, reading: service index, versions, package files, their contents, registrations, symbols."""

from __future__ import annotations

import json
from typing import Any

from app.plugin import InvalidPackage, NotFound, Permission
from app.plugin.archives import open_zip
from app.plugin.web import Response, Routes, ServedFeed

from . import portable_pdb
from .addresses import HIVES, SEMVER2, Addresses
from .errors import error
from .names import PACKAGE, SYMBOLS, id_key
from .package import MAX_PDB, find_file, find_nuspec, pdb_path
from .registration import Registration
from .releases import Release, release, releases
from .service import service_index
from .versions import in_address, parse_version

BYTES, JSON = "application/octet-stream", "application/json"
MAX_CONTENT = 4 << 20
_ICONS = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}
_HARMLESS = {"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}
"""What an icon or a text that a stranger packed may do in a browser: nothing."""

routes = Routes(error=error)
_hive = ", ".join(f'"{hive}"' for hive in HIVES)


def to_json(value: Any) -> bytes:
    """Give a document's bytes."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def known(id: str) -> str:
    """Give the key of an id in an address; an id that nothing can have is not found."""
    try:
        return id_key(id)
    except InvalidPackage as refused:
        raise NotFound(refused.message, code="unknown-package") from None


def find_release(feed: ServedFeed, id: str, version: str) -> Release:
    """Give the version that an address names, in any spelling; raise NotFound."""
    key = known(id)
    try:
        parse_version(version)
    except InvalidPackage as refused:
        raise NotFound(refused.message, code="unknown-version") from None
    return release(feed.get_version(key, version))


@routes.get("/v3/index.json")
def index(feed: ServedFeed) -> Response:
    """Answer with the service index."""
    return feed.document("service", lambda: to_json(service_index(feed.url)), content_type=JSON)


@routes.get("/v3/flat/<id>/index.json")
def versions(feed: ServedFeed, id: str) -> Response:
    """Answer with all versions of a package, unlisted ones too; 404 where there is none."""
    key = known(id)

    def build() -> bytes:
        found = releases(feed.get_package(key))
        return to_json({"versions": [each.version.normalized.lower() for each in _some(found, key)]})

    return feed.document(f"versions:{key}", build, content_type=JSON, package=key)


def _some(found: Any, id: str) -> Any:
    if not found:
        raise NotFound(f"There is no version of {id} here that this client can read.", code="unknown-package")
    return found


@routes.get("/v3/flat/<id>/<version>/<filename>", Permission.DOWNLOAD_PACKAGE)
def content(feed: ServedFeed, id: str, version: str, filename: str) -> Response:
    """Answer with a package file, its symbols, or its nuspec, by the conventional name in any case."""
    found = find_release(feed, id, version)
    stem, wanted = f"{known(id)}.{in_address(version)}", filename.lower()
    if wanted == stem + PACKAGE:
        return feed.send(found.file, BYTES)
    if wanted == stem + SYMBOLS:
        for file in found.record.files:
            if file.variant:
                return feed.send(file, BYTES)
    if wanted == f"{known(id)}.nuspec":
        return _from_zip(feed, found, "nuspec", "application/xml")
    raise NotFound(f"There is no file {filename[:200]!r} of {found.id} {version} here.", code="unknown-file")


@routes.get("/v3/flat/<id>/<version>/readme", Permission.DOWNLOAD_PACKAGE)
def readme(feed: ServedFeed, id: str, version: str) -> Response:
    """Answer with the Markdown text of a package."""
    return _from_zip(feed, find_release(feed, id, version), "readme", "text/markdown; charset=utf-8")


@routes.get("/v3/flat/<id>/<version>/license", Permission.DOWNLOAD_PACKAGE)
def license_file(feed: ServedFeed, id: str, version: str) -> Response:
    """Answer with the licence file of a package."""
    return _from_zip(feed, find_release(feed, id, version), "licenseFile", "text/plain; charset=utf-8")


@routes.get("/v3/flat/<id>/<version>/icon", Permission.DOWNLOAD_PACKAGE)
def icon(feed: ServedFeed, id: str, version: str) -> Response:
    """Answer with the icon of a package."""
    found = find_release(feed, id, version)
    ending = str(found.data.get("icon", "")).rpartition(".")[2].lower()
    return _from_zip(feed, found, "icon", _ICONS.get(ending, BYTES))


def _from_zip(feed: ServedFeed, found: Release, member: str, content_type: str) -> Response:
    """Answer with a file inside a package: the one that a member of its nuspec names, or the nuspec itself."""

    def build() -> bytes:
        with feed.open(found.file) as file:
            archive = open_zip(file)
            path = str(found.data.get(member, ""))
            entry = find_nuspec(archive) if member == "nuspec" else find_file(archive, path)
            if entry is None:
                raise NotFound(f"{found.id} {found.version.normalized} brings no {member} along.", code="unknown-file")
            return archive.read(entry, MAX_CONTENT)

    key = f"{member}:{found.record.key}:{found.file.digests.sha256}"
    response = feed.document(key, build, content_type=content_type, package=found.id)
    response.headers.update(_HARMLESS)
    return response


@routes.get(f"/v3/<any({_hive}):hive>/<id>/index.json")
def registration_index(feed: ServedFeed, hive: str, id: str) -> Response:
    """Answer with a package's registration index."""
    key = known(id)
    return feed.document(
        f"{hive}:{key}", lambda: to_json(_registration(feed, hive, key).index()), content_type=JSON, package=key
    )


@routes.get(f"/v3/<any({_hive}):hive>/<id>/page/<lower>/<upper>.json")
def registration_page(feed: ServedFeed, hive: str, id: str, lower: str, upper: str) -> Response:
    """Answer with one page of a registration index."""
    key = known(id)

    def build() -> bytes:
        page = _registration(feed, hive, key).page(lower, upper)
        if page is None:
            raise NotFound(f"{key} has no page from {lower[:80]!r} to {upper[:80]!r} (any more); read its index again.")
        return to_json(page)

    return feed.document(f"{hive}:{key}:{lower}:{upper}", build, content_type=JSON, package=key)


@routes.get(f"/v3/<any({_hive}):hive>/<id>/<version>.json")
def registration_leaf(feed: ServedFeed, hive: str, id: str, version: str) -> Response:
    """Answer with the registration of one version."""
    found = find_release(feed, id, version)
    if found.is_semver2 and hive != SEMVER2:
        raise NotFound(f"{found.id} {found.version.full} is for clients of SemVer 2 only.", code="unknown-version")
    build = Registration((found,), Addresses(feed.url), hive)
    key = f"{hive}:leaf:{found.record.key}"
    return feed.document(key, lambda: to_json(build.leaf(found)), content_type=JSON, package=found.id)


def _registration(feed: ServedFeed, hive: str, key: str) -> Registration:
    found = releases(feed.get_package(key), semver2=hive == SEMVER2)
    return Registration(_some(found, key), Addresses(feed.url), hive)


@routes.get("/symbols/<file>/<signature>/<name>", Permission.DOWNLOAD_PACKAGE)
def symbols(feed: ServedFeed, file: str, signature: str, name: str) -> Response:
    """Answer a debugger with a portable PDB, by its name and signature (SSQP)."""
    handle = portable_pdb.asked_for(file, signature) if file.lower() == name.lower() else None
    found = feed.find(handle) if handle is not None else None
    if handle is None or found is None:
        raise NotFound(f"There are no symbols {file[:100]!r} with the signature {signature[:50]!r} here.")
    version, stored = found

    def build() -> bytes:
        with feed.open(stored) as opened:
            archive = open_zip(opened)
            entry = archive.find(pdb_path(stored.manifest, handle) or "")
            if entry is None:
                raise NotFound(f"There are no symbols {file[:100]!r} here.")
            return archive.read(entry, MAX_PDB)

    key = f"pdb:{handle}:{stored.digests.sha256}"
    return feed.document(key, build, content_type=BYTES, package=version.name)
