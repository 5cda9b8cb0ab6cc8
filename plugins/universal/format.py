"""The Universal format: names, versions and files of upack packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from app.plugin import (
    DependencySpec,
    Entry,
    Feature,
    FeedAddress,
    FeedFormat,
    FormatKit,
    HttpClient,
    Manifest,
    Snippet,
    Upstream,
)
from app.plugin.archives import file_tree, read_entry
from app.plugin.web import Routes

from . import names, snippets, versions
from .archive import read_package
from .kit import make_kit
from .upstream import UniversalUpstream
from .views import routes


class UniversalFormat(FeedFormat):
    """Universal packages: any files in a zip, with a name, a version and dependencies (.upack)."""

    key = "universal"
    title = "Universal"
    prefix = "upack"
    purl_type = "upack"
    aliases = ("upack",)
    features = frozenset({Feature.GROUPS, Feature.SEARCH, Feature.UPSTREAM})
    accept = ".upack,.zip"

    def name_key(self, name: str) -> str:
        """Give the name in small letters."""
        return names.name_key(name)

    def split_name(self, name: str) -> tuple[str, str]:
        """Split at the last slash."""
        return names.split_name(name)

    def join_name(self, group: str, name: str) -> str:
        """Join by a slash."""
        return names.join_name(group, name)

    def version_key(self, version: str) -> str:
        """Give the key of a strict SemVer 2 version, without its build metadata."""
        return versions.version_key(version)

    def normalize(self, version: str) -> str:
        """Give the canonical text, build metadata included."""
        return versions.normalize(version)

    def is_prerelease(self, version: str) -> bool:
        """Tell whether a version has prerelease labels."""
        return versions.is_prerelease(version)

    def satisfies(self, version: str, range: str) -> bool:
        """Tell whether a version lies in a range; a bare version is exact."""
        return versions.satisfies(version, range)

    def classify(self, spec: str) -> DependencySpec:
        """Say whether a text is a range."""
        return versions.classify(spec)

    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        """Give the highest release in a range, else the highest version in it."""
        return versions.choose(candidates, range)

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        """Read ``upack.json`` at the root of the zip."""
        return read_package(file)

    def filename(self, manifest: Manifest) -> str:
        """Give ``name.version.upack``."""
        return names.file_name(manifest.name, manifest.version)

    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        """List the files of the zip."""
        return file_tree(file)

    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        """Read the start of one file of the zip."""
        return read_entry(file, path, limit)

    def routes(self) -> Routes:
        """Give the routes of the Universal Feed API."""
        return routes

    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        """Point upack, curl and PowerShell at a feed."""
        return snippets.setup(feed)

    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        """Install one version with upack, curl and PowerShell."""
        return snippets.install(feed, name, version)

    def upstream(self, url: str, http: HttpClient) -> Upstream:
        """Ask another Universal feed."""
        return UniversalUpstream(url, http)

    def kit(self) -> FormatKit:
        """Give the sample data."""
        return make_kit()
