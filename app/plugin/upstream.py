"""How a format describes a remote source: what is where. The core moves and verifies the bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from app.domain.errors import NotOffered
from app.plugin.format import Manifest

_PAGE = 100


class HttpClient(Protocol):
    """Fetch small documents from a remote source under the core's guard, which caches and revalidates them."""

    def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> object:
        """Give a JSON document; raises NotFound or UpstreamFailed."""

    def get_bytes(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Give a small document; raises NotFound or UpstreamFailed."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """Say where one file of a remote version is and what its source declares of it.

    ``digests`` are lower-case hex by name (sha256, sha512, sha1, md5); ``size`` is in bytes. ``manifest`` holds what
    the source's documents say that reading the file would give, ``data`` in the format's own shape, so that the file
    can be listed and its dependencies followed before anybody fetches it; None where the source does not say.
    """

    url: str
    filename: str
    digests: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    size: int | None = None
    manifest: Manifest | None = None


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """Describe one version that a remote source offers; ``published`` is ISO 8601 as the source says it."""

    name: str
    version: str
    files: tuple[RemoteFile, ...] = ()
    published: str | None = None
    deprecated: str = ""
    listed: bool = True

    @property
    def manifest(self) -> Manifest | None:
        """Give what the source says of the version's main file."""
        return self.files[0].manifest if self.files else None


@dataclass(frozen=True, slots=True)
class RemotePackage:
    """Describe a package that a remote source offers: its versions in ascending order, and the source's tags."""

    name: str
    versions: tuple[RemoteVersion, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    readme: str = ""


@dataclass(frozen=True, slots=True)
class RemoteLine:
    """Hold one line of a remote source's search: the package and the version that it names as newest."""

    name: str
    latest: str
    description: str = ""
    published: str | None = None
    downloads: int | None = None


@dataclass(frozen=True, slots=True)
class RemotePage:
    """Hold a slice of what a remote search found; ``total`` counts the whole where the source says."""

    items: tuple[RemoteLine, ...]
    total: int | None = None


class Upstream(ABC):
    """Say what a remote source offers. Every method raises UpstreamFailed where the source does not make sense."""

    @abstractmethod
    def package(self, name: str) -> RemotePackage:
        """Give a package with every version; raise NotFound for an unknown one."""

    def versions(self, name: str) -> Sequence[RemoteVersion]:
        """Give every version of a package, oldest first; raise NotFound for an unknown package."""
        return self.package(name).versions

    def search(self, text: str, *, prerelease: bool = True, offset: int = 0, limit: int = 20) -> RemotePage:
        """Give packages that match a text, the source's best first; raise NotOffered where it cannot search.

        An empty text stands for all packages, where the source lists them.
        """
        package = self.package(text)
        newest = package.versions[-1]
        manifest = newest.manifest
        line = RemoteLine(package.name, newest.version, manifest.description if manifest else "", newest.published)
        return RemotePage((line,) if offset == 0 else (), 1)

    def details(self, version: RemoteVersion) -> RemoteVersion:
        """Give a version with what it takes further requests to learn (its manifest, a readme)."""
        return version

    def names(self) -> Iterator[str]:
        """Give the name of every package, for a copy of the whole source; raise NotOffered where it cannot list."""
        for page in count():
            found = self.search("", offset=page * _PAGE, limit=_PAGE).items
            yield from (line.name for line in found)
            if len(found) < _PAGE:
                return

    def journal(self) -> Iterator[tuple[str, str]]:
        """Give the lines of the source's own journal, each with the package it is about; raise NotOffered without one.

        For a format with the feature ``JOURNAL``, whose clients look there for what there is at all.
        """
        raise NotOffered("This kind of source keeps no journal.")

    @abstractmethod
    def probe(self) -> str:
        """Ask the source whether it is one of the format; give what it is in a few words (``NuGet V3``)."""
