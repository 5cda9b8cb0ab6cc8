"""What a job works with: its items, its log, its progress, and whether it is to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

from sqlalchemy import select, update

from app.domain.errors import AppError
from app.jobs.kinds import Cancelled, Skipped
from app.services.jobs import ItemState, NewItem, add_items
from app.services.runtime import Actor, Runtime, owner
from app.storage.models import Job, JobItem, JobLine

log = logging.getLogger(__name__)
_SYSTEM = owner("SYSTEM")


@dataclass(frozen=True, slots=True)
class Item:
    """Be one item that is left to do."""

    position: int
    name: str
    version: str
    size: int


Act = Callable[[Item, "ItemProgress"], str]


class JobContext:
    """Be handed to a kind of job for one run of one job.

    Progress in bytes is kept in memory and written by whoever beats for the job, at most once a second; that an item is
    done is written at once.
    """

    def __init__(self, runtime: Runtime, actor: Actor, job: Job, stopping: Event) -> None:
        self.runtime, self.actor = runtime, actor
        self.id, self.title, self.feed_name = job.id, job.title, job.feed_name
        self.kind = job.kind
        self.data: Mapping[str, Any] = dict(job.data)
        self.result = ""
        self.cancelled = Event()
        self._stopping = stopping
        self._lock = Lock()
        self._bytes, self._bytes_total = job.bytes_done, job.bytes_total

    def check(self) -> None:
        """Raise Cancelled where the job is to stop."""
        if self.cancelled.is_set() or self._stopping.is_set():
            raise Cancelled

    def log(self, text: str) -> None:
        """Add a line to the job's log."""
        with self.runtime.writing(_SYSTEM) as work:
            work.session.add(JobLine(job_id=self.id, at=work.now(), text=text[:4000]))

    def items(self) -> Sequence[Item]:
        """Give what is left to do: what waits, and what was being done when a process died."""
        left = (ItemState.WAITING, ItemState.RUNNING)
        with self.runtime.reading(_SYSTEM) as work:
            rows = work.session.execute(
                select(JobItem.position, JobItem.name, JobItem.version, JobItem.size)
                .where(JobItem.job_id == self.id, JobItem.state.in_(left))
                .order_by(JobItem.position)
            ).all()
        return [Item(*row) for row in rows]

    def has_items(self) -> bool:
        """Tell whether the job has items, done ones included."""
        with self.runtime.reading(_SYSTEM) as work:
            return work.session.get_one(Job, self.id).total > 0

    def add(self, items: Sequence[NewItem]) -> None:
        """Add items that were found on the way."""
        with self.runtime.writing(_SYSTEM) as work:
            add_items(work, self.id, items)

    def each(self, act: Act, *, at_once: int = 4) -> None:
        """Do something for every item that is left, some at once; what it gives is said beside the item.

        ``Skipped`` passes an item over, an AppError fails it alone; after a cancellation no further item is begun, and
        Cancelled is raised when those under way have ended.
        """
        with ThreadPoolExecutor(at_once, f"job-{self.id}") as pool:
            for _ in pool.map(lambda item: self._one(act, item), self.items()):
                pass
        self.check()

    def _one(self, act: Act, item: Item) -> None:
        if self.cancelled.is_set() or self._stopping.is_set():
            return
        self._mark(item, ItemState.RUNNING)
        progress = ItemProgress(self)
        try:
            self._end(item, ItemState.DONE, act(item, progress), progress)
        except Skipped as reason:
            self._end(item, ItemState.SKIPPED, str(reason), progress)
        except Cancelled:
            progress.undo()
            self._mark(item, ItemState.WAITING)
        except AppError as error:
            progress.undo()
            self._end(item, ItemState.FAILED, error.message, progress)
        except Exception:
            log.exception("job %s failed on %s %s", self.id, item.name, item.version)
            progress.undo()
            self._end(item, ItemState.FAILED, "An unexpected error; see the server's log.", progress)

    def _mark(self, item: Item, state: ItemState) -> None:
        mine = (JobItem.job_id == self.id, JobItem.position == item.position)
        with self.runtime.writing(_SYSTEM) as work:
            work.session.execute(update(JobItem).where(*mine).values(state=state))

    def _end(self, item: Item, state: ItemState, message: str, progress: ItemProgress) -> None:
        counter = {ItemState.DONE: Job.done, ItemState.SKIPPED: Job.skipped}.get(state, Job.failed)
        mine = (JobItem.job_id == self.id, JobItem.position == item.position)
        values = {"state": state, "message": message[:4000], **({"size": progress.done} if progress.done else {})}
        with self.runtime.writing(_SYSTEM) as work:
            work.session.execute(update(JobItem).where(*mine).values(**values))
            work.session.execute(update(Job).where(Job.id == self.id).values({counter: counter + 1}))

    # Bytes ----------------------------------------------------------------------------------------

    def count(self, done: int, total: int) -> None:
        """Add to the bytes that came, and to those that are expected."""
        with self._lock:
            self._bytes += done
            self._bytes_total += total

    def counted(self) -> tuple[int, int]:
        """Give the bytes that came, and those that are expected."""
        with self._lock:
            return self._bytes, max(self._bytes, self._bytes_total)


class ItemProgress:
    """Count the bytes of one item, and stop it where its job is to stop."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self.done = self._expected = 0

    def expect(self, size: int | None) -> None:
        """Say how many bytes will come."""
        self._expected += size or 0
        self._context.count(0, size or 0)

    def came(self, piece: bytes) -> None:
        """Count a piece; raises Cancelled where the job is to stop."""
        self._context.check()
        self.done += len(piece)
        self._context.count(len(piece), 0)

    def undo(self) -> None:
        """Take back what was counted: nothing of it was kept."""
        self._context.count(-self.done, -self._expected)
        self.done = self._expected = 0
