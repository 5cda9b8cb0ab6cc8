"""Promotions: what one would do, doing it, and who let what in, when and why."""

from __future__ import annotations

from flask import request
from pydantic import Field

from app.domain import promotion as rules
from app.domain.errors import StalePlan
from app.domain.promotion import Outcome
from app.services import history, promotions
from app.services.history import HistoryFilter
from app.services.promotions import MAX_ITEMS, PlanStale, PromotionRequest, PromotionResult, Wanted
from app.storage import models as stored
from app.web.api.v1.models import Day, FeedName, Listed, Model, Moment, PackageName, Paging, Prose, Text, VersionText
from app.web.api.v1.operations import Answer, Call, Resource
from app.web.api.v1.paging import number_after, page

promotions_v1 = Resource("Promotions", "Copies of approved versions from one feed to another, and their history.")
_SOURCE = "View Feed/Package and Download Package on the source"


class PromotionItemWanted(Model):
    """Name one version to promote."""

    package: PackageName = Field(description="The package's whole name.")
    version: VersionText = Field(description="A version, `latest` or `latest-stable`.")


class PromotionWanted(Model):
    """Say what is to be promoted: all of it or nothing."""

    source: FeedName
    target: FeedName
    items: list[PromotionItemWanted] = Field(min_length=1, max_length=MAX_ITEMS)
    comments: Prose = Field(default="", description="Why; some targets want it.")


class PromotionOrder(PromotionWanted):
    """Say what is to be promoted, and by which plan."""

    fingerprint: Text | None = Field(
        default=None, description="That of the plan that was approved; if it is another by now, nothing is done (409)."
    )


class PlanItem(Model):
    """Say what would happen to one version, and why not."""

    package: str
    version: str
    outcome: Outcome
    digest: str | None = Field(description="Of the version's whole content in the source.")
    target_digest: str | None = Field(description="The same of what the target holds.")
    size: int
    code: str
    reason: str


class Objection(Model):
    """Be one reason against the whole promotion, or against one version."""

    code: str
    reason: str
    package: str | None
    version: str | None


class Plan(Model):
    """Say what a promotion would do; `fingerprint` names exactly this plan."""

    source: str
    target: str
    applicable: bool
    fingerprint: str
    size: int = Field(description="The bytes that it would add.")
    counts: dict[str, int] = Field(description="How many items have which outcome.")
    items: list[PlanItem]
    objections: list[Objection]


class Promotion(Model):
    """Be a promotion that was made; its items are read by themselves."""

    id: int
    at: Moment
    format: str
    source: str
    target: str
    actor: str
    comments: str
    fingerprint: str
    item_count: int
    items_digest: str


class PromotionDone(Model):
    """Say what came of an order; `promotion` is null where the target held everything already."""

    promotion: Promotion | None
    repeated: bool = Field(description="Whether this Idempotency-Key made it earlier.")
    added: int
    unchanged: int


class PromotionItem(Model):
    """Be one version of a promotion."""

    position: int
    package: str
    version: str
    digest: str
    outcome: Outcome


class HistoryQuery(Paging):
    """Say which promotions are wanted."""

    source: Text = Field(default="", description="From this feed.")
    target: Text = Field(default="", description="Into this feed.")
    feed: Text = Field(default="", description="From or into this feed.")
    text: Text = Field(default="", description="Words in the name of a package.")
    person: Text = Field(default="", description="A part of the name of whoever promoted.")
    since: Day = Field(default="", description="From this day on, UTC.")
    until: Day = Field(default="", description="Up to this day, UTC; it counts.")


_EXAMPLE = {"source": "npm-dev", "target": "npm-prod", "items": [{"package": "left", "version": "1.0.0"}]}


@promotions_v1.ask(
    "/promotions/plan",
    Plan,
    needs=f"{_SOURCE}; View Feed/Package on the target",
    examples={"body": _EXAMPLE},
    tagged=False,
)
def plan_promotion(call: Call, body: PromotionWanted) -> Answer:
    """Say what a promotion would do, and do nothing.

    A missing right to promote, and whatever else stands against it, is among the objections.
    """
    return Answer(_plan(promotions.plan(call.work, _request(body))))


@promotions_v1.create(
    "/promotions",
    PromotionDone,
    needs=f"{_SOURCE}; Accept Package Promotions on the target",
    also=(200,),
    tagged=False,
    examples={"body": {**_EXAMPLE, "comments": "Reviewed by the security team."}},
)
def promote(call: Call, body: PromotionOrder) -> Answer:
    """Promote all the versions of an order, or none; 200 where there was nothing left to do.

    With the `fingerprint` of a plan nothing is done if the plan has changed: 409 `stale-plan`, with the new `plan`.
    """
    try:
        done = promotions.apply(call.work, _request(body, body.fingerprint))
    except PlanStale as stale:
        shown = _plan(stale.plan).model_dump(mode="json", by_alias=True)
        raise StalePlan(stale.message, fingerprint=stale.plan.fingerprint, plan=shown) from stale
    made = done.promotion
    location = f"/promotions/{made.id}" if made is not None else ""
    return Answer(_done(done), 201 if made is not None and not done.repeated else 200, location)


@promotions_v1.get("/promotions", Listed[Promotion], needs="nothing; the list holds promotions of feeds one may view")
def list_promotions(call: Call, query: HistoryQuery) -> Answer:
    """List promotions, the newest first."""
    wanted = HistoryFilter(
        source=query.source,
        target=query.target,
        feed=query.feed,
        text=query.text,
        person=query.person,
        since=query.since,
        until=query.until,
        limit=query.limit + 1,
    )
    rows = history.page(call.work, wanted, number_after(query))
    return page(Listed[Promotion], rows, query, lambda row: row.id, _shown)


@promotions_v1.get("/promotions/{promotion}", Promotion, needs="View Feed/Package on source or target")
def get_promotion(call: Call, promotion: int) -> Answer:
    """Give a promotion."""
    return Answer(_shown(history.get_promotion(call.work, promotion)))


@promotions_v1.get(
    "/promotions/{promotion}/items", Listed[PromotionItem], needs="View Feed/Package on source or target"
)
def list_promotion_items(call: Call, promotion: int, query: Paging) -> Answer:
    """List the versions of a promotion, in its order."""
    held = history.get_promotion(call.work, promotion)
    after = number_after(query)
    rows = history.items_after(call.work, held, -1 if after is None else after, query.limit + 1)
    return page(Listed[PromotionItem], rows, query, lambda row: row.position, _item)


def _request(body: PromotionWanted, fingerprint: str | None = None) -> PromotionRequest:
    items = tuple(Wanted(item.package, item.version) for item in body.items)
    key = request.headers.get("Idempotency-Key")
    return PromotionRequest(body.source, body.target, items, body.comments, fingerprint, key)


def _plan(drawn: rules.Plan) -> Plan:
    return Plan(
        source=drawn.source.name,
        target=drawn.target.name,
        applicable=drawn.applicable,
        fingerprint=drawn.fingerprint,
        size=drawn.size,
        counts={str(outcome): drawn.count(outcome) for outcome in Outcome},
        items=[_plan_item(item) for item in drawn.items],
        objections=[
            Objection(code=each.code, reason=each.reason, package=each.name, version=each.version)
            for each in drawn.objections
        ],
    )


def _plan_item(item: rules.PlanItem) -> PlanItem:
    return PlanItem(
        package=item.name,
        version=item.version,
        outcome=item.outcome,
        digest=item.digest,
        target_digest=item.target_digest,
        size=item.size,
        code=item.code,
        reason=item.reason,
    )


def _done(done: PromotionResult) -> PromotionDone:
    made, drawn = done.promotion, done.plan
    added = drawn.count(Outcome.ADD) if drawn is not None else 0
    unchanged = drawn.count(Outcome.UNCHANGED) if drawn is not None else (made.item_count if made is not None else 0)
    shown = None if made is None else _shown(made)
    return PromotionDone(promotion=shown, repeated=done.repeated, added=added, unchanged=unchanged)


def _shown(made: stored.Promotion) -> Promotion:
    return Promotion(
        id=made.id,
        at=made.at,
        format=made.format,
        source=made.source_name,
        target=made.target_name,
        actor=made.actor,
        comments=made.comments,
        fingerprint=made.fingerprint,
        item_count=made.item_count,
        items_digest=made.items_digest,
    )


def _item(item: stored.PromotionItem) -> PromotionItem:
    return PromotionItem(
        position=item.position,
        package=item.name,
        version=item.version,
        digest=item.digest,
        outcome=Outcome(item.outcome),
    )
