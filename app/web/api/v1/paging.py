"""Page through lists by opaque cursors: a cursor says after what the next page begins."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from app.domain.errors import Invalid

T = TypeVar("T")


def encode(position: Any) -> str:
    """Give a cursor for a position, which is a JSON value."""
    return base64.urlsafe_b64encode(json.dumps([position]).encode()).decode().rstrip("=")


def decode(cursor: str | None, kind: type[T]) -> T | None:
    """Give the position of a cursor, or None without one; raise Invalid for one that is not ours."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        (position,) = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        position = None
    if type(position) is not kind or (isinstance(position, int) and not 0 <= position < 2**31):
        raise Invalid("The cursor is not one of ours; begin without one.", code="invalid-cursor")
    return position


def after(items: Sequence[T], key: Callable[[T], Any], cursor: str | None, limit: int) -> tuple[list[T], str | None]:
    """Give the page of a list, ordered by its key, that begins after a cursor, and the cursor of the next."""
    kind = int if items and isinstance(key(items[0]), int) else str
    start = decode(cursor, kind)
    rest = [item for item in items if start is None or key(item) > start]
    page = rest[:limit]
    return page, encode(key(page[-1])) if len(rest) > limit else None
