"""Documents about a whole feed that grow with it: only what changed is read and made anew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from cachetools import LRUCache

from app.plugin.records import FileLine
from app.services import journal, packages
from app.services.runtime import Work
from app.storage.models import Feed
from app.web.documents import Document

Piece = Callable[[Sequence[FileLine]], bytes]
Join = Callable[[Iterable[bytes]], bytes]
_FEEDS = 64


@dataclass(slots=True)
class _Journal:
    """Hold a journal as far as it was read; the digests go on from where they were."""

    beginning: tuple[object, ...]
    body: bytes
    md5: Any
    sha256: Any
    position: int = 0
    lock: Lock = field(default_factory=Lock)


@dataclass(slots=True)
class _Collection:
    """Hold the pieces of a document by package key, as of a serial of the feed."""

    serial: int = -1
    pieces: dict[str, bytes] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)


class GrowingDocuments:
    """Keep the journals and the collected documents of the feeds that were asked for last."""

    def __init__(self) -> None:
        self._journals: LRUCache[int, _Journal] = LRUCache(_FEEDS)
        self._collections: LRUCache[tuple[int, str], _Collection] = LRUCache(4 * _FEEDS)
        self._lock = Lock()

    def journal(self, work: Work, feed: Feed, head: bytes) -> Document:
        """Give a head and every line of a feed's journal; only lines that are new are read."""
        beginning = (head, journal.begun(feed))
        with self._lock:
            kept = self._journals.get(feed.id)
            if kept is None or kept.beginning != beginning:
                md5, sha256 = hashlib.md5(head, usedforsecurity=False), hashlib.sha256(head)
                kept = self._journals[feed.id] = _Journal(beginning, head, md5, sha256)
        with kept.lock:
            lines, position = journal.read(work, feed, kept.position)
            if lines:
                added = "".join(lines).encode()
                kept.body, kept.position = kept.body + added, position
                kept.md5.update(added)
                kept.sha256.update(added)
            return Document(kept.body, kept.md5.hexdigest(), kept.sha256.digest())

    def collected(self, work: Work, feed: Feed, key: str, piece: Piece, join: Join) -> bytes:
        """Give a document made of one piece for each package; only packages that changed are read."""
        with self._lock:
            kept = self._collections.setdefault((feed.id, key), _Collection())
        with kept.lock:
            # A reader of an older state of the database leaves what is kept alone.
            if kept.serial < feed.serial:
                changed = packages.file_lines(work, feed, kept.serial)
                kept.pieces.update((name, piece(lines)) for name, lines in changed.items())
                if feed.pruned > kept.serial:
                    for gone in kept.pieces.keys() - packages.keys(work, feed):
                        del kept.pieces[gone]
                kept.serial = feed.serial
            pieces = dict(kept.pieces)
        return join(pieces[name] for name in sorted(pieces))
