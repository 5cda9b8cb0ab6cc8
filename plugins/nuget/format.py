"""The NuGet format."""

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

from . import archive, ranges, search, snippets, v2_views, versions, views
from .kit import make_kit
from .nuspec import SYMBOLS
from .upstream import NuGetServer


class NuGetFormat(FeedFormat):
    """NuGet packages: one ``.nupkg`` is one version, a ``.snupkg`` may lie beside it; ids in any case."""

    key = "nuget"
    title = "NuGet"
    prefix = "nuget"
    purl_type = "nuget"
    features = frozenset({Feature.UNLIST, Feature.VARIANTS, Feature.SEARCH, Feature.UPSTREAM})
    accept = ".nupkg,.snupkg"

    def name_key(self, name: str) -> str:
        """Give an id in small letters: its case does not count."""
        return versions.check_id(name).lower()

    def version_key(self, version: str) -> str:
        """Give the sortable key of a version; 1.0 and 1.0.0.0 are one."""
        return versions.version_key(version)

    def normalize(self, version: str) -> str:
        """Give a version's normal form."""
        return versions.normalize(version)

    def is_prerelease(self, version: str) -> bool:
        """Tell whether a version has labels."""
        return versions.is_prerelease(version)

    def satisfies(self, version: str, range: str) -> bool:
        """Tell whether a version satisfies a range."""
        return ranges.satisfies(version, range)

    def classify(self, spec: str) -> DependencySpec:
        """Say what a dependency's text asks for."""
        return ranges.classify(spec)

    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        """Give the version that a restore would take: the lowest."""
        return ranges.choose(candidates, range)

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        """Read a package's nuspec, and the ids of its symbols."""
        return archive.read(file)

    def filename(self, manifest: Manifest) -> str:
        """Give the name under which every client looks for a package."""
        ending = "snupkg" if manifest.variant == SYMBOLS else "nupkg"
        return f"{manifest.name}.{versions.normalize(manifest.version)}.{ending}".lower()

    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        """List the files of a package."""
        return file_tree(file)

    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        """Give the beginning of one file of a package."""
        return read_entry(file, path, limit)

    def routes(self) -> Routes:
        """Give the routes of both protocols."""
        parts = (views.routes, search.routes, v2_views.routes)
        return Routes(views.nuget_error, [route for part in parts for route in part.routes])

    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        """Say how each client is pointed at a feed."""
        return snippets.setup_snippets(feed)

    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        """Say how each client installs one version."""
        return snippets.install_snippets(feed, name, version)

    def upstream(self, url: str, http: HttpClient) -> Upstream | None:
        """Give access to another NuGet server."""
        return NuGetServer(url, http)

    def kit(self) -> FormatKit:
        """Give the sample data of the contract suite."""
        return make_kit()
