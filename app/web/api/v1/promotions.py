"""Promotions: planned, carried out, looked up."""

from __future__ import annotations

from typing import Any

from flask import request

from app.services import history, promotions
from app.services.history import HistoryFilter, HistoryLine
from app.services.promotions import PromotionRequest, Wanted
from app.services.runtime import Work
from app.storage import models
from app.web.api.v1 import paging, schemas
from app.web.api.v1.operations import PREFIX, Call, Created, operation
from app.web.extensions import runtime


@operation("POST", "/promotions/plan", "promotions")
def plan_promotion(call: Call, body: schemas.PlanRequest) -> schemas.Plan:
    """Say what a promotion would do, and do nothing.

    Needs View and Download on the source; what else stands against it is in the plan.
    """
    drawn = promotions.plan(call.work, PromotionRequest(body.source, body.target, _items(body), body.comments))
    return schemas.Plan(
        source=drawn.source.name,
        target=drawn.target.name,
        applicable=drawn.applicable,
        fingerprint=drawn.fingerprint,
        size=drawn.size,
        items=[
            schemas.PlanItem(
                package=item.name,
                version=item.version,
                outcome=item.outcome,
                digest=item.digest,
                target_digest=item.target_digest,
                size=item.size,
                code=item.code,
                reason=item.reason,
            )
            for item in drawn.items
        ],
        objections=[schemas.Objection(code=each.code, reason=each.reason) for each in drawn.objections],
    )


@operation("POST", "/promotions", "promotions", creates=schemas.PromotionResult)
def promote(call: Call, body: schemas.NewPromotion) -> Created:
    """Promote every version that is named, or none.

    Needs Download on the source and Accept Package Promotions on the target. With the fingerprint of a plan it
    is refused (409) once that plan is no longer true; with an Idempotency-Key it happens once.
    """
    wanted = PromotionRequest(
        body.source,
        body.target,
        _items(body),
        body.comments,
        fingerprint=body.fingerprint,
        idempotency_key=request.headers.get("Idempotency-Key"),
    )
    call.end_reading()
    result = promotions.promote(runtime(), call.actor, wanted)
    made = _promotion(call.work, result.promotion.id) if result.promotion is not None else None
    location = f"{PREFIX}/promotions/{made.number}" if made is not None else f"{PREFIX}/promotions"
    answer = schemas.PromotionResult(promotion=made, repeated=result.repeated)
    return Created(answer, location, replayed=result.repeated)


def _items(body: schemas.PlanRequest) -> tuple[Wanted, ...]:
    return tuple(Wanted(item.package, item.version) for item in body.items)


@operation("GET", "/promotions", "promotions")
def list_promotions(call: Call, query: schemas.PromotionQuery) -> schemas.PromotionPage:
    """List the promotions of the feeds that one may view, the newest first."""
    wanted = HistoryFilter(
        source=query.source,
        target=query.target,
        feed=query.feed,
        format=query.format,
        text=query.text,
        person=query.user,
        since=query.since,
        until=query.until,
        before=paging.decode(query.cursor, int),
        limit=query.limit + 1,
    )
    lines, _ = history.records(call.work, wanted)
    page = lines[: query.limit]
    following = paging.encode(page[-1].promotion.id) if len(lines) > query.limit else None
    return schemas.PromotionPage(items=[_line(line) for line in page], next=following)


def _line(line: HistoryLine) -> schemas.PromotionLine:
    return schemas.PromotionLine(
        **_about(line.promotion),
        first=schemas.PromotedItem(package=line.name, version=line.version, outcome=line.outcome, digest=line.digest),
    )


@operation("GET", "/promotions/{number}", "promotions")
def get_promotion(call: Call, number: int) -> schemas.Promotion:
    """Describe a promotion with every version of it."""
    return _promotion(call.work, number)


def _promotion(work: Work, number: int) -> schemas.Promotion:
    found, items = history.get_record(work, number)
    return schemas.Promotion(
        **_about(found),
        items=[
            schemas.PromotedItem(package=item.name, version=item.version, outcome=item.outcome, digest=item.digest)
            for item in items
        ],
    )


def _about(found: models.Promotion) -> dict[str, Any]:
    return {
        "number": found.id,
        "at": found.at,
        "format": found.format,
        "source": found.source_name,
        "target": found.target_name,
        "user": found.actor,
        "comments": found.comments,
        "count": found.item_count,
    }
