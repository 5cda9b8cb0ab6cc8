"""Packages, versions, files and tags."""

from __future__ import annotations

import hashlib

import pytest

from app.services.runtime import Runtime
from app.web.api.v1.contents import OPERATIONS
from tests.api.conftest import ON_SQLITE
from tests.api.v1.conftest import V1, statements
from tests.fixtures import publish_sample


@pytest.fixture
def more(v1: V1, runtime: Runtime) -> V1:
    """Give an API whose feed dev holds some more packages."""
    for name in ("@acme/app", "right", "up", "down"):
        publish_sample(runtime, "dev", name, "1.0.0")
    return v1


def test_packages_come_in_pages_by_name(more: V1) -> None:
    names = [package["name"] for package in more.everything("/feeds/dev/packages")]
    assert names == ["@acme/app", "@acme/ui", "down", "left", "right", "up"]


def test_packages_are_searched_and_filtered(more: V1) -> None:
    def names(query: str) -> list[str]:
        return [package["name"] for package in more.everything(f"/feeds/dev/packages?{query}")]

    assert names("text=righ") == ["right"]
    assert names("group=@acme") == ["@acme/app", "@acme/ui"]
    assert names("group=") == ["down", "left", "right", "up"]
    (left,) = more.everything("/feeds/dev/packages?text=left")
    assert (left["latest"], left["versions"]) == ("1.1.0", 3)
    (left,) = more.everything("/feeds/dev/packages?text=left&prerelease=false")
    assert (left["latest"], left["versions"]) == ("1.1.0", 2)


def test_a_package_has_a_name_with_a_slash(v1: V1) -> None:
    for name in ("@acme/ui", "@acme%2Fui"):
        assert v1.get(f"/feeds/dev/packages/{name}").json["name"] == "@acme/ui"
        assert v1.get(f"/feeds/dev/versions/1.0.0/{name}").json["package"] == "@acme/ui"


def test_versions_come_ascending_in_pages(v1: V1) -> None:
    versions = v1.everything("/feeds/dev/versions?package=left", limit=1)
    assert [version["version"] for version in versions] == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
    assert versions[0] == v1.get("/feeds/dev/versions/1.0.0/left").json
    assert v1.get("/feeds/dev/versions/latest/left").json["version"] == "1.1.0"


def test_a_page_costs_the_same_however_much_it_holds(more: V1, runtime: Runtime) -> None:
    for path in ("/feeds/dev/packages", "/feeds/dev/versions?package=left", "/feeds"):
        mark = "&" if "?" in path else "?"
        counts = []
        for limit in (1, 3):
            with statements(runtime) as seen:
                assert more.get(f"{path}{mark}limit={limit}").status_code == 200
            counts.append(len(seen))
        assert counts[0] == counts[1], path


@ON_SQLITE
def test_a_version_is_unlisted_and_deprecated(v1: V1) -> None:
    path = "/feeds/dev/versions/1.0.0/left"
    changed = v1.send("PATCH", path, json={"listed": False, "deprecated": "old"}).json
    assert (changed["listed"], changed["deprecated"]) == (False, "old")
    assert changed == v1.get(path).json
    changed = v1.send("PATCH", path, json={"deprecated": ""}).json
    assert (changed["listed"], changed["deprecated"]) == (False, "")
    refused = v1.send("PATCH", "/feeds/dev/versions/latest/left", json={"listed": False})
    assert (refused.status_code, refused.json["code"]) == (400, "alias")
    assert v1.send("PATCH", path, json={"listed": True}, match='"x"').status_code == 412


@ON_SQLITE
def test_versions_and_packages_are_deleted(v1: V1) -> None:
    assert v1.remove("/feeds/dev/versions/1.0.0/left").status_code == 204
    assert v1.get("/feeds/dev/versions/1.0.0/left").json["code"] == "unknown-version"
    assert v1.remove("/feeds/dev/packages/left").status_code == 204
    assert v1.get("/feeds/dev/packages/left").json["code"] == "unknown-package"
    assert v1.send("DELETE", "/feeds/dev/packages/left").status_code == 404


@ON_SQLITE
def test_a_file_is_downloaded_whole_and_in_part(v1: V1) -> None:
    (file,) = v1.get("/feeds/dev/versions/1.0.0/left").json["files"]
    answer = v1.get("/feeds/dev/files/1.0.0/left")
    assert hashlib.sha256(answer.data).hexdigest() == file["sha256"] == answer.headers["ETag"].strip('"')
    part = v1.get("/feeds/dev/files/1.0.0/left", headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.data) == (206, answer.data[2:6])
    assert v1.get("/feeds/dev/files/1.0.0/left", headers={"Range": "bytes=9999999-"}).status_code == 416
    assert v1.get("/feeds/dev/files/1.0.0/left?variant=x").json["code"] == "unknown-file"
    assert v1.send("DELETE", "/feeds/dev/files/1.0.0/left").status_code == 204
    assert v1.get("/feeds/dev/versions/1.0.0/left").status_code == 404


@ON_SQLITE
def test_tags_are_set_listed_moved_and_removed(v1: V1) -> None:
    path = "/feeds/dev/tags/next/left"
    assert v1.send("PUT", path, json={"version": "2.0.0-rc.1"}).json == {"name": "next", "version": "2.0.0-rc.1"}
    assert v1.send("PUT", path, json={"version": "1.1.0"}, match='"x"').status_code == 412
    assert v1.send("PUT", path, json={"version": "1.1.0"}).json == v1.get(path).json
    assert {"name": "next", "version": "1.1.0"} in v1.everything("/feeds/dev/tags?package=left", limit=1)
    assert v1.get("/feeds/dev/packages/left").json["tags"]["next"] == "1.1.0"
    assert v1.send("PUT", path, json={"version": "9.9.9"}).json["code"] == "unknown-version"
    assert v1.remove(path).status_code == 204
    assert v1.get(path).json["code"] == "unknown-tag"


@ON_SQLITE
def test_a_feed_that_takes_promotions_only_is_changed_by_nothing_else(v1: V1) -> None:
    """A new operation that writes what a feed holds fails here until it is refused."""
    held = {"feed": "dev", "version": "1.0.0", "tag": "latest", "package": "left"}
    bodies = {"PATCH": {"listed": False, "deprecated": "x"}, "PUT": {"version": "1.0.0"}}
    v1.send("PUT", "/feeds/dev/tags/latest/left", json={"version": "1.0.0"})
    v1.change("/feeds/dev", {"accepts": "promotions"})
    writing = [each for each in OPERATIONS if each.writes and each.path.startswith("/feeds/{feed}/")]
    assert len(writing) == 6
    for operation in writing:
        answer = v1.send(operation.method, operation.path.format(**held), json=bodies.get(operation.method))
        assert (answer.status_code, answer.json["code"]) == (403, "promotions-only"), operation.name
