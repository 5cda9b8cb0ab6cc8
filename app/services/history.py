"""Who let what in, when and why: promotions as history shows them, only what the actor may view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import aliased

from app.domain.errors import Invalid, NotFound, Unauthenticated
from app.domain.permissions import Permission
from app.services import access
from app.services.runtime import Work
from app.storage.models import Promotion, PromotionItem


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


def versions(work: Work, wanted: HistoryFilter) -> tuple[list[HistoryLine], int]:
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


def page(work: Work, wanted: HistoryFilter, before: int | None) -> list[Promotion]:
    """Give promotions below a number, newest first, that the actor may view; nothing is counted."""
    item = aliased(PromotionItem)
    narrowed = list(_item_conditions(wanted, item))
    query = select(Promotion).where(*_promotion_conditions(wanted), _viewable(work)).order_by(Promotion.id.desc())
    if narrowed:
        query = query.where(select(item.position).where(item.promotion_id == Promotion.id, *narrowed).exists())
    if before is not None:
        query = query.where(Promotion.id < before)
    return list(work.session.scalars(query.limit(wanted.limit)))


def get_promotion(work: Work, promotion_id: int) -> Promotion:
    """Give one promotion without its items; raise NotFound also where the actor may view neither feed.

    Raises Unauthenticated to nobody known.
    """
    found = work.session.scalars(select(Promotion).where(Promotion.id == promotion_id, _viewable(work))).one_or_none()
    if found is None and work.actor.anonymous:
        raise Unauthenticated(f"The promotion {promotion_id} needs credentials; sign in, or send an API key.")
    if found is None:
        raise NotFound(f"There is no promotion {promotion_id} that you may see.", code="unknown-promotion")
    return found


def items_after(work: Work, promotion: Promotion, after: int, limit: int) -> list[PromotionItem]:
    """Give the items of a promotion from after a position on."""
    of = select(PromotionItem).where(PromotionItem.promotion_id == promotion.id, PromotionItem.position > after)
    return list(work.session.scalars(of.order_by(PromotionItem.position).limit(limit)))


def get_record(work: Work, promotion_id: int) -> tuple[Promotion, list[PromotionItem]]:
    """Give one promotion with its items; raise NotFound also where the actor may view neither feed."""
    found = get_promotion(work, promotion_id)
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
