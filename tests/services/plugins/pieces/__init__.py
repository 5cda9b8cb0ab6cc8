"""A format of several files a version that keeps a journal: what the core's own tests of both need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import BinaryIO

from app.plugin import (
    DependencySpec,
    Entry,
    Feature,
    FeedAddress,
    FeedFormat,
    FileChange,
    FileLine,
    FormatKit,
    InvalidPackage,
    Manifest,
    Permission,
    Snippet,
    SpecKind,
    hookimpl,
)  # fmt: skip
from app.plugin.records import PackageRecord
from app.plugin.web import Response, Routes, ServedFeed, text_error, text_response

_HEADER = re.compile(rb"piece ([a-z]+) ([0-9]) ?([a-z]*) ?((?:#[a-z]+)*)\n")
routes = Routes(text_error)


class PieceFormat(FeedFormat):
    """Pieces: ``piece <name> <version> [<variant>] [#facet...]`` on the first line."""

    key = title = prefix = "piece"
    purl_type = "generic"
    features = frozenset({Feature.VARIANTS, Feature.JOURNAL})

    def name_key(self, name: str) -> str:
        return _checked(name, "[a-z]+")

    def version_key(self, version: str) -> str:
        return _checked(version, "[0-9]")

    def normalize(self, version: str) -> str:
        return version

    def is_prerelease(self, version: str) -> bool:
        return version == "0"

    def satisfies(self, version: str, range: str) -> bool:
        return version == range

    def classify(self, spec: str) -> DependencySpec:
        return DependencySpec(SpecKind.RANGE, spec)

    def choose(self, candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
        return range if range in candidates else None

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        found = _HEADER.match(file.read(200))
        if found is None:
            raise InvalidPackage("The file is no piece.")
        name, version, variant, facets = (part.decode() for part in found.groups())
        full = "-".join(filter(None, (name, version, variant)))
        return Manifest(name, version, variant, facets=tuple(facets.split("#")[1:]), handles=(full,))

    def filename(self, manifest: Manifest) -> str:
        return f"{manifest.handles[0]}.txt"

    def qualifier(self, variant: str) -> str:
        return f"platform={variant}" if variant else ""

    def entries(self, file: BinaryIO) -> Sequence[Entry]:
        return []

    def read_entry(self, file: BinaryIO, path: str, limit: int) -> bytes:
        return b""

    def journal(self, package: PackageRecord, changes: Sequence[FileChange]) -> Sequence[str]:
        left = sum(file.listed for version in package.versions for file in version.files)
        return [f"{'+' if c.present else '-'}{package.name} {c.version} {c.variant} {left}\n" for c in changes]

    def routes(self) -> Routes:
        return routes

    def setup_snippets(self, feed: FeedAddress) -> Sequence[Snippet]:
        return []

    def install_snippets(self, feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
        return []

    def kit(self) -> FormatKit:
        raise NotImplementedError("this format is for the core's tests alone")


def _checked(text: str, pattern: str) -> str:
    if not re.fullmatch(pattern, text):
        raise InvalidPackage(f"{text!r} is not possible.")
    return text


@routes.get("/log")
def log(feed: ServedFeed) -> Response:
    """Give the journal."""
    return feed.journal(f"begun {feed.journal_begun:%Y}\n".encode(), content_type="text/plain")


@routes.get("/names")
def names(feed: ServedFeed) -> Response:
    """Give a line for each package."""

    def piece(lines: Sequence[FileLine]) -> bytes:
        shown = ",".join(f"{line.version}{line.variant}" for line in lines if line.listed)
        return f"{lines[0].name} {shown}\n".encode()

    return feed.collected("names", piece, b"".join, content_type="text/plain", digest="md5", repr_digest=True)


@routes.get("/files/<handle>")
def file(feed: ServedFeed, handle: str) -> Response:
    """Give a file by its handle."""
    found = feed.find(handle)
    return text_error(404, "no", "no") if found is None else feed.send(found[1], "text/plain")


@routes.route("/rewrite", ("POST",), Permission.MANAGE_FEED)
def rewrite(feed: ServedFeed) -> Response:
    """Begin the journal anew, in a year that the body names."""
    feed.set_clock(datetime.fromisoformat(feed.request.get_data(as_text=True)))
    feed.rewrite_journal(lambda package: [f"={package.name}\n"])
    return text_response("done")


@hookimpl
def register_formats() -> Iterable[FeedFormat]:
    """Bring the format."""
    return [PieceFormat()]
