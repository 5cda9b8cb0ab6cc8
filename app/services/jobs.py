"""Jobs as people see them: begun, looked at, cancelled, tried again. What works on them is ``app.jobs``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, update

from app.domain.errors import Conflict, Forbidden, NotFound, Unauthenticated
from app.domain.permissions import Permission
from app.services import access, events, keys
from app.services.runtime import Actor, Work, owner
from app.storage.models import ApiKey, Feed, Job, JobItem, JobLine, User

_items = cast("Table", JobItem.__table__)
_KEPT_DAYS, _KEPT = 30, 500
_BATCH = 500


class JobState(StrEnum):
    """Name how far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (JobState.WAITING, JobState.RUNNING)


class ItemState(StrEnum):
    """Name how far one item of a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewItem:
    """Describe one item of a job to be; ``size`` is in bytes, 0 where unknown."""

    name: str
    version: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Say which jobs are wanted, the newest first."""

    state: str = ""
    kind: str = ""
    feed: str = ""
    open_only: bool = False
    before: int | None = None
    offset: int = 0
    limit: int = 20


def create(
    work: Work,
    kind: str,
    title: str,
    *,
    feed: Feed | None = None,
    data: Mapping[str, Any] | None = None,
    items: Sequence[NewItem] = (),
) -> Job:
    """Write a job and its items down, in the transaction of the use case that checked the right to it."""
    actor = work.actor
    if actor.anonymous:
        raise Unauthenticated("A job runs in somebody's name; sign in, or send an API key.")
    job = Job(
        kind=kind,
        title=title[:500],
        state=JobState.WAITING,
        feed_id=feed.id if feed is not None else None,
        feed_name=feed.name if feed is not None else "",
        actor=actor.name,
        user_id=actor.user_id,
        key_id=actor.key_id,
        owned=actor.user_id is None and actor.key_id is None,
        data=dict(data or {}),
        created=work.now(),
    )
    work.session.add(job)
    work.session.flush()
    add_items(work, job.id, items)
    events.record(work, "job-created", feed=job.feed_name or None, subject=job.title, job=job.id, items=len(items))
    return job


def add_items(work: Work, job_id: int, items: Sequence[NewItem]) -> None:
    """Add items to a job, after those that it has."""
    first = work.session.scalar(
        select(func.coalesce(func.max(JobItem.position) + 1, 0)).where(JobItem.job_id == job_id)
    )
    rows = [
        {
            "job_id": job_id,
            "position": (first or 0) + number,
            "name": item.name[:1000],
            "version": item.version[:300],
            "state": ItemState.WAITING,
            "size": item.size,
            "message": "",
        }
        for number, item in enumerate(items)
    ]
    for start in range(0, len(rows), _BATCH):
        work.session.execute(_items.insert(), rows[start : start + _BATCH])
    size = sum(item.size for item in items)
    work.session.execute(
        update(Job).where(Job.id == job_id).values(total=Job.total + len(rows), bytes_total=Job.bytes_total + size)
    )
    work.session.expire_all()


def actor_of(work: Work, job: Job) -> Actor:
    """Give in whose name a job runs, with the rights of today; raise Forbidden where they may not act any more."""
    if job.owned:
        return owner(job.actor)
    if job.key_id is not None:
        key = work.session.get(ApiKey, job.key_id)
        if key is not None and keys.is_usable(work, key):
            return keys.actor_of(key)
    elif job.user_id is not None:
        user = work.session.get(User, job.user_id)
        if user is not None and user.active:
            return Actor(user.name, user_id=user.id)
    raise Forbidden(f"{job.actor}, for whom the job runs, may not act any more; begin it again as somebody who may.")


# Looking ----------------------------------------------------------------------------------------------


def _visible(work: Work) -> ColumnElement[bool] | None:
    """Give which jobs the actor may see; None for all."""
    if access.allowed(work, Permission.VIEW_SCHEDULED_TASKS):
        return None
    managed = [feed.id for feed in access.visible_feeds(work, Permission.MANAGE_FEED)]
    return or_(_own(work.actor), Job.feed_id.in_(managed))


def _own(actor: Actor) -> ColumnElement[bool]:
    if actor.user_id is not None:
        return Job.user_id == actor.user_id
    return (Job.key_id == actor.key_id) if actor.key_id is not None else Job.id == -1


def find(work: Work, wanted: JobFilter) -> tuple[Sequence[Job], int]:
    """Give the jobs that the actor may see, and the count of all that match; needs to be known."""
    if work.actor.anonymous:
        raise Unauthenticated("Sign in to see jobs, or send an API key.")
    query = select(Job)
    visible = _visible(work)
    conditions = [] if visible is None else [visible]
    for value, column in ((wanted.state, Job.state), (wanted.kind, Job.kind), (wanted.feed, Job.feed_name)):
        if value:
            conditions.append(column == value)
    if wanted.open_only:
        conditions.append(Job.state.in_(OPEN))
    total = work.session.scalar(select(func.count(Job.id)).where(*conditions)) or 0
    if wanted.before is not None:
        conditions.append(Job.id < wanted.before)
    query = query.where(*conditions).order_by(Job.id.desc()).offset(wanted.offset).limit(wanted.limit)
    return work.session.scalars(query).all(), total


def get_job(work: Work, number: int) -> Job:
    """Give a job that the actor may see; raise NotFound, or Unauthenticated."""
    if work.actor.anonymous:
        raise Unauthenticated("Sign in to see jobs, or send an API key.")
    visible = _visible(work)
    query = select(Job).where(Job.id == number)
    found = work.session.scalars(query if visible is None else query.where(visible)).one_or_none()
    if found is None:
        raise NotFound(f"There is no job {number}, or it is not yours to see; list the jobs.", code="unknown-job")
    return found


def items_of(
    work: Work, job: Job, *, state: str = "", after: int = -1, offset: int = 0, limit: int = 50
) -> tuple[Sequence[JobItem], int]:
    """Give items of a job in their order, and the count of all that match."""
    conditions = [JobItem.job_id == job.id, *([JobItem.state == state] if state else [])]
    total = work.session.scalar(select(func.count()).select_from(JobItem).where(*conditions)) or 0
    query = select(JobItem).where(*conditions, JobItem.position > after).order_by(JobItem.position)
    return work.session.scalars(query.offset(offset).limit(limit)).all(), total


def lines_of(work: Work, job: Job, limit: int = 500) -> Sequence[JobLine]:
    """Give the last lines of a job's log, oldest first."""
    newest = select(JobLine).where(JobLine.job_id == job.id).order_by(JobLine.id.desc()).limit(limit)
    return list(reversed(work.session.scalars(newest).all()))


def may_change(work: Work, job: Job) -> bool:
    """Tell whether the actor may cancel a job or try it again."""
    actor = work.actor
    own = job.user_id == actor.user_id if actor.user_id is not None else job.key_id == actor.key_id and job.key_id
    if own or access.allowed(work, Permission.MANAGE_SCHEDULED_TASKS):
        return True
    feed = work.session.get(Feed, job.feed_id) if job.feed_id is not None else None
    return feed is not None and access.allowed(work, Permission.MANAGE_FEED, feed)


# Changing ---------------------------------------------------------------------------------------------


def _changeable(work: Work, number: int) -> Job:
    job = get_job(work, number)
    if not may_change(work, job):
        access.require(work, Permission.MANAGE_SCHEDULED_TASKS)
    return job


def cancel(work: Work, number: int) -> Job:
    """Ask a job to stop; what is done stays done. One that nobody works on is cancelled at once."""
    job = _changeable(work, number)
    if job.state not in OPEN:
        raise Conflict(f"Job {number} is {job.state} already; there is nothing to cancel.", code="job-ended")
    job.cancel = True
    if job.state == JobState.WAITING:
        job.state, job.ended = JobState.CANCELLED, work.now()
    events.record(work, "job-cancelled", feed=job.feed_name or None, subject=job.title, job=job.id)
    return job


def retry(work: Work, number: int) -> Job:
    """Try what failed or was not reached again, in the name of whoever began the job."""
    job = _changeable(work, number)
    if job.state not in (JobState.FAILED, JobState.CANCELLED):
        raise Conflict(
            f"Job {number} is {job.state}; only a failed or cancelled one can be tried again.", code="job-open"
        )
    again = update(JobItem).where(JobItem.job_id == job.id, JobItem.state == ItemState.FAILED)
    work.session.execute(again.values(state=ItemState.WAITING, message=""))
    job.state, job.cancel, job.ended, job.failed, job.result, job.worker = JobState.WAITING, False, None, 0, "", ""
    events.record(work, "job-retried", feed=job.feed_name or None, subject=job.title, job=job.id)
    return job


def prune(work: Work) -> int:
    """Forget jobs that ended long ago, but the newest ones; give how many went."""
    newest = select(Job.id).order_by(Job.id.desc()).limit(_KEPT)
    old = work.now() - timedelta(days=_KEPT_DAYS)
    ended = delete(Job).where(Job.ended < old, Job.state.not_in(OPEN), Job.id.not_in(newest))
    gone = cast("Any", work.session.execute(ended, execution_options={"synchronize_session": False}))
    return int(gone.rowcount)
