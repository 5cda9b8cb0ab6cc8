"""Which versions a question of V2 is about: rows that ``$filter`` decides on, made as late and as few as possible."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from app.plugin import InvalidPackage, Manifest
from app.plugin.web import FileRecord, PackageRecord, PackageSummary, ServedFeed, VersionRecord

from .addresses import Addresses
from .frameworks import short_name
from .ranges import parse_range
from .registration import content_addresses
from .releases import Release, release, releases
from .search import BATCH, Query, every, matches
from .versions import parse_version


@dataclass(frozen=True, slots=True)
class Row:
    """Hold a version; ``file`` is None where it was found by a list of packages, until it is completed."""

    id: str
    version: str
    manifest: Manifest
    published: datetime
    listed: bool
    downloads: int
    version_downloads: int
    is_latest: bool
    is_absolute_latest: bool
    file: FileRecord | None = None
    created: datetime | None = None

    def values(self, addresses: Addresses) -> dict[str, Any]:
        """Give the properties of the row; None for what there is none of."""
        data, version = self.manifest.data, parse_version(self.version)
        content = content_addresses(data, addresses, self.id, self.version)
        return {
            "Id": self.id,
            "Version": version.full if version.build else self.version,
            "NormalizedVersion": version.normalized,
            "Authors": self.manifest.authors,
            "Copyright": data.get("copyright"),
            "Created": self.created or self.published,
            "Dependencies": dependencies(data),
            "Description": self.manifest.description,
            "DownloadCount": self.downloads,
            "GalleryDetailsUrl": None,
            "IconUrl": content.get("iconUrl"),
            "IsLatestVersion": self.is_latest,
            "IsAbsoluteLatestVersion": self.is_absolute_latest,
            "IsPrerelease": bool(version.labels),
            "Language": data.get("language"),
            "LastEdited": None,
            "LicenseUrl": content.get("licenseUrl"),
            "Listed": self.listed,
            "MinClientVersion": data.get("minClientVersion"),
            "PackageHash": _base64(self.file.digests.sha512) if self.file else None,
            "PackageHashAlgorithm": "SHA512",
            "PackageSize": self.file.digests.size if self.file else 0,
            "ProjectUrl": data.get("projectUrl"),
            "Published": self.published,
            "ReleaseNotes": data.get("releaseNotes"),
            "ReportAbuseUrl": None,
            "RequireLicenseAcceptance": bool(data.get("requireLicenseAcceptance")),
            "Summary": data.get("summary"),
            # Old clients look for a tag with a blank on either side.
            "Tags": f" {' '.join(self.manifest.keywords)} " if self.manifest.keywords else "",
            "Title": data.get("title", self.id),
            "VersionDownloadCount": self.version_downloads,
        }


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def dependencies(data: Mapping[str, Any]) -> str:
    """Give dependencies as V2 writes them: ``id:range:framework|...``; a framework without any is ``::framework``."""
    found: list[str] = []
    for group in data.get("dependencyGroups", ()):
        framework = short_name(group.get("targetFramework", ""))
        lines = [f"{each['id']}:{_range(each['range'])}:{framework}" for each in group["dependencies"]]
        found += lines or ([f"::{framework}"] if framework else [])
    return "|".join(found)


def _range(text: str) -> str:
    return str(parse_range(text)) if text else ""


def of_package(feed: ServedFeed, id: str, *, semver2: bool) -> Sequence[Row]:
    """Give all versions of one package, unlisted ones too, ascending; none for an id that is not there."""
    package = feed.package(id)
    return _of_record(package, semver2=semver2) if package is not None else ()


def _of_record(package: PackageRecord, *, semver2: bool) -> Sequence[Row]:
    found = releases(package, semver2=semver2)
    listed = [each for each in found if each.listed]
    stable = [each for each in listed if not each.record.prerelease]
    newest = {each.record.key for each in listed[-1:]}
    newest_stable = {each.record.key for each in stable[-1:]}
    downloads = sum(each.record.downloads for each in found)
    return [
        _row(
            each,
            downloads,
            is_latest=each.record.key in newest_stable,
            is_absolute_latest=each.record.key in newest,
        )
        for each in found
    ]


def _row(each: Release, downloads: int, *, is_latest: bool, is_absolute_latest: bool) -> Row:
    return Row(
        each.id,
        each.record.version,
        each.file.manifest,
        each.published,
        each.listed,
        downloads,
        each.record.downloads,
        is_latest,
        is_absolute_latest,
        each.file,
        each.record.added,
    )


def newest(feed: ServedFeed, query: Query, *, stable: bool) -> Iterator[Row]:
    """Give the newest version of each package that a search finds, by name; ``stable``: the newest release."""
    for summary in every(feed, query):
        if not matches(summary, query):
            continue
        absolute = summary.versions[-1]
        if stable and not parse_version(summary.latest).labels:
            yield _of_summary(summary, is_absolute_latest=absolute == summary.latest)
        elif not stable and absolute == summary.latest:
            yield _of_summary(summary, is_absolute_latest=True)
        elif not stable:
            found = release(feed.get_version(summary.name, absolute))
            yield _row(found, summary.downloads, is_latest=False, is_absolute_latest=True)


def _of_summary(summary: PackageSummary, *, is_absolute_latest: bool) -> Row:
    return Row(
        summary.name,
        summary.latest,
        summary.manifest,
        summary.published,
        listed=True,
        downloads=summary.downloads,
        version_downloads=0,
        is_latest=not parse_version(summary.latest).labels,
        is_absolute_latest=is_absolute_latest,
    )


def all_listed(feed: ServedFeed, query: Query) -> Iterator[Row]:
    """Give every listed version of each package that a search finds, by name."""
    found = (summary for summary in every(feed, query) if matches(summary, query))
    while batch := list(islice(found, BATCH)):
        for package in feed.packages(each.name for each in batch):
            yield from (row for row in _of_record(package, semver2=query.semver2) if row.listed)


def completed(feed: ServedFeed, rows: Sequence[Row]) -> Sequence[Row]:
    """Give rows with their files, for an answer; a few queries, however many they are."""
    lacking = [row.id for row in rows if row.file is None]
    held = {(each.name, each.version): each for package in feed.packages(lacking) for each in package.versions}
    return [row if row.file is not None else _completed(row, held) for row in rows]


def _completed(row: Row, held: Mapping[tuple[str, str], VersionRecord]) -> Row:
    found = release(held[row.id, row.version])
    return replace(
        row,
        file=found.file,
        published=found.published,
        version_downloads=found.record.downloads,
        created=found.record.added,
    )


def updates(feed: ServedFeed, installed: Sequence[tuple[str, str, str]], *, semver2: bool) -> Iterator[Row]:
    """Give the listed versions above installed ones, ascending; each is an id, a version and a range or nothing."""
    for id, version, range in installed:
        try:
            held, wanted = parse_version(version).key, parse_range(range)
        except InvalidPackage:
            continue
        for row in of_package(feed, id, semver2=semver2):
            mine = parse_version(row.version)
            if row.listed and mine.key > held and wanted.contains(mine):
                yield row
