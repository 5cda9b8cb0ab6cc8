"""What the RubyGems format makes of another server's indexes."""

from __future__ import annotations

import base64
import gzip

import pytest

from app.plugin import FileLine, InvalidPackage, NotFound, RemoteVersion, UpstreamFailed
from app.testing.fakes import FakeHttp
from plugins.rubygems import old_index
from plugins.rubygems.packing import squeeze
from plugins.rubygems.remote_lists import read_list
from plugins.rubygems.upstream import GemSource
from tests.clients.ruby import ask_ruby

SHA = "0123456789abcdef" * 4
URL = "https://upstream.example/gems"
LINES = [
    FileLine("left", "1.0", "1.0", False, True, "", "left-1.0.gem"),
    FileLine("left", "1.1", "1.1", False, True, "java", "left-1.1-java.gem"),
    FileLine("left", "1.2.a", "1.2.a", True, True, "", "left-1.2.a.gem"),
    FileLine("left", "2.0", "2.0", False, False, "", "left-2.0.gem"),
]
HEAD = b"\x04\x08"
VERSIONS = {"/gems/versions": b"created_at: 2026-01-01T00:00:00Z\n---\n"}


def offered(info: str, name: str = "left") -> list[RemoteVersion]:
    return list(GemSource(URL, FakeHttp({f"/gems/info/{name}": info.encode(), **VERSIONS})).versions(name))


def line(name: str, version: str, platform: str = "", *, listed: bool = True) -> FileLine:
    return FileLine(name, version, version, any(c.isalpha() for c in version), listed, platform, "")


def old_source(*gems: FileLine, **more: bytes) -> GemSource:
    documents = {
        "/gems/specs.4.8.gz": old_index.join([old_index.releases([each]) for each in gems]),
        "/gems/prerelease_specs.4.8.gz": old_index.join([old_index.prereleases([each]) for each in gems]),
    }
    return GemSource(URL, FakeHttp(documents | {f"/gems/{path}": body for path, body in more.items()}))


def test_a_version_has_a_file_for_each_platform() -> None:
    text = f"---\n1.10 |checksum:{SHA}\n1.9 a:>= 0&< 2,b:= 1|checksum:{SHA},ruby:>= 2\n1.9-java |checksum:{SHA}\n"
    older, newer = offered(text)
    assert (older.version, newer.version) == ("1.9", "1.10")
    assert [file.filename for file in older.files] == ["left-1.9.gem", "left-1.9-java.gem"]
    assert older.files[1].url == f"{URL}/gems/left-1.9-java.gem"
    assert older.files[0].digests == {"sha256": SHA}


def test_the_day_of_publishing_is_taken_where_the_source_says_it() -> None:
    text = f"---\n1.0 |checksum:{SHA},created_at:2026-01-02T03:04:05Z\n1.1 |checksum:{SHA}\n"
    assert [each.published for each in offered(text)] == ["2026-01-02T03:04:05Z", None]


def test_a_gem_that_is_wholly_yanked_has_no_versions() -> None:
    assert offered("---\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "1.0",
        "1.0 |",
        "1.0 |ruby:>= 2",
        "1.0 |checksum:short",
        f"../1.0 |checksum:{SHA}",
        f"1.0-../x |checksum:{SHA}",
        f"one |checksum:{SHA}",
        f" |checksum:{SHA}",
        f"1.0-{'x' * 300} |checksum:{SHA}",
    ],
)
def test_lines_that_say_nothing_possible_are_left_out(text: str) -> None:
    found = offered(f"---\n{text}\n2.0 |checksum:{SHA}\n")
    assert [each.version for each in found] == ["2.0"]


@pytest.mark.parametrize("text", ["", "<html>", "1.0 |checksum:" + SHA])
def test_what_is_no_index_is_an_error_of_the_source(text: str) -> None:
    with pytest.raises(UpstreamFailed):
        offered(text)


def test_a_name_that_no_gem_has_is_not_asked_for() -> None:
    with pytest.raises(InvalidPackage):
        offered("---\n", "../left")


def test_a_source_with_a_compact_index_is_not_asked_for_its_lists() -> None:
    with pytest.raises(NotFound):
        GemSource(URL, FakeHttp(VERSIONS)).versions("left")


def test_a_source_without_one_is_asked_for_its_lists() -> None:
    gems = [line("left", "1.10"), line("left", "1.9", "java"), line("left", "1.9"), line("left", "2.0.a")]
    found = old_source(line("right", "7"), *gems).versions("left")
    assert [each.version for each in found] == ["1.9", "1.10", "2.0.a"]
    assert [file.filename for file in found[0].files] == ["left-1.9-java.gem", "left-1.9.gem"]
    assert found[0].files[0].digests == {}


def test_a_gem_that_is_in_no_list_is_not_found() -> None:
    with pytest.raises(NotFound):
        old_source(line("right", "7")).versions("left")


def test_lists_that_are_none_are_an_error_of_the_source() -> None:
    with pytest.raises(UpstreamFailed):
        old_source(line("left", "1"), **{"specs.4.8.gz": b"<html>"}).versions("left")


# Lists of a remote source ---------------------------------------------------------------------------------


def test_a_list_that_ruby_wrote_is_read() -> None:
    gems = [["left", "1.0", "ruby"], ["left", "1.0", "java"], ["right", "2.0.a", "ruby"], ["left", "1.1", "ruby"]]
    script = (
        "[Zlib.gzip(Marshal.dump((r = 'ruby'; input.map { |n, v, p|"
        " [n, Gem::Version.new(v), p == 'ruby' ? r : p] }))).then { |s| [s].pack('m0') }]"
    )
    (packed,) = ask_ruby(f"require 'zlib'; {script}", gems)
    found = list(read_list(base64.b64decode(packed), "there"))
    assert found == [(name, version, "" if platform == "ruby" else platform) for name, version, platform in gems]


def test_a_list_that_we_wrote_is_read() -> None:
    listed = old_index.join([old_index.releases(LINES), old_index.prereleases(LINES)])
    assert list(read_list(listed, "there")) == [("left", "1.0", ""), ("left", "1.1", "java"), ("left", "1.2.a", "")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD + b"i\x06",
        HEAD + b"0",
        HEAD + b"[\x04\xff\xff\xff\x3f",
        HEAD + b"[" * 100_000,
        HEAD + b"[\x06" * 100_000 + b"0",
        HEAD + b"[\x06[\x08i\x00i\x00i\x00",
        HEAD + b'[\x06[\x07I"\x06a\x06:\x06ETi\x00',
        HEAD + b"[\x06[\x08:\x06a:\x06b:\x06c",
        HEAD + b"[\x06/\x0c(a+)+$\x00",
        HEAD + b"[\x06c\x0bString",
        HEAD + b"[\x06o:\x0bObject\x00",
        HEAD + b"[\x06@\x06",
        HEAD + b"[\x06;\x06",
        HEAD + b'[\x06"\xfa',
        HEAD + b"[\x06l+\x04\xff\xff\xff\x3f",
        b"\x04\x09[\x00",
        b"<!doctype html>",
    ],
)
def test_what_is_no_list_is_an_error_of_the_source(data: bytes) -> None:
    for packed in (squeeze(data), data, gzip.compress(data)[:-9]):
        with pytest.raises(UpstreamFailed):
            list(read_list(packed, "there"))


def test_a_list_that_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(UpstreamFailed):
        list(read_list(squeeze(HEAD + b"[" + bytes(40_000_000)), "there"))
