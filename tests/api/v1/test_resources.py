"""Each resource once through: created, read, listed, changed, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.services import sessions
from app.services.runtime import Actor
from tests.api.v1.conftest import V1

PASSWORD = "an orchard of plums"


def test_feeds_and_their_groups(v1: V1) -> None:
    made = v1.ok("POST", "/feeds", json={"name": "Stage", "format": "npm", "group": "team", "accepts": "promotions"})
    assert (made["name"], made["group"], made["accepts"], made["promoteTo"]) == ("Stage", "team", "promotions", "any")
    assert made["url"].endswith("/npm/Stage")
    changed = v1.ok("PATCH", "/feeds/stage", json={"name": "stage-2", "targets": ["prod"], "group": ""})
    assert (changed["name"], changed["targets"], changed["promoteTo"], changed["group"]) == (
        "stage-2", ["prod"], "list", None,
    )  # fmt: skip
    assert v1.ok("PATCH", "/feeds/stage-2", json={})["description"] == ""
    assert v1.ok("GET", "/feeds/dev/counts") == {"packages": 2, "versions": 4, "downloads": 0}
    assert v1.ok("GET", "/feed-groups")["items"] == [{"name": "team", "feeds": ["dev"]}]
    v1.refused(409, "POST", "/feeds", json={"name": "DEV", "format": "npm"})
    v1.refused(404, "POST", "/feeds", json={"name": "x", "format": "cows"})
    v1.refused(400, "POST", "/feeds", json={"name": "a/b", "format": "npm"})
    v1.ok("DELETE", "/feeds/stage-2")
    assert v1.refused(404, "GET", "/feeds/stage-2")["code"] == "unknown-feed"


def test_packages_versions_and_tags(v1: V1) -> None:
    listed = v1.ok("GET", "/feeds/dev/packages?sort=versions&descending=true")
    assert [(each["name"], each["versions"]) for each in listed["items"]] == [("left", 3), ("right", 1)]
    assert v1.ok("GET", "/feeds/dev/packages?text=rig")["total"] == 1
    assert v1.ok("GET", "/feeds/dev/packages?prerelease=false")["items"][0]["latest"] == "1.1.0"
    at = "/feeds/dev/version?package=left&version="
    version = v1.ok("GET", at + "1.0.0")
    assert (version["listed"], version["origin"], len(version["files"][0]["sha256"])) == (True, "published", 64)
    assert v1.ok("GET", at + "latest-stable")["version"] == "1.1.0"
    changed = v1.ok("PATCH", at + "1.0.0", json={"listed": False, "deprecated": "use 1.1"})
    assert (changed["listed"], changed["deprecated"]) == (False, "use 1.1")
    assert v1.ok("PATCH", at + "1.0.0", json={"deprecated": ""})["deprecated"] == ""
    tagged = v1.ok("PUT", "/feeds/dev/tag?package=left&tag=next", json={"version": "2.0.0-rc.1"})
    assert tagged["tags"] == ["next"]
    v1.ok("DELETE", "/feeds/dev/tag?package=left&tag=next")
    v1.refused(404, "DELETE", "/feeds/dev/tag?package=left&tag=next")
    v1.ok("DELETE", at + "1.0.0")
    v1.refused(404, "GET", at + "1.0.0")
    v1.refused(404, "GET", "/feeds/dev/versions?package=nothing")
    v1.refused(422, "GET", "/feeds/dev/versions")


def test_promotions_are_planned_carried_out_and_looked_up(v1: V1) -> None:
    wanted = {"source": "dev", "target": "prod", "items": [{"package": "left", "version": "latest-stable"}]}
    plan = v1.ok("POST", "/promotions/plan", json=wanted)
    assert (plan["applicable"], plan["items"][0]["version"], plan["items"][0]["outcome"]) == (True, "1.1.0", "add")
    body = {**wanted, "comments": "tried", "fingerprint": plan["fingerprint"]}
    done = v1.ok("POST", "/promotions", json=body)["promotion"]
    assert (done["comments"], done["user"], done["items"][0]["version"]) == ("tried", "API: tests", "1.1.0")
    stale = v1.refused(409, "POST", "/promotions", json={**body, "items": [{"package": "right", "version": "1.0.0"}]})
    assert stale["code"] == "stale-plan"
    again = v1.ok("POST", "/promotions", json=wanted)
    assert (again["promotion"], again["repeated"]) == (None, False)
    assert v1.ok("GET", f"/promotions/{done['number']}") == done
    v1.ok("POST", "/promotions", json={**wanted, "items": [{"package": "right", "version": "1.0.0"}]})
    assert [line["first"]["package"] for line in v1.all("/promotions", 1)] == ["right", "left"]
    assert [line["number"] for line in v1.all("/promotions?text=left&user=tests&target=PROD")] == [done["number"]]
    assert v1.all("/promotions?until=2000-01-01") == []
    refusal = v1.refused(400, "POST", "/promotions", json={**wanted, "target": "test"})
    assert "dev" in refusal["detail"]
    v1.refused(404, "GET", "/promotions/999")


def test_all_versions_go_or_none(v1: V1) -> None:
    items = [{"package": "left", "version": "1.0.0"}, {"package": "left", "version": "9.9.9"}]
    v1.refused(400, "POST", "/promotions", json={"source": "dev", "target": "prod", "items": items})
    assert v1.ok("GET", "/feeds/prod/counts")["versions"] == 0


def test_users_sessions_and_groups(v1: V1) -> None:
    v1.ok("POST", "/groups", json={"name": "Crew"})
    ann = v1.ok("POST", "/users", json={"name": "ann", "email": "a@example.org", "groups": ["crew"]})
    assert (ann["groups"], ann["active"], ann["lastSeen"], ann["directory"]) == (["Crew"], True, None, "built-in")
    assert v1.ok("PATCH", "/users/ANN", json={"displayName": "Ann", "active": False})["active"] is False
    assert v1.ok("PATCH", "/users/ann", json={"active": True, "groups": []})["groups"] == []
    v1.refused(400, "PUT", "/users/ann/password", json={"password": "short"})
    v1.ok("PUT", "/users/ann/password", json={"password": PASSWORD})
    with v1.runtime.writing(Actor("ann")) as work:
        sessions.begin(work, "ann", address="192.0.2.1", agent="A browser")
    assert [each["agent"] for each in v1.all("/users/ann/sessions")] == ["A browser"]
    v1.ok("DELETE", "/users/ann/sessions")
    assert v1.all("/users/ann/sessions") == []
    assert v1.ok("PATCH", "/groups/crew", json={"members": ["ann"], "name": "Team"}) == {
        "name": "Team",
        "members": ["ann"],
    }
    assert [user["name"] for user in v1.all("/users?text=example.org")] == ["ann"]
    me = v1.ok("GET", "/me", key=f"ann:{PASSWORD}")
    assert (me["name"], me["key"], me["rights"]) == ("ann", None, [])
    assert v1.ok("GET", "/users/ann", key=f"ann:{PASSWORD}")["email"] == "a@example.org"
    v1.refused(403, "GET", "/users/tests", key=f"ann:{PASSWORD}")
    v1.ok("DELETE", "/users/ann")
    assert v1.ok("GET", "/groups/team")["members"] == []
    v1.ok("DELETE", "/groups/team")
    assert v1.all("/groups") == []


def test_tasks_grants_and_what_they_mean(v1: V1) -> None:
    v1.ok("POST", "/users", json={"name": "ann"})
    task = v1.ok("POST", "/tasks", json={"name": "Approve", "attributes": ["Feeds_AcceptPackagePromotions"]})
    assert (task["builtIn"], len(task["findings"])) == (False, 1)
    v1.refused(409, "PATCH", "/tasks/administer", json={"description": "x"})
    both = ["Feeds_AcceptPackagePromotions", "Feeds_ViewFeed"]
    assert v1.ok("PATCH", "/tasks/approve", json={"attributes": both})["findings"] == []
    grant = v1.ok("POST", "/grants", json={"task": "approve", "user": "ann", "feed": "prod"})
    assert (grant["task"], grant["user"], grant["feed"], grant["deny"]) == ("Approve", "ann", "prod", False)
    held = v1.ok("GET", "/privileges?kind=user&name=ann&feed=prod")["items"]
    allowed = {each["permission"]: each["grant"]["number"] for each in held if each["allowed"]}
    assert allowed == dict.fromkeys(both, grant["number"])
    why = v1.ok("GET", "/why?permission=Feeds_AddPackage&feed=prod")
    assert (why["allowed"], why["label"]) == (True, "Add Package")
    v1.refused(400, "POST", "/grants", json={"task": "approve", "user": "ann", "principal": "everyone"})
    v1.refused(404, "POST", "/grants", json={"task": "approve", "user": "nobody"})
    assert v1.ok("GET", f"/grants/{grant['number']}") == grant
    v1.ok("DELETE", f"/grants/{grant['number']}")
    v1.refused(404, "GET", f"/grants/{grant['number']}")
    v1.ok("DELETE", "/tasks/approve")


def test_keys_and_their_uses(v1: V1) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    body = {"type": "feed", "name": "build", "feeds": ["dev"], "rights": ["view", "add"], "expires": until}
    made = v1.ok("POST", "/keys", json=body)
    at, secret = f"/keys/{made['number']}", made["secret"]
    assert v1.ok("GET", "/feeds/dev", key=secret)["name"] == "dev"
    v1.refused(403, "GET", "/feeds/prod", key=secret)
    v1.client.application.extensions["promontory.serving"].flush()
    assert [(use["path"], use["status"]) for use in v1.all(f"{at}/uses", 1)] == [
        ("/api/v1/feeds/prod", 403),
        ("/api/v1/feeds/dev", 200),
    ]
    changed = v1.ok("PATCH", at, json={"rights": ["view"], "enabled": False, "description": "off"})
    assert (changed["rights"], changed["enabled"], changed["description"]) == (["view"], False, "off")
    assert "secret" not in changed
    v1.refused(401, "GET", "/feeds/dev", key=secret)
    v1.ok("DELETE", at)
    v1.refused(404, "GET", at)
    assert [key["name"] for key in v1.all("/keys")] == ["tests"]


def test_the_event_log_is_filtered(v1: V1) -> None:
    v1.ok("POST", "/users", json={"name": "ann"})
    found = v1.all("/events?tag=user-created&user=tests&text=ann")
    assert [(event["subject"], event["user"], len(event["hash"])) for event in found] == [("ann", "API: tests", 64)]
    assert v1.all("/events?until=2000-01-01") == []
