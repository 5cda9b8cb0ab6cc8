"""Formats, feeds and feed groups."""

from __future__ import annotations

from flask import current_app, request

from app.domain.permissions import Permission
from app.domain.promotion import Accepts, PromoteTo
from app.services import access, feeds, listings
from app.services.feeds import FeedChange
from app.services.runtime import Work
from app.storage import models
from app.web.addresses import Addresses, KnownFeed
from app.web.api.v1 import paging, schemas
from app.web.api.v1.operations import Call, Created, operation


@operation("GET", "/formats", "feeds")
def list_formats(call: Call, query: schemas.Paged) -> schemas.FormatPage:
    """List the package formats that are loaded."""
    known = sorted(call.work.runtime.plugins.formats.values(), key=lambda format: format.key)
    page, following = paging.after(known, lambda format: format.key, query.cursor, query.limit)
    items = [
        schemas.Format(key=f.key, title=f.title, promotable=f.promotable, why_not_promotable=f.why_not_promotable)
        for f in page
    ]
    return schemas.FormatPage(items=items, next=following)


@operation("GET", "/feeds", "feeds")
def list_feeds(call: Call, query: schemas.Paged) -> schemas.FeedPage:
    """List the feeds that one may view."""
    visible = sorted(access.visible_feeds(call.work), key=lambda feed: feed.key)
    page, following = paging.after(visible, lambda feed: feed.key, query.cursor, query.limit)
    return schemas.FeedPage(items=[_feed(call.work, feed) for feed in page], next=following)


@operation("POST", "/feeds", "feeds", creates=schemas.Feed)
def create_feed(call: Call, body: schemas.NewFeed) -> Created:
    """Create a feed.

    Needs Configure, or Manage Feed everywhere or on the group it goes into.
    """

    def make(work: Work) -> schemas.Feed:
        return _feed(work, feeds.create_feed(work, body.name, body.format, _change(body, rename=False)))

    return call.create(make, lambda feed: f"/feeds/{feed.name}")


@operation("GET", "/feeds/{feed}", "feeds")
def get_feed(call: Call, feed: str) -> schemas.Feed:
    """Describe a feed."""
    return _one(call.work, feed, Permission.VIEW_FEED)


@operation("PATCH", "/feeds/{feed}", "feeds", guarded=True)
def change_feed(call: Call, feed: str, body: schemas.FeedChange) -> schemas.Feed:
    """Change a feed; needs Manage Feed."""

    def change(work: Work) -> schemas.Feed:
        return _feed(work, feeds.update_feed(work, feed, _change(body)))

    return call.write(change, lambda work: _one(work, feed, Permission.MANAGE_FEED))


@operation("DELETE", "/feeds/{feed}", "feeds", guarded=True)
def delete_feed(call: Call, feed: str) -> None:
    """Delete a feed and all that it holds; its history stays. Needs Manage Feed."""
    call.delete(lambda work: feeds.delete_feed(work, feed), lambda work: _one(work, feed, Permission.MANAGE_FEED))


@operation("GET", "/feeds/{feed}/counts", "feeds")
def count_feed(call: Call, feed: str) -> schemas.Counts:
    """Count what a feed holds, and its downloads."""
    found = access.get_feed(call.work, feed)
    packages, versions, downloads = listings.counts(call.work, [found.id]).get(found.id, (0, 0, 0))
    return schemas.Counts(packages=packages, versions=versions, downloads=downloads)


@operation("GET", "/feed-groups", "feeds")
def list_feed_groups(call: Call, query: schemas.Paged) -> schemas.FeedGroupPage:
    """List the groups of the feeds that one may view."""
    members: dict[str, list[str]] = {}
    for feed in access.visible_feeds(call.work):
        if feed.group is not None:
            members.setdefault(feed.group.name, []).append(feed.name)
    page, following = paging.after(sorted(members.items()), lambda group: group[0], query.cursor, query.limit)
    return schemas.FeedGroupPage(items=[schemas.FeedGroup(name=n, feeds=f) for n, f in page], next=following)


def _one(work: Work, name: str, permission: Permission) -> schemas.Feed:
    return _feed(work, access.get_feed(work, name, permission))


def _change(body: schemas.FeedChange, *, rename: bool = True) -> FeedChange:
    return FeedChange(
        name=body.name if rename else None,
        description=body.description,
        group=body.group,
        active=body.active,
        accepts=Accepts(body.accepts) if body.accepts else None,
        promote_to=PromoteTo(body.promote_to) if body.promote_to else None,
        targets=body.targets,
        allow_overwrite=body.allow_overwrite,
        comments_required=body.comments_required,
    )


def _feed(work: Work, feed: models.Feed) -> schemas.Feed:
    visible = {id(target) for target in feed.targets if access.allowed(work, Permission.VIEW_FEED, target)}
    return schemas.Feed(
        name=feed.name,
        format=feed.format,
        description=feed.description,
        group=feed.group.name if feed.group else None,
        active=feed.active,
        accepts="promotions" if feed.accepts == Accepts.PROMOTIONS else "anything",
        promote_to=PromoteTo(feed.promote_to).value,
        targets=[target.name for target in feed.targets if id(target) in visible],
        allow_overwrite=feed.allow_overwrite,
        comments_required=feed.comments_required,
        url=_url(work, feed),
    )


def _url(work: Work, feed: models.Feed) -> str:
    addresses: Addresses = current_app.extensions["promontory.addresses"]
    format = work.runtime.plugins.formats.get(feed.format)
    known = KnownFeed(feed.name, f"/{format.prefix if format else feed.format}/{feed.name}")
    return addresses.feed_address(known, addresses.server_url(request.scheme, request.host)).url
