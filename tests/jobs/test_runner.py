"""Jobs run once, go on where they were left, and end as they should."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event, Lock

import pytest
from sqlalchemy import update

from app.domain.errors import AppError, Conflict, NotFound
from app.jobs.context import Item, ItemProgress, JobContext
from app.jobs.kinds import JobKind, Skipped
from app.jobs.runner import Runner
from app.jobs.workers import Badge, is_dead
from app.services import events, jobs, people
from app.services.jobs import JobFilter, JobState, NewItem
from app.services.runtime import Actor, Runtime
from app.storage.models import Job


class Counting(JobKind):
    """Do nothing much, and remember what was done."""

    key = "count"

    def __init__(self) -> None:
        self.done: list[str] = []
        self.hold = Event()
        self.hold.set()
        self.begun = Event()
        self._lock = Lock()

    def run(self, context: JobContext) -> None:
        def act(item: Item, progress: ItemProgress) -> str:
            self.begun.set()
            assert self.hold.wait(30)
            if item.name.startswith("skip"):
                raise Skipped("nothing to do")
            if item.name.startswith("bad"):
                raise Conflict("It is bad.")
            if item.name.startswith("bug"):
                raise ZeroDivisionError
            progress.came(b"xxx")
            with self._lock:
                self.done.append(item.name)
            return "fine"

        context.each(act, at_once=2)


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def start(runtime: Runtime, counting: Counting) -> Iterator[Callable[[], Runner]]:
    """Give a function that starts another worker process, as far as the table can tell."""
    started: list[Runner] = []

    def another() -> Runner:
        runner = Runner(runtime, {"count": counting}, workers=2, beat=0.02)
        runner.start()
        started.append(runner)
        return runner

    yield another
    counting.hold.set()
    for runner in started:
        runner.stop()


def begin(runtime: Runtime, actor: Actor, *names: str) -> int:
    with runtime.writing(actor) as work:
        return jobs.create(work, "count", "Count", items=[NewItem(name) for name in names]).id


def wait(runtime: Runtime, number: int, *states: str) -> Job:
    """Wait for a job to come into a state."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with runtime.reading(Actor("x", rights=frozenset(jobs.Permission))) as work:
            job = work.session.get_one(Job, number)
            if job.state in states:
                return job
        time.sleep(0.01)
    raise AssertionError(f"job {number} is {job.state}")


ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


def test_every_item_is_done_and_counted(
    runtime: Runtime, sam: Actor, counting: Counting, start: Callable[[], Runner]
) -> None:
    number = begin(runtime, sam, "a", "b", "skip", "c")
    start()
    job = wait(runtime, number, *ENDED)
    assert (job.state, job.total, job.done, job.skipped, job.failed, job.bytes_done) == ("done", 4, 3, 1, 0, 9)
    assert sorted(counting.done) == ["a", "b", "c"]
    with runtime.reading(sam) as work:
        recorded, _ = events.find(work, events.EventFilter(text="Count"))
    assert [event.tag for event in recorded] == ["job-ended", "job-created"]


def test_two_workers_do_each_job_once(
    runtime: Runtime, sam: Actor, counting: Counting, start: Callable[[], Runner]
) -> None:
    numbers = [begin(runtime, sam, f"{n}-a", f"{n}-b") for n in range(12)]
    start(), start()
    for number in numbers:
        assert wait(runtime, number, *ENDED).attempt == 1
    assert sorted(counting.done) == sorted(f"{n}-{letter}" for n in range(12) for letter in "ab")


def test_what_failed_is_told_and_tried_again_alone(
    runtime: Runtime, sam: Actor, counting: Counting, start: Callable[[], Runner]
) -> None:
    number = begin(runtime, sam, "a", "bad", "bug")
    start()
    job = wait(runtime, number, *ENDED)
    assert (job.state, job.done, job.failed, job.result) == ("failed", 1, 2, "2 of 3 failed; see the items.")
    with runtime.writing(sam) as work:
        items, _ = jobs.items_of(work, jobs.get_job(work, number))
        assert [item.message for item in items] == ["fine", "It is bad.", "An unexpected error; see the server's log."]
        jobs.retry(work, number)
    job = wait(runtime, number, *ENDED)
    assert (job.attempt, job.done, job.failed) == (2, 1, 2)
    assert counting.done == ["a"]


def test_a_cancelled_job_stops_and_goes_on_when_it_is_tried_again(
    runtime: Runtime, sam: Actor, counting: Counting, start: Callable[[], Runner]
) -> None:
    counting.hold.clear()
    number = begin(runtime, sam, *"abcdef")
    start()
    assert counting.begun.wait(20)
    with runtime.writing(sam) as work:
        jobs.cancel(work, number)
    time.sleep(0.1)
    counting.hold.set()
    job = wait(runtime, number, *ENDED)
    assert job.state == "cancelled"
    assert job.done < 6
    with runtime.writing(sam) as work, pytest.raises(Conflict):
        jobs.cancel(work, number)
    with runtime.writing(sam) as work:
        jobs.retry(work, number)
    assert wait(runtime, number, JobState.DONE).done == 6
    assert sorted(counting.done) == list("abcdef")


def test_a_job_that_waits_is_cancelled_at_once(runtime: Runtime, sam: Actor) -> None:
    number = begin(runtime, sam, "a")
    with runtime.writing(sam) as work:
        assert jobs.cancel(work, number).state == "cancelled"


def test_a_stopped_worker_leaves_its_job_to_the_next(
    runtime: Runtime, sam: Actor, counting: Counting, start: Callable[[], Runner]
) -> None:
    counting.hold.clear()
    number = begin(runtime, sam, *"abcdef")
    first = start()
    assert counting.begun.wait(20)
    counting.hold.set()
    first.stop()
    job = wait(runtime, number, "waiting", *ENDED)
    start()
    assert wait(runtime, number, JobState.DONE).done == 6
    assert sorted(counting.done) == list("abcdef")
    assert job.id == number


def test_a_dead_workers_job_is_taken_over_with_what_is_left(
    runtime: Runtime, sam: Actor, counting: Counting, start: Callable[[], Runner]
) -> None:
    number = begin(runtime, sam, *"abc")
    badge = Badge(runtime.settings.data)
    with runtime.writing(sam) as work:
        now = work.now()
        work.session.execute(
            update(Job).where(Job.id == number).values(state="running", worker=badge.name, seen=now, attempt=1)
        )
    start()
    time.sleep(0.2)
    assert counting.done == [], "its worker lives"
    badge.lay_down()
    assert wait(runtime, number, JobState.DONE).attempt == 2
    assert sorted(counting.done) == list("abc")


def test_a_worker_elsewhere_is_given_up_after_a_minute_of_silence(runtime: Runtime) -> None:
    assert is_dead(runtime.settings.data, "elsewhere/1-ab") is None


def test_a_job_runs_with_the_rights_of_today(
    runtime: Runtime, sam: Actor, counting: Counting, start: Callable[[], Runner]
) -> None:
    with runtime.writing(sam) as work:
        user = people.create_user(work, "ann")
    number = begin(runtime, Actor("ann", user_id=user.id), "a")
    with runtime.writing(sam) as work:
        people.set_active(work, "ann", active=False)
    start()
    job = wait(runtime, number, *ENDED)
    assert (job.state, counting.done) == ("failed", [])
    assert "may not act any more" in job.result


def test_whose_job_it_is_not_sees_nothing_of_it(runtime: Runtime, sam: Actor) -> None:
    with runtime.writing(sam) as work:
        ann, ben = (Actor(name, user_id=people.create_user(work, name).id) for name in ("ann", "ben"))
    number = begin(runtime, ann, "a")
    with runtime.reading(ben) as work:
        assert jobs.find(work, JobFilter()) == ([], 0)
        with pytest.raises(NotFound):
            jobs.get_job(work, number)
    with runtime.writing(ben) as work, pytest.raises(AppError):
        jobs.cancel(work, number)
    with runtime.reading(ann) as work:
        assert jobs.get_job(work, number).actor == "ann"
    with runtime.reading(sam) as work:
        assert [job.id for job in jobs.find(work, JobFilter())[0]] == [number]


def test_old_jobs_are_forgotten_but_not_open_ones(
    runtime: Runtime, sam: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_KEPT", 1)
    monkeypatch.setattr(jobs, "_KEPT_DAYS", 0)
    kept = begin(runtime, sam, "waits")
    ended = [begin(runtime, sam, "a") for _ in range(3)]
    with runtime.writing(sam) as work:
        for number in ended:
            jobs.cancel(work, number)
    time.sleep(0.01)
    with runtime.writing(sam) as work:
        assert jobs.prune(work) == 2
        assert {job.id for job in jobs.find(work, JobFilter())[0]} == {kept, ended[-1]}
