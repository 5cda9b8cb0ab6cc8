"""Keep blobs on the local disk, addressed by SHA-256."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from app.domain.errors import NotFound, TooLarge
from app.plugin.blobs import BlobDigests, BlobStore

_ALGORITHMS = ("sha256", "sha512", "sha1", "md5")


class LocalBlobStore(BlobStore):
    """Keep each blob in a file whose path is made of its SHA-256 alone.

    A blob is written to ``incoming/``, flushed to the disk and renamed: it is there whole or not at all. The 256
    folders are made at once, so that keeping a blob flushes one folder and not three.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._incoming = root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        if not (root / "ff").exists():
            for number in range(256):
                (root / f"{number:02x}").mkdir(exist_ok=True)
            _sync_directory(root)

    def path(self, sha256: str) -> Path:
        """Give the file of a blob."""
        return self.root / sha256[:2] / sha256

    def add(self, chunks: Iterable[bytes], limit: int | None = None) -> BlobDigests:
        """Store a stream; see ``BlobStore.add``."""
        descriptor, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(descriptor, "wb") as file:
                digests = _copy(chunks, file, limit)
                file.flush()
                os.fsync(file.fileno())
            self._keep(Path(name), digests.sha256)
        finally:
            Path(name).unlink(missing_ok=True)
        return digests

    def _keep(self, incoming: Path, sha256: str) -> None:
        path = self.path(sha256)
        if path.exists():
            os.utime(path)  # Somebody wants these bytes again: a sweep of old ones must not take them.
            return
        incoming.replace(path)
        _sync_directory(path.parent)

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob's file."""
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError:
            raise NotFound(
                f"The bytes {sha256} are not in the blob store; run 'promontory fsck'.", code="blob-missing"
            ) from None

    def size(self, sha256: str) -> int | None:
        """Give the size of a blob's file."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def remove(self, sha256: str) -> None:
        """Delete a blob's file."""
        self.path(sha256).unlink(missing_ok=True)

    def list(self) -> Iterator[str]:
        """Walk the store."""
        for directory in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(entry.name for entry in directory.iterdir())

    def clean_incoming(self, older_than: float) -> int:
        """Delete what broken uploads left before a moment (seconds since 1970); give how many files went."""
        stale = [entry for entry in self._incoming.iterdir() if entry.stat().st_mtime < older_than]
        for entry in stale:
            entry.unlink(missing_ok=True)
        return len(stale)


def _copy(chunks: Iterable[bytes], file: BinaryIO, limit: int | None) -> BlobDigests:
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in _ALGORITHMS}
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if limit is not None and size > limit:
            raise TooLarge(f"The upload passes the limit of {limit:,} bytes; raise it in the settings.", limit=limit)
        for each in hashes.values():
            each.update(chunk)
        file.write(chunk)
    return BlobDigests(**{name: each.hexdigest() for name, each in hashes.items()}, size=size)


def _sync_directory(directory: Path) -> None:
    if os.name == "nt":  # Windows cannot flush a directory, and keeps a rename without it.
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
