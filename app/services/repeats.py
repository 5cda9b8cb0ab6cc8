"""Remember the answers to creates for a day, so that whoever lost one may ask again without doing it twice."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from sqlalchemy import delete

from app.domain.errors import AppError
from app.services.runtime import Actor, Work
from app.storage.models import Repeat

KEPT = timedelta(hours=24)


class Mismatch(AppError):
    """Refuse an idempotency key that was used for another request."""

    code = "idempotency-mismatch"
    status = 422


def begin(work: Work, key: str, request: bytes) -> Repeat:
    """Give what is kept under a key of the actor: with a status it is the answer to give again, else a new entry.

    ``request`` is all that makes two requests the same. Raises Mismatch where it differs. The entry belongs to the
    transaction of the change itself: both stay, or neither; of two at once the second waits, or is a collision.
    """
    actor, digest = _whose(work.actor), hashlib.sha256(key.encode()).hexdigest()
    print_ = hmac.new(key.encode(), request, hashlib.sha256).hexdigest()
    found = work.session.get(Repeat, (actor, digest))
    if found is not None and found.at > work.now() - KEPT:
        if not hmac.compare_digest(found.body_digest, print_):
            raise Mismatch("The Idempotency-Key was sent with another request before; send a new one.")
        return found
    if found is not None:
        work.session.expunge(found)
    work.session.execute(delete(Repeat).where(Repeat.at <= work.now() - KEPT))
    made = Repeat(actor=actor, key_digest=digest, body_digest=print_, at=work.now(), status=0, location="", body="")
    work.session.add(made)
    work.session.flush()
    return made


def keep(repeat: Repeat, status: int, location: str, body: str) -> None:
    """Keep the answer in its entry."""
    repeat.status, repeat.location, repeat.body = status, location, body


def _whose(actor: Actor) -> str:
    if actor.user_id is not None:
        return f"user {actor.user_id}"
    return f"key {actor.key_id}" if actor.key_id is not None else f"name {actor.name}"
