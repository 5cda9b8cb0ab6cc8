"""Bodies and addresses that no honest client sends: refused in one line, and never a fault of ours."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.web.api.calls import BODY_LIMIT
from tests.api.conftest import ON_SQLITE, Api

PROMOTE = "/api/promotions/promote"
WHOLE = b'{"fromFeed":"dev","toFeed":"prod","name":"left","version":"1.0.0"}'


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The field fromFeed is missing"),
        (b"  ", "The field fromFeed is missing"),
        (b"{", "The body is no valid JSON"),
        (b'{"fromFeed": NaN}', "NaN is no JSON number"),
        (b'{"fromFeed":"dev","fromFeed":"prod"}', "a name occurs twice"),
        (b'{"fromFeed":"dev","FROMFEED":"prod"}', "occurs twice with different values"),
        (b"[]", "The body is []; send one JSON object"),
        (b'"dev"', "send one JSON object"),
        (b"null", "send one JSON object"),
        (b"\xff\xfe{\x00}\x00", "The body is no valid JSON"),
        (b'{"fromFeed":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"fromFeed":' + b"9" * 5000 + b"}", "The body is no valid JSON"),
        (b'{"fromFeed":"a\\u0000b"}', "holds NUL or half a character"),
        (b'{"fromFeed":"\\ud800"}', "holds NUL or half a character"),
        (b'{"fromFeed":{"a":1}}', "send text"),
        (b'{"items":[1]}', "The field fromFeed is missing"),
    ],
)
def test_a_malformed_body_is_refused_with_what_is_wrong(api: Api, body: bytes, sentence: str) -> None:
    answer = api.post(PROMOTE, data=body, content_type="application/json")
    assert (answer.status_code, sentence in answer.text) == (400, True), answer.text


@ON_SQLITE
def test_a_form_that_is_none_is_refused(api: Api) -> None:
    for body in (b"fromFeed=%ff%fe", b"&".join(b"a%d=1" % n for n in range(2000))):
        answer = api.post(PROMOTE, data=body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 400
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        assert api.post(PROMOTE, data=b"--x\r\nnonsense", content_type=kind).status_code == 400


@ON_SQLITE
def test_a_body_past_the_limit_is_refused(api: Api) -> None:
    large = json.dumps({"comments": "x" * BODY_LIMIT}).encode()
    assert api.post(PROMOTE, data=large).status_code == 413
    bomb = gzip.compress(b" " * (BODY_LIMIT + 1000))
    assert api.post(PROMOTE, data=bomb, headers={"Content-Encoding": "gzip"}).status_code == 413
    part = b'--x\r\nContent-Disposition: form-data; name="comments"\r\n\r\n' + b"x" * BODY_LIMIT + b"\r\n--x--\r\n"
    assert api.post(PROMOTE, data=part, content_type="multipart/form-data; boundary=x").status_code == 413


@ON_SQLITE
def test_a_gzipped_body_is_read_and_another_coding_is_refused(api: Api) -> None:
    assert api.post(PROMOTE, data=gzip.compress(WHOLE), headers={"Content-Encoding": "gzip"}).status_code == 200
    assert api.post(PROMOTE, data=b"no gzip", headers={"Content-Encoding": "gzip"}).status_code == 400
    assert api.post(PROMOTE, data=WHOLE, headers={"Content-Encoding": "br"}).status_code == 415


NUL = "a%00b"
ODD_USER = {"Authorization": "Basic " + base64.b64encode(b"a\0b:c").decode()}


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", f"/api/packages/{NUL}", {}),
        ("GET", f"/api/packages/{NUL}/latest", {}),
        ("GET", f"/api/packages/dev/versions?name={NUL}", {}),
        ("GET", f"/api/packages/dev/latest?group={NUL}", {}),
        ("GET", f"/api/packages/dev/download?name=left&version={NUL}", {}),
        ("GET", "/api/packages/dev", {"key": "", "headers": ODD_USER}),
        ("GET", "/api/packages/dev", {"key": "\xe9\xff:x"}),
        ("POST", f"/api/packages/{NUL}/upload", {"data": b"parcel a 1.0\n"}),
        ("POST", "/api/packages/dev/status?name=left&version=1.0.0", {"json": {"deprecationReason": "\ud800"}}),
        ("GET", f"/api/promotions/list?fromFeed={NUL}", {}),
        ("GET", f"/api/promotions/list?package={NUL}", {}),
        ("POST", PROMOTE, {"json": {**json.loads(WHOLE), "comments": "a\0b"}}),
        ("GET", f"/api/management/feeds/get/{NUL}", {}),
        ("DELETE", f"/api/management/feeds/delete/{NUL}", {}),
        ("POST", "/api/management/feeds/create", {"json": {"name": "a\0b", "feedType": "npm"}}),
        ("POST", "/api/management/feeds/update/dev", {"json": {"description": "a\0b"}}),
        ("POST", "/api/management/feeds/update/dev", {"json": {"promoteToFeed": ["a\0b"]}}),
    ],
)
def test_a_text_that_no_database_keeps_is_refused(api: Api, method: str, path: str, sent: dict[str, Any]) -> None:
    assert 400 <= api.send(method, path, **sent).status_code < 500


@pytest.mark.parametrize("path", [f"/npm/{NUL}/left", f"/npm/dev/{NUL}", f"/upack/tools/packages?name={NUL}"])
def test_feeds_refuse_a_text_that_no_database_keeps(api: Api, path: str) -> None:
    assert 400 <= api.client.get(path, headers={"X-ApiKey": api.key}).status_code < 500


@ON_SQLITE
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["fromFeed", "toFeed", "name", "version", "group", "purl", "items", "comments", "dryRun"]),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.text(max_size=20),
            st.sampled_from(["dev", "prod", "left", "1.0.0", "latest", "pkg:npm/left@1.0.0", "@acme", "%", "/"]),
            st.lists(st.dictionaries(st.sampled_from(["name", "version"]), st.text(max_size=5)), max_size=2),
        ),
    )
)  # fmt: skip
def test_no_body_makes_the_server_fail(api: Api, body: dict[str, Any]) -> None:
    assert api.post(PROMOTE, json=body).status_code in (200, 400)


@ON_SQLITE
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/promotions", "/api/packages", "/api/feeds/x"])
def test_an_address_that_is_none_of_ours_is_answered_in_text(api: Api, path: str) -> None:
    answer = api.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, "There is nothing at" in answer.text) == (404, True)


@ON_SQLITE
def test_a_wrong_method_is_answered_with_those_that_work(api: Api) -> None:
    answer = api.get(PROMOTE)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    assert api.send("PATCH", "/api/management/feeds/create", json={}).status_code == 405
