"""Say where the versions of a feed came from, and where else they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.domain.promotion import Outcome
from app.services import access, listings
from app.services.runtime import Work
from app.storage.models import Feed, Promotion, PromotionItem


@dataclass(frozen=True, slots=True)
class Arrival:
    """Hold the promotion that brought a version into a feed: its number, where from, by whom, when (UTC)."""

    number: int
    source: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Hold a feed that holds a version, and since when (UTC)."""

    feed: str
    since: datetime


def arrivals(work: Work, feed: Feed, name_key: str) -> dict[str, Arrival]:
    """Give, by version key, the last promotion that brought each version of a package into a feed; one query."""
    rows = work.session.execute(
        select(PromotionItem.version_key, Promotion.id, Promotion.source_name, Promotion.actor, Promotion.at)
        .join(Promotion, Promotion.id == PromotionItem.promotion_id)
        .where(
            Promotion.target_id == feed.id,
            PromotionItem.name_key == name_key,
            PromotionItem.outcome == Outcome.ADD.value,
        )
        .order_by(Promotion.at, Promotion.id)
    )
    return {row.version_key: Arrival(row.id, row.source_name, row.actor, row.at) for row in rows}


def places(work: Work, format_key: str, name_key: str) -> dict[str, tuple[Place, ...]]:
    """Give, by version key, the feeds that hold it and that the actor may see, by name."""
    visible = {feed.id for feed in access.visible_feeds(work)}
    held = listings.feeds_holding(work, format_key, name_key)
    return {
        key: tuple(Place(name, since) for feed_id, name, since in found if feed_id in visible)
        for key, found in held.items()
    }
