"""Reading gems: a plain tar of the gemspec, a gzipped tar of the files, and checksums of both."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedReader
from typing import BinaryIO, cast

from app.plugin import Entry, InvalidPackage, Manifest
from app.plugin.archives import CHUNK, Limits, TarFile, get_entry, gunzip, iter_tar, iter_tgz

from .gemspec import read_gemspec
from .yaml_events import Record, read_yaml

METADATA, DATA, CHECKSUMS = "metadata.gz", "data.tar.gz", "checksums.yaml.gz"
MAX_METADATA = 10 * 1024**2
MAX_CHECKSUMS = 64 * 1024
MAX_README = 64 * 1024
_ALGORITHMS = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
_README = re.compile(r"readme(?:\.[a-z]{1,10}){0,2}", re.IGNORECASE)
_README_ENDINGS = (".md", ".markdown", ".rdoc", ".txt", "")
_OUTER = Limits(tar_entries=64)


@dataclass(slots=True)
class _Found:
    """Collect what one walk over a gem finds; digests are hex by member and algorithm."""

    metadata: bytes | None = None
    checksums: bytes | None = None
    has_data: bool = False
    digests: dict[str, dict[str, str]] = field(default_factory=dict)
    readmes: dict[str, bytes] = field(default_factory=dict)
    files: int = 0
    size: int = 0


class _Digesting:
    """Be a stream whose bytes are digested as they are read."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self._digests = {name: hashlib.new(low, usedforsecurity=False) for name, low in _ALGORITHMS.items()}

    def read(self, size: int = CHUNK, /) -> bytes:
        """Give at most ``size`` bytes."""
        data = self._stream.read(size)
        for digest in self._digests.values():
            digest.update(data)
        return data

    def seekable(self) -> bool:
        """Say that it goes forwards only."""
        return False

    def hex(self) -> dict[str, str]:
        """Read what is left; give the digests of everything, hex by name."""
        while self.read():
            pass
        return {name: digest.hexdigest() for name, digest in self._digests.items()}


def read(file: BinaryIO) -> Manifest:
    """Read a gem; raise InvalidPackage."""
    found = _Found()
    for packed in iter_tar(file, _OUTER):
        _take(packed, found)
    if found.metadata is None or not found.has_data:
        raise InvalidPackage(f"The gem has no {METADATA} or no {DATA}; build it with 'gem build'.")
    _verify(found)
    facts = {"files": found.files, "unpacked_size": found.size}
    return read_gemspec(gunzip(found.metadata, MAX_METADATA), _readme(found.readmes), facts)


def _take(packed: TarFile, found: _Found) -> None:
    path = packed.entry.path
    if path == CHECKSUMS:
        found.checksums = packed.read(MAX_CHECKSUMS)
    elif path == METADATA:
        found.metadata = packed.read(MAX_METADATA)
        found.digests[path] = {
            name: hashlib.new(low, found.metadata, usedforsecurity=False).hexdigest()
            for name, low in _ALGORITHMS.items()
        }
    elif path == DATA:
        stream = _Digesting(packed.open())
        for inner in iter_tgz(cast(BinaryIO, stream)):
            _take_file(inner, found)
        found.has_data, found.digests[path] = True, stream.hex()


def _take_file(inner: TarFile, found: _Found) -> None:
    found.files += 1
    found.size += inner.entry.size
    if _README.fullmatch(inner.entry.path):
        found.readmes[inner.entry.path] = inner.head(MAX_README)


def _verify(found: _Found) -> None:
    """Raise InvalidPackage unless every checksum that the gem declares of its own parts is right.

    Very old gems declare none.
    """
    if found.checksums is None:
        return
    declared = read_yaml(gunzip(found.checksums, MAX_CHECKSUMS))
    for algorithm, by_path in declared.items() if isinstance(declared, Record) else ():
        for path, digest in by_path.items() if isinstance(by_path, Record) else ():
            actual = found.digests.get(path, {}).get(algorithm)
            if actual not in (None, digest):
                raise InvalidPackage(
                    f"The gem's {path} has the {algorithm} {actual}, but {str(digest)[:200]!a} was declared; "
                    "send the file again.",
                    code="checksum-mismatch",
                )


def _readme(found: dict[str, bytes]) -> str:
    def rank(path: str) -> tuple[int, str]:
        ending = path[len("readme") :].lower()
        return _README_ENDINGS.index(ending) if ending in _README_ENDINGS else len(_README_ENDINGS), path

    path = min(found, key=rank, default="")
    return found.get(path, b"").decode("utf-8", "replace").removeprefix("\ufeff").replace("\0", "\ufffd")


def entries(file: BinaryIO) -> Sequence[Entry]:
    """List the files that installing a gem unpacks; raise InvalidPackage."""
    return [Entry(each.entry.path, each.entry.size, _date(each.entry.modified)) for each in _files(file)]


def read_entry(file: BinaryIO, path: str, limit: int) -> bytes:
    """Give at most ``limit`` bytes of one file of a gem; raise NotFound or InvalidPackage."""
    return get_entry(next((each.head(limit) for each in _files(file) if each.entry.path == path), None), path)


def _files(file: BinaryIO) -> Iterator[TarFile]:
    for packed in iter_tar(file, _OUTER):
        if packed.entry.path == DATA:
            yield from iter_tgz(packed.open())


def _date(seconds: int) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
