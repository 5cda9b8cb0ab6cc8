"""One-time links: for the window's owner, and for whoever sets a server up first."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from threading import Lock

_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Token:
    """Hold what a one-time link is for: signing a user in, or (without one) setting the server up."""

    user_id: int | None
    until: float


class OneTimeTokens:
    """Hand out tokens that work once; kept in memory, hashed, gone with the process."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._lock = Lock()

    def issue(self, user_id: int | None = None, seconds: float = _SECONDS) -> str:
        """Give a new secret."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._tokens[_hash(secret)] = Token(user_id, time.time() + seconds)
        return secret

    def look(self, secret: str) -> Token | None:
        """Give what a secret is for without using it up."""
        with self._lock:
            token = self._tokens.get(_hash(secret))
        return token if token is not None and token.until > time.time() else None

    def use(self, secret: str) -> Token | None:
        """Use a secret up and give what it is for, or None for an unknown, used or expired one."""
        token = self.look(secret)
        with self._lock:
            return token if self._tokens.pop(_hash(secret), None) is not None else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
