"""/api/packages/{feed}: reading, uploading, deleting and changing versions."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from app.services import feeds
from tests.api.conftest import DENIAL, ON_SQLITE, OWNER, Api
from tests.fixtures import make_feeds, publish_sample


@pytest.fixture
def boxes(api: Api) -> Api:
    """Give the API with parcels of several groups and files."""
    for content in (
        b"parcel crate 1.0\n", b"parcel crate 1.0 java\n", b"parcel crate 1.0 notes\n", b"parcel crate 1.1-pre\n",
        b"parcel team/crate 2.0\n", b"parcel team/tools/saw 0.1-pre\n", b"parcel crate 0.9\n",
    ):  # fmt: skip
        api.publish("boxes", content)
    return api


# Reading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feed", "kind", "package"),
    [("dev", "npm", "npm"), ("tools", "universal", "upack"), ("boxes", "parcels", "box")],
)
def test_the_probe_says_what_a_feed_is(api: Api, feed: str, kind: str, package: str) -> None:
    for path in (f"/api/packages/{feed}", f"/api/packages/{feed.upper()}/"):
        answer = api.get(path).json
        assert isinstance(answer.pop("id"), int)
        assert answer == {"name": feed, "feedType": kind, "packageType": package}


def named(listed: list[dict[str, Any]]) -> list[str]:
    return [f"{each.get('group', '-')}|{each['name']}|{each['version']}|{each.get('qualifier')}" for each in listed]


def test_a_version_is_described_in_full(api: Api) -> None:
    (info,) = api.get("/api/packages/dev/versions?name=ui&group=%40acme").json
    content = api.get("/api/packages/dev/download?name=@acme/ui&version=1.0.0").data
    digests = {name: hashlib.new(name, content).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")}
    assert info.pop("published").endswith("Z")
    assert info == {
        "purl": "pkg:npm/%40acme/ui@1.0.0",
        "group": "@acme",
        "name": "ui",
        "version": "1.0.0",
        "totalDownloads": 0,
        "downloads": 0,
        "publishedBy": "sam",
        "size": len(content),
        "listed": True,
        **digests,
        "deprecated": False,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["-|crate|1.0|platform=any", "-|crate|1.0|platform=java", "team/tools|saw|0.1-pre|platform=any",
              "team|crate|2.0|platform=any"]),
        ("?stableOnly=true", ["-|crate|1.0|platform=any", "-|crate|1.0|platform=java", "team|crate|2.0|platform=any"]),
        ("?stableOnly=false&group=team", ["team|crate|2.0|platform=any"]),
        ("?group=", ["-|crate|1.0|platform=any", "-|crate|1.0|platform=java"]),
        ("?group=nobody", []),
        ("?group=no+such+group", []),
        ("?name=crate&group=TEAM", ["team|crate|2.0|platform=any"]),
        ("?name=team/crate", ["team|crate|2.0|platform=any"]),
        ("?name=saw&group=team/tools", ["team/tools|saw|0.1-pre|platform=any"]),
        ("?name=saw&group=team/tools&stableOnly=true", []),
        ("?name=nothing", []),
        ("?name=no+name", []),
    ],
)  # fmt: skip
def test_the_newest_version_of_each_package_is_listed(boxes: Api, query: str, found: list[str]) -> None:
    assert sorted(named(boxes.get(f"/api/packages/boxes/latest{query}").json)) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?name=crate", ["-|crate|0.9|platform=any", "-|crate|1.0|platform=any", "-|crate|1.0|platform=java",
                         "-|crate|1.1-pre|platform=any"]),
        ("?name=crate&version=1.0", ["-|crate|1.0|platform=any", "-|crate|1.0|platform=java"]),
        ("?name=crate&version=01.0", ["-|crate|1.0|platform=any", "-|crate|1.0|platform=java"]),
        ("?name=crate&version=7.0", []),
        ("?name=crate&version=none", []),
        ("?version=2.0", ["team|crate|2.0|platform=any"]),
        ("?group=team/tools", ["team/tools|saw|0.1-pre|platform=any"]),
        ("?name=nothing", []),
    ],
)  # fmt: skip
def test_versions_are_listed_by_package_group_and_feed(boxes: Api, query: str, found: list[str]) -> None:
    assert named(boxes.get(f"/api/packages/boxes/versions{query}").json) == found


def test_a_feed_of_many_versions_is_listed_whole(api: Api) -> None:
    for number in range(12):
        publish_sample(api.runtime, "test", "left", f"1.0.{number}")
        publish_sample(api.runtime, "test", f"right-{number}", "1.0.0")
    assert len(api.get("/api/packages/test/versions").json) == 24
    assert len(api.get("/api/packages/test/latest").json) == 13


def test_downloads_are_counted_by_version_and_package(api: Api) -> None:
    for version in ("1.0.0", "1.0.0", "1.1.0"):
        assert api.get(f"/api/packages/dev/download?name=left&version={version}").status_code == 200
    api.client.application.extensions["promontory.serving"].downloads.flush()
    listed = api.get("/api/packages/dev/versions?name=left").json
    assert [each["downloads"] for each in listed] == [2, 1, 0]
    assert {each["totalDownloads"] for each in listed} == {3}
    assert [each["totalDownloads"] for each in api.get("/api/packages/dev/latest?name=left").json] == [3]
    assert sorted(each["totalDownloads"] for each in api.get("/api/packages/dev/latest").json) == [0, 3]


@pytest.mark.parametrize(
    ("query", "content"),
    [
        ("name=crate&version=1.0&qualifier=platform%3Dany", b"parcel crate 1.0\n"),
        ("name=crate&version=1.0&qualifier=platform%3Djava", b"parcel crate 1.0 java\n"),
        ("purl=pkg:box/crate@1.0%3Fplatform%3Djava", b"parcel crate 1.0 java\n"),
        ("purl=pkg:crate/crate@1.0%3Fplatform=java%26checksum=sha1:0", b"parcel crate 1.0 java\n"),
        ("name=crate&version=latest-stable&qualifier=platform=java", b"parcel crate 1.0 java\n"),
        ("name=crate&version=latest-unstable", b"parcel crate 1.1-pre\n"),
        ("name=crate&version=latest&group=Team", b"parcel team/crate 2.0\n"),
        ("name=saw&group=team/tools&version=latest", b"parcel team/tools/saw 0.1-pre\n"),
    ],
)
def test_a_file_is_downloaded_by_name_alias_purl_and_qualifier(boxes: Api, query: str, content: bytes) -> None:
    answer = boxes.get(f"/api/packages/boxes/download?{query}")
    assert (answer.status_code, answer.data) == (200, content), answer.text
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.content_type == "application/octet-stream"


def test_a_download_is_called_as_the_format_calls_its_files(api: Api) -> None:
    answer = api.get("/api/packages/dev/download?name=@acme/ui&version=1.0.0")
    assert "filename=ui-1.0.0.tgz" in answer.headers["Content-Disposition"]


UNCLEAR = [
    ("", 400, "The field name is missing"),
    ("name=crate", 400, "The field version is missing"),
    ("name=crate&version=7.0", 404, "it holds 0.9, 1.0, 1.1-pre"),
    ("name=nothing&version=1.0", 404, "There is no package 'nothing' in the feed boxes"),
    ("name=no+name&version=1.0", 404, "There is no package 'no name'"),
    ("purl=pkg:box", 400, "is no package URL"),
    ("purl=pkg:npm/crate@1.0", 400, "of the type npm, but the feed holds Parcel packages; use pkg:box/..."),
    ("purl=pkg:box/crate", 400, "The field version is missing"),
]
UNCLEAR_FILE = [
    ("name=crate&version=1.0", 400, "several files; send the qualifier platform=any or platform=java"),
    ("name=crate&version=1.0&qualifier=platform=mars", 404, "has no file 'platform=mars'"),
]


@ON_SQLITE
@pytest.mark.parametrize(
    ("method", "action", "query", "status", "sentence"),
    [("GET", "download", *each) for each in UNCLEAR + UNCLEAR_FILE]
    + [("POST", "delete", *each) for each in UNCLEAR + UNCLEAR_FILE]
    + [("POST", action, *each) for action in ("status", "audit") for each in UNCLEAR],
)
def test_what_is_not_named_exactly_is_refused(
    boxes: Api, method: str, action: str, query: str, status: int, sentence: str
) -> None:
    answer = boxes.send(method, f"/api/packages/boxes/{action}?{query}")
    assert (answer.status_code, sentence in answer.text) == (status, True), answer.text


def test_a_file_says_its_variant_only_where_its_format_does(api: Api) -> None:
    assert "qualifier" not in api.get("/api/packages/dev/versions?name=left").json[0]
    answer = api.get("/api/packages/dev/download?name=left&version=1.0.0&qualifier=platform=ruby")
    assert (answer.status_code, "leave the qualifier out" in answer.text) == (404, True)


def test_metadata_describes_a_version_and_its_files(boxes: Api) -> None:
    answer = boxes.get("/api/packages/boxes/metadata?name=crate&version=1.0").json
    assert (answer["name"], answer["version"], answer["state"]) == ("crate", "1.0", "Local")
    assert answer["status"] == {"deprecated": False, "listed": True, "allowDownload": True}
    assert [(each["qualifier"], each["state"]) for each in answer["artifacts"]] == [
        ("platform=any", "Local"),
        ("platform=java", "Local"),
    ]
    assert "complianceReport" not in answer
    assert "vulnerabilities" not in answer


def test_metadata_names_the_licence(api: Api) -> None:
    assert api.get("/api/packages/dev/metadata?name=left&version=1.0.0").json["licenses"] == [
        {"code": "MIT", "title": "MIT"}
    ]


def test_an_audit_says_that_nothing_was_analysed(api: Api) -> None:
    answer = api.post("/api/packages/dev/audit?purl=pkg:npm/left@1.0.0").json
    assert answer["resultCode"] == "I"
    assert "was not analysed" in answer["statusText"]


# Uploading --------------------------------------------------------------------------------------------


@ON_SQLITE
@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("path", ["", "/", "/x.parcel", "/sub/folder/x%20y.bin"])
def test_a_file_is_uploaded_under_any_name(api: Api, method: str, path: str) -> None:
    answer = api.send(method, f"/api/packages/Boxes/upload{path}", data=b"parcel a/b 1.0\n")
    assert (answer.status_code, answer.json) == (
        200,
        {"group": "a", "name": "b", "version": "1.0", "purl": "pkg:box/a/b@1.0", "created": True},
    )
    assert api.held("boxes", "a/b") == ["1.0"]


@ON_SQLITE
@pytest.mark.parametrize("kind", [None, "application/octet-stream", "application/x-www-form-urlencoded", "text/plain"])
def test_the_content_type_of_an_upload_does_not_matter(api: Api, kind: str | None) -> None:
    answer = api.send("PUT", "/api/packages/boxes/upload", data=b"parcel a 1.0\n", content_type=kind)
    assert answer.status_code == 200, answer.text


def test_the_same_file_again_is_fine_and_other_bytes_are_not(api: Api) -> None:
    for content, status in ((b"parcel a 1.0\n", 200), (b"parcel a 1.0\n", 200), (b"parcel a 1.0\nmore", 400)):
        answer = api.send("PUT", "/api/packages/boxes/upload", data=content)
        assert answer.status_code == status
    assert "publish a new version" in answer.text


def test_a_feed_may_allow_overwriting_to_who_has_the_right(api: Api) -> None:
    with api.runtime.writing(OWNER) as work:
        feeds.update_feed(work, "boxes", feeds.FeedChange(allow_overwrite=True))
    adder, overwriter = api.feed_key("view add", "boxes"), api.feed_key("view add delete", "boxes")
    for number, (key, status) in enumerate(((adder, 200), (adder, 400), (overwriter, 200))):
        content = f"parcel a 1.0\n{number}".encode()
        assert api.send("PUT", "/api/packages/boxes/upload", data=content, key=key).status_code == status


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"data": b""}, "The file is no parcel"),
        ({"data": b"PK nonsense"}, "The file is no parcel"),
        ({"data": {"file": (__file__,)}, "content_type": "multipart/form-data"}, "multipart"),
    ],
)
def test_what_is_no_package_is_refused(api: Api, sent: dict[str, Any], sentence: str) -> None:
    answer = api.send("PUT", "/api/packages/boxes/upload/x.parcel", **sent)
    assert (answer.status_code, sentence in answer.text) == (400, True)


def test_a_key_in_an_upload_s_body_is_no_credential(api: Api) -> None:
    answer = api.send("PUT", "/api/packages/boxes/upload", key="", data={"key": api.key})
    assert answer.status_code == 403


# Deleting and changing --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_version_is_deleted_from_its_feed_only(api: Api, method: str) -> None:
    api.promote()
    answer = api.send(method, "/api/packages/prod/delete?name=left&version=1.0.0")
    assert (answer.status_code, answer.data) == (200, b"")
    assert api.held("prod", "left") == []
    assert "1.0.0" in api.held("dev", "left")
    assert api.send(method, "/api/packages/prod/delete?name=left&version=1.0.0").status_code == 404
    assert len(api.history(package="left")) == 1


def test_one_platform_is_deleted_and_the_others_stay(boxes: Api) -> None:
    path = "/api/packages/boxes/delete?name=crate&version=1.0&qualifier=platform="
    assert boxes.post(f"{path}java").status_code == 200
    assert named(boxes.get("/api/packages/boxes/versions?name=crate&version=1.0").json) == ["-|crate|1.0|platform=any"]
    assert boxes.get("/api/packages/boxes/metadata?name=crate&version=1.0").json["size"] == len(
        b"parcel crate 1.0\nparcel crate 1.0 notes\n"
    )
    assert boxes.post(f"{path}any").status_code == 200
    assert boxes.held("boxes", "crate") == ["0.9", "1.1-pre"]


def test_a_version_that_lost_a_file_differs_from_its_promoted_copy(boxes: Api) -> None:
    boxes.promote("crate", "1.0", fromFeed="boxes", toFeed="boxes-approved")
    boxes.post("/api/packages/boxes/delete?name=crate&version=1.0&qualifier=platform=java")
    assert boxes.promote("crate", "1.0", fromFeed="boxes", toFeed="boxes-approved").status_code == 409


@pytest.mark.parametrize("action", ["delete", "status"])
def test_a_change_names_its_version_and_no_alias(api: Api, action: str) -> None:
    answer = api.post(f"/api/packages/dev/{action}?name=left&version=latest", json={"listed": False})
    assert (answer.status_code, "is no exact version" in answer.text) == (400, True)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_is_not_sent_of_a_status_stays(api: Api, method: str) -> None:
    def after(**status: Any) -> tuple[bool, bool, str | None]:
        path = "/api/packages/dev/status?name=left&version=1.0.0"
        assert api.send(method, path, json=status).status_code == 200
        info = api.get("/api/packages/dev/versions?name=left&version=1.0.0").json[0]
        return info["listed"], info["deprecated"], info.get("deprecationReason")

    assert after(listed=False) == (False, False, None)
    assert after(deprecated=True, deprecationReason="use right") == (False, True, "use right")
    assert after() == (False, True, "use right")
    assert after(allow=True) == (False, True, "use right")
    assert after(deprecated=True) == (False, True, "use right")
    assert after(deprecationReason="use up") == (False, True, "use up")
    assert after(listed=True, deprecated=None) == (True, True, "use up")
    assert after(deprecated=False) == (True, False, None)
    assert after(deprecated=True) == (True, True, "This version is deprecated.")


def test_blocking_a_download_is_refused_rather_than_forgotten(api: Api) -> None:
    answer = api.post("/api/packages/dev/status?name=left&version=1.0.0", json={"allow": False, "listed": False})
    assert (answer.status_code, "is not offered" in answer.text) == (400, True)
    assert api.get("/api/packages/dev/versions?name=left&version=1.0.0").json[0]["listed"] is True


# Rights -----------------------------------------------------------------------------------------------

CALLS = {
    "GET ": "view",
    "GET /latest": "view",
    "GET /versions": "view",
    "GET /metadata?name=left&version=1.0.0": "view",
    "POST /audit?name=left&version=1.0.0": "view",
    "GET /download?name=left&version=1.0.0": "view",
    "PUT /upload": "add",
    "POST /delete?name=left&version=1.0.0": "delete",
    "POST /status?name=left&version=1.0.0": "delete",
}


@ON_SQLITE
@pytest.mark.parametrize("call", CALLS)
def test_a_feed_key_does_what_it_was_given_and_on_its_feeds_only(api: Api, call: str) -> None:
    make_feeds(api.runtime, "npm", "other")
    method, _, rest = call.partition(" ")
    needed = CALLS[call]
    rights = {"view": "view", "add": "view add", "delete": "view delete"}[needed]
    less = {"view": "add promote delete", "add": "view promote delete", "delete": "view add promote"}[needed]
    expected = 400 if needed == "add" else 200  # An empty upload is no package.
    for secret, status in (
        (api.feed_key(rights, "dev"), expected),
        (api.feed_key(less, "dev"), 403),
        (api.feed_key("view add promote delete", "other"), 403),
        ("", 403),
    ):
        answer = api.send(method, f"/api/packages/dev{rest}", key=secret)
        assert answer.status_code == status, answer.text
        assert (status == 403) == answer.data.startswith(DENIAL.encode())


def test_an_unknown_feed_is_not_found_by_people_and_denied_to_strangers(api: Api) -> None:
    assert api.get("/api/packages/nowhere/latest").status_code == 404
    assert api.get("/api/packages/nowhere/latest", key="").status_code == 403


def test_an_open_feed_is_read_without_a_key(api: Api) -> None:
    api.let_everybody_read("dev")
    assert api.get("/api/packages/dev/latest", key="").status_code == 200
    assert api.get("/api/packages/dev/download?name=left&version=1.0.0", key="").status_code == 200
    assert api.send("PUT", "/api/packages/dev/upload", key="", data=b"").status_code == 403
