"""API keys with their access log, and the event log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.services import access, events, keys, pages
from app.services.events import EventFilter
from app.services.keys import FOREVER, KeyChange, KeyRequest
from app.storage import models as stored
from app.web.api.v1.models import ABSENT, Day, FeedName, Listed, Model, Moment, Name, Paging, Prose, Text
from app.web.api.v1.operations import Answer, Call, Resource
from app.web.api.v1.paging import cut_numbers, number_after, page

keys_v1 = Resource("API keys", "Secrets by which scripts and package clients act.")
events_v1 = Resource("Events", "Everything that was done, each entry chained to the one before.")
Kind = Literal["system", "feed", "personal"]
Right = Literal["feeds", "sca", "sbom-upload", "view", "add", "promote", "delete"]
_OWN = "Configure Promontory, to be the key's user, or Manage Feeds on all its feeds"


class Key(Model):
    """Be an API key; its secret is told once, when it is made, and `prefix` is how it begins."""

    id: int
    kind: Kind
    name: str
    description: str
    prefix: str
    user: str | None
    feeds: list[str]
    feed_group: str | None
    rights: list[Right]
    enabled: bool
    expires: Moment | None
    created: Moment
    last_used: Moment | None


class MadeKey(Key):
    """Be an API key that was just made, with its secret."""

    secret: str | None = Field(default=None, description="Shown this once; null when the create is repeated.")


class NewKey(Model):
    """Describe a key to make."""

    kind: Kind
    name: Name
    description: Prose = ""
    user: Name | None = Field(default=None, description="Whose a personal key is; the caller's where it is left out.")
    feeds: list[FeedName] = Field(default=[], max_length=100, description="Of a feed key.")
    feed_group: Name | None = Field(default=None, description="Of a feed key, instead of feeds.")
    rights: list[Right] = Field(default=[], max_length=10, description="Of a feed key, or a system key's APIs.")
    expires: AwareDatetime | None = Field(default=None, description="In the future; null: never.")


class ChangedKey(Model):
    """Hold what is to be changed of a key; what is left out stays."""

    name: Name = ABSENT
    description: Prose = ABSENT
    enabled: bool = ABSENT
    rights: list[Right] = Field(default=ABSENT, max_length=10)
    expires: AwareDatetime | None = Field(default=None, description="Null: never.")


class KeyUse(Model):
    """Be one request that was made with a key; its query is left out."""

    at: Moment
    method: str
    path: str
    status: int
    address: str


_NEW = {"body": {"kind": "feed", "name": "build server", "feeds": ["npm-dev"], "rights": ["view", "add"]}}


@keys_v1.get(
    "/keys", Listed[Key], needs="Configure Promontory; else the list holds one's own and those of feeds one manages"
)
def list_keys(call: Call, query: Paging) -> Answer:
    """List API keys, by number; never their secrets."""
    rows = cut_numbers(keys.list_keys(call.work), query, lambda key: key.id)
    return page(Listed[Key], rows, query, lambda key: key.id, lambda key: Key(**_told(key)))


@keys_v1.create("/keys", MadeKey, needs=_OWN, examples=_NEW, tagged=False)
def create_key(call: Call, body: NewKey) -> Answer:
    """Make an API key; the answer holds its secret, which nobody can read again.

    A repeat under the same Idempotency-Key gives the same key without its secret.
    """
    _check_maker(call)
    expires = _later(call, body.expires)
    wanted = KeyRequest(
        body.kind,
        body.name,
        body.description,
        user=body.user or (call.work.actor.name if call.work.actor.user_id is not None else ""),
        feeds=list(dict.fromkeys(body.feeds)),
        feed_group=body.feed_group or "",
        rights=body.rights,
        expires=expires,
    )
    made, secret = keys.create_key(call.work, wanted)
    return Answer(MadeKey(**_told(made), secret=secret), location=f"/keys/{made.id}", once=frozenset({"secret"}))


@keys_v1.get("/keys/{key}", Key, needs=_OWN)
def get_key(call: Call, key: int) -> Answer:
    """Give an API key."""
    return Answer(Key(**_told(keys.get_key(call.work, key))))


@keys_v1.patch("/keys/{key}", Key, needs=_OWN, examples={"body": {"enabled": False}})
def change_key(call: Call, key: int, body: ChangedKey) -> Answer:
    """Change an API key; its secret, kind, user and feeds stay."""
    _check_maker(call)
    call.check_match(Key(**_told(keys.get_key(call.work, key))))
    expires = None
    if "expires" in body.model_fields_set:
        expires = FOREVER if body.expires is None else _later(call, body.expires)
    change = KeyChange(body.name, body.description, body.enabled, body.rights, expires)
    return Answer(Key(**_told(keys.update_key(call.work, key, change))))


@keys_v1.delete("/keys/{key}", needs=_OWN)
def delete_key(call: Call, key: int) -> Answer:
    """Delete an API key; it stops working at once."""
    _check_maker(call)
    call.check_match(Key(**_told(keys.get_key(call.work, key))))
    keys.delete_key(call.work, key)
    return Answer()


@keys_v1.get("/keys/{key}/uses", Listed[KeyUse], needs=_OWN)
def list_key_uses(call: Call, key: int, query: Paging) -> Answer:
    """List what an API key was used for, the newest first; the last thousand are kept."""
    rows = pages.key_uses(call.work, key, number_after(query), query.limit + 1)
    return page(Listed[KeyUse], rows, query, lambda use: use.id, _use)


def _check_maker(call: Call) -> None:
    """Let people make keys, and keys with full control: other keys would make keys that outlive them."""
    if call.work.actor.user_id is None:
        access.require(call.work, Permission.CONFIGURE)


def _later(call: Call, moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= call.work.now():
        raise Invalid("The expiry is in the past; send a later moment, or null.", code="key-expired")
    return moment


def _told(key: stored.ApiKey) -> dict[str, Any]:
    same = ("id", "kind", "name", "description", "prefix", "rights", "enabled", "expires", "created", "last_used")
    return {
        **{name: getattr(key, name) for name in same},
        "user": key.user.name if key.user else None,
        "feeds": [feed.name for feed in key.feeds],
        "feed_group": key.feed_group.name if key.feed_group else None,
    }


def _use(use: stored.KeyUse) -> KeyUse:
    return KeyUse(at=use.at, method=use.method, path=use.path, status=use.status, address=use.address)


# Events -----------------------------------------------------------------------------------------------


class Event(Model):
    """Be one entry of the event log; `hash` covers it and everything before it."""

    id: int
    at: str = Field(description="The moment, ISO 8601 in UTC.")
    actor: str
    tag: str
    feed: str | None
    subject: str | None
    data: dict[str, Any]
    hash: str


class EventsQuery(Paging):
    """Say which events are wanted."""

    tag: Text = Field(default="", description="Of this kind, like promoted.")
    feed: Text = Field(default="", description="About this feed.")
    actor: Text = Field(default="", description="A part of the name of whoever did it.")
    text: Text = Field(default="", description="A part of what it was done to.")
    since: Day = Field(default="", description="From this day on, UTC.")
    until: Day = Field(default="", description="Up to this day, UTC; it counts.")


_NEWEST = 2**31 - 1


@events_v1.get("/events", Listed[Event], needs="Configure Promontory")
def list_events(call: Call, query: EventsQuery) -> Answer:
    """List what was done, the newest first."""
    narrowed = (query.tag, query.feed, query.actor, query.text, query.since, query.until)
    before = number_after(query)
    wanted = EventFilter(*narrowed, before=_NEWEST if before is None else before, limit=query.limit + 1)
    rows, _ = events.find(call.work, wanted)
    return page(Listed[Event], rows, query, lambda event: event.id, _event)


def _event(event: stored.Event) -> Event:
    told = ("id", "at", "actor", "tag", "feed", "subject", "data", "hash")
    return Event(**{name: getattr(event, name) for name in told})
