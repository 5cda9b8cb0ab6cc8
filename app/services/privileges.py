"""Explain rights: who may what where, and which grant decides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.domain.errors import Invalid
from app.domain.permissions import FEED_PERMISSIONS, LABELS, Entry, Permission, decide
from app.services import access, people
from app.services.access import KNOWN, UNKNOWN, Names
from app.services.runtime import Work
from app.storage.models import Feed, Grant

PSEUDO = ("everyone", "authenticated", "anonymous")


@dataclass(frozen=True, slots=True)
class Principal:
    """Name whose rights are asked for: a user, a group, or everyone, authenticated or anonymous."""

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Privilege:
    """Say whether an attribute is allowed, and which grant decided; none did where nothing speaks of it.

    ``by_proxy`` is set where the grant's task does not contain the attribute itself but one that stands for it.
    """

    permission: Permission
    label: str
    allowed: bool
    grant: Grant | None
    by_proxy: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say which right is missing where, which restriction decided that, if any, and who can grant it."""

    permission: Permission
    label: str
    feed: str
    allowed: bool
    deciding: Grant | None
    granters: Sequence[str]


def test(work: Work, principal: Principal, feed_name: str) -> list[Privilege]:
    """Give every attribute of somebody on a feed, or on the installation (""); disabled users have none.

    Needs Configure, or Manage Feed on that feed.
    """
    feed = access.get_feed(work, feed_name) if feed_name else None
    if feed is None or not access.allowed(work, Permission.MANAGE_FEED, feed):
        access.require(work, Permission.CONFIGURE)
    return _privileges(work, _names(work, principal), feed)


def _names(work: Work, principal: Principal) -> Names:
    if principal.kind == "user":
        user = people.get_user(work, principal.name)
        return access.names_of(work, user.id) if user.active else Names(None, frozenset(), frozenset())
    if principal.kind == "group":
        return Names(None, frozenset({people.get_group(work, principal.name).id}), KNOWN)
    pseudo = {"everyone": frozenset({"everyone"}), "authenticated": KNOWN, "anonymous": UNKNOWN}
    if principal.kind not in pseudo:
        raise Invalid(f"There is no principal {principal.kind!r}; use user, group, {', '.join(PSEUDO)}.")
    return Names(None, frozenset(), pseudo[principal.kind])


def _privileges(work: Work, names: Names, feed: Feed | None) -> list[Privilege]:
    scoped = (entry.on(feed) for entry in access.entries_for(access.read_grants(work, names), names))
    entries = [entry for entry in scoped if entry is not None]
    decided = {permission: decide(entries, permission) for permission in _about(feed)}
    grants = _grants(work, {entry.grant_id for entry in decided.values() if entry is not None})
    return [_privilege(permission, entry, grants) for permission, entry in decided.items()]


def _about(feed: Feed | None) -> list[Permission]:
    """Give the attributes that mean something on a feed, or all for the installation, as people list them."""
    return [permission for permission in LABELS if feed is None or permission in FEED_PERMISSIONS]


def _grants(work: Work, ids: set[int]) -> dict[int, Grant]:
    related = (Grant.task, Grant.user, Grant.group, Grant.feed, Grant.feed_group)
    query = select(Grant).where(Grant.id.in_(ids)).options(*(joinedload(each) for each in related))
    return {grant.id: grant for grant in work.session.scalars(query)}


def _privilege(permission: Permission, entry: Entry | None, grants: dict[int, Grant]) -> Privilege:
    if entry is None:
        return Privilege(permission, LABELS[permission], allowed=False, grant=None, by_proxy=False)
    by_proxy = permission not in entry.attributes
    return Privilege(permission, LABELS[permission], not entry.deny, grants.get(entry.grant_id), by_proxy)


def why_not(work: Work, permission: Permission, feed_name: str = "") -> Refusal:
    """Explain to whoever asks why they lack a right, or that they hold it; needs nothing.

    A feed that they may not see is explained like one that does not exist.
    """
    feed = access.find_feed(work, feed_name) if feed_name else None
    if feed is not None and not access.allowed(work, Permission.VIEW_FEED, feed):
        feed = None
    known = feed is not None or not feed_name
    allowed = known and access.allowed(work, permission, feed)
    deciding = _deciding(work, permission, feed) if known and work.actor.rights is None else None
    granters = [] if work.actor.anonymous else access.who_can_grant(work, feed)
    return Refusal(permission, LABELS[permission], feed_name, allowed, deciding, granters)


def _deciding(work: Work, permission: Permission, feed: Feed | None) -> Grant | None:
    own = _privileges(work, access.names_of(work, work.actor.user_id), feed)
    return next((privilege.grant for privilege in own if privilege.permission is permission), None)
