"""API keys with their uses, who is speaking, and the event log."""

from __future__ import annotations

from typing import Any

from app.domain.permissions import Permission
from app.services import access, events, keys
from app.services.events import EventFilter
from app.services.keys import KeyChange, KeyRequest
from app.services.runtime import Work
from app.storage import models
from app.web.api.v1 import paging, schemas
from app.web.api.v1.operations import Call, Created, operation


@operation("GET", "/keys", "keys")
def list_keys(call: Call, query: schemas.Paged) -> schemas.KeyPage:
    """List the keys that one may manage; never their secrets."""
    page, following = paging.after(keys.list_keys(call.work), lambda key: key.id, query.cursor, query.limit)
    return schemas.KeyPage(items=[schemas.Key(**_about(key)) for key in page], next=following)


@operation("POST", "/keys", "keys", creates=schemas.CreatedKey)
def create_key(call: Call, body: schemas.NewKey) -> Created:
    """Create a key; its secret is in this answer only, and not in a repeated one."""

    def make(work: Work) -> schemas.CreatedKey:
        user = body.user or (work.actor.name if body.type == "personal" and work.actor.user_id else "")
        wanted = KeyRequest(
            body.type,
            body.name,
            body.description,
            user=user,
            feeds=body.feeds,
            feed_group=body.feed_group or "",
            rights=[str(right) for right in body.rights],
            expires=body.expires,
        )
        made, secret = keys.create_key(work, wanted)
        return schemas.CreatedKey(**_about(made), secret=secret)

    return call.create(make, lambda key: f"/keys/{key.number}")


@operation("GET", "/keys/{number}", "keys")
def get_key(call: Call, number: int) -> schemas.Key:
    """Describe a key."""
    return _one(call.work, number)


@operation("PATCH", "/keys/{number}", "keys")
def change_key(call: Call, number: int, body: schemas.KeyChange) -> schemas.Key:
    """Change a key: its name, rights, expiry, or whether it works."""
    rights = None if body.rights is None else [str(right) for right in body.rights]
    wanted = KeyChange(body.name, body.description, body.enabled, rights, body.expires)
    return call.write(lambda work: schemas.Key(**_about(keys.update_key(work, number, wanted))))


@operation("DELETE", "/keys/{number}", "keys")
def delete_key(call: Call, number: int) -> None:
    """Delete a key; it stops working at once."""
    call.delete(lambda work: keys.delete_key(work, number))


@operation("GET", "/keys/{number}/uses", "keys")
def list_uses(call: Call, number: int, query: schemas.Paged) -> schemas.UsePage:
    """List what a key was used for, the newest first; the last thousand are kept."""
    offset = paging.decode(query.cursor, int) or 0
    found, total = keys.access_log(call.work, number, offset=offset, limit=query.limit)
    items = [schemas.Use(at=u.at, method=u.method, path=u.path, status=u.status, address=u.address) for u in found]
    end = offset + len(items)
    return schemas.UsePage(items=items, next=paging.encode(end) if items and end < total else None)


def _one(work: Work, number: int) -> schemas.Key:
    return schemas.Key(**_about(keys.get_key(work, number)))


def _about(key: models.ApiKey) -> dict[str, Any]:
    return {
        "number": key.id,
        "type": key.kind,
        "name": key.name,
        "description": key.description,
        "prefix": key.prefix,
        "rights": list(key.rights),
        "feeds": [feed.name for feed in key.feeds],
        "feed_group": key.feed_group.name if key.feed_group else None,
        "user": key.user.name if key.user else None,
        "enabled": key.enabled,
        "created": key.created,
        "expires": key.expires,
        "last_used": key.last_used,
    }


@operation("GET", "/me", "keys")
def get_me(call: Call) -> schemas.Me:
    """Say who is speaking, and which rights they hold on the installation."""
    held = [permission for permission in Permission if access.allowed(call.work, permission)]
    actor = call.actor
    return schemas.Me(name=actor.name, anonymous=actor.anonymous, key=actor.key_id, rights=held)


@operation("GET", "/events", "events")
def list_events(call: Call, query: schemas.EventQuery) -> schemas.EventPage:
    """List the event log, the newest first; needs Configure."""
    wanted = EventFilter(
        tag=query.tag,
        feed=query.feed,
        actor=query.user,
        text=query.text,
        since=query.since,
        until=query.until,
        before=paging.decode(query.cursor, int) or 2**31 - 1,
        limit=query.limit + 1,
    )
    found, _ = events.find(call.work, wanted)
    page = found[: query.limit]
    items = [
        schemas.Event(
            number=event.id,
            at=event.at,  # type: ignore[arg-type] # the text of a moment
            user=event.actor,
            tag=event.tag,
            feed=event.feed,
            subject=event.subject,
            detail=event.data,
            hash=event.hash,
        )
        for event in page
    ]
    return schemas.EventPage(items=items, next=paging.encode(page[-1].id) if len(found) > query.limit else None)
