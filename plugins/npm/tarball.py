"""Reading npm's package files: gzipped tar archives whose first folder, whatever its name, is the package."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

from app.plugin import Entry, InvalidPackage, Manifest
from app.plugin.archives import TarFile, get_entry, iter_tgz, safe_json

from .names import check_name, split_name
from .package_json import authors, dependencies, has_install_script, license_text, links, normalize_package
from .versions import version_key

MAX_PACKAGE_JSON = 1 << 20
MAX_README = 64 << 10
_README = re.compile(r"readme(?:\.[a-z]{1,10})?", re.IGNORECASE)
_ZERO = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_README_ENDINGS = (".md", ".markdown", "")


@dataclass(slots=True)
class _Found:
    """Collect what one walk over a tarball finds."""

    paths: set[str] = field(default_factory=set)
    size: int = 0
    package_json: bytes = b""
    readmes: dict[str, bytes] = field(default_factory=dict)


def read(file: BinaryIO) -> Manifest:
    """Read a tarball; raise InvalidPackage."""
    found = _Found()
    for path, packed in _files(file):
        found.paths.add(path)
        found.size += packed.entry.size
        if path == "package.json":
            found.package_json = packed.read(MAX_PACKAGE_JSON)
        elif _README.fullmatch(path):
            found.readmes[path] = packed.head(MAX_README)
    return _manifest(found)


def entries(file: BinaryIO) -> Sequence[Entry]:
    """List the files of a tarball by their paths in the package; raise InvalidPackage."""
    return [Entry(path, packed.entry.size, _date(packed.entry.modified)) for path, packed in _files(file)]


def read_entry(file: BinaryIO, path: str, limit: int) -> bytes:
    """Give at most ``limit`` bytes of one file of a tarball; raise NotFound or InvalidPackage."""
    return get_entry(next((packed.head(limit) for each, packed in _files(file) if each == path), None), path)


def _files(file: BinaryIO) -> Iterator[tuple[str, TarFile]]:
    """Walk over what npm would unpack, by its path in the package.

    npm takes the first folder off every path, and ignores links and what lies beside the folder. A link that
    leaves the archive is refused all the same.
    """
    seen: set[str] = set()
    for packed in iter_tgz(file, links="keep"):
        _, folder, path = packed.entry.path.partition("/")
        if path in seen:
            raise InvalidPackage(f"The tarball has {path!r} in two folders, and npm installs the last; keep one.")
        if folder and not packed.entry.is_link:
            seen.add(path)
            yield path, packed


def _date(seconds: int) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


def _manifest(found: _Found) -> Manifest:
    package = _package(found)
    name, version = _text(package, "name"), _text(package, "version")
    check_name(name), version_key(version)
    kept = normalize_package(package, split_name(name)[1], found.paths)
    readme_name, readme = _readme(found.readmes)
    data = {
        "package": kept,
        "fileCount": len(found.paths),
        "unpackedSize": found.size,
        "hasInstallScript": has_install_script(kept),
        "_hasShrinkwrap": "npm-shrinkwrap.json" in found.paths,
        "readmeFilename": readme_name,
    }
    manifest = Manifest(
        name,
        version,
        description=_text(kept, "description"),
        license=license_text(package),
        authors=authors(package),
        keywords=tuple(kept.get("keywords", ())),
        links=links(package),
        readme=readme,
        dependencies=tuple(dependencies(kept)),
        data=data,
    )
    _check_storable(manifest)
    return manifest


def _package(found: _Found) -> dict[str, Any]:
    if not found.package_json:
        raise InvalidPackage("The tarball has no package.json in its first folder; make it with 'npm pack'.")
    package = safe_json(found.package_json, MAX_PACKAGE_JSON)
    if not isinstance(package, dict):
        raise InvalidPackage("The package.json in the tarball is no JSON object.")
    return package


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key, "")
    return value if isinstance(value, str) else ""


def _readme(found: Mapping[str, bytes]) -> tuple[str, str]:
    """Give name and text of the readme that npm would show: Markdown first."""

    def rank(path: str) -> tuple[int, str]:
        ending = path[len("readme") :].lower()
        return _README_ENDINGS.index(ending) if ending in _README_ENDINGS else len(_README_ENDINGS), path

    path = min(found, key=rank, default="")
    return path, found.get(path, b"").decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", "\ufffd")


def _check_storable(manifest: Manifest) -> None:
    """Raise InvalidPackage for what is JSON but can be neither stored nor sent: half characters, zeros, infinity."""
    try:
        text = json.dumps(manifest.to_json(), ensure_ascii=False, allow_nan=False)
        storable = not _ZERO.search(text) and bool(text.encode())
    except ValueError:
        storable = False
    if not storable:
        raise InvalidPackage("The package.json holds a number or a character that cannot be stored; write plain text.")
