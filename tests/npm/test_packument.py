"""The documents that clients read, as functions of what a feed holds."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from app.plugin import BlobDigests, Manifest
from app.plugin.web import FileRecord, PackageRecord, VersionRecord
from plugins.npm.names import tarball_name
from plugins.npm.packument import abbreviated, dist_tags, full, iso, revision, to_bytes, version_object
from plugins.npm.versions import is_prerelease, version_key

URL = "http://npm-prod.localhost:8624"
LONG_AGO = datetime(2020, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)


def version(text: str, name: str = "left", **more: Any) -> VersionRecord:
    package = more.pop("package", {})
    facts = {"package": package, "fileCount": 2, "unpackedSize": 300, **more.pop("data", {})}
    manifest = Manifest(name, text, readme=f"# {text}", description="d", data=facts)
    digests = BlobDigests("a" * 64, "b" * 128, "c" * 40, "d" * 32, 100)
    file = FileRecord(tarball_name(name, text), "", digests, manifest)
    record = VersionRecord(
        name=name,
        version=text,
        normalized=text,
        key=version_key(text),
        prerelease=is_prerelease(text),
        listed=True,
        deprecated="",
        origin="published",
        published=LONG_AGO,
        published_by="ann",
        added=LONG_AGO,
        size=100,
        downloads=0,
        files=(file,),
    )
    return replace(record, **more)


def package(*versions: VersionRecord, tags: dict[str, str] | None = None, name: str = "left") -> PackageRecord:
    stable = [each.version for each in versions if not each.prerelease]
    latest = stable[-1] if stable else versions[-1].version
    return PackageRecord(name, name, 7, versions, tags or {}, latest, stable[-1] if stable else None)


def test_latest_is_there_even_when_nobody_set_it() -> None:
    assert dist_tags(package(version("1.0.0"), version("2.0.0-rc.1"))) == {"latest": "1.0.0"}
    assert dist_tags(package(version("1.0.0-a"), version("1.0.0-b"))) == {"latest": "1.0.0-b"}


def test_a_latest_that_was_set_need_not_be_the_highest() -> None:
    record = package(version("1.0.0"), version("2.0.0"), tags={"latest": "1.0.0", "beta": "2.0.0"})
    assert dist_tags(record) == {"latest": "1.0.0", "beta": "2.0.0"}
    assert full(record, URL)["readme"] == "# 1.0.0"


def test_a_tag_that_points_nowhere_is_not_shown() -> None:
    assert dist_tags(package(version("1.0.0"), tags={"next": "9.9.9"})) == {"latest": "1.0.0"}


def test_the_tarball_is_where_every_client_guesses_it() -> None:
    scoped = version("1.0.0", "@acme/left")
    dist = version_object(scoped, URL)["dist"]
    assert dist == {
        "tarball": "http://npm-prod.localhost:8624/@acme/left/-/left-1.0.0.tgz",
        "shasum": "c" * 40,
        "integrity": "sha512-" + base64.b64encode(b"\xbb" * 64).decode(),
        "fileCount": 2,
        "unpackedSize": 300,
    }


def test_time_is_complete_and_says_when_the_world_first_saw_each_version() -> None:
    promoted = LONG_AGO + timedelta(days=900)
    record = package(version("1.0.0", added=promoted), version("1.1.0", published=LONG_AGO + timedelta(days=1)))
    time = full(record, URL)["time"]
    assert time == {
        "created": "2020-01-02T03:04:05.678Z",
        "modified": iso(promoted),
        "1.0.0": "2020-01-02T03:04:05.678Z",
        "1.1.0": "2020-01-03T03:04:05.678Z",
    }
    assert abbreviated(record, URL)["modified"] == time["modified"]
    assert abbreviated(record, URL)["time"] == time


def test_moments_are_written_in_utc_with_milliseconds() -> None:
    assert iso(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"
    assert iso(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T23:00:00.000Z"


def test_the_full_document_has_what_npm_view_shows() -> None:
    about = {
        "description": "Pads left.",
        "license": "MIT",
        "author": "Ann <ann@example.org>",
        "repository": {"type": "git", "url": "https://example.org/left"},
    }
    document = full(package(version("1.0.0", package=about, data={"readmeFilename": "README.md"})), URL)
    assert document["_id"] == document["name"] == "left"
    assert document["readmeFilename"] == "README.md"
    assert {key: document[key] for key in about} == about
    shown = document["versions"]["1.0.0"]
    assert shown["_id"] == "left@1.0.0"
    assert shown["_npmUser"] == {"name": "ann", "email": ""}
    assert document["maintainers"] == [{"name": "ann", "email": ""}]
    assert "readme" not in shown
    assert "deprecated" not in shown


def test_the_abbreviated_document_keeps_what_installing_needs_and_no_more() -> None:
    needed = {
        "dependencies": {"ms": "^2.0.0"},
        "optionalDependencies": {"fsevents": "*"},
        "peerDependencies": {"react": ">=18"},
        "peerDependenciesMeta": {"react": {"optional": True}},
        "bundleDependencies": ["ms"],
        "bin": {"left": "bin.js"},
        "engines": {"node": ">=20"},
        "os": ["linux"],
        "cpu": ["x64"],
        "libc": ["glibc"],
        "funding": {"url": "https://example.org"},
    }
    rest = {"scripts": {"install": "node x"}, "exports": "./x.js", "description": "d", "license": "MIT"}
    facts = {"hasInstallScript": True, "_hasShrinkwrap": True}
    record = package(version("1.0.0", package={**needed, **rest}, data=facts, deprecated="use right"))
    short = abbreviated(record, URL)
    shown = short["versions"]["1.0.0"]
    assert {key: shown[key] for key in needed} == needed
    assert shown["hasInstallScript"] is True
    assert shown["_hasShrinkwrap"] is True
    assert shown["deprecated"] == "use right"
    assert not set(rest) & set(shown)
    assert not {"_id", "_npmUser", "maintainers"} & set(shown)
    assert set(short) == {"name", "modified", "dist-tags", "versions", "time"}
    long = full(record, URL)["versions"]["1.0.0"]
    assert long["scripts"] == {"install": "node x"}
    assert long["hasInstallScript"] is True


def test_a_package_json_cannot_overrule_what_the_registry_knows() -> None:
    lies = {"dist": {"tarball": "http://evil"}, "_id": "evil@1", "deprecated": "", "_hasShrinkwrap": "yes"}
    shown = version_object(version("1.0.0", package=lies, deprecated="old"), URL)
    assert shown["dist"]["tarball"].startswith(URL)
    assert shown["_id"] == "left@1.0.0"
    assert shown["deprecated"] == "old"
    assert shown["_hasShrinkwrap"] is False


def test_the_revision_is_another_one_after_every_change() -> None:
    one, two = version("1.0.0"), version("1.1.0")
    states = [
        package(one),
        package(one, two),
        package(one, two, tags={"beta": "1.0.0"}),
        package(one, replace(two, deprecated="no")),
        replace(package(one), serial=8),
    ]
    assert len({revision(state) for state in states}) == len(states)


def test_documents_are_compact_json_in_utf_8() -> None:
    assert to_bytes({"a": ["é", 1]}) == '{"a":["é",1]}'.encode()
    record = package(version("1.0.0"), version("1.10.0"))
    assert list(json.loads(to_bytes(full(record, URL)))["versions"]) == ["1.0.0", "1.10.0"]
