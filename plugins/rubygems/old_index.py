"""The index that RubyGems had before the compact one: lists of all gems, and a gemspec of each, in Ruby's Marshal.

A list is put together of pieces, one for each gem. Each piece is written as if the list began with it. That holds
wherever it stands: a symbol that is written out a second time is the same symbol, and the numbers 0 and 1 go on to
stand for the two symbols that the first piece wrote out.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Sequence
from datetime import date

from app.plugin import FileLine, Manifest

from .platforms import RUBY, parse_platform
from .requirements import parse
from .ruby_marshal import HEADER, Dumped, Instance, Packed, Symbol, Writer, dump, write_number
from .versions import version_key

_COUNT = 4
_SPECIFICATION_VERSION = 4


def gem_version(text: str) -> Dumped:
    """Give a Gem::Version."""
    return Dumped("Gem::Version", [text])


def gem_requirement(text: str) -> Dumped:
    """Give a Gem::Requirement."""
    return Dumped("Gem::Requirement", [[[part.operator, gem_version(part.version)] for part in parse(text)]])


def gem_platform(text: str) -> object:
    """Give ``ruby``, or a Gem::Platform."""
    if text == RUBY:
        return RUBY
    read = parse_platform(text)
    return Instance("Gem::Platform", {"@cpu": read.cpu, "@os": read.os, "@version": read.version})


def quick_gemspec(manifest: Manifest) -> bytes:
    """Give the gemspec that a client reads before it fetches a gem: without files, deflated."""
    return zlib.compress(dump(Packed("Gem::Specification", dump(_fields(manifest)))), 9)


def _fields(manifest: Manifest) -> list[object]:
    """Give what Gem::Specification#_dump writes, in its order."""
    data = manifest.data
    return [
        data["rubygems_version"],
        _SPECIFICATION_VERSION,
        manifest.name,
        gem_version(manifest.version),
        date.fromisoformat(data["date"]),
        data["summary"],
        gem_requirement(data["ruby"]),
        gem_requirement(data["rubygems"]),
        data["platform"],
        [_dependency(each.name, each.range, each.group) for each in manifest.dependencies],
        "",
        data["email"],
        list(data["authors"]),
        data["description"],
        data["homepage"] or None,
        True,
        gem_platform(data["platform"]),
        list(data["licenses"]),
        dict(data["metadata"]),
    ]


def _dependency(name: str, requirement: str, group: str) -> Instance:
    return Instance(
        "Gem::Dependency",
        {
            "@name": name,
            "@requirement": gem_requirement(requirement),
            "@type": Symbol(group),
            "@prerelease": False,
            "@version_requirements": gem_requirement(requirement),
        },
    )


# Lists of all gems ------------------------------------------------------------------------------------


def _piece(lines: Sequence[FileLine]) -> bytes:
    """Give the lines of one gem as elements of a list, behind their count."""
    writer = Writer()
    for line in lines:
        writer.write([line.name, gem_version(line.version), line.variant or RUBY])
    return len(lines).to_bytes(_COUNT, "big") + bytes(writer.out) if lines else b""


def releases(lines: Sequence[FileLine]) -> bytes:
    """Give the piece of ``specs``: every release."""
    return _piece([line for line in lines if line.listed and not line.prerelease])


def latest(lines: Sequence[FileLine]) -> bytes:
    """Give the piece of ``latest_specs``: for each platform the highest release."""
    highest: dict[str, FileLine] = {}
    for line in sorted(lines, key=lambda each: version_key(each.version)):
        if line.listed and not line.prerelease:
            highest[line.variant] = line
    return _piece(list(highest.values()))


def prereleases(lines: Sequence[FileLine]) -> bytes:
    """Give the piece of ``prerelease_specs``: every prerelease."""
    return _piece([line for line in lines if line.listed and line.prerelease])


def join(pieces: Iterable[bytes]) -> bytes:
    """Give the whole list, gzipped."""
    count, body = 0, bytearray()
    for piece in pieces:
        count += int.from_bytes(piece[:_COUNT], "big")
        body += piece[_COUNT:]
    return gzip.compress(HEADER + b"[" + write_number(count) + bytes(body), 6, mtime=0)
