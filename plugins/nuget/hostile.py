"""Package files that must be refused, for the contract suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_NAMESPACE = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"


def hostile(packed: Callable[[Mapping[str, bytes]], bytes], good: bytes, pdb: bytes) -> dict[str, bytes]:
    """Give the files; ``packed`` makes a zip, ``good`` is an acceptable package, ``pdb`` a portable PDB."""

    def with_nuspec(content: bytes, **files: bytes) -> bytes:
        return packed({"a.nuspec": content, "lib/a.dll": b"MZ", **files})

    nuspecs = {what: with_nuspec(content) for what, content in _nuspecs().items()}
    fine = nuspec()
    return {
        **nuspecs,
        **_symbols(packed, pdb),
        "no nuspec": packed({"lib/a.dll": b"MZ"}),
        "nuspec in a folder": packed({"x/a.nuspec": fine}),
        "two nuspecs": with_nuspec(fine, **{"b.nuspec": fine}),
        "two nuspecs, one in capitals": with_nuspec(fine, **{"B.NUSPEC": fine}),
        "a path that climbs": with_nuspec(fine, **{"../a": b"a"}),
        "an absolute path": with_nuspec(fine, **{"/etc/a": b"a"}),
        "a drive": with_nuspec(fine, **{"C:/a": b"a"}),
        "a backslash": with_nuspec(fine, **{"lib\\a": b"a"}),
        "a device": with_nuspec(fine, **{"lib/CON": b"a"}),
        "one path in two cases": with_nuspec(fine, **{"LIB/A.DLL": b"MZ"}),
        "a bomb": with_nuspec(fine, **{"lib/b.dll": bytes(30_000_000)}),
        "bytes before": b"GIF89a" + good,
        "bytes behind": good + b"more",
        "cut in half": good[: len(good) // 2],
    }


def nuspec(id: str = "a", version: str = "1.0.0", more: str = "", attributes: str = "") -> bytes:
    """Give a nuspec; ``more`` are further elements of its metadata."""
    known = f"<id>{id}</id><version>{version}</version><authors>x</authors><description>y</description>"
    text = f'<package xmlns="{_NAMESPACE}"><metadata{attributes}>{known}{more}</metadata></package>'
    return f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()


def _nuspecs() -> dict[str, bytes]:
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    body = nuspec().partition(b"?>")[2]
    deep = b"<x>" * 100_000
    return {
        "no XML": b"id: a",
        "an empty nuspec": b"",
        "another root": b"<project><metadata><id>a</id><version>1.0.0</version></metadata></project>",
        "no metadata": b"<package/>",
        "metadata twice": body.replace(b"</metadata>", b"</metadata><metadata><id>b</id></metadata>"),
        "a DOCTYPE": b"<!DOCTYPE package>" + body,
        "entities": entity + body.replace(b"<id>a", b"<id>&b;"),
        "an external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        + body.replace(b">a<", b">&e;<"),
        "an external DTD": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + body,
        "deep nesting": body.replace(b"</metadata>", deep),
        "elements that cross": b"<package><metadata></package></metadata>",
        "an encoding of long ago": nuspec().replace(b"utf-8", b"iso-8859-1"),
        "an unknown encoding": nuspec().replace(b"utf-8", b"x-nonsense"),
        "no UTF-8": nuspec().replace(b">y<", b">\xff<"),
        "a control character": nuspec().replace(b">y<", b">&#1;<"),
        "a huge nuspec": nuspec().replace(b">y<", b">" + b"y" * 1_100_000 + b"<"),
        "a long description": nuspec().replace(b">y<", b">" + b"y" * 50_000 + b"<"),
        "no id": nuspec().replace(b"<id>a</id>", b""),
        "an id twice": nuspec(more="<id>b</id>"),
        "a version twice": nuspec(more="<version>2.0.0</version>"),
        "an empty version": nuspec(version=""),
        "a version that is none": nuspec(version="v1.0.0"),
        "five numbers": nuspec(version="1.0.0.0.0"),
        "a number beyond 32 bits": nuspec(version="1.0.2147483648"),
        "a version that climbs": nuspec(version="1.0.0-../x"),
        "an id that climbs": nuspec(id="../a"),
        "an id with a slash": nuspec(id="a/b"),
        "an id in look-alike letters": nuspec(id="\u0430"),
        "a long id": nuspec(id="a" * 101),
        "a dependency without id": nuspec(more='<dependencies><dependency version="1.0"/></dependencies>'),
        "a dependency that climbs": nuspec(more='<dependencies><dependency id="../a"/></dependencies>'),
        "a broken range": nuspec(more='<dependencies><dependency id="b" version="[1.0,"/></dependencies>'),
        "a package type of two words": nuspec(more='<packageTypes><packageType name="a b"/></packageTypes>'),
    }


def symbols_nuspec(id: str = "a", version: str = "1.0.0") -> bytes:
    """Give the nuspec of a symbol package."""
    return nuspec(id, version, '<packageTypes><packageType name="SymbolsPackage"/></packageTypes>')


def _symbols(packed: Callable[[Mapping[str, bytes]], bytes], pdb: bytes) -> dict[str, bytes]:
    def with_files(**files: bytes) -> bytes:
        return packed({"a.nuspec": symbols_nuspec(), **files})

    return {
        "symbols without a PDB": with_files(),
        "symbols with a program": with_files(**{"lib/a.pdb": pdb, "lib/a.dll": b"MZ"}),
        "a Windows PDB": with_files(**{"lib/a.pdb": b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0" + bytes(1000)}),
        "a PDB that is none": with_files(**{"lib/a.pdb": b"hello"}),
        "a PDB without a stream": with_files(**{"lib/a.pdb": pdb.replace(b"#Pdb", b"#Xyz")}),
        "a PDB whose stream lies outside": with_files(**{"lib/a.pdb": pdb[:-30]}),
    }
