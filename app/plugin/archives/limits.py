"""What an archive may cost, and which paths its entries may have."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from app.domain.errors import InvalidPackage

CHUNK = 128 * 1024
"""Bytes that are held at once."""
MAX_PATH = 260
_SHOWN = 80
_RESERVED = re.compile("(?i:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]) *(?:\\..*)?")
_CONTROL = ("Cc", "Cs", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold what an archive may cost; sizes in bytes.

    ``total`` and ``entry`` count unpacked bytes; ``ratio`` is unpacked to packed, and holds above ``ratio_from``.
    ``text`` is what reading an entry whole may give; ``directory`` bounds a zip's directory, ``header`` one extended
    header of a tar.
    """

    total: int = 2 * 1024**3
    entry: int = 2 * 1024**3
    ratio: int = 200
    ratio_from: int = 10 * 1024**2
    zip_entries: int = 65_534
    tar_entries: int = 100_000
    path: int = MAX_PATH
    text: int = 10 * 1024**2
    directory: int = 32 * 1024**2
    header: int = 64 * 1024

    def check_size(self, path: str, size: int) -> None:
        """Raise InvalidPackage where an entry is too large."""
        if size > self.entry:
            raise refusal(path, f"has {size:,} bytes; at most {self.entry:,} are possible")

    def check_text(self, path: str, size: int, limit: int | None) -> None:
        """Raise InvalidPackage where an entry is too large to be read whole."""
        cap = self.text if limit is None else limit
        if size > cap:
            raise refusal(path, f"has {size:,} bytes; at most {cap:,} are read")

    def is_bomb(self, size: int, packed: int) -> bool:
        """Tell whether packed bytes unpack to suspiciously many."""
        return size > self.ratio_from and size > self.ratio * packed


def shown(path: str) -> str:
    """Give a path as it may stand in a message: quoted, without control characters, not too long."""
    return repr(path if len(path) <= _SHOWN else f"{path[:_SHOWN]}...")


def refusal(path: str, why: str) -> InvalidPackage:
    """Give the error that names an entry and what is wrong with it."""
    return InvalidPackage(f"The archive's entry {shown(path)} {why}.")


def check_path(path: str, limit: int = MAX_PATH) -> str:
    """Give an entry's path back where every client may unpack it; raise InvalidPackage.

    Refuses absolute paths, drives, backslashes, ``..``, control characters, names that Windows reserves or trims,
    text that is not in Unicode's form NFC, and paths that are longer than ``limit`` characters. A folder's path may
    end with one slash.
    """
    parts = path.removesuffix("/").split("/")
    wrong = (
        (len(path) > limit, f"has a path longer than {limit} characters"),
        (not path or path.startswith("/") or re.match(r"[A-Za-z]:", path), "has a path that is absolute or empty"),
        ("\\" in path, "has a backslash in its path"),
        (_has_control(path), "has control characters in its path, or no UTF-8"),
        (any(part in ("", ".", "..") for part in parts), "has a path that leaves its folder or has an empty part"),
        (any(part.endswith((".", " ")) for part in parts), "has a path with a part that ends in a dot or space"),
        (any(_RESERVED.fullmatch(part) for part in parts), "has a name that Windows reserves"),
        (not unicodedata.is_normalized("NFC", path), "has a path that is not in Unicode's form NFC"),
    )
    for is_wrong, why in wrong:
        if is_wrong:
            raise refusal(path, f"{why}; rename it and pack again")
    return path


def _has_control(path: str) -> bool:
    return not path.isprintable() and any(unicodedata.category(character) in _CONTROL for character in path)


def fold_case(path: str) -> str:
    """Give the form under which paths are one file where case does not count."""
    return unicodedata.normalize("NFC", path.casefold())


def check_collisions(paths: Iterable[str], fold: Callable[[str], str] = str) -> None:
    """Raise InvalidPackage where two entries have one path, or an entry lies below a file.

    A folder's path ends with a slash. ``fold`` makes paths equal that shall count as one.
    """
    # With a closing mark that sorts lowest, a path stands right before everything below it.
    keyed = sorted((fold(path.removesuffix("/")).replace("/", "\0") + "\0", path) for path in paths)
    for (key, path), (next_key, next_path) in pairwise(keyed):
        if key == next_key:
            raise refusal(next_path, f"stands for the same file as {shown(path)}; keep one of them")
        if next_key.startswith(key) and not path.endswith("/"):
            raise refusal(next_path, f"lies below {shown(path)}, which is a file; rename one of them")


def first_bytes(chunks: Iterator[bytes], limit: int) -> bytes:
    """Give at most ``limit`` bytes of what comes in pieces."""
    found = bytearray()
    while len(found) < limit and (chunk := next(chunks, b"")):
        found += chunk
    return bytes(found[:limit])


class ChunkStream(io.RawIOBase):
    """Make a readable stream of bytes that come in pieces."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, target: Any, /) -> int:
        """Fill a buffer; 0 at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
