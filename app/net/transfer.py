"""Move package files: verify what passes by, and carry one transfer to everybody who asks for it."""

from __future__ import annotations

import copy
import hashlib
import hmac
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar, cast
from weakref import finalize

from app.domain.errors import AppError, TooLarge, UpstreamFailed
from app.net.errors import DigestMismatch, Truncated

__all__ = ["DigestMismatch", "Flight", "Flights", "Truncated", "verified"]

log = logging.getLogger(__name__)

T = TypeVar("T")
SetSize = Callable[[int | None], None]
Write = Callable[[bytes], None]
Waiting = Callable[[], AbstractContextManager[None]]

PIECE = 65_536
_ALGORITHMS = frozenset({"sha512", "sha256", "sha1", "md5"})


def verified(
    chunks: Iterable[bytes], digests: Mapping[str, str], *, limit: int | None, what: str, size: int | None = None
) -> Iterator[bytes]:
    """Pass chunks on and compare at the end; ``digests`` are hex by name, ``limit`` and ``size`` in bytes.

    Raises TooLarge past the limit, Truncated where the bytes are not as many as declared, DigestMismatch where one
    of the declared digests is another, and UpstreamFailed for an empty body. Digests of unknown names say nothing.
    """
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in digests if name in _ALGORITHMS}
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if limit is not None and total > limit:
            raise TooLarge(f"{what} passes the limit of {limit:,} bytes; raise max_package_bytes.", limit=limit)
        for each in hashes.values():
            each.update(chunk)
        yield chunk
    _check_size(total, size, what)
    for name, each in hashes.items():
        declared, found = digests[name].lower(), each.hexdigest()
        if not hmac.compare_digest(declared.encode(), found.encode()):
            raise DigestMismatch(
                f"{what} has the {name} {found}, its source declares {declared}; nothing was kept. Try again, and ask "
                "whoever runs the source if it stays so.",
                algorithm=name,
                declared=declared,
                found=found,
            )


def _check_size(total: int, size: int | None, what: str) -> None:
    if size is not None and total != size:
        raise Truncated(
            f"{what} has {total:,} bytes, its source declares {size:,}; nothing was kept. Try again.",
            declared=size,
            found=total,
        )
    if total == 0:
        raise UpstreamFailed(f"{what} is empty; nothing was kept. Try again.", code="empty-body")


_STALE_SECONDS = 86_400


class Flight(Generic[T]):
    """Be one transfer under way, which any number of threads read along."""

    def __init__(self, directory: Path, waiting: Waiting) -> None:
        descriptor, name = tempfile.mkstemp(prefix="flight-", dir=directory)
        self._writer: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)
        self._reader: BinaryIO = Path(name).open("rb", buffering=0)  # noqa: SIM115 - closed with the flight
        self._waiting = waiting
        self._changed = threading.Condition()
        self._reading = threading.Lock()
        self._size: int | None = None
        self._size_known = False
        self._written = 0
        self._done = False
        self._error: BaseException | None = None
        self._result: T | None = None
        with suppress(OSError):  # Open files need no name, so that not even a kill leaves any; Windows wants it.
            Path(name).unlink()
        finalize(self, _discard, self._writer, self._reader, Path(name))

    def size(self) -> int | None:
        """Give the declared size in bytes as soon as it is known, None if none is; raise the transfer's error."""
        self._wait(lambda: self._size_known or self._done)
        if self._error is not None and not self._size_known:
            raise _again(self._error)
        return self._size

    def result(self) -> T:
        """Wait for the end and give what the transfer returned; raise its error."""
        self._wait(lambda: self._done)
        if self._error is not None:
            raise _again(self._error)
        return cast("T", self._result)

    def chunks(self) -> Iterator[bytes]:
        """Read along; the last piece (1 byte to 64 KB) comes only after the transfer ended well, else its error."""
        offset = 0
        while True:
            self._wait(lambda position=offset: self._done or position + PIECE < self._written)  # type: ignore[misc]
            if self._error is not None:
                raise _again(self._error)
            if self._done and offset >= self._written:
                return
            piece = self._read(offset)
            offset += len(piece)
            yield piece

    def _wait(self, ready: Callable[[], bool]) -> None:
        with self._changed:
            if ready():
                return
        with self._waiting(), self._changed:
            self._changed.wait_for(ready)

    def _read(self, offset: int) -> bytes:
        with self._reading:
            self._reader.seek(offset)
            return self._reader.read(PIECE)

    def _set_size(self, size: int | None) -> None:
        with self._changed:
            self._size, self._size_known = size, True
            self._changed.notify_all()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._writer.write(view) :]
        with self._changed:
            before, self._written = self._written, self._written + len(data)
            if before // PIECE != self._written // PIECE:  # Readers wait for whole pieces: wake them no more often.
                self._changed.notify_all()

    def _end(self, result: T | None, error: BaseException | None) -> None:
        with self._changed:
            self._result, self._error, self._done = result, error, True
            self._changed.notify_all()


def _again(error: BaseException) -> BaseException:
    """Give an error to raise in one more thread: an exception collects the traceback of everybody who raises it."""
    return copy.copy(error).with_traceback(None) if isinstance(error, AppError) else error


def _discard(writer: BinaryIO, reader: BinaryIO, path: Path) -> None:
    writer.close()
    reader.close()
    path.unlink(missing_ok=True)


class Flights:
    """Keep one transfer for each key, however many ask for it at the same time."""

    def __init__(self, directory: Path, waiting: Waiting = nullcontext) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for left in directory.glob("flight-*"):  # A process that was killed could not tidy up; others may be flying.
            if left.stat().st_mtime < time.time() - _STALE_SECONDS:
                left.unlink(missing_ok=True)
        self._directory = directory
        self._waiting = waiting
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Flight[object]] = {}

    def join(self, key: Hashable, transfer: Callable[[SetSize, Write], T]) -> Flight[T]:
        """Join the transfer of a key, or start it in a thread of its own, which goes on if every asker leaves.

        ``transfer(set_size, write)`` reports the declared size, hands over the bytes, and returns the result. A
        finished transfer is forgotten: look first whether the file is here, and once more within ``transfer``.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                flight = Flight(self._directory, self._waiting)
                threading.Thread(target=self._run, args=(key, flight, transfer), name="transfer", daemon=True).start()
                self._flights[key] = flight
        return cast("Flight[T]", flight)

    def _run(self, key: Hashable, flight: Flight[T], transfer: Callable[[SetSize, Write], T]) -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = transfer(flight._set_size, flight._write)  # noqa: SLF001 - the two are one piece
        except AppError as known:
            error = known
        except BaseException as unknown:
            log.exception("a transfer failed in a way that nobody foresaw")
            error = UpstreamFailed(f"The transfer failed ({type(unknown).__name__}); try again, and see the log.")
        with self._lock:
            self._flights.pop(key, None)
        flight._end(result, error)  # noqa: SLF001 - the same
