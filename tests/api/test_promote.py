"""POST /api/promotions/promote: every way to say it, and what comes back."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api

WHOLE = {"fromFeed": "dev", "toFeed": "prod", "name": "left", "version": "1.0.0", "comments": "tried for a week"}


def test_a_promotion_brings_the_version_and_answers_with_its_record(api: Api) -> None:
    answer = api.promote(comments="tried for a week")
    assert answer.status_code == 200
    assert answer.json.items() >= {**WHOLE, "id": 1, "user": "API: tests", "outcome": "add"}.items()
    assert answer.json["date"].endswith("Z")
    assert "group" not in answer.json
    assert api.held("prod", "left") == ["1.0.0"]


@pytest.mark.parametrize(
    "body",
    [
        {"fromFeed": "dev", "toFeed": "prod", "packageName": "ui", "groupName": "@acme", "version": "1.0.0"},
        {"fromFeed": "dev", "toFeed": "prod", "name": "ui", "group": "@acme", "version": "1.0.0"},
        {"fromFeed": "dev", "toFeed": "prod", "name": "ui", "group": "acme", "version": "1.0.0"},
        {"fromFeed": "dev", "toFeed": "prod", "name": "ui", "group": "%40acme", "version": "1.0.0"},
        {"fromFeed": "dev", "toFeed": "prod", "name": "@acme/ui", "version": "1.0.0"},
        {"fromFeed": "dev", "toFeed": "prod", "name": "@acme/ui", "group": None, "version": "1.0.0", "comments": None},
        {"fromFeed": "DEV", "toFeed": "Prod", "name": "@acme/ui", "group": "", "version": "1.0.0"},
        {"FromFeed": "dev", "ToFeed": "prod", "Name": "@acme/ui", "Version": "1.0.0"},
        {"fromFeed": "dev", "toFeed": "prod", "purl": "pkg:npm/%40acme/ui@1.0.0"},
        {"fromFeed": "dev", "toFeed": "prod", "purl": "pkg:npm/%40acme/ui", "version": "latest"},
        {"fromFeed": "dev", "toFeed": "prod", "purl": "pkg:npm/%40acme/ui@1.0.0", "name": "ui", "group": "acme"},
        {"fromFeed": "dev", "toFeed": "prod", "items": [{"name": "ui", "group": "@acme", "version": "1.0.0"}]},
        {"fromFeed": "dev", "toFeed": "prod", "items": [{"purl": "pkg:npm/%40acme/ui@1.0.0"}]},
    ],
)
def test_a_scoped_package_is_promoted_however_it_is_spelled(api: Api, body: dict[str, object]) -> None:
    answer = api.post("/api/promotions/promote", json=body)
    assert answer.status_code == 200, answer.text
    assert (answer.json["group"], answer.json["name"], answer.json["version"]) == ("@acme", "ui", "1.0.0")
    assert (answer.json["fromFeed"], answer.json["toFeed"]) == ("dev", "prod")
    assert api.held("prod", "@acme/ui") == ["1.0.0"]


@pytest.mark.parametrize(
    "sent",
    [
        {"data": WHOLE},
        {"data": WHOLE, "content_type": "multipart/form-data"},
        {"query_string": {"purl": "pkg:npm/left@1.0.0"}, "json": {"fromFeed": "dev", "toFeed": "prod"}},
        {"data": b'{"fromFeed":"dev","toFeed":"prod","name":"left","version":"1.0.0"}'},
        {
            "data": b'\xef\xbb\xbf {"fromFeed":"dev","toFeed":"prod","name":"left","version":"1.0.0"} ',
            "content_type": "text/plain",
        },
        {
            "data": b'{"fromFeed":"dev","toFeed":"prod","name":"left","version":"1.0.0"}',
            "content_type": "application/x-www-form-urlencoded",
        },
    ],
    ids=["form", "multipart", "purl in the query", "no content type", "byte order mark", "curl -d"],
)
def test_a_body_is_read_whatever_way_it_was_sent(api: Api, sent: dict[str, object]) -> None:
    answer = api.post("/api/promotions/promote", **sent)
    assert answer.status_code == 200, answer.text
    assert api.held("prod", "left") == ["1.0.0"]


@pytest.mark.parametrize(("alias", "version"), [("latest", "1.1.0"), ("latest-stable", "1.1.0")])
def test_an_alias_promotes_the_newest_stable_version(api: Api, alias: str, version: str) -> None:
    assert api.promote(version=alias).json["version"] == version
    assert api.held("prod", "left") == [version]


def test_a_universal_package_is_found_by_group_and_name_or_by_both_in_one(api: Api) -> None:
    from tests.fixtures import publish_sample

    publish_sample(api.runtime, "tools", "a/b/kit", "1.0.0")
    publish_sample(api.runtime, "tools", "a/b/kit", "1.1.0")
    between = {"fromFeed": "tools", "toFeed": "tools-approved"}
    first = api.promote(**between, group="a/b", name="kit", version="1.0.0")
    second = api.promote(**between, name="a/b/kit", version="1.1.0")
    assert [(each.json["group"], each.json["name"]) for each in (first, second)] == [("a/b", "kit")] * 2
    assert api.held("tools-approved", "A/B/Kit") == ["1.0.0", "1.1.0"]


def test_every_file_of_a_version_travels_and_a_qualifier_is_no_hindrance(api: Api) -> None:
    api.publish("boxes", b"parcel crate 1.0\n")
    api.publish("boxes", b"parcel crate 1.0 java\n")
    between = {"fromFeed": "boxes", "toFeed": "boxes-approved"}
    answer = api.promote("crate", "1.0", **between, qualifier="platform=java")
    assert answer.status_code == 200
    listed = api.get("/api/packages/boxes-approved/versions").json
    assert [each["qualifier"] for each in listed] == ["platform=any", "platform=java"]


def test_the_same_again_is_fine_and_writes_no_second_history_entry(api: Api) -> None:
    assert api.promote().json["outcome"] == "add"
    again = api.promote()
    assert (again.status_code, again.json["outcome"]) == (200, "unchanged")
    assert "id" not in again.json
    (entry,) = api.history(package="left")
    assert len(entry["promotions"]) == 1


def test_many_versions_are_promoted_at_once_or_not_at_all(api: Api) -> None:
    items = [{"name": "left", "version": "1.0.0"}, {"name": "@acme/ui", "version": "latest"}]
    refused = api.promote(name=None, version=None, items=[*items, {"name": "left", "version": "9.9.9"}])
    assert refused.status_code == 400
    assert "left 9.9.9 is not in dev" in refused.text
    assert api.history() == []
    done = api.promote(name=None, version=None, items=items)
    assert [(item["name"], item["outcome"]) for item in done.json["items"]] == [("left", "add"), ("ui", "add")]
    assert "name" not in done.json
    assert {entry["promotions"][0]["id"] for entry in api.history()} == {done.json["id"]}


def test_a_version_named_twice_is_promoted_once(api: Api) -> None:
    items = [{"name": "left", "version": "1.0.0"}, {"name": "left", "version": "1.0.0"}]
    assert len(api.promote(name=None, version=None, items=items).json["items"]) == 1


# Plan and fingerprint ---------------------------------------------------------------------------------


def test_a_dry_run_answers_with_the_plan_and_does_nothing(api: Api) -> None:
    body = {"fromFeed": "dev", "toFeed": "prod", "items": [{"name": "left", "version": "latest"}]}
    plans = [
        api.post("/api/promotions/promote", json={**body, "dryRun": True}).json,
        api.post("/api/promotions/plan", json=body).json,
        api.get("/api/promotions/plan?fromFeed=dev&toFeed=prod&package=left&version=latest").json,
    ]
    assert plans[0] == plans[1] == plans[2]
    assert plans[0]["applicable"] is True
    assert plans[0]["counts"]["add"] == 1
    assert plans[0]["items"][0].items() >= {"name": "left", "version": "1.1.0", "outcome": "add"}.items()
    assert api.held("prod", "left") == []


def test_a_plan_says_what_stands_against_it(api: Api) -> None:
    plan = api.get("/api/promotions/plan?fromFeed=dev&toFeed=prod&name=left&version=9.9.9").json
    assert plan["applicable"] is False
    assert plan["items"][0]["outcome"] == "missing"
    assert "9.9.9 is not in dev" in plan["items"][0]["reason"]
    wrong = api.get("/api/promotions/plan?fromFeed=dev&toFeed=tools&name=left&version=1.0.0").json
    assert [objection["code"] for objection in wrong["objections"]] == ["format-mismatch"]


def test_a_plan_names_the_right_that_is_missing_on_the_target(api: Api) -> None:
    key = api.feed_key("view", "dev", "prod")
    plan = api.get("/api/promotions/plan?fromFeed=dev&toFeed=prod&name=left&version=1.0.0", key=key).json
    assert [objection["code"] for objection in plan["objections"]] == ["right"]


def test_a_plan_that_still_stands_is_applied(api: Api) -> None:
    plan = api.post("/api/promotions/plan", json=WHOLE).json
    assert api.promote(fingerprint=plan["fingerprint"]).status_code == 200


def test_a_stale_plan_is_answered_with_a_fresh_one_that_works(api: Api) -> None:
    plan = api.post("/api/promotions/plan", json=WHOLE).json
    api.promote("@acme/ui")
    stale = api.promote(fingerprint=plan["fingerprint"])
    assert (stale.status_code, stale.content_type) == (409, "application/json")
    assert stale.json["code"] == "stale-plan"
    assert "promote again" in stale.json["error"]
    assert stale.json["plan"]["fingerprint"] != plan["fingerprint"]
    assert api.held("prod", "left") == []
    assert api.promote(fingerprint=stale.json["plan"]["fingerprint"]).status_code == 200


# Idempotency ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["body", "header"])
def test_the_same_idempotency_key_again_gives_the_first_answer(api: Api, how: str) -> None:
    body = {**WHOLE, "version": "latest", **({"idempotencyKey": "build 7"} if how == "body" else {})}
    headers = {"Idempotency-Key": "build 7"} if how == "header" else {}
    first = api.post("/api/promotions/promote", json=body, headers=headers)
    from tests.fixtures import publish_sample

    publish_sample(api.runtime, "dev", "left", "1.2.0")
    again = api.post("/api/promotions/promote", json={**body, "fromFeed": "DEV"}, headers=headers)
    assert (first.json["repeated"], again.json["repeated"]) == (False, True)
    assert {**again.json, "repeated": False} == first.json
    assert api.held("prod", "left") == ["1.1.0"]


@pytest.mark.parametrize(
    "other",
    [{"toFeed": "test"}, {"name": "@acme/ui"}, {"version": "1.1.0"}, {"items": [{"name": "left", "version": "1.1.0"}]}],
)
def test_an_idempotency_key_serves_no_other_promotion(api: Api, other: dict[str, object]) -> None:
    assert api.promote(idempotencyKey="build 7").status_code == 200
    reused = api.promote(**{"idempotencyKey": "build 7", **other})
    assert reused.status_code == 409
    assert "send a new key" in reused.text
    assert api.held("prod", "left") == ["1.0.0"]


def test_two_idempotency_keys_in_one_request_are_refused(api: Api) -> None:
    body = {**WHOLE, "idempotencyKey": "a"}
    answer = api.post("/api/promotions/promote", json=body, headers={"Idempotency-Key": "b"})
    assert answer.status_code == 400


def test_an_idempotency_key_that_is_too_long_is_refused(api: Api) -> None:
    answer = api.promote(idempotencyKey="x" * 201)
    assert answer.status_code == 400
    assert "1 to 200 characters" in answer.text


def test_two_people_may_use_one_idempotency_key(api: Api) -> None:
    api.promote(idempotencyKey="1")
    key = api.feed_key("view promote", "dev", "prod")
    assert api.promote(version="1.1.0", idempotencyKey="1", key=key).json["repeated"] is False
