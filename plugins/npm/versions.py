"""npm's versions and ranges: SemVer 2 order, node-semver's ranges, and what a dependency's text may ask for."""

from __future__ import annotations

import re
from collections.abc import Sequence

import nodesemver

from app.plugin import DependencySpec, InvalidPackage, SpecKind
from app.plugin.ordering import parse_semver, semver_is_prerelease, semver_key

MAX_RANGE = 1024
_AUTHORS_MACHINE = ("workspace:", "link:", "file:", "portal:", "catalog:", "patch:", "./", "../", "~/", "/")
_OUTSIDE = re.compile(
    r"(?:git(?:\+\w+)?:|https?:|github:|gitlab:|bitbucket:|gist:|git@|[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(?:#|$))"
)
_ALIAS = re.compile(r"npm:(?P<name>(?:@[^/@]+/)?[^/@]+)(?:@(?P<range>.*))?")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")


def version_key(version: str) -> str:
    """Give the sortable key of a strict SemVer 2 version."""
    return semver_key(version)


def normalize(version: str) -> str:
    """Give a version as npm writes it: without build metadata."""
    return str(parse_semver(version)).split("+")[0]


def is_prerelease(version: str) -> bool:
    """Tell whether a version is a prerelease."""
    return semver_is_prerelease(version)


def satisfies(version: str, range: str) -> bool:
    """Tell whether a version satisfies a range, as node-semver decides; an invalid range is satisfied by nothing."""
    if len(range) > MAX_RANGE:
        return False
    try:
        parse_semver(version)
        return bool(nodesemver.satisfies(version, range.strip() or "*", loose=True))
    except (InvalidPackage, ValueError):
        return False


def is_range(text: str) -> bool:
    """Tell whether a text is a range that node-semver reads."""
    if len(text) > MAX_RANGE:
        return False
    try:
        return nodesemver.valid_range(text.strip() or "*", loose=True) is not None
    except ValueError:
        return False


def classify(spec: str) -> DependencySpec:
    """Say what a dependency's text asks for; only ranges, aliases and tags can come from a feed."""
    text = spec.strip()
    if len(text) > MAX_RANGE:
        return DependencySpec(SpecKind.UNRESOLVABLE, reason=f"a range of more than {MAX_RANGE} characters")
    if text.startswith(_AUTHORS_MACHINE):
        return DependencySpec(SpecKind.UNRESOLVABLE, reason=f"{text!r} exists on its author's machine only")
    alias = _ALIAS.fullmatch(text)
    if alias is not None:
        return DependencySpec(SpecKind.ALIAS, range=alias["range"] or "*", name=alias["name"])
    if is_range(text):
        return DependencySpec(SpecKind.RANGE, range=text or "*")
    if _OUTSIDE.match(text):
        return DependencySpec(SpecKind.UNRESOLVABLE, reason=f"{text!r} is outside every registry")
    if _TAG.fullmatch(text):
        return DependencySpec(SpecKind.TAG, tag=text)
    return DependencySpec(SpecKind.UNRESOLVABLE, reason=f"{text!r} is neither a range nor a tag")


def choose(candidates: Sequence[str], range: str, latest: str | None = None) -> str | None:
    """Give the version that npm would take: ``latest`` where it satisfies the range, else the highest that does."""
    if latest is not None and latest in candidates and satisfies(latest, range):
        return latest
    return max((each for each in candidates if satisfies(each, range)), key=version_key, default=None)
