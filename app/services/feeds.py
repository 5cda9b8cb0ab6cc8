"""Create, change and delete feeds and feed groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from app.domain.connectors import RemoteUse, check_patterns
from app.domain.errors import Conflict, Invalid
from app.domain.names import check_feed_name, check_person_name, fold
from app.domain.permissions import Permission
from app.domain.promotion import Accepts, PromoteTo
from app.services import access, cached, connectors, events
from app.services.runtime import Work
from app.storage.models import Feed, FeedGroup, Package, Version


@dataclass(frozen=True, slots=True)
class FeedChange:
    """Hold what is to be changed of a feed; None keeps what is there, an empty group takes it out of its group."""

    name: str | None = None
    description: str | None = None
    group: str | None = None
    active: bool | None = None
    accepts: Accepts | None = None
    promote_to: PromoteTo | None = None
    targets: Sequence[str] | None = None
    allow_overwrite: bool | None = None
    comments_required: bool | None = None
    remote: RemoteUse | None = None
    reserved_names: Sequence[str] | None = None
    allowed_names: Sequence[str] | None = None
    connectors: Sequence[str] | None = None


def create_feed(work: Work, name: str, format_key: str, change: FeedChange | None = None) -> Feed:
    """Create a feed of a format; needs Configure, or Manage Feed everywhere or on the group it goes into."""
    change = change or FeedChange()
    group = _group(work, change.group) if change.group else None
    _require_create(work, group)
    format = work.get_format(format_key)
    key = fold(check_feed_name(name))
    if access.find_feed(work, name) is not None:
        raise Conflict(f"There is a feed {name!r} already; choose another name.", code="feed-exists", feed=name)
    feed = Feed(name=name, key=key, format=format.key, created=work.now(), serial=0, targets=[], group=group)
    feed.promote_to, feed.accepts = PromoteTo.ANY, Accepts.ANYTHING
    feed.allow_overwrite = feed.comments_required = False
    feed.active, feed.description = True, ""
    feed.remote, feed.reserved_names, feed.allowed_names, feed.links = RemoteUse.BROWSE, [], [], []
    work.session.add(feed)
    work.session.flush()
    _apply(work, feed, change)
    events.record(work, "feed-created", feed=feed.name, subject=feed.name, format=feed.format)
    return feed


def _require_create(work: Work, group: FeedGroup | None) -> None:
    if group is not None and access.allowed(work, Permission.MANAGE_FEED, Feed(id=0, group_id=group.id)):
        return
    if not access.allowed(work, Permission.MANAGE_FEED):
        access.require(work, Permission.CONFIGURE)


def update_feed(work: Work, name: str, change: FeedChange) -> Feed:
    """Change a feed's settings; needs Manage Feed."""
    feed = access.get_feed(work, name, Permission.MANAGE_FEED)
    before = describe(feed)
    _apply(work, feed, change)
    work.session.flush()
    after = describe(feed)
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changed:
        feed.serial += 1
        events.record(work, "feed-changed", feed=feed.name, subject=feed.name, changed=changed)
    return feed


def _apply(work: Work, feed: Feed, change: FeedChange) -> None:
    if change.name is not None and change.name != feed.name:
        _rename(work, feed, change.name)
    if change.group is not None:
        feed.group = _group(work, change.group) if change.group else None
    for field in ("description", "active", "allow_overwrite", "comments_required", "accepts", "promote_to", "remote"):
        value = getattr(change, field)
        if value is not None:
            setattr(feed, field, value)
    if change.targets is not None:
        feed.targets = [_target(work, feed, name) for name in dict.fromkeys(change.targets)]
        feed.promote_to = change.promote_to or PromoteTo.LIST
    if change.connectors is not None:
        connectors.attach(work, feed.name, change.connectors)
    _apply_names(work, feed, change)


def _apply_names(work: Work, feed: Feed, change: FeedChange) -> None:
    """Set which names connectors may fill; copies for clients that they may not have any more are forgotten."""
    if change.reserved_names is not None:
        feed.reserved_names = check_patterns(change.reserved_names, blocking=False)
    if change.allowed_names is not None:
        feed.allowed_names = check_patterns(change.allowed_names, blocking=False)
    if change.remote is None and change.reserved_names is None and change.allowed_names is None:
        return
    work.session.flush()
    if feed.remote != RemoteUse.CACHE:
        cached.drop_cached(work, feed)
    else:
        cached.drop_kept(work, feed)


def _rename(work: Work, feed: Feed, name: str) -> None:
    other = access.find_feed(work, check_feed_name(name))
    if other is not None and other.id != feed.id:
        raise Conflict(f"There is a feed {name!r} already; choose another name.", code="feed-exists", feed=name)
    feed.name, feed.key = name, fold(name)


def _target(work: Work, feed: Feed, name: str) -> Feed:
    target = access.get_feed(work, name)
    if target.format != feed.format or target.id == feed.id:
        raise Invalid(
            f"{feed.name} cannot be promoted to {target.name}; name another feed of the format {feed.format}.",
            code="target-not-possible",
        )
    return target


def _group(work: Work, name: str) -> FeedGroup:
    key = fold(check_person_name(name))
    group = work.session.scalars(select(FeedGroup).where(FeedGroup.key == key)).one_or_none()
    if group is None:
        group = FeedGroup(name=name, key=key)
        work.session.add(group)
        work.session.flush()
        events.record(work, "feed-group-created", subject=name)
    return group


def delete_feed(work: Work, name: str) -> int:
    """Delete a feed and all it holds; give how many versions went. History and events keep its name."""
    feed = access.get_feed(work, name, Permission.MANAGE_FEED)
    held = select(func.count(Version.id)).join(Package, Package.id == Version.package_id)
    number = work.session.scalar(held.where(Package.feed_id == feed.id)) or 0
    events.record(work, "feed-deleted", feed=feed.name, subject=feed.name, format=feed.format, versions=number)
    work.session.delete(feed)
    work.session.flush()
    return number


def describe(feed: Feed) -> dict[str, object]:
    """Give a feed's settings as JSON values, as the event log keeps them."""
    return {
        "name": feed.name,
        "description": feed.description,
        "group": feed.group.name if feed.group else None,
        "active": feed.active,
        "accepts": str(feed.accepts),
        "promoteTo": str(feed.promote_to),
        "targets": [target.name for target in feed.targets],
        "allowOverwrite": feed.allow_overwrite,
        "commentsRequired": feed.comments_required,
        "remotePackages": str(feed.remote),
        "reservedNames": list(feed.reserved_names),
        "allowedNames": list(feed.allowed_names),
    }
