"""What of a package's versions NuGet's clients see: each with its ``.nupkg``, symbols left aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.plugin import NotFound
from app.plugin.web import FileRecord, PackageRecord, VersionRecord

from .versions import NuGetVersion, parse_version

UNLISTED = datetime(1900, 1, 1, tzinfo=UTC)
"""The day on which clients take a version for published that is not listed."""


@dataclass(frozen=True, slots=True)
class Release:
    """Hold a version with its package file, and what follows from them."""

    record: VersionRecord
    file: FileRecord

    @property
    def id(self) -> str:
        """Give the package's id as the feed spells it."""
        return self.record.name

    @property
    def version(self) -> NuGetVersion:
        """Give the version taken apart."""
        return parse_version(self.record.version)

    @property
    def data(self) -> Mapping[str, Any]:
        """Give the members of its nuspec."""
        return self.file.manifest.data

    @property
    def is_semver2(self) -> bool:
        """Tell whether old clients must not see it."""
        return bool(self.data.get("semver2"))

    @property
    def listed(self) -> bool:
        """Tell whether searches show it."""
        return self.file.listed

    @property
    def published(self) -> datetime:
        """Give when it was published, as clients are told."""
        return self.record.published if self.listed else UNLISTED


def package_file(record: VersionRecord) -> FileRecord | None:
    """Give the ``.nupkg`` of a version, or None where it has symbols only."""
    return next((file for file in record.files if not file.variant), None)


def release(record: VersionRecord) -> Release:
    """Give a version with its package file; raise NotFound."""
    file = package_file(record)
    if file is None:
        raise NotFound(f"Of {record.name} {record.version} there are symbols here, and no package.")
    return Release(record, file)


def releases(package: PackageRecord, *, semver2: bool = True) -> Sequence[Release]:
    """Give a package's versions in ascending order, maybe without those that need SemVer 2."""
    found = [Release(record, file) for record in package.versions if (file := package_file(record)) is not None]
    return found if semver2 else [each for each in found if not each.is_semver2]


def iso(moment: datetime) -> str:
    """Give a moment as NuGet writes it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
