"""The RubyGems format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from app.plugin import (
    ClientSource,
    DependencySpec,
    Entry,
    Feature,
    FeedAddress,
    FeedFormat,
    FileChange,
    FormatKit,
    HttpClient,
    Manifest,
    Snippet,
    Upstream,
)
from app.plugin.clients import addresses, ask_client
from app.plugin.records import PackageRecord
from app.plugin.web import Routes, text_error

from . import (
    account,
    archive,
    compact,
    conformance,
    details,
    facts,
    names,
    publishing,
    requirements,
    snippets,
    versions,
    views,
)
from .kit import build_kit
from .platforms import RUBY
from .upstream import GemSource


class RubyGemsFormat(FeedFormat):
    """Gems: several files, one for each platform, make a version; what is yanked stays but is no longer given out."""

    key = "rubygems"
    title = "RubyGems"
    prefix = "rubygems"
    purl_type = "gem"
    aliases = ("gem",)
    features = frozenset(
        {Feature.VARIANTS, Feature.YANK, Feature.JOURNAL, Feature.CLIENT_LOGIN, Feature.SEARCH, Feature.UPSTREAM}
    )
    accept = ".gem"

    def name_key(self, name: str) -> str:
        """Give the name itself: RubyGems tells names apart by case."""
        return names.check_name(name)

    def version_key(self, version: str) -> str:
        """Give the sortable key of a version, in the order of Gem::Version."""
        return versions.version_key(version)

    def normalize(self, version: str) -> str:
        """Give a version as RubyGems writes it."""
        return versions.normalize(version)

    def is_prerelease(self, version: str) -> bool:
        """Tell whether a version is a prerelease."""
        return versions.is_prerelease(version)

    def satisfies(self, version: str, range: str) -> bool:
        """Tell whether a version satisfies a requirement, as Gem::Requirement decides."""
        return requirements.satisfies(version, range)

    def classify(self, spec: str) -> DependencySpec:
        """Say what a dependency's text asks for."""
        return requirements.classify(spec)

    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        """Give the version that gem and Bundler would take: the highest."""
        return requirements.choose(candidates, range)

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        """Read a gem's gemspec."""
        return archive.read(file)

    def filename(self, manifest: Manifest) -> str:
        """Give the name under which every client asks for a gem."""
        return names.file_name(manifest.name, manifest.version, manifest.variant)

    def qualifier(self, variant: str) -> str:
        """Give a platform as a package URL's qualifier; pure Ruby is one, which clients of the API ask for by name."""
        return f"platform={variant or RUBY}"

    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        """List the files that installing a gem unpacks."""
        return archive.entries(file)

    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        """Give the beginning of one file of a gem."""
        return archive.read_entry(file, path, limit)

    def routes(self) -> Routes:
        """Give the routes of both indexes and of the API that gem uses."""
        parts = (account.routes, publishing.routes, facts.routes, conformance.routes, views.routes)
        return Routes(text_error, [route for part in parts for route in part.routes])

    def journal(self, package: PackageRecord, changes: Sequence[FileChange]) -> Sequence[str]:
        """Give the line of the compact index's ``versions`` for changes of a gem."""
        return compact.changed(package, changes)

    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        """Say how each client is pointed at a feed."""
        return snippets.setup_snippets(feed)

    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        """Say how each client installs one version."""
        return snippets.install_snippets(feed, name, version)

    def details(self, files: Sequence[Manifest]) -> Mapping[str, str]:
        """Give platforms, and what installing needs."""
        return details.about(files)

    def upstream(self, url: str, http: HttpClient) -> Upstream | None:
        """Give access to another source of gems."""
        return GemSource(url, http)

    def client_sources(self) -> Sequence[ClientSource]:
        """Give the sources that gem is set to here."""
        written = ask_client("gem", "sources", "--list")
        return [ClientSource(url, "gem sources") for url in addresses(written.splitlines())]

    def kit(self) -> FormatKit:
        """Give the sample data of the contract suite."""
        return build_kit()
