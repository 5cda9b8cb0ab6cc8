"""Read documents within bounds: inflate with a limit, parse with a limit."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator

from app.domain.errors import UpstreamFailed
from app.net.errors import Truncated

LIMIT = 64 * 1024 * 1024
MOST_VALUES = 5_000_000  # JSON of 64 MB in brackets alone would take gigabytes of memory


def read(chunks: Iterable[bytes], coding: str, what: str, limit: int = LIMIT) -> bytes:
    """Join a body and undo its coding (gzip or none), stopping at ``limit`` bytes; raise UpstreamFailed."""
    if coding not in {"", "identity", "gzip", "x-gzip"}:
        raise UpstreamFailed(f"{what} is coded as {coding[:40]}, which nobody asked for.", code="upstream-coding")
    pieces = _inflated(chunks, what) if coding.endswith("gzip") else chunks
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise UpstreamFailed(
                f"{what} passes {limit:,} bytes, more than a document may have; nothing of it was kept.",
                code="upstream-too-large",
                limit=limit,
            )
    return bytes(body)


def _inflated(chunks: Iterable[bytes], what: str) -> Iterator[bytes]:
    engine = zlib.decompressobj(31)
    started = False
    try:
        for chunk in chunks:
            data = chunk
            while data:
                if engine.eof:  # RFC 1952 section 2.2: further members may follow.
                    engine = zlib.decompressobj(31)
                started = True
                yield engine.decompress(data, 65_536)
                data = engine.unused_data if engine.eof else engine.unconsumed_tail
    except zlib.error:
        raise UpstreamFailed(f"{what} says that it is gzip and is not; try again.", code="upstream-coding") from None
    if started and not engine.eof:
        raise Truncated(f"{what} ends in the middle of its gzip data; nothing was kept. Try again.")


def parse(body: bytes, what: str) -> object:
    """Parse JSON; raise UpstreamFailed for what is none, too deep or of too many values."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MOST_VALUES:
        raise UpstreamFailed(f"{what} holds more than {MOST_VALUES:,} values.", code="upstream-too-large")
    try:
        parsed: object = json.loads(body)
    except RecursionError:
        raise UpstreamFailed(f"{what} is nested too deeply to be read.", code="upstream-json") from None
    except ValueError:
        raise UpstreamFailed(
            f"{what} is not JSON; check the connector's address, or try again later.", code="upstream-json"
        ) from None
    return parsed
