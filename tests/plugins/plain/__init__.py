"""The plain format: one text file is one version; its first line is ``plain <name> <version>``.

A whole plugin in three small files, kept as sample for plugin authors and as a dropped-in plugin for the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from app.plugin import (
    DependencySpec,
    Entry,
    FeedAddress,
    FeedFormat,
    FormatKit,
    InvalidPackage,
    Manifest,
    NotFound,
    Snippet,
    SpecKind,
    hookimpl,
)  # fmt: skip
from app.plugin.web import Routes

from .kit import KIT
from .views import routes

_HEADER = re.compile(rb"plain ([a-z][a-z0-9-]{0,49}) ([0-9]{1,9}(?:\.[0-9]{1,9}){0,3}(?:-pre)?)\n")
_VERSION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9}){0,3})(-pre)?")


class PlainFormat(FeedFormat):
    """Plain files: one text file with a first line that names it."""

    key = title = prefix = "plain"
    purl_type = "generic"
    accept = ".txt"

    def name_key(self, name: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,49}", name):
            raise InvalidPackage(f"{name[:60]!r} is no plain name; use up to 50 small letters, digits and '-'.")
        return name

    def version_key(self, version: str) -> str:
        found = _VERSION.fullmatch(version)
        if found is None or not version.isascii():
            raise InvalidPackage(f"{version[:60]!r} is no plain version; use 1 to 4 numbers, then '-pre' if need be.")
        numbers = [f"{int(number):09}" for number in found[1].split(".")]
        return ".".join([*numbers, *["0" * 9] * (4 - len(numbers))]) + ("0" if found[2] else "1")

    def normalize(self, version: str) -> str:
        key = self.version_key(version)
        numbers = [str(int(number)) for number in key[:-1].split(".")]
        return ".".join(numbers) + ("" if key.endswith("1") else "-pre")

    def is_prerelease(self, version: str) -> bool:
        return self.version_key(version).endswith("0")

    def satisfies(self, version: str, range: str) -> bool:
        return range == "*" or self.version_key(version) == self.version_key(range)

    def classify(self, spec: str) -> DependencySpec:
        if spec == "*" or _VERSION.fullmatch(spec):
            return DependencySpec(SpecKind.RANGE, spec)
        return DependencySpec(SpecKind.UNRESOLVABLE, reason=f"{spec[:60]!r} is neither a version nor '*'.")

    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        return max((v for v in candidates if self.satisfies(v, range)), key=self.version_key, default=None)

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        found = _HEADER.match(file.read(200))
        if found is None:
            raise InvalidPackage("The file is no plain package; its first line must be 'plain <name> <version>'.")
        return Manifest(found[1].decode(), found[2].decode())

    def filename(self, manifest: Manifest) -> str:
        return f"{manifest.name}-{manifest.version}.txt"

    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        self.read(file, "")
        file.seek(0)
        return [Entry("content.txt", len(file.read()))]

    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        self.read(file, "")
        if path != "content.txt":
            raise NotFound(f"There is no {path[:60]!r} in a plain package; it holds content.txt.")
        file.seek(0)
        return file.read(limit)

    def routes(self) -> Routes:
        return routes

    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        return [Snippet("curl", "Publish", f"curl -T hello.txt -H 'X-ApiKey: ...' {feed.url}/hello")]

    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        return [Snippet("curl", "Download", f"curl -O {feed.url}/{name}/{version}")]

    def kit(self) -> FormatKit:
        return KIT


@hookimpl
def register_formats() -> Iterable[FeedFormat]:
    """Bring the plain format."""
    return [PlainFormat()]
