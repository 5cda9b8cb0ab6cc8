"""The V2 protocol as nuget.exe 2, Chocolatey and PowerShellGet speak it, against the whole application."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from app.plugin import Request
from app.testing.stage import Place
from plugins.nuget.kit import make, publish
from plugins.nuget.odata_properties import TYPES

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

ATOM = "{http://www.w3.org/2005/Atom}"
DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
META = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
EVERYTHING = [
    "Acme.Http 1.0",
    "Acme.Http 1.2.0",
    "Acme.Http 1.10.0",
    "Acme.Http 2.0.0-rc",
    "Acme.Json 1.0.0-beta",
    "Zed 3.0.0",
]


@pytest.fixture
def filled(feed: Place) -> Place:
    """Give a feed with releases, prereleases, versions of SemVer 2, and one that is unlisted."""
    dependencies = (
        '<dependencies><group targetFramework=".NETFramework4.5"><dependency id="Acme.Json" version="1.0"/>'
        '<dependency id="Zed"/></group><group targetFramework=".NETStandard2.0"/></dependencies>'
    )
    for id, version, more in (
        ("Acme.Http", "1.0", ""),
        ("Acme.Http", "1.10.0", dependencies),
        ("Acme.Http", "1.2.0", ""),
        ("Acme.Http", "2.0.0-rc", ""),
        ("Acme.Http", "2.0.0-rc.1", ""),
        ("Acme.Http", "0.1.0", ""),
        ("Acme.Json", "1.0.0-beta", ""),
        ("Acme.New", "1.0.0+x", ""),
        ("Zed", "3.0.0", "<title>Z &amp; more</title>"),
    ):
        assert feed.send(publish(make(id, version, more))).status_code == 201
    feed.send(Request("DELETE", "/v2/Acme.Http/0.1.0"))
    return feed


def ask(feed: Place, path: str, **options: str) -> TestResponse:
    query = "&".join(f"{quote(name.replace('_', '$', 1))}={quote(value)}" for name, value in options.items())
    return feed.get(f"/v2/{path}?{query}")


def entries(response: TestResponse) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/atom+xml"
    found = []
    for entry in ET.fromstring(response.data).iter(f"{ATOM}entry"):
        properties = entry.find(f"{META}properties")
        assert properties is not None
        found.append({each.tag.removeprefix(DATA): each.text for each in properties})
    return found


def names(feed: Place, path: str, **options: str) -> list[str]:
    return [f"{each['Id']} {each['Version']}" for each in entries(ask(feed, path, **options))]


# The service ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "/v2", "/v2/", "/api/v2", "/api/v2/"])
def test_the_service_has_one_collection_at_every_address_that_clients_make(feed: Place, path: str) -> None:
    response = feed.get(path)
    assert response.status_code == 200
    assert '<collection href="Packages">' in response.text


@pytest.mark.parametrize("path", ["/v2/$metadata", "/api/v2/$metadata", "/$metadata"])
def test_the_service_is_described(feed: Place, path: str) -> None:
    response = feed.get(path)
    assert response.mimetype == "application/xml"
    described = re.findall(r'<Property Name="(\w+)"', response.text)
    assert described == list(TYPES)
    assert re.findall(r'<FunctionImport Name="(\w+)"', response.text) == ["Search", "FindPackagesById", "GetUpdates"]


# Functions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["FindPackagesById()", "FindPackagesById", "FindPackagesById/"])
@pytest.mark.parametrize("id", ["'Acme.Http'", "'acme.http'", "acme.http"])
def test_all_versions_of_an_id_are_found_unlisted_ones_too(filled: Place, path: str, id: str) -> None:
    found = entries(ask(filled, path, id=id))
    assert [each["Version"] for each in found] == ["0.1.0", "1.0", "1.2.0", "1.10.0", "2.0.0-rc"]
    assert found[0]["Published"] == "1900-01-01T00:00:00.000"
    assert [each["IsLatestVersion"] for each in found] == ["false", "false", "false", "true", "false"]
    assert [each["IsAbsoluteLatestVersion"] for each in found] == ["false", "false", "false", "false", "true"]


def test_semver2_is_shown_to_who_asks_for_it(filled: Place) -> None:
    found = entries(ask(filled, "FindPackagesById()", id="'Acme.Http'", semVerLevel="2.0.0"))
    assert [each["Version"] for each in found][-1] == "2.0.0-rc.1"
    assert [each["IsAbsoluteLatestVersion"] for each in found][-2:] == ["false", "true"]
    assert names(filled, "Packages()") == EVERYTHING
    assert "Acme.New 1.0.0+x" in names(filled, "Packages()", semVerLevel="2.0.0")


@pytest.mark.parametrize("id", ["'nothing'", "''", "'../x'"])
def test_nothing_is_found_of_an_id_that_is_not_there(filled: Place, id: str) -> None:
    assert names(filled, "FindPackagesById()", id=id) == []


def test_an_entry_says_everything(filled: Place) -> None:
    content = make("Acme.Http", "1.10.0").content
    entry = entries(ask(filled, "FindPackagesById()", id="'Acme.Http'"))[3]
    assert list(entry) == list(TYPES)
    assert (entry["Id"], entry["NormalizedVersion"], entry["Authors"]) == ("Acme.Http", "1.10.0", "x")
    assert entry["Dependencies"] == "Acme.Json:[1.0.0, ):net45|Zed::net45|::netstandard2.0"
    assert entry["PackageHashAlgorithm"] == "SHA512"
    assert entry["Tags"] == " a sample "
    stored = filled.get("/v2/package/Acme.Http/1.10.0").data
    assert entry["PackageSize"] == str(len(stored))
    assert entry["PackageHash"] == base64.b64encode(hashlib.sha512(stored).digest()).decode()
    assert len(stored) > len(content) // 2
    assert entry["LastEdited"] is None


@pytest.mark.parametrize(
    "path",
    [
        "Packages(Id='Acme.Http',Version='1.2.0')",
        "Packages(Id=%27acme.http%27,Version=%271.2%27)",
        "Packages(Version='1.2.0.0', Id='Acme.Http')",
    ],
)
def test_one_version_has_an_address(filled: Place, path: str) -> None:
    response = filled.get(f"/v2/{path}")
    assert response.status_code == 200
    root = ET.fromstring(response.data)
    assert root.tag == f"{ATOM}entry"
    content = root.find(f"{ATOM}content")
    assert content is not None
    address = content.attrib["src"]
    assert address == f"http://localhost:8624{filled.path}/v2/package/Acme.Http/1.2.0"
    assert filled.get(address.partition(filled.path)[2]).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Packages(Id='Acme.Http',Version='9.9.9')", 404),
        ("Packages(Id='nothing',Version='1.0')", 404),
        ("Packages(Id='Acme.Http')", 404),
        ("Search(Id='Acme.Http',Version='1.0')", 404),
        ("Packages('Acme.Http')", 400),
        ("Packages(Id='Acme.Http',Version='1.0'", 404),
        ("Nonsense()", 404),
        ("$batch", 404),
        ("package/nothing", 404),
        ("package/Acme.Http/9.9.9", 404),
    ],
)
def test_what_is_not_there_is_refused(filled: Place, path: str, status: int) -> None:
    assert filled.get(f"/v2/{path}").status_code == status


def test_the_newest_release_is_downloaded_without_a_version(filled: Place) -> None:
    for path in ("/v2/package/Acme.Http", "/api/v2/package/acme.http/"):
        assert "1.10.0.nupkg" in filled.get(path).headers["Content-Disposition"]
    assert "1.0.0-beta" in filled.get("/v2/package/Acme.Json").headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"includePrerelease": "true"}, EVERYTHING),
        ({"includePrerelease": "false"}, ["Acme.Http 1.0", "Acme.Http 1.2.0", "Acme.Http 1.10.0", "Zed 3.0.0"]),
        ({"_filter": "IsLatestVersion"}, ["Acme.Http 1.10.0", "Zed 3.0.0"]),
        (
            {"_filter": "IsAbsoluteLatestVersion", "includePrerelease": "true"},
            ["Acme.Http 2.0.0-rc", "Acme.Json 1.0.0-beta", "Zed 3.0.0"],
        ),
        ({"_filter": "IsAbsoluteLatestVersion", "includePrerelease": "false"}, ["Zed 3.0.0"]),
        ({"searchTerm": "'http'", "_filter": "IsLatestVersion"}, ["Acme.Http 1.10.0"]),
        ({"searchTerm": "'tags:sample id:zed'", "_filter": "IsLatestVersion"}, ["Zed 3.0.0"]),
        ({"searchTerm": "'nothing'"}, []),
        (
            {"searchTerm": "''", "targetFramework": "'net45|net40'", "_filter": "IsLatestVersion"},
            ["Acme.Http 1.10.0", "Zed 3.0.0"],
        ),
        ({"_filter": "IsLatestVersion", "_orderby": "Id desc"}, ["Zed 3.0.0", "Acme.Http 1.10.0"]),
        ({"_filter": "IsLatestVersion", "_orderby": "DownloadCount desc,Id"}, ["Acme.Http 1.10.0", "Zed 3.0.0"]),
        ({"_filter": "IsLatestVersion", "_skip": "1", "_top": "30"}, ["Zed 3.0.0"]),
        ({"_filter": "IsLatestVersion", "_top": "0"}, []),
    ],
)
def test_a_search_finds(filled: Place, options: dict[str, str], expected: list[str]) -> None:
    assert names(filled, "Search()", **options) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"_filter": "Id eq 'acme.http' and IsLatestVersion"}, ["Acme.Http 1.10.0"]),
        (
            {"_filter": "tolower(Id) eq 'acme.http'", "_orderby": "Version desc", "_top": "2"},
            ["Acme.Http 2.0.0-rc", "Acme.Http 1.10.0"],
        ),
        (
            {"_filter": "Id eq 'Acme.Http' and NormalizedVersion gt '1.0' and IsPrerelease eq false"},
            ["Acme.Http 1.2.0", "Acme.Http 1.10.0"],
        ),
        (
            {"_filter": "startswith(tolower(Id),'z') or substringof('json',tolower(Id))"},
            ["Acme.Json 1.0.0-beta", "Zed 3.0.0"],
        ),
        ({"_filter": "Title eq 'Z & more'"}, ["Zed 3.0.0"]),
        ({"_orderby": "Version"}, ["Acme.Http 1.0", "Acme.Json 1.0.0-beta"]),
        ({"_orderby": "Id asc, Version desc", "_top": "1"}, ["Acme.Http 2.0.0-rc"]),
    ],
)
def test_packages_are_filtered_and_ordered(filled: Place, options: dict[str, str], expected: list[str]) -> None:
    found = names(filled, "Packages()", **options)
    assert set(expected) <= set(found) if options.get("_orderby") == "Version" else found == expected


@pytest.mark.parametrize(
    ("path", "options", "number"),
    [
        ("Packages()/$count", {}, 6),
        ("Packages/$count", {"_filter": "IsLatestVersion"}, 2),
        ("Search()/$count", {"searchTerm": "'http'", "includePrerelease": "true"}, 4),
        ("Search()/$count", {"_filter": "IsLatestVersion", "_skip": "1"}, 1),
        ("FindPackagesById()/$count", {"id": "'Acme.Http'"}, 5),
        ("FindPackagesById()/$count", {"id": "'nothing'"}, 0),
    ],
)
def test_packages_are_counted(filled: Place, path: str, options: dict[str, str], number: int) -> None:
    response = ask(filled, path, **options)
    assert (response.mimetype, response.text) == ("text/plain", str(number))


def test_a_count_comes_along_where_it_is_asked_for(filled: Place) -> None:
    response = ask(filled, "Search()", _filter="IsLatestVersion", _inlinecount="allpages", _top="1")
    assert "<m:count>2</m:count>" in response.text
    assert "<m:count>" not in ask(filled, "Search()", _filter="IsLatestVersion").text


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"packageIds": "'Acme.Http|Zed'", "versions": "'1.0|3.0.0'"}, ["Acme.Http 1.10.0"]),
        ({"packageIds": "'Acme.Http'", "versions": "'1.0'", "includePrerelease": "true"}, ["Acme.Http 2.0.0-rc"]),
        (
            {"packageIds": "'Acme.Http'", "versions": "'1.0'", "includeAllVersions": "true"},
            ["Acme.Http 1.2.0", "Acme.Http 1.10.0"],
        ),
        ({"packageIds": "'Acme.Http'", "versions": "'1.0'", "versionConstraints": "'[1.0,1.5)'"}, ["Acme.Http 1.2.0"]),
        ({"packageIds": "'nothing|../x'", "versions": "'1.0|1.0'"}, []),
        ({"packageIds": "'Acme.Http'", "versions": "'nonsense'"}, []),
        ({}, []),
    ],
)
def test_updates_are_found(filled: Place, options: dict[str, str], expected: list[str]) -> None:
    assert names(filled, "GetUpdates()", **options) == expected


# Paging --------------------------------------------------------------------------------------------------


def test_pages_follow_one_another_and_end(feed: Place) -> None:
    for number in range(230):
        feed.publish(make("Demo", f"1.{number}.0", "", {}))
    seen, address, hops = [], f"http://localhost:8624{feed.path}/v2/FindPackagesById()?id='Demo'&$orderby=Id", 0
    while address:
        response = feed.get(address.partition(feed.path)[2])
        seen += [each["Version"] for each in entries(response)]
        links = [each for each in ET.fromstring(response.data).iter(f"{ATOM}link") if each.get("rel") == "next"]
        following = links[0].attrib["href"] if links else ""
        assert following != address
        address, hops = following, hops + 1
    assert hops == 3
    assert seen == [f"1.{number}.0" for number in range(230)]


def test_a_client_that_asks_for_more_than_a_page_gets_pages(feed: Place) -> None:
    for number in range(120):
        feed.publish(make("Demo", f"1.{number}.0", "", {}))
    first = ask(feed, "FindPackagesById()", id="'Demo'", _top="110")
    assert len(entries(first)) == 100
    following = next(e.attrib["href"] for e in ET.fromstring(first.data).iter(f"{ATOM}link") if e.get("rel") == "next")
    assert len(entries(feed.get(following.partition(feed.path)[2]))) == 10
    for top in ("100", "30"):
        assert 'rel="next"' not in ask(feed, "FindPackagesById()", id="'Demo'", _top=top).text


# Shapes and refusals -------------------------------------------------------------------------------------


def test_json_is_written_for_who_asks_for_it(filled: Place) -> None:
    for response in (
        ask(filled, "Search()", _filter="IsLatestVersion", _format="json", _inlinecount="allpages"),
        filled.get(
            "/v2/Search()?$filter=IsLatestVersion&$inlinecount=allpages",
            headers={"Accept": "application/json;odata=verbose"},
        ),
    ):
        assert response.mimetype == "application/json"
        found = response.get_json()["d"]
        assert found["__count"] == "2"
        assert [each["Id"] for each in found["results"]] == ["Acme.Http", "Zed"]
        assert found["results"][0]["__metadata"]["media_src"].endswith("/v2/package/Acme.Http/1.10.0")
        assert re.fullmatch(r"/Date\(\d+\)/", found["results"][0]["Published"])
    one = filled.get("/v2/Packages(Id='Zed',Version='3.0.0')?$format=json").get_json()["d"]
    assert one["Title"] == "Z & more"
    for accept in ("application/atom+xml,application/xml", "*/*", "application/atom+xml, application/json"):
        assert filled.get("/v2/Search()", headers={"Accept": accept}).mimetype == "application/atom+xml"


@pytest.mark.parametrize(
    "options",
    [
        {"_filter": "Nonsense"},
        {"_filter": "Id eq"},
        {"_filter": "tolower(DownloadCount) eq 'x'"},
        {"_orderby": "Nonsense"},
        {"_orderby": "Id sideways"},
        {"_skip": "x"},
        {"_top": "-1"},
        {"_expand": "x"},
        {"_skiptoken": "x"},
    ],
)
def test_what_is_not_offered_is_a_plain_400(filled: Place, options: dict[str, str]) -> None:
    for path in ("Packages()", "Search()/$count"):
        response = ask(filled, path, **options)
        if "tolower" not in options.get("_filter", "") or path == "Packages()":
            assert response.status_code == 400, options
        assert response.mimetype == "text/plain"


def test_answers_follow_every_change(filled: Place) -> None:
    before = ask(filled, "Search()", _filter="IsLatestVersion")
    assert ask(filled, "Search()", _filter="IsLatestVersion").headers["ETag"] == before.headers["ETag"]
    filled.send(publish(make("Acme.Http", "1.11.0")))
    assert names(filled, "Search()", _filter="IsLatestVersion") == ["Acme.Http 1.11.0", "Zed 3.0.0"]
    filled.send(Request("DELETE", "/v2/Acme.Http/1.11.0"))
    assert names(filled, "Search()", _filter="IsLatestVersion") == ["Acme.Http 1.10.0", "Zed 3.0.0"]
