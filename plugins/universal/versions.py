"""Universal versions: strict SemVer 2 on upload, build metadata outside identity, exact or interval ranges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.plugin import DependencySpec, InvalidPackage, SpecKind
from app.plugin.ordering import (
    END,
    number,
    numeric_label,
    parse_semver,
    semver_is_prerelease,
    signed,
    text_label,
)

_NUMBER = re.compile(r"-?[0-9]{1,99}")
_MAX_RANGE = 1024


def version_key(version: str) -> str:
    """Give the sortable key of a version's slot: build metadata does not count, text labels go by case."""
    parsed = parse_semver(version)
    core = "".join(map(number, parsed.core))
    if not parsed.labels:
        return core + END
    labels = (numeric_label(int(x), negative=True) if _NUMBER.fullmatch(x) else text_label(x) for x in parsed.labels)
    return core + "".join(labels)


def full_key(version: str) -> str:
    """Give the key of the whole order: among equal slots, no build metadata sorts above any.

    Two numbers go by value, two texts by their characters; a number is below a text, because the client's rule
    (their characters again) is a circle: 10 < 10a < 2 < 10.
    """
    build = parse_semver(version).build
    if not build:
        return f"{version_key(version)} {END}"
    return f"{version_key(version)} " + (f"0{signed(int(build))}" if _NUMBER.fullmatch(build) else f"1{build}")


def normalize(version: str) -> str:
    """Give a version's canonical text; build metadata belongs to it."""
    return str(parse_semver(version))


def is_prerelease(version: str) -> bool:
    """Tell whether a version is a prerelease."""
    return semver_is_prerelease(version)


@dataclass(frozen=True, slots=True)
class Interval:
    """Hold a range between two versions; None is open."""

    low: str | None
    high: str | None
    low_inclusive: bool = True
    high_inclusive: bool = True

    def holds(self, version: str) -> bool:
        """Tell whether a version lies within, by the whole order."""
        key = full_key(version)
        if self.low is not None:
            low = full_key(self.low)
            if key < low or (key == low and not self.low_inclusive):
                return False
        if self.high is not None:
            high = full_key(self.high)
            return key < high or (key == high and self.high_inclusive)
        return True


def parse_range(text: str) -> Interval | None:
    """Give a range (``*``, an exact version, an interval), or None for what is none."""
    text = text.strip()
    if not text or len(text) > _MAX_RANGE:
        return None
    if text == "*":
        return Interval(None, None)
    if text[0] in "[(":
        return _interval(text)
    return Interval(text, text) if _is_version(text) else None


def _interval(text: str) -> Interval | None:
    if text[-1] not in "])" or text.count(",") != 1:
        return None
    low, high = text[1:-1].split(",")
    if any(part and not _is_version(part) for part in (low, high)):
        return None
    return Interval(low or None, high or None, text[0] == "[", text[-1] == "]")


def _is_version(text: str) -> bool:
    try:
        parse_semver(text)
    except InvalidPackage:
        return False
    return True


def satisfies(version: str, range: str) -> bool:
    """Tell whether a version satisfies a range; a bare version is exact, prereleases count as any other."""
    interval = parse_range(range)
    return interval is not None and _is_version(version) and interval.holds(version)


def classify(spec: str) -> DependencySpec:
    """Say what the range of a dependency asks for."""
    if parse_range(spec or "*") is not None:
        return DependencySpec(SpecKind.RANGE, range=spec or "*")
    return DependencySpec(SpecKind.UNRESOLVABLE, reason=f"{spec[:80]!r} is no range")


def choose(candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:  # noqa: ARG001 - no client prefers it
    """Give the highest stable version that satisfies a range, else the highest prerelease that does."""
    fitting = [each for each in candidates if satisfies(each, range)]
    return max(fitting, key=lambda each: (not is_prerelease(each), full_key(each)), default=None)


def parse_dependency(text: str) -> tuple[str, str]:
    """Split a dependency's text into full name and range, as the vendor's library does.

    ``name``, ``group/name``, ``name:range``, ``group:name``, ``group:name:range``; of two parts the second is tried
    as a range first. A trailing hash after a range is tolerated. Raises InvalidPackage.
    """
    parts = text.strip().split(":")
    if not parts[0] or len(text) > _MAX_RANGE or len(parts) > 4:
        raise InvalidPackage(f"The dependency {text[:80]!r} is not readable; write group/name:range.")
    if len(parts) == 1:
        return parts[0], "*"
    if parse_range(parts[1]) is not None:
        return parts[0], parts[1]
    range = parts[2] if len(parts) > 2 else "*"
    if not parts[1] or parse_range(range) is None:
        raise InvalidPackage(
            f"The range in the dependency {text[:80]!r} is not readable; write 1.0.0 or [1.0.0,2.0.0)."
        )
    return f"{parts[0]}/{parts[1]}", range
