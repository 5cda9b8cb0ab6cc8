"""Say which declared dependencies of a version the same feed can satisfy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import select

from app.domain.errors import InvalidPackage
from app.plugin.format import Dependency, DependencySpec, FeedFormat, SpecKind
from app.services import packages
from app.services.runtime import Work
from app.storage.models import Feed, Package, Tag, Version


class Supply(StrEnum):
    """Say what a feed has for a dependency."""

    SATISFIED = "satisfied"
    OTHER_VERSIONS = "other-versions"
    ABSENT = "absent"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Need:
    """Hold a dependency with what the feed has for it.

    ``name`` is the package that is meant, which an alias changes; ``version`` is what a client would take,
    with other versions only the newest of them; ``reason`` says why no feed can satisfy it.
    """

    dependency: Dependency
    name: str
    supply: Supply
    version: str = ""
    reason: str = ""


@dataclass(slots=True)
class _Stock:
    listed: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


def needs(work: Work, feed: Feed, dependencies: Sequence[Dependency]) -> list[Need]:
    """Give each dependency with what the feed has for it; one query, whatever their number."""
    format = work.get_format(feed.format)
    asked = [(dependency, _spec(format, dependency)) for dependency in dependencies]
    keys = {key for dependency, spec in asked if (key := _key(format, spec.name or dependency.name))}
    stock = _stock(work, feed, keys)
    return [_need(format, dependency, spec, stock) for dependency, spec in asked]


def _spec(format: FeedFormat, dependency: Dependency) -> DependencySpec:
    return format.classify(dependency.range)


def _key(format: FeedFormat, name: str) -> str:
    try:
        return format.name_key(name)
    except InvalidPackage:
        return ""


def _stock(work: Work, feed: Feed, keys: Iterable[str]) -> dict[str, _Stock]:
    rows = work.session.execute(
        select(Package.key, Version.version, Version.listed, Tag.name)
        .join(Version, Version.package_id == Package.id)
        .outerjoin(Tag, Tag.version_id == Version.id)
        .where(Package.feed_id == feed.id, Package.key.in_(sorted(keys)))
        .order_by(Version.key)
    )
    stock: dict[str, _Stock] = {}
    for key, version, listed, tag in rows:
        held = stock.setdefault(key, _Stock())
        if tag is not None:
            held.tags[tag] = version
        shelf = held.listed if listed else held.unlisted
        if version not in shelf[-1:]:
            shelf.append(version)
    return stock


def _need(format: FeedFormat, dependency: Dependency, spec: DependencySpec, stock: dict[str, _Stock]) -> Need:
    name = spec.name or dependency.name
    if spec.kind is SpecKind.UNRESOLVABLE:
        return Need(dependency, name, Supply.ELSEWHERE, reason=spec.reason)
    held = stock.get(_key(format, name))
    if held is None:
        return Need(dependency, name, Supply.ABSENT)
    chosen = _choose(format, spec, held)
    if chosen:
        return Need(dependency, name, Supply.SATISFIED, chosen)
    return Need(dependency, name, Supply.OTHER_VERSIONS, (held.listed or held.unlisted)[-1])


def _choose(format: FeedFormat, spec: DependencySpec, held: _Stock) -> str:
    latest = held.tags.get(packages.LATEST)
    if spec.kind is SpecKind.TAG:
        fallback = (held.listed[-1:] or [""])[0] if spec.tag == packages.LATEST else ""
        return held.tags.get(spec.tag or "", fallback)
    # What is unlisted is taken only where nothing that is listed will do.
    for shelf in (held.listed, held.unlisted):
        chosen = format.choose(shelf, spec.range, latest)
        if chosen is not None:
            return chosen
    return ""
