"""Append to the event log, in the transaction of the change, and verify it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, Table, func, select

from app.domain.errors import AppError
from app.domain.history import GENESIS, EventFacts, chain_hash
from app.domain.permissions import Permission
from app.services import access
from app.services.runtime import Actor, Work
from app.storage.models import Event, EventHead

_heads = cast("Table", EventHead.__table__)
_HEAD = select(_heads.c.last_id, _heads.c.hash).with_for_update()
_ADD, _MOVE_HEAD = cast("Table", Event.__table__).insert(), _heads.update()


def begin(work: Work) -> None:
    """Put the empty chain's head in place, once for the installation, so that first appenders do not collide."""
    if work.session.scalars(select(EventHead)).one_or_none() is None:
        work.session.add(EventHead(id=1, last_id=0, hash=GENESIS))
        work.session.flush()


def record(work: Work, tag: str, *, feed: str | None = None, subject: str | None = None, **data: object) -> None:
    """Append one event, chained to the one before; a committed change and its event stand or fall together."""
    session, data = work.session, {**data, **_origin(work.actor)}
    facts = EventFacts(work.now().isoformat(timespec="microseconds"), work.actor.name, tag, feed, subject, data)
    # The head's row is the lock: appenders wait for each other, on PostgreSQL by FOR UPDATE.
    head = session.execute(_HEAD).one()
    digest = chain_hash(head.hash, facts)
    entry = {"at": facts.at, "actor": facts.actor, "tag": tag, "feed": feed, "subject": subject, "data": data}
    session.execute(_ADD, {"id": head.last_id + 1, "previous": head.hash, "hash": digest, **entry})
    session.execute(_MOVE_HEAD, {"last_id": head.last_id + 1, "hash": digest})
    work.events.append(facts)


def _origin(actor: Actor) -> dict[str, object]:
    """Give from where somebody acts, and by which key if by one, as far as that is known."""
    known = {"address": actor.address, "key": actor.key_id}
    return {name: value for name, value in known.items() if value}


def record_if_refused(
    work: Work, tag: str, *, feed: str | None = None, subject: str | None = None, **data: object
) -> None:
    """Append an event with the reason, should a rule or a missing right make the transaction fail from here on.

    It has a transaction of its own. What nobody known tried is not recorded, or they could fill the log.
    """

    def refused(later: Work, error: Exception) -> None:
        if isinstance(error, AppError) and not later.actor.anonymous:
            record(later, tag, feed=feed, subject=subject, code=error.code, reason=error.message[:500], **data)

    work.after_failure.append(refused)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Say which part of the log is wanted; ``since`` and ``until`` are days (ISO 8601), the last one included."""

    tag: str = ""
    feed: str = ""
    actor: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None
    offset: int = 0
    limit: int = 50


def find(work: Work, wanted: EventFilter) -> tuple[list[Event], int]:
    """Give a part of the log, the newest first, and the count of all that match; needs Configure.

    ``before`` goes on below an entry without counting, for exports.
    """
    access.require(work, Permission.CONFIGURE)
    matching = list(_matching(wanted))
    total = 0 if wanted.before else work.session.scalar(select(func.count(Event.id)).where(*matching)) or 0
    if wanted.before:
        matching.append(Event.id < wanted.before)
    query = select(Event).where(*matching).order_by(Event.id.desc()).offset(wanted.offset).limit(wanted.limit)
    return list(work.session.scalars(query)), total


def tags(work: Work) -> list[str]:
    """Give the kinds of events that the log holds; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    return list(work.session.scalars(select(Event.tag).distinct().order_by(Event.tag)))


def _matching(wanted: EventFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.tag:
        yield Event.tag == wanted.tag
    if wanted.feed:
        yield Event.feed == wanted.feed
    if wanted.actor:
        yield func.lower(Event.actor).contains(wanted.actor.lower(), autoescape=True)
    if wanted.text:
        yield func.lower(Event.subject).contains(wanted.text.lower(), autoescape=True)
    # Moments are kept as text of one form, so they compare as text.
    if wanted.since:
        yield Event.at >= wanted.since
    if wanted.until:
        yield Event.at < f"{wanted.until}T99"


@dataclass(frozen=True, slots=True)
class BrokenEvent:
    """Name the first entry at which the chain does not hold, and how."""

    id: int
    reason: str


def head(work: Work) -> tuple[int, str]:
    """Give the number of entries and the hash of the last, which stands for all of them."""
    found = work.session.scalars(select(EventHead)).one()
    return found.last_id, found.hash


def verify(work: Work) -> BrokenEvent | None:
    """Walk the event chain; give the first bad entry, or None where all is whole."""
    previous, expected_id = GENESIS, 1
    rows = work.session.scalars(select(Event).order_by(Event.id).execution_options(yield_per=1000))
    with closing(rows):
        for event in rows:
            if event.id != expected_id:
                return BrokenEvent(expected_id, f"entry {expected_id} is missing")
            facts = EventFacts(event.at, event.actor, event.tag, event.feed, event.subject, event.data)
            if event.previous != previous or event.hash != chain_hash(previous, facts):
                return BrokenEvent(event.id, f"entry {event.id} ({event.tag}) was changed")
            previous, expected_id = event.hash, expected_id + 1
    head = work.session.scalars(select(EventHead)).one_or_none()
    if head is not None and (head.last_id, head.hash) != (expected_id - 1, previous):
        return BrokenEvent(expected_id, f"entries after {expected_id - 1} are missing")
    return None
