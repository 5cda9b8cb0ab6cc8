"""The door for archives: what is good comes through as it is, what is broken in any one way does not."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import tracemalloc
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import InvalidPackage, NotFound
from app.plugin.archives import (
    CHUNK,
    Limits,
    check_path,
    file_tree,
    gunzip,
    iter_tar,
    iter_tgz,
    open_zip,
    read_entry,
    safe_json,
    strip_first,
)
from app.testing.hostile import (
    BAD_PATHS,
    Member,
    file_member,
    header,
    hostile_tgzs,
    hostile_zips,
    lying_zips,
    make_tgz,
    make_zip,
    pax,
)

FILES = {"package/package.json": b'{"name":"left","version":"1.0.0"}', "package/lib/index.js": b"exit()" * 50}
HOSTILE_ZIPS = hostile_zips(FILES)
HOSTILE_TGZS = hostile_tgzs(FILES)
LYING_ZIPS = lying_zips(FILES)

names = st.text("abcdefgXYZ012-_@\u00e4\u4e2d", min_size=1, max_size=12).map(lambda t: unicodedata.normalize("NFC", t))
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
trees = st.dictionaries(paths, st.binary(max_size=2000), max_size=8).filter(
    lambda tree: (
        len({p.casefold() for p in tree}) == len(tree)
        and not any(q.casefold().startswith(f"{p.casefold()}/") for p in tree for q in tree)
    )
)


def good_zip(**options: Any) -> bytes:
    return make_zip([Member(path.encode(), content) for path, content in FILES.items()], **options)


def good_tgz(*more: bytes) -> bytes:
    return make_tgz(*(file_member(path, content) for path, content in FILES.items()), *more)


def unzip(data: bytes, limits: Limits | None = None) -> dict[str, bytes]:
    archive = open_zip(io.BytesIO(data), limits)
    return {entry.path: archive.read(entry) for entry in archive.entries}


def untar(data: bytes, limits: Limits | None = None, **options: Any) -> dict[str, bytes]:
    return {packed.entry.path: packed.read() for packed in iter_tgz(io.BytesIO(data), limits, **options)}


def refused(what: str) -> str:
    """Give the message with which a hostile file is refused, at the latest when all of it has been read."""
    data = {**HOSTILE_ZIPS, **LYING_ZIPS, **HOSTILE_TGZS}[what]
    with pytest.raises(InvalidPackage) as refusal:
        unzip(data) if what.startswith("zip") else untar(data, strip=True)
    return refusal.value.message


# What is good -----------------------------------------------------------------------------------------


@given(trees, st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
def test_what_zipfile_packs_comes_out_again(tree: dict[str, bytes], method: int) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for path, content in tree.items():
            archive.writestr(path, content)
    if tree:
        assert unzip(target.getvalue()) == tree


@given(trees, st.sampled_from((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)))
def test_what_tarfile_packs_comes_out_again(tree: dict[str, bytes], format: int) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", format=format) as archive:
        for path, content in tree.items():
            info = tarfile.TarInfo(f"package/{path}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert untar(target.getvalue(), strip=True) == tree


def test_a_zip_that_was_streamed_is_read() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        archive.writestr("a", b"a" * 1000)
        archive.writestr("b", b"")
    assert unzip(pipe.data) == {"a": b"a" * 1000, "b": b""}


def test_a_zip_with_large_sizes_in_its_headers_is_read() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive, archive.open("a", "w", force_zip64=True) as entry:
        entry.write(b"content")
    assert unzip(target.getvalue()) == {"a": b"content"}


def test_a_comment_behind_a_zip_is_fine() -> None:
    assert unzip(good_zip(comment=b"made by hand")) == FILES


def test_folders_are_listed_in_a_zip_and_left_out_of_a_tar() -> None:
    assert [entry.path for entry in open_zip(io.BytesIO(make_zip([Member(b"a/"), Member(b"a/b")]))).entries] == [
        "a/",
        "a/b",
    ]
    data = make_tgz(header("a/", kind=tarfile.DIRTYPE), header("a/", kind=tarfile.DIRTYPE), file_member("a/b"))
    assert list(untar(data)) == ["a/b"]


def test_dates_and_modes_are_told_where_they_are_known() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        info = zipfile.ZipInfo("a", (2024, 2, 29, 23, 59, 58))
        info.external_attr = 0o100755 << 16
        archive.writestr(info, b"")
    (entry,) = open_zip(io.BytesIO(target.getvalue())).entries
    assert (entry.date_time, entry.mode) == ((2024, 2, 29, 23, 59, 58), 0o755)


def test_a_date_that_no_calendar_has_becomes_the_first_one() -> None:
    data = bytearray(make_zip([Member(b"a")]))
    at = data.index(b"PK\1\2") + 12
    data[at : at + 4] = b"\xff\xff\xff\xff"
    (entry,) = open_zip(io.BytesIO(bytes(data))).entries
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)


def test_long_names_of_both_kinds_are_read() -> None:
    long = "package/" + "d/" * 60 + "file"
    assert list(untar(make_tgz(file_member(long)))) == [long]
    assert list(untar(make_tgz(pax({"path": long, "size": "1", "mtime": "1.5"}), file_member("short")))) == [long]


def test_a_comment_for_all_files_is_fine() -> None:
    assert untar(make_tgz(pax({"comment": "0123abc"}, b"g"), file_member("a"))) == {"a": b"x"}


def test_a_tar_without_an_end_is_read_where_it_ends_with_an_entry() -> None:
    assert untar(make_tgz(file_member("a"), end=b"")) == {"a": b"x"}


def test_entries_need_not_be_read() -> None:
    assert [packed.entry.path for packed in iter_tgz(io.BytesIO(good_tgz()))] == list(FILES)
    walk = iter_tgz(io.BytesIO(good_tgz()))
    assert [packed.head(3) for packed in walk] == [content[:3] for content in FILES.values()]


def test_archives_within_archives_are_streamed() -> None:
    inner = good_tgz()
    outer = file_member("data.tar.gz", inner) + file_member("metadata.gz", gzip.compress(b"name: a")) + bytes(1024)
    found: dict[str, Any] = {}
    for packed in iter_tar(io.BytesIO(outer)):
        if packed.entry.path == "data.tar.gz":
            found |= {each.entry.path: each.read() for each in iter_tgz(packed.open())}  # type: ignore[arg-type]
        else:
            found[packed.entry.path] = gunzip(packed.read(), 100)
    assert found == {**FILES, "metadata.gz": b"name: a"}


def test_a_zip_s_entry_can_be_read_as_a_stream_beside_others() -> None:
    archive = open_zip(io.BytesIO(good_zip()))
    one, other = (archive.open(entry) for entry in archive.entries)
    first, second = FILES.values()
    assert one.read(5) + one.read(0) + other.read() + one.read() == first[:5] + second + first[5:]


def test_real_packages_read_as_the_standard_library_reads_them(samples: Path) -> None:
    read = 0
    for path in sorted((samples / "npm").glob("*.tgz")):
        with path.open("rb") as file, tarfile.open(path) as theirs:
            mine = {each.entry.path: each.read(1 << 30) for each in iter_tgz(file)}
            assert mine == {m.name.removeprefix("./"): theirs.extractfile(m).read() for m in theirs if m.isfile()}  # type: ignore[union-attr]
            assert "package.json" in [each.entry.path for each in iter_tgz(file, strip=True)]
            read += 1
    for path in sorted(samples.glob("nupkg*/*.*nupkg")):
        with path.open("rb") as file, zipfile.ZipFile(path) as other:
            archive = open_zip(file)
            assert {e.path: archive.read(e, 1 << 30) for e in archive.entries} == {
                i.filename: other.read(i) for i in other.infolist()
            }
            read += 1
    for path in sorted((samples / "gem").glob("*.gem")):
        with path.open("rb") as file:
            read += "metadata.gz" in [each.entry.path for each in iter_tar(file)]
    assert read >= 60


# What is broken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [*HOSTILE_ZIPS, *LYING_ZIPS, *HOSTILE_TGZS])
def test_what_is_broken_in_one_way_is_refused_in_a_short_sentence(what: str) -> None:
    started = time.process_time()
    message = refused(what)
    assert time.process_time() - started < 20
    assert 20 < len(message) < 1000
    assert message.endswith(".")
    assert message.isprintable()


@pytest.mark.parametrize("what", HOSTILE_ZIPS)
def test_a_broken_structure_is_refused_before_anything_is_read(what: str) -> None:
    with pytest.raises(InvalidPackage):
        open_zip(io.BytesIO(HOSTILE_ZIPS[what]))


@pytest.mark.parametrize("what", LYING_ZIPS)
def test_lies_about_content_are_found_by_reading_everything_once(what: str) -> None:
    archive = open_zip(io.BytesIO(LYING_ZIPS[what]))
    with pytest.raises(InvalidPackage, match=r"package/package\.json"):
        archive.verify()


def test_a_liar_is_stopped_where_its_lie_ends() -> None:
    archive = open_zip(io.BytesIO(LYING_ZIPS["zip: more than it declares"]))
    sizes: list[int] = []
    with pytest.raises(InvalidPackage):
        sizes.extend(map(len, archive.chunks(archive.entries[0])))
    assert sum(sizes) <= CHUNK


@pytest.mark.parametrize("data", [b"", b"P", b"PK\3\4", b"\x1f", b"\x1f\x8b", b"\x1f\x8b\x08", b"GIF89a", bytes(5000)])
def test_fragments_are_refused_by_every_reader(data: bytes) -> None:
    for read in (unzip, untar, lambda data: gunzip(data, 10)):
        with pytest.raises(InvalidPackage):
            read(data)


@settings(max_examples=300)
@given(st.data())
def test_damage_is_refused_or_harmless(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from((good_zip(), good_tgz(), gzip.decompress(good_tgz()))))
    damaged = bytearray(whole)
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), min_size=1, max_size=4)
    ):
        damaged[at] = byte
    cut = bytes(damaged[: data.draw(st.integers(0, len(whole)))]) if data.draw(st.booleans()) else bytes(damaged)
    for read in (unzip, untar, lambda data: [each.read() for each in iter_tar(io.BytesIO(data), links="keep")]):
        try:
            read(cut)
        except InvalidPackage:
            continue


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(total=100), "at most 100|more than 100"),
        (Limits(entry=100), "at most 100"),
        (Limits(zip_entries=1, tar_entries=1), "entries"),
        (Limits(path=10), "longer than 10"),
        (Limits(directory=10, header=10, tar_entries=1), "at most 10|more than 1"),
        (Limits(ratio=1, ratio_from=100), "1 times"),
        (Limits(text=100), "at most 100"),
    ],
)
def test_every_limit_is_kept_and_named(limits: Limits, words: str) -> None:
    for read, data in ((unzip, good_zip()), (untar, good_tgz())):
        with pytest.raises(InvalidPackage, match=words):
            read(data, limits)


def test_an_entry_is_read_up_to_the_limit_that_the_reader_gives() -> None:
    archive = open_zip(io.BytesIO(good_zip()))
    with pytest.raises(InvalidPackage, match=r"index\.js.*at most 299"):
        archive.read(archive.entries[1], 299)
    assert len(archive.read(archive.entries[1], 300)) == 300
    with pytest.raises(InvalidPackage, match=r"index\.js.*at most 299"):
        [packed.read(299) for packed in iter_tgz(io.BytesIO(good_tgz()))]


def test_memory_stays_small_however_much_is_walked_over() -> None:
    size = 100_000_000
    zeros = gzip.compress(header("big", size) + bytes(size + -size % 512 + 1024), 1)
    packed = make_zip([Member(b"big", bytes(size))])
    tracemalloc.start()
    try:
        generous = Limits(ratio=10_000)
        assert sum(len(chunk) for each in iter_tgz(io.BytesIO(zeros), generous) for chunk in each.chunks()) == size
        assert [each.entry.size for each in iter_tgz(io.BytesIO(zeros), generous)] == [size]
        open_zip(io.BytesIO(packed), generous).verify()
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


# Paths and links --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [*BAD_PATHS.values(), "", "/", "a//", "..", ".", "a/com\u00b9", "aux .c", "\ud800", "\x7f"]
)
def test_paths_that_harm_a_client_are_refused(path: str) -> None:
    with pytest.raises(InvalidPackage):
        check_path(path)


@pytest.mark.parametrize(
    ("path", "words"),
    [("/b", "absolute"), ("", "empty"), ("C:b", "absolute"), ("../b", "leaves"), ("./b", "leaves"), ("a.", "ends in")],
)
def test_a_refused_path_is_told_what_is_wrong_with_it(path: str, words: str) -> None:
    with pytest.raises(InvalidPackage, match=words):
        check_path(path)


@pytest.mark.parametrize(
    "path", ["a", "a/", "a/b.c", ".a", "...a", "a..b", "\u00e4/\u4e2d", "console", "a b", "@a/b", "xy:z", "a\u00a0b"]
)
def test_plain_paths_are_fine(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    ("path", "rest"), [("package/a", "a"), ("x/y/z", "y/z"), ("a", ""), ("", ""), ("a/", ""), ("./a", "a")]
)
def test_the_first_part_is_taken_off_whatever_it_is_called(path: str, rest: str) -> None:
    assert strip_first(path) == rest


def test_what_lies_beside_the_folder_is_left_out_when_it_is_stripped() -> None:
    data = make_tgz(file_member("package.json", b"beside"), file_member("./package.json", b"inside"))
    assert untar(data, strip=True) == {"package.json": b"inside"}


@pytest.mark.parametrize("target", ["b", "./b", "../b", "..", "../../a", "b/c", ".", "../.a"])
def test_links_that_stay_inside_are_skipped_or_kept_without_content(target: str) -> None:
    data = make_tgz(file_member("a/x"), header("a/c/link", 0, tarfile.SYMTYPE, target))
    assert list(untar(data)) == ["a/x"]
    kept = [packed.entry for packed in iter_tgz(io.BytesIO(data), links="keep")]
    assert [(each.path, each.is_link, each.target) for each in kept] == [
        ("a/x", False, ""),
        ("a/c/link", True, target),
    ]


@pytest.mark.parametrize("target", ["../../../b", "/b", "b/../../c", "b/..", "../../..", "c:/b", "b\\c", "../../../"])
def test_links_that_may_leave_are_refused_even_where_links_are_skipped(target: str) -> None:
    data = make_tgz(header("a/c/link", 0, tarfile.SYMTYPE, target))
    for links in ("skip", "keep"):
        with pytest.raises(InvalidPackage, match="points outside"):
            untar(data, links=links)


def test_case_tells_files_of_a_tar_apart_but_not_of_a_zip() -> None:
    assert list(untar(make_tgz(file_member("a/b"), file_member("a/B")))) == ["a/b", "a/B"]
    with pytest.raises(InvalidPackage, match="same file"):
        unzip(make_zip([Member(b"a/b"), Member(b"a/B")]))


# Looking in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [good_zip(), good_tgz()])
def test_files_are_listed_and_shown_of_both_kinds(data: bytes) -> None:
    assert [(entry.path, entry.size) for entry in file_tree(io.BytesIO(data))] == [
        (path, len(content)) for path, content in FILES.items()
    ]
    assert read_entry(io.BytesIO(data), "package/lib/index.js", 4) == b"exit"
    for path in ("package", "package/", "", "lib/index.js", "\ud800" * 1000):
        with pytest.raises(NotFound):
            read_entry(io.BytesIO(data), path, 4)


def test_a_tar_is_shown_as_npm_unpacks_it_where_that_is_asked_for() -> None:
    assert [entry.path for entry in file_tree(io.BytesIO(good_tgz()), strip=True)] == ["package.json", "lib/index.js"]
    assert read_entry(io.BytesIO(good_tgz()), "lib/index.js", 4, strip=True) == b"exit"


def test_what_is_no_archive_is_refused_when_it_is_looked_into() -> None:
    for data in (b"", b"hello", b"PK", *HOSTILE_ZIPS.values()):
        with pytest.raises(InvalidPackage):
            file_tree(io.BytesIO(data))


# JSON -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{}", {}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":"[[[{{{\\"["}', {"a": '[[[{{{"['}),
        (b"[" * 64 + b"]" * 64, None),
        ('"\u00e4\\\\"'.encode(), "\u00e4\\"),
        (b"[1e300,1.5,-1]", [1e300, 1.5, -1]),
        (b"[" + b"[]," * 10_000 + b"[]]", [[]] * 10_001),
    ],
)
def test_plain_json_is_read(text: bytes, value: object) -> None:
    found = safe_json(text)
    assert value is None or found == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[" * 65 + b"]" * 65,
        b"[" * 200_000,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"9" * 5000,
        b"\xff",
        b'"\n"',
        b"[1,]",
        b"{} {}",
        b"[}",
        b"]" * 100_000,
        b'"' + b" " * 1_100_000 + b'"',
        "{'a': 1}".encode("utf-16"),
    ],
)
def test_json_that_means_different_things_or_too_much_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidPackage) as refusal:
        safe_json(text)
    assert refusal.value.message.isprintable()
    assert len(refusal.value.message) < 500


@pytest.mark.parametrize("unit", [b'\\"', b'"', b"\\", b"[]", b"{}", b"[", b'"a",', b'{"a":'])
def test_json_is_refused_or_read_in_a_time_that_grows_with_its_size_only(unit: bytes) -> None:
    for start in (b"", b'"', b"["):
        started = time.process_time()
        with pytest.raises(InvalidPackage):
            safe_json(start + unit * (2_000_000 // len(unit)), 3_000_000)
        assert time.process_time() - started < 15


def test_a_gzipped_document_is_read_up_to_its_limit() -> None:
    assert gunzip(gzip.compress(b"x" * 1000), 1000) == b"x" * 1000
    for data in (gzip.compress(b"x" * 1001), gzip.compress(b"x") + b"\0", gzip.compress(b"x")[:-1]):
        with pytest.raises(InvalidPackage):
            gunzip(data, 1000)
