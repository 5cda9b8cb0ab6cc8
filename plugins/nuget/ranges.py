"""NuGet's version ranges: a bare minimum, intervals, floating versions; and which version a restore takes.

Follows NuGet.Versioning: ``VersionRange.Parse``, ``Satisfies``, ``FindBestMatch`` and ``FloatRange``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from app.plugin import DependencySpec, InvalidPackage, SpecKind

from .versions import NuGetVersion, is_prerelease, parse_version, version_key

MAX_LENGTH = 1024
_FLOATING = re.compile(r"(?P<core>[0-9.]+(?<!\.)|(?:[0-9.]+\.)?(?P<star>\*))(?:-(?P<label>[0-9A-Za-z.-]*)\*)?")


class Moves(IntEnum):
    """Say from which number on a floating version may move; ``NONE``: only its labels may."""

    MAJOR = 0
    MINOR = 1
    PATCH = 2
    REVISION = 3
    NONE = 4


@dataclass(frozen=True, slots=True)
class Floating:
    """Hold a floating minimum; ``label`` is how labels must begin, None where prereleases do not count."""

    text: str
    lowest: NuGetVersion
    moves: Moves
    label: str | None

    def matches(self, version: NuGetVersion) -> bool:
        """Tell whether a version is one of those that the star stands for."""
        if version.numbers[: self.moves] != self.lowest.numbers[: self.moves]:
            return False
        if not version.labels:
            return True
        return self.label is not None and ".".join(version.labels).lower().startswith(self.label.lower())


@dataclass(frozen=True, slots=True)
class Range:
    """Hold an interval; a bound that is None is open to infinity."""

    low: NuGetVersion | None = None
    low_included: bool = False
    high: NuGetVersion | None = None
    high_included: bool = False
    floating: Floating | None = None

    @property
    def is_semver2(self) -> bool:
        """Tell whether one of the bounds can be read by SemVer 2 clients only."""
        return any(bound is not None and bound.is_semver2 for bound in (self.low, self.high))

    @property
    def takes_prereleases(self) -> bool:
        """Tell whether a restore may choose a prerelease: only where a bound, or a star, is one."""
        if self.floating is not None and self.floating.label is not None:
            return True
        return any(bound is not None and bool(bound.labels) for bound in (self.low, self.high))

    def contains(self, version: NuGetVersion) -> bool:
        """Tell whether a version lies between the bounds."""
        key = version.key
        if self.low is not None and (key < self.low.key or (key == self.low.key and not self.low_included)):
            return False
        return self.high is None or key < self.high.key or (key == self.high.key and self.high_included)

    def __str__(self) -> str:
        """Give the normal form: ``[1.0.0, )``."""
        low = self.floating.text if self.floating else self.low.normalized if self.low else ""
        high = self.high.normalized if self.high else ""
        opening = "[" if low and self.low_included else "("
        return f"{opening}{low}, {high}{']' if high and self.high_included else ')'}"


@lru_cache(maxsize=4096)
def parse_range(text: str) -> Range:
    """Read a range; an empty one is open on both sides. Raises InvalidPackage."""
    found = _parse(text.strip()) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise InvalidPackage(
            f"{text[:80]!r} is no NuGet version range; write it like 1.0.0, [1.0.0,2.0.0) or [1.0.0].",
            code="invalid-range",
        )
    return found


def _parse(text: str) -> Range | None:
    if not text:
        return Range()
    if text == "*":  # Alone, a star is no bound at all: even prereleases of 0.0.0 lie above it.
        return Range(low_included=True, floating=_floating(text))
    if text[0] not in "[(":
        return _between(text, "", low_included=True, high_included=False)
    inside = text[1:-1].split(",")
    low_included, high_included = text[0] == "[", text[-1] == "]"
    if len(text) < 2 or text[-1] not in "])" or len(inside) > 2 or not any(inside):
        return None
    if len(inside) == 1 and not (low_included and high_included):
        return None
    return _between(inside[0], inside[-1], low_included=low_included, high_included=high_included)


def _between(low_text: str, high_text: str, *, low_included: bool, high_included: bool) -> Range | None:
    floating = _floating(low_text.strip())
    try:
        low = floating.lowest if floating else _bound(low_text)
        high = _bound(high_text)
    except InvalidPackage:
        return None
    if low is not None and high is not None and low.key > high.key:
        return None
    if low is not None and high is not None and low.key == high.key and low_included != high_included:
        return None  # But (1.0,1.0), in which nothing lies, is read.
    return Range(low, low_included, high, high_included, floating)


def _bound(text: str) -> NuGetVersion | None:
    return parse_version(text) if text.strip() else None


def _floating(text: str) -> Floating | None:
    """Read a floating version; None for what is none."""
    match = _FLOATING.fullmatch(text) if "*" in text else None
    if match is None:
        return None
    core, label = match["core"].replace("*", "0"), match["label"]
    # A number is the lowest label, and nothing at all is none.
    lowest_label = "" if label is None else f"-{label}{_lowest_end(label)}"
    try:
        lowest = parse_version(core + lowest_label)
    except InvalidPackage:
        return None
    if match["star"]:
        return Floating(text, lowest, Moves(core.count(".")), label)
    return Floating(f"{NuGetVersion(lowest.numbers).normalized}-{label}*", lowest, Moves.NONE, label)


def _lowest_end(label: str) -> str:
    if not label or label.endswith("."):
        return "0"
    return "-" if label.endswith("-") else ""


def satisfies(version: str, range: str) -> bool:
    """Tell whether a version lies in a range; nothing lies in what is no range.

    A floating version is a minimum here, as in NuGet: a restore takes a higher one where nothing matches the star.
    """
    try:
        return parse_range(range).contains(parse_version(version))
    except InvalidPackage:
        return False


def classify(spec: str) -> DependencySpec:
    """Say whether a dependency's text is a range."""
    try:
        parse_range(spec)
    except InvalidPackage as error:
        return DependencySpec(SpecKind.UNRESOLVABLE, reason=error.message)
    return DependencySpec(SpecKind.RANGE, range=spec.strip())


def choose(candidates: Sequence[str], range: str) -> str | None:
    """Give the version that a restore takes: the lowest in the range, or the highest that a star stands for."""
    try:
        wanted = parse_range(range)
    except InvalidPackage:
        return None
    usable = [each for each in candidates if wanted.contains(parse_version(each))]
    if not wanted.takes_prereleases:
        usable = [each for each in usable if not is_prerelease(each)]
    floating = wanted.floating
    matching = [each for each in usable if floating is not None and floating.matches(parse_version(each))]
    if matching:
        return max(matching, key=version_key)
    return min(usable, key=version_key, default=None)
