"""What a gem may ask of another: Gem::Requirement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.plugin import DependencySpec, InvalidPackage, SpecKind

from .versions import PATTERN, bump, is_prerelease, release, version_key

ANY = ">= 0"
MAX_REQUIREMENT = 1024
_BLANK = r"[ \t\r\n\f\v]*"
_PART = re.compile(rf"{_BLANK}(=|!=|>=|<=|~>|>|<)?{_BLANK}({PATTERN}){_BLANK}")


@dataclass(frozen=True, slots=True)
class Part:
    """Hold one comparison of a requirement."""

    operator: str
    version: str

    def admits(self, version: str) -> bool:
        """Tell whether a version passes."""
        mine, theirs = version_key(self.version), version_key(version)
        if self.operator == "~>":
            return theirs >= mine and version_key(release(version)) < version_key(bump(self.version))
        return {
            "=": theirs == mine,
            "!=": theirs != mine,
            ">": theirs > mine,
            "<": theirs < mine,
            ">=": theirs >= mine,
            "<=": theirs <= mine,
        }[self.operator]

    def __str__(self) -> str:
        """Give it as RubyGems writes it."""
        return f"{self.operator} {self.version}"


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[Part, ...]:
    """Take a requirement apart: comparisons with commas between them, all of which must hold; raise InvalidPackage.

    No text asks for nothing in particular.
    """
    if len(text) > MAX_REQUIREMENT:
        raise InvalidPackage(f"A requirement of more than {MAX_REQUIREMENT} characters is not read.")
    if not text.strip():
        return parse(ANY)
    return tuple(parse_part(part) for part in text.split(","))


def parse_part(text: str) -> Part:
    """Take one comparison apart; without an operator it is ``=``; raise InvalidPackage."""
    match = _PART.fullmatch(text)
    if match is None:
        raise InvalidPackage(f"{text[:80]!a} is no requirement; write it like '>= 1.2' or '~> 1.2, != 1.2.5'.")
    version_key(match[2])
    return Part(match[1] or "=", match[2])


def satisfies(version: str, requirement: str) -> bool:
    """Tell whether a version satisfies a requirement, prereleases by their order alone; False for what is none."""
    try:
        return all(part.admits(version) for part in parse(requirement))
    except InvalidPackage:
        return False


def asks_for_prereleases(requirement: str) -> bool:
    """Tell whether a requirement names a prerelease, without which none is taken."""
    return any(is_prerelease(part.version) for part in parse(requirement))


def classify(spec: str) -> DependencySpec:
    """Say what a dependency's text asks for: always a range, unless it cannot be read."""
    try:
        parse(spec)
    except InvalidPackage as error:
        return DependencySpec(SpecKind.UNRESOLVABLE, reason=error.message)
    return DependencySpec(SpecKind.RANGE, range=spec.strip() or ANY)


def choose(candidates: Sequence[str], requirement: str) -> str | None:
    """Give the highest version that satisfies a requirement, as gem and Bundler do, or None.

    A prerelease is taken only where the requirement names one.
    """
    fitting = [each for each in candidates if satisfies(each, requirement)]
    if fitting and not asks_for_prereleases(requirement):
        fitting = [each for each in fitting if not is_prerelease(each)]
    return max(fitting, key=version_key, default=None)
