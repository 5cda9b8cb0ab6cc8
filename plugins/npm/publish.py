"""A streaming reader of the document that npm clients publish with.

The body is one JSON object that holds a whole tarball as base64 text (``_attachments.<name>.data``). It is split
on the way in: the tarball is decoded piece by piece and handed on, everything else is kept as a small JSON text.
Memory stays at a few pieces, whatever the size of the tarball.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.plugin import BlobDigests, Invalid, TooLarge
from app.plugin.archives import safe_json

PIECE = 1 << 18
KEPT_LIMIT = 16 << 20
_WHITESPACE = re.compile(rb"[ \t\r\n]*+")
_PRIMITIVE = re.compile(rb"[-+.0-9A-Za-z]*+")
_STRING_RUN = re.compile(rb'(?:[^"\\]++|\\(?:u[0-9A-Fa-f]{4}|[^u]))*+', re.DOTALL)
_QUIET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_LONGEST_ESCAPE = 6


class Readable(Protocol):
    """Be a stream of bytes."""

    def read(self, size: int = ..., /) -> bytes:
        """Give at most ``size`` bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class PublishDocument:
    """Hold a split document: its JSON values without the tarball, and the stored tarball where there was one."""

    values: Mapping[str, Any]
    tarball: BlobDigests | None


def read_document(
    stream: Readable, store: Callable[[Iterable[bytes]], BlobDigests], limit: int = KEPT_LIMIT
) -> PublishDocument:
    """Split a publish document; ``store`` takes the tarball's bytes.

    ``limit`` bounds in bytes what is kept beside the tarball. An attachment that is a sigstore bundle holds JSON
    text instead of base64 and is kept. Raises Invalid, TooLarge, and whatever ``store`` raises.
    """
    text = _Text(stream, limit)
    tarballs: list[BlobDigests] = []
    for key in text.members():
        if key == "_attachments" and text.peek() == b"{":
            for name in text.members():
                _read_attachment(text, name, store, tarballs)
        else:
            text.value()
    text.end()
    values = safe_json(bytes(text.kept), limit)
    return PublishDocument(values, tarballs[0] if tarballs else None)


def _read_attachment(
    text: _Text, name: str, store: Callable[[Iterable[bytes]], BlobDigests], tarballs: list[BlobDigests]
) -> None:
    for key in text.members():
        if key != "data" or name.endswith(".sigstore"):
            text.value()
        elif tarballs:
            raise Invalid("The document carries more than one tarball; publish one version at a time.")
        else:
            tarballs.append(store(decode_base64(text.string_pieces())))
            text.keep(b"null")


def decode_base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decode base64 that stands in a JSON string, piece by piece; raises Invalid.

    A piece may hold JSON escapes but never a part of one.
    """
    rest, ended = b"", False
    for piece in pieces:
        if ended and piece:
            raise _no_base64()
        rest += _unescape(piece) if b"\\" in piece else piece
        whole = len(rest) - len(rest) % 4
        block, rest = rest[:whole], rest[whole:]
        ended = block.endswith(b"=")
        if ended and rest:
            raise _no_base64()
        yield _decode_block(block)
    if rest:
        raise _no_base64()


def _decode_block(block: bytes) -> bytes:
    try:
        return binascii.a2b_base64(block, strict_mode=True)
    except binascii.Error as error:
        raise _no_base64() from error


def _unescape(piece: bytes) -> bytes:
    try:
        plain: str = json.loads(b'"' + piece + b'"')
        return plain.encode("ascii")
    except ValueError as error:
        raise _no_base64() from error


def _no_base64() -> Invalid:
    return Invalid("The tarball in the document is no valid base64.", code="invalid-document")


class _Text:
    """Walk over a JSON text without holding it; ``kept`` grows by all that is walked over but ``string_pieces``.

    The walk only finds where things begin and end; that ``kept`` is JSON, without a key given twice, is for a real
    parser to say.
    """

    def __init__(self, stream: Readable, limit: int) -> None:
        self.kept = bytearray()
        self._stream = stream
        self._limit = limit
        self._buffer = b""
        self._at = 0

    def keep(self, part: bytes) -> None:
        """Add to what is kept; raise TooLarge past the limit."""
        self.kept += part
        if len(self.kept) > self._limit:
            raise TooLarge(f"The document holds more than {self._limit} bytes beside its tarball.")

    def peek(self) -> bytes:
        """Give the next byte that is no white space, without taking it; nothing at the end."""
        while True:
            self._keep_run(_WHITESPACE)
            if self._at < len(self._buffer) or not self._fill():
                return self._buffer[self._at : self._at + 1]

    def take(self, expected: bytes) -> bytes:
        """Take and keep the next byte, which must be one of some; raise Invalid."""
        byte = self.peek()
        if not byte or byte not in expected:
            raise self._broken()
        self._at += 1
        self.keep(byte)
        return byte

    def members(self) -> Iterator[str]:
        """Give the keys of the object that comes next; its reader takes each value before the next key."""
        self.take(b"{")
        if self.peek() == b"}":
            self.take(b"}")
            return
        while True:
            key = self._key()
            self.take(b":")
            yield key
            if self.take(b",}") == b"}":
                return

    def value(self) -> None:
        """Take and keep the value that comes next, whatever it is."""
        depth = 0
        while True:
            byte = self.peek()
            if byte == b'"':
                self._keep_string()
            elif byte and byte in b"{[":
                self.take(byte)
                depth += 1
            elif depth and byte and byte in b"}]":
                self.take(byte)
                depth -= 1
            elif not byte or depth == 0:
                self._keep_primitive()
            if depth == 0:
                return
            self._keep_run(_QUIET)

    def string_pieces(self) -> Iterator[bytes]:
        """Give what stands between the quotes of the string that comes next, as written, keeping nothing.

        An escape never lies in two pieces.
        """
        if self.peek() != b'"':
            raise self._broken()
        self._at += 1
        while True:
            start, self._at = self._at, self._end_of_run()
            if self._at > start:
                yield self._buffer[start : self._at]
            if self._buffer[self._at : self._at + 1] == b'"':
                self._at += 1
                return
            if len(self._buffer) - self._at >= _LONGEST_ESCAPE or not self._fill():
                raise self._broken()

    def end(self) -> None:
        """Raise Invalid unless nothing but white space is left."""
        if self.peek():
            raise self._broken()

    def _key(self) -> str:
        start = len(self.kept)
        self._keep_string()
        try:
            key: str = json.loads(self.kept[start:])
        except ValueError as error:
            raise self._broken() from error
        return key

    def _keep_string(self) -> None:
        self.peek()
        self.keep(b'"')
        for piece in self.string_pieces():
            self.keep(piece)
        self.keep(b'"')

    def _keep_primitive(self) -> None:
        length = len(self.kept)
        while True:
            self._keep_run(_PRIMITIVE)
            if self._at < len(self._buffer) or not self._fill():
                break
        if len(self.kept) == length:
            raise self._broken()

    def _keep_run(self, pattern: re.Pattern[bytes]) -> None:
        start, self._at = self._at, self._match(pattern)
        self.keep(self._buffer[start : self._at])

    def _end_of_run(self) -> int:
        """Find the end of the plain text that is in the buffer; looking for two bytes beats a pattern."""
        quote = self._buffer.find(b'"', self._at)
        end = len(self._buffer) if quote < 0 else quote
        if self._buffer.find(b"\\", self._at, end) < 0:
            return end
        return self._match(_STRING_RUN)

    def _match(self, pattern: re.Pattern[bytes]) -> int:
        found = pattern.match(self._buffer, self._at)
        return found.end() if found else self._at

    def _fill(self) -> bool:
        """Read on, forgetting what was walked over; False at the end."""
        more = self._stream.read(PIECE)
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return bool(more)

    def _broken(self) -> Invalid:
        return Invalid("The body is no JSON object as npm clients send it.", code="invalid-document")
