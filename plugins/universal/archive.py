"""A package file: a zip with ``upack.json`` at its root."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from app.plugin import Entry, InvalidPackage, Manifest, NotFound
from app.plugin.archives import ZipArchive, ZipEntry, open_zip, safe_json

from .manifest import FILE, read_manifest

_HALF = re.compile("[\ud800-\udfff]")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def read_package(file: BinaryIO) -> Manifest:
    """Read the manifest of a package file; raises InvalidPackage."""
    archive = open_zip(file)
    entry = archive.find(FILE)
    if entry is None:
        raise InvalidPackage(
            f"The zip has no {FILE} at its root, so it is no Universal package; build it with upack, "
            "or upload it with name and version as parameters."
        )
    raw = safe_json(archive.read(entry))
    _check_text(raw)
    return read_manifest(raw)


def entries(file: BinaryIO) -> Sequence[Entry]:
    """List the files of a package file; raises InvalidPackage."""
    return [Entry(e.path, e.size, _date(e)) for e in open_zip(file).entries if not is_folder(e)]


def read_entry(file: BinaryIO, path: str, limit: int) -> bytes:
    """Give at most ``limit`` bytes of one file; raise NotFound or InvalidPackage."""
    archive = open_zip(file)
    return archive.head(get_entry(archive, path), limit)


def get_entry(archive: ZipArchive, path: str) -> ZipEntry:
    """Give the entry of a file; raise NotFound."""
    found = archive.find(path)
    if found is None or is_folder(found):
        raise NotFound(f"There is no file {path[:260]!r} in the package; list its files.", code="unknown-entry")
    return found


def is_folder(entry: ZipEntry) -> bool:
    """Tell whether an entry stands for a folder."""
    return entry.path.endswith("/")


def moment(entry: ZipEntry) -> datetime | None:
    """Give an entry's time, which zip keeps without a zone; None for one that no calendar has."""
    try:
        return datetime(*entry.date_time, tzinfo=UTC)
    except ValueError:
        return None


def _date(entry: ZipEntry) -> str | None:
    found = moment(entry)
    return None if found is None else found.strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_text(raw: object) -> None:
    """Refuse what JSON can spell and no database or client can keep: NUL and halves of characters."""
    text = json.dumps(raw, ensure_ascii=False)
    if _NUL.search(text) or _HALF.search(text):
        raise InvalidPackage(f"{FILE} holds a NUL or half a character; write plain text.")
