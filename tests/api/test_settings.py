"""Settings by API, and the health of the server in all its forms."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import open_runtime
from app.settings import Settings, load_settings
from app.web import create_app
from tests.api.conftest import DENIAL, ON_SQLITE, Api
from tests.fixtures import make_key

LIST, SET = "/api/settings/list", "/api/settings/set"


def test_every_setting_is_listed_with_what_the_client_requires(api: Api) -> None:
    found = {each["name"]: each for each in api.get(f"{LIST}?showAll=True").json}
    assert set(found) == set(Settings.model_fields)
    assert all(set(each) == {"name", "value", "description", "valueType"} for each in found.values())
    assert all(isinstance(each["value"], str) and each["description"] for each in found.values())
    assert (found["threads"]["valueType"], found["threads"]["value"]) == ("Integer", "4")
    assert (found["key_in_query"]["valueType"], found["key_in_query"]["value"]) == ("Boolean", "false")
    assert found["host"]["valueType"] == "Text"


def test_what_only_conformance_suites_need_is_hidden(api: Api) -> None:
    names = {each["name"] for each in api.get(f"{LIST}?showAll=False").json}
    assert set(Settings.model_fields) - names == {"test_hooks"}


def test_no_secret_is_shown(data: Path) -> None:
    opened = open_runtime(load_settings(data=data, port=0))
    elsewhere = "postgresql+psycopg://prm:s3cr3t-w0rds@db.example/prm"
    opened = replace(opened, settings=load_settings(data=data, port=0, database=elsewhere, secret_key="k3y-w0rds"))
    key = make_key(opened, "system", "tests")
    answer = create_app(opened).test_client().get(LIST, headers={"X-ApiKey": key})
    opened.database.close()
    assert answer.status_code == 200
    assert "postgresql+psycopg://prm:***@db.example/prm" in answer.text
    assert "s3cr3t-w0rds" not in answer.text
    assert "k3y-w0rds" not in answer.text


@ON_SQLITE
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("name=threads&value=8", "write it into promontory.toml"),
        ("name=plugins&value=/tmp", "PROMONTORY_PLUGINS"),
        ("name=Fly&value=1", "no setting 'Fly'"),
        ("value=1", "The field name is missing"),
    ],
)
def test_no_setting_is_changed_from_afar(api: Api, query: str, sentence: str) -> None:
    before = api.get(LIST).json
    answer = api.post(f"{SET}?{query}")
    assert (answer.status_code, sentence in answer.text) == (400, True), answer.text
    assert api.get(LIST).json == before


@pytest.mark.parametrize(
    "who",
    [
        lambda api: "",
        lambda api: api.feed_key("view", "dev"),
        lambda api: make_key(api.runtime, "system", "feeds", rights=["feeds"]),
        lambda api: api.user("kim", ("Manage Feed", "")),
    ],
)
def test_only_who_may_configure_sees_the_settings(api: Api, who: Any) -> None:
    secret = who(api)
    for answer in (api.get(LIST, key=secret), api.post(f"{SET}?name=threads&value=1", key=secret)):
        assert (answer.status_code, answer.text.startswith(DENIAL)) == (403, True)


# Health -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", "/health?format=json", "/health/json"])
@pytest.mark.parametrize("well", [True, False])
def test_health_as_json_with_its_status(api: Api, path: str, well: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.api.health._database_answers", lambda: well)
    accept = {} if path == "/health" else {"Accept": "text/plain"}
    answer = api.client.get(path, headers=accept)
    assert (answer.status_code, answer.content_type) == (200 if well else 500, "application/json")
    health = json.loads(answer.text)
    assert health["databaseStatus"] == ("OK" if well else "Error")
    assert {health["licenseStatus"], health["serviceStatus"]} == {"OK"}
    assert health["versionNumber"] == health["releaseNumber"]


@pytest.mark.parametrize(("well", "status", "text"), [(True, 200, "OK"), (False, 500, "Error")])
def test_health_as_text(api: Api, well: bool, status: int, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.api.health._database_answers", lambda: well)
    answer = api.client.get("/health", headers={"Accept": "text/plain"})
    assert (answer.status_code, answer.text, answer.mimetype) == (status, text, "text/plain")


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "text/html,*/*;q=0.8", "text/plain;q=0.5,application/json"]
)
def test_health_is_json_for_whoever_takes_it(api: Api, accept: str) -> None:
    assert api.client.get("/health", headers={"Accept": accept}).mimetype == "application/json"


def test_a_wrong_key_does_not_make_the_server_unwell(api: Api) -> None:
    assert api.client.get("/health", headers={"X-ApiKey": "nonsense"}).status_code == 200
