"""What all operations share: pages, conditions, repeats, refusals, credentials."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.services.clock import utc_now
from app.storage.models import Repeat
from app.web.api.v1.contents import OPERATIONS, RESOURCES
from app.web.api.v1.documents import document
from app.web.api.v1.operations import Operation
from tests.api.conftest import ON_SQLITE, OWNER
from tests.api.v1.conftest import V1

NEW = {"name": "npm-qa", "format": "npm"}


def test_a_list_comes_in_pages_that_miss_and_repeat_nothing(v1: V1) -> None:
    names = [feed["name"] for feed in v1.everything("/feeds", limit=2)]
    assert names == ["boxes", "boxes-approved", "dev", "prod", "test", "tools", "tools-approved"]


def test_a_page_links_to_the_next(v1: V1) -> None:
    answer = v1.get("/feeds?limit=3&format=npm")
    assert "Link" not in answer.headers
    first = v1.get("/feeds?limit=1&format=npm")
    address = first.headers["Link"].split(";")[0].strip("<>")
    assert address.startswith("/api/v1/feeds?limit=1&format=npm&cursor=")
    assert [feed["name"] for feed in v1.get(address.removeprefix("/api/v1")).json["items"]] == ["prod"]


@pytest.mark.parametrize("cursor", ["x", "WzFd", "W10", "é", "WyJcdTAwMDAiXQ", "bnVsbA"])
@ON_SQLITE
def test_a_cursor_of_somebody_else_is_refused(v1: V1, cursor: str) -> None:
    answer = v1.get("/feeds", query_string={"cursor": cursor})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=2.0", "/limit"),
        ("what=1", "/what"),
        ("limit=1&limit=2", "/limit"),
    ],
)
@ON_SQLITE
def test_a_query_that_does_not_fit_is_named(v1: V1, query: str, pointer: str) -> None:
    answer = v1.get(f"/feeds?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "schema")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/format"]),
        ({**NEW, "name": 1}, ["/name"]),
        ({**NEW, "targets": ["dev", "a b"]}, ["/targets/1"]),
        ({**NEW, "x/y~z": 1}, ["/x~1y~0z"]),
        ({**NEW, "active": "true"}, ["/active"]),
        ({**NEW, "description": None}, ["/description"]),
        ([], [""]),
    ],
)
@ON_SQLITE
def test_every_field_that_does_not_fit_is_named(v1: V1, body: object, pointers: list[str]) -> None:
    answer = v1.post("/feeds", body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == pointers


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"data": "{}"}, 415, "unsupported-media-type"),
        ({"data": "{", "content_type": "application/json"}, 400, "invalid"),
        ({"data": '{"name": 1, "name": 2}', "content_type": "application/json"}, 400, "invalid"),
        ({"data": b" " * 16_800_000, "content_type": "application/json"}, 413, "too-large"),
        (
            {"data": "{}", "content_type": "application/json", "headers": {"Content-Encoding": "br"}},
            415,
            "unsupported-coding",
        ),
    ],
)
@ON_SQLITE
def test_a_body_that_cannot_be_read_is_refused(v1: V1, sent: dict[str, object], status: int, code: str) -> None:
    answer = v1.send("POST", "/feeds", **sent)
    assert (answer.status_code, answer.json["code"]) == (status, code)


# Conditions -------------------------------------------------------------------------------------------


@ON_SQLITE
def test_whoever_has_it_already_is_sent_nothing(v1: V1) -> None:
    tag = v1.get("/feeds/dev").headers["ETag"]
    answer = v1.get("/feeds/dev", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)


@ON_SQLITE
def test_a_change_says_what_it_saw(v1: V1) -> None:
    refused = v1.send("PATCH", "/feeds/dev", json={"description": "x"})
    assert (refused.status_code, refused.json["code"]) == (428, "if-match-required")
    first = v1.get("/feeds/dev").headers["ETag"]
    changed = v1.send("PATCH", "/feeds/dev", json={"description": "x"}, match=first)
    assert (changed.status_code, changed.json["description"]) == (200, "x")
    late = v1.send("PATCH", "/feeds/dev", json={"description": "y"}, match=first)
    assert (late.status_code, late.json["code"]) == (412, "changed-meanwhile")
    again = v1.send("PATCH", "/feeds/dev", json={"description": "y"}, match=changed.headers["ETag"])
    assert again.json["description"] == v1.get("/feeds/dev").json["description"] == "y"


@ON_SQLITE
def test_a_star_matches_whatever_is_there(v1: V1) -> None:
    assert v1.send("DELETE", "/feeds/dev", match="*").status_code == 204
    assert v1.send("DELETE", "/feeds/dev", match="*").status_code == 404


# Repeats ----------------------------------------------------------------------------------------------


def test_the_same_create_again_gives_the_same_answer(v1: V1) -> None:
    first, second = (v1.post("/feeds", NEW, repeat="one") for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.data == second.data
    for header in ("Location", "ETag"):
        assert first.headers[header] == second.headers[header]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert v1.post("/feeds", NEW).status_code == 409


def test_a_key_is_good_for_one_request_only(v1: V1) -> None:
    assert v1.post("/feeds", NEW, repeat="one").status_code == 201
    for path, body in (("/feeds", {**NEW, "name": "other"}), ("/feed-groups", {"name": "npm-qa"})):
        answer = v1.post(path, body, repeat="one")
        assert (answer.status_code, answer.json["code"]) == (422, "idempotency-mismatch")


@ON_SQLITE
def test_a_key_of_one_caller_is_none_of_another(v1: V1) -> None:
    admin = v1.api.user("ada", ("Administer", ""))
    assert v1.post("/feeds", NEW, repeat="one").status_code == 201
    assert v1.post("/feeds", {**NEW, "name": "other"}, repeat="one", key=admin).status_code == 201


@ON_SQLITE
def test_what_was_refused_may_be_tried_again_under_its_key(v1: V1) -> None:
    assert v1.post("/feeds", {**NEW, "name": "dev"}, repeat="one").status_code == 409
    assert v1.send("DELETE", "/feeds/dev", match="*").status_code == 204
    assert v1.post("/feeds", {**NEW, "name": "dev"}, repeat="one").status_code == 201


def test_after_a_day_a_key_is_new(v1: V1) -> None:
    assert v1.post("/feed-groups", {"name": "first"}, repeat="one").status_code == 201
    with v1.runtime.writing(OWNER) as work:
        for repeat in work.session.query(Repeat):
            repeat.at = utc_now() - timedelta(hours=25)
    assert v1.post("/feed-groups", {"name": "second"}, repeat="one").status_code == 201
    assert [group["name"] for group in v1.everything("/feed-groups")] == ["first", "second"]


def test_of_two_at_once_one_does_it(v1: V1, app: Flask) -> None:
    headers = {"X-ApiKey": v1.api.key, "Idempotency-Key": "one"}

    def create(_: int) -> int:
        return app.test_client().post("/api/v1/feeds", json=NEW, headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(create, range(8)))
    assert 201 in found
    assert set(found) <= {201, 409}
    assert len([feed for feed in v1.everything("/feeds") if feed["name"] == "npm-qa"]) == 1


# Credentials ------------------------------------------------------------------------------------------


@ON_SQLITE
def test_nobody_is_asked_for_credentials(v1: V1) -> None:
    answer = v1.get("/feeds/dev", key="")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Promontory"'
    assert v1.get("/feeds", key="").json == {"items": [], "next": None}


@ON_SQLITE
def test_a_missing_right_is_named_with_who_can_grant_it(v1: V1) -> None:
    v1.api.user("boss", ("Administer", ""))
    reader = v1.api.user("ada", ("View & Download Packages", "dev"))
    answer = v1.send("PATCH", "/feeds/dev", json={}, key=reader, match="*")
    assert answer.status_code == 403
    told = {name: answer.json[name] for name in ("code", "permission", "feed", "granters")}
    assert told == {"code": "forbidden", "permission": "Admin_ManageFeed", "feed": "dev", "granters": ["boss"]}


@ON_SQLITE
def test_a_session_opens_nothing(v1: V1) -> None:
    v1.api.user("ada", ("Administer", ""))
    form = {"name": "ada", "password": "a long password"}
    v1.client.post("/sign-in", data=form)
    assert v1.get("/feeds/dev", key="").status_code == 401


@ON_SQLITE
def test_what_is_not_there_is_a_problem_too(v1: V1) -> None:
    assert v1.get("/nothing").status_code == 404
    answer = v1.send("POST", "/feeds/dev", json={})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, PATCH")


# The document -----------------------------------------------------------------------------------------

OWN = {"openapi", "docs"}


@ON_SQLITE
def test_every_route_is_in_the_document_and_the_other_way_round(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1")]
    served = {
        (method, rule.endpoint.removeprefix("api_v1."))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (method.upper(), each["operationId"]) for path in document()["paths"].values() for method, each in path.items()
    }
    assert served - {("GET", name) for name in OWN} == described
    assert len(described) == len(OPERATIONS)


@ON_SQLITE
def test_the_document_is_served_to_anybody_once(v1: V1) -> None:
    answer = v1.get("/openapi.json", key="")
    assert answer.json == document()
    assert v1.get("/openapi.json", key="", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@ON_SQLITE
def test_the_page_shows_every_operation_and_schema_without_inline_code(v1: V1) -> None:
    answer = v1.get("/docs", key="")
    assert answer.content_type == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in answer.text
    for link in set(re.findall(r'href="#([^"]+)"', answer.text)):
        assert f'id="{link}"' in answer.text
    assert not re.search(r"<style|style=|<script>|\son\w+=|https?://(?!localhost)", answer.text)


@ON_SQLITE
def test_a_number_that_nothing_can_have_is_not_there(v1: V1) -> None:
    for method in ("GET", "DELETE"):
        for number in (0, 2**31, 10**30):
            assert v1.send(method, f"/grants/{number}").status_code == 404


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body], ids=lambda each: each.name)
def test_examples_fit_their_schemas(operation: Operation) -> None:
    operation.body.model_validate_json(json.dumps(operation.examples["body"]), strict=True)


@ON_SQLITE
def test_the_commands_of_the_documentation_have_addresses(app: Flask) -> None:
    text = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    lines = [line for line in text.replace("\\\n", "").splitlines() if line.startswith("curl")]
    adapter = app.url_map.bind("localhost")
    for line in lines:
        path = re.search(r"\$SERVER(/api/v1[^\s\"?]+)", line)[1]
        method = re.search(r"-X (\w+)", line)
        adapter.match(path, method=method[1] if method else "POST" if " -d " in line else "GET")
    assert len(lines) >= len(RESOURCES)


@pytest.mark.parametrize("key", ["x" * 201, "a b", "\xe9"])
@ON_SQLITE
def test_a_key_that_could_be_garbled_on_its_way_is_refused(v1: V1, key: str) -> None:
    assert v1.post("/feeds", NEW, repeat=key).json["code"] == "idempotency-key"
