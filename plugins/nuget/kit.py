"""Sample data of the NuGet format: packages, an order, ranges, and hostile files."""

from __future__ import annotations

import io
import json
import struct
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import quote, urlencode

from app.plugin import FormatKit, Request, Sample, SpecKind

from .versions import normalize

NAMESPACE = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"
ORDER = (
    "0.0.0-0",
    "0.0.0",
    "0.0.0.1",
    "0.0.1",
    "0.9.0",
    "0.10.0",
    "1.0.0--1",
    "1.0.0-0",
    "1.0.0-9",
    "1.0.0-10",
    "1.0.0-99999999999",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-alpha-x",
    "1.0.0-BETA",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc",
    "1.0.0",
    "1.0.0.5-a",
    "1.0.0.5",
    "1.0.1",
    "1.10.0",
    "2.0.0",
    "2147483647.0.0",
)
_MIXED = "--mark"


def nuspec(name: str, version: str, *, more: str = "", dependencies: str | None = None) -> str:
    """Give a nuspec as 'dotnet pack' writes it."""
    needs = (
        '<group targetFramework="net8.0"><dependency id="Base" version="1.0.0" exclude="Build" /></group>'
        '<group targetFramework="netstandard2.0"><dependency id="Base" version="[1.0, 2.0)" />'
        '<dependency id="Other" /></group>'
        if dependencies is None
        else dependencies
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="{NAMESPACE}"><metadata minClientVersion="2.12">'
        f"<id>{name}</id><version>{version}</version><authors>Ada, Bob</authors><description>A sample.</description>"
        '<license type="expression">MIT</license><projectUrl>https://example.com/project</projectUrl>'
        "<tags>sample kit</tags><readme>docs/readme.md</readme>"
        '<repository type="git" url="https://example.com/source" commit="abc" />'
        f"<dependencies>{needs}</dependencies>{more}</metadata></package>"
    )


def packed(files: Mapping[str, bytes]) -> bytes:
    """Give a zip of some files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def package(text: str | bytes, files: Mapping[str, bytes] | None = None, name: str = "a.nuspec") -> bytes:
    """Give a package of a nuspec and some files."""
    return packed(
        {name: text.encode() if isinstance(text, str) else text, **(files or {"docs/readme.md": b"# Hello\n"})}
    )


def pdb(id_: uuid.UUID) -> bytes:
    """Give the beginning of a portable PDB, which is all that is looked at."""
    version = b"PDB v1.0\0\0\0\0"
    head = b"BSJB" + struct.pack("<HHII", 1, 1, 0, len(version)) + version + struct.pack("<HH", 0, 1)
    offset = len(head) + 8 + 8
    return head + struct.pack("<II", offset, 20) + b"#Pdb\0\0\0\0" + id_.bytes_le + b"\1\2\3\4"


def symbols(name: str, version: str) -> bytes:
    """Give the symbol package of a package."""
    text = nuspec(name, version, more='<packageTypes><packageType name="SymbolsPackage" /></packageTypes>')
    id_ = uuid.uuid5(uuid.NAMESPACE_URL, f"{name} {version}")
    return package(text, {f"lib/net8.0/{name}.pdb": pdb(id_)})


def make(name: str, version: str) -> Sample:
    """Make a package."""
    content = package(nuspec(name, version), {"docs/readme.md": b"# Hello\n", "lib/net8.0/a.dll": version.encode()})
    return Sample(_filename(name, version, "nupkg"), content, name, version)


def _filename(name: str, version: str, ending: str) -> str:
    return f"{name}.{normalize(version)}.{ending}".lower()


def _remake(sample: Sample) -> Sample:
    content = package(nuspec(sample.name, sample.version), {"docs/readme.md": b"other"})
    return Sample(sample.filename, content, sample.name, sample.version)


def hostile() -> dict[str, bytes]:
    """Give files that look like packages and must be refused."""
    good = nuspec("A", "1.0.0")
    whole = package(good)
    root = "<package><metadata><id>A</id><version>1.0.0</version></metadata></package>"
    doctype = '<!DOCTYPE package [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    return {
        "no nuspec": packed({"lib/a.dll": b"a"}),
        "nuspec in a folder": packed({"x/a.nuspec": good.encode()}),
        "two nuspecs": packed({"a.nuspec": good.encode(), "b.nuspec": good.encode()}),
        "two spellings of the nuspec": packed({"a.nuspec": good.encode(), "A.NUSPEC": good.encode()}),
        "no xml": package("{}"),
        "empty nuspec": package(""),
        "entities": package(doctype + root),
        "entities used": package(doctype + root.replace("<id>A", "<id>&b;")),
        "external entity": package('<!DOCTYPE package SYSTEM "file:///etc/passwd">' + root),
        "nested deeply": package("<a>" * 10_000),
        "no metadata": package("<package />"),
        "no id": package(nuspec("", "1.0.0")),
        "path as id": package(nuspec("../a", "1.0.0")),
        "look-alike": package(nuspec("\u0410cme", "1.0.0")),
        "long id": package(nuspec("a" * 101, "1.0.0")),
        "no version": package(nuspec("A", "")),
        "v in front": package(nuspec("A", "v1.0.0")),
        "five numbers": package(nuspec("A", "1.2.3.4.5")),
        "huge number": package(nuspec("A", "9" * 10_000)),
        "broken range": package(nuspec("A", "1.0.0", dependencies='<dependency id="B" version="[1.0" />')),
        "path as dependency": package(nuspec("A", "1.0.0", dependencies='<dependency id="../b" version="1.0" />')),
        "huge nuspec": package(good.replace("A sample.", "x" * 5_000_000)),
        "path that climbs": package(good, {"../a": b"a"}),
        "absolute path": package(good, {"/etc/a": b"a"}),
        "device name": package(good, {"lib/CON": b"a"}),
        "bomb": package(good, {"lib/a": bytes(30_000_000)}),
        "symbols without symbols": package(good.replace("<tags>", _SYMBOL_TYPE), {"a.xml": b"a"}),
        "symbols with a program": package(good.replace("<tags>", _SYMBOL_TYPE), {"a.exe": b"a"}),
        "symbols of Windows": package(good.replace("<tags>", _SYMBOL_TYPE), {"a.pdb": b"Microsoft C/C++ MSF 7.00"}),
        "damaged symbols": package(good.replace("<tags>", _SYMBOL_TYPE), {"a.pdb": b"BSJB" + b"\xff" * 60}),
        "junk before": b"GIF89a" + whole,
        "junk behind": whole + b"junk",
        "cut in half": whole[: len(whole) // 2],
    }


_SYMBOL_TYPE = '<packageTypes><packageType name="SymbolsPackage" /></packageTypes><tags>'


def remote(samples: Sequence[Sample]) -> dict[str, bytes]:
    """Give the answers of a remote server that offers the samples; addresses are relative."""
    services = {"version": "3.0.0", "resources": [{"@id": "registration/", "@type": "RegistrationsBaseUrl/3.6.0"}]}
    offered = {"/v3/index.json": json.dumps(services).encode()}
    leaves: dict[str, list[object]] = {}
    for sample in samples:
        name, number = sample.name.lower(), normalize(sample.version).lower()
        content = f"../../flat/{name}/{number}/{name}.{number}.nupkg"
        offered[f"/v3/flat/{name}/{number}/{name}.{number}.nupkg"] = sample.content
        entry = {"id": sample.name, "version": sample.version, "published": "2026-01-02T03:04:05Z", "listed": True}
        leaves.setdefault(name, []).append({"catalogEntry": entry, "packageContent": content})
    for name, items in leaves.items():
        page = {"@id": "page", "count": len(items), "lower": "0.0.0", "upper": "9.0.0", "items": items}
        offered[f"/v3/registration/{name}/index.json"] = json.dumps({"count": 1, "items": [page]}).encode()
    return offered


def _push(sample: Sample) -> Request:
    what = "symbolpackage" if sample.filename.endswith(".snupkg") else "package"
    head = f'--{_MIXED}\r\nContent-Disposition: form-data; name="package"; filename="package.nupkg"\r\n\r\n'
    body = head.encode() + sample.content + f"\r\n--{_MIXED}--\r\n".encode()
    return Request("PUT", f"/api/v2/{what}/", {"Content-Type": f"multipart/form-data; boundary={_MIXED}"}, body, (201,))


def _download(sample: Sample) -> Request:
    number = normalize(sample.version).lower()
    return Request("GET", f"/v3/flat/{quote(sample.name.lower())}/{number}/{sample.filename}")


def _variants(name: str, version: str) -> Sequence[Sample]:
    return (make(name, version), Sample(_filename(name, version, "snupkg"), symbols(name, version), name, version))


@cache
def make_kit() -> FormatKit:
    """Give the sample data; hostile files are made once, when they are first asked for."""
    return FormatKit(
        make=make,
        names=("Hello", "Acme.Tools-Extra", "a_1", "X"),
        bad_names=("", ".a", "a.", "a..b", "a b", "../a", "a/b", "a" * 101, "\u00e4", "\u0410cme", "a\n", "-a"),
        same_names=(("Hello", "HELLO"), ("Acme.Tools", "acme.tools")),
        order=ORDER,
        prereleases=("1.0.0-0", "1.0-a", "1.0.0.1-rc.1", "1.0.0--"),
        bad_versions=(
            "",
            "v1",
            "1.",
            ".1",
            "1..2",
            "1.2.3.4.5",
            "1.0-",
            "1.0+",
            "1.0-a..b",
            "1.0-01",
            "2147483648",
            "1.*",
            "a",
        ),
        same_versions=(
            ("1.0", "1.0.0"),
            ("1.0.0", "1.0.0.0"),
            ("1.01.1", "1.1.1"),
            ("1.0.0+a", "1.0.0+b"),
            ("1", "1.0"),
        ),
        ranges=(
            ("1.0.0", "1.0", True),
            ("2.0.0", "1.0", True),
            ("0.9.0", "1.0", False),
            ("1.0.0", "[1.0]", True),
            ("1.0.1", "[1.0]", False),
            ("1.5.0", "[1.0,2.0)", True),
            ("2.0.0", "[1.0,2.0)", False),
            ("2.0.0-beta", "[1.0,2.0)", True),
            ("1.0.0", "(1.0,)", False),
            ("1.0.0", "(,1.0]", True),
            ("1.4.0", "1.*", True),
            ("2.0.0", "1.*", False),
            ("1.0.0", "nonsense", False),
        ),
        choices=(
            (("1.0.0", "1.5.0", "2.0.0"), "[1.0,2.0)", "1.0.0"),
            (("0.9.0", "1.5.0-rc", "1.5.0"), "1.0", "1.5.0"),
            (("1.5.0-rc", "1.5.0"), "1.0-a", "1.5.0-rc"),
            (("1.0.0", "1.5.0", "2.0.0"), "1.*", "1.5.0"),
            (("1.0.0",), "2.0", None),
        ),
        specs=(
            ("1.0", SpecKind.RANGE),
            ("", SpecKind.RANGE),
            ("[1.0,2.0)", SpecKind.RANGE),
            ("^1.0", SpecKind.UNRESOLVABLE),
        ),
        hostile=hostile(),
        publish=_push,
        listing=lambda name: Request("GET", f"/v3/reg-semver2/{quote(name.lower())}/index.json"),
        download=_download,
        shows=_shows,
        unlist=lambda sample: Request("DELETE", f"/api/v2/package/{quote(sample.name)}/{sample.version}"),
        search=lambda text: Request(
            "GET", f"/v3/query?{urlencode({'q': text, 'prerelease': 'true', 'semVerLevel': '2.0.0'})}"
        ),
        remote=remote,
        remake=_remake,
        variants=_variants,
    )


def _shows(body: bytes, version: str) -> bool:
    shown = [leaf["catalogEntry"]["version"] for page in json.loads(body)["items"] for leaf in page["items"]]
    return normalize(version).lower() in (normalize(each).lower() for each in shown)
