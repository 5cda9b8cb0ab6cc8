"""A package file: a zip with ``upack.json`` at its root."""

from __future__ import annotations

import json
import re
from typing import BinaryIO

from app.plugin import InvalidPackage, Manifest
from app.plugin.archives import ZipEntry, open_zip, safe_json

from .manifest import FILE, read_manifest

_HALF = re.compile("[\ud800-\udfff]")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def read_package(file: BinaryIO) -> Manifest:
    """Read the manifest of a package file, and every other entry once; raises InvalidPackage.

    What cannot be unpacked is refused now, because it would break every later download of its contents.
    """
    archive = open_zip(file)
    entry = archive.find(FILE)
    if entry is None:
        raise InvalidPackage(
            f"The zip has no {FILE} at its root, so it is no Universal package; build it with upack, "
            "or upload it with name and version as parameters."
        )
    raw = safe_json(archive.read(entry))
    _check_text(raw)
    manifest = read_manifest(raw)
    archive.verify()
    return manifest


def is_folder(entry: ZipEntry) -> bool:
    """Tell whether an entry stands for a folder."""
    return entry.path.endswith("/")


def _check_text(raw: object) -> None:
    """Refuse what JSON can spell and no database or client can keep: NUL and halves of characters."""
    text = json.dumps(raw, ensure_ascii=False)
    if _NUL.search(text) or _HALF.search(text):
        raise InvalidPackage(f"{FILE} holds a NUL or half a character; write plain text.")
