"""Tar archives, read strictly in one pass by POSIX.1-2017 (pax, ustar) and GNU's long names.

Where readers are known to differ (signed checksums, sizes given twice, names given twice, line breaks in extended
headers, targets of what is no link, a first empty block), an archive is refused instead of understood in one of the
ways.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from app.domain.errors import InvalidPackage
from app.plugin.archives.gzips import Inflated
from app.plugin.archives.limits import (
    CHUNK,
    ChunkStream,
    Limits,
    check_collisions,
    check_path,
    first_bytes,
    refusal,
    shown,
)

Links = Literal["skip", "keep"]
BLOCK = tarfile.BLOCKSIZE
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
_GNU_NAMES = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, *_GNU_NAMES)
_OF_ONE_ENTRY = ("path", "linkpath", "size")
_USTAR = b"ustar\x0000"
_NAME, _SIZE, _CHECKSUM, _LINK = slice(0, 100), slice(124, 136), slice(148, 156), slice(157, 257)
_MAGIC, _PREFIX = slice(257, 265), slice(345, 500)
_OTHER_NUMBERS = tuple(
    slice(*ends) for ends in ((100, 108), (108, 116), (116, 124), (136, 148), (329, 337), (337, 345))
)
_OCTAL = re.compile(rb" *[0-7]{0,12}[ \0]*")
_ENDED_OCTAL = re.compile(rb" *[0-7]{1,7}[ \0]+")
_EXACT = 2**53
"""What JavaScript counts to; npm's reader passes over a header with a greater number, and takes content for headers."""
_LINE_BREAK = re.compile(rb"[\n\r]|\xe2\x80[\xa8\xa9]")
"""Behind the zero that ends a name, npm's reader drops the rest of the line only."""
_RECORD = re.compile(rb"([1-9][0-9]{0,9}) ([^=\n]+)=")


@dataclass(frozen=True, slots=True)
class TarEntry:
    """Describe one entry of a tar archive; ``modified`` is in seconds since 1970; ``target`` is set for a link."""

    path: str
    size: int
    modified: int
    mode: int
    is_link: bool
    target: str = ""


class TarFile:
    """Give access to the entry that a walk stands at; its bytes can be read once, before the walk goes on."""

    def __init__(self, entry: TarEntry, blocks: _Blocks, limits: Limits) -> None:
        self.entry = entry
        self._blocks, self._limits = blocks, limits
        self._end = blocks.position + entry.size

    def chunks(self) -> Iterator[bytes]:
        """Give the entry's bytes in pieces."""
        while self._blocks.position < self._end:
            yield self._blocks.read(min(CHUNK, self._end - self._blocks.position))

    def read(self, limit: int | None = None) -> bytes:
        """Give the entry's bytes whole; raise InvalidPackage where it passes a limit (default: that of text)."""
        self._limits.check_text(self.entry.path, self.entry.size, limit)
        return b"".join(self.chunks())

    def head(self, limit: int) -> bytes:
        """Give at most ``limit`` bytes of the entry's beginning."""
        return first_bytes(self.chunks(), limit)

    def open(self) -> io.BufferedReader:
        """Give the entry as a readable stream."""
        return io.BufferedReader(ChunkStream(self.chunks()), CHUNK)


def iter_tgz(
    file: BinaryIO, limits: Limits | None = None, *, links: Links = "skip", strip: bool = False
) -> Iterator[TarFile]:
    """Walk the files of a gzipped tar archive, in order and once, like ``iter_tar``.

    One gzip member, nothing behind it. Raises InvalidPackage.
    """
    limits = limits or Limits()
    _rewind(file)
    return _walk(_Blocks(Inflated(file.read, limits).read), limits, links, strip=strip)


def iter_tar(
    file: BinaryIO, limits: Limits | None = None, *, links: Links = "skip", strip: bool = False
) -> Iterator[TarFile]:
    """Walk the files of a tar archive, in order and once; folders are left out. Raises InvalidPackage.

    Devices, hard links, and symbolic links that leave the archive are refused; other symbolic links are skipped
    (``links="skip"``, as npm does) or given without content (``"keep"``). ``strip`` takes the first part off every
    path, whatever it is called, as npm does; what lies beside that folder is left out. At the end of the walk, two
    entries for one path are refused: clients differ in which of them they install.
    """
    limits = limits or Limits()
    _rewind(file)
    return _walk(_Blocks(file.read), limits, links, strip=strip)


def strip_first(path: str) -> str:
    """Give a path without its first part, whatever that is called; empty where there is no other part."""
    return path.partition("/")[2]


def _rewind(file: BinaryIO) -> None:
    if file.seekable():
        file.seek(0)


def _walk(blocks: _Blocks, limits: Limits, links: Links, *, strip: bool) -> Iterator[TarFile]:
    paths: list[str] = []
    folders: set[str] = set()
    for info in _members(blocks, limits):
        path = _path(info, limits, strip=strip)
        if info.isdir():
            folders.add(path)
            continue
        entry = _entry(info, path, limits)
        if not path:
            continue
        paths.append(path)
        if not entry.is_link or links == "keep":
            yield TarFile(entry, blocks, limits)
    check_collisions([*paths, *(f"{folder}/" for folder in folders if folder)])


def _path(info: tarfile.TarInfo, limits: Limits, *, strip: bool) -> str:
    """Give the path of an entry, empty for the root; a leading ``./`` is how tar says 'here'."""
    name = info.name.removesuffix("/") if info.isdir() else info.name
    if info.isdir() and name in (".", ""):
        return ""
    path = check_path(name.removeprefix("./"), limits.path)
    return strip_first(name) if strip else path


def _entry(info: tarfile.TarInfo, path: str, limits: Limits) -> TarEntry:
    modified, mode = int(info.mtime), info.mode & 0o7777
    if info.issym():
        return TarEntry(path, 0, modified, mode, is_link=True, target=_target(info, path))
    if info.type not in _FILES:
        raise refusal(info.name, "is a hard link, a device or of a kind that is not known; pack plain files")
    limits.check_size(info.name, info.size)
    return TarEntry(path, info.size, modified, mode, is_link=False)


def _target(info: tarfile.TarInfo, path: str) -> str:
    """Give where a link points, which has to be inside.

    It may climb at its beginning only: a folder named before ``..`` could itself be a link to elsewhere.
    """
    target = info.linkname
    climbed = target
    while climbed.startswith("../"):
        climbed = climbed.removeprefix("../")
    ups = (len(target) - len(climbed)) // len("../") + (climbed == "..")
    inside = climbed in ("", "..") or (".." not in climbed.split("/") and not re.match(r"/|[A-Za-z]:", climbed))
    if not target or not inside or ups > path.count("/") or "\\" in target:
        raise refusal(info.name, f"is a link that points outside, to {shown(target)}; pack plain files")
    return target


# Headers ----------------------------------------------------------------------------------------------


def _members(blocks: _Blocks, limits: Limits) -> Iterator[tarfile.TarInfo]:
    """Give each entry's header, extended headers applied; afterwards stand behind the entry's content."""
    extended: dict[str, str] = {}
    count = 0
    while (block := blocks.read(BLOCK, at_end=True)).strip(b"\0"):
        count += 1
        if count > limits.tar_entries:
            raise InvalidPackage(f"The archive has more than {limits.tar_entries:,} entries.")
        info = _header(block)
        content = blocks.position
        if info.type in _EXTENDED:
            more = _extension(info, blocks, limits)
            if more.keys() & extended.keys():
                raise refusal(info.name, "has two extended headers for one fact; pack it again")
            extended.update(more)
        else:
            _extend(info, extended)
            extended = {}
            yield info
        # Only files have content; the size of other entries means nothing.
        size = info.size if info.type in (*_FILES, *_EXTENDED) else 0
        blocks.skip_to(content + size + -size % BLOCK)
    if extended:
        raise InvalidPackage("The tar archive ends after an extended header; pack it again.")
    blocks.expect_zeros()


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        raise InvalidPackage("The tar archive has a damaged header; pack it again.") from None
    checksum = sum(block[:148]) + sum(b"        ") + sum(block[156:])
    numbers = _OCTAL.fullmatch(block[_SIZE]) or block[_SIZE][0] == 0x80
    numbers = numbers and all(_is_exact(block[field]) for field in (_SIZE, *_OTHER_NUMBERS))
    if info.chksum != checksum or not _ENDED_OCTAL.fullmatch(block[_CHECKSUM]) or not numbers:
        raise refusal(info.name, "has a damaged header; pack it again")
    if not info.name or (info.linkname and info.type not in (tarfile.SYMTYPE, tarfile.LNKTYPE)):
        raise refusal(info.name, "has no name, or a link's target and is none; pack it again")
    if any(_LINE_BREAK.search(block[field]) for field in (_NAME, _LINK, _PREFIX)):
        raise refusal(info.name, "has a line break in its name; rename it and pack again")
    if block[_MAGIC] != _USTAR and block[_PREFIX].strip(b"\0"):
        raise refusal(info.name, "has a name in two parts without the mark that says so; pack it again")
    return info


def _is_exact(field: bytes) -> bool:
    """Tell whether a number is octal, or binary (marked in its first byte) and such as every reader holds."""
    return field[0] < 0x80 or abs(int.from_bytes(field[1:], "big", signed=field[0] == 0xFF)) < _EXACT


def _extension(info: tarfile.TarInfo, blocks: _Blocks, limits: Limits) -> dict[str, str]:
    """Read an extended header; give what it says about the next entry."""
    if info.size > limits.header:
        raise refusal(info.name, f"is an extended header of {info.size:,} bytes; at most {limits.header:,} are read")
    data = blocks.read(info.size)
    try:
        if info.type in _GNU_NAMES:
            return {_GNU_NAMES[info.type]: data.rstrip(b"\0").decode()}
        records = _records(data)
    except ValueError:
        raise refusal(info.name, "is an extended header that readers understand differently; pack it again") from None
    sparse = any(key.startswith("GNU.sparse.") for key in records)
    if sparse or (info.type == tarfile.XGLTYPE and any(key in records for key in _OF_ONE_ENTRY)):
        raise refusal(info.name, "is an extended header for sparse files, or for all files; pack plain files")
    return {key: records[key] for key in _OF_ONE_ENTRY if key in records}


def _records(data: bytes) -> dict[str, str]:
    """Take the records of a pax header apart (POSIX.1-2017, pax, Extended Header); raises ValueError.

    A value with a line break is refused too, since not every reader looks at the lengths.
    """
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        match = _RECORD.match(data, at)
        if match is None:
            raise ValueError
        key, end = match[2].decode(), at + int(match[1])
        value = data[match.end() : end]
        if key in records or value[-1:] != b"\n" or b"\n" in value[:-1] or end > len(data):
            raise ValueError
        records[key] = value[:-1].decode("utf-8", "surrogateescape")
        at = end
    return records


def _extend(info: tarfile.TarInfo, extended: dict[str, str]) -> None:
    """Apply extended headers to an entry; a size that is given twice has to be one size."""
    info.name = extended.get("path", info.name)
    info.linkname = extended.get("linkpath", info.linkname)
    if info.type in _FILES and extended.get("size", str(info.size)) != str(info.size):
        raise refusal(info.name, "has two sizes; pack it again")
    if info.type in _FILES and info.name.endswith("/"):
        raise refusal(info.name, "is a file with the name of a folder; pack it again")


class _Blocks:
    """Read exact numbers of bytes from a stream that gives what it has."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._buffer, self._at = b"", 0
        self.position = 0

    def read(self, size: int, *, at_end: bool = False) -> bytes:
        """Give ``size`` bytes; raise InvalidPackage where fewer are left, unless none are and ``at_end`` is fine."""
        found = self._take(size)
        while len(found) < size and self._fill():
            found += self._take(size - len(found))
        if len(found) < size and (found or not at_end):
            raise InvalidPackage("The tar archive ends in the middle; send the whole file.")
        return found

    def skip_to(self, position: int) -> None:
        """Pass over bytes up to a position."""
        while self.position < position:
            self.read(min(CHUNK, position - self.position))

    def expect_zeros(self) -> None:
        """Read to the end; raise InvalidPackage for anything but zeros."""
        while not self._take(CHUNK).strip(b"\0"):
            if not self._fill():
                return
        raise InvalidPackage("The tar archive is followed by other bytes; pack it again.")

    def _take(self, size: int) -> bytes:
        found = self._buffer[self._at : self._at + size]
        self._at += len(found)
        self.position += len(found)
        return found

    def _fill(self) -> bool:
        self._buffer, self._at = self._read(CHUNK), 0
        return bool(self._buffer)
