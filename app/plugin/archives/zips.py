"""Zip archives, read strictly by PKWARE's APPNOTE 6.3, sections 4.3 and 4.4, without its 64-bit and split forms."""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, NamedTuple

from app.domain.errors import InvalidPackage
from app.plugin.archives.limits import (
    CHUNK,
    ChunkStream,
    Limits,
    check_collisions,
    check_path,
    first_bytes,
    fold_case,
    refusal,
    shown,
)

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_SIZES_64 = struct.Struct("<2Q")
_EXTRA = struct.Struct("<2H")
_EXTRA_64, _EXTRA_UNICODE_PATH = 0x1, 0x7075
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK, _LOCATOR_MARK = b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\7"
_LOCATOR_SIZE = 20
_MAX_COMMENT = 0xFFFF
_IN_64 = 0xFFFFFFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x2041
_LATER, _UTF8 = 0x8, 0x800
_DESCRIPTOR_SIZES = (0, 12, 16, 20, 24)
"""Of sizes and checksum behind the content: with and without mark, in 32 and 64 bits."""
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """Describe one entry of a zip archive; a folder's path ends with a slash.

    ``date_time`` is a real date, without a zone; ``mode`` holds permission bits, 0 where none are known.
    """

    path: str
    size: int
    compressed: int
    date_time: tuple[int, int, int, int, int, int]
    mode: int
    crc: int
    method: int
    flags: int
    offset: int
    raw_path: bytes


@dataclass(frozen=True, slots=True)
class _Directory:
    """Hold where the directory lies, and how many entries it says it has."""

    offset: int
    size: int
    entries: int


class _Central(NamedTuple):
    """Name the fields of a directory entry, in their order."""

    mark: bytes
    made_by: int
    needs: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed: int
    size: int
    name_length: int
    extra_length: int
    comment_length: int
    disk: int
    internal: int
    attributes: int
    offset: int


class _Local(NamedTuple):
    """Name the fields of the header before an entry's content, in their order."""

    mark: bytes
    needs: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed: int
    size: int
    name_length: int
    extra_length: int


class ZipArchive:
    """Read a zip archive that passed every check of ``open_zip``; the file stays the caller's, who closes it."""

    def __init__(self, file: BinaryIO, entries: tuple[ZipEntry, ...], limits: Limits) -> None:
        self._file, self._limits = file, limits
        self.entries = entries
        self._by_path = {entry.path: entry for entry in entries}

    def find(self, path: str) -> ZipEntry | None:
        """Give the entry with exactly this path, or None."""
        return self._by_path.get(path)

    @property
    def files(self) -> list[ZipEntry]:
        """Give the entries that are no folders."""
        return [entry for entry in self.entries if not entry.path.endswith("/")]

    def chunks(self, entry: ZipEntry) -> Iterator[bytes]:
        """Give an entry's bytes in pieces; at the end, raise InvalidPackage unless size and checksum are true."""
        size = crc = 0
        for chunk in self._inflated(entry) if entry.method == _DEFLATED else self._packed(entry):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
            if size > entry.size:
                raise refusal(entry.path, f"unpacks to more than the {entry.size:,} bytes that it declares")
            yield chunk
        if size != entry.size or crc != entry.crc:
            raise refusal(entry.path, f"unpacks to {size:,} bytes that are not the {entry.size:,} that it declares")

    def read(self, entry: ZipEntry, limit: int | None = None) -> bytes:
        """Give an entry's bytes whole; raise InvalidPackage where it passes a limit (default: that of text)."""
        self._limits.check_text(entry.path, entry.size, limit)
        return b"".join(self.chunks(entry))

    def head(self, entry: ZipEntry, limit: int) -> bytes:
        """Give at most ``limit`` bytes of an entry's beginning."""
        return first_bytes(self.chunks(entry), limit)

    def open(self, entry: ZipEntry) -> io.BufferedReader:
        """Give an entry as a readable stream, counted like ``chunks``."""
        return io.BufferedReader(ChunkStream(self.chunks(entry)), CHUNK)

    def verify(self) -> None:
        """Read every entry once; raise InvalidPackage unless all sizes and checksums are true."""
        for entry in self.entries:
            for _ in self.chunks(entry):
                pass

    def _packed(self, entry: ZipEntry) -> Iterator[bytes]:
        at = _content_start(self._file, entry)
        end = at + entry.compressed
        while at < end:
            # Several entries may be read in turn, so each piece is looked for anew.
            self._file.seek(at)
            data = self._file.read(min(CHUNK, end - at))
            if not data:
                raise refusal(entry.path, "is cut off; send the whole file")
            at += len(data)
            yield data

    def _inflated(self, entry: ZipEntry) -> Iterator[bytes]:
        inflater = zlib.decompressobj(wbits=-15)
        try:
            for data in self._packed(entry):
                while True:
                    found = inflater.decompress(data, CHUNK)
                    if found:
                        yield found
                    data = inflater.unconsumed_tail  # noqa: PLW2901 - what is left of this piece
                    if not data and len(found) < CHUNK:
                        break
        except zlib.error:
            raise refusal(entry.path, "is damaged; pack it again") from None
        if not inflater.eof or inflater.unused_data:
            raise refusal(entry.path, "does not fill the bytes that it declares; pack it again")


def open_zip(file: BinaryIO, limits: Limits | None = None) -> ZipArchive:
    """Open a zip archive (seekable) after checking its whole structure; raise InvalidPackage.

    Entries begin the file and the directory ends it; no byte is left unaccounted for between them, so entries cannot
    overlap. Each has one path (case apart), says the same before its content and in the directory, is stored or
    deflated, not encrypted, a file or a folder, and within the limits. Contents are checked when they are read.
    """
    limits = limits or Limits()
    size = file.seek(0, io.SEEK_END)
    directory = _find_directory(file, size)
    entries = tuple(_read_directory(file, directory, limits))
    check_collisions((entry.path for entry in entries), fold_case)
    total = sum(entry.size for entry in entries)
    if total > limits.total:
        raise InvalidPackage(f"The archive unpacks to {total:,} bytes; at most {limits.total:,} are possible.")
    if limits.is_bomb(total, size):
        raise InvalidPackage(f"The archive unpacks to {total:,} bytes, more than {limits.ratio} times its size.")
    _check_layout(file, entries, directory)
    return ZipArchive(file, entries, limits)


def _find_directory(file: BinaryIO, size: int) -> _Directory:
    file.seek(0)
    if file.read(len(_LOCAL_MARK)) != _LOCAL_MARK:
        raise InvalidPackage("The file is no zip archive: it does not begin with an entry.")
    file.seek(max(size - _END.size - _MAX_COMMENT - _LOCATOR_SIZE, 0))
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise InvalidPackage("The zip archive has no directory at its end; send the whole file.")
    _, disk, start_disk, here, entries, length, offset, comment = _END.unpack_from(tail, at)
    end = size - len(tail) + at
    if end + _END.size + comment != size:
        raise InvalidPackage("The zip archive is followed by other bytes; pack it again.")
    if tail[max(at - _LOCATOR_SIZE, 0) : at].startswith(_LOCATOR_MARK) or _IN_64 in (length, offset):
        raise InvalidPackage("The zip archive is in the 64-bit form for more than 4 GiB; pack it without zip64.")
    if disk or start_disk or here != entries or offset + length != end:
        raise InvalidPackage("The zip archive's directory is not where it says; pack it again, as one file.")
    return _Directory(offset, length, entries)


def _read_directory(file: BinaryIO, directory: _Directory, limits: Limits) -> Iterator[ZipEntry]:
    if directory.entries > limits.zip_entries:
        raise InvalidPackage(
            f"The archive has {directory.entries:,} entries; at most {limits.zip_entries:,} are possible."
        )
    if directory.size > limits.directory:
        raise InvalidPackage(f"The archive's directory has {directory.size:,} bytes; at most {limits.directory:,}.")
    file.seek(directory.offset)
    data = io.BytesIO(file.read(directory.size))
    for _ in range(directory.entries):
        header = data.read(_CENTRAL.size)
        if len(header) < _CENTRAL.size or not header.startswith(_CENTRAL_MARK):
            raise InvalidPackage("The zip archive's directory holds fewer entries than it says; pack it again.")
        fields = _Central._make(_CENTRAL.unpack(header))
        name, extra = data.read(fields.name_length), data.read(fields.extra_length)
        data.seek(fields.comment_length, io.SEEK_CUR)
        yield _entry(fields, name, extra, limits)
    if data.tell() != directory.size:
        raise InvalidPackage("The zip archive's directory holds more entries than it says; pack it again.")


def _entry(fields: _Central, name: bytes, extra: bytes, limits: Limits) -> ZipEntry:
    path = check_path(name.decode("utf-8", "surrogateescape"), limits.path)
    mode = fields.attributes >> 16
    if fields.flags & _ENCRYPTED:
        raise refusal(path, "is encrypted; pack it without a password")
    if fields.method not in (_STORED, _DEFLATED):
        raise refusal(path, f"is packed by method {fields.method}; use deflate")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refusal(path, "is a link or a device; pack plain files")
    if any(kind == _EXTRA_UNICODE_PATH and body[5:] != name for kind, body in _extras(extra)):
        raise refusal(path, "has a second path; pack it again")
    if _IN_64 in (fields.size, fields.compressed, fields.offset) or fields.disk:
        raise refusal(path, "is in the 64-bit or split form; pack it as one file without zip64")
    if (path.endswith("/") and fields.size) or (fields.method == _STORED and fields.size != fields.compressed):
        raise refusal(path, "declares a size that it cannot have; pack it again")
    limits.check_size(path, fields.size)
    if limits.is_bomb(fields.size, fields.compressed):
        raise refusal(path, f"unpacks to more than {limits.ratio} times its size")
    return ZipEntry(
        path,
        fields.size,
        fields.compressed,
        _date_time(fields.date, fields.time),
        mode & 0o7777,
        fields.crc,
        fields.method,
        fields.flags,
        fields.offset,
        name,
    )


def _date_time(date: int, time: int) -> tuple[int, int, int, int, int, int]:
    year, month, day = 1980 + (date >> 9), date >> 5 & 15, date & 31
    hour, minute, second = time >> 11, time >> 5 & 63, (time & 31) * 2
    try:
        datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - zip knows no zone
    except ValueError:
        return _FIRST_DATE
    return year, month, day, hour, minute, second


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size + length
        yield kind, extra[at - length : at]


def _check_layout(file: BinaryIO, entries: tuple[ZipEntry, ...], directory: _Directory) -> None:
    """Refuse entries that share bytes, and bytes that belong to none.

    A small file could otherwise unpack to any size, or hold other entries for readers that pass over the directory.
    """
    end, before = 0, "the beginning"
    gaps: tuple[int, ...] = (0,)
    for entry in sorted(entries, key=lambda each: each.offset):
        if entry.offset < end:
            raise refusal(entry.path, f"overlaps {before}; pack it again")
        if entry.offset - end not in gaps:
            raise refusal(entry.path, f"comes after hidden bytes behind {before}; pack it again")
        end = _content_start(file, entry) + entry.compressed
        gaps, before = _DESCRIPTOR_SIZES if entry.flags & _LATER else (0,), shown(entry.path)
    if directory.offset - end not in gaps:
        raise InvalidPackage(f"The zip archive's directory does not follow {before}, its last entry; pack it again.")


def _content_start(file: BinaryIO, entry: ZipEntry) -> int:
    """Give where an entry's content begins, after comparing the header before it with the directory."""
    file.seek(entry.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_LOCAL_MARK):
        raise refusal(entry.path, "has no header where the directory says; pack it again")
    local = _Local._make(_LOCAL.unpack(header))
    name, extra = file.read(local.name_length), file.read(local.extra_length)
    watched = _ENCRYPTED | _LATER | (0 if name.isascii() else _UTF8)
    if name != entry.raw_path or local.method != entry.method or (local.flags ^ entry.flags) & watched:
        raise refusal(entry.path, "is described differently in its header and in the directory; pack it again")
    if not _same_sizes(local, extra, entry):
        raise refusal(entry.path, "declares other sizes in its header than in the directory; pack it again")
    return entry.offset + _LOCAL.size + local.name_length + local.extra_length


def _same_sizes(local: _Local, extra: bytes, entry: ZipEntry) -> bool:
    declared = (local.size, local.compressed)
    if declared == (_IN_64, _IN_64):
        found = (_SIZES_64.unpack_from(body) for kind, body in _extras(extra) if kind == _EXTRA_64 and len(body) >= 16)
        declared = next(found, declared)
    if entry.flags & _LATER and (*declared, local.crc) == (0, 0, 0):
        return True
    return (*declared, local.crc) == (entry.size, entry.compressed, entry.crc)
