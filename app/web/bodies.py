"""Read request bodies: in chunks, inflated where the route allows it, JSON within bounds."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from flask import Request

from app.domain.errors import AppError, Invalid, TooLarge

CHUNK = 256 * 1024
_INFLATED_LIMIT = 16 * 1024 * 1024
_MAX_DEPTH = 64


class UnsupportedCoding(AppError):
    """Refuse a body in a coding that the route does not read."""

    code = "unsupported-coding"
    status = 415


def chunks_of(stream: BinaryIO) -> Iterator[bytes]:
    """Give a stream's bytes in chunks of at most 256 KiB."""
    while chunk := stream.read(CHUNK):
        yield chunk


def read_body(request: Request, limit: int, *, inflate: bool) -> bytes:
    """Give a whole small body, inflated where it is gzip; raise TooLarge or UnsupportedCoding."""
    coding = request.headers.get("Content-Encoding", "identity").lower()
    if coding not in ("identity", "gzip") or (coding == "gzip" and not inflate):
        raise UnsupportedCoding(f"A body in the coding {coding!r} is not read here; send it plain.")
    body = request.stream.read(limit + 1)
    if coding == "gzip":
        body = _inflate(body, limit)
    if len(body) > limit:
        raise TooLarge(f"The body passes the limit of {limit:,} bytes; send less.", limit=limit)
    return bytes(body)


def _inflate(body: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, min(limit, _INFLATED_LIMIT) + 1)
    except zlib.error as error:
        raise Invalid(f"The body is no valid gzip ({error}); send it again.") from None
    return plain


def read_json(request: Request, limit: int, *, inflate: bool = False) -> Any:
    """Give a JSON body's values; raise Invalid for what is no JSON, TooLarge for too much."""
    return parse_json(read_body(request, limit, inflate=inflate))


def parse_json(body: bytes) -> Any:
    """Give JSON values; refuses NaN, duplicate names, absurd depth and absurd numbers with Invalid."""
    try:
        text = body.decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise Invalid("The JSON is nested too deeply; send a flatter document.") from None
    except ValueError as error:
        raise Invalid(f"The body is no valid JSON ({error}); send one JSON document in UTF-8.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found
