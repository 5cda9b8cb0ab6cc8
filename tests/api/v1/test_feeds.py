"""Feeds and feed groups."""

from __future__ import annotations

from tests.api.conftest import ON_SQLITE
from tests.api.v1.conftest import V1

pytestmark = ON_SQLITE


def test_a_feed_is_created_shown_changed_and_deleted(v1: V1) -> None:
    body = {"name": "npm-qa", "format": "npm", "group": "Payments", "targets": ["prod"], "accepts": "promotions"}
    made = v1.post("/feeds", body)
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/feeds/npm-qa")
    assert made.json == v1.get("/feeds/NPM-qa").json
    assert made.json["created"].endswith("Z")
    assert {name: made.json[name] for name in ("group", "targets", "promoteTo", "accepts", "active")} == {
        "group": "Payments",
        "targets": ["prod"],
        "promoteTo": "list",
        "accepts": "promotions",
        "active": True,
    }
    changed = v1.change("/feeds/npm-qa", {"group": None, "name": "npm-test"}).json
    assert (changed["name"], changed["group"], changed["targets"]) == ("npm-test", None, ["prod"])
    assert v1.remove("/feeds/npm-test").status_code == 204
    assert v1.get("/feeds/npm-test").status_code == 404


def test_feeds_are_found_by_format_and_group(v1: V1) -> None:
    v1.change("/feeds/prod", {"group": "Payments"})
    assert [feed["name"] for feed in v1.everything("/feeds?format=npm")] == ["dev", "prod", "test"]
    assert [feed["name"] for feed in v1.everything("/feeds?group=payments")] == ["prod"]


def test_what_a_feed_holds_is_counted(v1: V1) -> None:
    counted = v1.get("/feeds/dev/counts").json
    assert (counted["packages"], counted["versions"], counted["downloads"]) == (2, 4, 0)
    assert v1.get("/feeds/prod/counts").json["versions"] == 0


def test_targets_that_one_may_not_view_are_not_shown(v1: V1) -> None:
    v1.change("/feeds/dev", {"targets": ["test", "prod"]})
    reader = v1.api.user("ada", ("View & Download Packages", "dev"), ("View & Download Packages", "test"))
    assert v1.get("/feeds/dev", key=reader).json["targets"] == ["test"]
    assert [feed["targets"] for feed in v1.get("/feeds", key=reader).json["items"]] == [["test"], []]


def test_a_feed_group_is_created_renamed_and_deleted_when_empty(v1: V1) -> None:
    made = v1.post("/feed-groups", {"name": "Pay ments"})
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/feed-groups/Pay%20ments")
    assert v1.post("/feed-groups", {"name": "pay MENTS"}).json["code"] == "feed-group-exists"
    assert v1.change("/feed-groups/pay ments", {"name": "Payments"}).json == {"name": "Payments", "feeds": []}
    v1.change("/feeds/prod", {"group": "Payments"})
    assert v1.get("/feed-groups/Payments").json["feeds"] == ["prod"]
    refused = v1.remove("/feed-groups/Payments")
    assert (refused.status_code, refused.json["code"]) == (409, "feed-group-in-use")
    v1.change("/feeds/prod", {"group": None})
    assert v1.remove("/feed-groups/Payments").status_code == 204
    assert v1.everything("/feed-groups") == []


def test_a_group_shows_only_what_one_may_view(v1: V1) -> None:
    for feed in ("dev", "prod"):
        v1.change(f"/feeds/{feed}", {"group": "Payments"})
    reader, stranger = v1.api.user("ada", ("View & Download Packages", "dev")), v1.api.user("eve")
    assert v1.get("/feed-groups", key=reader).json["items"] == [{"name": "Payments", "feeds": ["dev"]}]
    assert v1.get("/feed-groups", key=stranger).json["items"] == []
    assert v1.get("/feed-groups/Payments", key=stranger).status_code == 403
    assert v1.send("DELETE", "/feed-groups/Payments", key=reader, match="*").status_code == 403
