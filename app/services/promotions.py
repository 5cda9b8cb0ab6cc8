"""Apply promotions: rows, history and event in one transaction, whatever the number of versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.domain.connectors import RemoteUse
from app.domain.errors import AppError, Conflict, Forbidden, Invalid, Refused, StalePlan
from app.domain.permissions import Permission
from app.domain.promotion import Outcome, Plan
from app.plugin.format import FeedFormat
from app.plugin.records import FileChange
from app.services import access, cached, copying, events, journal, storing
from app.services.plans import (
    ALIASES,
    MAX_ITEMS,
    PromotionRequest,
    TargetChoice,
    Wanted,
    draw,
    facts,
    find_feeds,
    pipelines,
    target_choices,
)
from app.services.remotes import plan
from app.services.runtime import Actor, Runtime, Work
from app.storage.models import Feed, Promotion, PromotionItem

__all__ = [
    "MAX_ITEMS",
    "PlanStale",
    "PromotionRequest",
    "PromotionResult",
    "TargetChoice",
    "Wanted",
    "apply",
    "facts",
    "pipelines",
    "plan",
    "promote",
    "refusal",
    "target_choices",
]

MAX_KEY = 200


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


def promote(runtime: Runtime, actor: Actor, request: PromotionRequest) -> PromotionResult:
    """Promote all versions of a request, or none.

    Raises Forbidden, Refused, Invalid, Conflict (other bytes under a version), StalePlan. A request whose
    idempotency key was answered before is not carried out again.
    """
    try:
        return _promote(runtime, actor, request)
    except IntegrityError:
        # The same idempotency key was used for another target at this moment; now its answer can be read.
        with runtime.writing(actor) as work:
            return apply(work, request)


def _promote(runtime: Runtime, actor: Actor, request: PromotionRequest) -> PromotionResult:
    try:
        with runtime.writing(actor) as work:
            return apply(work, request)
    except Refused as error:
        if error.code != "missing":
            raise
        # What is missing may be offered by a connector; that is asked without a transaction, to say the way out.
        with runtime.reading(actor) as work:
            raise refusal(plan(work, request)) or error from None


def apply(work: Work, request: PromotionRequest) -> PromotionResult:
    """Carry out a promotion within a write transaction; see ``promote``."""
    _record_if_refused(work, request)
    source, target = find_feeds(work, request)
    access.require(work, Permission.ACCEPT_PROMOTIONS, target)
    # The target's row is the lock under which plan and change are one; SQLite writers hold the whole database.
    work.session.execute(select(Feed.id).where(Feed.id == target.id).with_for_update())
    for feed in (source, target):
        work.session.refresh(feed)
    before = _answered(work, source, target, request)
    if before is not None:
        return PromotionResult(before, None, repeated=True)
    drawn = draw(work, source, target, request)
    _check(drawn, request)
    if not drawn.additions:
        return PromotionResult(None, drawn)
    if target.remote == RemoteUse.CACHE:
        cached.drop_cached(work, target, {item.name_key for item in drawn.additions})
    promotion = _record(work, drawn, request)
    copying.copy(work, drawn, promotion, storing.bump(work, target))
    _verify(work, promotion)
    journal.note(work, target, work.get_format(target.format), _changes(work, drawn))
    return PromotionResult(promotion, drawn)


def _record_if_refused(work: Work, request: PromotionRequest) -> None:
    first = next(iter(request.items), None)
    subject = f"{first.name} {first.version}"[:700] if first is not None else None
    events.record_if_refused(
        work,
        "promotion-refused",
        feed=request.target[:50],
        subject=subject,
        source=request.source[:50],
        items=len(request.items),
        comments=request.comments[:500],
    )


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
        if item.version in ALIASES
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


def _changes(work: Work, drawn: Plan) -> journal.Changes:
    """Give the files that a promotion brings, by package key, for a format that keeps a journal of them."""
    if not journal.keeps(work.get_format(drawn.target.format)):
        return {}
    held = copying.files_of(work, drawn.additions)
    changes: dict[str, list[FileChange]] = {}
    for item in drawn.additions:
        brought = (FileChange(item.version, variant, present=True) for variant in held.get(item.source_version_id, ()))
        changes.setdefault(item.name_key, []).extend(brought)
    return {key: files for key, files in changes.items() if files}


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
    copying.record_items(work, drawn, promotion)
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


def _verify(work: Work, promotion: Promotion) -> None:
    """Read the target again and compare, before success is said; raises, and so undoes, where anything differs."""
    if copying.arrived(work, promotion) != promotion.item_count:
        raise Conflict(
            f"The promotion to {promotion.target_name} was undone: what arrived is not what was planned. Try again.",
            code="verification-failed",
        )
