"""Run jobs: find rows that wait or whose worker died, claim each for one worker, write its progress down."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from threading import Event, Lock, Thread
from typing import Any, cast

from huey import MemoryHuey
from huey.consumer import Consumer
from sqlalchemy import or_, select, update

from app.domain.errors import AppError
from app.jobs.contents import KINDS
from app.jobs.context import JobContext
from app.jobs.kinds import Cancelled, JobKind
from app.jobs.schedules import Schedules
from app.jobs.workers import Badge, is_dead
from app.services import events
from app.services.jobs import OPEN, JobState, actor_of
from app.services.runtime import Runtime, owner
from app.storage.models import Job

log = logging.getLogger(__name__)
_SYSTEM = owner("SYSTEM")
_SILENT = timedelta(seconds=60)
_GRACE_SECONDS = 5


class _Embedded(Consumer):  # type: ignore[misc] # the library ships no types
    """Be huey's consumer within a process that has signals of its own."""

    def _set_signal_handlers(self) -> None:
        pass


class Runner:
    """Work on jobs in threads of this process until stopped; ``only`` keeps it to one job.

    The rows are the truth: huey's queue lives in memory and carries numbers. What it loses is found again by the sweep,
    which also takes over what a dead worker left.
    """

    def __init__(
        self,
        runtime: Runtime,
        kinds: Mapping[str, JobKind] = KINDS,
        *,
        workers: int = 2,
        beat: float = 0.5,
        only: int | None = None,
    ) -> None:
        self._runtime, self._kinds, self._workers, self._beat, self._only = runtime, kinds, workers, beat, only
        self._schedules = Schedules(runtime) if only is None else None
        self._stopping = Event()
        self._contexts: dict[int, JobContext] = {}
        self._handed: set[int] = set()
        self._lock = Lock()
        self._badge: Badge | None = None
        self._consumer: _Embedded | None = None
        self._thread = Thread(target=self._run, name="jobs", daemon=True)
        self._queue = MemoryHuey("jobs", results=False)
        self._work = self._queue.task()(self._perform)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End within some seconds; jobs that are under way wait for the next worker."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_GRACE_SECONDS)
        if self._consumer is not None:
            self._consumer.shutdown_timeout = _GRACE_SECONDS
            self._consumer.stop(graceful=True)
        if self._badge is not None:
            self._badge.lay_down()

    def _run(self) -> None:
        while not self._stopping.wait(self._beat):
            try:
                self._write_progress()
                self._sweep()
                if self._schedules is not None:
                    self._schedules.hand_out(self._queue)
                    self._wake(self._schedules.waiting)
            except Exception:
                log.exception("looking for jobs failed; it will be tried again")

    # Handing out ----------------------------------------------------------------------------------

    def _sweep(self) -> None:
        if len(self._handed) >= 4 * self._workers:
            return
        with self._runtime.reading(_SYSTEM) as work:
            query = select(Job.id, Job.state, Job.worker, Job.seen).where(Job.state.in_(OPEN)).order_by(Job.id)
            rows = work.session.execute(query if self._only is None else query.where(Job.id == self._only)).all()
            now = work.now()
        for id, state, worker, seen in rows:
            lost = state == JobState.RUNNING and self._is_lost(worker, seen is None or now - seen > _SILENT)
            if (state == JobState.WAITING or lost) and id not in self._handed:
                self._hand_out(id)

    def _is_lost(self, worker: str, silent: bool) -> bool:  # noqa: FBT001 - a pair of facts about a worker
        if self._badge is not None and worker == self._badge.name:
            return False
        dead = is_dead(self._runtime.settings.data, worker)
        return silent if dead is None else dead

    def _hand_out(self, id: int) -> None:
        with self._lock:
            self._handed.add(id)
        self._work(id)
        self._wake(1)

    def _wake(self, waiting: int) -> None:
        """Start the workers when there is something to do for the first time."""
        if waiting and self._consumer is None:
            self._consumer = _Embedded(
                self._queue, workers=self._workers, periodic=False, initial_delay=0.05, max_delay=0.3
            )
            self._consumer.start()

    # Working --------------------------------------------------------------------------------------

    def _perform(self, id: int) -> None:
        try:
            self._claim_and_run(id)
        except Exception:
            log.exception("job %s broke off; it will be tried again", id)
        finally:
            with self._lock:
                self._handed.discard(id)
                self._contexts.pop(id, None)

    def _claim_and_run(self, id: int) -> None:
        if self._stopping.is_set():
            return
        context = self._claim(id)
        if context is None:
            return
        with self._lock:
            self._contexts[id] = context
        state, result = JobState.DONE, ""
        try:
            self._kinds[context.kind].run(context)
        except Cancelled:
            state = JobState.CANCELLED if context.cancelled.is_set() else JobState.WAITING
        except AppError as error:
            state, result = JobState.FAILED, error.message
        except Exception:
            log.exception("job %s failed", id)
            state, result = JobState.FAILED, "An unexpected error; see the server's log."
        self._finish(context, state, result)

    def _claim(self, id: int) -> JobContext | None:
        """Take a job for this worker, unless another was quicker; fail it where nobody may run it."""
        if self._badge is None:
            with self._lock:
                self._badge = self._badge or Badge(self._runtime.settings.data)
        with self._runtime.writing(_SYSTEM) as work:
            job = work.session.get(Job, id, with_for_update=True)
            if job is None or job.state not in OPEN or job.worker == self._badge.name:
                return None
            if job.state == JobState.RUNNING and not self._is_lost(
                job.worker, job.seen is None or work.now() - job.seen > _SILENT
            ):
                return None
            taken = update(Job).where(Job.id == id, Job.attempt == job.attempt)
            now = work.now()
            claimed = cast(
                "Any",
                work.session.execute(
                    taken.values(
                        state=JobState.RUNNING,
                        worker=self._badge.name,
                        seen=now,
                        started=job.started or now,
                        attempt=job.attempt + 1,
                    ),
                    execution_options={"synchronize_session": False},
                ),
            )
            if claimed.rowcount != 1:
                return None
            if job.kind not in self._kinds:
                raise LookupError(f"there is no kind of job {job.kind!r}")
            try:
                actor = actor_of(work, job)
            except AppError as error:
                self._end(work, job, JobState.FAILED, error.message)
                return None
            context = JobContext(self._runtime, actor, job, self._stopping)
            if job.cancel:
                context.cancelled.set()
            return context

    def _finish(self, context: JobContext, state: JobState, result: str) -> None:
        self._write_progress()
        with self._runtime.writing(_SYSTEM) as work:
            job = work.session.get(Job, context.id, populate_existing=True)
            if job is None:
                return
            if state is JobState.DONE and job.failed:
                state, result = JobState.FAILED, result or f"{job.failed:,} of {job.total:,} failed; see the items."
            self._end(work, job, state, result or context.result)

    @staticmethod
    def _end(work: Any, job: Job, state: JobState, result: str) -> None:
        job.state, job.result, job.worker = state, result, ""
        if state in OPEN:
            return
        job.ended, job.seen = work.now(), work.now()
        events.record(
            work,
            "job-ended",
            feed=job.feed_name or None,
            subject=job.title,
            job=job.id,
            state=str(state),
            done=job.done,
            skipped=job.skipped,
            failed=job.failed,
        )

    # Progress -------------------------------------------------------------------------------------

    def _write_progress(self) -> None:
        """Write the bytes that came, a sign of life, and see who is to be cancelled."""
        with self._lock:
            contexts = dict(self._contexts)
        if not contexts:
            return
        with self._runtime.writing(_SYSTEM) as work:
            for id, context in contexts.items():
                done, total = context.counted()
                values = {"bytes_done": done, "bytes_total": total, "seen": work.now()}
                work.session.execute(update(Job).where(Job.id == id).values(**values))
            asked = select(Job.id).where(Job.id.in_(contexts), or_(Job.cancel, Job.state.not_in(OPEN)))
            for id in work.session.scalars(asked):
                contexts[id].cancelled.set()
