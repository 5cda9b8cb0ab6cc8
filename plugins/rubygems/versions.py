"""Versions of gems: their order, as Gem::Version decides it, as a key whose byte order is that order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from app.plugin import InvalidPackage
from app.plugin.ordering import complement, number

MAX_VERSION = 128
PATTERN = r"[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_VERSION = re.compile(rf"[ \t\r\n\f\v]*({PATTERN})[ \t\r\n\f\v]*")
_RUN = re.compile(r"[0-9]+|[A-Za-z]+")
_WORD, _END, _NUMBER = "ABC"
"""What a key goes on with: letters sort below the end, which stands for endless zeros, and numbers above it."""
_WORD_END = "!"

Segment = int | str


@lru_cache(maxsize=16_384)  # The same few texts come again and again: 1.0.0 is the version of every second gem.
def normalize(version: str) -> str:
    """Give a version as RubyGems writes it: without blanks around it, ``-`` as ``.pre.``; raise InvalidPackage.

    ``1.0`` stays ``1.0``, though it equals ``1``: files and lock files are named by this text.
    """
    match = _VERSION.fullmatch(version) if len(version) <= MAX_VERSION else None
    found = match[1].replace("-", ".pre.") if match else ""
    if match is None or len(found) > MAX_VERSION:
        raise InvalidPackage(
            f"{version[:80]!a} is no version of a gem; write it like 1.2.3 or 1.2.3.beta1, in at most {MAX_VERSION} "
            "characters.",
            code="invalid-version",
        )
    return found


def segments(version: str) -> list[Segment]:
    """Give the runs of digits and of letters of a version; raise InvalidPackage."""
    return [_segment(run) for run in _RUN.findall(normalize(version))]


def _segment(run: str) -> Segment:
    if not run.isdigit():
        return run
    if len(run) > MAX_VERSION // 2:
        raise InvalidPackage(f"The number {run[:20]}... in the version is too long.")
    return int(run)


def canonical(version: str) -> list[Segment]:
    """Give the segments that count: without zeros at the end, and right before the first letter."""
    found = segments(version)
    first = next((at for at, segment in enumerate(found) if isinstance(segment, str)), len(found))
    return [*_without_zeros(found[:first]), *_without_zeros(found[first:])]


def _without_zeros(part: Sequence[Segment]) -> Sequence[Segment]:
    end = len(part)
    while end and part[end - 1] == 0:
        end -= 1
    return part[:end]


@lru_cache(maxsize=16_384)
def version_key(version: str) -> str:
    """Give the sortable key of a version; versions that Gem::Version holds for equal have one key.

    A version reads as if it ended in endless zeros. So zeros are counted and written before the next segment: the
    more zeros precede a number, the lower it is, and the more precede a word, the higher.
    """
    return "".join(_key_parts(canonical(version))) + _END


def _key_parts(found: Sequence[Segment]) -> Iterator[str]:
    zeros = 0
    for segment in found:
        if segment == 0:
            zeros += 1
            continue
        if isinstance(segment, str):
            yield f"{_WORD}{number(zeros)}{segment}{_WORD_END}"
        else:
            yield f"{_NUMBER}{complement(number(zeros))}{number(segment)}"
        zeros = 0


def is_prerelease(version: str) -> bool:
    """Tell whether a version is a prerelease: whether it has a letter."""
    return any(character.isalpha() for character in normalize(version))


def release(version: str) -> str:
    """Give a version without everything from its first letter on."""
    return ".".join(map(str, _numbers(version))) if is_prerelease(version) else normalize(version)


def bump(version: str) -> str:
    """Give the first version that ``~> version`` no longer admits: ``5.3.1`` gives ``5.4``."""
    found = _numbers(version)
    if len(found) > 1:
        found.pop()
    return ".".join(map(str, [*found[:-1], found[-1] + 1]))


def _numbers(version: str) -> list[int]:
    """Give the numbers before the first letter; there is at least one."""
    found: list[int] = []
    for segment in segments(version):
        if isinstance(segment, str):
            break
        found.append(segment)
    return found
