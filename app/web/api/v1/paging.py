"""Cut lists into pages by opaque cursors that say after what a page begins."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from app.domain.errors import Invalid
from app.web.api.v1.models import Listed, Model, Paging
from app.web.api.v1.operations import Answer

Row = TypeVar("Row")
Shown = TypeVar("Shown", bound=Model)


def text_after(query: Paging) -> str:
    """Give the text after which a page begins; empty: at the beginning. Raises Invalid."""
    return str(_decode(query.cursor, str)) if query.cursor else ""


def number_after(query: Paging) -> int | None:
    """Give the number after which a page begins, or None. Raises Invalid."""
    return int(_decode(query.cursor, int)) if query.cursor else None


def page(
    model: type[Listed[Shown]],
    rows: Iterable[Row],
    query: Paging,
    key: Callable[[Row], str | int],
    shown: Callable[[Row], Shown],
) -> Answer:
    """Answer with a page of rows of which one more than ``limit`` was read, if there are so many."""
    held = list(rows)
    here = held[: query.limit]
    following = _encode(key(here[-1])) if len(held) > query.limit else None
    return Answer(model(items=[shown(row) for row in here], next=following))


def cut(rows: Sequence[Row], query: Paging, key: Callable[[Row], str]) -> list[Row]:
    """Give the rows of a short list that come after a cursor, by their key, and one more than the page holds."""
    after = text_after(query)
    return [row for row in sorted(rows, key=key) if key(row) > after][: query.limit + 1]


def cut_numbers(rows: Sequence[Row], query: Paging, key: Callable[[Row], int]) -> list[Row]:
    """Give the rows of a short list that come after a cursor, by number, and one more than the page holds."""
    after = number_after(query) or 0
    return [row for row in sorted(rows, key=key) if key(row) > after][: query.limit + 1]


def _encode(value: str | int) -> str:
    return urlsafe_b64encode(json.dumps([value]).encode()).decode().rstrip("=")


def _decode(cursor: str, kind: type[str | int]) -> Any:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        (value,) = json.loads(urlsafe_b64decode(padded))
        number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
        if not isinstance(value, kind) or not (number or isinstance(value, str)) or "\0" in str(value):
            raise ValueError(value)
        str(value).encode()
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise Invalid("The cursor is none of this list; begin again without it.", code="invalid-cursor") from None
    return value


__all__ = ["Listed", "cut", "cut_numbers", "number_after", "page", "text_after"]
