"""Read a .gem: a plain tar of the metadata, the gzipped tar of its files, and the checksums of both."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, TypeVar

from app.plugin import Entry, InvalidPackage, Manifest
from app.plugin.archives import CHUNK, TarFile, get_entry, gunzip, iter_tar, iter_tgz

from .gemspec import read_spec
from .yaml_events import load

MAX_METADATA = 10 * 1024**2
MAX_README = 64 * 1024
METADATA, DATA, CHECKSUMS = "metadata.gz", "data.tar.gz", "checksums.yaml.gz"
_README = re.compile(r"readme(?:\.[a-z]{1,10})?", re.IGNORECASE)
_MARKDOWN = (".md", ".markdown")
_ALGORITHMS = {"SHA256": "sha256", "SHA512": "sha512"}
_FAR = 2**40
Given = TypeVar("Given")


class _Hashed(io.RawIOBase):
    """Be a stream that is hashed while it is read."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self.digests = {name: hashlib.new(algorithm) for name, algorithm in _ALGORITHMS.items()}

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, target: Any, /) -> int:
        """Fill a buffer; 0 at the end."""
        count = self._stream.readinto(target)
        for digest in self.digests.values():
            digest.update(target[:count])
        return count

    def drain(self) -> dict[str, str]:
        """Read what is left; give the digests (hex) by their names in a gem."""
        while self.read(CHUNK):
            pass
        return {name: digest.hexdigest() for name, digest in self.digests.items()}


def read(file: BinaryIO) -> Manifest:
    """Read a gem; raise InvalidPackage."""
    digests: dict[str, dict[str, str]] = {}
    metadata, checksums, readme, seen = b"", b"", "", set()
    for packed in iter_tar(file):
        path = packed.entry.path
        seen.add(path)
        if path == METADATA:
            content = packed.read(MAX_METADATA)
            digests[path] = {name: hashlib.new(each, content).hexdigest() for name, each in _ALGORITHMS.items()}
            metadata = gunzip(content, MAX_METADATA)
        elif path == CHECKSUMS:
            checksums = gunzip(packed.read(MAX_METADATA), MAX_METADATA)
        elif path == DATA:
            readme, digests[path] = _walk_data(packed, _find_readme)
    missing = {METADATA, DATA} - seen
    if missing:
        raise InvalidPackage(f"The file is no gem: it has no {' and no '.join(sorted(missing))}; use 'gem build'.")
    _check(checksums, digests)
    return read_spec(load(metadata), readme)


def _walk_data(packed: TarFile, use: Callable[[BinaryIO], Given]) -> tuple[Given, dict[str, str]]:
    hashed = _Hashed(packed.open())
    found = use(hashed)  # type: ignore[arg-type]
    return found, hashed.drain()


def _find_readme(data: BinaryIO) -> str:
    """Give the readme's text, Markdown first; walks over everything, so that every file is checked."""
    found: dict[tuple[bool, str], bytes] = {}
    for packed in iter_tgz(data):
        if _README.fullmatch(packed.entry.path):
            rank = not packed.entry.path.lower().endswith(_MARKDOWN), packed.entry.path
            found[rank] = packed.head(MAX_README)
    text = found[min(found)] if found else b""
    return text.decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", "\ufffd")


def _check(checksums: bytes, digests: dict[str, dict[str, str]]) -> None:
    """Raise InvalidPackage where a gem says other digests than its parts have; old gems say none."""
    said = load(checksums) if checksums else {}
    for algorithm, by_path in said.items() if isinstance(said, dict) else ():
        for path, digest in by_path.items() if isinstance(by_path, dict) else ():
            real = digests.get(path, {}).get(algorithm)
            if real is not None and real != digest:
                raise InvalidPackage(f"The gem's {path} is not what its checksums say ({algorithm}); build it again.")


def entries(file: BinaryIO) -> Sequence[Entry]:
    """List the files that a gem installs; raise InvalidPackage."""
    return _in_data(file, lambda data: [_entry(packed) for packed in iter_tgz(data)])


def _entry(packed: TarFile) -> Entry:
    seconds = packed.entry.modified
    known = 0 < seconds < _FAR
    return Entry(
        packed.entry.path, packed.entry.size, datetime.fromtimestamp(seconds, UTC).isoformat() if known else None
    )


def read_entry(file: BinaryIO, path: str, limit: int) -> bytes:
    """Give at most ``limit`` bytes of one file that a gem installs; raise NotFound or InvalidPackage."""

    def find(data: BinaryIO) -> bytes | None:
        return next((packed.head(limit) for packed in iter_tgz(data) if packed.entry.path == path), None)

    return get_entry(_in_data(file, find), path)


def _in_data(file: BinaryIO, use: Callable[[BinaryIO], Given]) -> Given:
    for packed in iter_tar(file):
        if packed.entry.path == DATA:
            return use(packed.open())
    raise InvalidPackage(f"The file is no gem: it has no {DATA}.")
