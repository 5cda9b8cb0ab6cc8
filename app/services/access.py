"""Check rights: every use case asks here, first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from app.domain.errors import Forbidden, NotFound, Unauthenticated
from app.domain.names import fold
from app.domain.permissions import (
    FEED_PERMISSIONS,
    LABELS,
    Entry,
    Kinship,
    Permission,
    Reach,
    covers,
    resolve,
)
from app.services.runtime import Actor, Work
from app.storage.models import Feed, Grant, TaskAttribute, User, membership

# Asked several times in every request; built once.
_FEED_BY_KEY = select(Feed).where(Feed.key == bindparam("folded"))


@dataclass(frozen=True, slots=True)
class ScopedEntry:
    """Hold a grant that names the actor, with the scope it speaks of."""

    attributes: frozenset[Permission]
    kinship: Kinship
    deny: bool
    feed_id: int | None
    feed_group_id: int | None
    grant_id: int

    def on(self, feed: Feed | None) -> Entry | None:
        """Give the entry where its scope covers a feed (None: the installation), else None."""
        reach = self._reach(feed)
        return None if reach is None else Entry(self.attributes, self.kinship, reach, self.deny, self.grant_id)

    def _reach(self, feed: Feed | None) -> Reach | None:
        if self.feed_id is None and self.feed_group_id is None:
            return Reach.EVERYWHERE
        if feed is None:
            return None
        if self.feed_id is not None:
            return Reach.FEED if self.feed_id == feed.id else None
        return Reach.FEED_GROUP if self.feed_group_id == feed.group_id else None


def entries_of(work: Work, actor: Actor) -> list[ScopedEntry]:
    """Give every grant and restriction that names an actor, read once per request."""
    cached = work.cache.get("entries")
    if cached is not None and cached[0] == actor:
        return list(cached[1])
    found = _read_entries(work, actor)
    work.cache["entries"] = (actor, found)
    return found


def _read_entries(work: Work, actor: Actor) -> list[ScopedEntry]:
    groups = set(work.session.scalars(select(membership.c.group_id).where(membership.c.user_id == actor.user_id)))
    rows = work.session.execute(
        select(
            Grant.id,
            Grant.principal,
            Grant.user_id,
            Grant.group_id,
            Grant.feed_id,
            Grant.feed_group_id,
            Grant.deny,
            TaskAttribute.attribute,
        ).join(TaskAttribute, TaskAttribute.task_id == Grant.task_id)
    )
    attributes: dict[int, set[Permission]] = {}
    matched: dict[int, ScopedEntry] = {}
    for row in rows:
        kinship = _kinship(row.principal, row.user_id, row.group_id, actor, groups)
        if kinship is None:
            continue
        attributes.setdefault(row.id, set()).add(Permission(row.attribute))
        matched[row.id] = ScopedEntry(frozenset(), kinship, row.deny, row.feed_id, row.feed_group_id, row.id)
    return [
        ScopedEntry(frozenset(attributes[id]), e.kinship, e.deny, e.feed_id, e.feed_group_id, id)
        for id, e in matched.items()
    ]


def _kinship(
    principal: str, user_id: int | None, group_id: int | None, actor: Actor, groups: set[int]
) -> Kinship | None:
    known = actor.user_id is not None
    if principal == "user":
        return Kinship.USER if known and user_id == actor.user_id else None
    if principal == "group":
        return Kinship.GROUP if group_id in groups else None
    applies = {"everyone": True, "authenticated": known, "anonymous": not known}[principal]
    return Kinship.EVERYONE if applies else None


def allowed(work: Work, permission: Permission, feed: Feed | None = None) -> bool:
    """Tell whether the actor holds a right, on a feed or on the installation."""
    actor = work.actor
    if actor.rights is not None:
        return covers(actor.rights, permission) and _in_scope(actor, feed)
    scoped = (entry.on(feed) for entry in entries_of(work, actor))
    return resolve((entry for entry in scoped if entry is not None), permission)


def _in_scope(actor: Actor, feed: Feed | None) -> bool:
    if actor.feed_ids is None and actor.feed_group_id is None:
        return True
    if feed is None:
        return False
    in_group = actor.feed_group_id is not None and feed.group_id == actor.feed_group_id
    return in_group or (actor.feed_ids is not None and feed.id in actor.feed_ids)


def require(work: Work, permission: Permission, feed: Feed | None = None) -> None:
    """Raise Unauthenticated or Forbidden unless the actor holds a right."""
    if allowed(work, permission, feed):
        return
    place = f"on the feed {feed.name}" if feed is not None else "on this installation"
    label = LABELS[permission]
    if work.actor.anonymous:
        raise Unauthenticated(
            f"{label} {place} needs credentials; sign in, or send an API key.",
            permission=permission.value,
            feed=feed.name if feed else None,
        )
    raise Forbidden(
        f"{work.actor.name} lacks the right {label} ({permission.value}) {place}; ask an administrator to grant it.",
        permission=permission.value,
        feed=feed.name if feed else None,
        granters=who_can_grant(work, feed),
    )


def who_can_grant(work: Work, feed: Feed | None) -> list[str]:
    """Name the active users who may administer the installation or a feed, at most ten."""
    found = []
    wanted = Permission.MANAGE_FEED if feed is not None else Permission.CONFIGURE
    for user in work.session.scalars(select(User).where(User.active).order_by(User.name)):
        scoped = (entry.on(feed) for entry in _read_entries(work, Actor(user.name, user_id=user.id)))
        if resolve((entry for entry in scoped if entry is not None), wanted):
            found.append(user.display_name or user.name)
        if len(found) == 10:
            break
    return found


def find_feed(work: Work, name: str) -> Feed | None:
    """Give a feed by name in any case, whatever the actor may see; for use cases only."""
    return work.session.scalars(_FEED_BY_KEY, {"folded": fold(name)}).one_or_none()


def get_feed(work: Work, name: str, permission: Permission = Permission.VIEW_FEED) -> Feed:
    """Give a feed that the actor holds a right on.

    Raises Unauthenticated to nobody known, also for a feed that does not exist, so that names do not leak;
    NotFound where there is none or it may not even be seen; Forbidden where a further right is missing.
    """
    feed = find_feed(work, name)
    if feed is None or not allowed(work, Permission.VIEW_FEED, feed):
        if work.actor.anonymous:
            raise Unauthenticated(f"The feed {name} needs credentials; sign in, or send an API key.", feed=name)
        if feed is not None and permission in FEED_PERMISSIONS:
            require(work, Permission.VIEW_FEED, feed)
        raise NotFound(
            f"There is no feed {name!r} that you may see; list the feeds, or ask an administrator.",
            code="unknown-feed",
            feed=name,
        )
    require(work, permission, feed)
    return feed


def visible_feeds(work: Work, permission: Permission = Permission.VIEW_FEED) -> list[Feed]:
    """Give the feeds on which the actor holds a right, by name."""
    feeds = work.session.scalars(select(Feed).order_by(Feed.name)).unique()
    return [feed for feed in feeds if allowed(work, permission, feed)]
