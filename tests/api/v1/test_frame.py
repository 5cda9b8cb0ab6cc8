"""What all operations share: pages, validators, idempotency keys, problems, and a description that is complete."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.services.runtime import Actor
from app.storage.models import Answered
from app.web.api.v1.document import describe
from app.web.api.v1.operations import OPERATIONS, PREFIX
from tests.api.v1.conftest import V1
from tests.fixtures import make_key

# Lists ------------------------------------------------------------------------------------------------


def test_lists_are_read_page_by_page_without_gap_or_repetition(v1: V1) -> None:
    for number in range(7):
        v1.ok("POST", "/users", json={"name": f"user{number}"})
    for path, count in (("/users", 7), ("/feeds", 3), ("/tasks", 6), ("/formats", 4), ("/events", 16)):
        for limit in (1, 2, 5, 200):
            found = v1.all(path, limit)
            assert len({json.dumps(item) for item in found}) == len(found) >= count, path
    assert [user["name"] for user in v1.all("/users")] == [f"user{number}" for number in range(7)]
    numbers = [event["number"] for event in v1.all("/events", 3)]
    assert numbers == list(range(max(numbers), 0, -1))
    assert [each["version"] for each in v1.all("/feeds/dev/versions?package=left", 1)] == [
        "2.0.0-rc.1",
        "1.1.0",
        "1.0.0",
    ]
    assert [each["name"] for each in v1.all("/feeds/dev/packages", 1)] == ["left", "right"]


def test_a_page_goes_on_where_it_was_though_things_came_and_went(v1: V1) -> None:
    for name in ("ann", "ben", "cas", "dan"):
        v1.ok("POST", "/users", json={"name": name})
    first = v1.ok("GET", "/users?limit=2")
    v1.ok("DELETE", "/users/ann")
    v1.ok("POST", "/users", json={"name": "abe"})
    rest = v1.ok("GET", f"/users?limit=2&cursor={first['next']}")
    assert [user["name"] for user in rest["items"]] == ["cas", "dan"]


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0x", "WzFd", "bnVsbA", "W10", "WzEsMl0", "WzEuNV0", "W3RydWVd", "é"])
def test_a_cursor_that_is_not_ours_is_refused(v1: V1, cursor: str) -> None:
    problem = v1.refused(400, "GET", "/users", query_string={"cursor": cursor})
    assert problem["code"] == "invalid-cursor"


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "1e3", ""])
def test_a_limit_is_a_number_within_bounds(v1: V1, limit: str) -> None:
    problem = v1.refused(422, "GET", f"/users?limit={limit}")
    assert problem["errors"][0]["pointer"] == "/query/limit"


# Validators -------------------------------------------------------------------------------------------


def test_an_answer_that_did_not_change_is_not_sent_again(v1: V1) -> None:
    first = v1.send("GET", "/feeds/dev")
    tag = first.headers["ETag"]
    again = v1.send("GET", "/feeds/dev", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    v1.ok("PATCH", "/feeds/dev", json={"description": "for trying"})
    assert v1.send("GET", "/feeds/dev", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/feeds/dev", {"description": "mine"}),
        ("/groups/crew", {"members": []}),
        ("/tasks/own", {"description": "mine"}),
    ],
)
def test_two_people_do_not_overwrite_each_other(v1: V1, path: str, change: dict[str, Any]) -> None:
    v1.ok("POST", "/users", json={"name": "ann"})
    v1.ok("POST", "/groups", json={"name": "crew", "members": ["ann"]})
    v1.ok("POST", "/tasks", json={"name": "own", "attributes": ["Feeds_ViewFeed"]})
    tag = v1.send("GET", path).headers["ETag"]
    assert v1.send("PATCH", path, json=change, headers={"If-Match": tag}).status_code == 200
    for method in ("PATCH", "DELETE"):
        sent = {"json": change} if method == "PATCH" else {}
        problem = v1.refused(412, method, path, headers={"If-Match": tag}, **sent)
        assert problem["code"] == "changed-meanwhile"
    fresh = v1.send("GET", path).headers["ETag"]
    assert v1.send("DELETE", path, headers={"If-Match": f'"other", {fresh}'}).status_code == 204


# Idempotency ------------------------------------------------------------------------------------------

CREATIONS = [
    ("/feeds", {"name": "new", "format": "npm"}),
    ("/users", {"name": "new"}),
    ("/groups", {"name": "new"}),
    ("/tasks", {"name": "new", "attributes": ["Feeds_ViewFeed"]}),
    ("/grants", {"task": "Administer", "principal": "authenticated"}),
    ("/keys", {"type": "system", "name": "new"}),
    ("/promotions", {"source": "dev", "target": "prod", "items": [{"package": "left", "version": "1.0.0"}]}),
]


@pytest.mark.parametrize(("path", "body"), CREATIONS)
def test_a_creation_that_is_sent_twice_happens_once(v1: V1, path: str, body: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "one"}
    before = len(v1.all(path, 200))
    first = v1.send("POST", path, json=body, headers=headers)
    again = v1.send("POST", path, json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201), first.text + again.text
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(v1.all(path, 200)) == before + 1
    if path == "/keys":
        assert first.get_json()["secret"].startswith("prm_")
        assert "secret" not in again.get_json()
    elif path != "/promotions":
        assert first.get_json() == again.get_json()
    assert v1.client.get(first.headers["Location"], headers={"X-ApiKey": v1.key}).status_code == 200


def test_an_idempotency_key_is_for_one_request_of_one_person_and_a_day(v1: V1) -> None:
    headers = {"Idempotency-Key": "one"}
    v1.ok("POST", "/users", json={"name": "ann"}, headers=headers)
    for path, body in (("/users", {"name": "ben"}), ("/groups", {"name": "ann"})):
        assert v1.refused(422, "POST", path, json=body, headers=headers)["code"] == "idempotency-mismatch"
    other = make_key(v1.runtime, "system", "other")
    v1.ok("POST", "/users", json={"name": "ben"}, headers=headers, key=other)
    with v1.runtime.writing(Actor("sam")) as work:
        for row in work.session.query(Answered):
            row.at -= timedelta(hours=25)
    v1.ok("POST", "/users", json={"name": "cas"}, headers=headers)


def test_what_was_refused_is_not_remembered(v1: V1) -> None:
    headers = {"Idempotency-Key": "one"}
    v1.refused(409, "POST", "/feeds", json={"name": "dev", "format": "npm"}, headers=headers)
    v1.ok("DELETE", "/feeds/dev")
    assert v1.send("POST", "/feeds", json={"name": "dev", "format": "npm"}, headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["x" * 201, "with\ttab"])
def test_an_impossible_idempotency_key_is_refused(v1: V1, key: str) -> None:
    v1.refused(400, "POST", "/users", json={"name": "ann"}, headers={"Idempotency-Key": key})


# Problems ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": 1}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "ann", "nickname": "a"}, "/nickname"),
        ({"name": "ann", "groups": "crew"}, "/groups"),
        ({"name": "ann", "groups": ["crew", 2]}, "/groups/1"),
        ([], ""),
        ("ann", ""),
    ],
)
def test_what_is_no_instance_of_its_schema_is_named_by_its_place(v1: V1, body: Any, pointer: str) -> None:
    problem = v1.refused(422, "POST", "/users", json=body)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert v1.all("/users") == []


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": NaN}', b'{"name":"a","name":"b"}', b"\xff", b"[" * 10_000])
def test_what_is_no_json_is_refused(v1: V1, body: bytes) -> None:
    v1.refused(400, "POST", "/users", data=body, content_type="application/json")


def test_only_json_is_read(v1: V1) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        v1.refused(415, "POST", "/users", data=b'{"name":"ann"}', content_type=kind)


def test_a_password_that_was_sent_wrongly_is_not_repeated(v1: V1) -> None:
    answer = v1.send("POST", "/users", json={"name": "ann", "password": ["my secret pass"]})
    assert (answer.status_code, "my secret" in answer.text) == (422, False)


def test_a_missing_right_says_which_where_and_who_can_help(v1: V1) -> None:
    v1.ok("POST", "/users", json={"name": "ann"})
    v1.ok("POST", "/users", json={"name": "cas"})
    v1.ok("POST", "/grants", json={"task": "Administer", "user": "cas"})
    v1.ok("POST", "/grants", json={"task": "View & Download Packages", "user": "ann", "feed": "dev"})
    key = make_key(v1.runtime, "personal", "laptop", user="ann")
    problem = v1.refused(403, "PATCH", "/feeds/dev", json={"description": "x"}, key=key)
    assert (problem["permission"], problem["feed"], problem["granters"]) == ("Admin_ManageFeed", "dev", ["cas"])
    anonymous = v1.send("GET", "/feeds/dev", key="")
    assert (anonymous.status_code, anonymous.headers["WWW-Authenticate"][:5]) == (401, "Basic")


def test_unknown_addresses_and_methods_are_problems(v1: V1) -> None:
    v1.refused(404, "GET", "/nothing/here")
    assert v1.refused(405, "PUT", "/users", json={})["methods"]


def test_a_cookie_authorises_nothing(v1: V1) -> None:
    assert v1.send("GET", "/users", key="", headers={"Cookie": "promontory=anything"}).status_code == 401


# The description --------------------------------------------------------------------------------------


def test_the_description_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(describe()).validate()


def test_every_route_is_described_and_every_description_is_a_route(app: Flask) -> None:
    served = {
        (method, rule.rule.replace("<int:", "<").replace("<", "{").replace(">", "}").removeprefix(PREFIX))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(method.upper(), path) for path, methods in describe()["paths"].items() for method in methods}
    assert served - {("GET", "/openapi.json")} == described
    assert len({made.name for made in OPERATIONS}) == len(OPERATIONS)


def test_every_operation_says_what_it_is_for() -> None:
    for methods in describe()["paths"].values():
        for about in methods.values():
            assert len(about["summary"]) > 10
            assert about["tags"]
            assert {"400", "401", "403", "404", "422"} <= set(about["responses"])
