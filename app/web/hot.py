"""Repeat small answers of feeds without routing, as long as nothing at all was committed.

Nine of ten requests of a build are the same index documents and files. An answer is repeated only to a
request with the same address and the same credentials, only while the database's change stamp stands (so a
revoked key or a new version ends it at once), and for at most a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cachetools import LRUCache

from app.storage.engine import Watch
from app.web.addresses import Environ, StartResponse, WsgiApp

REPEATABLE = "promontory.repeatable"
_LIMIT_BYTES = 24 * 1024 * 1024
_LARGEST = 2 * 1024 * 1024
_SECONDS = 60
_KEYED = (
    "HTTP_HOST",
    "PATH_INFO",
    "QUERY_STRING",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_AUTHORIZATION",
    "HTTP_X_APIKEY",
    "HTTP_X_NUGET_APIKEY",
    "wsgi.url_scheme",
)
_UNFIT = ("HTTP_RANGE", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_COOKIE")


@dataclass(frozen=True, slots=True)
class Repeatable:
    """Mark an answer as repeatable: until when (seconds since 1970), and what to call at each repetition.

    ``repeated`` receives the request and the status it is answered with; ``reopen`` gives the body anew where it is
    a file too large to keep.
    """

    until: float | None = None
    repeated: Callable[[Environ, int], None] | None = None
    reopen: Callable[[Environ], Iterable[bytes]] | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    stamp: object
    until: float
    status: str
    headers: list[tuple[str, str]]
    body: bytes
    etag: str
    mark: Repeatable


class HotAnswers:
    """Be the outermost WSGI layer that repeats answers."""

    def __init__(self, app: WsgiApp, watch: Watch) -> None:
        self._app, self._watch = app, watch
        self._answers: LRUCache[tuple[Any, ...], _Answer] = LRUCache(
            _LIMIT_BYTES, getsizeof=lambda answer: len(answer.body) + 1000
        )
        self._lock = Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] != "GET" or any(name in environ for name in _UNFIT):
            return self._app(environ, start_response)
        key = tuple(environ.get(name) for name in _KEYED)
        stamp = self._watch.stamp()
        with self._lock:
            answer = self._answers.get(key)
        if answer is not None and answer.stamp == stamp and time.time() < answer.until:
            return _repeat(answer, environ, start_response)
        return self._ask(key, stamp, environ, start_response)

    def _ask(
        self, key: tuple[Any, ...], stamp: object, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        began: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            began.append((status, headers))
            return start_response(status, headers, *([exc_info] if exc_info else []))

        body = self._app(environ, start)
        mark: Repeatable | None = environ.get(REPEATABLE)
        if mark is not None and began and began[-1][0].startswith("200"):
            chunks = [] if mark.reopen is not None else list(body)
            self._keep(key, stamp, mark, began[-1], b"".join(chunks))
            return body if mark.reopen is not None else chunks
        return body

    def _keep(
        self,
        key: tuple[Any, ...],
        stamp: object,
        mark: Repeatable,
        began: tuple[str, list[tuple[str, str]]],
        body: bytes,
    ) -> None:
        if len(body) > _LARGEST:
            return
        status, headers = began
        etag = next((value for name, value in headers if name == "ETag"), "")
        until = min(time.time() + _SECONDS, mark.until or float("inf"))
        # The stamp was taken before the answer was made: a commit in between makes it outdated, never wrong.
        with self._lock:
            self._answers[key] = _Answer(stamp, until, status, headers, body, etag, mark)


def _repeat(answer: _Answer, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    known = (_weakly(tag.strip()) for tag in environ.get("HTTP_IF_NONE_MATCH", "").split(","))
    if answer.etag and _weakly(answer.etag) in known:
        about_body = ("Content-Length", "Content-Type", "Content-Encoding")
        _tell(answer, environ, 304)
        start_response("304 Not Modified", [h for h in answer.headers if h[0] not in about_body])
        return []
    _tell(answer, environ, 200)
    start_response(answer.status, answer.headers)
    return [answer.body] if answer.mark.reopen is None else answer.mark.reopen(environ)


def _tell(answer: _Answer, environ: Environ, status: int) -> None:
    if answer.mark.repeated is not None:
        answer.mark.repeated(environ, status)


def _weakly(etag: str) -> str:
    """Give an ETag as If-None-Match compares it: weak or strong alike (RFC 9110 section 13.1.2)."""
    return etag.removeprefix("W/")
