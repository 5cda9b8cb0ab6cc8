"""How a key reaches the API, and what is never one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.services import keys, people
from tests.api.conftest import DENIAL, OWNER, PASSWORD, Api
from tests.fixtures import make_key

PROMOTE = "/api/promotions/promote"
BODY = {"fromFeed": "dev", "toFeed": "prod", "name": "left", "version": "1.0.0"}


@pytest.fixture
def database() -> str:
    return ""


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def ways(key: str) -> dict[str, dict[str, Any]]:
    return {
        "header": {"json": BODY, "headers": {"X-ApiKey": key}},
        "bearer": {"json": BODY, "headers": {"Authorization": f"Bearer {key}"}},
        "basic, as api": {"json": BODY, "headers": basic("api", key)},
        "query": {"json": BODY, "query_string": {"key": key}},
        "form": {"data": {**BODY, "key": key}},
        "multipart": {"data": {**BODY, "key": key}, "content_type": "multipart/form-data"},
        "JSON": {"json": {**BODY, "API_Key": key}},
        "JSON, in another case": {"json": {**BODY, "api_key": key}},
    }


@pytest.mark.parametrize("way", ways(""))
def test_a_key_is_taken_in_every_way_of_the_contract(api: Api, way: str) -> None:
    answer = api.post(PROMOTE, key="", **ways(api.key)[way])
    assert (answer.status_code, answer.json.get("user")) == (200, "API: tests"), answer.text


@pytest.mark.parametrize("way", ways(""))
def test_a_wrong_key_is_denied_however_it_was_sent(api: Api, way: str) -> None:
    answer = api.post(PROMOTE, key="", **ways("nonsense")[way])
    assert (answer.status_code, answer.text.startswith(DENIAL)) == (403, True)


@pytest.mark.parametrize("way", ["header", "query", "form", "JSON", "basic"])
def test_a_name_and_password_work_like_a_key(api: Api, way: str) -> None:
    pseudo = api.user("ann", ("View & Download Packages", "dev"), ("Promote Packages", "prod"))
    sent = {"json": BODY, "headers": basic("ANN", PASSWORD)} if way == "basic" else ways(pseudo)[way]
    answer = api.post(PROMOTE, key="", **sent)
    assert (answer.status_code, answer.json.get("user")) == (200, "ann"), answer.text


def test_the_header_counts_before_the_body(api: Api) -> None:
    assert api.post(PROMOTE, key="nonsense", json={**BODY, "API_Key": api.key}).status_code == 403


def test_a_session_cookie_authorises_nothing(api: Api) -> None:
    api.user("ann", ("Administer", ""))
    with api.runtime.reading(OWNER) as work:
        user = people.get_user(work, "ann")
        app = api.client.application
        session = app.session_interface.get_signing_serializer(app).dumps(
            {"_user_id": str(user.id), "_fresh": True, "_id": "x", "epoch": user.epoch}
        )
    api.client.set_cookie("promontory", session)
    assert api.post(PROMOTE, key="", json=BODY).status_code == 403
    answer = api.get("/api/management/feeds/list", key="")
    assert (answer.json, "Set-Cookie" in answer.headers) == ([], False)


@pytest.mark.parametrize("what", ["disabled", "expired", "deleted", "of a disabled user"])
def test_a_key_that_ended_is_denied_at_once(api: Api, what: str) -> None:
    for name in ("ann", "ben"):
        api.user(name, ("Administer", ""))
    expires = datetime.now(UTC) - timedelta(seconds=1) if what == "expired" else None
    key = make_key(api.runtime, "personal", "laptop", user="ann", expires=expires)
    if what != "expired":
        assert api.get("/api/promotions/list", key=key).status_code == 200
    with api.runtime.writing(OWNER) as work:
        row = next(each for each in keys.list_keys(work) if each.name == "laptop")
        if what == "disabled":
            row.enabled = False
        elif what == "deleted":
            keys.delete_key(work, row.id)
        elif what == "of a disabled user":
            people.set_active(work, "ann", active=False)
    assert api.get("/api/promotions/list", key=key).status_code == 403
    assert api.get("/api/packages/dev/download?name=left&version=1.0.0", key=key).status_code == 403


def test_a_download_is_not_repeated_to_somebody_else(api: Api) -> None:
    path = "/api/packages/dev/download?name=left&version=1.0.0"
    for key, status in ((api.key, 200), (api.key, 200), ("", 403), ("nonsense", 403), (api.key, 200)):
        assert api.get(path, key=key).status_code == status
    for header, status in ((basic("api", api.key), 200), (basic("api", "nonsense"), 403)):
        assert api.get(path, key="", headers=header).status_code == status


def test_guessing_passwords_is_slowed_down(api: Api) -> None:
    pseudo = api.user("ann", ("View & Download Packages", ""))
    statuses = {api.get("/api/promotions/list", key=f"ann:guess{number}").status_code for number in range(10)}
    assert statuses == {403}
    answer = api.get("/api/promotions/list", key=pseudo)
    assert (answer.status_code, "wait five minutes" in answer.text) == (429, True)
    assert api.get("/api/promotions/list").status_code == 200


def test_the_api_is_no_form_and_needs_no_token_against_forgery(api: Api) -> None:
    api.client.application.config["WTF_CSRF_ENABLED"] = True
    assert api.post(PROMOTE, data={**BODY, "key": api.key}, key="").status_code == 200
