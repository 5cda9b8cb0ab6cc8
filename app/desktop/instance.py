"""Let one window be open for a data directory; a second start brings the first one to the front."""

from __future__ import annotations

import hmac
import json
import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from filelock import FileLock, Timeout

from app.desktop.ports import HOST

log = logging.getLogger(__name__)
_SECONDS = 5.0
_LIMIT = 200


class Doorbell:
    """Listen for a second start of the program, which proves by a secret that it can read the data directory."""

    def __init__(self, path: Path) -> None:
        self._path, self._secret = path, secrets.token_hex(16)
        self._answer: Callable[[], None] = lambda: None
        self._socket = socket.create_server((HOST, 0))
        self._write({"port": self._socket.getsockname()[1], "secret": self._secret})
        Thread(target=self._listen, name="doorbell", daemon=True).start()

    def _write(self, address: dict[str, object]) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(address, file)

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:  # Closed.
                return
            with visitor:
                self._greet(visitor)

    def _greet(self, visitor: socket.socket) -> None:
        visitor.settimeout(_SECONDS)
        try:
            if hmac.compare_digest(visitor.recv(_LIMIT), self._secret.encode()):
                self._answer()
                visitor.sendall(b"ok")
        except OSError:
            log.warning("somebody rang and did not wait for an answer")

    def on_ring(self, answer: Callable[[], None]) -> None:
        """Say what to do when it rings."""
        self._answer = answer

    def close(self) -> None:
        """Stop listening."""
        self._path.unlink(missing_ok=True)
        self._socket.close()


@contextmanager
def only_window(data: Path) -> Iterator[Doorbell | None]:
    """Give the doorbell of the only window of a data directory, or None where one is open already."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(data / "window.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield None
        return
    with lock:
        bell = Doorbell(data / "window.bell")
        try:
            yield bell
        finally:
            bell.close()


def ring(data: Path) -> bool:
    """Ask the open window to come to the front; tell whether it answered."""
    try:
        address = json.loads((data / "window.bell").read_text("utf-8"))
        with socket.create_connection((HOST, int(address["port"])), timeout=_SECONDS) as door:
            door.sendall(str(address["secret"]).encode())
            return door.recv(_LIMIT) == b"ok"
    except (OSError, ValueError, KeyError, TypeError):
        return False
