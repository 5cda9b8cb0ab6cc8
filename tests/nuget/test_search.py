"""Search and autocomplete of the V3 protocol."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from app.plugin import Request
from app.testing.stage import Place
from plugins.nuget.kit import make, publish
from plugins.nuget.search import Query, read_query


@pytest.fixture
def filled(feed: Place) -> Place:
    """Give a feed with packages for every question."""
    tool = '<packageTypes><packageType name="DotnetTool"/></packageTypes>'
    for id, version, more in (
        ("Acme.Http", "1.0.0", "<title>Transport</title>"),
        ("Acme.Http", "1.1.0", "<title>Transport</title>"),
        ("Acme.Http", "2.0.0-rc.1", "<summary>a candidate</summary>"),
        ("Acme.Json", "1.0.0-beta", ""),
        ("Acme.Tool", "1.0.0", tool),
        ("Acme.New", "1.0.0+build", ""),
        ("Acme.Gone", "1.0.0", ""),
    ):
        assert feed.send(publish(make(id, version, more))).status_code == 201
    feed.send(Request("DELETE", "/api/v2/package/Acme.Gone/1.0.0"))
    return feed


def search(feed: Place, **asked: object) -> Any:
    response = feed.get(f"/v3/query?{urlencode(asked)}")
    assert response.status_code == 200, response.text
    return response.get_json()


def ids(feed: Place, **asked: object) -> list[str]:
    found = search(feed, **asked)
    assert found["totalHits"] == len(found["data"])
    return [each["id"] for each in found["data"]]


ALL = {"prerelease": "true", "semVerLevel": "2.0.0"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["Acme.Http", "Acme.Tool"]),
        ({"prerelease": "true"}, ["Acme.Http", "Acme.Json", "Acme.Tool"]),
        ({"semVerLevel": "2.0.0"}, ["Acme.Http", "Acme.New", "Acme.Tool"]),
        (ALL, ["Acme.Http", "Acme.Json", "Acme.New", "Acme.Tool"]),
        ({"q": "http", **ALL}, ["Acme.Http"]),
        ({"q": "HTTP acme", **ALL}, ["Acme.Http"]),
        ({"q": "sample", **ALL}, ["Acme.Http", "Acme.Json", "Acme.New", "Acme.Tool"]),
        ({"q": "nothing", **ALL}, []),
        ({"packageType": "DotnetTool", **ALL}, ["Acme.Tool"]),
        ({"packageType": "dotnettool", **ALL}, ["Acme.Tool"]),
        ({"packageType": "Dependency"}, ["Acme.Http"]),
        ({"packageType": "Unknown", **ALL}, []),
        ({"packageType": "two words", **ALL}, []),
        ({"packageType": ""}, ["Acme.Http", "Acme.Tool"]),
        ({"q": "packageid:acme.http", **ALL}, ["Acme.Http"]),
        ({"q": "packageid:acme", **ALL}, []),
        ({"q": "id:json", **ALL}, ["Acme.Json"]),
        ({"q": "tags:sample author:x id:tool", **ALL}, ["Acme.Tool"]),
        ({"q": "tags:sampl", **ALL}, []),
        ({"q": "title:transport"}, ["Acme.Http"]),
        ({"q": 'version:"1.1" ', **ALL}, ["Acme.Http"]),
        ({"q": "unknown:field", **ALL}, []),
    ],
)
def test_a_search_finds(filled: Place, asked: dict[str, str], expected: list[str]) -> None:
    assert ids(filled, **asked) == expected


def test_a_hit_says_what_visual_studio_shows(filled: Place) -> None:
    hit = search(filled, q="http")["data"][0]
    base = f"http://localhost:8624{filled.path}/v3"
    assert (hit["version"], hit["title"], hit["authors"], hit["tags"]) == ("1.1.0", "Transport", ["x"], ["a", "sample"])
    assert hit["packageTypes"] == [{"name": "Dependency"}]
    assert hit["registration"] == f"{base}/registration-gz-semver2/acme.http/index.json"
    assert [each["version"] for each in hit["versions"]] == ["1.0.0", "1.1.0"]
    assert hit["versions"][0]["@id"] == f"{base}/registration-gz-semver2/acme.http/1.0.0.json"
    assert [each["downloads"] for each in hit["versions"]] == [0, 0]
    assert hit["iconUrl"] == f"{base}/flat/acme.http/1.1.0/icon"


def test_the_newest_version_is_a_prerelease_where_those_count(filled: Place) -> None:
    hit = search(filled, q="http", **ALL)["data"][0]
    assert (hit["version"], hit["summary"]) == ("2.0.0-rc.1", "a candidate")
    assert [each["version"] for each in hit["versions"]] == ["1.0.0", "1.1.0", "2.0.0-rc.1"]


def test_hits_are_counted_by_package_and_paged(filled: Place) -> None:
    found = search(filled, skip=1, take=1)
    assert (found["totalHits"], [each["id"] for each in found["data"]]) == (2, ["Acme.Tool"])
    assert search(filled, take=0)["data"] == []
    assert search(filled, q="tags:sample", skip=1, take=1)["totalHits"] == 2


@pytest.mark.parametrize("asked", [{"skip": "x"}, {"take": "-1"}, {"take": "99999999999"}, {"semVerLevel": "x"}])
def test_parameters_that_are_none_are_left_out(filled: Place, asked: dict[str, str]) -> None:
    assert len(search(filled, **asked)["data"]) == 2


def complete(feed: Place, **asked: object) -> Any:
    return feed.get(f"/v3/autocomplete?{urlencode(asked)}").get_json()


def test_ids_are_completed(filled: Place) -> None:
    assert complete(filled) == {"totalHits": 2, "data": ["Acme.Http", "Acme.Tool"]}
    assert complete(filled, q="acme.h") == {"totalHits": 1, "data": ["Acme.Http"]}
    assert complete(filled, q="sample")["data"] == []
    assert complete(filled, q="ACME", take=1, **ALL) == {"totalHits": 4, "data": ["Acme.Http"]}


def test_versions_are_completed(filled: Place) -> None:
    assert complete(filled, id="acme.http") == {"data": ["1.0.0", "1.1.0"]}
    assert complete(filled, id="Acme.Http", **ALL) == {"data": ["1.0.0", "1.1.0", "2.0.0-rc.1"]}
    for id in ("nothing", "../x", "Acme.Gone"):
        assert complete(filled, id=id) == {"data": []}


@pytest.mark.parametrize(
    ("text", "words", "fields"),
    [
        ("", "", ()),
        ("a  b", "a b", ()),
        ('id:x "two words"', "two words", (("id", "x"),)),
        ('Tags:"A b" c', "c", (("tags", "a b"),)),
        ("http://x", "http://x", ()),
        ("x:", "x:", ()),
        ("\0a", "a", ()),
    ],
)
def test_a_query_is_read(text: str, words: str, fields: tuple[tuple[str, str], ...]) -> None:
    assert read_query({"q": text}) == Query(words, fields)
