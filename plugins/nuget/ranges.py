"""NuGet's version ranges: intervals, floating versions, and which version of some is taken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.plugin import DependencySpec, InvalidPackage, SpecKind

from .versions import is_prerelease, normalize, parse, version_key

MAX_RANGE = 256
_FLOATING = re.compile(
    r"(?P<core>\*|[0-9]+(?:\.[0-9]+){0,2}\.\*|[0-9]+(?:\.[0-9]+){0,3})(?:-(?P<labels>[0-9A-Za-z.-]*)\*)?"
)


@dataclass(frozen=True, slots=True)
class Floating:
    """Hold a version with a star.

    It stands for releases whose numbers begin with ``core``, and for prereleases of them whose labels begin with
    ``labels`` (None: no prereleases).
    """

    core: str
    labels: str | None

    def matches(self, version: str) -> bool:
        """Tell whether the star can stand for a version."""
        known = parse(version)
        numbers = ".".join(map(str, known.numbers)) + "."
        if not self.core.endswith("*"):
            same = version_key(str(known).partition("-")[0]) == version_key(self.core)
            return same and (not known.labels or self._labelled(known.labels))
        if not numbers.startswith(self.core[:-1]):
            return False
        return not known.labels or self._labelled(known.labels)

    def _labelled(self, labels: tuple[str, ...]) -> bool:
        return self.labels is not None and ".".join(labels).lower().startswith(self.labels.lower())

    @property
    def lowest(self) -> str:
        """Give the version that the star begins at."""
        core = self.core.replace("*", "0")
        if self.labels is None:
            return core
        return f"{core}-{self.labels}{'0' if not self.labels or self.labels[-1] in '.-' else ''}"


@dataclass(frozen=True, slots=True)
class Range:
    """Hold a range; bounds are texts of versions, None where there is none."""

    low: str | None
    low_included: bool
    high: str | None
    high_included: bool
    floating: Floating | None = None

    def __str__(self) -> str:
        """Give the normal form, as registrations show it: ``[1.0.0, )``."""
        if self.low is not None and self.low == self.high and self.low_included:
            return f"[{normalize(self.low)}]"
        low, high = (normalize(each) if each is not None else "" for each in (self.low, self.high))
        return f"{'[' if self.low_included else '('}{low}, {high}{']' if self.high_included else ')'}"

    @property
    def bounds(self) -> tuple[str, ...]:
        """Give the bounds that there are."""
        return tuple(each for each in (self.low, self.high) if each is not None)

    def holds(self, version: str) -> bool:
        """Tell whether a version lies between the bounds."""
        key = version_key(version)
        if self.low is not None:
            low = version_key(self.low)
            if key < low or (key == low and not self.low_included):
                return False
        if self.high is not None:
            high = version_key(self.high)
            if key > high or (key == high and not self.high_included):
                return False
        return True


ANY = Range(None, False, None, False)


@lru_cache(maxsize=4096)
def parse_range(text: str) -> Range:
    """Take a range apart; empty text means any version. Raises InvalidPackage."""
    trimmed = text.strip()
    if len(trimmed) > MAX_RANGE:
        raise InvalidPackage(f"A range has more than {MAX_RANGE} characters; write a shorter one.")
    if not trimmed:
        return ANY
    if trimmed[0] not in "([":
        return _from(trimmed)
    if trimmed[-1] not in ")]" or len(trimmed) < 3:
        raise _no_range(text)
    parts = [part.strip() for part in trimmed[1:-1].split(",")]
    included = trimmed[0] == "[", trimmed[-1] == "]"
    if len(parts) > 2 or not any(parts) or (len(parts) == 1 and included != (True, True)):
        raise _no_range(text)
    return _between(text, parts[0], parts[-1], included)


def _from(text: str) -> Range:
    if "*" not in text:
        return Range(_checked(text), True, None, False)
    floating = _floating(text)
    return Range(floating.lowest, True, None, False, floating)


def _between(text: str, low: str, high: str, included: tuple[bool, bool]) -> Range:
    low_included, high_included = included
    floating = _floating(low) if "*" in low else None
    lowest = floating.lowest if floating is not None else _checked(low) if low else None
    highest = _checked(high) if high else None
    if lowest is not None and highest is not None:
        keys = version_key(lowest), version_key(highest)
        if keys[0] > keys[1] or (keys[0] == keys[1] and not (low_included and high_included)):
            raise _no_range(text)
    return Range(lowest, low_included and lowest is not None, highest, high_included and highest is not None, floating)


def _floating(text: str) -> Floating:
    found = _FLOATING.fullmatch(text)
    if found is None or text.count("*") > 2 or ("*" not in found["core"] and found["labels"] is None):
        raise _no_range(text)
    known = Floating(found["core"], found["labels"])
    _checked(known.lowest)
    return known


def _checked(text: str) -> str:
    parse(text)
    return text


def _no_range(text: str) -> InvalidPackage:
    return InvalidPackage(f"{text[:80]!r} is no version range; write it like 1.0, [1.0,2.0) or 1.*.")


def satisfies(version: str, range: str) -> bool:
    """Tell whether a version satisfies a range; prereleases lie between the releases that they sort between."""
    try:
        wanted = parse_range(range)
        if wanted.floating is not None and not wanted.floating.matches(version):
            return False
        return wanted.holds(version)
    except InvalidPackage:
        return False


def classify(spec: str) -> DependencySpec:
    """Say what a dependency's text asks for: NuGet knows nothing but ranges."""
    try:
        return DependencySpec(SpecKind.RANGE, range=str(parse_range(spec)) if "*" not in spec else spec.strip())
    except InvalidPackage as error:
        return DependencySpec(SpecKind.UNRESOLVABLE, reason=error.message)


def choose(candidates: Sequence[str], range: str) -> str | None:
    """Give the version that a restore takes: the lowest that satisfies, or the highest of a floating range.

    Prereleases only where a bound is one.
    """
    try:
        wanted = parse_range(range)
    except InvalidPackage:
        return None
    fitting = [each for each in candidates if satisfies(each, range)]
    if wanted.floating is not None:
        return max(fitting, key=version_key, default=None)
    if not any(map(is_prerelease, wanted.bounds)):
        fitting = [each for each in fitting if not is_prerelease(each)]
    return min(fitting, key=version_key, default=None)
