"""Pull versions into a feed, and promote them when everything is here."""

from __future__ import annotations

from app.domain.errors import Conflict
from app.jobs.context import Item, ItemProgress, JobContext
from app.jobs.kinds import JobKind, Skipped
from app.services import promotions, pullplans, pulls
from app.services.jobs import NewItem
from app.services.plans import PromotionRequest, Wanted
from app.storage.models import Job


class Pulling(JobKind):
    """Pull each item; with a target, promote all of what was asked for afterwards, or nothing."""

    key = pulls.KIND

    def run(self, context: JobContext) -> None:
        """Pull what is left."""
        if context.data.get("withDependencies"):
            _add_dependencies(context)
        pull_each(context)
        if context.data.get("target"):
            context.result = _promote(context)


def pull_each(context: JobContext) -> None:
    """Pull every item that is left."""

    def one(item: Item, progress: ItemProgress) -> str:
        new = pulls.pull(
            context.runtime,
            context.actor,
            context.feed_name,
            item.name,
            item.version,
            announce=progress.expect,
            sink=progress.came,
        )
        if not new:
            raise Skipped("It is in the feed already.")
        return "Pulled."

    context.each(one)


def _add_dependencies(context: JobContext) -> None:
    """Find what installing the items takes, and pull that too; after a restart only what is not there yet."""
    asked = context.items()
    known = {(item.name, item.version) for item in asked}
    wanted = [Wanted(item.name, item.version) for item in asked]
    if not wanted:
        return
    plan = pullplans.plan(context.runtime, context.actor, context.feed_name, wanted, with_dependencies=True)
    more = [node for node in plan.items if (node.name, node.version) not in known]
    context.add([NewItem(node.name, node.version, node.size) for node in more])
    for node in plan.obstacles:
        context.log(f"{node.name} {node.range}: {node.reason}")


def _promote(context: JobContext) -> str:
    with context.runtime.reading(context.actor) as work:
        job = work.session.get_one(Job, context.id)
        failed, total = job.failed, job.total
    if failed:
        raise Conflict(f"{failed:,} of {total:,} could not be pulled, so nothing was promoted; try again.")
    target = str(context.data["target"])
    request = PromotionRequest(
        context.feed_name,
        target,
        tuple(Wanted(name, version) for name, version in context.data["promote"]),
        str(context.data.get("comments", "")),
        idempotency_key=f"job-{context.id}",
    )
    done = promotions.promote(context.runtime, context.actor, request)
    if done.promotion is None:
        return f"Everything was in {target} already."
    return f"Promoted to {target} as no. {done.promotion.id}."
