"""Versions and requirements as ``Gem::Version`` and ``Gem::Requirement`` understand them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from app.plugin import DependencySpec, InvalidPackage, SpecKind
from app.plugin.ordering import MAX_DIGITS, complement, number

MAX_LENGTH = 256
MAX_KEY = 1000
_PATTERN = r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_VERSION = re.compile(rf"[ \t\r\n]*({_PATTERN})?[ \t\r\n]*")
_REQUIREMENT = re.compile(rf"\s*(=|!=|>=|<=|~>|>|<)?\s*({_PATTERN})\s*")
_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+")
_LETTER = re.compile(r"[A-Za-z]")

Segments = tuple[int | str, ...]


def clean(version: str) -> str:
    """Give a version's text as Ruby holds it: nothing is 0, ``-`` begins a prerelease; raise InvalidPackage."""
    found = _VERSION.fullmatch(version) if len(version) <= MAX_LENGTH and version.isascii() else None
    if found is None:
        raise InvalidPackage(f"{version[:80]!r} is no gem version; write it like 1.2.3 or 1.2.3.pre1.")
    text = (found[1] or "0").replace("-", ".pre.")
    if any(len(part) > MAX_DIGITS for part in _SEGMENT.findall(text) if part.isdigit()):
        raise InvalidPackage(
            f"A number in the version {version[:40]!r}... is too long; use {MAX_DIGITS} digits at most."
        )
    return text


def segments(version: str) -> Segments:
    """Give the runs of digits (as numbers) and of letters in a version."""
    return tuple(int(part) if part.isdigit() else part for part in _SEGMENT.findall(clean(version)))


def canonical(version: str) -> Segments:
    """Give the runs that count: without zeros at the end, or right before the first letter."""
    runs = segments(version)
    first = next((at for at, run in enumerate(runs) if isinstance(run, str)), len(runs))
    return (*_without_zeros(runs[:first]), *_without_zeros(runs[first:]))


def _without_zeros(runs: Segments) -> Segments:
    while runs and runs[-1] == 0:
        runs = runs[:-1]
    return runs


@lru_cache(maxsize=16_384)  # The same few texts come again and again.
def version_key(version: str) -> str:
    """Give the sortable key of a version; raise InvalidPackage.

    After some zeros a word sorts below the end (which stands for endless zeros), a number above it: the more zeros
    before it, the nearer to the end.
    """
    parts: list[str] = []
    zeros = 0
    for run in canonical(version):
        if run == 0:
            zeros += 1
            continue
        if isinstance(run, str):
            parts.append(f"A{number(zeros)}{run}!")
        else:
            parts.append(f"C{complement(number(zeros))}{number(run)}")
        zeros = 0
    key = "".join(parts) + "B"
    if len(key) > MAX_KEY:
        raise InvalidPackage(f"The version {version[:40]!r}... has too many parts; use fewer.")
    return key


def normalize(version: str) -> str:
    """Give one text for all spellings of a version."""
    runs = canonical(version)
    # A version begins with a number; a zero there does not count, and is written all the same.
    lead = () if runs and isinstance(runs[0], int) else (0,)
    return ".".join(map(str, (*lead, *runs)))


def is_prerelease(version: str) -> bool:
    """Tell whether a version has a letter, by which Ruby knows prereleases."""
    return _LETTER.search(clean(version)) is not None


class Requirement(NamedTuple):
    """Hold one part of a requirement: an operator and the version's text."""

    operator: str
    version: str


def parse_requirement(text: str) -> tuple[Requirement, ...]:
    """Take a requirement apart, parts separated by commas; none means any version. Raises InvalidPackage."""
    if len(text) > 1024:
        raise InvalidPackage("A requirement has more than 1,024 characters; write a shorter one.")
    if not text.strip():
        return (Requirement(">=", "0"),)
    found = []
    for part in text.split(","):
        match = _REQUIREMENT.fullmatch(part)
        if match is None:
            raise InvalidPackage(f"{part[:80]!r} is no requirement; write it like '>= 1.2' or '~> 1.2.3'.")
        found.append(Requirement(match[1] or "=", clean(match[2])))
    return tuple(found)


def _release(version: str) -> str:
    """Give a version without its prerelease."""
    runs = list(segments(version))
    while any(isinstance(run, str) for run in runs):
        runs.pop()
    return ".".join(map(str, runs))


def _bump(version: str) -> str:
    """Give the version that ``~>`` stops before."""
    runs = _release(version).split(".")
    if len(runs) > 1:
        runs.pop()
    return ".".join([*runs[:-1], str(int(runs[-1]) + 1)])


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda version, wanted: version_key(version) == version_key(wanted),
    "!=": lambda version, wanted: version_key(version) != version_key(wanted),
    ">": lambda version, wanted: version_key(version) > version_key(wanted),
    "<": lambda version, wanted: version_key(version) < version_key(wanted),
    ">=": lambda version, wanted: version_key(version) >= version_key(wanted),
    "<=": lambda version, wanted: version_key(version) <= version_key(wanted),
    "~>": lambda version, wanted: (
        version_key(version) >= version_key(wanted) and version_key(_release(version)) < version_key(_bump(wanted))
    ),
}


def satisfies(version: str, range: str) -> bool:
    """Tell whether a version satisfies a requirement, as ``Gem::Requirement#satisfied_by?`` decides."""
    try:
        return all(_OPERATORS[each.operator](version, each.version) for each in parse_requirement(range))
    except InvalidPackage:
        return False


def classify(spec: str) -> DependencySpec:
    """Say what a dependency's text asks for: gems know nothing but requirements."""
    try:
        parse_requirement(spec)
    except InvalidPackage as error:
        return DependencySpec(SpecKind.UNRESOLVABLE, reason=error.message)
    return DependencySpec(SpecKind.RANGE, range=spec.strip() or ">= 0")


def choose(candidates: Sequence[str], range: str) -> str | None:
    """Give the highest version that satisfies a requirement; prereleases only where it names one."""
    try:
        early = any(is_prerelease(each.version) for each in parse_requirement(range))
    except InvalidPackage:
        return None
    fitting = [each for each in candidates if (early or not is_prerelease(each)) and satisfies(each, range)]
    return max(fitting, key=version_key, default=None)
