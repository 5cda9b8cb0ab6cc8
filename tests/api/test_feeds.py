"""/api/management/feeds: the vendor's shape, our settings beside it, and who may change what."""

from __future__ import annotations

from typing import Any

import pytest

from app.services import events, feeds
from tests.api.conftest import DENIAL, ON_SQLITE, OWNER, Api
from tests.fixtures import make_key

FEEDS = "/api/management/feeds"


def test_a_feed_is_created_with_a_name_and_a_type_only(api: Api) -> None:
    answer = api.post(f"{FEEDS}/create", json={"name": "New", "feedType": "npm"})
    assert answer.status_code == 200
    assert (
        answer.json.items()
        >= {
            "name": "New",
            "feedType": "npm",
            "active": True,
            "description": "",
            "feedGroup": "",
            "endpointUrl": "http://localhost/npm/New",
            "canPublish": True,
            "alternateNames": [],
            "connectors": [],
            "retentionRules": [],
            "vulnerabilitiesEnabled": False,
            "promoteToFeed": [],
            "promotionDisabled": False,
            "acceptsPromotionsOnly": False,
            "allowOverwrite": False,
            "commentsRequired": False,
        }.items()
    )
    assert api.get(f"{FEEDS}/get/new").json == answer.json


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("sent", "kind"), [("NPM", "npm"), ("Universal", "universal"), ("upack", "universal"), ("Crate", "parcels")]
)
@ON_SQLITE
def test_a_type_is_known_in_any_case_and_by_its_aliases(api: Api, method: str, sent: str, kind: str) -> None:
    answer = api.send(method, f"{FEEDS}/create", json={"name": "new", "feedType": sent})
    assert answer.json["feedType"] == kind


def test_every_setting_is_taken_when_a_feed_is_created(api: Api) -> None:
    settings = {
        "description": "what was reviewed",
        "active": False,
        "feedGroup": "Team A",
        "promoteToFeed": ["prod", "test"],
        "acceptsPromotionsOnly": True,
        "allowOverwrite": True,
        "commentsRequired": True,
    }
    answer = api.post(f"{FEEDS}/create", json={"name": "new", "feedType": "npm", **settings})
    assert answer.json.items() >= settings.items()
    assert answer.json["canPublish"] is False


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "new"}, "The field feedType is missing"),
        ({"feedType": "npm"}, "The field name is missing"),
        ({"name": "new", "feedType": "cows"}, "no format 'cows'; known are npm, nuget, parcels, rubygems, universal"),
        ({"name": "DEV", "feedType": "npm"}, "There is a feed 'DEV' already"),
        ({"name": "a/b", "feedType": "npm"}, "The feed name 'a/b' is not possible"),
        ({"name": "new", "feedType": "npm", "promoteToFeed": ["nowhere"]}, "There is no feed 'nowhere'"),
        ({"name": "new", "feedType": "npm", "promoteToFeed": "tools"}, "cannot be promoted to tools"),
        ({"name": "new", "feedType": "npm", "promoteToFeed": [1]}, "The field promoteToFeed is 1; send text"),
        ({"name": "new", "feedType": "npm", "active": "perhaps"}, "send true or false"),
        ({"name": "new", "feedType": "npm", "connectors": ["x"]}, "There is no connector 'x'"),
        ({"name": "new", "feedType": "npm", "packageFilters": {"X.*": "Block"}}, "Feeds have no packageFilters here"),
    ],
)
def test_a_feed_that_cannot_be_is_refused(api: Api, body: dict[str, Any], sentence: str) -> None:
    answer = api.post(f"{FEEDS}/create", json=body)
    assert (answer.status_code, sentence in answer.text) == (400, True), answer.text
    assert api.get(f"{FEEDS}/get/new").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_update_keeps_what_it_leaves_out(api: Api, method: str) -> None:
    def after(**change: Any) -> dict[str, Any]:
        before = api.get(f"{FEEDS}/get/dev").json
        answer = api.send(method, f"{FEEDS}/update/DEV", json=change)
        assert answer.status_code == 200, answer.text
        return {name: value for name, value in answer.json.items() if before[name] != value}

    assert after() == {}
    assert after(description="early", active=None) == {"description": "early"}
    assert after(feedGroup="Team A") == {"feedGroup": "Team A"}
    assert after(description="") == {"description": ""}
    assert after(promoteToFeed=["Test"]) == {"promoteToFeed": ["test"]}
    assert after(promotionDisabled=True) == {"promotionDisabled": True}
    assert after(promotionDisabled=False) == {"promotionDisabled": False}
    assert api.promote(toFeed="prod").status_code == 400
    assert after(promoteToFeed=[]) == {"promoteToFeed": []}
    assert api.promote(toFeed="prod").status_code == 200
    assert after(feedGroup="") == {"feedGroup": ""}
    assert after(acceptsPromotionsOnly=True) == {"acceptsPromotionsOnly": True, "canPublish": False}


def test_the_whole_feed_may_be_sent_back(api: Api) -> None:
    """The vendor's client changes one list by sending everything it was told."""
    before = api.get(f"{FEEDS}/get/dev").json
    assert api.post(f"{FEEDS}/update/dev", json=before).json == before
    with api.runtime.reading(OWNER) as work:
        assert events.verify(work) is None


def test_a_feed_is_renamed_and_keeps_its_type(api: Api) -> None:
    answer = api.post(f"{FEEDS}/update/dev", json={"name": "early"})
    assert (answer.json["name"], api.get(f"{FEEDS}/get/dev").status_code) == ("early", 404)
    answer = api.post(f"{FEEDS}/update/early", json={"feedType": "universal"})
    assert (answer.status_code, "a feed's type stays" in answer.text) == (400, True)
    assert api.post(f"{FEEDS}/update/early", json={"feedType": "NPM"}).status_code == 200
    assert api.post(f"{FEEDS}/update/early", json={"name": "Prod"}).status_code == 400
    assert api.post(f"{FEEDS}/update/dev", json={}).status_code == 404


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_feed_is_deleted_with_what_it_holds(api: Api, method: str) -> None:
    answer = api.send(method, f"{FEEDS}/delete/Dev")
    assert (answer.status_code, answer.data) == (200, b"")
    assert api.send(method, f"{FEEDS}/delete/dev").status_code == 404
    assert api.get("/api/packages/dev").status_code == 404


# Who sees and changes what ----------------------------------------------------------------------------


def listed(api: Api, key: str) -> list[str]:
    answer = api.get(f"{FEEDS}/list", key=key)
    assert answer.status_code == 200
    return [feed["name"] for feed in answer.json]


def test_feeds_are_listed_to_who_may_view_them(api: Api) -> None:
    assert listed(api, api.key) == ["boxes", "boxes-approved", "dev", "prod", "test", "tools", "tools-approved"]
    assert listed(api, api.feed_key("view", "dev", "prod")) == ["dev", "prod"]
    assert listed(api, api.user("ann", ("View & Download Packages", "test"))) == ["test"]
    assert listed(api, "nonsense") == listed(api, "ann:wrong") == listed(api, "") == []
    api.let_everybody_read("tools")
    assert listed(api, "") == ["tools"]


def test_a_feed_that_the_caller_may_not_view_is_not_described(api: Api) -> None:
    for key in ("", "nonsense", api.feed_key("view", "prod")):
        answer = api.get(f"{FEEDS}/get/dev", key=key)
        assert (answer.status_code, answer.text.startswith(DENIAL)) == (403, True)
    assert api.get(f"{FEEDS}/get/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("system", True),
        ("system key for feeds", True),
        ("system key for others", False),
        ("feed key", False),
        ("administrator", True),
        ("manager of every feed", True),
        ("manager of dev", None),
        ("reader", False),
        ("nobody", False),
    ],
)
def test_who_may_create_change_and_delete_feeds(api: Api, who: str, may: bool | None) -> None:
    """None: may change and delete the feed that they manage, and create none."""
    key = {
        "system": lambda: api.key,
        "system key for feeds": lambda: make_key(api.runtime, "system", "feeds", rights=["feeds"]),
        "system key for others": lambda: make_key(api.runtime, "system", "bom", rights=["sca"]),
        "feed key": lambda: api.feed_key("view add promote delete", "dev"),
        "administrator": lambda: api.user("ann", ("Administer", "")),
        "manager of every feed": lambda: api.user("ann", ("Manage Feed", "")),
        "manager of dev": lambda: api.user("ann", ("Manage Feed", "dev")),
        "reader": lambda: api.user("ann", ("View & Download Packages", "")),
        "nobody": lambda: "",
    }[who]()
    calls = [
        ("POST", "create", {"name": "new", "feedType": "npm"}, bool(may)),
        ("POST", "update/dev", {"description": "mine"}, may is not False),
        ("DELETE", "delete/prod", None, bool(may)),
        ("DELETE", "delete/dev", None, may is not False),
    ]
    for method, path, body, allowed in calls:
        answer = api.send(method, f"{FEEDS}/{path}", key=key, json=body)
        assert answer.status_code == (200 if allowed else 403), (path, answer.text)
        assert allowed or answer.text.startswith(DENIAL)


def test_who_manages_a_group_creates_feeds_in_it(api: Api) -> None:
    from app.services import grants

    with api.runtime.writing(OWNER) as work:
        feeds.update_feed(work, "dev", feeds.FeedChange(group="Team A"))
    key = api.user("ann")
    with api.runtime.writing(OWNER) as work:
        grants.grant(work, grants.GrantRequest("Manage Feed", user="ann", feed_group="Team A"))
    create = {"name": "new", "feedType": "npm"}
    assert api.post(f"{FEEDS}/create", key=key, json=create).status_code == 403
    assert api.post(f"{FEEDS}/create", key=key, json={**create, "feedGroup": "Team B"}).status_code == 403
    assert api.post(f"{FEEDS}/create", key=key, json={**create, "feedGroup": "team a"}).status_code == 200
    with api.runtime.reading(OWNER) as work:
        assert feeds.access.get_feed(work, "new").group.name == "Team A"
