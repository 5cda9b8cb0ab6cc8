"""Feed groups by themselves: feeds that belong together, on which rights can be granted as one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from app.domain.errors import Conflict, NotFound
from app.domain.names import check_person_name, fold
from app.domain.permissions import Permission
from app.services import access, events, grants
from app.services.runtime import Work
from app.storage.models import ApiKey, Feed, FeedGroup, Grant


def list_feed_groups(work: Work) -> list[tuple[FeedGroup, list[Feed]]]:
    """Give the groups by name with those of their feeds that the actor may see; empty ones to administrators only."""
    every = access.allowed(work, Permission.CONFIGURE)
    groups = work.session.scalars(select(FeedGroup).options(selectinload(FeedGroup.feeds)).order_by(FeedGroup.key))
    seen = [(group, _visible(work, group)) for group in groups]
    return [(group, feeds) for group, feeds in seen if every or feeds]


def _visible(work: Work, group: FeedGroup) -> list[Feed]:
    return [feed for feed in group.feeds if access.allowed(work, Permission.VIEW_FEED, feed)]


def get_feed_group(work: Work, name: str) -> tuple[FeedGroup, list[Feed]]:
    """Give a group with the feeds that the actor may see; without any it is unknown, but to administrators."""
    group = work.session.scalars(select(FeedGroup).where(FeedGroup.key == fold(name))).one_or_none()
    feeds = [] if group is None else _visible(work, group)
    if not feeds:
        access.require(work, Permission.CONFIGURE)
    if group is None:
        raise NotFound(f"There is no feed group {name!r}; list them for the spelling.", code="unknown-feed-group")
    return group, feeds


def create_feed_group(work: Work, name: str) -> FeedGroup:
    """Create an empty group; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    group = FeedGroup(name=name, key=_free_key(work, name))
    work.session.add(group)
    work.session.flush()
    events.record(work, "feed-group-created", subject=name)
    return group


def rename_feed_group(work: Work, name: str, new: str) -> FeedGroup:
    """Give a group another name; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    group, _ = get_feed_group(work, name)
    if group.name == new:
        return group
    before, key = group.name, group.key if fold(new) == group.key else _free_key(work, new)
    group.name, group.key = check_person_name(new), key
    events.record(work, "feed-group-changed", subject=new, changed={"name": [before, new]})
    return group


def _free_key(work: Work, name: str) -> str:
    key = fold(check_person_name(name))
    if work.session.scalar(select(FeedGroup.id).where(FeedGroup.key == key)) is not None:
        raise Conflict(f"There is a feed group {name!r} already; choose another name.", code="feed-group-exists")
    return key


def held_by_feed_group(work: Work, name: str) -> dict[str, int]:
    """Count what hangs on a group (feeds, grants, restrictions, API keys) before deleting it; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    group, _ = get_feed_group(work, name)
    return {what: count for what, count in _held(work, group) if count}


def delete_feed_group(work: Work, name: str, *, emptying: bool = False) -> None:
    """Delete a group; needs Configure. Raises Conflict where something hangs on it.

    ``emptying`` takes its feeds out and its grants away first. API keys for the group stay an obstacle: without the
    group a key would either die unseen or reach further than it was made to.
    """
    held = held_by_feed_group(work, name)
    group, _ = get_feed_group(work, name)
    obstacles = {what: count for what, count in held.items() if not emptying or what == "API keys"}
    if obstacles:
        shown = " and ".join(f"{count} {what}" for what, count in obstacles.items())
        raise Conflict(f"The feed group {group.name} has {shown}; take those away first.", code="feed-group-in-use")
    feeds = sorted(feed.name for feed in group.feeds)
    for entry in work.session.scalars(select(Grant.id).where(Grant.feed_group_id == group.id)).all():
        grants.revoke(work, entry)
    group.feeds.clear()
    events.record(work, "feed-group-deleted", subject=group.name, feeds=feeds)
    work.session.flush()
    work.session.delete(group)


def _held(work: Work, group: FeedGroup) -> Sequence[tuple[str, int]]:
    """Count each kind; taking a restriction away widens rights, so it is counted apart from the grants."""
    conditions = {
        "feeds": Feed.group_id == group.id,
        "grants": (Grant.feed_group_id == group.id) & Grant.deny.is_(False),
        "restrictions": (Grant.feed_group_id == group.id) & Grant.deny.is_(True),
        "API keys": ApiKey.feed_group_id == group.id,
    }
    count = select(func.count())
    return [(what, work.session.scalar(count.where(rule)) or 0) for what, rule in conditions.items()]
