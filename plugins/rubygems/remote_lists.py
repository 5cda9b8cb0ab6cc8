"""The lists of all gems that a remote source has where it has no compact index, read from Ruby's Marshal.

Only what such a list needs is read: numbers, texts, symbols, lists, and Gem::Version; anything else is refused.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from rubymarshal.classes import UsrMarshal
from rubymarshal.reader import Reader

from app.plugin import InvalidPackage, UpstreamFailed
from app.plugin.archives import gunzip

from .platforms import RUBY
from .ruby_marshal import HEADER

MAX_LIST = 32 * 1024**2
"""Bytes of a list, unpacked: some hundred thousand gems."""
_MAX_DEPTH = 8
_READ = frozenset(b'0TFiI":;[@U')


class _ListReader(Reader):  # type: ignore[misc]
    """Read a list and nothing else."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), registry={})
        self._depth = 0

    def read(self, in_ivar: bool = False) -> Any:  # noqa: FBT001, FBT002 - the library's
        """Read the next value; raise ValueError for one that no list has."""
        kind = self.fd.read(1)
        if self._depth >= _MAX_DEPTH or not kind or kind[0] not in _READ:
            raise ValueError("no list of gems")
        self.fd.seek(-1, io.SEEK_CUR)
        self._depth += 1
        try:
            return super().read(in_ivar)
        finally:
            self._depth -= 1


def read_list(packed: bytes, source: str) -> Iterator[tuple[str, str, str]]:
    """Give name, version and platform (empty for ruby) of each gem in a gzipped list; raise UpstreamFailed."""
    try:
        data = gunzip(packed, MAX_LIST)
        if not data.startswith(HEADER):
            raise ValueError("no Marshal 4.8")
        items = _ListReader(data[len(HEADER) :]).read()
        for name, version, platform in items:
            text = _text(platform)
            yield _text(name), _number(version), "" if text == RUBY else text
    except (InvalidPackage, ValueError, TypeError, IndexError, EOFError, OverflowError, AttributeError):
        raise UpstreamFailed(
            f"{source} answered with what is no list of gems; check the connector's address."
        ) from None


def _number(version: object) -> str:
    if not isinstance(version, UsrMarshal):
        raise ValueError("no Gem::Version")  # noqa: TRY004 - the list is wrong, not our call
    (number,) = version._private_data  # noqa: SLF001 - the library offers no other way
    return _text(number)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
