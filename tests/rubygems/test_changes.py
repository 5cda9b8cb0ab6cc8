"""How changes of a feed of gems show in every document at once: yanks, restored gems, promotions."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from app.plugin import Request, Sample
from app.testing.stage import Place, Stage
from plugins.rubygems.kit import build_kit, make, push, yank
from plugins.rubygems.remote_lists import read_list

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

LISTS = ("specs", "latest_specs", "prerelease_specs")
NATIVE = "x86_64-linux"


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def publish(feed: Place, name: str, version: str, platform: str = "", **more: Any) -> Sample:
    sample = make(name, version, platform=platform, **more)
    response = feed.send(push(sample))
    assert response.status_code == 200, response.text
    return sample


def listed(feed: Place, which: str) -> list[tuple[str, str, str]]:
    response = feed.get(f"/{which}.4.8.gz")
    assert response.status_code == 200
    return list(read_list(response.data, which))


def lines(feed: Place, path: str) -> list[str]:
    response = feed.get(path)
    assert response.status_code == 200, response.text
    return response.text.split("---\n", 1)[1].splitlines()


def take_back(feed: Place, name: str, version: str, platform: str = "") -> TestResponse:
    return feed.send(yank(name, version, platform))


def form(method: str, path: str, **fields: str) -> Request:
    return Request(method, path, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(fields).encode())


def test_lines_stand_in_the_order_in_which_files_came(feed: Place) -> None:
    for version, platform in (("1.1", ""), ("1.0", ""), ("1.1", "java"), ("0.9", "")):
        publish(feed, "left", version, platform)
    assert [line.split()[0] for line in lines(feed, "/info/left")] == ["1.1", "1.0", "1.1-java", "0.9"]


def test_a_platform_is_found_in_both_of_its_spellings(feed: Place) -> None:
    sample = publish(feed, "left", "1.0", "i386-mswin32")
    for spelled in ("i386-mswin32", "x86-mswin32"):
        assert feed.get(f"/gems/left-1.0-{spelled}.gem").data == sample.content
    assert take_back(feed, "left", "1.0", "x86-mswin32").status_code == 200
    assert feed.get("/gems/left-1.0-i386-mswin32.gem").status_code == 404


def test_a_name_that_is_easily_confused_is_refused(feed: Place) -> None:
    publish(feed, "left-pad", "1.0")
    for twin in ("left_pad", "Left-Pad", "leftpad"):
        assert feed.send(push(make(twin, "1.0"))).status_code == 403


def test_a_yank_is_taken_back_where_its_line_was(feed: Place) -> None:
    for version in ("1.0", "1.1"):
        publish(feed, "left", version)
    before = feed.get("/info/left").data
    take_back(feed, "left", "1.0")
    restored = feed.send(form("PUT", "/api/v1/gems/unyank", gem_name="left", version="1.0"))
    assert restored.status_code == 200
    assert feed.get("/info/left").data == before
    assert [line.split()[1] for line in lines(feed, "/versions")] == ["1.0", "1.1", "-1.0", "1.0"]
    assert feed.get("/gems/left-1.0.gem").status_code == 200


def test_a_gem_is_yanked_once(feed: Place) -> None:
    publish(feed, "left", "1.0")
    assert [take_back(feed, "left", "1.0").status_code for _ in range(2)] == [200, 404]
    assert len(lines(feed, "/versions")) == 2


def test_a_password_is_needed_for_a_key_and_a_key_does_not_do(stage: Stage, feed: Place) -> None:
    stage.new_user(feed.name, f"eve-{feed.name}", "correct horse battery")
    for basic in (b"", b"nobody:x", f"eve-{feed.name}:wrong".encode(), f"api:{feed.secrets['writer']}".encode()):
        sent = {"Authorization": "Basic " + b64encode(basic).decode()} if basic else {}
        response = feed.send(Request("POST", "/api/v1/api_key", sent), "anonymous")
        assert response.status_code == 401, basic
        assert response.headers["WWW-Authenticate"].startswith("Basic")


def test_owners_are_who_published_and_cannot_be_changed(feed: Place) -> None:
    publish(feed, "left", "1.0")
    assert feed.get("/api/v1/gems/left/owners.yaml").text.startswith("---")
    assert len(feed.get("/api/v1/gems/left/owners.json").get_json()) == 1
    for method in ("POST", "DELETE"):
        refused = feed.send(form(method, "/api/v1/gems/left/owners", email="eve@example.org"))
        assert refused.status_code == 403
        assert "permissions" in refused.text


def test_what_is_yanked_is_not_described(feed: Place) -> None:
    for version in ("1.0", "1.1"):
        publish(feed, "left", version)
    take_back(feed, "left", "1.1")
    assert feed.get("/api/v1/gems/left.json").get_json()["version"] == "1.0"
    assert [each["number"] for each in feed.get("/api/v1/versions/left.json").get_json()] == ["1.0"]
    take_back(feed, "left", "1.0")
    assert feed.get("/api/v1/gems/left.json").status_code == 404
    assert feed.get("/api/v1/versions/left/latest.json").get_json() == {"version": "unknown"}
    assert feed.get("/api/v1/search.json?query=left").get_json() == []


def test_search_is_by_pages_of_thirty(feed: Place) -> None:
    for number in range(32):
        feed.publish(make(f"gem-{chr(97 + number % 26) * (1 + number // 26)}", "1.0"))
    pages = [feed.get(f"/api/v1/search.json?query=gem&page={page}").get_json() for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [30, 2, 0]
    assert feed.get("/api/v1/search.json?page=x").status_code == 400


def test_promoting_a_version_brings_every_platform_into_every_index(
    stage: Stage, feed: Place, other_feed: Place
) -> None:
    for platform in ("", "java", NATIVE):
        publish(feed, "left", "1.0", platform)
    publish(feed, "left", "2.0")
    stage.promote(feed, other_feed, make("left", "1.0"))
    digest = hashlib.md5(other_feed.get("/info/left").data, usedforsecurity=False).hexdigest()
    assert lines(other_feed, "/versions")[-1].endswith(f" {digest}")
    assert {line.split()[0] for line in lines(other_feed, "/info/left")} == {"1.0", "1.0-java", f"1.0-{NATIVE}"}
    assert listed(other_feed, "specs") == [("left", "1.0", ""), ("left", "1.0", "java"), ("left", "1.0", NATIVE)]
    one, other = (each.get("/quick/Marshal.4.8/left-1.0-java.gemspec.rz").data for each in (feed, other_feed))
    assert one == other
    assert other_feed.get("/gems/left-2.0.gem").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/info/right",
        "/info/..",
        "/info/left.json",
        "/gems/left-2.0.gem",
        "/gems/left.gem",
        "/gems/LEFT-1.0.gem",
        "/gems/left-1.0",
        "/gems/left-1.0.0.gem",
        "/quick/Marshal.4.8/left-2.0.gemspec.rz",
        "/quick/Marshal.4.9/left-1.0.gemspec.rz",
        "/api/v1/dependencies",
        "/api/v1/dependencies?gems=left",
        "/api/v1/dependencies.json?gems=left",
        "/api/v1/gems/right.json",
        "/api/v1/versions/right.json",
        "/api/v1/gems/right/owners.yaml",
        "/Marshal.4.8.Z",
    ],
)
def test_what_is_not_there_is_not_found_in_plain_text(feed: Place, path: str) -> None:
    publish(feed, "left", "1.0")
    response = feed.get(path)
    assert response.status_code == 404
    assert response.mimetype == "text/plain"


@pytest.mark.parametrize("what", ["no metadata", "a name that climbs", "a wrong checksum", "a bomb"])
def test_a_gem_that_cannot_be_read_is_422_as_on_the_public_server(feed: Place, what: str) -> None:
    refused = feed.send(push(Sample("x.gem", build_kit().hostile[what], "left", "1.0.0")))
    assert (refused.status_code, refused.mimetype) == (422, "text/plain")
    assert refused.text
