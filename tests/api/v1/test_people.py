"""Users, groups, tasks, grants, privileges, keys and events."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from app.services.clock import utc_now
from tests.api.conftest import ON_SQLITE
from tests.api.v1.conftest import V1

pytestmark = ON_SQLITE
ADA = {"name": "ada", "displayName": "Ada Lovelace", "email": "ada@example.org"}


def test_a_user_is_created_found_changed_and_deleted(v1: V1) -> None:
    made = v1.post("/users", {**ADA, "password": "correct horse battery"})
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/users/ada")
    assert made.json["hasPassword"] is True
    assert "correct horse" not in made.text
    assert made.json == v1.get("/users/ADA").json
    assert [user["name"] for user in v1.everything("/users?text=lovelace")] == ["ada"]
    v1.post("/groups", {"name": "crew"})
    assert v1.change("/users/ada", {"groups": ["crew"], "active": False}).json["groups"] == ["crew"]
    assert v1.get("/users/ada").json["active"] is False
    assert v1.get("/groups/crew").json == {"name": "crew", "members": ["ada"]}
    assert v1.remove("/users/ada").status_code == 204
    assert v1.get("/users/ada").json["code"] == "unknown-user"


def test_a_password_is_set_by_its_user_and_by_administrators(v1: V1) -> None:
    ada, eve = v1.api.user("ada"), v1.api.user("eve")
    body = {"password": "another long phrase"}
    assert v1.send("PUT", "/users/ada/password", json=body, key=eve).status_code == 403
    assert v1.send("PUT", "/users/ada/password", json=body, key=ada).status_code == 200
    assert v1.get("/keys", key=ada).status_code == 401
    assert v1.get("/keys", key="ada:another long phrase").status_code == 200
    assert v1.send("PUT", "/users/ada/password", json={"password": "and one more phrase"}).status_code == 200


def test_strangers_learn_of_no_people(v1: V1) -> None:
    v1.api.user("ada")
    eve = v1.api.user("eve")
    for path in (
        "/users",
        "/users/ada",
        "/users/nobody",
        "/groups",
        "/groups/x",
        "/tasks",
        "/tasks/Administer",
        "/events",
    ):
        assert v1.get(path, key=eve).status_code == 403, path
    assert v1.get("/grants/1", key=eve).status_code == v1.get("/grants/99", key=eve).status_code == 403
    answer = v1.send("PUT", "/users/nobody/password", json={"password": "x"}, key=eve)
    assert answer.json["code"] == "forbidden"


def test_groups_and_tasks_ask_what_was_seen(v1: V1) -> None:
    v1.api.user("ada")
    v1.post("/groups", {"name": "crew", "members": ["ada"]})
    v1.post("/tasks", {"name": "Look", "attributes": ["Feeds_ViewFeed"]})
    for path in ("/groups/crew", "/tasks/Look"):
        assert v1.send("PATCH", path, json={"name": "x"}).status_code == 428
        assert v1.send("DELETE", path, match='"x"').status_code == 412
    assert v1.change("/groups/crew", {"members": [], "name": "team"}).json == {"name": "team", "members": []}
    changed = v1.change("/tasks/Look", {"attributes": ["Feeds_ViewFeed", "Feeds_DownloadPackage"]})
    assert changed.json["attributes"] == ["Feeds_DownloadPackage", "Feeds_ViewFeed"]
    assert v1.change("/tasks/Administer", {"name": "x"}).json["code"] == "built-in-task"
    assert v1.remove("/groups/team").status_code == v1.remove("/tasks/Look").status_code == 204


def test_lists_of_people_and_rights_come_in_pages(v1: V1) -> None:
    for name in ("ada", "bob", "cy"):
        v1.api.user(name, ("Publish Packages", "dev"), ("Promote Packages", "prod"))
        v1.post("/groups", {"name": f"{name}s"})
    assert [user["name"] for user in v1.everything("/users")] == ["ada", "bob", "cy"]
    assert [group["name"] for group in v1.everything("/groups")] == ["adas", "bobs", "cys"]
    assert len(v1.everything("/tasks")) == 6
    numbers = [grant["id"] for grant in v1.everything("/grants")]
    assert numbers == sorted(numbers)
    assert len(numbers) == 6


def test_a_task_is_granted_restricted_explained_and_taken_back(v1: V1) -> None:
    ada = v1.api.user("ada")
    made = v1.post("/grants", {"task": "Promote Packages", "user": "ada", "feed": "prod"})
    assert made.json == v1.get(made.headers["Location"].removeprefix("/api/v1")).json
    assert (made.json["user"], made.json["feed"], made.json["deny"]) == ("ada", "prod", False)
    (promoting,) = [
        each
        for each in v1.everything("/privileges?kind=user&name=ada&feed=prod", limit=3)
        if each["permission"] == "Feeds_AcceptPackagePromotions"
    ]
    assert (promoting["allowed"], promoting["grant"]) == (True, made.json)
    assert "no-source" in [finding["code"] for finding in v1.everything("/grants/findings")]
    why = v1.get("/privileges/own?permission=Feeds_AcceptPackagePromotions&feed=prod", key=ada).json
    assert (why["allowed"], why["decidedBy"]) == (True, made.json)
    assert v1.send("DELETE", f"/grants/{made.json['id']}").status_code == 204
    assert v1.get("/privileges/own?permission=Feeds_ViewFeed&feed=prod", key=ada).json["allowed"] is False
    wrong = v1.post("/grants", {"task": "Promote Packages", "user": "ada", "principal": "everyone"})
    assert (wrong.status_code, wrong.json["code"]) == (400, "invalid")


def test_a_manager_sees_and_makes_grants_of_their_feeds_only(v1: V1) -> None:
    boss = v1.api.user("boss", ("Manage Feed", "dev"))
    v1.api.user("ada", ("Publish Packages", "dev"), ("Publish Packages", "prod"))
    assert {grant["feed"] for grant in v1.get("/grants", key=boss).json["items"]} == {"dev"}
    ids = {grant["feed"]: grant["id"] for grant in v1.everything("/grants") if grant["user"] == "ada"}
    assert v1.get(f"/grants/{ids['dev']}", key=boss).status_code == 200
    assert v1.get(f"/grants/{ids['prod']}", key=boss).status_code == 403
    body = {"task": "Publish Packages", "principal": "everyone"}
    assert v1.post("/grants", {**body, "feed": "dev"}, key=boss).status_code == 201
    assert v1.post("/grants", {**body, "feed": "prod"}, key=boss).status_code == 403


def test_a_key_is_shown_once_and_logs_its_uses(v1: V1, app: Flask) -> None:
    body = {"kind": "feed", "name": "build", "feeds": ["dev"], "rights": ["view", "add"]}
    made = v1.post("/keys", body, repeat="one").json
    secret = made.pop("secret")
    assert v1.get(f"/keys/{made['id']}").json == made
    again = v1.post("/keys", body, repeat="one")
    assert again.json == {**made, "secret": None}
    assert secret not in v1.get("/keys").text
    for _ in range(3):
        assert v1.get("/feeds/dev", key=secret).status_code == 200
    app.extensions["promontory.serving"].flush()
    uses = v1.everything(f"/keys/{made['id']}/uses")
    assert [(use["method"], use["path"], use["status"]) for use in uses] == [("GET", "/api/v1/feeds/dev", 200)] * 3
    disabled = v1.change(f"/keys/{made['id']}", {"enabled": False, "expires": "2099-01-01T00:00:00+01:00"}).json
    assert (disabled["enabled"], disabled["expires"]) == (False, "2098-12-31T23:00:00.000Z")
    assert v1.change(f"/keys/{made['id']}", {"expires": None}).json["expires"] is None
    assert v1.get("/feeds/dev", key=secret).status_code == 401
    assert v1.remove(f"/keys/{made['id']}").status_code == 204


def test_a_key_makes_no_keys_unless_it_may_do_everything(v1: V1) -> None:
    key = v1.api.feed_key("view", "dev")
    body = {"kind": "feed", "name": "heir", "feeds": ["dev"], "rights": ["view"]}
    assert v1.post("/keys", body, key=key).status_code == 403
    past = (utc_now() - timedelta(days=1)).isoformat()
    assert v1.post("/keys", {**body, "expires": past}).json["code"] == "key-expired"
    ada = v1.api.user("ada")
    assert v1.post("/keys", {"kind": "personal", "name": "mine"}, key=ada).json["user"] == "ada"
    assert v1.post("/keys", {"kind": "system", "name": "all"}, key=ada).status_code == 403


def test_events_come_newest_first_and_filtered(v1: V1) -> None:
    v1.post("/feed-groups", {"name": "Payments"})
    ids = [event["id"] for event in v1.everything("/events", limit=7)]
    assert ids == list(range(len(ids), 0, -1))
    (event,) = v1.everything("/events?tag=feed-group-created&actor=tests&text=pay&since=2020-01-01")
    assert (event["subject"], event["actor"]) == ("Payments", "API: tests")
    assert v1.everything("/events?until=2020-01-01") == []
