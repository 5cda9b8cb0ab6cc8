"""Jobs: what runs in the background, how far it is, what came of it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.services import access, imports, newest
from app.services import jobs as service
from app.services.jobs import OPEN, ItemState, JobFilter, JobState
from app.services.runtime import Work
from app.storage.models import Job
from app.web.pages.feed import page_number
from app.web.pages.security.frame import asked, try_to
from app.web.pages.session import page_work
from app.web.rendering import JobsShown, Paging

blueprint = Blueprint("jobs", __name__)
PER_PAGE = 20
ITEMS_PER_PAGE = 50
KINDS = [
    ("", "Any kind"),
    ("pull", "Pulls"),
    (imports.FILES, "Imports of files"),
    (imports.PACKAGES, "Imports of packages"),
    (newest.KIND, "Looks for newer versions"),
]


@blueprint.get("/jobs")
def index() -> str:
    """List jobs, the newest first."""
    work, page = page_work(), page_number()
    wanted = JobFilter(
        state=asked("state") if asked("state") in list(JobState) else "",
        kind=asked("kind"),
        feed=asked("feed"),
        offset=(page - 1) * PER_PAGE,
        limit=PER_PAGE,
    )
    found, total = service.find(work, wanted)
    return render_template(
        "jobs/index.html",
        jobs=found,
        paging=Paging(page, PER_PAGE, total),
        kinds=KINDS,
        states=[("", "Any state"), *((state.value, state.value.capitalize()) for state in JobState)],
        feeds=[("", "Any feed"), *((feed.name, feed.name) for feed in access.visible_feeds(work))],
        filtered=any(asked(name) for name in ("state", "kind", "feed")),
        percent=percent_of,
        busy=any(job.state in OPEN for job in found),
    )


@blueprint.get("/jobs/<int:number>")
def show(number: int) -> str:
    """Show a job with its items and its log; while it runs, the page looks again by itself."""
    work, page = page_work(), page_number()
    job = service.get_job(work, number)
    state = asked("state") if asked("state") in list(ItemState) else ""
    items, total = service.items_of(work, job, state=state, offset=(page - 1) * ITEMS_PER_PAGE, limit=ITEMS_PER_PAGE)
    return render_template(
        "jobs/show.html",
        job=job,
        items=items,
        lines=service.lines_of(work, job),
        paging=Paging(page, ITEMS_PER_PAGE, total),
        percent=percent_of(job),
        busy=job.state in OPEN,
        changeable=service.may_change(work, job),
        states=[("", "Any state"), *((each.value, each.value.capitalize()) for each in ItemState)],
        visible={feed.name for feed in access.visible_feeds(work)},
    )


@blueprint.post("/jobs/<int:number>/cancel")
def cancel(number: int) -> Response:
    """Ask a job to stop."""
    service.get_job(page_work(), number)
    try_to(lambda work: service.cancel(work, number), "The job stops; what is done stays done.")
    return redirect(url_for("jobs.show", number=number))


@blueprint.post("/jobs/<int:number>/retry")
def retry(number: int) -> Response:
    """Try what failed or was not reached again."""
    service.get_job(page_work(), number)
    try_to(lambda work: service.retry(work, number), "The job goes on with what failed or was not reached.")
    return redirect(url_for("jobs.show", number=number))


def percent_of(job: Job) -> int:
    """Give how far a job is, from its items."""
    ended = job.done + job.skipped + job.failed
    if job.state == JobState.DONE:
        return 100
    return min(99, ended * 100 // job.total) if job.total else 0


def shown_in_bar(work: Work) -> JobsShown | None:
    """Give what the top bar says of one's open jobs, or nothing."""
    if request.endpoint is None or work.actor.anonymous:
        return None
    found, total = service.find(work, JobFilter(open_only=True, limit=50))
    if not total:
        return None
    parts, ended = sum(job.total for job in found), sum(job.done + job.skipped + job.failed for job in found)
    title = "1 job" if total == 1 else f"{total:,} jobs"
    url = url_for("jobs.show", number=found[0].id) if total == 1 else url_for("jobs.index")
    return JobsShown(title, url, ended * 100 // parts if parts else None, found[0].title)
