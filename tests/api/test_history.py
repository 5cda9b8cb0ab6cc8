"""GET /api/promotions/list: its members, its filters, and who sees what."""

from __future__ import annotations

import pytest

from app.services import feeds
from tests.api.conftest import DENIAL, OWNER, Api
from tests.fixtures import publish_sample


@pytest.fixture
def told(api: Api) -> Api:
    """Give the API after promotions of npm, universal and parcel packages."""
    publish_sample(api.runtime, "tools", "a/b/ui", "1.0.0")
    api.publish("boxes", b"parcel ui 1.0\n")
    api.promote("@acme/ui", toFeed="test", comments="first")
    api.promote("@acme/ui", fromFeed="test", comments="second")
    api.promote("left", "1.1.0")
    api.promote("a/b/ui", fromFeed="tools", toFeed="tools-approved")
    api.promote("ui", "1.0", fromFeed="boxes", toFeed="boxes-approved")
    return api


def test_one_element_per_version_holds_its_promotions_newest_first(told: Api) -> None:
    (entry,) = told.history(package="@acme/ui")
    promotions = entry.pop("promotions")
    assert entry == {
        "packageName": "ui",
        "package": "ui",
        "groupName": "@acme",
        "group": "@acme",
        "packageType": "npm",
        "version": "1.0.0",
    }
    assert [(each["fromFeed"], each["toFeed"], each["comments"], each["id"]) for each in promotions] == [
        ("test", "prod", "second", 2),
        ("dev", "test", "first", 1),
    ]
    assert all(each["user"] == "API: tests" and each["date"].endswith("Z") for each in promotions)


def test_a_package_without_a_group_has_no_members_for_it(told: Api) -> None:
    (entry,) = told.history(package="left")
    assert not {"group", "groupName"} & set(entry)


def test_types_are_those_of_package_urls(told: Api) -> None:
    assert {entry["packageType"] for entry in told.history()} == {"npm", "upack", "box"}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, 4),
        ({"fromFeed": "dev"}, 2),
        ({"fromFeed": "DEV", "toFeed": "Test"}, 1),
        ({"toFeed": "prod", "package": "left"}, 1),
        ({"package": "ui"}, 3),
        ({"packageName": "UI"}, 2),
        ({"name": "@acme/ui"}, 1),
        ({"package": "ui", "group": "@acme"}, 1),
        ({"packageName": "ui", "groupName": "acme"}, 1),
        ({"package": "ui", "group": "%40acme"}, 1),
        ({"package": "ui", "group": "a/b"}, 1),
        ({"package": "a/b/ui"}, 1),
        ({"package": "b/ui"}, 0),
        ({"package": "i"}, 0),
        ({"group": "a/b"}, 1),
        ({"group": "a"}, 0),
        ({"version": "1.1.0"}, 1),
        ({"version": "1.0.0"}, 2),
        ({"version": "1.0.0", "fromFeed": "tools"}, 1),
        ({"version": "nonsense"}, 0),
        ({"package": "left", "version": "1.0.0"}, 0),
        ({"package": "never-heard-of"}, 0),
        ({"package": "not a name"}, 0),
        ({"fromFeed": "nowhere"}, 0),
        ({"toFeed": "prod", "fromFeed": "tools"}, 0),
    ],
)
def test_filters_narrow_the_history(told: Api, filters: dict[str, str], found: int) -> None:
    assert len(told.history(**filters)) == found


def test_filters_that_differ_for_one_thing_are_refused(told: Api) -> None:
    answer = told.get("/api/promotions/list?package=a&packageName=b")
    assert answer.status_code == 400
    answer = told.get("/api/promotions/list?package=a&package=b")
    assert answer.status_code == 400


def test_history_outlives_feeds_and_their_names(told: Api) -> None:
    with told.runtime.writing(OWNER) as work:
        feeds.update_feed(work, "test", feeds.FeedChange(name="staging"))
        feeds.delete_feed(work, "tools-approved")
    assert len(told.history(toFeed="test")) == 1
    assert len(told.history(toFeed="tools-approved")) == 1


def test_what_was_there_already_is_no_second_entry(told: Api) -> None:
    items = [{"name": "left", "version": "1.1.0"}, {"name": "left", "version": "1.0.0"}]
    assert told.promote(name=None, version=None, items=items).status_code == 200
    counts = {entry["version"]: len(entry["promotions"]) for entry in told.history(package="left")}
    assert counts == {"1.0.0": 1, "1.1.0": 1}


# Who sees what ----------------------------------------------------------------------------------------


def test_nobody_known_is_asked_for_credentials(told: Api) -> None:
    for path in ("/api/promotions/list", "/api/promotions/list?fromFeed=dev", "/api/promotions/list?fromFeed=nowhere"):
        answer = told.get(path, key="")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Promontory"'


def test_nobody_known_sees_the_history_of_open_feeds(told: Api) -> None:
    told.let_everybody_read("tools")
    listed = told.get("/api/promotions/list", key="").json
    assert [entry["packageType"] for entry in listed] == ["upack"]
    assert told.get("/api/promotions/list?fromFeed=dev", key="").status_code == 401
    assert told.get("/api/promotions/list?fromFeed=TOOLS", key="").status_code == 200


def test_the_result_holds_only_what_the_caller_may_view(told: Api) -> None:
    key = told.feed_key("view", "tools", "boxes")
    assert {entry["packageType"] for entry in told.get("/api/promotions/list", key=key).json} == {"upack", "box"}
    assert told.get("/api/promotions/list?fromFeed=dev", key=key).json == []


@pytest.mark.parametrize("who", ["nonsense", "ann:wrong", "nobody"])
def test_who_may_see_nothing_is_denied(told: Api, who: str) -> None:
    secret = told.user("nobody") if who == "nobody" else who
    answer = told.get("/api/promotions/list", key=secret)
    assert answer.status_code == 403
    assert answer.text.startswith(DENIAL)


def test_an_administrator_of_an_empty_installation_sees_an_empty_history(told: Api) -> None:
    with told.runtime.writing(OWNER) as work:
        for name in ("dev", "test", "prod", "tools", "tools-approved", "boxes", "boxes-approved"):
            feeds.delete_feed(work, name)
    assert len(told.history()) == 4
    key = told.user("ann", ("View & Download Packages", ""))
    assert told.get("/api/promotions/list", key=key).json == []
