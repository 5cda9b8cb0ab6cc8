"""The NuGet format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from app.plugin import (
    ClientSource,
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

from . import client_settings, names, package, ranges, search, snippets, uploads, versions, views
from .errors import error
from .kit import build_kit
from .odata_views import routes as odata_routes
from .upstream import NuGetSource

_BELOW_THE_FEED = ("v2", "v3", "symbols")


class NuGetFormat(FeedFormat):
    """Packages of .NET, PowerShell and Chocolatey (.nupkg), with their symbols (.snupkg)."""

    key = "nuget"
    title = "NuGet"
    prefix = "nuget"
    purl_type = "nuget"
    features = frozenset({Feature.DEPRECATE, Feature.UNLIST, Feature.VARIANTS, Feature.SEARCH, Feature.UPSTREAM})
    accept = ".nupkg,.snupkg"

    def name_key(self, name: str) -> str:
        """Give the id in small letters."""
        return names.id_key(name)

    def version_key(self, version: str) -> str:
        """Give the sortable key; build metadata, case and a fourth number that is 0 do not count."""
        return versions.version_key(version)

    def normalize(self, version: str) -> str:
        """Give a version without leading zeros, a fourth number that is 0, and build metadata."""
        return versions.normalize(version)

    def is_prerelease(self, version: str) -> bool:
        """Tell whether a version has labels."""
        return versions.is_prerelease(version)

    def satisfies(self, version: str, range: str) -> bool:
        """Tell whether a version lies in a range; a bare version is a minimum."""
        return ranges.satisfies(version, range)

    def classify(self, spec: str) -> DependencySpec:
        """Say whether a dependency's text is a range."""
        return ranges.classify(spec)

    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        """Give the lowest version in a range, as a restore does; the highest that a floating one matches."""
        return ranges.choose(candidates, range)

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        """Read the nuspec of a package or of a symbol package."""
        return package.read_package(file)

    def filename(self, manifest: Manifest) -> str:
        """Give ``Id.1.0.0.nupkg``, or ``.snupkg`` for symbols."""
        ending = names.SYMBOLS if manifest.variant else names.PACKAGE
        return names.file_name(manifest.name, manifest.version, ending)

    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        """List the files of the zip."""
        return file_tree(file)

    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        """Read the start of one file of the zip."""
        return read_entry(file, path, limit)

    def routes(self) -> Routes:
        """Give the routes of the protocols V3 and V2."""
        parts = (views.routes, search.routes, uploads.routes, odata_routes)
        return Routes(error, [route for part in parts for route in part.routes])

    def canonical_path(self, path: str) -> str:
        """Put every path that is not of V3 or symbols below ``v2``: old clients have the feed itself as their source.

        ``/api/v2`` is the same as ``/v2``, as in the public gallery.
        """
        path = path.lstrip("/").removeprefix("api/")
        return path if path.partition("/")[0] in _BELOW_THE_FEED else f"v2/{path}"

    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        """Say how each client is pointed at a feed."""
        return snippets.setup_snippets(feed)

    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        """Say how each client installs one version."""
        return snippets.install_snippets(feed, name, version)

    def upstream(self, url: str, http: HttpClient) -> Upstream | None:
        """Give access to another NuGet source, by V3 or V2."""
        return NuGetSource(url, http)

    def client_sources(self) -> Sequence[ClientSource]:
        """Give the package sources of the user's own NuGet.Config."""
        return [
            ClientSource(url, str(path)) for path in client_settings.files() for url in client_settings.sources(path)
        ]

    def kit(self) -> FormatKit:
        """Give the sample data of the contract suite."""
        return build_kit()
