"""``promontory job`` and ``worker``: work in the background; and following one job from the command that began it."""

from __future__ import annotations

import logging
import signal
import time
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from app.cli import console
from app.cli.commands import Refusal
from app.jobs.runner import Runner
from app.services import jobs
from app.services.jobs import OPEN, ItemState, JobFilter, JobState
from app.services.runtime import Runtime
from app.storage.models import Job, JobItem

_LOOK_SECONDS = 0.2
_SHOWN = 50


# Following --------------------------------------------------------------------------------------------


def follow(runtime: Runtime, number: int) -> dict[str, Any]:
    """Work on a job here, or watch whoever has taken it already, until it ends; give its shape.

    Ctrl+C cancels it. Raises Refusal where it did not end well.
    """
    runner = Runner(runtime, only=number, beat=0.1)
    runner.start()
    try:
        shape = _watch(runtime, number)
    except KeyboardInterrupt:
        with runtime.writing(console.me()) as work:
            jobs.cancel(work, number)
        shape = _watch(runtime, number)
    finally:
        runner.stop()
    return shape


def _watch(runtime: Runtime, number: int) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("Working", total=None)
        while True:
            with runtime.reading(console.me()) as work:
                shape = job_shape(jobs.get_job(work, number))
            _move(shown, bar, shape)
            if shape["state"] not in OPEN:
                return shape
            time.sleep(_LOOK_SECONDS)


def _move(shown: Progress, bar: TaskID, shape: dict[str, Any]) -> None:
    handled = shape["done"] + shape["skipped"] + shape["failed"]
    words = f"{shape['title']}, {console.bytes_text(shape['bytesDone'])}"
    shown.update(bar, completed=handled, total=shape["total"] or None, description=words)


def ended(runtime: Runtime, shape: dict[str, Any], *, as_json: bool) -> None:
    """Say how a job ended, with what failed; raise Refusal where it did not end well."""
    with runtime.reading(console.me()) as work:
        job = jobs.get_job(work, shape["id"])
        failed, _ = jobs.items_of(work, job, state=ItemState.FAILED, limit=_SHOWN)
        wrong = [_item_shape(item) for item in failed]
    if as_json:
        console.show_json({**shape, "failures": wrong})
    else:
        for item in wrong:
            console.note(f"{item['name']} {item['version']}: {item['message']}")
    if shape["state"] != JobState.DONE:
        raise Refusal(shape["result"] or f"Job {shape['id']} is {shape['state']}.")
    if not as_json:
        console.say(summary(shape))


def summary(shape: dict[str, Any]) -> str:
    """Say in one line what a job did."""
    parts = [f"{shape['done']:,} done"]
    parts += [
        f"{shape[key]:,} {word}" for key, word in (("skipped", "there already"), ("failed", "failed")) if shape[key]
    ]
    size = f", {console.bytes_text(shape['bytesDone'])}" if shape["bytesDone"] else ""
    return f"{shape['title']}: {', '.join(parts)}{size}. {shape['result']}".strip()


def job_shape(job: Job) -> dict[str, Any]:
    """Give a job as JSON."""
    return {
        "id": job.id,
        "kind": job.kind,
        "title": job.title,
        "state": str(job.state),
        "feed": job.feed_name,
        "user": job.actor,
        "created": console.moment(job.created),
        "ended": console.moment(job.ended),
        "total": job.total,
        "done": job.done,
        "skipped": job.skipped,
        "failed": job.failed,
        "bytesDone": job.bytes_done,
        "result": job.result,
    }


def _item_shape(item: JobItem) -> dict[str, Any]:
    return {"name": item.name, "version": item.version, "state": str(item.state), "message": item.message}


# Commands ---------------------------------------------------------------------------------------------


@click.group()
def job() -> None:
    """List, show, cancel and retry jobs."""


@job.command("list")
@click.option("--state", type=click.Choice([str(state) for state in JobState]), help="Only jobs in this state.")
@click.option("--feed", default="", help="Only jobs of this feed.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="At most so many.")
@console.json_option
@console.data_option
def list_(*, state: str | None, feed: str, limit: int, as_json: bool, data: Path | None) -> None:
    """List jobs, newest first."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        found, total = jobs.find(work, JobFilter(state=state or "", feed=feed, limit=limit))
        shapes = [job_shape(each) for each in found]
    if as_json:
        console.show_json(shapes)
        return
    rows = (
        (s["id"], s["title"], s["state"], f"{s['done'] + s['skipped']:,} of {s['total']:,}", s["user"], s["result"])
        for s in shapes
    )
    console.show_table(("Number", "Job", "State", "Done", "By", "Result"), rows, right=("Number", "Done"))
    if total > len(shapes):
        console.note(f"{len(shapes):,} of {total:,}; see --limit.")


@job.command()
@click.argument("number", type=int)
@console.json_option
@console.data_option
def show(*, number: int, as_json: bool, data: Path | None) -> None:
    """Show a job with its items and its log."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        found = jobs.get_job(work, number)
        shape = job_shape(found)
        items, total = jobs.items_of(work, found, limit=1_000_000 if as_json else _SHOWN)
        shapes = [_item_shape(item) for item in items]
        lines = [(line.at, line.text) for line in jobs.lines_of(work, found)]
    if as_json:
        log = [{"at": console.moment(at), "text": text} for at, text in lines]
        console.show_json({**shape, "items": shapes, "log": log})
        return
    console.say(f"{summary(shape)} ({shape['state']})")
    if shapes:
        rows = ((s["name"], s["version"], s["state"], s["message"]) for s in shapes)
        console.show_table(("Name", "Version", "State", "Message"), rows)
    if total > len(shapes):
        console.note(f"{len(shapes):,} of {total:,}; --json lists all.")
    for at, text in lines:
        console.say(f"{console.when(at)}  {text}")


@job.command()
@click.argument("number", type=int)
@console.data_option
def cancel(*, number: int, data: Path | None) -> None:
    """Ask a job to stop; what is done stays done."""
    with console.opened(data) as runtime, runtime.writing(console.me()) as work:
        found = jobs.cancel(work, number)
        words = "is cancelled" if found.state == JobState.CANCELLED else "is asked to stop"
    console.say(f"Job {number} {words}.")


@job.command()
@click.argument("number", type=int)
@console.json_option
@console.data_option
def retry(*, number: int, as_json: bool, data: Path | None) -> None:
    """Do what failed or was not reached again, and wait for it."""
    with console.opened(data) as runtime:
        with runtime.writing(console.me()) as work:
            jobs.retry(work, number)
        ended(runtime, follow(runtime, number), as_json=as_json)


@click.command(
    epilog=console.examples(
        "PROMONTORY_WORKERS=0 promontory serve --data /srv/promontory   # a server that leaves jobs to workers",
        "promontory worker --data /srv/promontory --workers 4",
    )
)
@click.option("--workers", default=None, type=click.IntRange(1, 64), help="Jobs at once.  [the setting workers]")
@console.data_option
def worker(*, workers: int | None, data: Path | None) -> None:
    """Work on jobs and on what is scheduled, until stopped.

    Ctrl+C and SIGTERM stop it; a job under way goes on with the next worker. A server does this itself, unless its
    setting "workers" is 0.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stopped = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    with console.opened(data) as runtime:
        number = workers or runtime.settings.workers or 1
        runner = Runner(runtime, workers=number)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, stop)
        runner.start()
        console.say(f"Works on up to {console.count(number, 'job')} at once, in {runtime.settings.data}.")
        stopped.wait()
        runner.stop()
