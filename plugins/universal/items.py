"""How packages and versions look in the feed's JSON, as the upack client and Inedo's library read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.plugin import Entry
from app.plugin.records import PackageRecord, PackageSummary, State, VersionRecord

from .manifest import members
from .names import split_name


def package_item(package: PackageRecord) -> dict[str, Any]:
    """Describe a package; ``versions`` are the listed ones, newest first."""
    latest = next(v for v in package.versions if v.version == (package.latest or package.versions[-1].version))
    return {
        **_shown(members(latest.main.manifest)),
        **_names(package.name),
        "latestVersion": latest.version,
        "downloads": sum(version.downloads for version in package.versions),
        **_whereabouts(*(version.state for version in package.versions)),
        "versions": [version.version for version in newest_first(package)],
    }


def summary_item(package: PackageSummary) -> dict[str, Any]:
    """Describe a package in a list."""
    return {
        **_shown(members(package.manifest)),
        **_names(package.name),
        "latestVersion": package.latest,
        "downloads": package.downloads,
        "isLocal": True,
        "isCached": False,
        "versions": list(reversed(package.versions)),
    }


def version_item(version: VersionRecord, entries: Sequence[Entry] | None) -> dict[str, Any]:
    """Describe a version: the members of its manifest, and what the feed knows; with its files where they are given.

    ``sha1`` is the digest of the file as ``upack verify`` computes it.
    """
    raw = members(version.main.manifest)
    dependencies = raw.get("dependencies") or []
    item = {
        **raw,
        **_names(version.name),
        "version": version.version,
        "downloads": version.downloads,
        "published": _iso(version.published),
        "size": version.main.digests.size,
        "sha1": version.main.digests.sha1,
        "tags": raw.get("tags") or [],
        "dependencies": [dependencies] if isinstance(dependencies, str) else dependencies,
        **_whereabouts(version.state),
        "isVirtual": False,
    }
    item.pop("fileList", None)
    if entries is not None:
        item["fileList"] = [_file(entry) for entry in entries]
    return item


def _whereabouts(*states: State) -> dict[str, bool]:
    return {"isLocal": State.LOCAL in states, "isCached": State.CACHED in states}


def newest_first(package: PackageRecord) -> list[VersionRecord]:
    """Give a package's listed versions, newest first."""
    return [version for version in reversed(package.versions) if version.listed]


def _shown(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what a package list shows of a manifest: its texts and its custom members."""
    shown = ("title", "icon", "description", "shortDescription", "projectUrl")
    return {key: value for key, value in raw.items() if key in shown or key.startswith("_")}


def _names(name: str) -> dict[str, str]:
    group, bare = split_name(name)
    return {"group": group, "name": bare}


def _file(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {"name": entry.path, "size": entry.size}
    return {**found, "date": entry.date} if entry.date else found


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
