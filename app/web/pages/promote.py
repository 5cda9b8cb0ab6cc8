"""The promote dialog: where to, why, what will happen; and doing it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.domain.errors import AppError, Invalid
from app.domain.permissions import Permission
from app.domain.promotion import Outcome, Plan
from app.services import access, promotions
from app.services.promotions import PlanStale, PromotionRequest, TargetChoice, Wanted
from app.services.runtime import Work
from app.storage.models import Feed
from app.web.extensions import runtime
from app.web.pages.feed import may
from app.web.pages.session import current_actor, end_reading, page_work, wants_fragment

blueprint = Blueprint("promote", __name__)
_FINE = (Outcome.ADD, Outcome.UNCHANGED, Outcome.REMOTE)


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what the address or the form asks for."""

    source: str
    target: str
    items: tuple[Wanted, ...]
    comments: str

    @property
    def title(self) -> str:
        """Name what is promoted."""
        if len(self.items) == 1:
            return f"{self.items[0].name} {self.items[0].version}"
        return f"{len(self.items)} versions"


def _asked() -> Asked:
    values = request.values
    items = tuple(wanted(text) for text in values.getlist("item"))
    if not items or not values.get("from"):
        raise Invalid("Select a version to promote first.", code="nothing-selected")
    return Asked(values["from"], values.get("to", ""), items, values.get("comments", ""))


def wanted(text: str) -> Wanted:
    """Give the version that a form's ``name@version`` names; raise Invalid."""
    name, at, version = text.rpartition("@")
    if not at or not name or not version:
        raise Invalid(f"{text!r} names no version; write it as name@version.", code="invalid-item")
    return Wanted(name, version)


@blueprint.get("/promote")
def dialog() -> str:
    """Show what a promotion to the chosen target would do."""
    asked = _asked()
    return _render(asked)


def _render(asked: Asked, notice: str = "") -> str:
    work = page_work()
    source = access.get_feed(work, asked.source, Permission.DOWNLOAD_PACKAGE)
    choices = promotions.target_choices(work, source)
    target = _target(choices, asked.target)
    plan = promotions.plan(work, _request(asked, source, target)) if target is not None else None
    return render_template(
        "promote/fragment.html" if wants_fragment() else "promote/page.html",
        asked=asked,
        source=source,
        target=target,
        choices=choices,
        plan=plan,
        notice=notice,
        blocked=_why_not(plan),
        pullable=_pullable(work, source, plan),
        key=request.form.get("idempotency_key") or secrets.token_urlsafe(16),
    )


def _target(choices: list[TargetChoice], name: str) -> Feed | None:
    """Give the feed that was chosen, or the first that is offered."""
    for choice in choices:
        if choice.feed.name == name or (not name and choice.offered):
            return choice.feed
    return None


def _request(asked: Asked, source: Feed, target: Feed) -> PromotionRequest:
    return PromotionRequest(source.name, target.name, asked.items, asked.comments)


def _why_not(plan: Plan | None) -> str:
    """Say beside the button why it is disabled, or nothing."""
    if plan is None:
        return "There is no feed to promote to."
    if plan.objections:
        return "The promotion is refused; see above."
    if plan.count(Outcome.REMOTE) and all(item.outcome in _FINE for item in plan.items):
        return "What is remote is to be pulled first."
    if not plan.applicable:
        return "All or nothing: settle what is refused first."
    if not plan.additions:
        return f"Everything is in {plan.target.name} already."
    return ""


def _pullable(work: Work, source: Feed, plan: Plan | None) -> bool:
    """Tell whether pulling first is all that a promotion lacks, and whoever looks may pull."""
    if plan is None or plan.objections or not plan.count(Outcome.REMOTE):
        return False
    return all(item.outcome in _FINE for item in plan.items) and may(work, source)["pull"]


@blueprint.post("/promote")
def apply() -> str | Response | tuple[str, int]:
    """Carry the promotion out, if the plan that was shown is still true."""
    asked = _asked()
    end_reading()
    wanted = PromotionRequest(
        asked.source,
        asked.target,
        asked.items,
        asked.comments,
        fingerprint=request.form.get("fingerprint") or None,
        idempotency_key=request.form.get("idempotency_key") or None,
    )
    try:
        done = promotions.promote(runtime(), current_actor(), wanted)
    except PlanStale as stale:
        return _render(asked, notice=stale.message), stale.status
    except AppError as error:
        if error.status not in (400, 409):
            raise
        return _render(asked, notice=error.message), 409
    return _done(asked, done)


def _done(asked: Asked, done: promotions.PromotionResult) -> Response:
    if done.promotion is None:
        flash(f"{asked.title} was in {asked.target} already; nothing changed.", "info")
    else:
        record = url_for("promotions.record", number=done.promotion.id)
        link = Markup('<a href="{}">See the record</a>').format(record)
        flash(Markup("Promoted {} to {}. {}").format(asked.title, asked.target, link), "success")
    back = _page_of(asked)
    if wants_fragment():
        answer = redirect(back, 204)
        answer.headers["HX-Redirect"] = back
        del answer.headers["Location"]
        return answer
    return redirect(back)


def _page_of(asked: Asked) -> str:
    if len(asked.items) > 1:
        return url_for("feed.show", feed_name=asked.source)
    item = asked.items[0]
    return url_for("version.show", feed_name=asked.source, name=item.name, version=item.version, tab="promotions")
