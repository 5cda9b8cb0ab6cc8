"""Gzip, as one member that is inflated piece by piece within limits."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

from app.domain.errors import InvalidPackage
from app.plugin.archives.limits import CHUNK, Limits

_MAGIC = b"\x1f\x8b\x08"


class Inflated:
    """Inflate one gzip member; ``read`` raises InvalidPackage for damage, excess, and bytes behind the member."""

    def __init__(self, read: Callable[[int], bytes], limits: Limits) -> None:
        self._read, self._limits = read, limits
        self._inflater = zlib.decompressobj(wbits=31)
        self._taken = self._given = 0

    def read(self, size: int) -> bytes:
        """Give at most ``size`` bytes; none only at the end."""
        while not self._inflater.eof:
            data = self._inflater.unconsumed_tail or self._take()
            try:
                found = self._inflater.decompress(data, size)
            except zlib.error:
                raise InvalidPackage("The gzip data is damaged; pack the file again.") from None
            if found:
                self._count(len(found))
                return found
            if not data:
                raise InvalidPackage("The gzip data ends in the middle; send the whole file.")
        if self._inflater.unused_data or self._read(1):
            raise InvalidPackage("The gzip data is followed by other bytes; pack the file again.")
        return b""

    def _take(self) -> bytes:
        data = self._read(CHUNK)
        if not self._taken and data[: len(_MAGIC)] != _MAGIC[: max(len(data), 1)]:
            raise InvalidPackage("The file is not gzipped; pack it again.")
        self._taken += len(data)
        return data

    def _count(self, more: int) -> None:
        self._given += more
        if self._given > self._limits.total:
            raise InvalidPackage(f"The gzip data unpacks to more than {self._limits.total:,} bytes.")
        if self._limits.is_bomb(self._given, self._taken):
            raise InvalidPackage(f"The gzip data unpacks to more than {self._limits.ratio} times its size.")


def gunzip(data: bytes, limit: int) -> bytes:
    """Inflate a small gzipped document; raise InvalidPackage where it gives more than ``limit`` bytes."""
    inflated = Inflated(io.BytesIO(data).read, Limits(total=limit))
    return b"".join(iter(lambda: inflated.read(CHUNK), b""))
