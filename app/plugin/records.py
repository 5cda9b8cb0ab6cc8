"""What a feed holds, as plain values: files, versions, packages and pages of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.plugin.blobs import BlobDigests
from app.plugin.format import Manifest


class State(StrEnum):
    """Say where a version is: in the feed, kept for its clients as a copy, or still with a connector's source."""

    LOCAL = "local"
    CACHED = "cached"
    REMOTE = "remote"


_STATES = {"cached": State.CACHED, "remote": State.REMOTE}


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Hold one stored file of a version; digests are lower-case hex, size is in bytes.

    ``sequence`` grows with every file that enters a feed. A remote file, which no feed holds yet, has no digests but
    those that its source declares (the rest are empty) and the size 0 where the source does not say it.
    """

    filename: str
    variant: str
    digests: BlobDigests
    manifest: Manifest
    listed: bool = True
    sequence: int = field(default=0, compare=False)
    remote: bool = False


@dataclass(frozen=True, slots=True)
class FileChange:
    """Say that a file of a version (its text) came, or came back; or went, or is no longer listed."""

    version: str
    variant: str
    present: bool


@dataclass(frozen=True, slots=True)
class FileLine:
    """Hold what a whole-feed document needs of one file; ``version`` is the text, ``listed`` the file's."""

    name: str
    version: str
    normalized: str
    prerelease: bool
    listed: bool
    variant: str
    filename: str


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """Hold one version in a feed, with what the feed decided about it.

    ``published`` is when the world first saw it, ``added`` when it entered this feed; both in UTC. ``connector`` names
    where a pulled, cached or remote version comes from; ``changed_upstream`` is the digest that it declares now, where
    that is not the one of the bytes that were taken.
    """

    name: str
    version: str
    normalized: str
    key: str
    prerelease: bool
    listed: bool
    deprecated: str
    origin: str
    published: datetime
    published_by: str
    added: datetime
    size: int
    downloads: int
    files: tuple[FileRecord, ...]
    connector: str = ""
    changed_upstream: str = ""

    @property
    def state(self) -> State:
        """Tell whether the feed holds the version itself, keeps a copy for its clients, or could fetch it."""
        return _STATES.get(self.origin, State.LOCAL)

    @property
    def main(self) -> FileRecord:
        """Give the version's main file."""
        return self.files[0]


@dataclass(frozen=True, slots=True)
class PackageRecord:
    """Hold one package in a feed: its versions in ascending order and the tags that somebody set."""

    name: str
    key: str
    serial: int
    versions: tuple[VersionRecord, ...]
    tags: Mapping[str, str]
    latest: str | None
    latest_stable: str | None

    def version(self, key: str) -> VersionRecord | None:
        """Give the version with a version key, or None."""
        return next((v for v in self.versions if v.key == key), None)


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """Hold one line of a package list: the newest version and counts; ``versions`` ascending where asked for."""

    name: str
    latest: str
    description: str
    version_count: int
    downloads: int
    published: datetime
    manifest: Manifest
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Hold a slice of a package list and the count of the whole."""

    items: tuple[PackageSummary, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Published:
    """Say what publishing did; ``created`` is False when the same bytes were already there."""

    name: str
    version: str
    created: bool
    digests: BlobDigests
