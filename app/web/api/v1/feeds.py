"""Feeds and feed groups."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import Field

from app.domain.connectors import RemoteUse
from app.domain.permissions import Permission
from app.domain.promotion import Accepts, PromoteTo
from app.services import access, feedgroups, feeds, listings, pages
from app.services.feeds import FeedChange
from app.services.runtime import Work
from app.storage import models as stored
from app.web.api.v1.models import ABSENT, FeedName, Listed, Model, Moment, Name, Paging, Pattern, Prose, Text
from app.web.api.v1.operations import Answer, Call, Match, Resource
from app.web.api.v1.paging import cut, page

feeds_v1 = Resource("Feeds", "Named collections of packages of one format.")
groups_v1 = Resource("Feed groups", "Feeds that belong together: a team's, or the stages of a pipeline.")


class Feed(Model):
    """Be a feed with its settings."""

    name: str
    format: str
    description: str
    group: str | None
    active: bool
    accepts: Accepts
    promote_to: PromoteTo
    targets: list[str] = Field(description="The feeds that Promote to lists, as far as the caller may see them.")
    allow_overwrite: bool
    comments_required: bool
    remote: RemoteUse = Field(description="What the packages that its connectors offer are for.")
    reserved_names: list[str] = Field(description="Patterns of names that no connector may fill.")
    allowed_names: list[str] = Field(description="Patterns of names that may be filled all the same.")
    connectors: list[str] = Field(description="Its connectors, in the order in which they are asked.")
    created: Moment


class FeedSettings(Model):
    """Hold what is to be changed of a feed; what is left out stays."""

    description: Prose = ABSENT
    group: Name | None = Field(default=None, description="The feed group, made where it is new; null: none.")
    active: bool = ABSENT
    accepts: Accepts = ABSENT
    promote_to: PromoteTo = ABSENT
    targets: list[FeedName] = Field(default=ABSENT, max_length=100)
    allow_overwrite: bool = ABSENT
    comments_required: bool = ABSENT
    remote: RemoteUse = ABSENT
    reserved_names: list[Pattern] = Field(default=ABSENT, max_length=1000)
    allowed_names: list[Pattern] = Field(default=ABSENT, max_length=1000)
    connectors: list[Name] = Field(default=ABSENT, max_length=50)


class NewFeed(FeedSettings):
    """Describe a feed to create."""

    name: FeedName
    format: Text = Field(description="The format's key, like npm.")


class ChangedFeed(FeedSettings):
    """Hold what is to be changed of a feed, its name too; what is left out stays."""

    name: FeedName = ABSENT


class FeedCounts(Model):
    """Count what a feed holds; `serial` goes up with every change."""

    packages: int
    versions: int
    downloads: int
    serial: int


class FeedQuery(Paging):
    """Say which feeds are wanted."""

    format: Text = Field(default="", description="Only feeds of this format.")
    group: Text = Field(default="", description="Only feeds of this feed group.")


@feeds_v1.get("/feeds", Listed[Feed], needs="nothing; the list holds what one may view")
def list_feeds(call: Call, query: FeedQuery) -> Answer:
    """List the feeds that one may view, by name."""
    seen = [feed for feed in access.visible_feeds(call.work) if query.format.lower() in ("", feed.format)]
    if query.group:
        wanted = {
            feed.id
            for group, held in feedgroups.list_feed_groups(call.work)
            for feed in held
            if group.key == query.group.casefold()
        }
        seen = [feed for feed in seen if feed.id in wanted]
    rows = pages.feeds(call.work, cut(seen, query, lambda feed: feed.key))
    return page(Listed[Feed], rows, query, lambda feed: feed.key, lambda feed: shown(call.work, feed))


@feeds_v1.create(
    "/feeds",
    Feed,
    needs="Configure Promontory, or Manage Feeds everywhere or on the feed group",
    examples={"body": {"name": "npm-qa", "format": "npm", "description": "What testers install."}},
)
def create_feed(call: Call, body: NewFeed) -> Answer:
    """Create a feed."""
    made = feeds.create_feed(call.work, body.name, body.format, _change(body))
    return Answer(shown(call.work, made), location=f"/feeds/{made.name}")


@feeds_v1.get("/feeds/{feed}", Feed, needs="View Feed/Package")
def get_feed(call: Call, feed: str) -> Answer:
    """Give a feed with its settings."""
    return Answer(shown(call.work, access.get_feed(call.work, feed)))


@feeds_v1.patch(
    "/feeds/{feed}",
    Feed,
    needs="Manage Feeds on the feed",
    match=Match.REQUIRED,
    examples={"body": {"description": "Approved for production.", "commentsRequired": True}},
)
def change_feed(call: Call, feed: str, body: ChangedFeed) -> Answer:
    """Change a feed's settings; what is left out stays."""
    held = access.get_feed(call.work, feed, Permission.MANAGE_FEED)
    call.check_match(shown(call.work, held))
    return Answer(shown(call.work, feeds.update_feed(call.work, held.name, _change(body, body.name))))


@feeds_v1.delete("/feeds/{feed}", needs="Manage Feeds on the feed", match=Match.REQUIRED)
def delete_feed(call: Call, feed: str) -> Answer:
    """Delete a feed and all it holds; history and events keep its name."""
    held = access.get_feed(call.work, feed, Permission.MANAGE_FEED)
    call.check_match(shown(call.work, held))
    feeds.delete_feed(call.work, held.name)
    return Answer()


@feeds_v1.get("/feeds/{feed}/counts", FeedCounts, needs="View Feed/Package")
def count_feed(call: Call, feed: str) -> Answer:
    """Count what a feed holds."""
    held = access.get_feed(call.work, feed)
    packages, versions, downloads = listings.counts(call.work, [held.id]).get(held.id, (0, 0, 0))
    return Answer(FeedCounts(packages=packages, versions=versions, downloads=downloads, serial=held.serial))


def shown(work: Work, feed: stored.Feed) -> Feed:
    """Give a feed as the API shows it to whoever asks."""
    seen = [target.name for target in feed.targets if access.allowed(work, Permission.VIEW_FEED, target)]
    return Feed(
        name=feed.name,
        format=feed.format,
        description=feed.description,
        group=feed.group.name if feed.group else None,
        active=feed.active,
        accepts=Accepts(feed.accepts),
        promote_to=PromoteTo(feed.promote_to),
        targets=seen,
        allow_overwrite=feed.allow_overwrite,
        comments_required=feed.comments_required,
        remote=RemoteUse(feed.remote),
        reserved_names=list(feed.reserved_names),
        allowed_names=list(feed.allowed_names),
        connectors=[link.connector.name for link in feed.links],
        created=feed.created,
    )


def _change(body: FeedSettings, name: str | None = None) -> FeedChange:
    group = (body.group or "") if "group" in body.model_fields_set else None
    return FeedChange(
        *(name, body.description, group, body.active, body.accepts, body.promote_to),
        *(body.targets, body.allow_overwrite, body.comments_required),
        remote=body.remote,
        reserved_names=body.reserved_names,
        allowed_names=body.allowed_names,
        connectors=body.connectors,
    )


# Feed groups ------------------------------------------------------------------------------------------


class FeedGroup(Model):
    """Be a feed group with the feeds that one may view."""

    name: str
    feeds: list[str]


class NamedFeedGroup(Model):
    """Name a feed group."""

    name: Name


_NAME = {"body": {"name": "Payments"}}


@groups_v1.get("/feed-groups", Listed[FeedGroup], needs="nothing; the list holds groups of feeds that one may view")
def list_feed_groups(call: Call, query: Paging) -> Answer:
    """List the feed groups, by name."""
    rows = cut(feedgroups.list_feed_groups(call.work), query, lambda row: row[0].key)
    return page(Listed[FeedGroup], rows, query, lambda row: row[0].key, lambda row: _shown_group(*row))


@groups_v1.create("/feed-groups", FeedGroup, needs="Configure Promontory", examples=_NAME)
def create_feed_group(call: Call, body: NamedFeedGroup) -> Answer:
    """Create an empty feed group."""
    made = feedgroups.create_feed_group(call.work, body.name)
    return Answer(_shown_group(made, []), location=f"/feed-groups/{quote(made.name)}")


@groups_v1.get("/feed-groups/{group}", FeedGroup, needs="View Feed/Package on one of its feeds")
def get_feed_group(call: Call, group: str) -> Answer:
    """Give a feed group with its feeds."""
    return Answer(_shown_group(*feedgroups.get_feed_group(call.work, group)))


@groups_v1.patch("/feed-groups/{group}", FeedGroup, needs="Configure Promontory", match=Match.REQUIRED, examples=_NAME)
def rename_feed_group(call: Call, group: str, body: NamedFeedGroup) -> Answer:
    """Give a feed group another name."""
    access.require(call.work, Permission.CONFIGURE)
    held, seen = feedgroups.get_feed_group(call.work, group)
    call.check_match(_shown_group(held, seen))
    return Answer(_shown_group(feedgroups.rename_feed_group(call.work, held.name, body.name), seen))


@groups_v1.delete("/feed-groups/{group}", needs="Configure Promontory", match=Match.REQUIRED)
def delete_feed_group(call: Call, group: str) -> Answer:
    """Delete a feed group that holds no feeds and has no grants or keys."""
    access.require(call.work, Permission.CONFIGURE)
    held, seen = feedgroups.get_feed_group(call.work, group)
    call.check_match(_shown_group(held, seen))
    feedgroups.delete_feed_group(call.work, held.name)
    return Answer()


def _shown_group(group: stored.FeedGroup, seen: list[stored.Feed]) -> FeedGroup:
    return FeedGroup(name=group.name, feeds=[feed.name for feed in seen])
