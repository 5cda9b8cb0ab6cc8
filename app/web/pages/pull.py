"""The pull dialog: what would come, as a tree; and starting it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.errors import AppError, Invalid
from app.services import access, pullplans, pulls
from app.services.plans import Wanted
from app.services.pullplans import PullPlan
from app.web.extensions import runtime
from app.web.pages.promote import wanted
from app.web.pages.security.frame import save
from app.web.pages.session import current_actor, end_reading, page_work, wants_fragment

blueprint = Blueprint("pull", __name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what the address or the form asks for."""

    feed: str
    items: tuple[Wanted, ...]
    dependencies: bool
    target: str
    comments: str

    @property
    def title(self) -> str:
        """Name what is pulled."""
        first = self.items[0]
        return f"{first.name} {first.version}" if len(self.items) == 1 else f"{len(self.items)} versions"


def _asked() -> Asked:
    values = request.values
    items = tuple(wanted(text) for text in values.getlist("item"))
    feed = values.get("feed") or values.get("from") or ""
    if not items or not feed:
        raise Invalid("Select a version to pull first.", code="nothing-selected")
    dependencies = values.get("dependencies", "") == "yes"
    return Asked(feed, items, dependencies, values.get("target", ""), values.get("comments", ""))


@blueprint.get("/pull")
def dialog() -> str:
    """Show what a pull would bring."""
    return _render(_asked())


def _render(asked: Asked, notice: str = "") -> str:
    access.get_feed(page_work(), asked.feed)
    actor = current_actor()
    end_reading()
    plan = pullplans.plan(runtime(), actor, asked.feed, asked.items, with_dependencies=asked.dependencies)
    return render_template(
        "pull/fragment.html" if wants_fragment() else "pull/page.html",
        asked=asked,
        plan=plan,
        notice=notice,
        blocked=_why_not(plan),
    )


def _why_not(plan: PullPlan) -> str:
    """Say beside the button why it is disabled, or nothing."""
    roots = [node for node in plan.nodes if node.parent is None]
    if all(node.outcome in (pullplans.PullOutcome.KEPT, pullplans.PullOutcome.MISSING) for node in roots):
        return "There is nothing that could be pulled; see above."
    return "" if plan.items else f"Everything is in {plan.feed} already."


@blueprint.post("/pull")
def start() -> str | Response | tuple[str, int]:
    """Start the pull of what was shown; dependencies are looked up anew, so that none is forgotten."""
    asked = _asked()
    actor = current_actor()
    end_reading()
    try:
        plan = pullplans.plan(runtime(), actor, asked.feed, asked.items, with_dependencies=asked.dependencies)
        asked_for = pulls.request_for(plan, asked.items, asked.target, asked.comments)
        job = save(lambda work: pulls.start(work, asked_for))
    except AppError as error:
        if error.status not in (400, 409):
            raise
        return _render(asked, notice=error.message), 409
    there = url_for("jobs.show", number=job.id)
    if wants_fragment():
        answer = redirect(there, 204)
        answer.headers["HX-Redirect"] = there
        return answer
    return redirect(there)
