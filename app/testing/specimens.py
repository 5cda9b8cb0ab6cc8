"""Material for the contract suite: nasty texts, package files, and two files of one version."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import pytest

from app.plugin import FeedFormat, FormatKit, Sample

NASTY_TEXTS: Sequence[str] = (
    "",
    " ",
    "\0",
    "\n",
    "1.0.0\n",
    " 1.0.0",
    "1.0.0 ",
    "\uff11.0.0",
    "1.\u0660.0",
    "\u0430bc",
    "a\u0301",
    "\ud800",
    "..",
    "../..",
    "/",
    "//",
    "a//b",
    "a\\b",
    "C:a",
    "-1",
    "+",
    "-",
    ".",
    "1..0",
    "1.0.0-",
    "1.0.0+",
    "1.0.0-..",
    "NaN",
    "None",
    "*",
    "[",
    "]",
    "[,]",
    "(,)",
    "[1.0,",
    ">=",
    "||",
    "~> ",
    "^",
    "<script>",
    "'; drop table version; --",
    "%2e%2e%2f",
    "1." * 400 + "0",
    "9" * 5000,
    "1.0.0-" + "9" * 5000,
    "a" * 100_000,
    "1.0.0-" + "a." * 50_000 + "a",
    "[" * 100_000,
    "(" * 100_000,
    ">=1 " * 25_000,
    "1.0.0 || " * 10_000 + "1.0.0",
)
"""Texts at which parsers stumble: empty, control and look-alike characters, paths, half a range, and very long."""

_numbers = count(1)


def unused_name(kit: FormatKit) -> str:
    """Give one of the kit's names, in turn; feeds are fresh, so a name may come twice in a run."""
    return kit.names[next(_numbers) % len(kit.names)]


def stable_versions(format: FeedFormat, kit: FormatKit, number: int) -> list[str]:
    """Give some releases of the kit's chain, ascending."""
    stable = [version for version in kit.order if not format.is_prerelease(version)]
    assert len(stable) >= number, f"kit.order needs at least {number} releases"
    return stable[:number]


def one_sample(format: FeedFormat, kit: FormatKit, name: str | None = None) -> Sample:
    """Make one package file of a released version."""
    return kit.make(name or kit.names[0], stable_versions(format, kit, 1)[0])


def two_files_of_one_version(format: FeedFormat, kit: FormatKit, name: str | None = None) -> tuple[Sample, Sample]:
    """Make two files with different bytes that claim to be one version of one package."""
    first = one_sample(format, kit, name)
    if kit.remake is not None:
        return first, _different(first, kit.remake(first))
    for one, other in kit.same_versions:
        pair = kit.make(first.name, one), kit.make(first.name, other)
        if pair[0].content != pair[1].content:
            return pair
    pytest.fail("the kit can make no two files of one version: give remake, or same_versions whose files differ")


def _different(first: Sample, second: Sample) -> Sample:
    assert second.content != first.content, "kit.remake gave the same bytes again"
    assert (second.name, second.version) == (first.name, first.version)
    return second
