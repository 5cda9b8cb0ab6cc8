"""What gem servers get wrong: each line of it is a test here."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import pytest

from app.bootstrap import open_runtime
from app.plugin import Request
from app.settings import load_settings
from app.testing.stage import Place
from app.web import create_app
from plugins.rubygems.kit import gem, make, metadata
from tests.fixtures import make_feeds, make_key

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def push(feed: Place, content: bytes, expect: int = 200) -> str:
    """Push a gem."""
    answer = feed.send(Request("POST", "/api/v1/gems", body=content))
    assert answer.status_code == expect, answer.text
    return answer.text


def yank(feed: Place, name: str, version: str, platform: str = "", verb: str = "yank") -> int:
    """Yank or unyank a gem."""
    fields = {"gem_name": name, "version": version, **({"platform": platform} if platform else {})}
    method = "DELETE" if verb == "yank" else "PUT"
    return feed.send(Request(method, f"/api/v1/gems/{verb}", FORM, urlencode(fields).encode())).status_code


def get(feed: Place, path: str) -> bytes:
    """Fetch a document and check its digests."""
    answer = feed.send(Request("GET", path))
    assert answer.status_code == 200, answer.text
    digest = b64encode(hashlib.sha256(answer.data).digest()).decode()
    assert answer.headers["ETag"] == f'"{hashlib.md5(answer.data).hexdigest()}"'
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert answer.headers["Digest"] == f"sha-256={digest}"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content_type == "text/plain; charset=utf-8"
    return answer.data


def lines(feed: Place) -> list[str]:
    """Give the lines of versions behind its head."""
    head, _, rest = get(feed, "/versions").decode().partition("---\n")
    assert head.startswith("created_at: ")
    return rest.splitlines()


def md5(feed: Place, name: str) -> str:
    """Give the digest of a gem's info."""
    return hashlib.md5(get(feed, f"/info/{name}")).hexdigest()


def test_an_empty_feed_has_empty_documents(feed: Place) -> None:
    assert lines(feed) == []
    assert get(feed, "/names") == b"---\n\n"
    assert feed.send(Request("GET", "/info/missing")).status_code == 404
    assert feed.send(Request("GET", "/gems/missing-1.gem")).status_code == 404
    assert feed.send(Request("GET", "/quick/Marshal.4.8/missing-1.gemspec.rz")).status_code == 404


def test_each_push_adds_a_line_with_the_digest_of_the_moment(feed: Place) -> None:
    push(feed, make("a", "1.0").content)
    first = lines(feed)
    assert first == [f"a 1.0 {md5(feed, 'a')}"]
    push(feed, gem(metadata("a", "1.0", platform="java")))
    assert lines(feed) == [*first, f"a 1.0-java {md5(feed, 'a')}"]
    push(feed, make("a", "1.1").content)
    assert lines(feed)[2:] == [f"a 1.1 {md5(feed, 'a')}"]
    assert get(feed, "/names") == b"---\na\n"


def test_info_grows_in_the_order_of_pushes(feed: Place) -> None:
    bodies = []
    for content in (
        make("a", "2.0").content,
        gem(metadata("a", "1.0", platform="x86-mingw32")),
        make("a", "1.0").content,
        gem(metadata("a", "1.0", platform="java")),
    ):
        push(feed, content)
        bodies.append(get(feed, "/info/a"))
    assert all(after.startswith(before) for before, after in pairwise(bodies))


def test_info_says_what_a_gem_needs(feed: Place) -> None:
    content = make("a", "1.0").content
    push(feed, content)
    digest = hashlib.sha256(content).hexdigest()
    assert get(feed, "/info/a").decode() == f"---\n1.0 base:< 3&>= 1.0|checksum:{digest},ruby:>= 2.7\n"


def test_yanking_rewrites_info_and_adds_a_line(feed: Place) -> None:
    push(feed, make("a", "1.0").content)
    push(feed, gem(metadata("a", "1.0", platform="java")))
    before = lines(feed)
    assert yank(feed, "a", "1.0", "java") == 200
    assert lines(feed) == [*before, f"a -1.0-java {md5(feed, 'a')}"]
    assert b"java" not in get(feed, "/info/a")
    assert feed.send(Request("GET", "/gems/a-1.0-java.gem")).status_code == 404
    assert feed.send(Request("GET", "/quick/Marshal.4.8/a-1.0-java.gemspec.rz")).status_code == 404
    assert feed.send(Request("GET", "/gems/a-1.0.gem")).status_code == 200
    assert yank(feed, "a", "1.0") == 200
    assert get(feed, "/info/a") == b"---\n"
    assert get(feed, "/names") == b"---\n\n"


def test_yanking_what_is_not_there_is_404(feed: Place) -> None:
    push(feed, make("a", "1.0").content)
    assert yank(feed, "a", "2.0") == 404
    assert yank(feed, "a", "1.0", "java") == 404
    assert yank(feed, "a", "1.0") == 200
    assert yank(feed, "a", "1.0") == 404


def test_a_yanked_gem_comes_back_by_unyanking_alone(feed: Place) -> None:
    sample = make("a", "1.0")
    push(feed, sample.content)
    assert yank(feed, "a", "1.0") == 200
    assert "was yanked" in push(feed, sample.content, 409)
    assert yank(feed, "a", "1.0", verb="unyank") == 200
    assert feed.send(Request("GET", "/gems/a-1.0.gem")).data == sample.content
    assert lines(feed)[-1] == f"a 1.0 {md5(feed, 'a')}"


def test_the_same_bytes_are_fine_and_others_are_409(feed: Place) -> None:
    push(feed, make("a", "1.0").content)
    assert push(feed, make("a", "1.0").content) == "Already pushed: a (1.0)"
    push(feed, gem(metadata("a", "1.0"), {"x": b"y"}), 409)
    push(feed, make("a", "1.0.0").content, 409)
    assert len(lines(feed)) == 1


def test_what_is_no_gem_is_422(feed: Place) -> None:
    push(feed, b"", 422)
    push(feed, b"junk", 422)


def test_a_slash_too_many_is_no_redirect(feed: Place) -> None:
    assert feed.send(Request("POST", "//api/v1/gems", body=make("a", "1.0").content)).status_code == 200


def test_the_root_answers_head(feed: Place) -> None:
    assert feed.send(Request("HEAD", "/")).status_code == 200
    assert feed.send(Request("HEAD", "/versions")).status_code == 200


def test_there_is_no_dependency_api(feed: Place) -> None:
    assert feed.send(Request("GET", "/api/v1/dependencies?gems=a")).status_code == 404


def test_a_part_of_versions_carries_the_digest_of_the_whole(feed: Place) -> None:
    push(feed, make("a", "1.0").content)
    have = get(feed, "/versions")
    push(feed, make("a", "1.1").content)
    whole = feed.send(Request("GET", "/versions"))
    part = feed.send(Request("GET", "/versions"), headers={"Range": f"bytes={len(have) - 1}-"})
    assert part.status_code == 206
    assert have[:-1] + part.data == whole.data
    assert part.headers["Repr-Digest"] == whole.headers["Repr-Digest"]
    known = feed.send(Request("GET", "/versions"), headers={"If-None-Match": whole.headers["ETag"]})
    assert known.status_code == 304


def test_the_lists_are_never_answered_by_time_alone(feed: Place) -> None:
    for name in ("specs", "latest_specs", "prerelease_specs"):
        answer = feed.send(
            Request("GET", f"/{name}.4.8.gz"), headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
        )
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers


def test_a_gem_in_a_form_is_taken_too(feed: Place) -> None:
    mark = "xyz"
    body = b"".join(
        (
            f'--{mark}\r\nContent-Disposition: form-data; name="gem"; filename="a.gem"\r\n\r\n'.encode(),
            make("a", "1.0").content,
            f'\r\n--{mark}\r\nContent-Disposition: form-data; name="attestations"\r\n\r\n[]\r\n--{mark}--\r\n'.encode(),
        )
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    assert feed.send(Request("POST", "/api/v1/gems", headers, body)).status_code == 200
    assert len(lines(feed)) == 1


@pytest.mark.parametrize("hooks", [True, False])
def test_only_test_hooks_let_a_suite_play_the_past(tmp_path: Path, hooks: bool) -> None:
    runtime = open_runtime(load_settings(data=tmp_path / "data", test_hooks=hooks))
    make_feeds(runtime, "rubygems", "gems")
    client = create_app(runtime).test_client()
    client.environ_base["HTTP_X_APIKEY"] = make_key(runtime, "system", "suite")
    for path, body in (("set_time", b"1990-01-01T00:00:00Z"), ("rebuild_versions_list", b"")):
        answer = client.post(f"/rubygems/gems/{path}", data=body)
        assert answer.status_code == (200 if hooks else 404)
    client.post("/rubygems/gems/api/v1/gems", data=make("a", "1.0").content)
    begun = client.get("/rubygems/gems/versions").text.startswith("created_at: 1990-01-01T00:00:00Z\n---\na 1.0 ")
    assert begun is hooks
    runtime.database.close()


def test_tools_get_json(feed: Place) -> None:
    push(feed, make("a", "1.0").content)
    push(feed, make("a", "1.1.pre").content)
    newest = feed.send(Request("GET", "/api/v1/gems/a.json")).json
    assert newest is not None
    assert (newest["version"], newest["licenses"]) == ("1.0", ["MIT"])
    every = feed.send(Request("GET", "/api/v1/versions/a.json")).json
    assert every is not None
    assert [each["number"] for each in every] == ["1.1.pre", "1.0"]
    assert feed.send(Request("GET", "/api/v1/versions/a/latest.json")).json == {"version": "1.0"}
    assert feed.send(Request("GET", "/api/v1/gems/a/owners.yaml")).text == "--- []\n"
