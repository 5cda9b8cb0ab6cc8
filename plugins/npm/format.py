"""The npm format."""

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
from app.plugin.clients import addresses, ask_client
from app.plugin.web import Routes, json_error

from . import account, audit, names, search, snippets, tarball, versions, views
from .kit import build_kit
from .upstream import NpmRegistry


class NpmFormat(FeedFormat):
    """Node packages: one ``.tgz`` is one version; scoped names, tags, deprecation."""

    key = "npm"
    title = "npm"
    prefix = "npm"
    purl_type = "npm"
    features = frozenset(
        {Feature.TAGS, Feature.DEPRECATE, Feature.GROUPS, Feature.CLIENT_LOGIN, Feature.SEARCH, Feature.UPSTREAM}
    )
    accept = ".tgz"

    def name_key(self, name: str) -> str:
        """Give the name itself: npm tells names apart by case."""
        return names.check_name(name)

    def split_name(self, name: str) -> tuple[str, str]:
        """Split ``@scope/name``; the group keeps its ``@``."""
        return names.split_name(name)

    def join_name(self, group: str, name: str) -> str:
        """Join a scope, with or without its ``@``, and a name."""
        return names.join_name(group, name)

    def version_key(self, version: str) -> str:
        """Give the sortable key of a SemVer 2 version; build metadata does not count."""
        return versions.version_key(version)

    def normalize(self, version: str) -> str:
        """Give a version as npm's registry writes it."""
        return versions.normalize(version)

    def is_prerelease(self, version: str) -> bool:
        """Tell whether a version is a prerelease."""
        return versions.is_prerelease(version)

    def satisfies(self, version: str, range: str) -> bool:
        """Tell whether a version satisfies a range, as node-semver decides."""
        return versions.satisfies(version, range)

    def classify(self, spec: str) -> DependencySpec:
        """Say what a dependency's text asks for."""
        return versions.classify(spec)

    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        """Give the version that npm would take: latest where it satisfies, else the highest."""
        return versions.choose(candidates, range, latest)

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        """Read a tarball's package.json."""
        return tarball.read(file)

    def filename(self, manifest: Manifest) -> str:
        """Give the name under which every client looks for a version."""
        return names.tarball_name(manifest.name, versions.normalize(manifest.version))

    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        """List the files of a tarball as npm unpacks them."""
        return tarball.entries(file)

    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        """Give the beginning of one file of a tarball."""
        return tarball.read_entry(file, path, limit)

    def routes(self) -> Routes:
        """Give the routes of the npm protocol."""
        parts = (account.routes, audit.routes, search.routes, views.routes)
        return Routes(json_error, [route for part in parts for route in part.routes])

    def canonical_path(self, path: str) -> str:
        """Make a scoped name one segment, however a client encoded its slash."""
        return names.canonical_path(path)

    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        """Say how each client is pointed at a feed."""
        return snippets.setup_snippets(feed)

    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        """Say how each client installs one version."""
        return snippets.install_snippets(feed, name, version)

    def upstream(self, url: str, http: HttpClient) -> Upstream | None:
        """Give access to another npm registry."""
        return NpmRegistry(url, http)

    def client_sources(self) -> Sequence[ClientSource]:
        """Give the registry that npm is set to here."""
        written = ask_client("npm", "config", "get", "registry")
        return [ClientSource(url, "npm config get registry") for url in addresses(written.splitlines())]

    def kit(self) -> FormatKit:
        """Give the sample data of the contract suite."""
        return build_kit()
