"""The V3 protocol as its clients speak it, against the whole application."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from app.plugin import Request
from app.testing.stage import Place, Stage
from plugins.nuget.kit import make, publish

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

HIVES = ("registration", "registration-gz", "registration-gz-semver2")


def push(feed: Place, id: str, version: str, more: str = "", who: str = "writer", **files: bytes) -> TestResponse:
    return feed.send(publish(make(id, version, more, files)), who)


def json_of(response: TestResponse) -> Any:
    assert response.status_code == 200, response.text
    return response.get_json()


def resources(feed: Place) -> dict[str, str]:
    return {each["@type"]: each["@id"] for each in json_of(feed.get("/v3/index.json"))["resources"]}


def path_of(feed: Place, address: str) -> str:
    """Give the path below the feed that an address in a document leads to."""
    start = f"http://localhost:8624{feed.path}"
    assert address.startswith(start)
    return address.removeprefix(start)


def index(feed: Place, id: str, hive: str = HIVES[2]) -> Any:
    return json_of(feed.get(f"/v3/{hive}/{id}/index.json"))


def leaves(feed: Place, id: str, hive: str = HIVES[2]) -> dict[str, Any]:
    pages = index(feed, id, hive)["items"]
    items = [
        leaf
        for page in pages
        for leaf in (page["items"] if "items" in page else json_of(feed.get(path_of(feed, page["@id"])))["items"])
    ]
    return {leaf["catalogEntry"]["version"]: leaf for leaf in items}


def versions(feed: Place, id: str) -> list[str]:
    found: list[str] = json_of(feed.get(f"/v3/flat/{id}/index.json"))["versions"]
    return found


# Service index -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "type",
    [
        "PackageBaseAddress/3.0.0",
        "PackagePublish/2.0.0",
        "SymbolPackagePublish/4.9.0",
        *(f"SearchQueryService{each}" for each in ("", "/3.0.0-beta", "/3.0.0-rc", "/3.4.0", "/3.5.0")),
        *(f"SearchAutocompleteService{each}" for each in ("", "/3.0.0-beta", "/3.0.0-rc", "/3.5.0")),
        *(f"RegistrationsBaseUrl{each}" for each in ("", "/3.0.0-beta", "/3.0.0-rc", "/3.4.0", "/3.6.0", "/Versioned")),
        "ReadmeUriTemplate/6.13.0",
        "LegacyGallery/2.0.0",
    ],
)
def test_a_resource_is_advertised_below_the_feed(feed: Place, type: str) -> None:
    assert resources(feed)[type].startswith(f"http://localhost:8624{feed.path}/")


def test_the_service_index_has_the_protocol_s_version_and_a_versioned_registration(feed: Place) -> None:
    document = json_of(feed.get("/v3/index.json"))
    assert document["version"] == "3.0.0"
    versioned = [each for each in document["resources"] if each["@type"] == "RegistrationsBaseUrl/Versioned"]
    assert versioned[0]["clientVersion"] == "4.3.0-alpha"


@pytest.mark.parametrize("type", ["Catalog/3.0.0", "RepositorySignatures/5.0.0", "VulnerabilityInfo/6.7.0"])
def test_what_there_is_no_data_for_is_not_advertised(feed: Place, type: str) -> None:
    assert type not in resources(feed)


def test_every_address_follows_the_address_that_the_client_uses(stage: Stage, feed: Place) -> None:
    own = f"http://{feed.name}.localhost:8624"
    answer = stage.client.get("/v3/index.json", own, headers={"X-ApiKey": feed.secrets["reader"]})
    assert all(each["@id"].startswith(own) for each in json_of(answer)["resources"])


# Flat container ----------------------------------------------------------------------------------------


def test_all_versions_are_listed_in_small_letters_and_ascending_unlisted_too(feed: Place) -> None:
    for version in ("1.10.0", "1.0", "2.0.0-RC.1+meta", "1.2.0.1"):
        assert push(feed, "Demo.Lib", version).status_code == 201
    feed.send(Request("DELETE", "/api/v2/package/Demo.Lib/1.2.0.1"))
    assert versions(feed, "demo.lib") == ["1.0.0", "1.2.0.1", "1.10.0", "2.0.0-rc.1"]
    assert versions(feed, "DEMO.LIB") == versions(feed, "demo.lib")


@pytest.mark.parametrize("id", ["nothing", "..", "a+b", "\u00e4"])
def test_a_package_without_versions_is_not_found(feed: Place, id: str) -> None:
    assert feed.get(f"/v3/flat/{id}/index.json").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "demo.lib/2.0.0-rc.1/demo.lib.2.0.0-rc.1.nupkg",
        "Demo.Lib/2.0.0-RC.1/Demo.Lib.2.0.0-RC.1.nupkg",
        "demo.lib/2.0.0-rc.1+other/demo.lib.2.0.0-rc.1.nupkg",
    ],
)
def test_a_package_is_found_by_each_spelling_of_its_version(feed: Place, path: str) -> None:
    push(feed, "Demo.Lib", "2.0.0-RC.1+meta")
    response = feed.get(f"/v3/flat/{path}")
    assert (response.status_code, response.mimetype) == (200, "application/octet-stream")


@pytest.mark.parametrize(
    "path",
    [
        "demo.lib/1.0.0/other.1.0.0.nupkg",
        "demo.lib/1.0.0/demo.lib.1.0.1.nupkg",
        "demo.lib/1.0.1/demo.lib.1.0.1.nupkg",
        "demo.lib/1.0.0/demo.lib.1.0.0.snupkg",
        "demo.lib/nonsense/demo.lib.nonsense.nupkg",
        "demo.lib/latest/demo.lib.latest.nupkg",
        "demo.lib/1.0.0/license",
    ],
)
def test_what_is_not_there_is_not_found(feed: Place, path: str) -> None:
    push(feed, "Demo.Lib", "1.0.0")
    assert feed.get(f"/v3/flat/{path}").status_code == 404


def test_nuspec_readme_icon_and_licence_come_out_of_the_package(feed: Place) -> None:
    licensed = "<licenseUrl>https://example.org</licenseUrl>"
    push(feed, "Demo.Lib", "1.0.0", licensed)
    base = "/v3/flat/demo.lib/1.0.0"
    nuspec = feed.get(f"{base}/demo.lib.nuspec")
    assert nuspec.mimetype == "application/xml"
    assert b"<id>Demo.Lib</id>" in nuspec.data
    readme = feed.get(f"{base}/readme")
    assert (readme.mimetype, readme.text) == ("text/markdown", "# Demo.Lib\n\nA *sample*.\n")
    icon = feed.get(f"{base}/icon")
    assert icon.mimetype == "image/png"
    for response in (nuspec, readme, icon):
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["ETag"]


# Registrations -----------------------------------------------------------------------------------------


def test_a_registration_says_everything_that_clients_read(feed: Place) -> None:
    more = (
        "<title>The lib</title><projectUrl>https://example.org</projectUrl>"
        '<dependencies><group targetFramework=".NETStandard2.0"><dependency id="Base" version="1.0"/></group>'
        '<group targetFramework="net8.0"/></dependencies>'
    )
    push(feed, "Demo.Lib", "1.0", more)
    document = index(feed, "demo.lib")
    page = document["items"][0]
    leaf = page["items"][0]
    entry = leaf["catalogEntry"]
    base = f"http://localhost:8624{feed.path}/v3"
    assert (document["count"], page["count"], page["lower"], page["upper"]) == (1, 1, "1.0.0", "1.0.0")
    assert leaf["packageContent"] == f"{base}/flat/demo.lib/1.0.0/demo.lib.1.0.0.nupkg"
    assert leaf["registration"] == f"{base}/{HIVES[2]}/demo.lib/index.json"
    assert (entry["id"], entry["version"], entry["listed"]) == ("Demo.Lib", "1.0.0", True)
    assert (entry["title"], entry["authors"], entry["tags"]) == ("The lib", "x", ["a", "sample"])
    assert entry["licenseExpression"] == "MIT"
    assert entry["readmeUrl"] == f"{base}/flat/demo.lib/1.0.0/readme"
    assert entry["iconUrl"] == f"{base}/flat/demo.lib/1.0.0/icon"
    assert entry["requireLicenseAcceptance"] is False
    base_index = f"{base}/{HIVES[2]}/base/index.json"
    assert entry["dependencyGroups"] == [
        {
            "targetFramework": ".NETStandard2.0",
            "dependencies": [{"id": "Base", "range": "[1.0.0, )", "registration": base_index}],
        },
        {"targetFramework": "net8.0", "dependencies": []},
    ]
    assert json_of(feed.get(path_of(feed, leaf["@id"]))) == leaf


def test_old_hives_hide_what_only_semver2_clients_can_read(feed: Place) -> None:
    by_a_bound = '<dependencies><dependency id="Base" version="[1.0-a.b,)"/></dependencies>'
    push(feed, "Demo", "1.0.0")
    push(feed, "Demo", "1.1.0", by_a_bound)
    push(feed, "Demo", "2.0.0-rc.1")
    push(feed, "Demo", "3.0.0+build")
    push(feed, "Only.New", "1.0.0-rc.1")
    for hive in HIVES[:2]:
        assert list(leaves(feed, "demo", hive)) == ["1.0.0"]
        assert feed.get(f"/v3/{hive}/only.new/index.json").status_code == 404
        assert feed.get(f"/v3/{hive}/demo/2.0.0-rc.1.json").status_code == 404
    assert list(leaves(feed, "demo")) == ["1.0.0", "1.1.0", "2.0.0-rc.1", "3.0.0+build"]
    assert versions(feed, "demo") == ["1.0.0", "1.1.0", "2.0.0-rc.1", "3.0.0"]


@pytest.mark.parametrize("hive", HIVES)
def test_all_addresses_of_a_registration_stay_in_its_hive(feed: Place, hive: str) -> None:
    push(feed, "Demo", "1.0.0", '<dependencies><dependency id="Base" version="1.0"/></dependencies>')
    text = feed.get(f"/v3/{hive}/demo/index.json").text
    assert f"/v3/{hive}/" in text
    for other in set(HIVES) - {hive}:
        assert f"/v3/{other}/" not in text


def test_an_unlisted_version_is_dated_1900_until_it_is_listed_again(feed: Place) -> None:
    push(feed, "Demo", "1.0.0-RC.1+x")
    assert feed.send(Request("DELETE", "/api/v2/package/Demo/1.0.0-RC.1")).status_code == 204
    leaf = leaves(feed, "demo")["1.0.0-RC.1+x"]
    assert (leaf["listed"], leaf["catalogEntry"]["listed"]) == (False, False)
    assert leaf["published"] == "1900-01-01T00:00:00.000Z"
    assert feed.send(Request("POST", "/api/v2/package/demo/1.0.0-rc.1")).status_code == 200
    leaf = leaves(feed, "demo")["1.0.0-RC.1+x"]
    assert leaf["listed"] is True
    assert not leaf["published"].startswith("1900")


def test_many_versions_are_paged_without_overlap_and_pages_can_be_fetched(feed: Place) -> None:
    for number in range(130):
        feed.publish(make("Demo", f"1.{number}.0-RC", "", {}))
    document = index(feed, "demo")
    pages = document["items"]
    assert (document["count"], [page["count"] for page in pages]) == (3, [64, 64, 2])
    assert all("items" not in page for page in pages)
    assert (pages[0]["lower"], pages[0]["upper"]) == ("1.0.0-RC", "1.63.0-RC")
    assert list(leaves(feed, "demo")) == [f"1.{number}.0-RC" for number in range(130)]
    assert feed.get(f"/v3/{HIVES[2]}/demo/page/1.0.0-rc/1.64.0-rc.json").status_code == 404


def test_gzip_is_sent_when_it_is_asked_for_only(feed: Place) -> None:
    for number in range(5):
        push(feed, "Demo", f"1.{number}.0")
    path = f"/v3/{HIVES[1]}/demo/index.json"
    plain, packed = feed.get(path), feed.get(path, headers={"Accept-Encoding": "gzip, deflate"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_a_deprecation_has_a_message_and_the_reason_other(feed: Place) -> None:
    push(feed, "Demo", "1.0.0")
    body = json.dumps({"versions": ["1.0"], "message": "use Demo2"}).encode()
    request = Request("PUT", "/api/v2/package/demo/deprecations", {"Content-Type": "application/json"}, body)
    assert feed.send(request).status_code == 200
    found = leaves(feed, "demo")["1.0.0"]["catalogEntry"]["deprecation"]
    assert found == {"reasons": ["Other"], "message": "use Demo2"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"versions": ["9.9.9"], "message": "x"}, 404),
        ({"versions": ["nonsense"], "message": "x"}, 404),
        ({"versions": "1.0.0", "message": "x"}, 400),
        ({"versions": [1], "message": "x"}, 400),
        ({"versions": ["1.0.0"]}, 400),
        ({"versions": ["1.0.0"], "message": "x" * 5000}, 400),
        ([], 400),
    ],
)
def test_a_deprecation_that_makes_no_sense_is_refused(feed: Place, body: object, status: int) -> None:
    push(feed, "Demo", "1.0.0")
    headers = {"Content-Type": "application/json"}
    request = Request("PUT", "/api/v2/package/demo/deprecations", headers, json.dumps(body).encode())
    assert feed.send(request).status_code == status
