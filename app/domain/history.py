"""Chain events by hash, so that a changed or missing one shows."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class EventFacts:
    """Hold what one event says; ``at`` is ISO 8601 in UTC with microseconds."""

    at: str
    actor: str
    tag: str
    feed: str | None
    subject: str | None
    data: Mapping[str, object]


def chain_hash(previous: str, event: EventFacts) -> str:
    """Give the SHA-256 (hex) of an event and everything before it."""
    body = [event.at, event.actor, event.tag, event.feed, event.subject, event.data]
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
