"""Sessions of people who signed in with a browser: listed, ended one by one or all at once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import joinedload

from app.domain.errors import NotFound, Unauthenticated
from app.domain.permissions import Permission
from app.services import access, events, people
from app.services.runtime import Work
from app.settings import Settings
from app.storage.models import User, UserSession

TOUCH_EVERY = timedelta(minutes=5)
_SHOWN_AGENT = 300


def begin(work: Work, user_name: str, *, address: str = "", agent: str = "") -> str:
    """Begin a session of a user; give its secret, which only their cookie holds. Sessions that are over go."""
    user, secret, now = people.get_user(work, user_name), secrets.token_urlsafe(32), work.now()
    work.session.execute(delete(UserSession).where(_over(work.runtime.settings, now)))
    session = UserSession(user_id=user.id, secret_hash=_hash(secret), began=now, seen=now)
    session.address, session.agent = address[:100], agent[:_SHOWN_AGENT]
    work.session.add(session)
    work.session.flush()
    user.last_seen = now
    events.record(work, "signed-in", subject=user.name, session=session.id)
    return secret


def find(work: Work, secret: str) -> UserSession | None:
    """Give the session of a secret within its fixed and its idle life, or None."""
    query = select(UserSession).where(UserSession.secret_hash == _hash(secret)).options(joinedload(UserSession.user))
    session = work.session.scalars(query).one_or_none()
    if session is None or _is_over(work.runtime.settings, session, work.now()) or not session.user.active:
        return None
    return session


def touch(work: Work, session_id: int) -> None:
    """Remember that a session is in use."""
    session = work.session.get(UserSession, session_id)
    if session is not None:
        session.seen = session.user.last_seen = work.now()


def list_sessions(work: Work, user_name: str | None = None) -> Sequence[UserSession]:
    """Give the living sessions of a user, the last used first; those of others need Configure."""
    user = _whose(work, user_name)
    query = select(UserSession).where(UserSession.user_id == user.id).order_by(UserSession.seen.desc())
    settings, now = work.runtime.settings, work.now()
    return [session for session in work.session.scalars(query) if not _is_over(settings, session, now)]


def end(work: Work, session_id: int) -> None:
    """End one session; one of somebody else needs Configure. Raises NotFound."""
    session = work.session.get(UserSession, session_id)
    if session is None or session.user_id != work.actor.user_id:
        access.require(work, Permission.CONFIGURE)
    if session is None:
        raise NotFound(f"There is no session {session_id}; it may have ended already.", code="unknown-session")
    events.record(work, "signed-out", subject=session.user.name, session=session.id)
    work.session.delete(session)


def end_all(work: Work, user_name: str | None = None, *, but: int | None = None) -> int:
    """End every session of a user, but one if wanted; give how many. Those of others need Configure."""
    user = _whose(work, user_name)
    gone = [session for session in list_sessions(work, user.name) if session.id != but]
    for session in gone:
        work.session.delete(session)
    if gone:
        events.record(work, "signed-out-everywhere", subject=user.name, sessions=len(gone))
    return len(gone)


def _whose(work: Work, user_name: str | None) -> User:
    if user_name is None:
        user = work.session.get(User, work.actor.user_id) if work.actor.user_id is not None else None
        if user is None:
            raise Unauthenticated("Sign in to see your sessions.")
        return user
    if work.actor.user_id is None or (known := people.find_user(work, user_name)) is None:
        access.require(work, Permission.CONFIGURE)
        return people.get_user(work, user_name)
    if known.id != work.actor.user_id:
        access.require(work, Permission.CONFIGURE)
    return known


def _is_over(settings: Settings, session: UserSession, now: datetime) -> bool:
    fixed, idle = timedelta(hours=settings.session_hours), timedelta(hours=settings.idle_hours)
    return now - session.began > fixed or now - session.seen > idle


def _over(settings: Settings, now: datetime) -> ColumnElement[bool]:
    fixed, idle = timedelta(hours=settings.session_hours), timedelta(hours=settings.idle_hours)
    return or_(UserSession.began < now - fixed, UserSession.seen < now - idle)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
