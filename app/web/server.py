"""Run the web application: waitress, the background chores, a clean stop."""

from __future__ import annotations

import gc
import logging
import select
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, current_thread
from typing import Any, cast

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from app.jobs.chores import Chores
from app.jobs.runner import Runner
from app.services import people
from app.services.runtime import ANONYMOUS, Runtime
from app.web import create_app
from app.web.serving import Serving
from app.web.tokens import OneTimeTokens

log = logging.getLogger(__name__)
_GRACE_SECONDS = 5
_SEND_BYTES = 262_144
_MOST_WAITERS = 64
_HEADERS = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}


class _Channel(HTTPChannel):
    """Be a connection that sends files in blocks of a size that processors like.

    The socket's own buffer, which waitress goes by, may be ten times that, and is held in memory for each reader.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.sendbuf_len = min(self.sendbuf_len, _SEND_BYTES)


class Server:
    """Serve one runtime on one address."""

    def __init__(self, runtime: Runtime, host: str | None = None, port: int | None = None) -> None:
        self.runtime = runtime
        self.app = create_app(runtime)
        settings = runtime.settings
        self.host, self.port = host or settings.host, settings.port if port is None else port
        serving: Serving = self.app.extensions["promontory.serving"]
        self._tokens: OneTimeTokens = self.app.extensions["promontory.tokens"]
        self._chores = Chores(runtime, serving.flush)
        self._jobs = Runner(runtime, workers=settings.workers) if settings.workers else None
        # Everything that the server's loop watches: listening sockets, their triggers, connections.
        self._watched: dict[int, Any] = {}
        # A name like localhost stands for several sockets; then the server is of another class.
        made = create_server(self.app, map=self._watched, host=self.host, port=self.port, **self._options())
        self._server = cast("Any", made)
        self.port = _port_of(self._server)
        self._listeners: list[Any] = [each for each in self._watched.values() if isinstance(each, BaseWSGIServer)]
        for listener in self._listeners:
            listener.channel_class = _Channel
        self._waiters, self._waiters_lock, self._stopping = 0, Lock(), False
        runtime.network.waiting = self._waiting

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Put one more thread in for as long as one waits for a remote source, so that the others are answered."""
        if not current_thread().name.startswith("waitress"):
            yield
            return
        self._count_waiter(1)
        try:
            yield
        finally:
            self._count_waiter(-1)

    def _count_waiter(self, change: int) -> None:
        with self._waiters_lock:
            self._waiters += change
            if self._stopping:
                return
            threads = self.runtime.settings.threads + min(self._waiters, _MOST_WAITERS)
            self._server.task_dispatcher.set_thread_count(threads)

    def _options(self) -> dict[str, Any]:
        settings = self.runtime.settings
        uploads = settings.data / "uploads"
        uploads.mkdir(exist_ok=True)
        # The server spools request bodies; they belong on the disk that will keep them.
        tempfile.tempdir = str(uploads)
        options: dict[str, Any] = {
            "threads": settings.threads,
            "ident": "Promontory",
            # npm sends base64, a third more than the file.
            "max_request_body_size": settings.max_package_bytes // 3 * 4 + 16_777_216,
            "recv_bytes": 131_072,
            "channel_timeout": 300,
            "connection_limit": 2000,
            # select() ends at file descriptor 1,023.
            "asyncore_use_poll": hasattr(select, "poll"),
            "clear_untrusted_proxy_headers": True,
        }
        if settings.trust_proxy:
            options.update(trusted_proxy="*", trusted_proxy_count=1, trusted_proxy_headers=_HEADERS)
        return options

    @property
    def url(self) -> str:
        """Give the server's own address, without a slash at the end."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return self.runtime.settings.public_url.rstrip("/") or f"http://{host}:{self.port}"

    def set_up_link(self) -> str | None:
        """Give a one-time link that makes the first administrator, or None where there is a user already."""
        with self.runtime.reading(ANONYMOUS) as work:
            if people.any_user(work):
                return None
        return f"{self.url}/set-up/{self._tokens.issue()}"

    def one_time_link(self, user_id: int) -> str:
        """Give a link that signs a user in once, for the window of whoever owns the data directory."""
        return f"http://127.0.0.1:{self.port}/enter/{self._tokens.issue(user_id, seconds=300)}"

    def writes_running(self) -> int:
        """Count the uploads and other changes that are coming in or being worked on."""
        requests = [each for channel in self._channels() for each in (channel.request, *channel.requests) if each]
        return sum(getattr(each, "command", "") not in ("", "GET", "HEAD", "OPTIONS") for each in requests)

    def run(self) -> None:
        """Serve until ``stop`` or an interrupt; returns when nothing of it runs any more."""
        _calm_collector()
        self._chores.start()
        if self._jobs is not None:
            self._jobs.start()
        try:
            self._server.run()
        finally:
            with self._waiters_lock:
                self._stopping = True
            self._server.task_dispatcher.shutdown(timeout=_GRACE_SECONDS)
            self._close()
            if self._jobs is not None:
                self._jobs.stop()
            self._chores.stop()
            self.runtime.network.close()
            self.runtime.database.close()

    def stop(self) -> None:
        """End ``run`` from another thread, once requests that arrived are answered (five seconds at most)."""
        self._in_loop(self._stop_listening)
        until = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < until and any(map(_is_busy, self._channels())):
            time.sleep(0.01)
        self._in_loop(self._close)

    def _in_loop(self, act: Callable[[], None]) -> None:
        # Only the loop's own thread may close what it waits for; elsewhere it would be waiting for a closed file.
        self._listeners[0].trigger.pull_trigger(act)

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            wasyncore.dispatcher.close(listener)

    def _close(self) -> None:
        """Close all that the loop watches, by which it ends."""
        for each in list(self._watched.values()):
            each.handle_close() if isinstance(each, HTTPChannel) else each.close()

    def _channels(self) -> list[Any]:
        return [each for each in list(self._watched.values()) if isinstance(each, HTTPChannel)]


def _calm_collector() -> None:
    """Keep the garbage collector from walking the whole program at every large promotion.

    What is there at the start stays for good; a promotion of 10,000 versions makes many small values, none in
    a cycle. Measured on such a one: 620 ms before, 460 ms after.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def _port_of(server: Any) -> int:
    return int(server.effective_listen[0][1] if isinstance(server, MultiSocketServer) else server.effective_port)


def _is_busy(channel: Any) -> bool:
    return bool(channel.request or channel.requests or channel.total_outbufs_len)
