"""A real HTTP server on loopback that misbehaves as it is told.

``server.answer(path, b"...", ...)`` says what a path answers; several calls for one path answer one after the other,
the last one for ever. ``server.count(path)`` and ``server.requests`` tell what was asked. Use it with the fixture
``fault_server`` (``pytest_plugins = ["tests.net.faults"]``), or with ``with serving() as server``.
"""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from weakref import WeakSet

import pytest


@dataclass(frozen=True)
class Answer:
    """Say what is answered, and what goes wrong with it.

    ``length``: the Content-Length said (None: the true one; -1: none, chunked). ``cut``: bytes after which the
    connection is dropped. ``drip``: seconds between single bytes. ``wait``: seconds before the headers.
    ``gate``: an event that is waited for before the body's second half. ``repeat``: the body so many times.
    ``etag``: given, and answered with 304 where the request has it.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    cut: int | None = None
    drip: float = 0
    wait: float = 0
    gate: threading.Event | None = None
    repeat: int = 1
    etag: str = ""


@dataclass(frozen=True)
class Asked:
    """Hold one request that came in; header names are in lower case."""

    path: str
    headers: Mapping[str, str]


class FaultServer:
    """Answer from a table on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._connections: WeakSet[socket.socket] = WeakSet()
        self._busy = self.most_at_once = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                owner._connections.add(self.connection)

            def do_GET(self) -> None:
                owner._serve(self)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *args: object) -> None:
                """A client that leaves is no news here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def answer(self, path: str, body: bytes = b"", **faults: object) -> None:
        """Add what a path (without query) answers."""
        with self._lock:
            self._answers.setdefault(path, []).append(Answer(body, **faults))  # type: ignore[arg-type]

    def replace(self, path: str, body: bytes = b"", **faults: object) -> None:
        """Answer this from now on."""
        self.clear(path)
        self.answer(path, body, **faults)

    def clear(self, path: str) -> None:
        """Forget what a path answers: 404."""
        with self._lock:
            self._answers.pop(path, None)

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        """Send whoever asks elsewhere."""
        self.answer(path, status=status, headers={"Location": to})

    def bomb(self, path: str, size: int) -> None:
        """Answer zeroes, gzipped: small on the way, ``size`` bytes when inflated."""
        self.answer(path, gzip.compress(b"\0" * size, 9), headers={"Content-Encoding": "gzip"})

    def count(self, path: str) -> int:
        """Give how often a path was asked for."""
        return len(self.asked(path))

    def asked(self, path: str) -> list[Asked]:
        """Give the requests for a path (without query)."""
        with self._lock:
            return [each for each in self.requests if urlsplit(each.path).path == path]

    def close(self) -> None:
        """Stop, and drop every connection."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)
        try:
            self._send(handler, self._take(handler))
        except OSError:
            handler.close_connection = True
        finally:
            with self._lock:
                self._busy -= 1

    def _take(self, handler: BaseHTTPRequestHandler) -> Answer:
        path = urlsplit(handler.path).path
        with self._lock:
            self.requests.append(Asked(handler.path, {key.lower(): value for key, value in handler.headers.items()}))
            waiting = self._answers.get(path)
            if not waiting:
                return Answer(b"not here", 404)
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        self._stopping.wait(answer.wait) if answer.wait else None
        same = answer.etag and handler.headers.get("If-None-Match") == answer.etag
        handler.send_response(304 if same else answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.etag:
            handler.send_header("ETag", answer.etag)
        if same:
            handler.end_headers()
            return
        size = len(answer.body) * answer.repeat
        if answer.length == -1:
            handler.send_header("Transfer-Encoding", "chunked")
        else:
            handler.send_header("Content-Length", str(size if answer.length is None else answer.length))
        handler.end_headers()
        handler.wfile.flush()
        self._send_body(handler, answer)
        if answer.cut is not None or (answer.length not in {None, -1, size}):
            handler.close_connection = True

    def _send_body(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        write = _chunked(handler) if answer.length == -1 else handler.wfile.write
        body = answer.body if answer.cut is None else answer.body[: answer.cut]
        if answer.drip:
            for number in range(len(body)):
                if self._stopping.wait(answer.drip):
                    return
                write(body[number : number + 1])
        elif answer.gate is not None:
            half = len(body) // 2
            write(body[:half])
            answer.gate.wait(30)
            write(body[half:])
        else:
            for _ in range(answer.repeat):
                write(body)
        if answer.length == -1 and answer.cut is None:
            handler.wfile.write(b"0\r\n\r\n")


def _chunked(handler: BaseHTTPRequestHandler) -> Callable[[bytes], object]:
    return lambda data: handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data)) if data else None


@contextmanager
def serving() -> Iterator[FaultServer]:
    """Run a server for a while."""
    server = FaultServer()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """Give a fresh fault server."""
    with serving() as server:
        yield server
