"""Sample data with which the contract suite proves the NuGet format."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from app.plugin import FormatKit, Request, Sample, SpecKind

from .addresses import SEMVER2, Addresses
from .hostile import hostile, nuspec, symbols_nuspec
from .names import PACKAGE, SYMBOLS, file_name, id_key
from .tables import CHOICES, ORDER, RANGES
from .versions import in_address, normalize

_REMOTE = "https://upstream.example"
_BOUNDARY = "promontory-kit"
_DEPENDENCIES = (
    '<dependencies><group targetFramework=".NETStandard2.0"><dependency id="Tools.Base" version="1.0.0" />'
    '</group><group targetFramework="net8.0" /></dependencies>'
)
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501012718e366"
    "0000000049454e44ae426082"
)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Give a zip of some files, without dates."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def make(id: str, version: str, more: str = _DEPENDENCIES, files: Mapping[str, bytes] | None = None) -> Sample:
    """Make a package; ``more`` are further elements of its nuspec, ``files`` further files."""
    known = (
        '<license type="expression">MIT</license><readme>README.md</readme><icon>icon.png</icon><tags>a sample</tags>'
    )
    content = {
        f"{id}.nuspec": nuspec(id, version, known + more),
        f"lib/netstandard2.0/{id}.dll": f"MZ {id} {version}".encode(),
        "README.md": f"# {id}\n\nA *sample*.\n".encode(),
        "icon.png": _PNG,
        **(files or {}),
    }
    return Sample(file_name(id, version), packed(content), id, version)


def make_pdb(id: str, version: str) -> bytes:
    """Make the smallest portable PDB: a metadata root with nothing but the stream that holds its GUID."""
    streams = struct.pack("<2L", 40, 32) + b"#Pdb\0\0\0\0"
    root = struct.pack("<4s2H2L", b"BSJB", 1, 1, 0, 4) + b"v1\0\0" + struct.pack("<2H", 0, 1) + streams
    return root + make_signature(id, version).bytes_le + bytes(16)


def make_signature(id: str, version: str) -> uuid.UUID:
    """Give the GUID of the PDB that ``make_pdb`` makes."""
    return uuid.UUID(bytes=hashlib.sha256(f"{id} {version}".encode()).digest()[:16])


def make_symbols(id: str, version: str) -> Sample:
    """Make a symbol package."""
    files = {f"{id}.nuspec": symbols_nuspec(id, version), f"lib/netstandard2.0/{id}.pdb": make_pdb(id, version)}
    return Sample(file_name(id, version, SYMBOLS), packed(files), id, version)


# What clients send --------------------------------------------------------------------------------------


def publish(sample: Sample) -> Request:
    """Give the push of a package or of symbols, as dotnet sends it."""
    what = "symbolpackage" if sample.filename.endswith(SYMBOLS) else "package"
    headers = {"Content-Type": f'multipart/form-data; boundary="{_BOUNDARY}"', "X-NuGet-Protocol-Version": "4.1.0"}
    return Request("PUT", f"/api/v2/{what}/", headers, multipart(sample.content), (201,))


def multipart(content: bytes) -> bytes:
    """Give a form of one file, as NuGet's clients write it."""
    start = (
        f"--{_BOUNDARY}\r\nContent-Type: application/octet-stream\r\n"
        "Content-Disposition: form-data; name=package; filename=package.nupkg; filename*=utf-8''package.nupkg\r\n\r\n"
    )
    return start.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()


def download(sample: Sample) -> Request:
    """Give the download of a package, or of its symbols."""
    ending = SYMBOLS if sample.filename.endswith(SYMBOLS) else PACKAGE
    id, version = quote(id_key(sample.name)), in_address(sample.version)
    return Request("GET", f"/v3/flat/{id}/{version}/{id}.{version}{ending}")


def _listing(name: str) -> Request:
    return Request("GET", f"/v3/flat/{quote(name.lower())}/index.json")


def _shows(body: bytes, version: str) -> bool:
    return in_address(version) in json.loads(body)["versions"]


def _unlist(sample: Sample) -> Request:
    return Request("DELETE", f"/api/v2/package/{quote(sample.name)}/{quote(sample.version)}")


def _deprecate(sample: Sample, message: str) -> Sequence[Request]:
    body = json.dumps({"versions": [normalize(sample.version)], "message": message}).encode()
    path = f"/api/v2/package/{quote(sample.name)}/deprecations"
    return [Request("PUT", path, {"Content-Type": "application/json"}, body)]


def _search(text: str) -> Request:
    asked = {"q": text, "skip": 0, "take": 26, "prerelease": "true", "semVerLevel": "2.0.0"}
    return Request("GET", f"/v3/query?{urlencode(asked)}")


def _remote(samples: Sequence[Sample]) -> Mapping[str, bytes]:
    addresses = Addresses(_REMOTE)
    found: dict[str, bytes] = {}
    leaves: dict[str, list[dict[str, Any]]] = {}
    for sample in samples:
        entry = {"id": sample.name, "version": sample.version, "published": "2020-01-02T03:04:05Z"}
        content = addresses.package(sample.name, sample.version)
        leaves.setdefault(sample.name, []).append({"catalogEntry": entry, "packageContent": content})
        found[content.removeprefix(_REMOTE)] = sample.content
    for name, items in leaves.items():
        index = {"items": [{"items": items}]}
        found[addresses.index(SEMVER2, name).removeprefix(_REMOTE)] = json.dumps(index).encode()
    resource = {"@id": f"{_REMOTE}/v3/{SEMVER2}/", "@type": "RegistrationsBaseUrl/3.6.0"}
    return {**found, "/v3/index.json": json.dumps({"version": "3.0.0", "resources": [resource]}).encode()}


@cache
def build_kit() -> FormatKit:
    """Give the kit; its hostile files are made when it is first asked for."""
    return FormatKit(
        make=make,
        names=("Left.Pad", "hello", "Acme.Tools_2.Core-Extra", "_x", "A"),
        bad_names=(
            "",
            " ",
            "..",
            ".a",
            "a.",
            "a..b",
            "-a",
            "a b",
            "a/b",
            "a\\b",
            "a+b",
            "\u00e4",
            "\u0430",
            "a" * 101,
        ),
        same_names=(("Left.Pad", "left.pad"), ("ACME", "acme")),
        order=ORDER,
        prereleases=("1.0.0-0", "1.0-a", "1.0.0.1-rc.1", "1.0.0--", "1.0.0-RC+x"),
        bad_versions=(
            "",
            "v1",
            "1.0.0.0.0",
            "1..0",
            "1.0.0-",
            "1.0.0+",
            "1.0.0-a..b",
            "1.0.0-01",
            "1.0.0-a_b",
            "*",
            "2147483648",
        ),
        same_versions=(
            ("1.0", "1.0.0.0"),
            ("1.01.0", "1.1.0"),
            ("1.0.0-RC.1", "1.0.0-rc.1"),
            ("1.0.0", "1.0.0+build.5"),
            ("2", "2.0"),
        ),
        ranges=RANGES,
        choices=CHOICES,
        specs=(
            ("", SpecKind.RANGE),
            ("1.0.0", SpecKind.RANGE),
            ("[1.0.0]", SpecKind.RANGE),
            ("[1.0,2.0)", SpecKind.RANGE),
            ("1.*", SpecKind.RANGE),
            ("*-*", SpecKind.RANGE),
            ("^1.0.0", SpecKind.UNRESOLVABLE),
            ("(1.0)", SpecKind.UNRESOLVABLE),
            ("latest", SpecKind.UNRESOLVABLE),
        ),
        hostile=hostile(packed, make("a", "1.0.0").content, make_pdb("a", "1.0.0")),
        publish=publish,
        listing=_listing,
        download=download,
        shows=_shows,
        unlist=_unlist,
        deprecate=_deprecate,
        search=_search,
        remote=_remote,
        remake=lambda sample: make(sample.name, sample.version, files={"lib/other.txt": b"other"}),
        variants=lambda name, version: (make(name, version), make_symbols(name, version)),
    )
