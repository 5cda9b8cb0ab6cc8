"""The RubyGems format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from app.plugin import (
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
from app.plugin.records import PackageRecord
from app.plugin.web import Routes

from . import archive, compact, names, snippets, versions, views
from .kit import make_kit
from .upstream import RubyGemsServer


class RubyGemsFormat(FeedFormat):
    """Gems: one ``.gem`` for each platform of a version; versions are yanked, not deleted."""

    key = "rubygems"
    title = "RubyGems"
    prefix = "rubygems"
    purl_type = "gem"
    aliases = ("gem", "ruby")
    features = frozenset(
        {
            Feature.YANK,
            Feature.VARIANTS,
            Feature.CLIENT_LOGIN,
            Feature.SEARCH,
            Feature.UPSTREAM,
            Feature.JOURNAL,
        }
    )
    accept = ".gem"

    def name_key(self, name: str) -> str:
        """Give the name itself: gems are told apart by case."""
        return names.check_name(name)

    def version_key(self, version: str) -> str:
        """Give the sortable key of a version; 1.0 and 1.0.0 are one."""
        return versions.version_key(version)

    def normalize(self, version: str) -> str:
        """Give one text for all spellings of a version."""
        return versions.normalize(version)

    def is_prerelease(self, version: str) -> bool:
        """Tell whether a version is a prerelease: it has a letter."""
        return versions.is_prerelease(version)

    def satisfies(self, version: str, range: str) -> bool:
        """Tell whether a version satisfies a requirement."""
        return versions.satisfies(version, range)

    def classify(self, spec: str) -> DependencySpec:
        """Say what a dependency's text asks for."""
        return versions.classify(spec)

    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        """Give the version that Bundler would take: the highest."""
        return versions.choose(candidates, range)

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        """Read a gem's metadata and check its checksums."""
        return archive.read(file)

    def filename(self, manifest: Manifest) -> str:
        """Give the name under which every client looks for a gem."""
        return f"{manifest.handles[0]}.gem"

    def qualifier(self, variant: str) -> str:
        """Name a platform."""
        return f"platform={variant or names.RUBY}"

    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        """List the files that a gem installs."""
        return archive.entries(file)

    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        """Give the beginning of one file that a gem installs."""
        return archive.read_entry(file, path, limit)

    def journal(self, package: PackageRecord, changes: Sequence[FileChange]) -> Sequence[str]:
        """Give the lines that the compact index's ``versions`` gets."""
        return list(compact.lines(package, changes))

    def routes(self) -> Routes:
        """Give the routes of both indexes and of gem's commands."""
        return views.routes

    def canonical_path(self, path: str) -> str:
        """Fold the double slash that ``gem push --host`` makes of a host that ends with one."""
        return path.lstrip("/")

    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        """Say how gem and Bundler are pointed at a feed."""
        return snippets.setup_snippets(feed)

    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        """Say how gem and Bundler install one version."""
        return snippets.install_snippets(feed, name, version)

    def upstream(self, url: str, http: HttpClient) -> Upstream | None:
        """Give access to another gem server."""
        return RubyGemsServer(url, http)

    def kit(self) -> FormatKit:
        """Give the sample data of the contract suite."""
        return make_kit()
