"""Jobs: work in the background."""

from __future__ import annotations

from pydantic import Field

from app.services import jobs
from app.services.jobs import ItemState, JobFilter, JobState
from app.storage import models as stored
from app.web.api.v1.models import Listed, Model, Moment, Paging, Text
from app.web.api.v1.operations import Answer, Call, Resource
from app.web.api.v1.paging import number_after, page

jobs_v1 = Resource("Jobs", "Long work that goes on in the background, by its items.")
_MINE = "having begun it, Manage Feeds on its feed, or View Scheduled Tasks"
_CHANGE = "having begun it, Manage Feeds on its feed, or Manage Scheduled Tasks"


class Job(Model):
    """Be a job, with how far it is."""

    id: int
    kind: str
    title: str
    state: JobState
    feed: str | None
    actor: str
    total: int
    done: int
    skipped: int
    failed: int
    bytes_done: int
    bytes_total: int
    result: str = Field(description="What came of it, or went wrong, in words.")
    created: Moment
    started: Moment | None
    ended: Moment | None


class JobItem(Model):
    """Be one item of a job."""

    position: int
    name: str
    version: str
    state: ItemState
    size: int
    message: str


class JobQuery(Paging):
    """Say which jobs are wanted."""

    state: Text = Field(default="", description="Only jobs in this state.")
    kind: Text = Field(default="", description="Only jobs of this kind, like pull.")
    feed: Text = Field(default="", description="Only jobs about this feed.")


@jobs_v1.get("/jobs", Listed[Job], needs="credentials; the list holds jobs that one may see")
def list_jobs(call: Call, query: JobQuery) -> Answer:
    """List jobs, the newest first."""
    wanted = JobFilter(query.state, query.kind, query.feed, before=number_after(query), limit=query.limit + 1)
    rows, _ = jobs.find(call.work, wanted)
    return page(Listed[Job], rows, query, lambda row: row.id, _shown)


@jobs_v1.get("/jobs/{job}", Job, needs=_MINE)
def get_job(call: Call, job: int) -> Answer:
    """Give a job."""
    return Answer(_shown(jobs.get_job(call.work, job)))


@jobs_v1.get("/jobs/{job}/items", Listed[JobItem], needs=_MINE)
def list_job_items(call: Call, job: int, query: Paging) -> Answer:
    """List the items of a job, in their order."""
    after = number_after(query)
    held = jobs.get_job(call.work, job)
    rows, _ = jobs.items_of(call.work, held, after=-1 if after is None else after, limit=query.limit + 1)
    return page(Listed[JobItem], rows, query, lambda row: row.position, _item)


@jobs_v1.act("/jobs/{job}/cancel", Job, needs=_CHANGE, tagged=False)
def cancel_job(call: Call, job: int) -> Answer:
    """Ask a job to stop; what is done stays done."""
    return Answer(_shown(jobs.cancel(call.work, job)))


@jobs_v1.act("/jobs/{job}/retry", Job, needs=_CHANGE, tagged=False)
def retry_job(call: Call, job: int) -> Answer:
    """Try again what failed or was not reached."""
    return Answer(_shown(jobs.retry(call.work, job)))


def _shown(job: stored.Job) -> Job:
    return Job(
        id=job.id,
        kind=job.kind,
        title=job.title,
        state=JobState(job.state),
        feed=job.feed_name or None,
        actor=job.actor,
        total=job.total,
        done=job.done,
        skipped=job.skipped,
        failed=job.failed,
        bytes_done=job.bytes_done,
        bytes_total=max(job.bytes_total, job.bytes_done),
        result=job.result,
        created=job.created,
        started=job.started,
        ended=job.ended,
    )


def _item(item: stored.JobItem) -> JobItem:
    return JobItem(
        position=item.position,
        name=item.name,
        version=item.version,
        state=ItemState(item.state),
        size=item.size,
        message=item.message,
    )
