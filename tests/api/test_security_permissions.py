"""Tasks, attributes and permissions by API: their shape, what they do, who may, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.permissions import Permission
from app.services import people
from tests.api.conftest import DENIAL, ON_SQLITE, OWNER, Api
from tests.fixtures import make_feeds, make_key

TASKS, PERMISSIONS = "/api/security/tasks", "/api/security/permissions"
ATTRIBUTES = "/api/security/attributes/list"
VIEW, PROMOTE = "View & Download Packages", "Promote Packages"
CUSTOM: dict[str, Any] = {
    "name": "Approve",
    "description": "Let packages in",
    "feedScoped": False,
    "attributes": ["Feeds_AcceptPackagePromotions", "Feeds_ViewFeed"],
}
EVERY_PATH = [
    ("GET", ATTRIBUTES),
    ("GET", f"{TASKS}/list"),
    ("POST", f"{TASKS}/add"),
    ("POST", f"{TASKS}/update"),
    ("POST", f"{TASKS}/delete"),
    ("DELETE", f"{TASKS}/delete"),
    ("GET", f"{PERMISSIONS}/list"),
    ("POST", f"{PERMISSIONS}/add"),
    ("POST", f"{PERMISSIONS}/delete"),
    ("DELETE", f"{PERMISSIONS}/delete"),
]


def post(api: Api, path: str, **fields: Any) -> dict[str, Any]:
    answer = api.post(path, json=fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json
    return made


def listed(api: Api, path: str) -> list[dict[str, Any]]:
    answer = api.get(path if path.endswith("/list") else f"{path}/list")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json
    return found


# Tasks ------------------------------------------------------------------------------------------------


def test_every_attribute_is_listed(api: Api) -> None:
    found = {each["name"]: each["feedScoped"] for each in listed(api, ATTRIBUTES)}
    assert set(found) == {permission.value for permission in Permission}
    assert len(found) == 21
    assert (found["Feeds_ViewFeed"], found["Admin_ManageFeed"], found["Admin_ConfigureProGet"]) == (True, True, False)


def test_the_built_in_tasks_are_those_of_the_contract(api: Api) -> None:
    found = {each["name"]: each for each in listed(api, TASKS)}
    assert {name: each["feedScoped"] for name, each in found.items()} == {
        "Administer": False,
        "Manage Feed": True,
        "Manage Projects": False,
        PROMOTE: True,
        "Publish Packages": True,
        VIEW: True,
    }
    assert found[VIEW]["attributes"] == ["Feeds_DownloadPackage", "Feeds_ViewFeed"]
    assert len(found["Administer"]["attributes"]) == 21


def test_a_task_is_added_changed_and_deleted(api: Api) -> None:
    made = post(api, f"{TASKS}/add", **CUSTOM)
    assert made == {**CUSTOM, "feedScoped": True, "builtIn": False}
    changed = post(api, f"{TASKS}/update", name="approve", attributes=["projects_view"])
    assert changed == {**made, "attributes": ["Projects_View"], "feedScoped": False}
    assert post(api, f"{TASKS}/update", name="Approve", description="")["attributes"] == ["Projects_View"]
    assert api.post(f"{TASKS}/delete?task=APPROVE").status_code == 200
    assert api.send("DELETE", f"{TASKS}/delete?task=Approve").status_code == 404
    assert len(listed(api, TASKS)) == 6


def test_a_task_of_one_s_own_lets_people_do_what_it_says(api: Api) -> None:
    ann = api.user("ann", (VIEW, "dev"))
    post(api, f"{TASKS}/add", **CUSTOM)
    assert api.promote(key=ann).status_code == 403
    post(api, f"{PERMISSIONS}/add", task="Approve", user="ann", feed="prod")
    assert api.promote(key=ann).status_code == 200


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "fields", "status", "sentence"),
    [
        ("add", {}, 400, "The field name is missing"),
        ("add", {"name": "New"}, 400, "at least one attribute"),
        ("add", {"name": "New", "attributes": []}, 400, "at least one attribute"),
        ("add", {"name": "New", "attributes": ["Fly"]}, 400, "no attribute 'Fly'"),
        ("add", {"name": "New", "attributes": ["Feeds_ViewFeed", "x" * 10_000]}, 400, "no attribute 'xxx"),
        ("add", {"name": "New", "attributes": [5]}, 400, "send text"),
        ("add", {"name": "administer", "attributes": ["Feeds_ViewFeed"]}, 400, "There is a task 'administer' already"),
        ("add", {"name": "a/b", "attributes": ["Feeds_ViewFeed"]}, 400, "is not possible"),
        ("add", {"name": "New", "attributes": ["Feeds_ViewFeed"], "description": "x" * 2001}, 400, "too long"),
        ("update", {"name": "Nothing", "attributes": ["Feeds_ViewFeed"]}, 404, "no task 'Nothing'"),
        ("update", {"name": "Administer", "attributes": ["Feeds_ViewFeed"]}, 400, "built in"),
        ("update", {"name": VIEW, "description": "x"}, 400, "built in"),
        ("delete", {"task": "Administer"}, 400, "built in"),
        ("delete", {"task": "Nothing"}, 404, "no task 'Nothing'"),
        ("delete", {}, 400, "The field task is missing"),
    ],
)
def test_impossible_tasks_are_refused(api: Api, path: str, fields: dict[str, Any], status: int, sentence: str) -> None:
    before = listed(api, TASKS)
    answer = api.post(f"{TASKS}/{path}", json=fields)
    assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
    assert listed(api, TASKS) == before


# Permissions ------------------------------------------------------------------------------------------


def test_permissions_in_every_form(api: Api) -> None:
    make_feeds(api.runtime, "npm", "grouped", group="Team")
    api.user("ann")
    post(api, "/api/security/groups/add", name="Leads")
    post(api, f"{PERMISSIONS}/add", task=VIEW, user="anonymous", deny=False)
    post(api, f"{PERMISSIONS}/add", task="promote packages", group="LEADS", feedGroup="team", user=None, feed=None)
    last = post(api, f"{PERMISSIONS}/add", task=PROMOTE, user="ann", group="", feed="PROD", feedGroup="", deny=True)
    found = listed(api, PERMISSIONS)
    assert found[-1] == last
    assert [{name: value for name, value in each.items() if name != "id"} for each in found] == [
        {"user": "Anonymous", "task": VIEW, "deny": False},
        {"group": "Leads", "task": PROMOTE, "feedGroup": "Team", "deny": False},
        {"user": "ann", "task": PROMOTE, "feed": "prod", "deny": True},
    ]
    assert all(isinstance(each["id"], int) for each in found)


@pytest.mark.parametrize("kind", ["Anonymous", "Everyone", "Authenticated"])
def test_kinds_of_people_are_named_as_users(api: Api, kind: str) -> None:
    assert post(api, f"{PERMISSIONS}/add", task=VIEW, user=kind.upper(), feed="dev")["user"] == kind
    ann, path = api.user("ann"), "/api/packages/dev/versions?name=left"
    assert (api.get(path, key="").status_code == 200) is (kind != "Authenticated")
    assert (api.get(path, key=ann).status_code == 200) is (kind != "Anonymous")


def test_a_user_of_such_a_name_is_not_taken_for_everybody(api: Api) -> None:
    api.user("old")
    with api.runtime.writing(OWNER) as work:
        # From before such names were refused.
        old = people.get_user(work, "old")
        old.name = old.key = "everyone"
    answer = api.post(f"{PERMISSIONS}/add", json={"task": "Administer", "user": "Everyone"})
    assert (answer.status_code, "rename the user" in answer.text) == (400, True)
    assert listed(api, PERMISSIONS) == []


def test_the_same_permission_again_is_the_one_that_is_there(api: Api) -> None:
    sent = {"task": VIEW, "user": "Everyone", "feed": "dev"}
    assert post(api, f"{PERMISSIONS}/add", **sent) == post(api, f"{PERMISSIONS}/add", **sent)
    assert len(listed(api, PERMISSIONS)) == 1
    post(api, f"{PERMISSIONS}/add", **sent, deny=True)
    assert len(listed(api, PERMISSIONS)) == 2


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_a_permission_is_taken_back(api: Api, method: str) -> None:
    number = post(api, f"{PERMISSIONS}/add", task=VIEW, user="Anonymous", feed="dev")["id"]
    assert api.get("/api/packages/dev/versions?name=left", key="").status_code == 200
    assert api.send(method, f"{PERMISSIONS}/delete?permissionId={number}").status_code == 200
    assert api.get("/api/packages/dev/versions?name=left", key="").status_code == 403
    assert api.send(method, f"{PERMISSIONS}/delete?permissionId={number}").status_code == 404


@ON_SQLITE
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "The field task is missing"),
        ({"task": VIEW}, "names one user, one group"),
        ({"task": VIEW, "user": "ann", "group": "Leads"}, "names one user, one group"),
        ({"task": VIEW, "user": "Everyone", "group": "Leads"}, "names one user, one group"),
        ({"task": VIEW, "user": "nobody"}, "no user 'nobody'"),
        ({"task": VIEW, "group": "Nobodies"}, "no group 'Nobodies'"),
        ({"task": "Fly", "user": "ann"}, "no task 'Fly'"),
        ({"task": VIEW, "user": "ann", "feed": "nowhere"}, "no feed 'nowhere'"),
        ({"task": VIEW, "user": "ann", "feedGroup": "nowhere"}, "no feed group 'nowhere'"),
        ({"task": VIEW, "user": "ann", "feed": "dev", "feedGroup": "Team"}, "one feed, one feed group"),
        ({"task": VIEW, "user": "ann", "deny": "perhaps"}, "send true or false"),
        ({"task": VIEW, "user": ["ann"]}, "send text"),
    ],
)
def test_impossible_permissions_are_refused(api: Api, fields: dict[str, Any], sentence: str) -> None:
    api.user("ann")
    answer = api.post(f"{PERMISSIONS}/add", json=fields)
    assert (answer.status_code, sentence in answer.text) == (400, True), answer.text
    assert listed(api, PERMISSIONS) == []


@ON_SQLITE
@pytest.mark.parametrize("number", ["", "x", "0", "-1", "1e3", "9" * 40, "2147483648"])
def test_a_number_that_is_none_takes_nothing_back(api: Api, number: str) -> None:
    api.user("ann", (VIEW, "dev"))
    assert api.post(f"{PERMISSIONS}/delete?permissionId={number}").status_code == 400
    assert len(listed(api, PERMISSIONS)) == 1


def test_the_last_administrator_is_neither_restricted_nor_forgotten(api: Api) -> None:
    api.user("sam", ("Administer", ""))
    (only,) = listed(api, PERMISSIONS)
    answers = [
        api.post(f"{PERMISSIONS}/delete?permissionId={only['id']}"),
        api.post(f"{PERMISSIONS}/add", json={"task": "Administer", "user": "sam", "deny": True}),
    ]
    assert [(each.status_code, "nobody could administer" in each.text) for each in answers] == [(400, True)] * 2
    assert listed(api, PERMISSIONS) == [only]


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
def test_only_who_may_configure_sees_or_changes_rights(api: Api, who: Any) -> None:
    secret = who(api)
    post(api, f"{TASKS}/add", **CUSTOM)
    before = listed(api, TASKS), listed(api, PERMISSIONS)
    for method, path in EVERY_PATH:
        fields = {**CUSTOM, "name": "Approve", "task": "Approve", "user": "Everyone", "permissionId": 1}
        answer = api.send(method, path, key=secret, json=fields if method == "POST" else None)
        assert (answer.status_code, answer.text.startswith(DENIAL)) == (403, True), path
    assert (listed(api, TASKS), listed(api, PERMISSIONS)) == before


def test_an_administrator_may(api: Api) -> None:
    sam = api.user("sam", ("Administer", ""))
    assert api.post(f"{TASKS}/add", key=sam, json=CUSTOM).status_code == 200
    assert api.post(f"{PERMISSIONS}/add", key=sam, json={"task": "Approve", "user": "Everyone"}).status_code == 200
    with api.runtime.reading(OWNER) as work:
        assert [user.name for user in people.list_users(work)] == ["sam"]
