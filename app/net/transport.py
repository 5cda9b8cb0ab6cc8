"""Send one request: over a guarded connection, within limits, again where that helps."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from time import monotonic
from typing import Protocol

import certifi
import httpcore
import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from app.domain.errors import UpstreamFailed
from app.net import documents
from app.net.breaker import Breaker
from app.net.errors import Outage
from app.net.guard import deadline, shown
from app.net.timing import Timing

FETCHED = "promontory-fetched"
PATIENCE = 10.0  # the longest Retry-After, in seconds, that is waited for within a request
_AGAIN = frozenset({502, 503, 504})
_KEEPS_FRESHNESS = ("max-age", "s-maxage", "no-cache", "no-store")
_backoff = wait_random_exponential(multiplier=0.2, max=2)


@dataclass(frozen=True, slots=True)
class Source:
    """Describe one upstream as a connector does; ``timeout`` to connect and between two pieces, in seconds.

    ``headers`` are credentials: they go to the base address's own origin only. ``cache_seconds`` is how long a
    document is taken as fresh whose source does not say so.
    """

    name: str
    url: str
    timeout: float = 10
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cache_seconds: int = 1800


class Waiting(Protocol):
    """Give what is entered around everything that blocks on a remote answer."""

    def __call__(self) -> AbstractContextManager[None]:
        """Give a context."""


@dataclass(slots=True)
class Line:
    """Hold what a process knows of one source: its breaker, its slots, what was asked."""

    breaker: Breaker
    slots: threading.BoundedSemaphore
    sent: int = 0
    cached: int = 0
    stale: int = 0
    last_error: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str) -> None:
        """Count one more (``sent``, ``cached``, ``stale``)."""
        with self.lock:
            setattr(self, name, getattr(self, name) + 1)


@dataclass(frozen=True, slots=True)
class Asking:
    """Say for whom a request is sent; ``secret`` headers are added to it below the cache, which never sees them."""

    source: Source
    line: Line
    secret: Mapping[str, str]
    waiting: Waiting

    def what(self, url: str) -> str:
        """Name a request in a message."""
        return f"Connector {self.source.name}: {shown(url)}"


def tls_context() -> ssl.SSLContext:
    """Trust what the environment names (SSL_CERT_FILE, REQUESTS_CA_BUNDLE), else the usual authorities."""
    named = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    return ssl.create_default_context(cafile=named or certifi.where())


class _Again(Outage):
    """Report a failure after which the same request may well succeed; ``after`` is what the source asks to wait."""

    after: float | None = None
    answered = False


class Exchange:
    """Send requests to sources, obeying what they ask for."""

    def __init__(self, pool: httpcore.ConnectionPool, timing: Timing) -> None:
        self._pool = pool
        self._timing = timing

    @contextmanager
    def open(self, asking: Asking, url: str, headers: Mapping[str, str]) -> Iterator[httpcore.Response]:
        """Give an answer whose body is still to be read; raise UpstreamFailed for any but 2xx, 3xx, 404, 410."""
        with asking.waiting(), self._slot(asking, url):
            self._admit(asking, url)
            with _noted(asking):
                response = self._retried(asking, url, headers)
            try:
                with _noted(asking), _translated(asking, url):
                    yield response
            finally:
                response.close()

    @contextmanager
    def _slot(self, asking: Asking, url: str) -> Iterator[None]:
        if not asking.line.slots.acquire(timeout=3 * asking.source.timeout):
            raise Outage(f"{asking.what(url)} waits for too many other requests; try again.", code="upstream-busy")
        try:
            yield
        finally:
            asking.line.slots.release()

    def _retried(self, asking: Asking, url: str, headers: Mapping[str, str]) -> httpcore.Response:
        attempts = Retrying(
            stop=stop_after_attempt(3),
            retry=retry_if_exception(_worth_repeating),
            wait=_pause,
            sleep=self._sleep,
            reraise=True,
        )
        return attempts(self._once, asking, url, headers)

    def _sleep(self, seconds: float) -> None:
        end = deadline.get()
        self._timing.sleep(seconds)
        if end is not None:  # Waiting because a source asks for it is not the source's slowness.
            deadline.set(end + seconds)

    def _once(self, asking: Asking, url: str, headers: Mapping[str, str]) -> httpcore.Response:
        self._wait_for_leave(asking, url)
        with _translated(asking, url):
            response = self._send(asking, url, headers)
        try:
            _check_status(asking, url, response, self._timing.wall())
        except _Again as error:
            asking.line.breaker.hold(error.after or 0)
            raise
        return response

    def _admit(self, asking: Asking, url: str) -> None:
        if not asking.line.breaker.admit():
            raise Outage(
                f"{asking.what(url)} is not asked: the source failed several times in a row and is tried again in "
                f"{asking.line.breaker.rest():.0f} seconds. Last: {asking.line.last_error}",
                code="upstream-resting",
            )

    def _wait_for_leave(self, asking: Asking, url: str) -> None:
        held = asking.line.breaker.held()
        if held > PATIENCE:
            raise Outage(
                f"{asking.what(url)} is not asked for {held:.0f} seconds more, because its source wants it so.",
                code="upstream-busy",
                retry_after=round(held),
            )
        if held:
            self._sleep(held)

    def _send(self, asking: Asking, url: str, headers: Mapping[str, str]) -> httpcore.Response:
        asking.line.count("sent")
        seconds = asking.source.timeout
        timeouts = {"connect": seconds, "read": seconds, "write": seconds, "pool": 3 * seconds}
        request = httpcore.Request(
            "GET",
            url,
            headers=list({**headers, "host": _host(url), **asking.secret}.items()),
            extensions={"timeout": timeouts},
        )
        return self._pool.handle_request(request)


@contextmanager
def _noted(asking: Asking) -> Iterator[None]:
    """Tell the breaker how a request went: an answer of any kind is none of its business, silence is."""
    breaker = asking.line.breaker
    try:
        yield
    except Outage as error:
        asking.line.last_error = error.message
        breaker.released() if error.code == "upstream-busy" else breaker.failed()
        raise
    except UpstreamFailed as error:
        asking.line.last_error = error.message
        breaker.succeeded() if "status" in error.details else breaker.released()
        raise
    except BaseException:
        breaker.released()
        raise
    breaker.succeeded()


def _worth_repeating(error: BaseException) -> bool:
    return isinstance(error, _Again) and (error.after is None or error.after <= PATIENCE)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    after = error.after if isinstance(error, _Again) else None
    return _backoff(state) if after is None else after


def _host(url: str) -> str:
    return httpx.URL(url).netloc.decode("ascii")


def header(response: httpcore.Response, name: str) -> str:
    """Give a header of an answer, empty if it is not there."""
    wanted = name.encode()
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == wanted), "")


def _check_status(asking: Asking, url: str, response: httpcore.Response, now: float) -> None:
    status, what = response.status, asking.what(url)
    if status < 400 or status in {404, 410}:
        return
    response.close()
    if status in {401, 403}:
        raise UpstreamFailed(
            f"{what} answered {status}: it does not accept the credential of connector {asking.source.name}; "
            "correct it in the connector.",
            code="upstream-refused",
            status=status,
        )
    after = _retry_after(header(response, "retry-after"), now)
    if status == 429 or (status == 503 and after is not None):
        raise _busy(what, status, 1.0 if after is None else after, now)
    kind = _Again if status in _AGAIN else Outage if status >= 500 else UpstreamFailed
    raise kind(f"{what} answered {status}; try again later.", status=status)


def _busy(what: str, status: int, after: float, now: float) -> _Again:
    moment = datetime.fromtimestamp(min(now + after, 4e9), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    error = _Again(
        f"{what} answered {status}: the source asks to wait; try again at {moment}.",
        code="upstream-busy",
        status=status,
        retry_after=round(after),
    )
    error.after = after
    return error


def _retry_after(text: str, now: float) -> float | None:
    """Read Retry-After, seconds or a date (RFC 9110 section 10.2.3); None where it says nothing."""
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 10**8))
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


@contextmanager
def _translated(asking: Asking, url: str) -> Iterator[None]:
    """Say in our words what the library raises."""
    what, seconds = asking.what(url), asking.source.timeout
    try:
        yield
    except httpcore.ConnectError as error:
        raise _Again(f"{what} cannot be reached ({_short(error)}); check its address.") from None
    except (httpcore.ConnectTimeout, httpcore.PoolTimeout):
        raise _Again(f"{what} could not be connected to within {seconds:g} seconds; try again later.") from None
    except httpcore.TimeoutException:
        raise Outage(f"{what} took too long (timeout {seconds:g} seconds); try again later.") from None
    except (httpcore.RemoteProtocolError, httpcore.NetworkError):
        raise Outage(f"{what} broke off, or said another length than it sent; nothing was kept. Try again.") from None
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError, TypeError):
        raise UpstreamFailed(f"{what} cannot be asked: its address or a header of it is wrong.") from None


def _short(error: Exception) -> str:
    return str(error).replace("\n", " ")[:120] or "no connection"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound everything that this thread reads to so many seconds."""
    token = deadline.set(monotonic() + seconds)
    try:
        yield
    finally:
        deadline.reset(token)


class DocumentTransport(httpx.BaseTransport):
    """Be what the cache asks: send a request with its credentials, and give the whole document, decoded."""

    def __init__(self, exchange: Exchange, timing: Timing) -> None:
        self._exchange = exchange
        self._timing = timing

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Give an answer with its body; raises UpstreamFailed, so that a failure is never kept."""
        asking: Asking = request.extensions["asking"]
        url = str(request.url)
        with self._exchange.open(asking, url, dict(request.headers)) as response:
            body = documents.read(response.iter_stream(), header(response, "content-encoding"), asking.what(url))
            headers = _kept(response, asking.source, self._timing.wall())
        return httpx.Response(response.status, headers=headers, content=body)


_DROPPED = {"content-encoding", "content-length", "transfer-encoding", "connection", "set-cookie", FETCHED}


def _kept(response: httpcore.Response, source: Source, now: float) -> list[tuple[str, str]]:
    """Give the headers that the cache keeps, with a freshness for a document that has none of its own."""
    pairs = [(key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in response.headers]
    kept = [(key, value) for key, value in pairs if key not in _DROPPED]
    names = {key for key, _ in kept}
    if "date" not in names:
        kept.append(("date", format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)))
    control = " ".join(value.lower() for key, value in kept if key == "cache-control")
    own = "expires" in names or any(word in control for word in _KEEPS_FRESHNESS)
    if response.status != 304 and not own:
        kept = [pair for pair in kept if pair[0] != "cache-control"]
        kept.append(("cache-control", f"max-age={source.cache_seconds}" if response.status == 200 else "no-store"))
    return [*kept, (FETCHED, f"{now:.0f}")]
