"""Check rights: every use case asks here, first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import bindparam, or_, select

from app.domain.errors import Conflict, Forbidden, NotFound, Unauthenticated
from app.domain.names import fold
from app.domain.permissions import (
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


@dataclass(frozen=True, slots=True)
class GrantRow:
    """Hold one grant or restriction with its task's attributes."""

    grant_id: int
    principal: str
    user_id: int | None
    group_id: int | None
    feed_id: int | None
    feed_group_id: int | None
    deny: bool
    attributes: frozenset[Permission]


# What everybody who is known is, and everybody who is not.
KNOWN, UNKNOWN = frozenset({"everyone", "authenticated"}), frozenset({"everyone", "anonymous"})


@dataclass(frozen=True, slots=True)
class Names:
    """Hold by what names grants can reach somebody: their user, their groups, what everybody like them is."""

    user_id: int | None
    group_ids: frozenset[int]
    pseudo: frozenset[str]

    def kinship(self, grant: GrantRow) -> Kinship | None:
        """Tell how closely a grant names them, or None where it does not."""
        if grant.principal == "user":
            return Kinship.USER if self.user_id is not None and grant.user_id == self.user_id else None
        if grant.principal == "group":
            return Kinship.GROUP if grant.group_id in self.group_ids else None
        return Kinship.EVERYONE if grant.principal in self.pseudo else None


def entries_of(work: Work, actor: Actor) -> list[ScopedEntry]:
    """Give every grant and restriction that names an actor, read once per request."""
    cached = work.cache.get("entries")
    if cached is not None and cached[0] == actor:
        return list(cached[1])
    names = names_of(work, actor.user_id)
    found = entries_for(read_grants(work, names), names)
    work.cache["entries"] = (actor, found)
    return found


def names_of(work: Work, user_id: int | None) -> Names:
    """Give the names by which grants reach a user, or somebody unknown."""
    if user_id is None:
        return Names(None, frozenset(), UNKNOWN)
    groups = work.session.scalars(select(membership.c.group_id).where(membership.c.user_id == user_id))
    return Names(user_id, frozenset(groups), KNOWN)


def read_grants(work: Work, names: Names | None = None) -> list[GrantRow]:
    """Read every grant and restriction in one query, or those that reach somebody."""
    columns = (
        *(Grant.id, Grant.principal, Grant.user_id, Grant.group_id),
        *(Grant.feed_id, Grant.feed_group_id, Grant.deny),
    )
    query = select(*columns, TaskAttribute.attribute).join(TaskAttribute, TaskAttribute.task_id == Grant.task_id)
    if names is not None:
        query = query.where(
            or_(
                Grant.principal.in_(names.pseudo),
                Grant.user_id == names.user_id,
                Grant.group_id.in_(names.group_ids),
            )
        )
    grants: dict[int, Any] = {}
    attributes: dict[int, set[Permission]] = {}
    for row in work.session.execute(query):
        grants[row.id] = row
        attributes.setdefault(row.id, set()).add(Permission(row.attribute))
    return [
        GrantRow(id, g.principal, g.user_id, g.group_id, g.feed_id, g.feed_group_id, g.deny, frozenset(attributes[id]))
        for id, g in grants.items()
    ]


def entries_for(rows: Iterable[GrantRow], names: Names) -> list[ScopedEntry]:
    """Give those of the grants that reach somebody."""
    return [
        ScopedEntry(row.attributes, kinship, row.deny, row.feed_id, row.feed_group_id, row.grant_id)
        for row in rows
        if (kinship := names.kinship(row)) is not None
    ]


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
    wanted = Permission.MANAGE_FEED if feed is not None else Permission.CONFIGURE
    return [user.display_name or user.name for user in holders(work, wanted, feed)[:10]]


def holders(work: Work, permission: Permission, feed: Feed | None = None) -> list[User]:
    """Give the active users who hold a right, by name; three queries, however many people there are."""
    grants = read_grants(work)
    groups: dict[int, set[int]] = {}
    for user_id, group_id in work.session.execute(select(membership.c.user_id, membership.c.group_id)):
        groups.setdefault(user_id, set()).add(group_id)
    found = []
    for user in work.session.scalars(select(User).where(User.active).order_by(User.name)):
        names = Names(user.id, frozenset(groups.get(user.id, ())), KNOWN)
        scoped = (entry.on(feed) for entry in entries_for(grants, names))
        if resolve((entry for entry in scoped if entry is not None), permission):
            found.append(user)
    return found


@contextmanager
def administrator_stays(work: Work) -> Iterator[None]:
    """Refuse a change after which nobody could administer the installation any more; raises Conflict."""
    had = bool(holders(work, Permission.CONFIGURE))
    yield
    work.session.flush()
    if had and not holders(work, Permission.CONFIGURE):
        raise Conflict(
            "After this nobody could administer the installation; let somebody else administer it first.",
            code="last-administrator",
        )


def find_feed(work: Work, name: str) -> Feed | None:
    """Give a feed by name in any case, whatever the actor may see; for use cases only."""
    return work.session.scalars(_FEED_BY_KEY, {"folded": fold(name)}).one_or_none()


def get_feed(work: Work, name: str, permission: Permission = Permission.VIEW_FEED) -> Feed:
    """Give a feed that the actor holds a right on.

    Whoever may not view every feed hears the same of a feed that they may not see and of one that does not
    exist: Unauthenticated to nobody known, else Forbidden, because after 404 clients ask their next source.
    Raises NotFound to the others, and Forbidden where a further right is missing.
    """
    feed = find_feed(work, name)
    if feed is None or not allowed(work, Permission.VIEW_FEED, feed):
        if feed is None and allowed(work, Permission.VIEW_FEED):
            raise NotFound(
                f"There is no feed {name!r}; list the feeds for the spelling.", code="unknown-feed", feed=name
            )
        _refuse_unseen(work, name)
    require(work, permission, feed)
    return feed


def _refuse_unseen(work: Work, name: str) -> NoReturn:
    if work.actor.anonymous:
        raise Unauthenticated(f"The feed {name} needs credentials; sign in, or send an API key.", feed=name)
    raise Forbidden(
        f"{work.actor.name} lacks the right {LABELS[Permission.VIEW_FEED]} ({Permission.VIEW_FEED.value}) on the feed "
        f"{name}, or there is no such feed; ask an administrator to grant it.",
        permission=Permission.VIEW_FEED.value,
        feed=name,
        granters=who_can_grant(work, None),
    )


def visible_feeds(work: Work, permission: Permission = Permission.VIEW_FEED) -> list[Feed]:
    """Give the feeds on which the actor holds a right, by name."""
    feeds = work.session.scalars(select(Feed).order_by(Feed.name)).unique()
    return [feed for feed in feeds if allowed(work, permission, feed)]
