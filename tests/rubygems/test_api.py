"""RubyGems' API beside the indexes: rights, signing in, owners, JSON; and what names and promotions must not do."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from app.plugin import Conflict, Request, Sample
from app.services import promotions
from app.services.promotions import PromotionRequest, Wanted
from app.testing.stage import OWNER, Place, Stage
from plugins.rubygems.kit import make, push

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def pushed(feed: Place, *samples: Sample) -> None:
    for sample in samples:
        response = feed.send(push(sample))
        assert response.status_code == 200, response.text


def info(feed: Place, name: str) -> list[str]:
    return feed.get(f"/info/{name}").text.splitlines()[1:]


def test_there_is_no_dependency_api(feed: Place) -> None:
    for path in ("/api/v1/dependencies?gems=left", "/api/v1/dependencies.json?gems=left", "/api/v1/dependencies"):
        assert feed.get(path).status_code == 404


def test_a_private_feed_asks_strangers_for_a_password_whatever_they_want(feed: Place) -> None:
    pushed(feed, make("left", "1.0"))
    for path in (
        "/",
        "/versions",
        "/info/left",
        "/info/nothing",
        "/gems/left-1.0.gem",
        "/api/v1/dependencies",
        "/nothing",
    ):
        response = feed.get(path, "anonymous")
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic ")
        assert not response.text.startswith("You have enabled multifactor authentication")
    refused = feed.send(push(make("left", "1.1")), "reader")
    assert refused.status_code == 403
    assert not refused.text.startswith("The API key doesn't have access")


def test_signing_in_takes_get_and_post_and_nothing_but_basic(stage: Stage, feed: Place) -> None:
    stage.new_user(feed.name, "grace", "correct horse battery")
    basic = {"Authorization": "Basic " + b64encode(b"grace:correct horse battery").decode()}
    for method in ("GET", "POST"):
        answer = feed.send(Request(method, "/api/v1/api_key", {**basic, **FORM}, b"name=x"), "anonymous")
        assert (answer.status_code, answer.mimetype) == (200, "text/plain")
        assert feed.get("/names", "anonymous", {"Authorization": answer.text}).status_code == 200
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic !"}, {"Authorization": "Basic Og=="}):
        assert feed.send(Request("POST", "/api/v1/api_key", headers), "anonymous").status_code == 401


def test_owners_are_who_published(feed: Place) -> None:
    pushed(feed, make("left", "1.0"))
    assert isinstance(feed.get("/api/v1/gems/left/owners.json").get_json(), list)
    assert feed.get("/api/v1/gems/left/owners.yaml").text.startswith("---")
    assert feed.get("/api/v1/gems/nothing/owners.yaml").status_code == 404
    for method in ("POST", "DELETE"):
        refused = feed.send(Request(method, "/api/v1/gems/left/owners", FORM, b"email=ada@example.org"))
        assert refused.status_code >= 400
        assert "permissions" in refused.text


def test_tools_are_told_of_gems_as_json(feed: Place) -> None:
    pushed(feed, make("left", "1.0"), make("left", "1.1"), make("left", "1.1", platform="java"), make("left", "2.rc1"))
    about = feed.get("/api/v1/gems/left.json").get_json()
    assert (about["name"], about["version"], about["platform"]) == ("left", "1.1", "ruby")
    assert about["gem_uri"].endswith(f"/rubygems/{feed.name}/gems/left-1.1.gem")
    assert about["sha"] == hashlib.sha256(feed.get("/gems/left-1.1.gem").data).hexdigest()
    assert about["dependencies"]["runtime"] == [{"name": "rack", "requirements": ">= 2.0, < 4"}]
    assert about["source_code_uri"] == "https://example.org/source"
    versions = feed.get("/api/v1/versions/left.json").get_json()
    assert [(v["number"], v["platform"]) for v in versions] == [
        ("2.rc1", "ruby"),
        ("1.1", "ruby"),
        ("1.1", "java"),
        ("1.0", "ruby"),
    ]
    assert (versions[0]["prerelease"], versions[1]["ruby_version"]) == (True, ">= 2.5")
    assert feed.get("/api/v1/versions/left/latest.json").get_json() == {"version": "1.1"}
    assert feed.get("/api/v1/versions/nothing/latest.json").get_json() == {"version": "unknown"}
    found = feed.get("/api/v1/search.json?query=left").get_json()
    assert [each["name"] for each in found] == ["left"]
    assert feed.get("/api/v1/search.json?query=left&page=2").get_json() == []
    for page in ("0", "-1", "x", "9" * 20, ""):
        assert feed.get(f"/api/v1/search.json?page={page}").status_code == 400


def test_a_version_can_be_promoted_only_with_all_its_platforms(stage: Stage, feed: Place, other_feed: Place) -> None:
    pushed(feed, make("left", "1.0"))
    request = PromotionRequest(feed.name, other_feed.name, (Wanted("left", "1.0"),), "")
    promotions.promote(stage.runtime, OWNER, request)
    pushed(feed, make("left", "1.0", platform="java"))
    with pytest.raises(Conflict):
        promotions.promote(stage.runtime, OWNER, request)
    assert len(info(other_feed, "left")) == 1


@pytest.mark.parametrize("name", ["%00", "..", "a%2fb", "left%0a", "x" * 5000, "\u00e4", "-1"])
def test_names_that_no_gem_has_are_not_found(feed: Place, name: str) -> None:
    for path in (
        f"/info/{name}",
        f"/gems/{name}.gem",
        f"/quick/Marshal.4.8/{name}.gemspec.rz",
        f"/api/v1/gems/{name}.json",
    ):
        assert _status(feed.get(path)) == 404


def _status(response: TestResponse) -> int:
    assert "html" not in (response.mimetype or "")
    return response.status_code


def test_answers_are_json_where_they_say_so(feed: Place) -> None:
    pushed(feed, make("left", "1.0"))
    assert json.loads(feed.get("/api/v1/gems/left.json").data)["info"] == "Sample left"
