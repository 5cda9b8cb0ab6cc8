"""Read a .nupkg or .snupkg: a zip with one nuspec at its root."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from app.plugin import InvalidPackage, Manifest
from app.plugin.archives import ZipArchive, ZipEntry, open_zip

from .nuspec import MAX_NUSPEC, SYMBOLS, read_nuspec

MAX_README, MAX_ICON = 64 * 1024, 1024**2
SIGNATURE = ".signature.p7s"
_SYMBOL_FILES = (".pdb", ".nuspec", ".xml", ".psmdcp", ".rels", ".p7s")
_PORTABLE = b"BSJB"


def read(file: BinaryIO) -> Manifest:
    """Read a package; raise InvalidPackage."""
    archive = open_zip(file)
    manifest = read_nuspec(archive.read(nuspec_of(archive), MAX_NUSPEC))
    archive.verify()
    signed = archive.find(SIGNATURE) is not None
    if manifest.variant == SYMBOLS:
        pdbs = dict(_symbols(archive))
        if not pdbs:
            raise InvalidPackage("The symbol package holds no .pdb file; pack it with portable symbols.")
        return replace(manifest, data={**manifest.data, "signed": signed, "pdbs": pdbs}, handles=tuple(pdbs))
    return replace(manifest, data={**manifest.data, "signed": signed}, readme=_readme(archive, manifest))


def nuspec_of(archive: ZipArchive) -> ZipEntry:
    """Give the nuspec; raise InvalidPackage unless there is one, and one only."""
    found = [each for each in archive.files if "/" not in each.path and each.path.lower().endswith(".nuspec")]
    if len(found) != 1:
        raise InvalidPackage(
            f"The zip has {len(found)} .nuspec files at its root, where a NuGet package has one; "
            "make it with 'dotnet pack' or 'nuget pack'."
        )
    return found[0]


def _readme(archive: ZipArchive, manifest: Manifest) -> str:
    entry = find_entry(archive, manifest.data["readme"])
    text = b"" if entry is None else archive.head(entry, MAX_README)
    return text.decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", "\ufffd")


def find_entry(archive: ZipArchive, path: str) -> ZipEntry | None:
    """Give an entry by its path in any case, or None."""
    wanted = path.lower()
    return next((each for each in archive.files if each.path.lower() == wanted), None) if path else None


def _symbols(archive: ZipArchive) -> Iterator[tuple[str, str]]:
    """Give each .pdb by the handle under which debuggers ask for it; raise InvalidPackage for what is none."""
    for entry in archive.files:
        name = entry.path.rpartition("/")[2].lower()
        if name == "[content_types].xml":
            continue
        if not name.endswith(_SYMBOL_FILES):
            raise InvalidPackage(
                f"A symbol package holds .pdb files and nothing like {entry.path[:80]!r}; leave it out."
            )
        if name.endswith(".pdb"):
            yield symbol_handle(name, pdb_id(archive.head(entry, 65_536), entry.path)), entry.path


def symbol_handle(filename: str, signature: str) -> str:
    """Give the handle of a .pdb: its name, and its id as 32 hex digits; what follows the id is its age."""
    return f"pdb:{filename.lower()[:300]}/{signature[:32].lower()}"


def pdb_id(data: bytes, path: str) -> str:
    """Give a portable PDB's id as 32 hex digits (ECMA-335 II.24.2.1, Portable PDB v1.0 #Pdb stream)."""
    if data[:4] != _PORTABLE:
        raise InvalidPackage(f"{path[:80]!r} is no portable PDB; build with <DebugType>portable</DebugType>.")
    at = 16 + int.from_bytes(data[12:16], "little")
    streams = int.from_bytes(data[at + 2 : at + 4], "little")
    at += 4
    for _ in range(min(streams, 32)):
        offset, name = int.from_bytes(data[at : at + 4], "little"), data[at + 8 : at + 40].split(b"\0")[0]
        if name == b"#Pdb" and len(data) >= offset + 16:
            return uuid.UUID(bytes_le=data[offset : offset + 16]).hex
        at += 8 + (len(name) // 4 + 1) * 4
    raise InvalidPackage(f"{path[:80]!r} is a damaged PDB: it has no id; build it again.")
