"""What a feed format is: the one class that a plugin implements, and the values that cross the border.

A format is pure where it can be: names, versions, ranges and the reading of a file are functions of their
arguments. Serving is a table of routes whose handlers receive a feed (``app.plugin.web.ServedFeed``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

if TYPE_CHECKING:
    from app.plugin.kit import FormatKit
    from app.plugin.records import FileChange, PackageRecord
    from app.plugin.upstream import HttpClient, Upstream
    from app.plugin.web import Routes


class Feature(StrEnum):
    """Name an optional ability of a format; the contract suite tests every declared one."""

    TAGS = "tags"
    DEPRECATE = "deprecate"
    UNLIST = "unlist"
    YANK = "yank"
    GROUPS = "groups"
    VARIANTS = "variants"
    CLIENT_LOGIN = "client-login"
    SEARCH = "search"
    UPSTREAM = "upstream"
    JOURNAL = "journal"


class SpecKind(StrEnum):
    """Say what a dependency's text asks for."""

    RANGE = "range"
    ALIAS = "alias"
    TAG = "tag"
    UNRESOLVABLE = "unresolvable"


@dataclass(frozen=True, slots=True)
class DependencySpec:
    """Hold a classified dependency text.

    ``name`` is set for an alias; ``range`` for ranges and aliases; ``tag`` for tags; ``reason`` says why a
    spec cannot be resolved from any feed.
    """

    kind: SpecKind
    range: str = ""
    name: str | None = None
    tag: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Hold one declared dependency; ``group`` is how the format's people sort them (runtime, dev, net8.0, ...).

    ``runtime`` says whether installing the package installs this too; ``optional`` whether its absence is fine.
    """

    name: str
    range: str
    group: str = "runtime"
    runtime: bool = True
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """Hold what a package file says about itself, and nothing that a feed decides.

    ``name`` is the full name (``@scope/name``, ``group/name``); ``version`` the text as the file spells it;
    ``variant`` tells several files of one version apart (a gem's platform), empty for the main file.
    ``data`` holds the format's own facts as JSON values; it is what serving needs to rebuild its documents.
    ``facets`` are lower-case words without spaces by which a search narrows (``type=dotnettool``); ``handles`` are
    further names, at most 500 characters each, under which a feed finds this very file.
    """

    name: str
    version: str
    variant: str = ""
    description: str = ""
    license: str = ""
    authors: str = ""
    keywords: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    readme: str = ""
    dependencies: tuple[Dependency, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    facets: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the manifest as JSON values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        listed = {"keywords": list(self.keywords), "facets": list(self.facets), "handles": list(self.handles)}
        return {
            **values,
            **listed,
            "dependencies": [asdict(each) for each in self.dependencies],
            "links": dict(self.links),
            "data": dict(self.data),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Manifest:
        """Rebuild a manifest from ``to_json``."""
        known = {**value, **{name: tuple(value.get(name, ())) for name in ("keywords", "facets", "handles")}}
        known["dependencies"] = tuple(Dependency(**d) for d in value.get("dependencies", ()))
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Entry:
    """Describe one file inside a package: its path, its size in bytes, its date (ISO 8601) where known."""

    path: str
    size: int
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Snippet:
    """Hold one thing to copy: what it is for, the tool, its text, and a file name where it belongs in a file."""

    tool: str
    title: str
    text: str
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """Hold the addresses of a feed, without a slash at the end: below its path, and of its own host."""

    name: str
    url: str
    host_url: str


@dataclass(frozen=True, slots=True)
class ClientSource:
    """Hold a source that the user's own client is set to: its address, and where that is written."""

    url: str
    written: str


class FeedFormat(ABC):
    """Teach Promontory one package format.

    Subclass it, give the class attributes, implement the abstract methods, and return an instance from the
    hook ``register_formats``. One instance serves every feed of the format, from many threads: keep no state.
    """

    key: ClassVar[str]
    """Name in the API and the database (``npm``)."""
    title: ClassVar[str]
    """Name for people (``npm``, ``NuGet``)."""
    prefix: ClassVar[str]
    """First segment of its feeds' paths (``npm`` serves ``/npm/<feed>/``)."""
    purl_type: ClassVar[str]
    """Type in a package URL, and ``packageType`` in the API."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other spellings of the key that the API accepts."""
    features: ClassVar[frozenset[Feature]] = frozenset()
    promotable: ClassVar[bool] = True
    why_not_promotable: ClassVar[str] = ""
    """A sentence for people; needed when ``promotable`` is False."""
    accept: ClassVar[str] = ""
    """File endings for an upload form (``.tgz``), comma separated."""

    # Identity and order: pure functions of text ------------------------------------------------------

    @abstractmethod
    def name_key(self, name: str) -> str:
        """Give the key under which spellings of one package are equal; raise InvalidPackage for no name."""

    def confusable_key(self, name: str) -> str:
        """Give a folded name: two packages with one folded name are easily taken for each other."""
        return self.name_key(name).casefold().replace("-", "").replace("_", "").replace(".", "")

    def split_name(self, name: str) -> tuple[str, str]:
        """Split a full name into group and bare name; the group is empty where the format has none."""
        return "", name

    def join_name(self, group: str, name: str) -> str:
        """Give the full name of a group and a name as the API spells them; inverse of ``split_name``."""
        return name

    @abstractmethod
    def version_key(self, version: str) -> str:
        """Give text whose byte order is the version order and whose equality is version equality.

        ASCII, at most 1,000 characters. Raises InvalidPackage for what is no version.
        """

    @abstractmethod
    def normalize(self, version: str) -> str:
        """Give the canonical spelling of a version."""

    @abstractmethod
    def is_prerelease(self, version: str) -> bool:
        """Tell whether a version is a prerelease."""

    @abstractmethod
    def satisfies(self, version: str, range: str) -> bool:
        """Tell whether a version satisfies a range, as the format's client decides."""

    @abstractmethod
    def classify(self, spec: str) -> DependencySpec:
        """Say what a dependency's text asks for; never raises."""

    @abstractmethod
    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        """Give the version that the format's client would take of some, or None.

        ``latest`` is what the feed calls latest, where the client prefers it.
        """

    # Artifacts ---------------------------------------------------------------------------------------

    @abstractmethod
    def read(self, file: BinaryIO, filename: str) -> Manifest:
        """Read a package file (seekable, at its start). Raises InvalidPackage and nothing else."""

    @abstractmethod
    def filename(self, manifest: Manifest) -> str:
        """Give the name under which a file is stored and downloaded."""

    def qualifier(self, variant: str) -> str:
        """Give a variant as a package URL's qualifier spells it (``platform=java``), by which the API names a file.

        Empty for a version's main file and for files that only go along with it.
        """
        return ""

    @abstractmethod
    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        """List the files inside a package file. Raises InvalidPackage."""

    @abstractmethod
    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        """Give at most ``limit`` bytes of one file inside a package; raise NotFound or InvalidPackage."""

    # Serving and pulling -----------------------------------------------------------------------------

    @abstractmethod
    def routes(self) -> Routes:
        """Give the routes below a feed's address."""

    def journal(self, package: PackageRecord, changes: Sequence[FileChange]) -> Sequence[str]:
        """Give the lines, each with its newline, that a feed's journal gets for changes of one package.

        ``package`` is as it is after the changes, maybe without versions. It is called in the transaction of the
        change, for a format with the feature ``JOURNAL`` only.
        """
        return ()

    def canonical_path(self, path: str) -> str:
        """Rewrite a decoded request path (below the feed, no leading slash) before it is routed."""
        return path

    @abstractmethod
    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        """Say how each client is pointed at a feed."""

    @abstractmethod
    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        """Say how each client installs one version from a feed."""

    def details(self, files: Sequence[Manifest]) -> Mapping[str, str]:
        """Give further facts about a version for people, short texts by their label; ``files``: its main file first."""
        return {}

    def upstream(self, url: str, http: HttpClient) -> Upstream | None:
        """Give access to a remote source, or None where the format has no notion of one."""
        return None

    def client_sources(self) -> Sequence[ClientSource]:
        """Give the public sources that the clients on this machine are set to, read from the user's own settings.

        Only reads what is there; never raises, never asks a network.
        """
        return ()

    # Proof -------------------------------------------------------------------------------------------

    @abstractmethod
    def kit(self) -> FormatKit:
        """Give the sample data with which the contract suite tests this format."""
