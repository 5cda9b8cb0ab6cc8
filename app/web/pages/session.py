"""Who looks at a page: the signed-in person, within the session's fixed and idle life, or nobody."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request, session
from flask_login import UserMixin, current_user, login_user, logout_user

from app.services.runtime import ANONYMOUS, Actor, Work
from app.storage.models import User
from app.web.extensions import db, login_manager, reading, runtime

_TOUCH_SECONDS = 60


class Person(UserMixin):  # type: ignore[misc] # the library ships no types
    """Be the signed-in user as Flask-Login wants one."""

    def __init__(self, user: User) -> None:
        self.id, self.name = str(user.id), user.name
        self.display_name, self.epoch = user.display_name or user.name, user.epoch

    @property
    def actor(self) -> Actor:
        """Give the person as services know them."""
        return Actor(self.name, user_id=int(self.id))


def install(app: Flask) -> None:
    """Teach Flask-Login where people are."""
    login_manager.session_protection = (
        None  # The session's epoch and times do that, for people behind changing addresses.
    )
    login_manager.user_loader(_load)
    app.before_request(_make_permanent)


def _make_permanent() -> None:
    if session.get("user"):
        session.permanent = True


def _load(user_id: str) -> Person | None:
    user = db.session.get(User, int(user_id))
    if user is None or not user.active or user.epoch != session.get("epoch") or _is_over():
        return None
    return Person(user)


def _is_over() -> bool:
    """Tell whether the session outlived its fixed life or was idle for too long; else note that it is in use."""
    settings, now = runtime().settings, time.time()
    began, seen = session.get("began", 0.0), session.get("seen", 0.0)
    if now - began > settings.session_hours * 3600 or now - seen > settings.idle_hours * 3600:
        return True
    if now - seen > _TOUCH_SECONDS:
        session["seen"] = now
    return False


def sign_in(user: User) -> None:
    """Begin a new session for a user; whatever an old one held is gone."""
    session.clear()
    now = time.time()
    session.update({"began": now, "seen": now, "epoch": user.epoch, "user": user.id})
    session.permanent = True
    login_user(Person(user))


def sign_out() -> None:
    """End the session."""
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
