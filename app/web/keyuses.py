"""Log what API keys are used for: in memory at first, into the database now and then, as downloads are counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cachetools import TTLCache
from flask import Response, g, request

from app.services import events, keys
from app.services.keys import Use
from app.services.runtime import Actor, Runtime, owner

_MOST_WAITING = 50_000
_SAY_AGAIN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class UsedKey:
    """Name the key of a request: its number and who it acts as."""

    id: int
    actor: Actor


@dataclass(frozen=True, slots=True)
class _Refusal:
    actor: Actor
    key_id: int
    method: str
    path: str
    status: int


class KeyUses:
    """Hold the uses of keys until they are flushed; what a crash loses is a few seconds of them.

    A use that was refused becomes an event too, at most once in five minutes for each key and address, so
    that a script gone wild does not fill the log.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._uses: deque[Use] = deque(maxlen=_MOST_WAITING)
        self._refusals: deque[_Refusal] = deque(maxlen=_MOST_WAITING)
        self._said: TTLCache[tuple[int, str, str], bool] = TTLCache(10_000, _SAY_AGAIN_SECONDS)
        self._lock = Lock()

    def note(self, key: UsedKey, environ: Mapping[str, Any], status: int) -> None:
        """Note one request made with a key."""
        method, address = str(environ["REQUEST_METHOD"]), str(environ.get("REMOTE_ADDR", ""))
        path = (str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))).encode("latin-1", "replace")
        text = path.decode("utf-8", "replace").replace("\0", "\ufffd")
        with self._lock:
            self._uses.append(Use(key.id, self._runtime.clock(), method, text, status, address))
            if status in (401, 403) and (key.id, method, text) not in self._said:
                self._said[key.id, method, text] = True
                self._refusals.append(_Refusal(key.actor, key.id, method, text, status))

    def flush(self) -> int:
        """Write what was noted into the database; give how many uses that were."""
        with self._lock:
            uses, refusals = list(self._uses), list(self._refusals)
            self._uses.clear()
            self._refusals.clear()
        if uses:
            with self._runtime.writing(owner("SYSTEM")) as work:
                keys.record_uses(work, uses)
        for refusal in refusals:
            with self._runtime.writing(refusal.actor) as work:
                events.record(
                    work,
                    "key-refused",
                    subject=refusal.path[:800],
                    method=refusal.method,
                    status=refusal.status,
                    key=refusal.key_id,
                )
        return len(uses)

    def after_request(self, response: Response) -> Response:
        """Note the request that was just answered, if a key made it."""
        key: UsedKey | None = g.pop("used_key", None)
        if key is not None:
            self.note(key, request.environ, response.status_code)
        return response
