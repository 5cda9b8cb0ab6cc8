"""The only door for bytes of an archive that a stranger made: zip and gzipped tar, within limits.

Nothing is ever unpacked to the disk; a path is refused all the same where a client that unpacks it could
be harmed. Sizes are counted while reading, never believed. Every refusal is an InvalidPackage that names
the entry and the limit.
"""

from __future__ import annotations

import json
import re
import tarfile
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from app.domain.errors import InvalidPackage, NotFound

CHUNK = 128 * 1024
MAX_PATH = 260
_LOCAL_HEADER = 30
_END_RECORD = 22
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold what an archive may cost; sizes in bytes. ``ratio`` counts for entries above ``ratio_from``."""

    total: int = 8 * 1024**3
    entry: int = 8 * 1024**3
    ratio: int = 200
    ratio_from: int = 10 * 1024**2
    zip_entries: int = 65_534
    tar_entries: int = 100_000
    path: int = MAX_PATH
    text: int = 10 * 1024**2


def check_path(path: str, limit: int = MAX_PATH) -> str:
    """Give an entry's path back where every client may unpack it; raise InvalidPackage.

    Refuses absolute paths, drives, backslashes, ``..``, control characters, names that Windows reserves or
    trims, text that is not in Unicode's form NFC, and paths that are too long.
    """
    parts = path.rstrip("/").split("/")
    wrong = (
        (len(path) > limit, f"is longer than {limit} characters"),
        (not path or path.startswith("/") or re.match(r"[A-Za-z]:", path), "is absolute or empty"),
        ("\\" in path, "has a backslash"),
        (any(ord(c) < 32 or ord(c) == 127 for c in path), "has control characters"),
        (any(part in ("", ".", "..") for part in parts), "leaves its folder or has an empty part"),
        (any(part.endswith((".", " ")) for part in parts), "has a part that ends in a dot or space"),
        (any(_RESERVED.fullmatch(part) for part in parts), "has a name that Windows reserves"),
        (unicodedata.normalize("NFC", path) != path, "is not in Unicode's form NFC"),
    )
    for is_wrong, why in wrong:
        if is_wrong:
            raise InvalidPackage(f"The archive's entry {path[:120]!r} {why}; rename it and pack again.")
    return path


# Zip --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """Describe one entry of a zip archive; a folder's path ends with a slash."""

    path: str
    size: int
    compressed: int
    date_time: tuple[int, int, int, int, int, int]
    mode: int
    info: ZipInfo = field(repr=False, compare=False)


class ZipArchive:
    """Read a zip archive that passed every check of ``open_zip``."""

    def __init__(self, archive: ZipFile, entries: tuple[ZipEntry, ...], limits: Limits) -> None:
        self._archive, self._limits = archive, limits
        self.entries = entries

    def find(self, path: str) -> ZipEntry | None:
        """Give the entry with exactly this path, or None."""
        return next((entry for entry in self.entries if entry.path == path), None)

    def chunks(self, entry: ZipEntry) -> Iterator[bytes]:
        """Give an entry's bytes in pieces, counted against its declared size and the limits."""
        count = 0
        try:
            with self._archive.open(entry.info) as stream:
                while chunk := stream.read(CHUNK):
                    count += len(chunk)
                    _check_growth(entry.path, count, entry.compressed, self._limits)
                    yield chunk
        except (BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
            raise InvalidPackage(f"The archive's entry {entry.path!r} is damaged ({error}); pack it again.") from None
        if count != entry.size:
            raise InvalidPackage(
                f"The archive's entry {entry.path!r} has {count:,} bytes, not {entry.size:,} as it says."
            )

    def read(self, entry: ZipEntry, limit: int | None = None) -> bytes:
        """Give an entry's bytes whole; raise InvalidPackage where it passes a limit (default: that of text)."""
        cap = self._limits.text if limit is None else limit
        if entry.size > cap:
            raise InvalidPackage(
                f"The archive's entry {entry.path!r} has {entry.size:,} bytes; at most {cap:,} are read."
            )
        return b"".join(self.chunks(entry))

    def head(self, entry: ZipEntry, limit: int) -> bytes:
        """Give at most ``limit`` bytes of an entry's beginning."""
        found = bytearray()
        for chunk in self.chunks(entry):
            found += chunk
            if len(found) >= limit:
                break
        return bytes(found[:limit])


def open_zip(file: BinaryIO, limits: Limits | None = None) -> ZipArchive:
    """Open a zip archive (seekable) after checking its whole structure; raise InvalidPackage.

    The file begins with an entry and ends with the directory; entries do not overlap, have one path each (case
    apart), are stored or deflated, not encrypted, and within the limits.
    """
    limits = limits or Limits()
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        raise InvalidPackage("The file is no zip archive: it does not begin with an entry.")
    try:
        archive = ZipFile(file)
    except (BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise InvalidPackage(f"The file is no readable zip archive ({error}); pack it again.") from None
    _check_end(file, archive, size)
    infos = archive.infolist()
    if len(infos) > limits.zip_entries:
        raise InvalidPackage(f"The archive has {len(infos):,} entries; at most {limits.zip_entries:,} are possible.")
    entries = tuple(_zip_entry(info, limits) for info in infos)
    _check_twins(entry.path for entry in entries)
    _check_total(entries, limits)
    _check_overlap(file, infos, archive.start_dir)
    return ZipArchive(archive, entries, limits)


def _check_end(file: BinaryIO, archive: ZipFile, size: int) -> None:
    file.seek(max(size - _END_RECORD - len(archive.comment), 0))
    if file.read(4) != b"PK\x05\x06":
        raise InvalidPackage("The zip archive is followed by other bytes; pack it again.")


def _zip_entry(info: ZipInfo, limits: Limits) -> ZipEntry:
    path = check_path(info.orig_filename, limits.path)
    if info.flag_bits & 0x1:
        raise InvalidPackage(f"The archive's entry {path!r} is encrypted; pack it without a password.")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InvalidPackage(f"The archive's entry {path!r} is packed by method {info.compress_type}; use deflate.")
    if info.file_size > limits.entry:
        raise InvalidPackage(f"The archive's entry {path!r} has {info.file_size:,} bytes; at most {limits.entry:,}.")
    mode = info.external_attr >> 16
    if mode & 0o170000 == 0o120000:
        raise InvalidPackage(f"The archive's entry {path!r} is a symbolic link; pack the file itself.")
    _check_growth(path, info.file_size, info.compress_size, limits)
    return ZipEntry(path, info.file_size, info.compress_size, info.date_time, mode & 0o7777, info)


def _check_growth(path: str, size: int, compressed: int, limits: Limits) -> None:
    if size > limits.entry:
        raise InvalidPackage(f"The archive's entry {path!r} unpacks to more than {limits.entry:,} bytes.")
    if size > limits.ratio_from and size > limits.ratio * max(compressed, 1):
        raise InvalidPackage(f"The archive's entry {path!r} unpacks to more than {limits.ratio} times its size.")


def _check_twins(paths: Iterator[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        folded = path.rstrip("/").casefold()
        if folded in seen:
            raise InvalidPackage(f"The archive has two entries for {path!r} (case apart); keep one of them.")
        seen.add(folded)


def _check_total(entries: tuple[ZipEntry, ...], limits: Limits) -> None:
    total = sum(entry.size for entry in entries)
    if total > limits.total:
        raise InvalidPackage(f"The archive unpacks to {total:,} bytes; at most {limits.total:,} are possible.")


def _check_overlap(file: BinaryIO, infos: list[ZipInfo], directory: int) -> None:
    """Refuse entries that share bytes: a small file could otherwise unpack to any size."""
    position = 0
    for info in sorted(infos, key=lambda each: each.header_offset):
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
        if len(header) < _LOCAL_HEADER or header[:4] != b"PK\x03\x04" or info.header_offset < position:
            raise InvalidPackage(f"The archive's entry {info.orig_filename!r} overlaps another or has no header.")
        name, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
        position = info.header_offset + _LOCAL_HEADER + name + extra + info.compress_size
        if position > directory:
            raise InvalidPackage(f"The archive's entry {info.orig_filename!r} reaches past the archive's entries.")


# Gzipped tar ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TarEntry:
    """Describe one file of a tar archive; ``path`` is the whole path, ``is_link`` marks links that are kept out."""

    path: str
    size: int
    modified: int
    mode: int
    is_link: bool


class TarFile:
    """Give access to the entry that ``iter_tgz`` stands at."""

    def __init__(self, archive: tarfile.TarFile, member: tarfile.TarInfo, entry: TarEntry, limits: Limits) -> None:
        self._archive, self._member, self._limits = archive, member, limits
        self.entry = entry

    def read(self, limit: int | None = None) -> bytes:
        """Give the entry's bytes whole; raise InvalidPackage where it passes a limit (default: that of text)."""
        cap = self._limits.text if limit is None else limit
        if self.entry.size > cap:
            raise InvalidPackage(
                f"The archive's entry {self.entry.path!r} has {self.entry.size:,} bytes; at most {cap:,} are read."
            )
        return self.head(self.entry.size)

    def head(self, limit: int) -> bytes:
        """Give at most ``limit`` bytes of the entry's beginning."""
        stream = self._archive.extractfile(self._member)
        return b"" if stream is None else stream.read(limit)


def iter_tgz(
    file: BinaryIO, limits: Limits | None = None, *, links: str = "skip", strip: bool = False
) -> Iterator[TarFile]:
    """Walk the files of a gzipped tar archive, in order and once; folders are left out.

    One gzip member, nothing behind it. Devices and hard links are refused; symbolic links are skipped
    (``links="skip"``, as npm does) or given where they stay inside (``links="keep"``). ``strip`` takes the first
    part off every path. Two entries for one path are refused: clients differ in which of them they install.
    Raises InvalidPackage.
    """
    limits = limits or Limits()
    file.seek(0)
    stream = _Gunzip(file, limits)
    try:
        with tarfile.open(fileobj=cast("BinaryIO", stream), mode="r|", bufsize=CHUNK) as archive:
            yield from _members(archive, limits, links, strip=strip)
        stream.drain()
    except (tarfile.TarError, zlib.error, EOFError, ValueError, OSError, UnicodeError) as error:
        raise InvalidPackage(f"The file is no readable .tgz archive ({error}); pack it again.") from None


def _members(archive: tarfile.TarFile, limits: Limits, links: str, *, strip: bool) -> Iterator[TarFile]:
    seen: set[str] = set()
    for count, member in enumerate(archive, 1):
        cast("Any", archive).members = []  # It would otherwise remember every member.
        if count > limits.tar_entries:
            raise InvalidPackage(f"The archive has more than {limits.tar_entries:,} entries.")
        if member.isdir():
            continue
        path = check_path(member.name.removeprefix("./"), limits.path)
        path = strip_first(path) if strip else path
        if path in seen:
            raise InvalidPackage(f"The archive has two entries for {path!r}; keep one of them.")
        seen.add(path)
        if not (member.isfile() or member.issym()) or member.issparse():
            raise InvalidPackage(f"The archive's entry {path!r} is a hard link or device; pack plain files.")
        if member.issym():
            if links == "keep":
                _check_link(path, member.linkname)
            else:
                continue
        if member.size > limits.entry:
            raise InvalidPackage(f"The archive's entry {path!r} has {member.size:,} bytes; at most {limits.entry:,}.")
        entry = TarEntry(path, member.size, int(member.mtime), member.mode, member.issym())
        yield TarFile(archive, member, entry, limits)


def _check_link(path: str, target: str) -> None:
    depth = path.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0 or target.startswith("/"):
            raise InvalidPackage(f"The archive's link {path!r} points outside, to {target[:120]!r}.")


class _Gunzip:
    """Inflate one gzip member within limits, as the readable stream that tarfile wants."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file, self._limits = file, limits
        self._inflater = zlib.decompressobj(wbits=31)
        self._taken = self._given = 0
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Give at most ``size`` bytes; none at the end."""
        found = bytearray()
        while len(found) < size and not self._inflater.eof:
            data = self._inflater.unconsumed_tail or self._take()
            if not data:
                raise EOFError("it ends in the middle")
            found += self._inflater.decompress(data, size - len(found))
            self._check(len(found))
        self._given += len(found)
        return bytes(found)

    def _take(self) -> bytes:
        data = self._file.read(CHUNK)
        self._taken += len(data)
        return data

    def _check(self, more: int) -> None:
        size = self._given + more
        if size > self._limits.total:
            raise InvalidPackage(f"The archive unpacks to more than {self._limits.total:,} bytes.")
        if size > self._limits.ratio_from and size > self._limits.ratio * max(self._taken, 1):
            raise InvalidPackage(f"The archive unpacks to more than {self._limits.ratio} times its size.")

    def drain(self) -> None:
        """Read to the end; raise InvalidPackage where more than padding follows the archive or its gzip member."""
        while rest := self.read(CHUNK):
            if rest.strip(b"\0"):
                raise InvalidPackage("The tar archive is followed by other bytes; pack it again.")
        if self._inflater.unused_data.strip(b"\0") or self._file.read(1).strip(b"\0"):
            raise InvalidPackage("The gzip data is followed by other bytes; pack it again.")


def strip_first(path: str) -> str:
    """Give a path without its first part, whatever that is called, as npm unpacks it."""
    return path.split("/", 1)[-1]


def get_entry(found: bytes | None, path: str) -> bytes:
    """Give an entry's bytes back, or raise NotFound where there was none."""
    if found is None:
        raise NotFound(f"There is no file {path!r} in the package; list its files.", code="unknown-entry")
    return found


# JSON -------------------------------------------------------------------------------------------------


def safe_json(data: bytes, limit: int = 1024**2) -> Any:
    """Give the values of a JSON document from an archive or a client; raise InvalidPackage.

    UTF-8, at most ``limit`` bytes, at most 64 levels; no duplicate names, no NaN, no absurd numbers.
    """
    if len(data) > limit:
        raise InvalidPackage(f"The JSON document has {len(data):,} bytes; at most {limit:,} are read.")
    _check_depth(data)
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidPackage(f"The JSON document is not valid ({error}).") from None


_JSON_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def _check_depth(data: bytes) -> None:
    depth = 0
    for match in _JSON_STRUCTURE.finditer(data):
        mark = match.group()
        depth += 1 if mark in b"[{" else -1 if mark in b"]}" else 0
        if depth > _MAX_DEPTH:
            raise InvalidPackage(f"The JSON document is nested more than {_MAX_DEPTH} levels deep.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
