"""Promotions: plans, orders, history."""

from __future__ import annotations

from typing import Any

from app.services.runtime import Runtime
from tests.api.conftest import ON_SQLITE
from tests.api.v1.conftest import V1
from tests.fixtures import publish_sample


def order(*versions: str, **more: Any) -> dict[str, Any]:
    items = [{"package": "left", "version": version} for version in versions or ("1.0.0",)]
    return {"source": "dev", "target": "prod", "items": items, **more}


def test_what_was_planned_is_done_and_recorded(v1: V1) -> None:
    plan = v1.post("/promotions/plan", order("1.0.0", "latest")).json
    assert (plan["applicable"], plan["counts"]["add"]) == (True, 2)
    assert v1.everything("/feeds/prod/packages") == []
    done = v1.post("/promotions", order("1.0.0", "latest", comments="fine", fingerprint=plan["fingerprint"]))
    assert (done.status_code, done.json["added"], done.json["repeated"]) == (201, 2, False)
    made = done.json["promotion"]
    assert done.headers["Location"] == f"/api/v1/promotions/{made['id']}"
    assert made == v1.get(f"/promotions/{made['id']}").json
    assert (made["actor"], made["comments"], made["itemCount"]) == ("API: tests", "fine", 2)
    items = v1.everything(f"/promotions/{made['id']}/items", limit=1)
    assert [(item["version"], item["outcome"]) for item in items] == [("1.0.0", "add"), ("1.1.0", "add")]
    assert v1.api.held("prod", "left") == ["1.0.0", "1.1.0"]


def test_an_order_whose_plan_has_changed_is_refused_with_the_new_plan(v1: V1, runtime: Runtime) -> None:
    plan = v1.post("/promotions/plan", order("latest")).json
    publish_sample(runtime, "dev", "left", "1.2.0")
    stale = v1.post("/promotions", order("latest", fingerprint=plan["fingerprint"]))
    assert (stale.status_code, stale.json["code"]) == (409, "stale-plan")
    assert stale.json["plan"]["items"][0]["version"] == "1.2.0"
    assert v1.post("/promotions", order("latest", fingerprint=stale.json["fingerprint"])).status_code == 201


def test_the_same_order_again_does_nothing(v1: V1) -> None:
    first = v1.post("/promotions", order(), repeat="one")
    again = v1.post("/promotions", order(), repeat="one")
    assert (first.status_code, again.status_code, first.data) == (201, 201, again.data)
    other = v1.post("/promotions", order("1.1.0"), repeat="one")
    assert (other.status_code, other.json["code"]) == (422, "idempotency-mismatch")
    unchanged = v1.post("/promotions", order())
    assert (unchanged.status_code, unchanged.json["promotion"], unchanged.json["unchanged"]) == (200, None, 1)
    assert len(v1.everything("/promotions")) == 1


def test_history_comes_in_pages_newest_first_and_filtered(v1: V1) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        v1.post("/promotions", order(version))
    v1.post("/promotions", order("1.0.0", target="test"))
    ids = [promotion["id"] for promotion in v1.everything("/promotions", limit=1)]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 4
    assert len(v1.everything("/promotions?target=TEST")) == 1
    assert len(v1.everything("/promotions?feed=prod&text=lef&person=test&since=2020-01-01")) == 3
    assert v1.everything("/promotions?text=right") == []
    assert v1.everything("/promotions?until=2020-01-01") == []
    assert v1.get("/promotions?since=2020-02-31").json["code"] == "invalid-date"


@ON_SQLITE
def test_history_shows_only_feeds_that_one_may_view(v1: V1) -> None:
    made = v1.post("/promotions", order()).json["promotion"]["id"]
    stranger = v1.api.user("eve", ("View & Download Packages", "tools"))
    assert v1.get("/promotions", key=stranger).json["items"] == []
    for path in (f"/promotions/{made}", f"/promotions/{made}/items", "/promotions/999"):
        assert v1.get(path, key=stranger).json["code"] == "unknown-promotion"


@ON_SQLITE
def test_a_missing_right_is_an_objection_of_the_plan_and_a_refusal_of_the_order(v1: V1) -> None:
    reader = v1.api.user("ada", *(("View & Download Packages", feed) for feed in ("dev", "prod")))
    plan = v1.post("/promotions/plan", order(), key=reader).json
    assert [objection["code"] for objection in plan["objections"]] == ["right"]
    refused = v1.post("/promotions", order(), key=reader)
    assert (refused.status_code, refused.json["permission"]) == (403, "Feeds_AcceptPackagePromotions")


@ON_SQLITE
def test_a_version_that_is_not_there_is_refused(v1: V1) -> None:
    answer = v1.post("/promotions", order("9.9.9"))
    assert (answer.status_code, answer.json["code"]) == (400, "missing")
    assert v1.post("/promotions", {**order(), "items": []}).status_code == 422
