"""JSON that a stranger wrote: one meaning, bounded size and depth."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from app.domain.errors import InvalidPackage

MAX_DEPTH = 64
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_OPEN, _CLOSE = b"[{", b"]}"
_OTHERS = bytes(set(range(256)) - set(_OPEN + _CLOSE))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


def safe_json(data: bytes, limit: int = 1024**2) -> Any:
    """Give the values of a JSON document from an archive or a client; raise InvalidPackage.

    UTF-8 with or without byte order mark, at most ``limit`` bytes, at most 64 levels; no duplicate names, no NaN, no
    number that no other reader can hold.
    """
    if len(data) > limit:
        raise InvalidPackage(f"The JSON document has {len(data):,} bytes; at most {limit:,} are read.")
    _check_depth(data)
    try:
        return json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise InvalidPackage(f"The JSON document is not valid: {str(error).splitlines()[0][:200]!a}.") from None


def _check_depth(data: bytes) -> None:
    """Refuse deep nesting before the parser, which would recurse; peels one level at a time off the brackets."""
    brackets = _STRING.sub(b"", data).translate(_ONE_KIND, _OTHERS)
    for _ in range(MAX_DEPTH):
        peeled = brackets.replace(b"[]", b"")
        if peeled == brackets:
            break
        brackets = peeled
    if brackets:
        raise InvalidPackage(f"The JSON document is nested more than {MAX_DEPTH} levels deep, or not closed.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value
