"""The protocol as gem and Bundler speak it, against the whole application.

"RubyGems 1" to "RubyGems 10" name the lines of the list of what servers get wrong.
"""

from __future__ import annotations

import gzip
import hashlib
from base64 import b64encode
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from app.plugin import Request, Sample
from app.testing.stage import OWNER, Place, Stage
from plugins.rubygems.kit import make, push, yank
from plugins.rubygems.packing import gemspec_yaml, make_gem
from tests.clients.ruby import ask_ruby

if TYPE_CHECKING:
    pass

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LISTS = ("specs", "latest_specs", "prerelease_specs")
COMPACT = ("/versions", "/names", "/info/left")


def pushed(feed: Place, *samples: Sample) -> None:
    for sample in samples:
        response = feed.send(push(sample))
        assert response.status_code == 200, response.text


def yanked(feed: Place, *wanted: str) -> None:
    response = feed.send(yank(*wanted))
    assert response.status_code == 200, response.text


def lines(feed: Place) -> list[str]:
    return feed.get("/versions").text.splitlines()[2:]


def info(feed: Place, name: str) -> list[str]:
    return feed.get(f"/info/{name}").text.splitlines()[1:]


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def loaded(feed: Place, kind: str) -> list[list[str]]:
    body = feed.get(f"/{kind}.4.8.gz").data
    script = "Marshal.load(input.unpack1('m')).map { |n, v, p| [n, v.to_s, p] }"
    found: list[list[str]] = ask_ruby(script, b64encode(gzip.decompress(body)).decode())
    return found


# RubyGems 1: ETag = quoted MD5 of the uncompressed body; digests of the whole body on 206 ----------------------


@pytest.mark.parametrize("path", COMPACT)
def test_the_etag_is_the_md5_and_digests_are_of_the_whole(feed: Place, path: str) -> None:
    pushed(feed, make("left", "1.0.0"))
    whole = feed.get(path)
    assert whole.headers["ETag"] == f'"{md5(whole.data)}"'
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert whole.headers["Accept-Ranges"] == "bytes"
    digest = b64encode(hashlib.sha256(whole.data).digest()).decode()
    part = feed.get(path, headers={"Range": f"bytes={len(whole.data) - 1}-"})
    again = feed.get(path, headers={"If-None-Match": whole.headers["ETag"]})
    assert (part.status_code, part.data, again.status_code) == (206, whole.data[-1:], 304)
    assert part.headers["Content-Range"] == f"bytes {len(whole.data) - 1}-{len(whole.data) - 1}/{len(whole.data)}"
    for response in (whole, part, again):
        assert response.headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert response.headers["Digest"] == f"sha-256={digest}"
        assert response.headers["ETag"] == whole.headers["ETag"]
    assert feed.get(path, headers={"Range": f"bytes={len(whole.data)}-"}).status_code == 416
    # Bundler sends both with what it has; who has everything is told so.
    both = {"Range": f"bytes={len(whole.data) - 1}-", "If-None-Match": whole.headers["ETag"]}
    assert feed.get(path, headers=both).status_code == 304
    assert feed.get(path, headers={**both, "If-None-Match": '"other"'}).status_code == 206


def test_compressing_keeps_the_md5_of_what_was_compressed(feed: Place) -> None:
    pushed(feed, *(make("left", f"1.{n}") for n in range(40)))
    for path in ("/versions", "/info/left"):
        plain = feed.get(path)
        small = feed.get(path, headers={"Accept-Encoding": "gzip"})
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.data) == plain.data
        assert small.headers["ETag"] == f'W/"{md5(plain.data)}"'
        assert small.headers["Repr-Digest"] == plain.headers["Repr-Digest"]
        again = {"Accept-Encoding": "gzip", "If-None-Match": plain.headers["ETag"]}
        assert feed.get(path, headers=again).status_code == 304
        part = feed.get(path, headers={"Accept-Encoding": "gzip", "Range": "bytes=5-"})
        assert (part.status_code, part.data) == (206, plain.data[5:])


# RubyGems 2: /versions is append-only with the MD5 of /info; a line for each platform; the last counts ---------


def test_versions_is_only_added_to(feed: Place) -> None:
    bodies = [feed.get("/versions").data]
    for sample in (
        make("left", "1.0.0"),
        make("left", "1.0.0", platform="java"),
        make("right", "0.1"),
        make("left", "2"),
    ):
        pushed(feed, sample)
        bodies.append(feed.get("/versions").data)
        name, _, digest = lines(feed)[-1].split(" ")
        assert digest == md5(feed.get(f"/info/{name}").data)
    yanked(feed, "left", "1.0.0")
    bodies.append(feed.get("/versions").data)
    for before, after in pairwise(bodies):
        assert after.startswith(before)
        assert after != before
    assert [line.rsplit(" ", 1)[0] for line in lines(feed)] == [
        "left 1.0.0",
        "left 1.0.0-java",
        "right 0.1",
        "left 2",
        "left -1.0.0",
    ]


def test_versions_begins_with_the_day_of_the_feed(feed: Place) -> None:
    head, rule = feed.get("/versions").text.splitlines()
    assert head.startswith("created_at: 2")
    assert head.endswith("Z")
    assert rule == "---"


def test_a_promotion_adds_a_line_for_each_gem(stage: Stage, feed: Place, other_feed: Place) -> None:
    samples = [make("left", "1.0"), make("left", "1.0", platform="java"), make("left", "2.0"), make("right", "1")]
    pushed(feed, *samples)
    stage.promote(feed, other_feed, samples[0], samples[3])
    assert [line.rsplit(" ", 1)[0] for line in sorted(lines(other_feed))] == ["left 1.0,1.0-java", "right 1"]
    for line in lines(other_feed):
        name, _, digest = line.split(" ")
        assert digest == md5(other_feed.get(f"/info/{name}").data)
    assert other_feed.get("/info/left").data == b"".join(feed.get("/info/left").data.splitlines(keepends=True)[:3])
    for path in ("/gems/left-1.0-java.gem", "/quick/Marshal.4.8/left-1.0-java.gemspec.rz"):
        assert other_feed.get(path).data == feed.get(path).data
    stage.promote(feed, other_feed, samples[2])
    assert lines(other_feed)[-1].startswith("left 2.0 ")


# RubyGems 3: a yank is everywhere at once ----------------------------------------------------------------------


def test_a_yank_takes_one_platform_out_of_everything(feed: Place) -> None:
    pushed(feed, make("left", "1.0"), make("left", "1.0", platform="java"), make("left", "0.9"))
    before = info(feed, "left")
    yanked(feed, "left", "1.0")
    assert lines(feed)[-1] == f"left -1.0 {md5(feed.get('/info/left').data)}"
    assert info(feed, "left") == before[1:]
    for path in ("/gems/left-1.0.gem", "/quick/Marshal.4.8/left-1.0.gemspec.rz"):
        assert feed.get(path).status_code == 404
    for path in ("/gems/left-1.0-java.gem", "/quick/Marshal.4.8/left-1.0-java.gemspec.rz"):
        assert feed.get(path).status_code == 200
    assert loaded(feed, "specs") == [["left", "0.9", "ruby"], ["left", "1.0", "java"]]
    assert sorted(loaded(feed, "latest_specs")) == [["left", "0.9", "ruby"], ["left", "1.0", "java"]]


def test_a_wholly_yanked_gem_is_an_empty_list(feed: Place) -> None:
    pushed(feed, make("left", "1.0"), make("right", "1"))
    yanked(feed, "left", "1.0")
    assert (feed.get("/info/left").status_code, feed.get("/info/left").data) == (200, b"---\n")
    assert feed.get("/names").text == "---\nright\n"
    assert feed.get("/info/nothing").status_code == 404
    assert feed.get("/api/v1/gems/left.json").status_code == 404
    yanked(feed, "right", "1")
    assert feed.get("/names").text == "---\n\n"


def test_what_is_not_there_or_yanked_cannot_be_yanked(feed: Place) -> None:
    pushed(feed, make("left", "1.0", platform="java"))
    assert feed.send(yank("left", "1.0")).status_code == 404
    assert feed.send(yank("left", "2.0")).status_code == 404
    yanked(feed, "left", "1.0", "java")
    assert feed.send(yank("left", "1.0", "java")).status_code == 404


def test_a_yanked_version_is_not_pushed_again_and_can_be_restored(feed: Place) -> None:
    sample = make("left", "1.0")
    pushed(feed, sample, make("left", "0.9"))
    yanked(feed, "left", "1.0")
    for again in (sample, make("left", "1.0", more="x: other\n")):
        refused = feed.send(push(again))
        assert (refused.status_code, "yanked" in refused.text) == (409, True)
    pushed(feed, make("left", "1.0", platform="java"))
    body = urlencode({"gem_name": "left", "version": "1.0"}).encode()
    assert feed.send(Request("PUT", "/api/v1/gems/unyank", FORM, body)).status_code == 200
    assert [line.split(" ")[0] for line in info(feed, "left")] == ["1.0", "0.9", "1.0-java"]
    assert lines(feed)[-1].startswith("left 1.0 ")
    assert feed.get("/gems/left-1.0.gem").data == sample.content


def test_unlisting_on_the_page_is_a_yank_too(stage: Stage, feed: Place) -> None:
    from app.services import publishing

    pushed(feed, make("left", "1.0"), make("left", "1.0", platform="java"))
    with stage.runtime.writing(OWNER) as work:
        publishing.set_listed(work, feed.name, "left", "1.0", listed=False)
    assert lines(feed)[-1] == f"left -1.0,-1.0-java {md5(b'---' + bytes([10]))}"


def test_a_deleted_gem_leaves_a_line_and_nothing_else(feed: Place) -> None:
    sample = make("left", "1.0")
    pushed(feed, sample)
    feed.forget(sample)
    assert lines(feed)[-1] == f"left -1.0 {md5(b'---' + bytes([10]))}"
    for path in ("/info/left", "/gems/left-1.0.gem", "/quick/Marshal.4.8/left-1.0.gemspec.rz"):
        assert feed.get(path).status_code == 404
    pushed(feed, sample)
    assert info(feed, "left")


# RubyGems 4: HEAD on the feed's root is 200, and HEAD on /versions ---------------------------------------------


def test_head_is_answered_on_the_root_and_on_versions(stage: Stage, feed: Place) -> None:
    pushed(feed, make("left", "1.0"))
    for path in ("", "/", "/versions", "/info/left", "/names", "/specs.4.8.gz", "/gems/left-1.0.gem"):
        head, got = feed.send(Request("HEAD", path)), feed.get(path)
        assert (head.status_code, head.data) == (200, b""), path
        assert head.headers.get("ETag") == got.headers.get("ETag")
        assert head.headers["Content-Length"] == str(len(got.data))


# RubyGems 5: //api/v1/gems; raw key without scheme; DELETE with a body -----------------------------------------


def test_gem_push_with_a_slash_at_the_end_of_the_host_and_a_raw_key(stage: Stage, feed: Place) -> None:
    sample = make("left", "1.0")
    key = {"Authorization": feed.secrets["writer"]}
    answer = feed.send(Request("POST", "//api/v1/gems", key, sample.content), "anonymous")
    assert (answer.status_code, answer.text) == (200, "Successfully registered gem: left (1.0)")
    assert answer.mimetype == "text/plain"
    gone = yank("left", "1.0")
    answer = feed.send(Request("DELETE", "/" + gone.path, {**FORM, **key}, gone.body), "anonymous")
    assert answer.status_code == 200


def test_a_form_with_attestations_is_a_push_too(feed: Place) -> None:
    sample = make("left", "1.0")

    def form(name: str) -> bytes:
        part = '--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
        head = part % (name, '; filename="x.gem"\r\nContent-Type: application/octet-stream')
        return head.encode() + sample.content + ("\r\n" + part % ("attestations", "") + "[]\r\n--b--\r\n").encode()

    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert feed.send(Request("POST", "/api/v1/gems", kind, form("other"))).status_code == 400
    assert feed.send(Request("POST", "/api/v1/gems", kind, form("gem"))).status_code == 200
    assert feed.get("/gems/left-1.0.gem").data == sample.content


@pytest.mark.parametrize(
    "body",
    [b"", b"gem_name=left", b"version=1.0", b"gem_name=&version=", b"gem_name=%00&version=%ff", b"x" * 600_000],
)
def test_a_yank_that_names_nothing_is_refused(feed: Place, body: bytes) -> None:
    pushed(feed, make("left", "1.0"))
    assert feed.send(Request("DELETE", "/api/v1/gems/yank", FORM, body)).status_code in (400, 404, 413)
    assert feed.send(Request("PUT", "/api/v1/gems/unyank", FORM, body)).status_code in (400, 404, 413)
    assert len(info(feed, "left")) == 1


# RubyGems 6: gems for platforms --------------------------------------------------------------------------------


def test_each_platform_has_its_own_names_and_its_own_latest(feed: Place) -> None:
    wanted = ["", "java", "x86-mingw32", "x86_64-linux", "aarch64-linux-gnu"]
    pushed(feed, *(make("left", "1.0", platform=each) for each in wanted), make("left", "1.1"))
    assert [line.split(" ")[0] for line in info(feed, "left")] == [
        "1.0",
        *(f"1.0-{each}" for each in wanted[1:]),
        "1.1",
    ]
    latest = loaded(feed, "latest_specs")
    assert sorted(latest) == sorted([["left", "1.1", "ruby"], *(["left", "1.0", each] for each in wanted[1:])])
    script = (
        "require 'zlib'; s = Marshal.load(Zlib::Inflate.inflate(input.unpack1('m')));"
        " [s.platform.class.to_s, s.platform.to_s, s.original_platform]"
    )
    for platform, read in (("x86-mingw32", "x86-mingw32"), ("aarch64-linux-gnu", "aarch64-linux")):
        body = feed.get(f"/quick/Marshal.4.8/left-1.0-{platform}.gemspec.rz").data
        assert ask_ruby(script, b64encode(body).decode()) == ["Gem::Platform", read, platform]
    for name in ("left-1.0-aarch64-linux-gnu", "left-1.0-aarch64-linux"):  # Clients ask for one, then for the other.
        assert feed.get(f"/gems/{name}.gem").status_code == 200


def test_a_full_name_that_reads_in_two_ways_finds_the_right_gem(feed: Place) -> None:
    one, other = make("a", "1.0", platform="java"), make("a-1.0", "2")
    pushed(feed, one, other)
    assert feed.get("/gems/a-1.0-java.gem").data == one.content
    assert feed.get("/gems/a-1.0-2.gem").data == other.content
    assert feed.get("/gems/a-1.0.gem").status_code == 404


# RubyGems 7: version text unquoted in YAML, aliases, old requirement classes: test_format.py and here ----------


def test_a_version_that_looks_like_a_number_keeps_its_zero(feed: Place) -> None:
    text = gemspec_yaml("left", "1.10").replace("version: '1.10'", "version: 1.10", 1)
    pushed(feed, Sample("x", make_gem(text, {"a": b"1"}), "left", "1.10"))
    assert info(feed, "left")[0].startswith("1.10 |checksum:")


# RubyGems 8: 1.0 and 1.0.0 are one version; a dash becomes .pre. -----------------------------------------------


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0.0"), ("1.0.0", "1"), ("1.0.pre.rc", "1.0.0-rc")])
def test_two_spellings_of_one_version_are_not_both_taken(feed: Place, one: str, other: str) -> None:
    pushed(feed, make("left", one))
    for platform in ("", "java"):
        assert feed.send(push(make("left", other, platform=platform))).status_code == 409
    assert len(info(feed, "left")) == 1


def test_a_dash_in_a_version_is_written_as_ruby_does(feed: Place) -> None:
    pushed(feed, make("left", "1.0.0-rc.1"))
    assert info(feed, "left")[0].split(" ")[0] == "1.0.0.pre.rc.1"
    assert feed.get("/gems/left-1.0.0.pre.rc.1.gem").status_code == 200


def test_the_same_bytes_again_are_fine_and_other_bytes_are_a_conflict(feed: Place) -> None:
    sample = make("left", "1.0")
    pushed(feed, sample)
    again = feed.send(push(sample))
    assert (again.status_code, "already" in again.text) == (200, True)
    other = feed.send(push(make("left", "1.0", more="x: other\n")))
    assert (other.status_code, other.mimetype) == (409, "text/plain")
    assert len(lines(feed)) == 1


# RubyGems 9: the older lists are fresh after every change ------------------------------------------------------


def test_the_older_lists_are_never_withheld_for_a_date(feed: Place) -> None:
    tomorrow = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    for number, sample in enumerate((make("left", "1.0"), make("left", "1.1"), make("left", "2.rc1")), 1):
        pushed(feed, sample)
        for kind in LISTS:
            response = feed.get(f"/{kind}.4.8.gz", headers=tomorrow)
            assert (response.status_code, response.mimetype) == (200, "application/octet-stream")
            assert "Content-Encoding" not in response.headers
        assert len(loaded(feed, "specs")) + len(loaded(feed, "prerelease_specs")) == number


def test_a_change_of_one_gem_makes_no_other_gem_s_piece_anew(feed: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.rubygems import old_index

    made: list[str] = []
    real = old_index._piece

    def counted(found: list[object]) -> bytes:
        made.extend(line.name for line in found)  # type: ignore[attr-defined]
        return real(found)  # type: ignore[arg-type]

    monkeypatch.setattr(old_index, "_piece", counted)
    pushed(feed, *(make(name, "1.0") for name in ("left", "middle", "right")))
    feed.get("/specs.4.8.gz")
    assert sorted(made) == ["left", "middle", "right"]
    made.clear()
    pushed(feed, make("middle", "1.1"))
    feed.get("/specs.4.8.gz")
    assert made == ["middle", "middle"]


# RubyGems 10: how requirements are written ---------------------------------------------------------------------


def test_requirements_are_sorted_and_only_those_of_ruby_are_left_out(feed: Place) -> None:
    needs = (
        ("zeitwerk", ">= 2.3, < 3, != 2.4", "runtime"),
        ("rake", "~> 13", "development"),
        ("any", ">= 0", "runtime"),
    )
    sample = make("left", "1.0", needs=needs, ruby=">= 2.7, < 4")
    pushed(feed, sample, make("left", "1.1", needs=(), ruby=">= 0"))
    first, second = info(feed, "left")
    digest = hashlib.sha256(sample.content).hexdigest()
    assert first == f"1.0 any:>= 0,zeitwerk:!= 2.4&< 3&>= 2.3|checksum:{digest},ruby:< 4&>= 2.7"
    assert second.startswith("1.1 |checksum:")
    assert second.endswith(tuple("0123456789abcdef"))
