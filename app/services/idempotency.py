"""Remember what a request with an idempotency key was answered, for a day, in the transaction of what it did."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete

from app.domain.errors import AppError, Invalid
from app.services.runtime import Actor, Work
from app.storage.models import Answered

MAX_KEY = 200
_KEY = re.compile(rf"[!-~]{{1,{MAX_KEY}}}")
KEPT = timedelta(hours=24)


class KeyReused(AppError):
    """Refuse an idempotency key that belongs to another request."""

    code = "idempotency-mismatch"
    status = 422


@dataclass(frozen=True, slots=True)
class Answer:
    """Be what was answered: where the created thing is, and how it was described, without secrets."""

    location: str
    body: Mapping[str, Any]


def find(work: Work, operation: str, key: str, digest: str) -> Answer | None:
    """Give what the actor's key was answered, or None; raise KeyReused for another operation or body (its SHA-256)."""
    if not _KEY.fullmatch(key):
        raise Invalid(f"An idempotency key has 1 to {MAX_KEY} ASCII characters without spaces; send another one.")
    work.session.execute(delete(Answered).where(Answered.at < work.now() - KEPT))
    found = work.session.get(Answered, (_who(work.actor), key))
    if found is None:
        return None
    if (found.operation, found.digest) != (operation, digest):
        raise KeyReused(f"The idempotency key {key!r} was sent with another request; send a new key.")
    return Answer(found.location, found.body)


def keep(work: Work, operation: str, key: str, digest: str, location: str, body: Mapping[str, Any]) -> None:
    """Remember an answer together with what it is about."""
    row = Answered(actor=_who(work.actor), key=key, operation=operation, digest=digest, location=location)
    row.body, row.at = dict(body), work.now()
    work.session.add(row)
    work.session.flush()


def _who(actor: Actor) -> str:
    if actor.user_id is not None:
        return f"user {actor.user_id}"
    return f"key {actor.key_id}" if actor.key_id is not None else actor.name
