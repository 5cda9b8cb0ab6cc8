"""Looking into a package file, zip or gzipped tar: what it holds, and the beginning of one file of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from app.domain.errors import NotFound
from app.plugin.archives.limits import Limits, shown
from app.plugin.archives.tars import iter_tgz
from app.plugin.archives.zips import open_zip
from app.plugin.format import Entry

_ZIP = b"PK"


def file_tree(file: BinaryIO, limits: Limits | None = None, *, strip: bool = False) -> Sequence[Entry]:
    """List the files in a zip or gzipped tar archive, in its order; raise InvalidPackage.

    ``strip`` takes the first part off a tar's paths, as npm does.
    """
    if _is_zip(file):
        return [Entry(each.path, each.size, _zip_date(each.date_time)) for each in open_zip(file, limits).files]
    return [
        Entry(packed.entry.path, packed.entry.size, _tar_date(packed.entry.modified))
        for packed in iter_tgz(file, limits, strip=strip)
    ]


def read_entry(file: BinaryIO, path: str, limit: int, limits: Limits | None = None, *, strip: bool = False) -> bytes:
    """Give at most ``limit`` bytes of one file in a zip or gzipped tar archive; raise NotFound or InvalidPackage."""
    if _is_zip(file):
        archive = open_zip(file, limits)
        found = next((each for each in archive.files if each.path == path), None)
        return get_entry(None if found is None else archive.head(found, limit), path)
    heads: Iterator[bytes] = (
        packed.head(limit) for packed in iter_tgz(file, limits, strip=strip) if packed.entry.path == path
    )
    return get_entry(next(heads, None), path)


def get_entry(found: bytes | None, path: str) -> bytes:
    """Give an entry's bytes back, or raise NotFound where there was none."""
    if found is None:
        raise NotFound(f"There is no file {shown(path)} in the package; list its files.", code="unknown-entry")
    return found


def _is_zip(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(len(_ZIP)) == _ZIP


def _zip_date(moment: tuple[int, int, int, int, int, int]) -> str:
    return datetime(*moment, tzinfo=UTC).isoformat()


def _tar_date(seconds: int) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
