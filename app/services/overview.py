"""What the home page asks: which feeds there are, how they relate, what waits for the next stage."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import and_, func, select

from app.domain.permissions import Permission
from app.services import access, listings, promotions
from app.services.runtime import Work
from app.storage.models import Feed, Package, Promotion, Version, feed_target


@dataclass(frozen=True, slots=True)
class FeedLine:
    """Hold a feed with its counts and its last promotion in."""

    feed: Feed
    packages: int
    versions: int
    downloads: int
    last: Promotion | None
    may_promote: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Hold the arrow between two stages: how many versions the second lacks, and the last promotion along it."""

    ahead: int
    last: Promotion | None
    may_promote: bool


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Hold stages from left to right; ``steps[n]`` leads from ``stages[n]`` to the next."""

    title: str
    stages: tuple[FeedLine, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Hold everything that the home page shows."""

    pipelines: tuple[Pipeline, ...]
    others: tuple[FeedLine, ...]

    @property
    def lines(self) -> tuple[FeedLine, ...]:
        """Give every feed."""
        return (*(stage for pipeline in self.pipelines for stage in pipeline.stages), *self.others)


def overview(work: Work) -> Overview:
    """Give the feeds that the actor may see; a constant number of queries, whatever their number."""
    feeds = {feed.id: feed for feed in access.visible_feeds(work)}
    counted = listings.counts(work, feeds)
    last_in, last_along = _last_promotions(work)
    lines = {
        feed.id: FeedLine(
            feed,
            *counted.get(feed.id, (0, 0, 0)),
            last_in.get(feed.id),
            access.allowed(work, Permission.ACCEPT_PROMOTIONS, feed),
        )
        for feed in feeds.values()
    }
    ahead = versions_ahead(work)
    chains = _chains(
        {id: [t for t in ts if t in feeds] for id, ts in promotions.pipelines(work).items() if id in feeds}
    )
    drawn = tuple(_pipeline([lines[id] for id in chain], ahead, last_along) for chain in chains)
    shown = {id for chain in chains for id in chain}
    return Overview(drawn, tuple(line for id, line in lines.items() if id not in shown))


def _chains(targets: dict[int, list[int]]) -> list[list[int]]:
    """Cut the stages into lines from left to right: each begins where nothing leads to, each feed stands in one."""
    led_to = {target for each in targets.values() for target in each}
    starts = [feed for feed in targets if feed not in led_to] + list(targets)
    seen: set[int] = set()
    chains = []
    for start in starts:
        chain, feed = [], start
        while feed not in seen:
            seen.add(feed)
            chain.append(feed)
            feed = next((t for t in targets.get(feed, []) if t not in seen), feed)
        if len(chain) > 1:
            chains.append(chain)
        else:
            seen.difference_update(chain)
    return chains


def _pipeline(
    stages: list[FeedLine], ahead: dict[tuple[int, int], int], last: dict[tuple[int, int], Promotion]
) -> Pipeline:
    pairs = [(a.feed.id, b.feed.id) for a, b in pairwise(stages)]
    steps = tuple(
        Step(ahead.get(pair, 0), last.get(pair), stage.may_promote)
        for pair, stage in zip(pairs, stages[1:], strict=True)
    )
    group = stages[0].feed.group
    return Pipeline(group.name if group else stages[0].feed.name, tuple(stages), steps)


def versions_ahead(work: Work) -> dict[tuple[int, int], int]:
    """Give, for every pair of stages (source id, target id), how many versions the target lacks; one query."""
    target_package, target_version = Package.__table__.alias("tp"), Version.__table__.alias("tv")
    held = (
        select(target_version.c.id)
        .join(target_package, target_package.c.id == target_version.c.package_id)
        .where(
            target_package.c.feed_id == feed_target.c.target_id,
            target_package.c.key == Package.key,
            target_version.c.key == Version.key,
        )
        .exists()
    )
    rows = work.session.execute(
        select(feed_target.c.feed_id, feed_target.c.target_id, func.count())
        .select_from(feed_target)
        .join(Package, Package.feed_id == feed_target.c.feed_id)
        .join(Version, Version.package_id == Package.id)
        .where(~held)
        .group_by(feed_target.c.feed_id, feed_target.c.target_id)
    )
    return {(source, target): count for source, target, count in rows}


def _last_promotions(work: Work) -> tuple[dict[int, Promotion], dict[tuple[int, int], Promotion]]:
    """Give the last promotion into each feed, and along each pair."""
    newest = (
        select(Promotion.source_id, Promotion.target_id, func.max(Promotion.id).label("id"))
        .group_by(Promotion.source_id, Promotion.target_id)
        .subquery()
    )
    into: dict[int, Promotion] = {}
    along: dict[tuple[int, int], Promotion] = {}
    query = select(Promotion).join(newest, and_(newest.c.id == Promotion.id)).order_by(Promotion.id)
    for promotion in work.session.scalars(query):
        if promotion.target_id is not None:
            into[promotion.target_id] = promotion
            if promotion.source_id is not None:
                along[promotion.source_id, promotion.target_id] = promotion
    return into, along
