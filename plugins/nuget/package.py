"""Package files: a ``.nupkg``, or the ``.snupkg`` with its symbols; both are a zip with one ``.nuspec`` at its root."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote

from app.plugin import InvalidPackage, Manifest
from app.plugin.archives import ZipArchive, ZipEntry, open_zip

from . import portable_pdb
from .nuspec import SYMBOLS_TYPE, Nuspec, read_nuspec

SYMBOLS = "symbols"
"""The variant of a version's symbol package."""
MAX_README = 64 << 10
MAX_PDB = 128 << 20
_SIGNATURE_FILE = ".signature.p7s"
_SYMBOL_ENDINGS = (".pdb", ".nuspec", ".xml", ".psmdcp", ".rels", ".p7s")
_MAX_PDBS = 2_000
_MAX_HANDLE = 500


def read_package(file: BinaryIO) -> Manifest:
    """Read a package or a symbol package, and every entry of it once; raise InvalidPackage."""
    archive = open_zip(file)
    nuspec = read_nuspec(archive.read(find_nuspec(archive), 1 << 20))
    archive.verify()
    data = {**nuspec.data, "signed": archive.find(_SIGNATURE_FILE) is not None}
    if SYMBOLS_TYPE in nuspec.types:
        return _symbols(archive, nuspec, data)
    return _manifest(
        nuspec,
        license=nuspec.license,
        keywords=nuspec.tags,
        links=nuspec.links,
        readme=_readme(archive, nuspec.text("readme")),
        dependencies=tuple(nuspec.dependencies),
        data={**data, "semver2": nuspec.is_semver2},
        facets=nuspec.facets,
    )


def _manifest(nuspec: Nuspec, **facts: Any) -> Manifest:
    description, authors = nuspec.text("description"), nuspec.text("authors")
    return partial(Manifest, nuspec.id, nuspec.version, description=description, authors=authors)(**facts)


def find_nuspec(archive: ZipArchive) -> ZipEntry:
    """Give the one nuspec at the root; raise InvalidPackage."""
    found = [each for each in archive.files if "/" not in each.path and each.path.lower().endswith(".nuspec")]
    if len(found) != 1:
        raise InvalidPackage(
            f"The zip has {len(found)} files .nuspec at its root, where a NuGet package has one; "
            "make it with 'dotnet pack' or 'nuget pack'."
        )
    return found[0]


def find_file(archive: ZipArchive, path: str) -> ZipEntry | None:
    """Give the entry that a nuspec names: with either slash, in any case, its name maybe encoded (OPC)."""
    wanted = path.replace("\\", "/").lstrip("/").lower()
    spellings = (wanted, quote(wanted).lower())
    return next((each for each in archive.files if each.path.lower() in spellings), None) if wanted else None


def _readme(archive: ZipArchive, path: str) -> str:
    entry = find_file(archive, path)
    if entry is None:
        return ""
    text = archive.head(entry, MAX_README).decode("utf-8", "replace")
    return text.removeprefix("\ufeff").replace("\0", "\ufffd")


def _symbols(archive: ZipArchive, nuspec: Nuspec, data: dict[str, Any]) -> Manifest:
    pdbs = list(_pdbs(archive))
    handles = {portable_pdb.handle(_bare(each["path"]), each["signature"]) for each in pdbs}
    return _manifest(
        nuspec,
        variant=SYMBOLS,
        data={**data, "pdbs": pdbs},
        handles=tuple(sorted(each for each in handles if len(each) <= _MAX_HANDLE)),
    )


def _pdbs(archive: ZipArchive) -> Iterator[dict[str, str]]:
    found = [each for each in archive.files if each.path.lower().endswith(".pdb")]
    strange = [each.path for each in archive.files if not each.path.lower().endswith(_SYMBOL_ENDINGS)]
    if strange:
        raise InvalidPackage(f"The symbol package holds {strange[0]!r}; only .pdb files belong into it.")
    if not 0 < len(found) <= _MAX_PDBS:
        raise InvalidPackage(f"The symbol package holds {len(found):,} .pdb files; 1 to {_MAX_PDBS:,} are possible.")
    for entry in found:
        if entry.size > MAX_PDB:
            raise InvalidPackage(f"{entry.path!r} has {entry.size:,} bytes; at most {MAX_PDB:,} are possible.")
        head = archive.head(entry, portable_pdb.HEAD)
        yield {"path": entry.path, "signature": portable_pdb.signature(head, entry.path)}


def _bare(path: str) -> str:
    return path.rpartition("/")[2]


def pdb_path(manifest: Manifest, handle: str) -> str | None:
    """Give the path of the PDB in a symbol package that goes by a handle, or None."""
    for each in manifest.data.get("pdbs", ()):
        if portable_pdb.handle(_bare(each["path"]), each["signature"]) == handle:
            return str(each["path"])
    return None
