"""The documents that npm clients read: the packument, full and abbreviated, as functions of what a feed holds.

Abbreviated: the npm registry's ``package-metadata`` document, "Abbreviated metadata format".
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.plugin.web import FileRecord, PackageRecord, VersionRecord

FULL = "application/json"
ABBREVIATED = "application/vnd.npm.install-v1+json"
_ABBREVIATED_KEYS = frozenset(
    "name version deprecated dependencies optionalDependencies devDependencies bundleDependencies peerDependencies "  # noqa: SIM905 - a list of it is a page long
    "peerDependenciesMeta acceptDependencies bin directories dist engines os cpu libc funding _hasShrinkwrap "
    "hasInstallScript".split()
)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_ROOT_KEYS = ("description", "homepage", "keywords", "repository", "author", "contributors", "bugs", "license")


def full(record: PackageRecord, url: str) -> dict[str, Any]:
    """Give everything about a package; ``url`` is the feed's address, without a slash at the end."""
    newest = latest(record)
    facts = newest.main.manifest if newest else None
    package = facts.data.get("package", {}) if facts else {}
    return {
        "_id": record.name,
        "_rev": revision(record),
        "name": record.name,
        "dist-tags": dist_tags(record),
        "versions": {each.normalized: version_object(each, url) for each in record.versions},
        "time": times(record),
        "maintainers": _people(*(each.published_by for each in record.versions)),
        **{key: package[key] for key in _ROOT_KEYS if key in package},
        "readme": facts.readme if facts else "",
        "readmeFilename": facts.data.get("readmeFilename", "") if facts else "",
    }


def abbreviated(record: PackageRecord, url: str) -> dict[str, Any]:
    """Give what installing needs; ``time`` is in it because clients hold back what is too young."""
    time = times(record)
    return {
        "name": record.name,
        "modified": time["modified"],
        "dist-tags": dist_tags(record),
        "versions": {each.normalized: _abbreviate(version_object(each, url)) for each in record.versions},
        "time": time,
    }


def version_object(version: VersionRecord, url: str) -> dict[str, Any]:
    """Give one version: the package.json out of its file, with what the registry knows about it."""
    manifest = version.main.manifest
    shown = {
        "name": manifest.name,
        "version": version.normalized,
        **manifest.data.get("package", {}),
        "_id": f"{manifest.name}@{version.normalized}",
        "dist": dist(version.main, url),
        "maintainers": _people(version.published_by),
        "_hasShrinkwrap": bool(manifest.data.get("_hasShrinkwrap")),
    }
    if version.published_by:
        shown["_npmUser"] = {"name": version.published_by, "email": ""}
    if manifest.data.get("hasInstallScript"):
        shown["hasInstallScript"] = True
    if version.deprecated:
        shown["deprecated"] = version.deprecated
    return shown


def _abbreviate(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if key in _ABBREVIATED_KEYS}


def dist(file: FileRecord, url: str) -> dict[str, Any]:
    """Say where a tarball is and what it must be; its address is the one that every client could guess."""
    data = file.manifest.data
    return {
        "tarball": f"{url}/{file.manifest.name}/-/{file.filename}",
        **({"shasum": file.digests.sha1} if file.digests.sha1 else {}),
        **integrity(file),
        "fileCount": data.get("fileCount", 0),
        "unpackedSize": data.get("unpackedSize", 0),
    }


def integrity(file: FileRecord) -> dict[str, str]:
    """Give the strongest digest as Subresource Integrity; of a remote file only that which its registry declares."""
    for name in ("sha512", "sha256", "sha1"):
        digest = getattr(file.digests, name)
        if digest:
            return {"integrity": f"{name}-" + base64.b64encode(bytes.fromhex(digest)).decode()}
    return {}


def latest(record: PackageRecord) -> VersionRecord | None:
    """Give the version that ``latest`` stands for: the tag where somebody set it, else what the feed says."""
    chosen = record.tags.get("latest") or record.latest
    return find(record, chosen) if chosen else None


def find(record: PackageRecord, version: str) -> VersionRecord | None:
    """Give a version by the text of its file or by its canonical text, or None."""
    return next((each for each in record.versions if version in (each.normalized, each.version)), None)


def dist_tags(record: PackageRecord) -> dict[str, str]:
    """Give the tags with their versions; ``latest`` is always among them, and first."""
    newest = latest(record)
    tags = {"latest": newest.normalized} if newest else {}
    for tag, version in sorted(record.tags.items()):
        target = find(record, version)
        if target:
            tags.setdefault(tag, target.normalized)
    return tags


def times(record: PackageRecord) -> dict[str, str]:
    """Give when the world first saw each version, and when this package was created and last changed here."""
    published = [each.published for each in record.versions]
    changed = [*published, *(each.added for each in record.versions)]
    return {
        "created": iso(min(published, default=_NEVER)),
        "modified": iso(max(changed, default=_NEVER)),
        **{each.normalized: iso(each.published) for each in record.versions},
    }


def iso(moment: datetime) -> str:
    """Write a moment as JavaScript does: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def revision(record: PackageRecord) -> str:
    """Give a text that is another one after every change; clients send it back with what they change."""
    state = [[each.key, each.main.digests.sha256 or each.origin, each.deprecated] for each in record.versions]
    digest = hashlib.sha256(json.dumps([state, dist_tags(record)]).encode()).hexdigest()
    return f"{record.serial}-{digest[:16]}"


def _people(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "email": ""} for name in dict.fromkeys(names) if name]


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """Write a document as compact JSON."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
