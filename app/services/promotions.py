"""Plan and apply promotions: rows, history and event in one transaction, whatever the number of versions."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Subquery,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from app.domain import promotion as rules
from app.domain.errors import AppError, Conflict, Forbidden, Invalid, InvalidPackage, NotFound, Refused, StalePlan
from app.domain.permissions import LABELS, Permission
from app.domain.promotion import Accepts, Candidate, FeedFacts, Objection, Outcome, Plan, PromoteTo
from app.plugin.format import FeedFormat
from app.services import access, events, packages, publishing
from app.services.runtime import Actor, Runtime, Work
from app.storage.engine import json_field, json_rows
from app.storage.models import Feed, File, Package, Promotion, PromotionItem, Tag, Version, feed_target

log = logging.getLogger(__name__)

MAX_ITEMS = 50_000
MAX_KEY = 200
_ALIASES = (packages.LATEST, packages.LATEST_STABLE)


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


@dataclass(frozen=True, slots=True)
class PromotionResult:
    """Say what was done. ``promotion`` is None when every version was there already: then no history is written."""

    promotion: Promotion | None
    plan: Plan | None
    repeated: bool = False


class PlanStale(StalePlan):
    """Carry the fresh plan along with the refusal of the stale one."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(
            f"Something has changed in {plan.source.name} or {plan.target.name} since the plan was shown; "
            "look at the new plan and promote again.",
            fingerprint=plan.fingerprint,
        )
        self.plan = plan


# Plan -------------------------------------------------------------------------------------------------


def plan(work: Work, request: PromotionRequest) -> Plan:
    """Say what a promotion would do, and write nothing.

    Needs View and Download on the source; what else stands against it is in the plan as objections.
    """
    source, target = _feeds(work, request)
    return _plan(work, source, target, request)


def _feeds(work: Work, request: PromotionRequest) -> tuple[Feed, Feed]:
    source = access.get_feed(work, request.source, Permission.DOWNLOAD_PACKAGE)
    found = access.find_feed(work, request.target)
    if found is not None and access.allowed(work, Permission.ACCEPT_PROMOTIONS, found):
        return source, found
    return source, access.get_feed(work, request.target)


def _plan(work: Work, source: Feed, target: Feed, request: PromotionRequest) -> Plan:
    if not 0 < len(request.items) <= MAX_ITEMS:
        raise Invalid(f"A promotion holds 1 to {MAX_ITEMS:,} versions, not {len(request.items):,}.")
    format = work.get_format(source.format)
    here, there = facts(work, source), facts(work, target)
    found = _candidates(work, format, source, target, request.items)
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
    name: str
    version: str
    name_key: str
    version_key: str


def _candidates(work: Work, format: FeedFormat, source: Feed, target: Feed, items: Sequence[Wanted]) -> list[Candidate]:
    asked = _asked(work, format, source, items)
    rows = {row.position: row for row in work.session.execute(_both_sides(source, target, asked))}
    lost = [each for number, each in enumerate(asked) if rows[number].version_id is None]
    elsewhere = _elsewhere(work, source, lost) if lost else {}
    return [_candidate(each, rows[number], elsewhere) for number, each in enumerate(asked)]


def _asked(work: Work, format: FeedFormat, source: Feed, items: Sequence[Wanted]) -> list[_Asked]:
    newest = _newest(work, format, source, {item.name for item in items if item.version in _ALIASES})
    asked: dict[tuple[str, str], _Asked] = {}
    for item in items:
        name_key = format.name_key(item.name)
        version = newest.get((name_key, item.version)) or item.version
        try:
            version_key = format.version_key(version)
        except InvalidPackage:
            if version not in _ALIASES:
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
        .where(Package.feed_id == feed.id, Package.key.in_(keys), Version.listed)
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


def _rows(asked: Sequence[_Asked]) -> Subquery:
    """Give the asked versions as a table, sent as one parameter however many there are."""
    text = json.dumps([[n, each.name_key, each.version_key] for n, each in enumerate(asked)], separators=(",", ":"))
    value = json_rows(literal(text)).table_valued("value").c.value
    return select(
        json_field(value, 0).label("number"),
        json_field(value, 1).label("name_key"),
        json_field(value, 2).label("version_key"),
    ).subquery("asked")


def _both_sides(source: Feed, target: Feed, asked: Sequence[_Asked]) -> Select[Any]:
    rows = _rows(asked)
    package, version = Package.__table__.alias("sp"), Version.__table__.alias("sv")
    target_package, target_version = Package.__table__.alias("tp"), Version.__table__.alias("tv")
    return (
        select(
            rows.c.number.cast(Integer).label("position"),
            rows.c.name_key,
            rows.c.version_key,
            package.c.name,
            version.c.id.label("version_id"),
            version.c.version,
            version.c.digest,
            version.c.size,
            target_version.c.digest.label("target_digest"),
        )
        .select_from(rows)
        .outerjoin(package, and_(package.c.feed_id == source.id, package.c.key == rows.c.name_key))
        .outerjoin(version, and_(version.c.package_id == package.c.id, version.c.key == rows.c.version_key))
        .outerjoin(target_package, and_(target_package.c.feed_id == target.id, target_package.c.key == rows.c.name_key))
        .outerjoin(
            target_version,
            and_(target_version.c.package_id == target_package.c.id, target_version.c.key == rows.c.version_key),
        )
    )


def _candidate(asked: _Asked, row: Any, elsewhere: dict[tuple[str, str], tuple[str, ...]]) -> Candidate:
    return Candidate(
        row.name or asked.name,
        row.version or asked.version,
        asked.name_key,
        asked.version_key,
        row.version_id,
        row.digest,
        row.target_digest,
        row.size or 0,
        elsewhere.get((asked.name_key, asked.version_key), ()),
    )


def _elsewhere(work: Work, source: Feed, lost: Sequence[_Asked]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Find visible feeds of the format that hold what the source does not."""
    rows = _rows(lost)
    query = (
        select(rows.c.name_key, rows.c.version_key, Package.feed_id)
        .join(Package, Package.key == rows.c.name_key)
        .join(Version, and_(Version.package_id == Package.id, Version.key == rows.c.version_key))
    )
    visible = {feed.id: feed.name for feed in access.visible_feeds(work) if feed.format == source.format}
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for name_key, version_key, feed_id in work.session.execute(query.where(Package.feed_id.in_(visible))):
        at = (name_key, version_key)
        found[at] = (*found.get(at, ()), visible[feed_id])
    return found


# Apply ------------------------------------------------------------------------------------------------


def promote(runtime: Runtime, actor: Actor, request: PromotionRequest) -> PromotionResult:
    """Promote all versions of a request, or none.

    Raises Forbidden, Refused, Invalid, Conflict (other bytes under a version), StalePlan. A request whose
    idempotency key was answered before is not carried out again.
    """
    try:
        with runtime.writing(actor) as work:
            return apply(work, request)
    except IntegrityError:
        # The same idempotency key was used for another target at this moment; now its answer can be read.
        with runtime.writing(actor) as work:
            return apply(work, request)


def apply(work: Work, request: PromotionRequest) -> PromotionResult:
    """Carry out a promotion within a write transaction; see ``promote``."""
    source, target = _feeds(work, request)
    access.require(work, Permission.ACCEPT_PROMOTIONS, target)
    # The target's row is the lock under which plan and change are one; SQLite writers hold the whole database.
    work.session.execute(select(Feed.id).where(Feed.id == target.id).with_for_update())
    for feed in (source, target):
        work.session.refresh(feed)
    before = _answered(work, source, target, request)
    if before is not None:
        return PromotionResult(before, None, repeated=True)
    drawn = _plan(work, source, target, request)
    _check(drawn, request)
    if not drawn.additions:
        return PromotionResult(None, drawn)
    promotion = _record(work, drawn, request)
    _copy(work, drawn, promotion, publishing.bump(work, target))
    _verify(work, promotion)
    return PromotionResult(promotion, drawn)


def _answered(work: Work, source: Feed, target: Feed, request: PromotionRequest) -> Promotion | None:
    key = request.idempotency_key
    if key is None:
        return None
    if not 0 < len(key) <= MAX_KEY:
        raise Invalid(f"An idempotency key has 1 to {MAX_KEY} characters, not {len(key)}; send a shorter one.")
    found = work.session.scalars(
        select(Promotion).where(Promotion.actor == work.actor.name, Promotion.idempotency_key == key)
    ).one_or_none()
    if found is None:
        return None
    same_feeds = (found.source_id, found.target_id) == (source.id, target.id)
    if not same_feeds or not _promoted(work, found, work.get_format(source.format), request.items):
        raise Conflict(
            f"The idempotency key {key!r} belongs to promotion {found.id}, which is another one (from "
            f"{found.source_name} to {found.target_name}); send a new key.",
            code="idempotency-key-reused",
        )
    return found


def _promoted(work: Work, promotion: Promotion, format: FeedFormat, items: Iterable[Wanted]) -> bool:
    """Tell whether a promotion was asked for by these items; what was latest then counts for latest."""
    rows = work.session.execute(
        select(PromotionItem.name_key, PromotionItem.version_key).where(PromotionItem.promotion_id == promotion.id)
    )
    held = {(row.name_key, row.version_key) for row in rows}
    names = {name for name, _ in held}
    return all(
        format.name_key(item.name) in names
        if item.version in _ALIASES
        else (format.name_key(item.name), format.version_key(item.version)) in held
        for item in items
    )


def _check(drawn: Plan, request: PromotionRequest) -> None:
    if request.fingerprint is not None and request.fingerprint != drawn.fingerprint:
        raise PlanStale(drawn)
    error = refusal(drawn)
    if error is not None:
        raise error
    if drawn.target.comments_required and drawn.additions and not request.comments.strip():
        raise Invalid(f"{drawn.target.name} asks for comments with every promotion; say why.", code="comments-required")


def refusal(drawn: Plan) -> AppError | None:
    """Give the error with which a plan is refused, or None where it can be applied."""
    if drawn.objections:
        first = drawn.objections[0]
        kind = Forbidden if first.code == "right" else Refused
        return kind(" ".join(o.reason for o in drawn.objections), code=first.code)
    against = [item for item in drawn.items if item.outcome not in (Outcome.ADD, Outcome.UNCHANGED)]
    if not against:
        return None
    shown = " ".join(item.reason for item in against[:5])
    more = f" And {len(against) - 5} more." if len(against) > 5 else ""
    if any(item.outcome is Outcome.CONFLICT for item in against):
        return Conflict(shown + more)
    return Refused(shown + more, code=against[0].code)


def _record(work: Work, drawn: Plan, request: PromotionRequest) -> Promotion:
    items = drawn.items
    lines = "".join(f"{i.name}\0{i.version}\0{i.digest}\0{i.outcome}\n" for i in items)
    promotion = Promotion(
        at=work.now(),
        format=drawn.source.format,
        source_id=drawn.source.id,
        target_id=drawn.target.id,
        source_name=drawn.source.name,
        target_name=drawn.target.name,
        actor=work.actor.name,
        comments=request.comments.strip(),
        fingerprint=drawn.fingerprint,
        items_digest=hashlib.sha256(lines.encode()).hexdigest(),
        item_count=len(items),
        idempotency_key=request.idempotency_key,
    )
    work.session.add(promotion)
    work.session.flush()
    _record_items(work, drawn, promotion)
    shown = f"{items[0].name} {items[0].version}" + (f" and {len(items) - 1} more" if len(items) > 1 else "")
    events.record(
        work,
        "promoted",
        feed=promotion.target_name,
        subject=shown,
        promotion=promotion.id,
        source=promotion.source_name,
        comments=promotion.comments,
        items=len(items),
        itemsDigest=promotion.items_digest,
    )
    return promotion


def _record_items(work: Work, drawn: Plan, promotion: Promotion) -> None:
    asked = [_Asked(i.name, i.version, i.name_key, i.version_key) for i in drawn.items]
    source, target = drawn.source, drawn.target
    sides = _both_sides(Feed(id=source.id), Feed(id=target.id), asked).subquery("sides")
    outcome = case((sides.c.target_digest.is_(None), Outcome.ADD.value), else_=Outcome.UNCHANGED.value)
    taken = (sides.c.position, sides.c.name_key, sides.c.version_key, sides.c.name, sides.c.version, sides.c.digest)
    chosen = select(literal(promotion.id), *taken, outcome)
    columns = ("promotion_id", "position", "name_key", "version_key", "name", "version", "digest", "outcome")
    work.session.execute(insert(PromotionItem).from_select(columns, chosen))


def _copy(work: Work, drawn: Plan, promotion: Promotion, serial: int) -> None:
    """Copy rows, not bytes: four statements, whatever the number of versions."""
    item, source, target = PromotionItem, Package.__table__.alias("sp"), Package.__table__.alias("tp")
    held, new = Version.__table__.alias("sv"), Version.__table__.alias("tv")
    added = and_(item.promotion_id == promotion.id, item.outcome == Outcome.ADD.value)
    in_source = and_(source.c.feed_id == drawn.source.id, source.c.key == item.name_key)
    in_target = and_(target.c.feed_id == drawn.target.id, target.c.key == item.name_key)
    absent = ~select(target.c.id).where(in_target).exists()
    session = work.session

    session.execute(
        insert(Package).from_select(
            ("feed_id", "key", "confusable", "name", "serial"),
            select(literal(drawn.target.id), source.c.key, source.c.confusable, source.c.name, literal(serial))
            .select_from(item)
            .join(source, in_source)
            .where(added, absent)
            .distinct(),
        )
    )
    touched = select(item.name_key).where(added)
    mine = and_(Package.feed_id == drawn.target.id, Package.key.in_(touched))
    session.execute(update(Package).where(mine).values(serial=serial), execution_options={"synchronize_session": False})
    carried = ("key", "version", "normalized", "prerelease", "digest", "size", "listed", "deprecated")
    session.execute(
        insert(Version).from_select(
            ("package_id", *carried, "origin", "published", "published_by", "added", "added_by", "downloads"),
            select(
                target.c.id,
                *(held.c[name] for name in carried),
                literal("promoted"),
                held.c.published,
                held.c.published_by,
                literal(promotion.at, Version.added.type),
                literal(promotion.actor),
                literal(0),
            )
            .select_from(item)
            .join(source, in_source)
            .join(held, and_(held.c.package_id == source.c.id, held.c.key == item.version_key))
            .join(target, in_target)
            .where(added),
        )
    )
    session.execute(
        insert(File).from_select(
            ("version_id", "variant", "filename", "blob", "manifest_id"),
            select(new.c.id, File.variant, File.filename, File.blob, File.manifest_id)
            .select_from(item)
            .join(source, in_source)
            .join(held, and_(held.c.package_id == source.c.id, held.c.key == item.version_key))
            .join(target, in_target)
            .join(new, and_(new.c.package_id == target.c.id, new.c.key == item.version_key))
            .join(File, File.version_id == held.c.id)
            .where(added),
        )
    )
    # What publishing called latest by the way gives way to the highest stable version; what somebody set stays.
    implied = and_(Tag.name == packages.LATEST, ~Tag.explicit, Tag.package_id.in_(select(Package.id).where(mine)))
    session.execute(delete(Tag).where(implied), execution_options={"synchronize_session": False})


def _verify(work: Work, promotion: Promotion) -> None:
    """Read the target again and compare, before success is said; raises, and so undoes, where anything differs."""
    package, version = Package.__table__.alias("tp"), Version.__table__.alias("tv")
    files = select(func.count(File.id)).where(File.version_id == version.c.id).scalar_subquery()
    same = (
        select(func.count())
        .select_from(PromotionItem)
        .join(package, and_(package.c.feed_id == promotion.target_id, package.c.key == PromotionItem.name_key))
        .join(version, and_(version.c.package_id == package.c.id, version.c.key == PromotionItem.version_key))
        .where(PromotionItem.promotion_id == promotion.id, version.c.digest == PromotionItem.digest, files > 0)
    )
    if work.session.scalar(same) != promotion.item_count:
        raise Conflict(
            f"The promotion to {promotion.target_name} was undone: what arrived is not what was planned. Try again.",
            code="verification-failed",
        )


# History ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Say which promotions are wanted; empty fields want all. ``since`` and ``until`` are ISO dates."""

    source: str = ""
    target: str = ""
    feed: str = ""
    format: str = ""
    name_key: str = ""
    version_key: str = ""
    text: str = ""
    person: str = ""
    since: str = ""
    until: str = ""
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """Hold one promoted version as history shows it."""

    promotion: Promotion
    name: str
    version: str
    digest: str
    outcome: str


def history(work: Work, wanted: HistoryFilter) -> tuple[list[HistoryLine], int]:
    """Give promoted versions, newest first, and the count of all that match; only what the actor may view."""
    query = (
        select(Promotion, PromotionItem.name, PromotionItem.version, PromotionItem.digest, PromotionItem.outcome)
        .join(PromotionItem, PromotionItem.promotion_id == Promotion.id)
        .where(*_promotion_conditions(wanted), *_item_conditions(wanted), _viewable(work))
    )
    total = work.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    page = query.order_by(Promotion.at.desc(), Promotion.id.desc(), PromotionItem.position)
    rows = work.session.execute(page.offset(wanted.offset).limit(wanted.limit))
    return [HistoryLine(*row) for row in rows], total


def records(work: Work, wanted: HistoryFilter) -> tuple[list[HistoryLine], int]:
    """Give whole promotions, newest first, each with its first item; the count is of promotions."""
    inner = aliased(PromotionItem)
    matching = (inner.promotion_id == Promotion.id, *_item_conditions(wanted, inner))
    first = select(func.min(inner.position)).where(*matching).correlate(Promotion).scalar_subquery()
    query = (
        select(Promotion, PromotionItem.name, PromotionItem.version, PromotionItem.digest, PromotionItem.outcome)
        .join(PromotionItem, and_(PromotionItem.promotion_id == Promotion.id, PromotionItem.position == first))
        .where(*_promotion_conditions(wanted), _viewable(work))
    )
    total = work.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    page = query.order_by(Promotion.at.desc(), Promotion.id.desc()).offset(wanted.offset).limit(wanted.limit)
    return [HistoryLine(*row) for row in work.session.execute(page)], total


def get_record(work: Work, promotion_id: int) -> tuple[Promotion, list[PromotionItem]]:
    """Give one promotion with its items; raise NotFound also where the actor may view neither feed."""
    found = work.session.scalars(select(Promotion).where(Promotion.id == promotion_id, _viewable(work))).one_or_none()
    if found is None:
        raise NotFound(f"There is no promotion {promotion_id} that you may see.", code="unknown-promotion")
    items = work.session.scalars(
        select(PromotionItem).where(PromotionItem.promotion_id == promotion_id).order_by(PromotionItem.position)
    )
    return found, list(items)


def _viewable(work: Work) -> ColumnElement[bool]:
    if access.allowed(work, Permission.CONFIGURE):
        return literal(True)
    ids = [feed.id for feed in access.visible_feeds(work)]
    return or_(Promotion.source_id.in_(ids), Promotion.target_id.in_(ids))


def _item_conditions(wanted: HistoryFilter, item: type[PromotionItem] = PromotionItem) -> Iterator[ColumnElement[bool]]:
    if wanted.name_key:
        yield item.name_key == wanted.name_key
    if wanted.version_key:
        yield item.version_key == wanted.version_key
    for word in wanted.text.lower().split():
        yield func.lower(item.name).contains(word, autoescape=True)


def _promotion_conditions(wanted: HistoryFilter) -> Iterator[ColumnElement[bool]]:
    source, target = func.lower(Promotion.source_name), func.lower(Promotion.target_name)
    if wanted.source:
        yield source == wanted.source.lower()
    if wanted.target:
        yield target == wanted.target.lower()
    if wanted.feed:
        yield or_(source == wanted.feed.lower(), target == wanted.feed.lower())
    if wanted.format:
        yield Promotion.format == wanted.format
    if wanted.person:
        yield func.lower(Promotion.actor).contains(wanted.person.lower(), autoescape=True)
    if wanted.since:
        yield Promotion.at >= _day(wanted.since)
    if wanted.until:
        yield Promotion.at < _day(wanted.until, 1)


def _day(text: str, later: int = 0) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=later)
    except ValueError:
        raise Invalid(f"{text!r} is no date; write it as 2026-11-23.", code="invalid-date") from None
