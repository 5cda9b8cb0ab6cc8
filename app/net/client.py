"""Fetch what a format asks for from one source: documents through the cache, package files past it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx
from hishel import BaseStorage, Entry
from hishel.httpx import CacheTransport

from app.domain.errors import NotFound, UpstreamFailed
from app.net import documents
from app.net.errors import Outage
from app.net.guard import Hosts, origin, shown
from app.net.timing import Timing
from app.net.transport import FETCHED, Asking, Exchange, Line, Source, Waiting, header, within

HOPS = 5
PIECE = 65_536
SLOWEST = 1024  # bytes a second, over a minute
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HARMLESS = frozenset({"accept", "accept-language"})  # the only headers that a foreign host is sent


@dataclass(frozen=True, slots=True)
class Tools:
    """Hold what all clients of a process share."""

    cache: CacheTransport
    storage: BaseStorage
    exchange: Exchange
    hosts: Hosts
    timing: Timing
    waiting: Callable[[], Waiting]
    secret: bytes
    user_agent: str
    max_stale: int


class RemoteStream:
    """Be the body of a package file on its way: iterate it for pieces of bytes, in constant memory."""

    def __init__(self, response: httpcore.Response, what: str, timing: Timing) -> None:
        self._response = response
        self._what = what
        self._timing = timing
        self.headers: Mapping[str, str] = {
            key.decode("latin-1").lower(): value.decode("latin-1") for key, value in response.headers
        }
        length = self.headers.get("content-length", "")
        self.size: int | None = int(length) if length.isascii() and length.isdigit() else None

    def __iter__(self) -> Iterator[bytes]:
        """Give pieces of 64 KB or more; raises UpstreamFailed where the source stops, breaks off or is too slow."""
        buffer = bytearray()
        for chunk in self._fast_enough(self._response.iter_stream()):
            buffer += chunk
            if len(buffer) >= PIECE:
                yield bytes(buffer)
                buffer.clear()
        if buffer:
            yield bytes(buffer)

    def _fast_enough(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        start, count = self._timing.monotonic(), 0
        for chunk in chunks:
            count += len(chunk)
            seconds = self._timing.monotonic() - start
            if seconds >= 60:
                if count < SLOWEST * seconds:
                    raise Outage(f"{self._what} came at less than {SLOWEST:,} bytes a second; nothing was kept.")
                start, count = self._timing.monotonic(), 0
            yield chunk


def _whole_or_asked(headers: Mapping[str, str] | None) -> tuple[int, ...]:
    """Give the statuses that are an answer: a part is one where a part was asked for."""
    return (200, 206) if any(name.lower() == "range" for name in headers or ()) else (200,)


class SourceClient:
    """Fetch from one source; ``stale_since`` is the age of the oldest answer given because the source was down."""

    def __init__(self, source: Source, line: Line, tools: Tools, *, fresh: bool) -> None:
        self.stale_since: datetime | None = None
        self._source = source
        self._line = line
        self._tools = tools
        self._fresh = fresh
        self._base = origin(source.url)

    def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> object:
        """Give a JSON document; raises NotFound or UpstreamFailed."""
        return documents.parse(self.get_bytes(url, headers), self._what(url))

    def get_bytes(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Give a document of 64 MB at most; raises NotFound or UpstreamFailed."""
        seen = [url]
        with within(3 * self._source.timeout):
            answer = self._document(url, headers or {})
            while answer.status_code in _REDIRECTS:
                seen.append(self._next(seen, answer.headers.get("location", "")))
                answer = self._document(seen[-1], headers or {})
        if answer.status_code not in _whole_or_asked(headers):
            raise self._no_answer(seen[-1], answer.status_code)
        if not answer.content:
            raise UpstreamFailed(f"{self._what(seen[-1])} answered with nothing; try again.", code="empty-body")
        return answer.content

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[RemoteStream]:
        """Open a package file, which is not cached; raises NotFound or UpstreamFailed."""
        seen = [url]
        while True:
            asking, sent = self._asking(seen[-1], headers or {})
            sent["accept-encoding"] = "identity"
            with self._opened(asking, seen[-1], sent) as response:
                if response.status in _REDIRECTS:
                    seen.append(self._next(seen, header(response, "location")))
                    continue
                yield self._stream(seen[-1], response)
                return

    @contextmanager
    def _opened(self, asking: Asking, url: str, headers: Mapping[str, str]) -> Iterator[httpcore.Response]:
        context = self._tools.exchange.open(asking, url, headers)
        with within(3 * self._source.timeout):
            response = context.__enter__()
        try:
            yield response
        except BaseException as error:
            if not context.__exit__(type(error), error, error.__traceback__):
                raise
        else:
            context.__exit__(None, None, None)

    def _stream(self, url: str, response: httpcore.Response) -> RemoteStream:
        if response.status != 200:
            raise self._no_answer(url, response.status)
        coding = header(response, "content-encoding")
        if coding not in {"", "identity"}:
            raise UpstreamFailed(
                f"{self._what(url)} came coded as {coding[:40]} though only the plain file was asked for.",
                code="upstream-coding",
            )
        return RemoteStream(response, self._what(url), self._tools.timing)

    def _document(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        asking, sent = self._asking(url, headers)
        sent["accept-encoding"] = "gzip"
        key = self._key(url, asking.secret)
        request = httpx.Request("GET", url, headers=sent, extensions={"caching": {"key": key}, "asking": asking})
        if self._fresh:
            request.headers["cache-control"] = "no-cache"
        try:
            answer = self._ask(request)
        except Outage:
            stale = self._stale(key, request)
            if stale is None:
                raise
            return stale
        status = answer.extensions.get("caching", {})
        if status.get("from_cache"):
            self._line.count("cached")
        if status.get("stored"):
            self._replace(key, request)
        return answer

    def _replace(self, key: str, request: httpx.Request) -> None:
        """Drop what the document just stored stands in for: the cache would go by its Date, which may well tie."""
        kept = [entry for entry in self._tools.storage.get_entries(key) if _matches(entry, request)]
        for older in kept[:-1]:  # They come in the order in which they were stored.
            self._tools.storage.remove_entry(older.id)

    def _ask(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._read(request)
        except RuntimeError:  # The entry was forgotten while it was read: ask again, past it.
            request.headers["cache-control"] = "no-cache"
        try:
            return self._read(request)
        except RuntimeError:
            raise UpstreamFailed(f"{self._what(str(request.url))} cannot be asked: the network is closed.") from None

    def _read(self, request: httpx.Request) -> httpx.Response:
        answer = self._tools.cache.handle_request(request)
        try:
            answer.read()
        finally:
            answer.close()
        return answer

    def _stale(self, key: str, request: httpx.Request) -> httpx.Response | None:
        """Give what is still kept of a document, if it is not too old."""
        best = max(
            (entry for entry in self._tools.storage.get_entries(key) if _matches(entry, request)),
            key=_fetched,
            default=None,
        )
        if best is None or self._tools.timing.wall() - _fetched(best) > self._tools.max_stale:
            return None
        stream = best.response.stream
        try:
            body = b"".join(stream) if isinstance(stream, Iterator) else b""
        except RuntimeError:  # It was forgotten while it was read.
            return None
        since = datetime.fromtimestamp(_fetched(best), UTC)
        self.stale_since = since if self.stale_since is None else min(since, self.stale_since)
        self._line.count("stale")
        pairs = [(name, value) for name, value in best.response.headers.items()]
        return httpx.Response(best.response.status_code, headers=pairs, content=body)

    def _asking(self, url: str, headers: Mapping[str, str]) -> tuple[Asking, dict[str, str]]:
        """Say for whom a request is sent, and the headers of it that may be known; raise UpstreamFailed."""
        own = origin(url) == self._base
        self._tools.hosts.check_port(url, self._base)
        given = {name.lower(): value for name, value in headers.items()}
        harmless = {name: value for name, value in given.items() if name in _HARMLESS}
        secret = {name.lower(): value for name, value in self._source.headers.items()}
        secret |= {name: value for name, value in given.items() if name not in _HARMLESS}
        asking = Asking(self._source, self._line, secret if own else {}, self._tools.waiting())
        return asking, {"user-agent": self._tools.user_agent, "accept": "*/*", **harmless}

    def _key(self, url: str, secret: Mapping[str, str]) -> str:
        """Name a document in the cache: by source, by credential, by address."""
        who = "\n".join(f"{name}: {value}" for name, value in sorted({**self._source.headers, **secret}.items()))
        digest = hmac.new(self._tools.secret, f"{self._source.url}\n{who}\n\n{url}".encode(), hashlib.sha256)
        return prefix(self._source.name) + digest.hexdigest()

    def _next(self, seen: list[str], location: str) -> str:
        """Give the address that a redirect leads to."""
        here = seen[-1]
        try:
            there = urljoin(here, location)
            parts = urlsplit(there)
        except ValueError:
            there, parts = "", urlsplit("")
        if not location or not there:
            raise UpstreamFailed(f"{self._what(here)} redirects to nowhere.", code="upstream-redirect")
        there = parts._replace(fragment="").geturl()
        if origin(here)[0] == "https" and origin(there)[0] != "https":
            raise UpstreamFailed(f"{self._what(here)} redirects from https to http.", code="upstream-redirect")
        if there in seen:
            raise UpstreamFailed(f"{self._what(seen[0])} redirects in a circle.", code="upstream-redirect")
        if len(seen) > HOPS:
            raise UpstreamFailed(f"{self._what(seen[0])} redirects more than {HOPS} times.", code="upstream-redirect")
        return there

    def _no_answer(self, url: str, status: int) -> NotFound | UpstreamFailed:
        if status in {404, 410}:
            return NotFound(f"{self._what(url)} is not there ({status}).", status=status)
        return UpstreamFailed(f"{self._what(url)} answered {status}, which is no document.", status=status)

    def _what(self, url: str) -> str:
        return f"Connector {self._source.name}: {shown(url)}"


def prefix(source_name: str) -> str:
    """Give how the keys of a source's documents begin."""
    return hashlib.sha256(source_name.encode()).hexdigest() + ":"


def _fetched(entry: Entry) -> float:
    return float(entry.response.headers.get(FETCHED) or 0)


def _matches(entry: Entry, request: httpx.Request) -> bool:
    """Tell whether a kept answer is one to this request (RFC 9111 section 4.1)."""
    names = (entry.response.headers.get("vary") or "").lower().replace(",", " ").split()
    same = all(entry.request.headers.get(name) == request.headers.get(name) for name in names)
    return same and entry.response.status_code == 200
