"""Plan promotions: what one would do and what stands against it, fetched by a constant number of queries."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Integer, Select, and_, bindparam, case, select

from app.domain import promotion as rules
from app.domain.connectors import RemoteUse
from app.domain.errors import Invalid, InvalidPackage
from app.domain.permissions import LABELS, Permission
from app.domain.promotion import Accepts, Candidate, FeedFacts, Objection, Plan, PromoteTo
from app.plugin.format import FeedFormat
from app.plugin.records import State
from app.services import access, packages
from app.services.runtime import Runtime, Work
from app.storage.engine import json_table
from app.storage.models import Feed, Package, Tag, Version, feed_target

log = logging.getLogger(__name__)

MAX_ITEMS = 50_000
CACHED = State.CACHED.value
ALIASES = (packages.LATEST, packages.LATEST_STABLE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Name one version to promote: its exact text, ``latest`` or ``latest-stable``."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """Hold what somebody asks for; with a fingerprint the plan must still be the one that was shown."""

    source: str
    target: str
    items: tuple[Wanted, ...]
    comments: str = ""
    fingerprint: str | None = None
    idempotency_key: str | None = None


Remote = Mapping[tuple[str, str], tuple[str, str]]
"""What a source lacks and its connectors offer: (name key, version key) -> (version, connector)."""


def plan(work: Work, request: PromotionRequest, remote: Remote | None = None) -> Plan:
    """Say what a promotion would do, and write nothing.

    Needs View and Download on the source; what else stands against it is in the plan as objections.
    """
    source, target = find_feeds(work, request)
    return draw(work, source, target, request, remote)


def find_feeds(work: Work, request: PromotionRequest) -> tuple[Feed, Feed]:
    """Give source and target; raise where the source may not be downloaded from or the target may not be known."""
    source = access.get_feed(work, request.source, Permission.DOWNLOAD_PACKAGE)
    found = access.find_feed(work, request.target)
    if found is not None and access.allowed(work, Permission.ACCEPT_PROMOTIONS, found):
        return source, found
    return source, access.get_feed(work, request.target)


def draw(work: Work, source: Feed, target: Feed, request: PromotionRequest, remote: Remote | None = None) -> Plan:
    """Make the plan between two feeds that were found: facts, the feeds' rules, then the gates."""
    if not 0 < len(request.items) <= MAX_ITEMS:
        raise Invalid(f"A promotion holds 1 to {MAX_ITEMS:,} versions, not {len(request.items):,}.")
    format = work.get_format(source.format)
    here, there = facts(work, source), facts(work, target)
    found = _candidates(work, format, source, target, request.items, remote or {})
    why_not = None if format.promotable else format.why_not_promotable
    objections = (*_rights(work, target), *rules.feed_objections(here, there, why_not))
    drawn = rules.plan(here, there, found, objections)
    gates = tuple(_review(work.runtime, drawn))
    return rules.plan(here, there, found, (*objections, *gates)) if gates else drawn


def facts(work: Work, feed: Feed) -> FeedFacts:
    """Give what the rules need to know of a feed."""
    return FeedFacts(
        feed.id,
        feed.name,
        feed.format,
        feed.serial,
        PromoteTo(feed.promote_to),
        frozenset(target.id for target in feed.targets),
        rules.reachable(feed.id, pipelines(work)),
        Accepts(feed.accepts),
        feed.active,
        feed.comments_required,
        feed.remote != RemoteUse.OFF and bool(feed.links),
    )


def pipelines(work: Work) -> dict[int, list[int]]:
    """Give the feeds that each feed's Promote to lists, by id, where the list is in force; read once per request."""
    if "pipelines" not in work.cache:
        rows = work.session.execute(
            select(feed_target.c.feed_id, feed_target.c.target_id)
            .join(Feed, Feed.id == feed_target.c.feed_id)
            .where(Feed.promote_to == PromoteTo.LIST)
            .order_by(feed_target.c.feed_id, feed_target.c.target_id)
        )
        found: dict[int, list[int]] = {}
        for feed_id, target_id in rows:
            found.setdefault(feed_id, []).append(target_id)
        work.cache["pipelines"] = found
    listed: dict[int, list[int]] = work.cache["pipelines"]
    return listed


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """Say whether a feed is offered as a target, and why not where it is not."""

    feed: Feed
    reason: str = ""
    code: str = ""

    @property
    def offered(self) -> bool:
        """Tell whether one may promote there."""
        return not self.code


def target_choices(work: Work, source: Feed) -> list[TargetChoice]:
    """Give every other feed of the format that the actor may see or promote to, offered ones first."""
    format = work.get_format(source.format)
    why_not = None if format.promotable else format.why_not_promotable
    here, choices = facts(work, source), []
    others = select(Feed).where(Feed.format == source.format, Feed.id != source.id).order_by(Feed.name)
    for feed in work.session.scalars(others):
        if not any(access.allowed(work, p, feed) for p in (Permission.VIEW_FEED, Permission.ACCEPT_PROMOTIONS)):
            continue
        against = (*rules.feed_objections(here, facts(work, feed), why_not), *_rights(work, feed))
        choices.append(TargetChoice(feed, against[0].reason, against[0].code) if against else TargetChoice(feed))
    stages = pipelines(work).get(source.id, [])
    return sorted(choices, key=lambda c: (not c.offered, c.feed.id not in stages, c.feed.name))


def _rights(work: Work, target: Feed) -> Iterator[Objection]:
    if not access.allowed(work, Permission.ACCEPT_PROMOTIONS, target):
        label = LABELS[Permission.ACCEPT_PROMOTIONS]
        yield Objection(
            f"{work.actor.name} lacks the right {label} ({Permission.ACCEPT_PROMOTIONS}) on the feed {target.name}; "
            "ask an administrator for the task Promote Packages there.",
            "right",
        )


def _review(runtime: Runtime, drawn: Plan) -> Iterator[Objection]:
    for gate in runtime.plugins.hooks.hook.review_promotion.get_hookimpls():
        try:
            yield from cast(Iterable[Objection], gate.function(drawn) or ())
        except Exception as error:
            log.exception("the gate %s failed; the promotion is refused", gate.plugin_name)
            yield Objection(
                f"The gate {gate.plugin_name} failed ({type(error).__name__}), so nothing may pass; "
                "see the server's log, or remove that plugin.",
                "gate-failed",
            )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Hold one wanted version with its keys; an alias is resolved to the version that it means."""

    name: str
    version: str
    name_key: str
    version_key: str


def _candidates(
    work: Work, format: FeedFormat, source: Feed, target: Feed, items: Sequence[Wanted], remote: Remote
) -> list[Candidate]:
    asked = _asked(work, format, source, items)
    given = {"asked": _as_rows(asked), "source": source.id, "target": target.id}
    rows = {row[0]: row for row in work.session.execute(_BOTH_SIDES, given).all()}
    lost = [each for number, each in enumerate(asked) if rows[number][3] is None]
    elsewhere = _elsewhere(work, source, lost) if lost else {}
    found = []
    for number, each in enumerate(asked):
        _, name, version, held, digest, target_digest, size, cached = rows[number]
        name_key, version_key = each.name_key, each.version_key
        also = elsewhere.get((name_key, version_key), ())
        offered, connector = remote.get((name_key, version_key), ("", cached or ""))
        name, version = name or each.name, version or offered or each.version
        found.append(
            Candidate(name, version, name_key, version_key, held, digest, target_digest, size or 0, also, connector)
        )
    return found


def _asked(work: Work, format: FeedFormat, source: Feed, items: Sequence[Wanted]) -> list[_Asked]:
    newest = _newest(work, format, source, {item.name for item in items if item.version in ALIASES})
    asked: dict[tuple[str, str], _Asked] = {}
    for item in items:
        name_key = format.name_key(item.name)
        version = newest.get((name_key, item.version)) or item.version
        try:
            version_key = format.version_key(version)
        except InvalidPackage:
            if version not in ALIASES:
                raise
            version_key = f"({version})"  # No key looks like this: an alias that nothing answers to.
        asked.setdefault((name_key, version_key), _Asked(item.name, version, name_key, version_key))
    return list(asked.values())


def _newest(work: Work, format: FeedFormat, feed: Feed, names: Iterable[str]) -> dict[tuple[str, str], str]:
    keys = [format.name_key(name) for name in names]
    if not keys:
        return {}
    newest: dict[tuple[str, str], str] = {}
    versions = (
        select(Package.key, Version.version, Version.prerelease)
        .join(Version, Version.package_id == Package.id)
        .where(Package.feed_id == feed.id, Package.key.in_(keys), Version.listed, Version.origin != CACHED)
        .order_by(Version.prerelease.desc(), Version.key)
    )
    for key, version, prerelease in work.session.execute(versions):
        newest[key, packages.LATEST] = version
        if not prerelease:
            newest[key, packages.LATEST_STABLE] = version
    tags = (
        select(Package.key, Version.version)
        .join(Tag, Tag.package_id == Package.id)
        .join(Version, Version.id == Tag.version_id)
        .where(Package.feed_id == feed.id, Package.key.in_(keys), Tag.name == packages.LATEST)
    )
    newest.update({(key, packages.LATEST): version for key, version in work.session.execute(tags)})
    return newest


def _both_sides() -> Select[Any]:
    """Select each asked version's row in the source and its digest in the target, by position."""
    rows, source, target = json_table("asked", *_ASKED), Package.__table__.alias("sp"), Package.__table__.alias("tp")
    held, there = Version.__table__.alias("sv"), Version.__table__.alias("tv")
    copied = case((held.c.origin == CACHED, held.c.connector), else_="")
    columns = (source.c.name, held.c.version, held.c.id, held.c.digest, there.c.digest, held.c.size, copied)
    # What the target keeps as a copy for its clients gives way to what is promoted.
    its_own = and_(there.c.package_id == target.c.id, there.c.key == rows.c.version_key, there.c.origin != CACHED)
    return (
        select(rows.c.position.cast(Integer), *columns)
        .select_from(rows)
        .outerjoin(source, and_(source.c.feed_id == _source, source.c.key == rows.c.name_key))
        .outerjoin(held, and_(held.c.package_id == source.c.id, held.c.key == rows.c.version_key))
        .outerjoin(target, and_(target.c.feed_id == _target, target.c.key == rows.c.name_key))
        .outerjoin(there, its_own)
    )


_ASKED = ("position", "name_key", "version_key")
_source, _target = bindparam("source", type_=Integer()), bindparam("target", type_=Integer())
# Built once: making the statement costs as much as promoting twenty versions.
_BOTH_SIDES = _both_sides()


def _as_rows(asked: Sequence[_Asked]) -> str:
    return json.dumps([[n, each.name_key, each.version_key] for n, each in enumerate(asked)], separators=(",", ":"))


def _elsewhere(work: Work, source: Feed, lost: Sequence[_Asked]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Find visible feeds of the format that hold what the source does not."""
    rows = json_table("asked", *_ASKED)
    query = (
        select(rows.c.name_key, rows.c.version_key, Package.feed_id)
        .join(Package, Package.key == rows.c.name_key)
        .join(Version, and_(Version.package_id == Package.id, Version.key == rows.c.version_key))
    )
    visible = {feed.id: feed.name for feed in access.visible_feeds(work) if feed.format == source.format}
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for name_key, version_key, feed_id in work.session.execute(
        query.where(Package.feed_id.in_(visible)), {"asked": _as_rows(lost)}
    ):
        at = (name_key, version_key)
        found[at] = (*found.get(at, ()), visible[feed_id])
    return found
