"""Who is speaking: API keys and passwords by every transport for clients, a session for pages and nothing else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from cachetools import TTLCache
from flask import Request, current_app, g
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from app.domain.errors import AppError, Unauthenticated
from app.services import directories, events, keys, people
from app.services.runtime import ANONYMOUS, Actor, Runtime, Work
from app.web.keyuses import UsedKey

_FAILURES = RateLimitItemPerMinute(10, 5)
_RECORDED_FAILURES = RateLimitItemPerMinute(30, 5)
_REMEMBER_SECONDS = 300


class Throttled(AppError):
    """Refuse further guesses at a password for a while."""

    code = "throttled"
    status = 429


@dataclass(frozen=True, slots=True)
class Credentials:
    """Hold what a client sent: a key's secret, or a name and password."""

    secret: str = ""
    name: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Hold who speaks and until when that may be remembered (None: as long as nothing changes)."""

    actor: Actor
    expires: datetime | None = None


class Gatekeeper:
    """Check credentials; slow password hashes are remembered for minutes, wrong guesses throttled.

    Guesses are counted by account and address together, so that nobody can lock others out.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._salt = secrets.token_bytes(32)
        self._known: TTLCache[bytes, tuple[int, int]] = TTLCache(1000, _REMEMBER_SECONDS)
        self._lock = Lock()

    def identify(self, work: Work, request: Request, *, body_key: str | None = None) -> Identity:
        """Give who sent a request; nobody known without credentials. Raises Unauthenticated for wrong ones.

        ``body_key`` is given by the API alone, which takes a key in the query too: what its body held as key.
        """
        sent = next(_credentials(request, body_key, key_in_query=self._runtime.settings.key_in_query), None)
        if sent is None:
            return Identity(ANONYMOUS)
        address = request.remote_addr or ""
        found = (
            self._by_key(work, sent.secret)
            if sent.secret
            else Identity(self.check_password(work, sent.name, sent.password, address))
        )
        return replace(found, actor=replace(found.actor, address=address))

    def _by_key(self, work: Work, secret: str) -> Identity:
        key = keys.find_key(work, secret)
        if key is not None:
            actor = keys.actor_of(key)
            g.used_key = UsedKey(key.id, actor)
        if key is None or not keys.is_usable(work, key):
            raise Unauthenticated("The API key is unknown, disabled or expired; create a new one.", code="unknown-key")
        return Identity(actor, key.expires)

    def check_password(self, work: Work, name: str, password: str, address: str) -> Actor:
        """Give the user whose name and password these are; raise Unauthenticated or Throttled."""
        user = people.find_user(work, name)
        print_ = hmac.new(self._salt, f"{name}\0{password}".encode(), hashlib.sha256).digest()
        with self._lock:
            known = self._known.get(print_)
        if user is not None and user.active and known == (user.id, user.epoch):
            return Actor(user.name, user_id=user.id)
        account = name.casefold()
        if not self._limiter.test(_FAILURES, account, address):
            raise Throttled("Too many wrong passwords; wait five minutes and try again.")
        try:
            user = directories.check_password(work, name, password)
        except Unauthenticated:
            self._limiter.hit(_FAILURES, account, address)
            self._record_failure(name if people.find_user(work, name) is not None else "", address)
            raise
        with self._lock:
            self._known[print_] = (user.id, user.epoch)
        return Actor(user.name, user_id=user.id)

    def _record_failure(self, name: str, address: str) -> None:
        """Record a failed sign-in, a few per address; what names nobody is left out, for it may be a password."""
        if self._limiter.hit(_RECORDED_FAILURES, address):
            with self._runtime.writing(replace(ANONYMOUS, address=address)) as work:
                events.record(work, "sign-in-failed", subject=name or "somebody unknown")


def gatekeeper() -> Gatekeeper:
    """Give the gatekeeper of the current application."""
    found: Gatekeeper = current_app.extensions["promontory.gatekeeper"]
    return found


def _credentials(request: Request, body_key: str | None, *, key_in_query: bool) -> Iterator[Credentials]:
    """Give the credentials of a request in the order in which they count."""
    for header in ("X-NuGet-ApiKey", "X-ApiKey"):
        if value := request.headers.get(header, ""):
            yield _split(value)
    if value := request.headers.get("Authorization", ""):
        yield _authorization(value)
    if (key_in_query or body_key is not None) and (value := request.args.get("key", "")):
        yield _split(value)
    if body_key:
        yield _split(body_key)


def _split(value: str) -> Credentials:
    name, colon, password = value.partition(":")
    return Credentials(name=name, password=password) if colon else Credentials(secret=value)


def _authorization(value: str) -> Credentials:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "basic":
        return _basic(rest.strip())
    if scheme.lower() == "bearer":
        return Credentials(secret=rest.strip())
    # RubyGems sends its key without a scheme.
    return Credentials(secret=value.strip())


def _basic(encoded: str) -> Credentials:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unauthenticated("The Authorization header is not valid Basic; send base64 of name:password.") from None
    name, _, password = text.partition(":")
    if name == "api" or password.startswith(keys.PREFIX):
        return Credentials(secret=password)
    if name.startswith(keys.PREFIX) and not password:
        return Credentials(secret=name)
    return Credentials(name=name, password=password)
