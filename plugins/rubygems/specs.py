"""The older index: three lists of all gems, made of one piece for each gem, and the specification of each file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from app.plugin import FileLine, Manifest

from .marshal import HEAD, Dumped, Marshalled, Plain, Symbol, Writer, dumps, integer
from .names import RUBY, parse_platform
from .versions import parse_requirement

# What the first entry of a list writes out, and all others refer to.
_KNOWN = ("E", "Gem::Version")
_LENGTH = 4
Piece = Callable[[Sequence[FileLine]], bytes]


def every(lines: Sequence[FileLine]) -> list[FileLine]:
    """Give the gems of ``specs``: every release."""
    return [line for line in lines if line.listed and not line.prerelease]


def latest(lines: Sequence[FileLine]) -> list[FileLine]:
    """Give the gems of ``latest_specs``: for each platform the highest release."""
    return list({line.variant: line for line in every(lines)}.values())


def early(lines: Sequence[FileLine]) -> list[FileLine]:
    """Give the gems of ``prerelease_specs``."""
    return [line for line in lines if line.listed and line.prerelease]


LISTS = {"specs": every, "latest_specs": latest, "prerelease_specs": early}


def piece_of(chosen: Callable[[Sequence[FileLine]], list[FileLine]]) -> Piece:
    """Give what makes the piece of one gem: how many entries, the first one written out, then all with references."""

    def piece(lines: Sequence[FileLine]) -> bytes:
        entries = [
            [line.name, Marshalled("Gem::Version", [line.version]), line.variant or RUBY] for line in chosen(lines)
        ]
        if not entries:
            return b""
        first, all_ = Writer().write(entries[0]), [Writer(_KNOWN).write(entry) for entry in entries]
        numbers = (len(entries), len(first), len(all_[0]))
        return b"".join(each.to_bytes(_LENGTH, "big") for each in numbers) + first + b"".join(all_)

    return piece


def join(pieces: Iterable[bytes]) -> bytes:
    """Make the gzipped list out of the pieces."""
    count, body = 0, []
    for piece in filter(None, pieces):
        entries, first, short = (int.from_bytes(piece[at : at + _LENGTH], "big") for at in (0, _LENGTH, 2 * _LENGTH))
        start = 3 * _LENGTH
        rest = piece[start + first :]
        body.append(rest if count else piece[start : start + first] + rest[short:])
        count += entries
    return gzip.compress(HEAD + b"[" + integer(count) + b"".join(body), 6, mtime=0)


def quick(manifest: Manifest) -> bytes:
    """Give ``quick/Marshal.4.8/<full name>.gemspec.rz``: the specification without files, as Ruby dumps it."""
    data = manifest.data
    platform = manifest.variant or RUBY
    moment = datetime.fromisoformat(data["date"]).replace(tzinfo=UTC)
    fields: list[Any] = [
        data["rubygems_version"],
        4,
        manifest.name,
        _version(manifest.version),
        moment,
        data["summary"],
        _requirement(data["required_ruby"]),
        _requirement(data["required_rubygems"]),
        platform,
        [_dependency(*each) for each in data["dependencies"]],
        "",
        data["email"],
        data["authors"],
        data["description"],
        data["homepage"] or None,
        True,
        _platform(platform),
        data["licenses"],
        data["metadata"],
    ]
    return zlib.compress(dumps(Dumped("Gem::Specification", dumps(fields))))


def _version(text: str) -> Marshalled:
    return Marshalled("Gem::Version", [text])


def _requirement(text: str) -> Marshalled:
    return Marshalled(
        "Gem::Requirement", [[[each.operator, _version(each.version)] for each in parse_requirement(text)]]
    )


def _dependency(name: str, requirement: str, kind: str) -> Plain:
    wanted = _requirement(requirement)
    return Plain(
        "Gem::Dependency",
        {
            "@name": name,
            "@requirement": wanted,
            "@type": Symbol(kind),
            "@prerelease": False,
            "@version_requirements": wanted,
        },
    )


def _platform(text: str) -> Any:
    # A text where Ruby expects an object makes it take the gem for one of another platform.
    if text == RUBY:
        return RUBY
    known = parse_platform(text)
    return Plain("Gem::Platform", {"@cpu": known.cpu, "@os": known.os, "@version": known.version})
