"""npm's versions and ranges: SemVer 2 order, node-semver's ranges, and what a dependency's text may ask for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import nodesemver

from app.plugin import DependencySpec, InvalidPackage, SpecKind
from app.plugin.ordering import parse_semver, semver_is_prerelease, semver_key, semver_normalize

MAX_RANGE = 1024
MAX_NUMBER = 2**53 - 1
"""The greatest number that JavaScript holds exactly; node-semver refuses greater ones."""
_AUTHORS_MACHINE = re.compile(
    r"(?i:(?:workspace|link|file|portal|catalog|patch):|\.|~?/|[a-z]:|.*\.(?:tgz|tar\.gz|tar)$)"
)
_OUTSIDE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[^/@\s]+@[^/@\s]+|[^/\s]+/[^/\s]+(?:#|$)")
_ALIAS = re.compile(r"(?i:npm):(?P<name>(?:@[^/@]+/)?[^/@]+)(?:@(?P<asked>.*))?")
_TAG = re.compile(r"[A-Za-z0-9_.!~*'()-]+")
"""What needs no encoding in an address (npm-package-arg)."""


@lru_cache(maxsize=16_384)  # The same few texts come again and again: 1.0.0 is the version of every second package.
def version_key(version: str) -> str:
    """Give the sortable key of a strict SemVer 2 version that npm can hold; raise InvalidPackage."""
    if max(parse_semver(version).core) > MAX_NUMBER:
        raise InvalidPackage(f"npm reads no number above {MAX_NUMBER} in a version, as {version[:80]!r} has one.")
    return semver_key(version)


def normalize(version: str) -> str:
    """Give a version as npm writes it: without build metadata."""
    return semver_normalize(version)


def is_prerelease(version: str) -> bool:
    """Tell whether a version is a prerelease."""
    return semver_is_prerelease(version)


def satisfies(version: str, range: str) -> bool:
    """Tell whether a version satisfies a range, as node-semver decides; an invalid range is satisfied by nothing.

    A range of more than 1,024 characters is invalid.
    """
    wanted = _read_range(range)
    try:
        return wanted is not None and bool(wanted.test(normalize(version)))
    except (InvalidPackage, ValueError):
        return False


def is_range(text: str) -> bool:
    """Tell whether a text is a range that node-semver reads."""
    return _read_range(text) is not None


@lru_cache(maxsize=1024)
def _read_range(text: str) -> nodesemver.Range | None:
    if len(text) > MAX_RANGE or not text.isascii():
        return None
    try:
        return nodesemver.make_range(text.strip() or "*", loose=True)
    except ValueError:
        return None


def classify(spec: str) -> DependencySpec:  # noqa: PLR0911 - one return for each kind
    """Say what a dependency's text asks for; only ranges, aliases and tags can come from a feed.

    An alias holds what it asks for as ``range``, and as ``tag`` too where that is a tag. Follows npm-package-arg.
    """
    text = spec.strip()
    if len(text) > MAX_RANGE:
        return _unresolvable(f"a range of more than {MAX_RANGE:,} characters is not read")
    alias = _ALIAS.fullmatch(text)
    if alias is not None:
        return _alias(alias["name"], alias["asked"] or "*")
    if _AUTHORS_MACHINE.match(text):
        return _unresolvable(f"{text[:200]!r} exists on its author's machine only")
    if is_range(text):
        return DependencySpec(SpecKind.RANGE, range=text or "*")
    if _OUTSIDE.match(text):
        return _unresolvable(f"{text[:200]!r} is outside every registry")
    if _TAG.fullmatch(text):
        return DependencySpec(SpecKind.TAG, tag=text)
    return _unresolvable(f"{text[:200]!r} is neither a range nor a tag")


def _alias(name: str, asked: str) -> DependencySpec:
    target = None if _ALIAS.match(asked) else classify(asked)
    if target is None or target.kind is SpecKind.UNRESOLVABLE:
        return _unresolvable(f"{name[:200]!r} is asked for as {asked[:200]!r}, which is neither a range nor a tag")
    return DependencySpec(SpecKind.ALIAS, range=asked, name=name, tag=target.tag)


def _unresolvable(reason: str) -> DependencySpec:
    return DependencySpec(SpecKind.UNRESOLVABLE, reason=reason)


def choose(candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
    """Give the version that npm would take of candidates, or None.

    ``latest`` where it is a candidate and satisfies the range, or the range is ``*``, be it a prerelease; else the
    highest that satisfies it (npm-pick-manifest).
    """
    if latest is not None and latest in candidates and (range.strip() in ("", "*") or satisfies(latest, range)):
        return latest
    return max((each for each in candidates if satisfies(each, range)), key=version_key, default=None)
