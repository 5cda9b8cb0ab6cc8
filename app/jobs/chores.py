"""The small regular work of a serving process: checkpoints, counts and notes, sweeping up after broken uploads."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event, Thread

from app.services.runtime import Runtime
from app.storage.blobs import LocalBlobStore

log = logging.getLogger(__name__)
_EVERY_SECONDS = 5.0
_STALE_SECONDS = 24 * 3600


class Chores:
    """Do the chores in a thread of their own until stopped."""

    def __init__(self, runtime: Runtime, flush: Callable[[], None]) -> None:
        self._runtime, self._flush = runtime, flush
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after a last round."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        self._round()

    def _run(self) -> None:
        self._sweep()
        while not self._stopping.wait(_EVERY_SECONDS):
            self._round()

    def _round(self) -> None:
        for chore in (self._flush, self._runtime.database.checkpoint):
            try:
                chore()
            except Exception:
                log.exception("a chore failed; it will be tried again")

    def _sweep(self) -> None:
        blobs = self._runtime.blobs
        if isinstance(blobs, LocalBlobStore):
            blobs.clean_incoming(time.time() - _STALE_SECONDS)
