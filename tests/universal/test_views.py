"""The Universal Feed API as its clients speak it: requests recorded from Inedo's library, upack and pgutil."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from werkzeug.test import TestResponse

from app.plugin import Request, Sample
from app.testing.stage import Place, Stage
from plugins.universal.format import UniversalFormat
from plugins.universal.kit import make, packed
from tests.fixtures import make_feeds, make_key, running

ZIP = {"Content-Type": "application/zip"}
CONTENTS = packed({"a.txt": b"a", "d/b.txt": b"b"})


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(UniversalFormat(), tmp_path_factory.mktemp("universal"))
    yield made
    made.close()


@pytest.fixture
def feed(stage: Stage) -> Place:
    return stage.new_feed()


def put(feed: Place, path: str, body: bytes, kind: str = "application/zip", method: str = "PUT") -> TestResponse:
    return feed.send(Request(method, path, {"Content-Type": kind}, body))


def publish(feed: Place, *wanted: tuple[str, str]) -> list[Sample]:
    samples = [make(name, version) for name, version in wanted]
    for sample in samples:
        assert put(feed, "/upload", sample.content).status_code == 201
    return samples


def of_json(response: TestResponse) -> Any:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith("application/json")
    return json.loads(response.data)


def refused(response: TestResponse, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.mimetype == "text/plain"
    assert response.text.strip()
    return response.text


# Lists ------------------------------------------------------------------------------------------------


def test_packages_are_an_array_with_their_versions_newest_first(feed: Place) -> None:
    publish(
        feed, ("tools/hello", "1.9.0"), ("tools/hello", "1.10.0"), ("tools/hello", "2.0.0-rc.1"), ("plain", "1.0.0")
    )
    found = of_json(feed.get("/packages"))
    assert [(item["group"], item["name"], item["latestVersion"], item["versions"]) for item in found] == [
        ("", "plain", "1.0.0", ["1.0.0"]),
        ("tools", "hello", "1.10.0", ["2.0.0-rc.1", "1.10.0", "1.9.0"]),
    ]
    assert {type(item["downloads"]) for item in found} == {int}
    assert found[0]["_origin"] == "kit"


def test_one_package_is_an_object(feed: Place) -> None:
    publish(feed, ("tools/hello", "1.9.0"), ("tools/hello", "1.10.0"))
    item = of_json(feed.get("/packages?group=tools&name=hello"))
    assert (item["name"], item["group"], item["latestVersion"]) == ("hello", "tools", "1.10.0")
    assert item["versions"] == ["1.10.0", "1.9.0"]
    assert of_json(feed.get("/packages?group=TOOLS&name=Hello")) == item


def test_a_group_that_is_empty_is_no_group_and_one_that_is_absent_is_every_group(feed: Place) -> None:
    publish(feed, ("a", "1.0.0"), ("g/b", "1.0.0"), ("g/h/c", "1.0.0"))
    names = {
        query: sorted(item["name"] for item in of_json(feed.get(f"/packages{query}")))
        for query in ("", "?group=", "?group=g", "?group=g%2Fh", "?group=none")
    }
    assert names == {"": ["a", "b", "c"], "?group=": ["a"], "?group=g": ["b"], "?group=g%2Fh": ["c"], "?group=none": []}


def test_count_bounds_a_list(feed: Place) -> None:
    publish(feed, ("a", "1.0.0"), ("b", "1.0.0"), ("c", "1.0.0"))
    assert len(of_json(feed.get("/packages?count=2"))) == 2
    assert len(of_json(feed.get("/packages?count=5000"))) == 3
    assert len(of_json(feed.get("/versions?count=2"))) == 2
    refused(feed.get("/packages?count=-1"), 400)
    refused(feed.get("/packages?count=many"), 400)


def test_a_package_that_is_not_there_is_said_in_text(feed: Place) -> None:
    assert "hello" in refused(feed.get("/packages?name=hello"), 404)
    assert of_json(feed.get("/versions?name=hello&includeFileList=False")) == []
    refused(feed.get("/versions?name=hello&version=1.0.0&includeFileList=False"), 404)


def test_versions_are_an_array_and_one_version_is_an_object(feed: Place) -> None:
    sample, *_ = publish(feed, ("tools/hello", "1.0.0"), ("tools/hello", "1.1.0"))
    listed = of_json(feed.get("/versions?group=tools&name=hello&includeFileList=False"))
    assert [item["version"] for item in listed] == ["1.1.0", "1.0.0"]
    item = of_json(feed.get("/versions?group=tools&name=hello&version=1.0.0&includeFileList=False"))
    assert item == listed[1]
    assert item["sha1"] == hashlib.sha1(sample.content).hexdigest()
    assert item["size"] == len(sample.content)
    assert (item["isLocal"], item["isCached"], item["isVirtual"]) == (True, False, False)
    assert item["dependencies"] == ["tools/base:[1.0.0,2.0.0)"]
    assert item["published"].endswith("Z")
    assert "fileList" not in item


def test_versions_of_a_whole_feed_or_group_are_listed(feed: Place) -> None:
    publish(feed, ("a", "1.0.0"), ("g/b", "1.0.0"), ("g/b", "2.0.0"))
    assert len(of_json(feed.get("/versions?name=&version="))) == 3
    assert len(of_json(feed.get("/versions?includeFileList=False"))) == 3
    assert [item["version"] for item in of_json(feed.get("/versions?group=g"))] == ["2.0.0", "1.0.0"]


@pytest.mark.parametrize("flag", ["True", "true"])
def test_the_file_list_comes_when_it_is_asked_for(feed: Place, flag: str) -> None:
    publish(feed, ("hello", "1.0.0"))
    item = of_json(feed.get(f"/versions?name=hello&version=1.0.0&includeFileList={flag}"))
    assert [file["name"] for file in item["fileList"]] == ["upack.json", "package/hello.txt"]
    assert {"size", "date"} <= set(item["fileList"][0])


def test_who_may_not_download_sees_no_file_list_even_after_somebody_who_may(feed: Place) -> None:
    from app.domain.permissions import Permission
    from app.services import access, grants, keys, people
    from app.storage.models import Task, TaskAttribute
    from app.testing.stage import OWNER

    publish(feed, ("hello", "1.0.0"))
    with feed.stage.runtime.writing(OWNER) as work:
        only = [TaskAttribute(attribute=Permission.VIEW_FEED.value)]
        work.session.add(Task(name="Look", key="look", description="", built_in=False, attributes=only))
        people.create_user(work, "vera", "correct horse battery")
        grants.grant(work, grants.GrantRequest("Look", user="vera", feed=access.get_feed(work, feed.name).name))
        key = keys.create_key(work, keys.KeyRequest("personal", "vera", user="vera"))[1]
    path = "/versions?name=hello&version=1.0.0&includeFileList="
    assert feed.get(path + "True").status_code == 200
    assert feed.get(path + "False", "anonymous", {"X-ApiKey": key}).status_code == 200
    refused(feed.get(path + "True", "anonymous", {"X-ApiKey": key}), 403)


def test_an_unlisted_version_is_in_no_list_and_still_answers_to_its_number(feed: Place) -> None:
    from app.services import publishing
    from app.testing.stage import OWNER

    publish(feed, ("hello", "1.0.0"), ("hello", "2.0.0"))
    with feed.stage.runtime.writing(OWNER) as work:
        publishing.set_listed(work, feed.name, "hello", "2.0.0", listed=False)
    assert [item["version"] for item in of_json(feed.get("/versions?name=hello"))] == ["1.0.0"]
    assert of_json(feed.get("/packages?name=hello"))["versions"] == ["1.0.0"]
    assert of_json(feed.get("/versions?name=hello&version=2.0.0"))["version"] == "2.0.0"


@pytest.mark.parametrize("word", ["term", "query"])
def test_search_takes_the_client_s_word_and_the_documentation_s(feed: Place, word: str) -> None:
    publish(feed, ("tools/hello", "1.0.0"), ("other", "1.0.0"))
    found = of_json(feed.get(f"/search?{word}=hel"))
    assert [(item["name"], item["versions"]) for item in found] == [("hello", ["1.0.0"])]
    assert of_json(feed.get("/search")) != []


def test_meta_says_what_the_feed_can_do(feed: Place) -> None:
    publish(feed, ("a", "1.0.0"), ("a", "1.1.0"))
    meta = of_json(feed.get("/meta"))
    assert (meta["name"], meta["packageCount"], meta["packageVersionCount"]) == (feed.name, 1, 2)
    assert {"UploadPackage", "UploadContents", "Delete", "DownloadContents"} == set(meta["services"])


# Downloads --------------------------------------------------------------------------------------------


def test_everything_between_the_verb_and_the_name_is_the_group(feed: Place) -> None:
    sample, *_ = publish(feed, ("a/b/hello", "1.0.0"))
    response = feed.get("/download/a/b/hello/1.0.0")
    assert response.data == sample.content
    assert response.mimetype == "application/zip"
    assert "hello.1.0.0.upack" in response.headers["Content-Disposition"]
    assert feed.get("/download/A/b/HELLO/1.0.0").data == sample.content
    refused(feed.get("/download/a/hello/1.0.0"), 404)


def test_an_empty_group_between_two_slashes_is_no_group(feed: Place) -> None:
    sample, *_ = publish(feed, ("hello", "1.0.0"))
    assert feed.get("/download//hello/1.0.0").data == sample.content


@pytest.mark.parametrize("query", ["?latest", "?latest=", "?latest&contentOnly="])
def test_latest_is_the_highest_release(feed: Place, query: str) -> None:
    publish(feed, ("g/hello", "1.9.0"), ("g/hello", "1.10.0"), ("g/hello", "2.0.0-rc.1"))
    assert feed.get(f"/download/g/hello{query}").data == make("g/hello", "1.10.0").content


@pytest.mark.parametrize("path", ["hello", "g/hello", "g/hello/one"])
def test_a_download_needs_a_version_or_latest(feed: Place, path: str) -> None:
    assert "?latest" in refused(feed.get(f"/download/{path}"), 400)


@pytest.mark.parametrize("spelling", ["1.0.0+linux", "1.0.0%2Blinux", "1.0.0"])
def test_a_plus_in_the_address_is_a_plus(feed: Place, spelling: str) -> None:
    sample, *_ = publish(feed, ("hello", "1.0.0+linux"))
    assert feed.get(f"/download/hello/{spelling}").data == sample.content
    assert of_json(feed.get(f"/versions?name=hello&version={spelling}"))["version"] == "1.0.0+linux"


def test_another_build_of_a_version_is_not_given_in_its_place(feed: Place) -> None:
    publish(feed, ("hello", "1.0.0+linux"))
    refused(feed.get("/download/hello/1.0.0+mac"), 404)
    refused(feed.send(Request("DELETE", "/delete/hello/1.0.0+mac")), 404)
    assert feed.get("/download/hello/1.0.0+linux").status_code == 200


@pytest.mark.parametrize(("kind", "mimetype"), [("zip", "application/zip"), ("tgz", "application/x-compressed")])
def test_the_payload_alone_can_be_downloaded(feed: Place, kind: str, mimetype: str) -> None:
    publish(feed, ("g/hello", "1.0.0"))
    response = feed.get(f"/download/g/hello/1.0.0?contentOnly={kind}")
    assert response.mimetype == mimetype
    assert f"hello.1.0.0.{kind}" in response.headers["Content-Disposition"]
    assert extracted(response.data, kind) == {"hello.txt": b"hello 1.0.0\n"}
    again = feed.get(f"/download/g/hello/1.0.0?contentOnly={kind}", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert feed.send(Request("HEAD", f"/download/g/hello?latest&contentOnly={kind}")).status_code == 200


def extracted(data: bytes, kind: str) -> dict[str, bytes]:
    if kind == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def test_the_payload_comes_as_zip_or_tgz_only(feed: Place) -> None:
    publish(feed, ("hello", "1.0.0"))
    refused(feed.get("/download/hello/1.0.0?contentOnly=rar"), 400)


def test_one_file_can_be_downloaded(feed: Place) -> None:
    publish(feed, ("g/hello", "1.0.0"))
    assert feed.get("/download-file/g/hello/1.0.0?path=package%2Fhello.txt").data == b"hello 1.0.0\n"
    manifest = feed.get("/download-file/g/hello?path=upack.json&latest")
    assert json.loads(manifest.data)["name"] == "hello"
    assert manifest.headers["Content-Disposition"].startswith("attachment")
    assert manifest.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_is_not_there_a_folder_and_no_path_are_told_apart(feed: Place) -> None:
    publish(feed, ("hello", "1.0.0"))
    refused(feed.get("/download-file/hello/1.0.0?path=package/none"), 404)
    refused(feed.get("/download-file/hello/1.0.0?path=package"), 403)
    refused(feed.get("/download-file/hello/1.0.0"), 400)
    refused(feed.get("/download-file/hello/2.0.0?path=upack.json"), 404)


# Uploads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("path", ["/upload", "/upload/", "/upload/a/b/hello/1.0.0", "/upload/A/b/Hello/1.0.0"])
@pytest.mark.parametrize("kind", ["application/zip", "application/octet-stream", "application/x-www-form-urlencoded"])
def test_a_finished_package_is_taken_as_it_is(feed: Place, method: str, path: str, kind: str) -> None:
    sample = make("a/b/hello", "1.0.0")
    assert put(feed, path, sample.content, kind, method).status_code == 201
    assert feed.get("/download/a/b/hello/1.0.0").data == sample.content


@pytest.mark.parametrize(
    "path",
    [
        "/upload/hello/1.0.0",
        "/upload/a/b/hello/1.0.1",
        "/upload/a/b/other/1.0.0",
        "/upload/a/b/hello/1.0.0+x",
        "/upload?name=other",
        "/upload?version=2.0.0",
        "/upload?title=Another",
    ],
)
def test_a_finished_package_that_is_not_what_the_request_says_is_refused(feed: Place, path: str) -> None:
    refused(put(feed, path, make("a/b/hello", "1.0.0").content), 400)
    assert feed.package("a/b/hello") is None


def test_a_second_build_of_a_version_has_no_slot(feed: Place) -> None:
    publish(feed, ("hello", "1.0.0+a"))
    assert "1.0.0+a" in refused(put(feed, "/upload", make("hello", "1.0.0+b").content), 409)
    refused(put(feed, "/upload", make("hello", "1.0.0").content), 409)


def test_the_same_package_again_is_fine(feed: Place) -> None:
    publish(feed, ("hello", "1.0.0"), ("hello", "1.0.0"))
    assert len(of_json(feed.get("/versions?name=hello"))) == 1


def test_what_is_no_package_and_has_no_parameters_is_refused_with_the_way_out(feed: Place) -> None:
    assert "name and version" in refused(put(feed, "/upload", CONTENTS), 400)
    assert "no version" in refused(put(feed, "/upload?name=hello", CONTENTS), 400)
    refused(put(feed, "/upload?name=hello&version=1.0.0", b"no zip"), 400)


@pytest.mark.parametrize("path", ["/upload?group=g&name=hello&version=1.0.0&_x=1", "/upload/g/hello/1.0.0?_x=1"])
def test_plain_contents_and_parameters_make_a_package(feed: Place, path: str) -> None:
    more = "&dependencies=tools/base:[1.0.0,2.0.0),x&tags=one,two&title=Hello"
    assert put(feed, path + more, CONTENTS, method="POST").status_code == 201
    item = of_json(feed.get("/versions?group=g&name=hello&version=1.0.0&includeFileList=True"))
    assert item["dependencies"] == ["tools/base:[1.0.0,2.0.0)", "x"]
    assert (item["title"], item["tags"], item["_x"]) == ("Hello", ["one", "two"], "1")
    assert [file["name"] for file in item["fileList"]] == ["upack.json", "package/a.txt", "package/d/b.txt"]
    assert extracted(feed.get("/download/g/hello/1.0.0?contentOnly=zip").data, "zip") == {
        "a.txt": b"a",
        "d/b.txt": b"b",
    }


def test_contents_and_metadata_may_come_as_json(feed: Place) -> None:
    body = {
        "name": "hello",
        "version": "1.0.0",
        "dependencies": ["x:1.0.0"],
        "_deep": {"a": [1]},
        "content-b64": base64.b64encode(CONTENTS).decode(),
    }
    assert put(feed, "/upload", json.dumps(body).encode(), "application/json", "POST").status_code == 201
    item = of_json(feed.get("/versions?name=hello&version=1.0.0"))
    assert (item["_deep"], item["dependencies"]) == ({"a": [1]}, ["x:1.0.0"])
    assert "content-b64" not in item


def test_contents_and_metadata_may_come_as_a_form(feed: Place) -> None:
    body = urlencode({"name": "hello", "version": "1.0.0", "content-b64": base64.b64encode(CONTENTS).decode()})
    assert put(feed, "/upload", body.encode(), "application/x-www-form-urlencoded", "POST").status_code == 201
    assert feed.get("/download-file/hello/1.0.0?path=package/a.txt").data == b"a"


def test_a_parameter_given_twice_with_two_values_is_refused(feed: Place) -> None:
    for path in (
        "/upload/hello/1.0.0?name=other",
        "/upload?name=a&name=b&version=1.0.0",
        "/upload/hello/1.0.0?group=g",
    ):
        assert "twice" in refused(put(feed, path, CONTENTS), 400)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400),
        (b"{", 400),
        (b'{"name":"a","version":"1.0.0"}', 400),
        (b'{"name":"a","version":"1.0.0","content-b64":"***"}', 400),
        (b'{"name":"a","version":"1.0.0","content-url":"http://127.0.0.1/x"}', 501),
        (b'{"name":7,"version":"1.0.0","content-b64":"' + base64.b64encode(CONTENTS) + b'"}', 400),
    ],
)
def test_json_that_makes_no_package_is_refused(feed: Place, body: bytes, status: int) -> None:
    refused(put(feed, "/upload", body, "application/json", "POST"), status)


def test_a_multipart_form_is_refused_with_the_way_out(feed: Place) -> None:
    assert "application/zip" in refused(put(feed, "/upload", b"--x--", "multipart/form-data; boundary=x", "POST"), 400)


def test_a_key_in_the_query_is_no_metadata(feed: Place) -> None:
    put(feed, "/upload?name=hello&version=1.0.0&key=secret", CONTENTS)
    assert "secret" not in feed.get("/versions?name=hello").text


# Deleting, and what is not offered --------------------------------------------------------------------


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_a_version_is_deleted_and_then_not_found(feed: Place, method: str) -> None:
    publish(feed, ("a/b/hello", "1.0.0"), ("a/b/hello", "2.0.0"))
    assert feed.send(Request(method, "/delete/a/b/hello/1.0.0")).status_code == 200
    assert [item["version"] for item in of_json(feed.get("/versions?group=a/b&name=hello"))] == ["2.0.0"]
    refused(feed.send(Request(method, "/delete/a/b/hello/1.0.0")), 404)


def test_deleting_needs_a_version(feed: Place) -> None:
    publish(feed, ("hello", "1.0.0"))
    refused(feed.send(Request("DELETE", "/delete/hello")), 400)
    assert feed.package("hello") is not None


def test_import_and_virtual_packages_are_not_offered(feed: Place) -> None:
    refused(feed.send(Request("POST", "/import")), 501)
    refused(feed.get("/download-vpack/g/hello/1.0.0"), 501)


# The client's ways ------------------------------------------------------------------------------------


def test_upack_push_get_and_verify(feed: Place) -> None:
    sample, key = make("tools/hello", "1.0.0"), feed.secrets["writer"]
    basic = {"Authorization": "Basic " + base64.b64encode(f"api:{key}".encode()).decode()}
    pushed = feed.send(Request("PUT", "/upload", {**ZIP, **basic}, sample.content), "anonymous")
    assert pushed.status_code == 201
    listed = feed.get("/versions?group=tools&name=hello&includeFileList=False", "anonymous", basic)
    assert of_json(listed)[0]["version"] == "1.0.0"
    assert feed.get("/download/tools/hello/1.0.0", "anonymous", basic).data == sample.content
    one = of_json(feed.get("/versions?group=tools&name=hello&version=1.0.0&includeFileList=False", "anonymous", basic))
    assert one["sha1"] == hashlib.sha1(sample.content).hexdigest()


def test_a_promoted_package_still_verifies(stage: Stage, feed: Place) -> None:
    sample, *_ = publish(feed, ("tools/hello", "1.0.0"))
    target = stage.new_feed()
    stage.promote(feed, target, sample)
    here, there = (of_json(each.get("/versions?group=tools&name=hello&version=1.0.0")) for each in (feed, target))
    assert there == here
    assert target.get("/download/tools/hello/1.0.0").data == sample.content


def test_a_chunked_upload_over_a_real_connection(sqlite_runtime: Any) -> None:
    make_feeds(sqlite_runtime, "upack", "up")
    key, sample = make_key(sqlite_runtime, "system", "k"), make("g/hello", "1.0.0+x")
    with running(sqlite_runtime) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        pieces = (sample.content[at : at + 50] for at in range(0, len(sample.content), 50))
        connection.request("PUT", "/upack/up/upload", pieces, {**ZIP, "X-ApiKey": key}, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (201, b"g/hello 1.0.0+x\n")
        connection.request("GET", "/upack/up/download/g/hello/1.0.0+x", headers={"X-ApiKey": key})
        assert connection.getresponse().read() == sample.content
        connection.request("GET", "/upack/up/download/g/hello?latest&contentOnly=tgz", headers={"X-ApiKey": key})
        assert extracted(connection.getresponse().read(), "tgz") == {"hello.txt": b"hello 1.0.0+x\n"}
        connection.close()


def test_a_large_upload_of_contents_stays_out_of_memory(feed: Place, tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as made, made.open("large.bin", "w") as large:
        for number in range(300):
            large.write(number.to_bytes(2, "big") * 50_000)
    with path.open("rb") as body:
        tracemalloc.start()
        response = feed.stage.client.put(
            f"{feed.path}/upload?name=large&version=1.0.0",
            "http://localhost:8624",
            headers={**ZIP, "X-ApiKey": feed.secrets["writer"]},
            input_stream=body,
            content_length=path.stat().st_size,
            buffered=True,
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert response.status_code == 201, response.text
    assert peak < 20_000_000, f"{peak:,} bytes for contents of 30 MB"


def test_strange_names_in_a_query_are_refused_or_found_nowhere(feed: Place) -> None:
    for name in ("../x", "a b", "ä", "%00", "a/b/c/d", "x" * 3000):
        assert feed.get(f"/packages?name={quote(name)}").status_code == 404
        assert of_json(feed.get(f"/versions?name={quote(name)}")) == []
