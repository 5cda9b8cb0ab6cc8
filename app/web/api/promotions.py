"""Promote by API: plan, promote and query history, in the vendor's shapes and with a few members of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Response, request

from app.domain.errors import Invalid, InvalidPackage, NotFound
from app.domain.permissions import Permission
from app.domain.promotion import Objection, Outcome, Plan, PlanItem
from app.plugin.format import FeedFormat
from app.plugin.web import json_response
from app.services import access, history, promotions
from app.services.history import HistoryFilter, HistoryLine
from app.services.promotions import PlanStale, PromotionRequest, PromotionResult, Wanted
from app.services.runtime import Actor, Work
from app.storage.models import Promotion
from app.web.api.answers import CredentialsWanted, as_bad_request, make_blueprint, moment
from app.web.api.calls import Call, Fields, receive, without_nothing
from app.web.api.identifiers import GROUPS, NAMES, has_groups, version_in
from app.web.extensions import runtime

blueprint = make_blueprint("promotions", "/api/promotions")
_EVERYTHING = 1_000_000_000


# Promote ----------------------------------------------------------------------------------------------


@blueprint.post("/promote", strict_slashes=False)
def promote() -> Response:
    """Promote one version, or all of ``items`` or none; with ``dryRun`` answer with the plan.

    Ours beside the contract: items, dryRun, fingerprint (409 with a fresh plan once it is stale) and
    idempotencyKey (also as the header Idempotency-Key).
    """
    call = receive()
    with as_bad_request(NotFound):
        wanted, format = _wanted(call)
        if call.fields.flag("dryRun"):
            return json_response(_plan(promotions.plan(call.work, wanted), format))
        call.end_reading()
        try:
            result = promotions.promote(runtime(), call.actor, wanted)
        except PlanStale as stale:
            return _stale(stale, format)
        return json_response(_answer(call.work, wanted, result, format))


@blueprint.route("/plan", methods=["GET", "POST"], strict_slashes=False)
def plan() -> Response:
    """Say what a promotion would do, and do nothing; takes what ``promote`` takes."""
    call = receive()
    with as_bad_request(NotFound):
        wanted, format = _wanted(call)
        return json_response(_plan(promotions.plan(call.work, wanted), format))


def _wanted(call: Call) -> tuple[PromotionRequest, FeedFormat]:
    fields = call.fields
    source, target = fields.required("fromFeed"), fields.required("toFeed")
    format = call.work.get_format(access.get_feed(call.work, source).format)
    wanted = PromotionRequest(
        source,
        target,
        tuple(_items(fields, format)),
        fields.text("comments"),
        fields.text("fingerprint") or None,
        _idempotency_key(fields),
    )
    return wanted, format


def _items(fields: Fields, format: FeedFormat) -> Iterator[Wanted]:
    listed = fields.objects("items")
    for each in [fields] if listed is None else listed:
        meant = version_in(each, format)
        yield Wanted(meant.name, meant.version)


def _idempotency_key(fields: Fields) -> str | None:
    in_body, in_header = fields.text("idempotencyKey"), request.headers.get("Idempotency-Key", "")
    if in_body and in_header and in_body != in_header:
        raise Invalid("The idempotency keys in the header and in the body differ; send one of them.")
    return in_body or in_header or None


# Answers ----------------------------------------------------------------------------------------------


def _answer(work: Work, wanted: PromotionRequest, result: PromotionResult, format: FeedFormat) -> dict[str, Any]:
    done = result.promotion
    about = _unrecorded(work.actor, wanted, result) if done is None else _record(done)
    items = list(_done_items(work, result, format))
    single = items[0] if len(items) == 1 else {}
    return without_nothing(
        {
            **about,
            **{name: single.get(name) for name in ("group", "name", "version", "outcome")},
            "repeated": result.repeated,
            "items": items,
        }
    )


def _record(done: Promotion) -> dict[str, Any]:
    return {
        "fromFeed": done.source_name,
        "toFeed": done.target_name,
        "id": done.id,
        "date": moment(done.at),
        "user": done.actor,
        "comments": done.comments,
    }


def _unrecorded(actor: Actor, wanted: PromotionRequest, result: PromotionResult) -> dict[str, Any]:
    """Describe a request that found everything in place already: there is no history entry to speak of."""
    drawn = result.plan
    source, target = (drawn.source.name, drawn.target.name) if drawn else (wanted.source, wanted.target)
    return {"fromFeed": source, "toFeed": target, "user": actor.name, "comments": wanted.comments}


def _done_items(work: Work, result: PromotionResult, format: FeedFormat) -> Iterator[dict[str, Any]]:
    if result.plan is not None:
        for item in result.plan.items:
            yield _item(format, item.name, item.version, item.outcome, item.digest)
    elif result.promotion is not None:
        for row in history.get_record(work, result.promotion.id)[1]:
            yield _item(format, row.name, row.version, row.outcome, row.digest)


def _item(format: FeedFormat, full_name: str, version: str, outcome: str, digest: str | None) -> dict[str, Any]:
    named = {**_name(format, full_name), "version": version, "outcome": str(outcome), "digest": digest}
    return without_nothing(named)


def _name(format: FeedFormat | None, full_name: str) -> dict[str, str]:
    group, name = format.split_name(full_name) if format else ("", full_name)
    return {"group": group, "name": name} if group else {"name": name}


def _plan(drawn: Plan, format: FeedFormat) -> dict[str, Any]:
    return {
        "fromFeed": drawn.source.name,
        "toFeed": drawn.target.name,
        "applicable": drawn.applicable,
        "fingerprint": drawn.fingerprint,
        "size": drawn.size,
        "counts": {str(outcome): drawn.count(outcome) for outcome in Outcome},
        "items": [_plan_item(item, format) for item in drawn.items],
        "objections": [_objection(objection) for objection in drawn.objections],
    }


def _plan_item(item: PlanItem, format: FeedFormat) -> dict[str, Any]:
    found = _item(format, item.name, item.version, item.outcome, item.digest)
    against = {"targetDigest": item.target_digest, "code": item.code or None, "reason": item.reason or None}
    return {**found, "size": item.size, **without_nothing(against)}


def _objection(objection: Objection) -> dict[str, Any]:
    return without_nothing({"code": objection.code, "reason": objection.reason})


def _stale(stale: PlanStale, format: FeedFormat) -> Response:
    body = {"error": stale.message, "code": stale.code, "plan": _plan(stale.plan, format)}
    return json_response(body, stale.status)


# History ----------------------------------------------------------------------------------------------


@blueprint.get("/list", strict_slashes=False)
def list_promotions() -> Response:
    """Give the promotion history by version, newest first; every filter is optional and narrows it."""
    call = receive()
    _check_reader(call)
    versions: dict[tuple[str, str, str], dict[str, Any]] = {}
    for line in _lines(call):
        known = (line.promotion.format, line.name, line.version)
        versions.setdefault(known, _version(line))["promotions"].append(_record(line.promotion))
    return json_response(list(versions.values()))


def _check_reader(call: Call) -> None:
    """Ask nobody known for credentials where there is nothing for them to see."""
    visible = {feed.key for feed in access.visible_feeds(call.work)}
    named = [call.fields.text(name).casefold() for name in ("fromFeed", "toFeed")]
    hidden = not visible or any(name and name not in visible for name in named)
    if call.actor.anonymous and hidden:
        raise CredentialsWanted("The promotion history needs credentials; send an API key.")
    if not visible:
        access.require(call.work, Permission.VIEW_FEED)


def _lines(call: Call) -> Iterator[HistoryLine]:
    for wanted, format in _searches(call):
        for line in history.versions(call.work, wanted)[0]:
            if line.outcome != Outcome.UNCHANGED and _is_meant(call.fields, format, line.name):
                yield line


def _searches(call: Call) -> Iterator[tuple[HistoryFilter, FeedFormat | None]]:
    fields = call.fields
    between = HistoryFilter(fields.text("fromFeed"), fields.text("toFeed"), limit=_EVERYTHING)
    if not any(fields.text(*names) for names in (NAMES, GROUPS, ("version",))):
        yield between, None
        return
    for format in runtime().plugins.formats.values():
        if fields.text(*GROUPS) and not has_groups(format):
            continue
        try:
            yield replace(between, format=format.key, **_keys(fields, format)), format
        except InvalidPackage:
            continue  # What is no name or version of a format was never promoted in it.


def _keys(fields: Fields, format: FeedFormat) -> dict[str, Any]:
    package, group, version = fields.text(*NAMES), fields.text(*GROUPS), fields.text("version")
    keys: dict[str, Any] = {"version_key": format.version_key(version)} if version else {}
    full_name = format.join_name(group, package)
    if package and (group or not has_groups(format) or format.split_name(full_name)[0]):
        keys["name_key"] = format.name_key(full_name)
    elif package:
        keys["text"] = package
    return keys


def _is_meant(fields: Fields, format: FeedFormat | None, full_name: str) -> bool:
    """Tell whether a promoted package is one that the filters mean: a bare name means it in every group."""
    package, group = fields.text(*NAMES), fields.text(*GROUPS)
    if format is None or not (package or group):
        return True
    held_name = format.split_name(full_name)[1]
    if group and not _same(format, format.join_name(group, held_name), full_name):
        return False
    if not package or group:
        return True
    return _same(format, format.join_name("", package), full_name) or _same(format, package, held_name)


def _same(format: FeedFormat, one: str, other: str) -> bool:
    try:
        return format.name_key(one) == format.name_key(other)
    except InvalidPackage:
        return False


def _version(line: HistoryLine) -> dict[str, Any]:
    format = runtime().plugins.formats.get(line.promotion.format)
    named = _name(format, line.name)
    groups = {"groupName": named["group"], "group": named["group"]} if "group" in named else {}
    return {
        "packageName": named["name"],
        "package": named["name"],
        **groups,
        "packageType": format.purl_type if format else line.promotion.format,
        "version": line.version,
        "promotions": [],
    }
