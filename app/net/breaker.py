"""Leave a source alone that does not answer, or that asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

FAILURES = 5
REST = 30.0
LONGEST_HOLD = 3600.0


class Breaker:
    """Open after five failures in a row for thirty seconds, then let one probe through; all times in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until: float | None = None
        self._probing = False
        self._held_until = 0.0

    def rest(self) -> float:
        """Give how long the breaker stays open, 0 if it lets requests through."""
        with self._lock:
            return self._rest()

    def _rest(self) -> float:
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._now())

    def admit(self) -> bool:
        """Let a request through, or not; once the rest is over, one goes first and the others wait for its answer."""
        with self._lock:
            if self._open_until is None:
                return True
            if self._probing or self._rest() > 0:
                return False
            self._probing = True
            return True

    def succeeded(self) -> None:
        """Note an answer."""
        with self._lock:
            self._failures, self._open_until, self._probing = 0, None, False

    def failed(self) -> None:
        """Note a failure."""
        with self._lock:
            self._failures += 1
            if self._probing or self._failures >= FAILURES:
                self._open_until, self._probing = self._now() + REST, False

    def released(self) -> None:
        """Note that a request ended without saying anything about the source."""
        with self._lock:
            self._probing = False

    def hold(self, seconds: float) -> None:
        """Send nothing for a while because the source asked for it, an hour at most."""
        with self._lock:
            self._held_until = max(self._held_until, self._now() + min(seconds, LONGEST_HOLD))

    def held(self) -> float:
        """Give how long the source wants to be left alone."""
        with self._lock:
            return max(0.0, self._held_until - self._now())
