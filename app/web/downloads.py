"""Count downloads in memory and add them to the database now and then: a read must not cost a write."""

from __future__ import annotations

from collections import Counter
from threading import Lock

from app.services import publishing
from app.services.runtime import Runtime, owner

DownloadKey = tuple[str, str, str]


class DownloadCounter:
    """Count downloads by (feed key, package key, version key); what a crash loses is a few seconds of counts."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._counts: Counter[DownloadKey] = Counter()
        self._lock = Lock()

    def count(self, key: DownloadKey) -> None:
        """Count one download."""
        with self._lock:
            self._counts[key] += 1

    def flush(self) -> int:
        """Add what was counted to the database; give how many downloads that were."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if counts:
            with self._runtime.writing(owner("SYSTEM")) as work:
                publishing.count_downloads(work, counts)
        return counts.total()
