"""Users and groups by API: their shape, what changes, who may, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.services import access, events, grants, people
from tests.api.conftest import DENIAL, ON_SQLITE, OWNER, PASSWORD, Api
from tests.fixtures import make_key

USERS, GROUPS = "/api/security/users", "/api/security/groups"
NEW_PASSWORD = "violet harbour 9 lanterns"
ANN: dict[str, Any] = {"name": "ann", "displayName": "Ann", "email": "ann@example.org", "password": NEW_PASSWORD}
EVERY_PATH = [
    ("GET", f"{USERS}/list"),
    ("POST", f"{USERS}/add"),
    ("POST", f"{USERS}/update"),
    ("POST", f"{USERS}/delete"),
    ("DELETE", f"{USERS}/delete"),
    ("GET", f"{GROUPS}/list"),
    ("POST", f"{GROUPS}/add"),
    ("POST", f"{GROUPS}/update"),
    ("POST", f"{GROUPS}/delete"),
    ("DELETE", f"{GROUPS}/delete"),
]


def post(api: Api, path: str, **fields: Any) -> dict[str, Any]:
    answer = api.post(path, json=fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json
    return made


def listed(api: Api, path: str = USERS, **query: str) -> list[dict[str, Any]]:
    answer = api.get(f"{path}/list", query_string=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json
    return found


def names(api: Api, path: str = USERS, **query: str) -> list[str]:
    return [each["name"] for each in listed(api, path, **query)]


# Users ------------------------------------------------------------------------------------------------


def test_a_user_is_added_and_signs_in(api: Api) -> None:
    post(api, f"{GROUPS}/add", name="Leads")
    made = post(api, f"{USERS}/add", **ANN, groups=["leads", "LEADS"])
    assert made == {
        "name": "ann", "displayName": "Ann", "email": "ann@example.org", "groups": ["Leads"], "active": True
    }  # fmt: skip
    assert listed(api) == [made]
    assert api.get("/api/api-keys/list", key=f"Ann:{NEW_PASSWORD}").json == []


def test_a_user_without_a_password_cannot_sign_in_by_one(api: Api) -> None:
    made = post(api, f"{USERS}/add", name="bob")
    assert (made["displayName"], made["email"], made["groups"]) == ("", "", [])
    for guess in ("", "None", "bob"):
        assert api.get("/api/api-keys/list", key=f"bob:{guess}").status_code == 403


def test_what_is_left_out_or_null_stays(api: Api) -> None:
    post(api, f"{GROUPS}/add", name="Leads")
    before = post(api, f"{USERS}/add", **ANN, groups=["Leads"])
    assert post(api, f"{USERS}/update", name="ANN") == before
    assert post(api, f"{USERS}/update", name="ann", displayName=None, email=None, groups=None, password=None) == before
    assert post(api, f"{USERS}/update", name="ann", displayName="A.")["displayName"] == "A."
    assert post(api, f"{USERS}/update", name="ann", groups=[])["groups"] == []
    assert api.get("/api/api-keys/list", key=f"ann:{NEW_PASSWORD}").status_code == 200


def test_a_new_password_replaces_the_old_one(api: Api) -> None:
    pseudo = api.user("ann")
    assert api.get("/api/api-keys/list", key=pseudo).status_code == 200
    post(api, f"{USERS}/update", name="ann", password=NEW_PASSWORD)
    assert api.get("/api/api-keys/list", key=pseudo).status_code == 403
    assert api.get("/api/api-keys/list", key=f"ann:{NEW_PASSWORD}").status_code == 200


def test_a_user_is_disabled_and_enabled(api: Api) -> None:
    pseudo = api.user("ann")
    assert post(api, f"{USERS}/update", name="ann", active=False)["active"] is False
    assert api.get("/api/api-keys/list", key=pseudo).status_code == 403
    assert post(api, f"{USERS}/update", name="ann", active=True)["active"] is True
    assert api.get("/api/api-keys/list", key=pseudo).status_code == 200


def test_users_are_found_by_what_they_are_called(api: Api) -> None:
    post(api, f"{USERS}/add", **ANN)
    post(api, f"{USERS}/add", name="bob", displayName="Bob Ångström")
    assert names(api, **{"search-term": "ANN"}) == ["ann"]
    assert names(api, **{"search-term": "example.org"}) == ["ann"]
    assert names(api, **{"search-term": "ångs"}) == ["bob"]
    assert names(api, **{"search-term": "%"}) == []
    assert names(api, **{"search-term": ""}) == ["ann", "bob"]


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_deleting_a_user_who_is_not_there_is_no_error(api: Api, method: str) -> None:
    api.user("ann", ("Promote Packages", "prod"))
    for _ in range(2):
        assert api.send(method, f"{USERS}/delete?user=ANN").status_code == 200
    assert names(api) == []
    assert api.send(method, f"{USERS}/delete").status_code == 400


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "fields", "status", "sentence"),
    [
        ("add", {}, 400, "The field name is missing"),
        ("add", {"name": "ANN"}, 400, "There is a user 'ANN' already"),
        ("add", {"name": "a:b"}, 400, "is not possible"),
        ("add", {"name": "x" * 101}, 400, "is not possible"),
        ("add", {"name": "Anonymous"}, 400, "means a kind of people"),
        ("add", {"name": "everyone"}, 400, "means a kind of people"),
        ("add", {"name": ["ann"]}, 400, "send text"),
        ("add", {"name": "\x00"}, 400, "holds NUL"),
        ("add", {"name": "bob", "password": "sh0rt"}, 400, "too short"),
        ("add", {"name": "bob", "password": 12345678901}, 400, "The field password is no text"),
        ("add", {"name": "bob", "password": "x" * 5000}, 400, "too long"),
        ("add", {"name": "bob", "displayName": "x" * 201}, 400, "display name is too long"),
        ("add", {"name": "bob", "email": "nobody"}, 400, "is no e-mail address"),
        ("add", {"name": "bob", "groups": ["Nobodies"]}, 400, "no group 'Nobodies'"),
        ("add", {"name": "bob", "groups": [1]}, 400, "send text"),
        ("update", {"name": "bob"}, 404, "no user 'bob'"),
        ("update", {"name": "ann", "groups": ["Nobodies"]}, 400, "no group 'Nobodies'"),
        ("update", {"name": "ann", "password": "sh0rt"}, 400, "too short"),
        ("update", {"name": "ann", "active": "maybe"}, 400, "send true or false"),
        ("update", {"name": "ann", "email": "new@example.org", "active": 3}, 400, "send true or false"),
    ],
)
def test_impossible_users_are_refused_and_nothing_changes(
    api: Api, path: str, fields: dict[str, Any], status: int, sentence: str
) -> None:
    post(api, f"{USERS}/add", **ANN)
    before = listed(api)
    answer = api.post(f"{USERS}/{path}", json=fields)
    assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
    assert listed(api) == before
    assert str(fields.get("password", "\0")) not in answer.text


def test_a_password_is_in_no_answer_and_in_no_event(api: Api) -> None:
    made = api.post(f"{USERS}/add", json=ANN)
    changed = api.post(f"{USERS}/update", json={**ANN, "password": NEW_PASSWORD[::-1]})
    with api.runtime.reading(OWNER) as work:
        written = str([(event.tag, event.data) for event in work.session.query(events.Event)])
    everything = made.text + changed.text + api.get(f"{USERS}/list").text + written
    assert "user-created" in written
    assert NEW_PASSWORD not in everything
    assert NEW_PASSWORD[::-1] not in everything


# Groups -----------------------------------------------------------------------------------------------


def test_members_are_replaced_as_the_client_does_it(api: Api) -> None:
    for name in ("ann", "bob", "kim"):
        post(api, f"{USERS}/add", name=name)
    assert post(api, f"{GROUPS}/add", name="Leads") == {"name": "Leads", "users": []}
    assert post(api, f"{GROUPS}/update", name="leads", users=["ann", "BOB", "Ann"])["users"] == ["ann", "bob"]
    assert post(api, f"{GROUPS}/update", name="Leads", users=["kim"]) == {"name": "Leads", "users": ["kim"]}
    assert post(api, f"{GROUPS}/update", name="Leads")["users"] == ["kim"]
    assert post(api, f"{GROUPS}/update", name="Leads", users=[])["users"] == []
    assert post(api, f"{GROUPS}/add", name="Others", users=["ann", "ANN"])["users"] == ["ann"]
    assert listed(api, GROUPS) == [{"name": "Leads", "users": []}, {"name": "Others", "users": ["ann"]}]


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_a_group_is_deleted_with_its_permissions(api: Api, method: str) -> None:
    post(api, f"{GROUPS}/add", name="Leads")
    with api.runtime.writing(OWNER) as work:
        grants.grant(work, grants.GrantRequest("Promote Packages", group="Leads"))
    assert api.send(method, f"{GROUPS}/delete?group=leads").status_code == 200
    assert names(api, GROUPS) == []
    assert api.get("/api/security/permissions/list").json == []
    assert api.send(method, f"{GROUPS}/delete?group=leads").status_code == 404


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "fields", "status", "sentence"),
    [
        ("add", {}, 400, "The field name is missing"),
        ("add", {"name": "LEADS"}, 400, "There is a group 'LEADS' already"),
        ("add", {"name": "a/b"}, 400, "is not possible"),
        ("add", {"name": "New", "users": ["nobody"]}, 400, "no user 'nobody'"),
        ("add", {"name": "New", "users": {"a": 1}}, 400, "send text"),
        ("update", {"name": "None"}, 404, "no group 'None'"),
        ("update", {"name": "Leads", "users": ["nobody"]}, 400, "no user 'nobody'"),
    ],
)
def test_impossible_groups_are_refused(api: Api, path: str, fields: dict[str, Any], status: int, sentence: str) -> None:
    post(api, f"{GROUPS}/add", name="Leads")
    answer = api.post(f"{GROUPS}/{path}", json=fields)
    assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
    assert listed(api, GROUPS) == [{"name": "Leads", "users": []}]


# Who may ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who",
    [
        lambda api: "",
        lambda api: "nonsense",
        lambda api: api.feed_key("view add promote delete", "dev", "prod"),
        lambda api: make_key(api.runtime, "system", "feeds", rights=["feeds"]),
        lambda api: api.user("kim", ("Manage Feed", "")),
    ],
    ids=["nobody", "wrong key", "feed key", "key for feeds", "manager of feeds"],
)
def test_only_who_may_configure_sees_or_changes_people(api: Api, who: Any) -> None:
    secret = who(api)
    before = listed(api)
    for method, path in EVERY_PATH:
        fields = {"name": "kim", "user": "kim", "group": "kim", "password": NEW_PASSWORD}
        answer = api.send(method, path, key=secret, json=fields if method == "POST" else None, query_string={})
        assert (answer.status_code, answer.text.startswith(DENIAL)) == (403, True), path
    assert listed(api) == before


@pytest.mark.parametrize("of_a", ["person", "personal key"])
def test_an_administrator_may(api: Api, of_a: str) -> None:
    secret = api.user("sam", ("Administer", ""))
    if of_a == "personal key":
        secret = make_key(api.runtime, "personal", "laptop", user="sam")
    assert api.post(f"{USERS}/add", key=secret, json=ANN).status_code == 200
    assert names(api) == ["ann", "sam"]


def test_the_last_administrator_stays(api: Api) -> None:
    api.user("sam")
    post(api, f"{GROUPS}/add", name="Admins", users=["sam"])
    with api.runtime.writing(OWNER) as work:
        grants.grant(work, grants.GrantRequest("Administer", group="Admins"))
    for path, fields in [
        (f"{USERS}/update", {"name": "sam", "groups": []}),
        (f"{USERS}/update", {"name": "sam", "active": False}),
        (f"{USERS}/delete", {"user": "sam"}),
        (f"{GROUPS}/update", {"name": "Admins", "users": []}),
        (f"{GROUPS}/delete", {"group": "Admins"}),
    ]:
        answer = api.post(path, json=fields)
        assert (answer.status_code, "nobody could administer" in answer.text) == (400, True), path
    with api.runtime.reading(OWNER) as work:
        assert [user.name for user in access.holders(work, access.Permission.CONFIGURE)] == ["sam"]
        assert people.get_user(work, "sam").active


def test_people_are_not_changed_by_get(api: Api) -> None:
    api.user("ann")
    for action in ("add", "update", "delete"):
        answer = api.get(f"{USERS}/{action}?user=ann&name=ann")
        assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True)
    assert PASSWORD not in api.get(f"{USERS}/list").text
    assert names(api) == ["ann"]
