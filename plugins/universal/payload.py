"""The payload of a package: taken out as a plain archive, and packed into a package; in bounded memory."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from app.plugin.archives import ZipArchive, ZipEntry

from .archive import is_folder

PAYLOAD = "package/"
CHUNK = 256 * 1024
IN_MEMORY = 8 * 1024 * 1024
_ZIP64_FROM = 1 << 31
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)


def payload_of(archive: ZipArchive) -> Iterator[tuple[str, ZipEntry]]:
    """Give the entries below ``package/``, in any case, by their path within it."""
    for entry in archive.entries:
        if entry.path.lower().startswith(PAYLOAD) and len(entry.path) > len(PAYLOAD):
            yield entry.path[len(PAYLOAD) :], entry


def as_zip(archive: ZipArchive) -> Iterator[bytes]:
    """Give the payload as a zip archive, piece by piece."""
    sink = _Sink()
    with ZipFile(cast(BinaryIO, sink), "w", ZIP_DEFLATED) as target:
        for path, entry in payload_of(archive):
            yield from _copy(archive, entry, target, path, sink)
    yield sink.take()


def _copy(archive: ZipArchive, entry: ZipEntry, target: ZipFile, path: str, sink: _Sink) -> Iterator[bytes]:
    with target.open(_info(path, entry), "w", force_zip64=entry.size >= _ZIP64_FROM) as copy:
        for chunk in archive.chunks(entry):
            copy.write(chunk)
            if sink.filled:
                yield sink.take()


def _info(path: str, entry: ZipEntry) -> ZipInfo:
    info = ZipInfo(path, entry.date_time)
    # What was stored stays stored: packing it tighter could make of honest zeros what looks like a bomb.
    info.compress_type = entry.method
    info.external_attr = (entry.mode or 0o644) << 16
    return info


def as_tgz(archive: ZipArchive) -> Iterator[bytes]:
    """Give the payload as a gzipped tar archive, piece by piece."""
    packer = zlib.compressobj(wbits=31)
    for path, entry in payload_of(archive):
        yield packer.compress(_tar_header(path, entry))
        if not is_folder(entry):
            yield from map(packer.compress, archive.chunks(entry))
            yield packer.compress(bytes(-entry.size % tarfile.BLOCKSIZE))
    yield packer.compress(bytes(2 * tarfile.BLOCKSIZE)) + packer.flush()


def _tar_header(path: str, entry: ZipEntry) -> bytes:
    info = tarfile.TarInfo(path.rstrip("/"))
    info.type = tarfile.DIRTYPE if is_folder(entry) else tarfile.REGTYPE
    info.size = 0 if info.isdir() else entry.size
    info.mode = 0o755 if info.isdir() else (entry.mode & 0o777) or 0o644
    info.mtime = int(datetime(*entry.date_time, tzinfo=UTC).timestamp())
    return info.tobuf(tarfile.PAX_FORMAT)


def pack(contents: ZipArchive, manifest: Mapping[str, Any]) -> BinaryIO:
    """Make a package of plain contents and a manifest; give the spooled file, at its start.

    The same contents and manifest make the same bytes.
    """
    spool = cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - the caller closes it
    text = json.dumps(dict(manifest), ensure_ascii=False, indent=2)
    with ZipFile(spool, "w", ZIP_DEFLATED) as target:
        target.writestr(_manifest_info(), text.encode())
        for entry in contents.entries:
            with target.open(_info(PAYLOAD + entry.path, entry), "w", force_zip64=entry.size >= _ZIP64_FROM) as copy:
                for chunk in contents.chunks(entry):
                    copy.write(chunk)
    spool.seek(0)
    return spool


def _manifest_info() -> ZipInfo:
    info = ZipInfo("upack.json", _FIRST_DATE)
    info.compress_type = ZIP_DEFLATED
    return info


class _Sink(io.RawIOBase):
    """Hold what was written until it is taken; it cannot be rewound, so zip streams into it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    @property
    def filled(self) -> bool:
        """Tell whether there is something to take."""
        return bool(self._pieces)

    def take(self) -> bytes:
        """Give and forget what was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
