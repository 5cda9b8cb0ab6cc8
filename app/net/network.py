"""Be the network of one process: the cache, the connections and what is known of every source."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpcore
from hishel import CacheOptions, SqliteStorage
from hishel.httpx import CacheTransport

from app.net.breaker import Breaker
from app.net.client import SourceClient, Tools, prefix
from app.net.guard import GuardedBackend, Hosts, Resolve, resolve_name
from app.net.timing import Timing
from app.net.transport import DocumentTransport, Exchange, Line, Source, tls_context

__all__ = ["Network", "Source", "SourceState"]

USER_AGENT = "Promontory/0.1 (+package curation; mirrors what is asked for)"
CACHE_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class SourceState:
    """Say how it stands with a source; ``until`` is when it is asked again, None if now."""

    open: bool
    until: datetime | None
    last_error: str
    sent: int
    cached: int
    stale: int


class Network:
    """Hand out clients of sources; one for each process, used by any thread. ``directory`` keeps the cache."""

    def __init__(
        self,
        directory: Path,
        *,
        allowed_hosts: Sequence[str] = (),
        user_agent: str = USER_AGENT,
        max_stale_seconds: int = 7 * 86400,
        per_source: int = 8,
        cache_bytes: int = CACHE_BYTES,
        timing: Timing | None = None,
        resolve: Resolve = resolve_name,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext
        self._path = directory / "documents.db"
        self._timing = timing or Timing()
        self._per_source = per_source
        self._lock = threading.Lock()
        self._lines: dict[str, Line] = {}
        hosts = Hosts(allowed_hosts)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls_context(),
            max_connections=256,
            max_keepalive_connections=32,
            keepalive_expiry=30,
            network_backend=GuardedBackend(hosts, resolve),
        )
        self._storage = SqliteStorage(database_path=self._path, max_size=cache_bytes)
        exchange = Exchange(self._pool, self._timing)
        self._tools = Tools(
            cache=CacheTransport(
                DocumentTransport(exchange, self._timing), self._storage, rfc=CacheOptions(shared=False)
            ),
            storage=self._storage,
            exchange=exchange,
            hosts=hosts,
            timing=self._timing,
            waiting=lambda: self.waiting,
            secret=_secret(directory / "cache-key"),
            user_agent=user_agent,
            max_stale=max_stale_seconds,
        )

    def client(self, source: Source, *, fresh: bool = False) -> SourceClient:
        """Give a client of a source; ``fresh`` revalidates whatever is cached. Raises UpstreamFailed for its url."""
        return SourceClient(source, self._line(source.name), self._tools, fresh=fresh)

    def forget(self, source_name: str) -> None:
        """Drop what is kept and known of a source: documents under every credential, breaker, counts."""
        with self._lock:
            self._lines.pop(source_name, None)
        if not self._path.exists():
            return
        start = prefix(source_name).encode()
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys=ON")
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchone():
                connection.execute("DELETE FROM entries WHERE substr(cache_key, 1, ?) = ?", (len(start), start))

    def state(self, source_name: str) -> SourceState:
        """Give what is known of a source since the process began."""
        line = self._line(source_name)
        rest = max(line.breaker.rest(), line.breaker.held())
        until = datetime.fromtimestamp(self._timing.wall(), UTC) + timedelta(seconds=rest) if rest else None
        return SourceState(line.breaker.rest() > 0, until, line.last_error, line.sent, line.cached, line.stale)

    def close(self) -> None:
        """Close connections and the cache."""
        self._pool.close()
        self._storage.close()

    def _line(self, name: str) -> Line:
        with self._lock:
            return self._lines.setdefault(
                name, Line(Breaker(self._timing.monotonic), threading.BoundedSemaphore(self._per_source))
            )


def _secret(path: Path) -> bytes:
    """Give the key under which credentials are mixed into the names of cached documents."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()
