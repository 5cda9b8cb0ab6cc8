"""What is done every so often, by one worker of the installation at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import update

from app.services import connectorhealth, jobs, newest
from app.services.runtime import Runtime, owner
from app.storage.models import Setting

log = logging.getLogger(__name__)
_SYSTEM = owner("SYSTEM")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Say what is done how often."""

    key: str
    every: timedelta
    act: Callable[[Runtime], object]


def _refresh_newest(runtime: Runtime) -> None:
    with runtime.reading(_SYSTEM) as work:
        names = newest.feeds_to_refresh(work)
    for name in names:
        newest.refresh(runtime, _SYSTEM, name)


def _prune(runtime: Runtime) -> None:
    with runtime.writing(_SYSTEM) as work:
        jobs.prune(work)


SCHEDULES = (
    Schedule("connector-health", timedelta(minutes=5), connectorhealth.check_all),
    Schedule("newest-upstream", timedelta(hours=6), _refresh_newest),
    Schedule("prune-jobs", timedelta(days=1), _prune),
)


class Schedules:
    """Hand out what is due. When each was last begun stands in a setting, which is claimed by changing it."""

    def __init__(self, runtime: Runtime, schedules: tuple[Schedule, ...] = SCHEDULES) -> None:
        self._runtime = runtime
        self._schedules = {schedule.key: schedule for schedule in schedules}
        self._next: datetime | None = None
        self._task: Any = None
        self.waiting = 0

    def hand_out(self, queue: Any) -> None:
        """Queue what is due; looks at the table at most every ten seconds."""
        now = self._runtime.clock()
        if self._next is not None and now < self._next:
            return
        self._next = now + timedelta(seconds=10)
        if self._task is None:
            self._task = queue.task()(self.run)
        for schedule in self._schedules.values():
            if self._claim(schedule):
                self.waiting += 1
                self._task(schedule.key)

    def _claim(self, schedule: Schedule) -> bool:
        key = f"schedule:{schedule.key}"
        with self._runtime.reading(_SYSTEM) as work:
            held, now = work.session.get(Setting, key), work.now()
        if held is not None and now - datetime.fromisoformat(held.value) < schedule.every:
            return False
        with self._runtime.writing(_SYSTEM) as work:
            if held is None:
                # The first time is one interval after the first start, not in the middle of it.
                work.session.merge(Setting(key=key, value=now.isoformat()))
                return False
            move = update(Setting).where(Setting.key == key, Setting.value == held.value).values(value=now.isoformat())
            moved = cast("Any", work.session.execute(move, execution_options={"synchronize_session": False}))
            return bool(moved.rowcount == 1)

    def run(self, key: str) -> None:
        """Do one of the schedules; a fault is logged, and it is done again when its time comes."""
        try:
            self._schedules[key].act(self._runtime)
        except Exception:
            log.exception("the schedule %s failed", key)
        finally:
            self.waiting -= 1
