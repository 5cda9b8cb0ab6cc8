"""Who looks at a page: the signed-in person, within the session's fixed and idle life, or nobody."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, current_app, g, request, session
from flask_login import UserMixin, current_user, login_user, logout_user

from app.domain.errors import Unauthenticated
from app.services import sessions
from app.services.runtime import ANONYMOUS, Actor, Work, owner
from app.storage.models import User, UserSession
from app.web.extensions import db, login_manager, reading, runtime


class Person(UserMixin):  # type: ignore[misc] # the library ships no types
    """Be the signed-in user as Flask-Login wants one; ``session_id`` is the session's in the database."""

    def __init__(self, user: User, session_id: int = 0) -> None:
        self.id, self.name, self.session_id = str(user.id), user.name, session_id
        self.display_name = user.display_name or user.name

    @property
    def actor(self) -> Actor:
        """Give the person as services know them."""
        return Actor(self.name, user_id=int(self.id), address=request.remote_addr or "")


def install(app: Flask) -> None:
    """Teach Flask-Login where people are."""
    login_manager.session_protection = (
        None  # The session's row and its times do that, for people behind changing addresses.
    )
    login_manager.user_loader(_load)
    app.before_request(_make_permanent)


def _make_permanent() -> None:
    if session.get("session"):
        session.permanent = True


def _load(user_id: str) -> Person | None:
    found = sessions.find(reading(ANONYMOUS), session.get("session", ""))
    if found is None or found.user_id != int(user_id):
        return None
    _touch(found)
    return Person(found.user, found.id)


def _touch(found: UserSession) -> None:
    if runtime().clock() - found.seen > sessions.TOUCH_EVERY:
        with runtime().writing(owner("SYSTEM")) as work:
            sessions.touch(work, found.id)


def sign_in(user_id: int) -> None:
    """Begin a new session for a user; whatever an old one held is gone. Raises Unauthenticated for a disabled one."""
    user = db.session.get(User, user_id)
    if user is None or not user.active:
        raise Unauthenticated("This account is disabled; ask an administrator.")
    actor = Person(user).actor
    end_reading()
    with runtime().writing(actor) as work:
        secret = sessions.begin(work, actor.name, address=actor.address, agent=request.user_agent.string)
    session.clear()
    session["session"] = secret
    session.permanent = True
    login_user(Person(db.session.get_one(User, user_id)))


def sign_out() -> None:
    """End the session."""
    if current_user.is_authenticated:
        actor, number = current_user.actor, current_user.session_id
        end_reading()
        with runtime().writing(actor) as work:
            sessions.end(work, number)
    logout_user()
    session.clear()


def current_actor() -> Actor:
    """Give who looks at the page."""
    return current_user.actor if current_user.is_authenticated else ANONYMOUS


def page_work() -> Work:
    """Give the request's work for reading, as whoever looks; one for the whole request."""
    if "work" not in g:
        g.work = reading(current_actor())
    work: Work = g.work
    return work


def end_reading() -> None:
    """Let go of the state that was read, before a use case writes."""
    db.session.rollback()
    g.pop("work", None)


def local_path(target: str | None, otherwise: str = "/") -> str:
    """Give a target that is a path of ours, else the alternative: a link must not lead a person elsewhere."""
    parts = urlsplit(target or "")
    if not target or parts.scheme or parts.netloc or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    return target


def wants_fragment() -> bool:
    """Tell whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def extension(name: str) -> object:
    """Give a part of the running application by its name."""
    return current_app.extensions[f"promontory.{name}"]
