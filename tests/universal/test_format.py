"""Universal packages: names, manifests, archives, and how plain contents become a package."""

from __future__ import annotations

import io
import json
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin import Dependency, FeedAddress, InvalidPackage, NotFound
from app.plugin.archives import open_zip
from plugins.universal.format import UniversalFormat
from plugins.universal.kit import make, packed
from plugins.universal.manifest import read_manifest
from plugins.universal.names import file_name, join_name, name_key, split_name
from plugins.universal.payload import as_tgz, as_zip, pack

FORMAT = UniversalFormat()
GOOD = {"name": "hello", "version": "1.0.0"}


def read(manifest: Any, **files: bytes) -> Any:
    return FORMAT.read(io.BytesIO(packed({"upack.json": json.dumps(manifest).encode(), **files})), "x.upack")


# Names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "group", "bare"), [("n", "", "n"), ("g/n", "g", "n"), ("a/b/c/n", "a/b/c", "n"), ("a/1.0.0", "a", "1.0.0")]
)
def test_everything_before_the_last_slash_is_the_group(name: str, group: str, bare: str) -> None:
    assert split_name(name) == (group, bare)
    assert join_name(group, bare) == name


def test_names_differ_by_more_than_case() -> None:
    assert name_key("Tools/Hello") == name_key("tools/hello")
    assert name_key("tools/hello") != name_key("tools.hello")


@pytest.mark.parametrize(
    "name", ["", "a/", "/a", "a//b", "../a", "a/./b", "a b", "a+b", "n" * 51, "g" * 251 + "/n", "ä"]
)
def test_a_name_that_no_address_can_hold_is_refused(name: str) -> None:
    with pytest.raises(InvalidPackage, match="Universal package"):
        name_key(name)


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_is_refused(text: str) -> None:
    try:
        assert name_key(text) == text.lower()
        assert join_name(*split_name(text)) == text
    except InvalidPackage:
        return


def test_the_file_is_named_by_name_and_version_without_the_group() -> None:
    assert file_name("a/b/hello", "1.0.0+x") == "hello.1.0.0+x.upack"


# Manifest ---------------------------------------------------------------------------------------------


def test_a_manifest_is_read_with_everything_in_it() -> None:
    manifest = read_manifest(
        {
            "group": "tools",
            "name": "Hello",
            "version": "1.0.0-rc.1+b",
            "title": "Hello",
            "shortDescription": "Greets.",
            "description": "# Hello\n\nGreets at length.",
            "projectUrl": "https://hello.example",
            "icon": "package://icon.png",
            "tags": ["a", "1b"],
            "dependencies": ["tools/base:[1.0.0,2.0.0)", "x"],
            "createdBy": "ann",
            "repackageHistory": ["tools/Hello:1.0.0-rc.0", {"id": "tools/Hello:1.0.0-rc.0:" + "a" * 40, "by": "ann"}],
            "_custom": {"deep": [1, 2]},
            "unknown": True,
        }
    )
    assert (manifest.name, manifest.version) == ("tools/Hello", "1.0.0-rc.1+b")
    assert (manifest.description, manifest.readme) == ("Greets.", "# Hello\n\nGreets at length.")
    assert manifest.keywords == ("a", "1b")
    assert manifest.links == {"Project": "https://hello.example"}
    assert manifest.dependencies == (Dependency("tools/base", "[1.0.0,2.0.0)"), Dependency("x", "*"))
    assert manifest.authors == "ann"
    assert manifest.data["upack"]["_custom"] == {"deep": [1, 2]}
    assert manifest.data["upack"]["unknown"] is True


def test_one_dependency_may_be_a_text_of_its_own() -> None:
    assert read_manifest({**GOOD, "dependencies": "a/b:1.0.0"}).dependencies == (Dependency("a/b", "1.0.0"),)


@pytest.mark.parametrize("group", [None, ""])
def test_no_group_and_an_empty_group_are_the_same(group: str | None) -> None:
    assert read_manifest({**GOOD, "group": group}).name == "hello"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a/b"},
        {"name": ""},
        {"name": None},
        {"version": "1.0"},
        {"version": "1.0.0-01"},
        {"group": "/x"},
        {"group": ["x"]},
        {"title": "t" * 51},
        {"shortDescription": "s" * 1001},
        {"description": 7},
        {"tags": "a"},
        {"tags": [""]},
        {"tags": ["t" * 51]},
        {"dependencies": {"a": "1"}},
        {"dependencies": ["a:1.0.0:2:3:4"]},
        {"dependencies": ["../a"]},
        {"repackageHistory": [{}]},
        {"createdBy": 1},
    ],
)
def test_a_manifest_that_breaks_a_rule_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidPackage):
        read_manifest({**GOOD, **wrong})


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "http://[", ""])
def test_only_web_addresses_become_links(url: str) -> None:
    assert read_manifest({**GOOD, "projectUrl": url}).links == {}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_any_json_is_a_manifest_or_is_refused(value: Any) -> None:
    for raw in (value, {**GOOD, "tags": value}, {**GOOD, "dependencies": value}, {**GOOD, "repackageHistory": value}):
        try:
            read_manifest(raw)
        except InvalidPackage:
            continue


# Archives ---------------------------------------------------------------------------------------------


def test_only_a_manifest_at_the_root_counts() -> None:
    nested = packed({"package/upack.json": json.dumps(GOOD).encode()})
    with pytest.raises(InvalidPackage, match="at its root"):
        FORMAT.read(io.BytesIO(nested), "x.upack")


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "x\\\\\\u0000"])
def test_text_that_no_database_keeps_is_refused(text: str) -> None:
    file = packed({"upack.json": b'{"name":"a","version":"1.0.0","title":"%s"}' % text.encode()})
    with pytest.raises(InvalidPackage, match="half a character"):
        FORMAT.read(io.BytesIO(file), "x.upack")


def test_an_escaped_backslash_before_u0000_is_plain_text() -> None:
    assert read({**GOOD, "title": "\\u0000"}).data["upack"]["title"] == "\\u0000"


def test_entries_are_listed_with_size_and_date_and_without_folders() -> None:
    file = packed({"upack.json": json.dumps(GOOD).encode(), "package/": b"", "package/a": b"abc"})
    entries = FORMAT.entries(io.BytesIO(file))
    assert [(entry.path, entry.size) for entry in entries][1:] == [("package/a", 3)]
    assert str(entries[1].date).startswith("1980-01-01T00:00:00")


def test_an_entry_with_an_impossible_date_has_the_first_one() -> None:
    file = bytearray(packed({"upack.json": json.dumps(GOOD).encode()}))
    for signature, at in ((b"PK\x03\x04", 12), (b"PK\x01\x02", 14)):
        start = file.index(signature) + at
        file[start : start + 2] = b"\0\0"  # month 0, day 0
    assert str(FORMAT.entries(io.BytesIO(bytes(file)))[0].date).startswith("1980-01-01")
    assert b"".join(as_tgz(open_zip(io.BytesIO(bytes(file))))) != b""


def test_a_package_that_cannot_be_unpacked_is_refused() -> None:
    file = bytearray(packed({"upack.json": json.dumps(GOOD).encode(), "package/a": bytes(range(256))}))
    start = file.index(b"package/a") + len(b"package/a")
    file[start + 20] ^= 0xFF
    with pytest.raises(InvalidPackage, match="package/a"):
        FORMAT.read(io.BytesIO(bytes(file)), "x.upack")


def test_a_folder_is_no_file_to_read() -> None:
    file = packed({"upack.json": json.dumps(GOOD).encode(), "package/": b""})
    for path in ("package/", "package", "x"):
        with pytest.raises(NotFound):
            FORMAT.read_entry(io.BytesIO(file), path, 10)


# Payload ----------------------------------------------------------------------------------------------

TREE = {"upack.json": b"{}", "note.txt": b"n", "package/a.txt": b"a" * 1000, "Package/b/c": b"", "PACKAGE/d": b"d"}


def open_members(chunks: Iterator[bytes]) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        return archive.getmembers()


def test_the_payload_is_what_lies_below_package_in_any_case() -> None:
    archive = open_zip(io.BytesIO(packed(TREE)))
    with zipfile.ZipFile(io.BytesIO(b"".join(as_zip(archive)))) as made:
        assert {info.filename: made.read(info) for info in made.infolist()} == {
            "a.txt": b"a" * 1000,
            "b/c": b"",
            "d": b"d",
        }
    with tarfile.open(fileobj=io.BytesIO(b"".join(as_tgz(archive)))) as made:
        contents = {member.name: made.extractfile(member).read() for member in made}  # type: ignore[union-attr]
    assert contents == {"a.txt": b"a" * 1000, "b/c": b"", "d": b"d"}


def test_an_empty_payload_is_an_empty_archive() -> None:
    archive = open_zip(io.BytesIO(packed({"upack.json": b"{}"})))
    assert open_members(as_tgz(archive)) == []
    with zipfile.ZipFile(io.BytesIO(b"".join(as_zip(archive)))) as made:
        assert made.namelist() == []


def test_long_and_foreign_paths_survive_in_a_tgz() -> None:
    path = "package/" + "d" * 120 + "/" + "ü" * 60
    archive = open_zip(io.BytesIO(packed({path: b"x"})))
    assert [member.name for member in open_members(as_tgz(archive))] == [path.removeprefix("package/")]


def test_folders_and_modes_survive_in_a_tgz() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        tool = zipfile.ZipInfo("package/bin/tool", (2026, 1, 2, 3, 4, 6))
        tool.external_attr = 0o755 << 16
        made.writestr(zipfile.ZipInfo("package/bin/"), b"")
        made.writestr(tool, b"#!")
    folder, tool_member = open_members(as_tgz(open_zip(file)))
    assert (folder.name, folder.isdir(), folder.mode) == ("bin", True, 0o755)
    assert (tool_member.mode, tool_member.mtime) == (0o755, 1767323046)


@pytest.mark.parametrize("make_archive", [as_zip, as_tgz])
def test_a_large_payload_is_streamed_in_little_memory(make_archive: Any, tmp_path: Any) -> None:
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as made, made.open("package/large", "w") as large:
        for number in range(400):
            large.write(number.to_bytes(2, "big") * 50_000)
    with path.open("rb") as file:
        archive = open_zip(file)
        tracemalloc.start()
        size = sum(len(chunk) for chunk in make_archive(archive))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 0
    assert peak < 4_000_000, f"{peak:,} bytes for a payload of 40 MB"


def test_plain_contents_become_a_package() -> None:
    contents = open_zip(io.BytesIO(packed({"a.txt": b"a", "d/b": b"b"})))
    with pack(contents, {"group": "g", "name": "n", "version": "1.0.0", "_x": 1}) as made:
        manifest = FORMAT.read(made, "x.upack")
        assert manifest.name == "g/n"
        assert manifest.data["upack"]["_x"] == 1
        assert [entry.path for entry in FORMAT.entries(made)] == ["upack.json", "package/a.txt", "package/d/b"]
        assert FORMAT.read_entry(made, "package/d/b", 10) == b"b"


def test_the_same_contents_make_the_same_package() -> None:
    def made() -> Iterator[bytes]:
        with pack(open_zip(io.BytesIO(packed({"a": b"a"}))), GOOD) as file:
            yield file.read()

    assert list(made()) == list(made())


# Snippets ---------------------------------------------------------------------------------------------


def test_snippets_name_the_feed_s_own_address() -> None:
    address = FeedAddress("prod", "http://h/upack/prod", "http://prod.h")
    texts = [s.text for s in (*FORMAT.setup_snippets(address), *FORMAT.install_snippets(address, "g/n", "1.0.0+b"))]
    assert {"upack", "curl", "PowerShell"} == {s.tool for s in FORMAT.install_snippets(address, "g/n", "1.0.0")}
    assert any("http://h/upack/prod/download/g/n/1.0.0+b" in text for text in texts)


def test_the_kit_s_sample_verifies_by_its_own_reader() -> None:
    sample = make("a/b/c", "1.0.0")
    assert FORMAT.read(io.BytesIO(sample.content), sample.filename).name == "a/b/c"
