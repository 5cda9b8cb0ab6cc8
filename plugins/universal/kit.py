"""Sample data of the Universal format: packages, an order, ranges, and hostile files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import quote, urlencode

from app.plugin import FormatKit, Request, Sample, SpecKind

from .names import file_name, split_name

ORDER = (
    "0.0.0-0",
    "0.0.0",
    "0.0.1",
    "0.1.0-alpha",
    "0.1.0-alpha.1",
    "0.1.0-alpha.beta",
    "0.1.0-beta",
    "0.1.0-beta.2",
    "0.1.0-beta.11",
    "0.1.0-rc.1",
    "0.1.0",
    "0.9.0",
    "0.10.0",
    "1.0.0-A",
    "1.0.0-a",
    "1.0.0-a.b",
    "1.0.0-a-b",
    "1.0.0",
    "1.0.9",
    "1.0.10",
    "1.2.0",
    "2.0.0",
    "10.0.0",
    "18446744073709551616.0.0",
)


def make(name: str, version: str) -> Sample:
    """Make a package with a payload of one file."""
    group, bare = split_name(name)
    manifest = {
        "group": group,
        "name": bare,
        "version": version,
        "title": f"The {bare} package"[:50],
        "description": "A *sample*.",
        "tags": ["sample"],
        "dependencies": ["tools/base:[1.0.0,2.0.0)"],
        "_origin": "kit",
    }
    files = {"upack.json": json.dumps(manifest).encode(), "package/hello.txt": f"hello {version}\n".encode()}
    return Sample(file_name(name, version), packed(files), name, version)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Give a zip of some files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _manifested(manifest: bytes | object, files: Mapping[str, bytes] | None = None) -> bytes:
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return packed({"upack.json": text, **(files or {"package/a": b"a"})})


def hostile() -> dict[str, bytes]:
    """Give files that look like packages and must be refused."""
    good = {"name": "a", "version": "1.0.0"}
    whole = make("a", "1.0.0").content
    return {
        "no manifest": packed({"package/a": b"a"}),
        "manifest in a folder": packed({"x/upack.json": json.dumps(good).encode()}),
        "no object": _manifested([]),
        "no json": _manifested(b"{name: a}"),
        "not utf-8": _manifested(b'{"name":"\xff","version":"1.0.0"}'),
        "nested deeply": _manifested(b'{"name":"a","version":"1.0.0","x":' + b"[" * 100_000),
        "a member twice": _manifested(b'{"name":"a","name":"b","version":"1.0.0"}'),
        "no number": _manifested(b'{"name":"a","version":"1.0.0","x":NaN}'),
        "huge number": _manifested(b'{"name":"a","version":"1.0.0","x":' + b"9" * 5000 + b"}"),
        "half a character": _manifested(b'{"name":"a","version":"1.0.0","title":"\\ud800"}'),
        "no name": _manifested({"version": "1.0.0"}),
        "slash in the name": _manifested({**good, "name": "x/y"}),
        "path as group": _manifested({**good, "group": "../.."}),
        "empty part of a group": _manifested({**good, "group": "x//y"}),
        "number as version": _manifested({**good, "version": 1}),
        "leading zero": _manifested({**good, "version": "01.0.0"}),
        "two numbers": _manifested({**good, "version": "1.0"}),
        "long title": _manifested({**good, "title": "t" * 51}),
        "tags as text": _manifested({**good, "tags": "a,b"}),
        "broken dependency": _manifested({**good, "dependencies": ["a:[1.0.0"]}),
        "history without id": _manifested({**good, "repackageHistory": [{"by": "x"}]}),
        "huge manifest": _manifested(b'{"name":"a","version":"1.0.0","x":"' + b"x" * 20_000_000 + b'"}'),
        "path that climbs": _manifested(good, {"../a": b"a"}),
        "absolute path": _manifested(good, {"/etc/a": b"a"}),
        "drive": _manifested(good, {"C:/a": b"a"}),
        "device name": _manifested(good, {"package/CON": b"a"}),
        "two spellings of a path": _manifested(good, {"package/a": b"a", "package/A": b"b"}),
        "two manifests": _manifested(good, {"UPACK.JSON": b"{}"}),
        "bomb": _manifested(good, {"package/a": bytes(30_000_000)}),
        "junk before": b"GIF89a" + whole,
        "junk behind": whole + b"junk",
        "cut in half": whole[: len(whole) // 2],
    }


def remote(samples: Sequence[Sample]) -> dict[str, bytes]:
    """Give the answers of a remote feed that offers the samples."""
    offered: dict[str, bytes] = {}
    listed: dict[str, list[object]] = {}
    for sample in samples:
        group, bare = split_name(sample.name)
        item = {"group": group, "name": bare, "version": sample.version, "published": "2026-01-02T03:04:05Z"}
        listed.setdefault(sample.name, []).append(item)
        offered[f"/download/{sample.name}/{sample.version}"] = sample.content
    for name, items in listed.items():
        group, bare = split_name(name)
        query = {**({"group": group} if group else {}), "name": bare, "includeFileList": "False"}
        offered[f"/versions?{urlencode(query)}"] = json.dumps(items).encode()
    return offered


def _identity(name: str, version: str = "") -> str:
    group, bare = split_name(name)
    asked = {"group": group, "name": bare, "version": version}
    return urlencode({key: value for key, value in asked.items() if value})


def _shows(body: bytes, version: str) -> bool:
    return version in (item["version"] for item in json.loads(body))


def _at(verb: str, sample: Sample) -> str:
    return f"/{verb}/{quote(sample.name)}/{quote(sample.version, safe='+')}"


@cache
def make_kit() -> FormatKit:
    """Give the sample data; hostile files are made once, when they are first asked for."""
    return FormatKit(
        make=make,
        names=("hello", "tools/Hello", "a/b/c/hello.world", "0_-.x"),
        bad_names=(
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "../a",
            "a/..",
            ".",
            "a b",
            "a\\b",
            "n" * 51,
            "g" * 251 + "/n",
            "\u00e4",
        ),
        same_names=(("Hello", "hello"), ("Tools/hello", "tools/HELLO")),
        order=ORDER,
        prereleases=("1.0.0-0", "1.0.0-alpha.1", "1.0.0--", "1.0.0-rc+b"),
        bad_versions=("", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0+", "1.0.0-a..b", "*"),
        same_versions=(("1.0.0+a", "1.0.0+b"), ("1.0.0", "1.0.0+a"), ("1.0.0-rc.1+x", "1.0.0-rc.1")),
        ranges=(
            ("1.0.0", "*", True),
            ("1.0.0", "1.0.0", True),
            ("1.0.1", "1.0.0", False),
            ("1.0.0+a", "1.0.0", False),
            ("1.0.0", "[1.0.0,2.0.0)", True),
            ("2.0.0", "[1.0.0,2.0.0)", False),
            ("2.0.0-rc", "[1.0.0,2.0.0)", True),
            ("2.0.0", "[1.0.0,2.0.0]", True),
            ("1.0.0", "(1.0.0,]", False),
            ("3.0.0", "[2.0.0,]", True),
            ("0.9.0", "[,1.0.0)", True),
            ("1.0.0-beta", "[,1.0.0)", True),
            ("1.0.0", "^1.0.0", False),
        ),
        choices=(
            (("1.0.0", "1.9.0", "1.10.0"), "*", "1.10.0"),
            (("1.0.0", "2.0.0-rc"), "*", "1.0.0"),
            (("2.0.0-rc", "2.0.0-beta"), "*", "2.0.0-rc"),
            (("1.0.0", "1.1.0"), "1.0.0", "1.0.0"),
            (("1.0.0", "1.1.0"), "1.0.5", None),
        ),
        specs=(
            ("*", SpecKind.RANGE),
            ("1.0.0", SpecKind.RANGE),
            ("[1.0.0,2.0.0)", SpecKind.RANGE),
            ("^1.0.0", SpecKind.UNRESOLVABLE),
        ),
        hostile=hostile(),
        publish=lambda sample: Request("PUT", "/upload", {"Content-Type": "application/zip"}, sample.content, (201,)),
        listing=lambda name: Request("GET", f"/versions?{_identity(name)}&includeFileList=False"),
        download=lambda sample: Request("GET", _at("download", sample)),
        shows=_shows,
        delete=lambda sample: (Request("DELETE", _at("delete", sample)),),
        search=lambda text: Request("GET", f"/search?{urlencode({'term': text})}"),
        remote=remote,
    )
