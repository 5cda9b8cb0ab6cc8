"""What a request of V2 asks for: its function, its arguments, and OData's options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from app.plugin import Invalid, NotFound

from .odata_filter import Expression, evaluate, parse_filter
from .odata_properties import PROPERTIES, VERSIONS
from .odata_rows import Row
from .search import reads_semver2
from .versions import parse_version

PER_PAGE = 100
MAX_SKIP = 1_000_000
_NAME = re.compile(r"(?P<name>[A-Za-z]+)(?:\((?P<key>.*)\))?", re.DOTALL)
_KEY = re.compile(r"\s*(?P<name>Id|Version)\s*=\s*'(?P<value>(?:[^']|'')*)'\s*(?:,|$)")
_ORDER = re.compile(r"(?P<name>[A-Za-z]+)(?:\s+(?P<way>asc|desc))?", re.IGNORECASE)
_BY_ID = (("Id", False),)
_REFUSED = ("$expand", "$skiptoken", "$apply", "$search")


@dataclass(frozen=True, slots=True)
class Question:
    """Hold a request's options; ``top`` None is as many as there are."""

    filter: Expression | None
    order: tuple[tuple[str, bool], ...]
    skip: int
    top: int | None
    counted: bool
    semver2: bool

    @property
    def is_in_natural_order(self) -> bool:
        """Tell whether packages by name are the order that is wanted."""
        return self.order in ((), _BY_ID, (*_BY_ID, ("Version", False)))


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold the rows of one page, the count of all where it was asked for, and whether more rows follow."""

    rows: Sequence[Row]
    count: int | None
    more: bool


def read_name(text: str) -> tuple[str, dict[str, str]]:
    """Split ``Packages(Id='x',Version='1')`` into its name and its key; parentheses may be left out or be empty."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise NotFound(f"There is nothing called {text[:80]!r} in this protocol.", code="unknown-path")
    key = match["key"] or ""
    found = {each["name"]: each["value"].replace("''", "'") for each in _KEY.finditer(key)}
    if key.strip() and "".join(each[0] for each in _KEY.finditer(key)) != key:
        raise Invalid(f"{text[:120]!r} is no key of a package; write Packages(Id='x',Version='1.0.0').")
    return match["name"], found


def read_question(arguments: Mapping[str, str]) -> Question:
    """Read OData's options; raise Invalid for what is not offered."""
    refused = [name for name in _REFUSED if name in arguments]
    if refused:
        raise Invalid(f"{refused[0]} is not offered here; ask with $filter, $orderby, $skip and $top.")
    text = arguments.get("$filter", "").strip()
    return Question(
        parse_filter(text) if text else None,
        tuple(_order(arguments.get("$orderby", ""))),
        _count(arguments, "$skip") or 0,
        _count(arguments, "$top"),
        arguments.get("$inlinecount", "none").lower() == "allpages",
        reads_semver2(arguments),
    )


def _order(text: str) -> Iterator[tuple[str, bool]]:
    for part in filter(None, map(str.strip, text.split(","))):
        match = _ORDER.fullmatch(part)
        if match is None or match["name"] not in PROPERTIES:
            raise Invalid(f"$orderby: {part[:80]!r} is no property of a package, with or without asc or desc.")
        yield match["name"], (match["way"] or "").lower() == "desc"


def _count(arguments: Mapping[str, str], name: str) -> int | None:
    text = arguments.get(name, "")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(int(text), MAX_SKIP)
    raise Invalid(f"{name}={text[:40]!r} is no whole number.")


def text_argument(arguments: Mapping[str, str], name: str) -> str:
    """Give an argument that is a text, with or without its quotes."""
    value = arguments.get(name, "").strip()
    if len(value) >= 2 and value[0] == value[-1] == "'":
        value = value[1:-1].replace("''", "'")
    return value


def flag_argument(arguments: Mapping[str, str], name: str) -> bool:
    """Give an argument that is true or false; false where it is left out."""
    return text_argument(arguments, name).lower() == "true"


def answer(rows: Iterable[Row], question: Question, values: Any) -> Answer:
    """Give the page of the rows that a question is about; ``values`` gives a row's properties.

    Rows are drawn only as far as they are needed: all of them where they are counted, or put into another order.
    """
    wanted = question.filter
    found: Iterable[Row] = rows if wanted is None else (each for each in rows if evaluate(wanted, values(each)))
    if question.counted or not question.is_in_natural_order:
        found = _sorted(list(found), question.order, values)
    take = PER_PAGE if question.top is None else min(question.top, PER_PAGE)
    count = len(found) if isinstance(found, list) else None
    page = list(islice(found, question.skip, question.skip + take + 1))
    return Answer(page[:take], count if question.counted else None, len(page) > take)


def _sorted(rows: list[Row], order: Sequence[tuple[str, bool]], values: Any) -> list[Row]:
    for name, descending in reversed(order):
        rows.sort(key=lambda row: _sort_key(name, values(row)[name]), reverse=descending)
    return rows


def _sort_key(name: str, value: Any) -> tuple[bool, Any]:
    if isinstance(value, str):
        value = parse_version(value).key if name in VERSIONS else value.lower()
    return value is not None, value if value is not None else 0


def next_page(root: str, name: str, arguments: Mapping[str, str], question: Question) -> str | None:
    """Give the address of the page behind a full one, or None where the client has got what it asked for."""
    left = None if question.top is None else question.top - PER_PAGE
    if left is not None and left <= 0:
        return None
    kept = {**arguments, "$skip": str(question.skip + PER_PAGE), **({} if left is None else {"$top": str(left)})}
    return f"{root}/{name}?{urlencode(kept, quote_via=quote, safe='$')}"
