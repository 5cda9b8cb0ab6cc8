"""A format in the manner of Maven, kept as sample of one that cannot be promoted and of names with a group."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from app.plugin import (
    DependencySpec,
    Entry,
    Feature,
    FeedAddress,
    FeedFormat,
    FormatKit,
    InvalidPackage,
    Manifest,
    Snippet,
    SpecKind,
    hookimpl,
)
from app.plugin.archives import file_tree, open_zip, read_entry
from app.plugin.ordering import number
from app.plugin.web import Routes

from .kit import KIT, PROPERTIES
from .views import routes

_NAME = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z][a-z0-9]*){0,9}:[a-z][a-z0-9-]{0,60}")
_VERSION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9}){0,3})(-SNAPSHOT)?")
_LINE = re.compile(r"(?m)^(groupId|artifactId|version)=(\S{1,200})$")


class MavenLikeFormat(FeedFormat):
    """Jars below a path that spells group, artifact and version."""

    key = prefix = "maven-like"
    title = "Maven-like"
    purl_type = "maven"
    features = frozenset({Feature.GROUPS})
    promotable = False
    why_not_promotable = (
        "A Maven-like version is a folder of files that name each other, so a promotion could take half of it; "
        "deploy the build to the target feed instead."
    )
    accept = ".jar"

    def name_key(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise InvalidPackage(f"{name[:80]!r} is no coordinate; write it like org.example:tool.")
        return name

    def split_name(self, name: str) -> tuple[str, str]:
        group, _, artifact = name.rpartition(":")
        return group, artifact

    def join_name(self, group: str, name: str) -> str:
        return f"{group}:{name}" if group else name

    def version_key(self, version: str) -> str:
        found = _VERSION.fullmatch(version)
        if found is None:
            raise InvalidPackage(f"{version[:80]!r} is no version; write 1 to 4 numbers, then '-SNAPSHOT' if need be.")
        numbers = [int(part) for part in found[1].split(".")]
        return "".join(map(number, [*numbers, 0, 0, 0][:4])) + ("0" if found[2] else "1")

    def normalize(self, version: str) -> str:
        self.version_key(version)
        numbers = [str(int(part)) for part in version.removesuffix("-SNAPSHOT").split(".")]
        while len(numbers) > 1 and numbers[-1] == "0":
            numbers.pop()
        return ".".join(numbers) + ("-SNAPSHOT" if version.endswith("-SNAPSHOT") else "")

    def is_prerelease(self, version: str) -> bool:
        return self.version_key(version).endswith("0")

    def satisfies(self, version: str, range: str) -> bool:
        return self.version_key(version) >= self.version_key(range)

    def classify(self, spec: str) -> DependencySpec:
        if _VERSION.fullmatch(spec):
            return DependencySpec(SpecKind.RANGE, spec)
        return DependencySpec(SpecKind.UNRESOLVABLE, reason=f"{spec[:80]!r} is no version.")

    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        return min((v for v in candidates if self.satisfies(v, range)), key=self.version_key, default=None)

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        archive = open_zip(file)
        entry = archive.find(PROPERTIES)
        if entry is None:
            raise InvalidPackage(f"The jar has no {PROPERTIES}; build it with Maven.")
        facts = dict(_LINE.findall(archive.read(entry, 10_000).decode("ascii", "replace")))
        name, version = f"{facts.get('groupId')}:{facts.get('artifactId')}", facts.get("version", "")
        self.name_key(name), self.version_key(version)
        archive.verify()
        return Manifest(name, version)

    def filename(self, manifest: Manifest) -> str:
        return f"{self.split_name(manifest.name)[1]}-{manifest.version}.jar"

    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        return file_tree(file)

    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        return read_entry(file, path, limit)

    def routes(self) -> Routes:
        return routes

    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        return [Snippet("Maven", "Use the feed", f"<url>{feed.url}</url>", "settings.xml")]

    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        return [Snippet("Maven", "Install", f"mvn dependency:get -Dartifact={name}:{version}")]

    def kit(self) -> FormatKit:
        return KIT


@hookimpl
def register_formats() -> Iterable[FeedFormat]:
    """Bring the Maven-like format."""
    return [MavenLikeFormat()]
