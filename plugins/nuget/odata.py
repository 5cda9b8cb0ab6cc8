"""The part of OData's $filter and $orderby that NuGet clients send; everything else is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.plugin import Invalid, InvalidPackage

from .versions import version_key

Row = Mapping[str, Any]
Value = Callable[[Row], Any]
MAX_LENGTH = 4000
MAX_DEPTH = 40
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z][A-Za-z0-9_]*)|(?P<number>-?\d+)|(?P<mark>[(),]))"
)
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}
_FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "tolower": (1, lambda text: str(text).lower()),
    "toupper": (1, lambda text: str(text).upper()),
    "trim": (1, lambda text: str(text).strip()),
    "substringof": (2, lambda part, text: str(part) in str(text)),
    "startswith": (2, lambda text, part: str(text).startswith(str(part))),
    "endswith": (2, lambda text, part: str(text).endswith(str(part))),
    "indexof": (2, lambda text, part: str(text).find(str(part))),
    "length": (1, lambda text: len(str(text))),
}
_CONSTANTS = {"true": True, "false": False, "null": None}
_VERSIONS = ("Version", "NormalizedVersion")
FIELDS = frozenset(
    "Id Version NormalizedVersion Title Tags Description Summary Authors Owners IsLatestVersion "  # noqa: SIM905
    "IsAbsoluteLatestVersion "
    "IsPrerelease DownloadCount VersionDownloadCount Published Created LastEdited Listed PackageSize".split()
)


class _Version:
    """Compare versions by their order and not as text."""

    def __init__(self, text: Any) -> None:
        try:
            self.key = version_key(str(text))
        except InvalidPackage:
            self.key = ""


class Filter:
    """Be a parsed filter; call it with a row. Raises Invalid for what is no filter of ours."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = self._depth = 0
        self.id: str | None = None
        """The id that every row has to have, where the filter says so plainly."""
        self._predicate = self._either()
        if self._at < len(self._tokens):
            raise _refusal(text)

    def __call__(self, row: Row) -> bool:
        """Tell whether a row passes."""
        return bool(self._predicate(row))

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *expected: str) -> str:
        token = self._peek()
        if not token or (expected and token not in expected):
            raise _refusal(" ".join(self._tokens))
        self._at += 1
        return token

    def _either(self) -> Value:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _refusal("a filter that is nested too deeply")
        found = self._both()
        while self._peek() == "or":
            self._take("or")
            self.id = None
            found = _or(found, self._both())
        self._depth -= 1
        return found

    def _both(self) -> Value:
        found = self._not()
        while self._peek() == "and":
            self._take("and")
            found = _and(found, self._not())
        return found

    def _not(self) -> Value:
        if self._peek() == "not":
            self._take("not")
            inner = self._not()
            self.id = None
            return lambda row: not inner(row)
        return self._comparison()

    def _comparison(self) -> Value:
        start = self._at
        left = self._operand()
        if self._peek() not in _COMPARED:
            return left
        operator = self._take(*_COMPARED)
        middle = self._at
        right = self._operand()
        sides = self._tokens[start : self._at]
        if operator == "eq" and "Id" in self._tokens[start:middle] and sides[-1].startswith("'"):
            self.id = _text(sides[-1])
        if any(field in sides for field in _VERSIONS):
            return lambda row: _COMPARED[operator](_Version(left(row)).key, _Version(right(row)).key)
        return lambda row: _compare(operator, left(row), right(row))

    def _operand(self) -> Value:
        token = self._take()
        if token == "(":  # noqa: S105 - no password
            inner = self._either()
            self._take(")")
            return inner
        if token.startswith("'"):
            text = _text(token)
            return lambda _: text
        if token in _CONSTANTS:
            value = _CONSTANTS[token]
            return lambda _: value
        if token.lstrip("-").isdigit():
            return lambda _: int(token)
        if token in _FUNCTIONS:
            return self._call(token)
        if token not in FIELDS:
            raise _refusal(token)
        return lambda row: row[token]

    def _call(self, name: str) -> Value:
        count, function = _FUNCTIONS[name]
        self._take("(")
        arguments = [self._either()]
        while self._peek() == ",":
            self._take(",")
            arguments.append(self._either())
        self._take(")")
        if len(arguments) != count:
            raise _refusal(name)
        return lambda row: function(*(argument(row) for argument in arguments))


def _and(left: Value, right: Value) -> Value:
    return lambda row: left(row) and right(row)


def _or(left: Value, right: Value) -> Value:
    return lambda row: left(row) or right(row)


def _compare(operator: str, left: Any, right: Any) -> bool:
    try:
        return _COMPARED[operator](left, right)
    except TypeError:
        return operator == "ne"


def _tokens(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise Invalid(f"The $filter has more than {MAX_LENGTH:,} characters; send a shorter one.", code="bad-filter")
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _refusal(text)
        found.append(match[0].strip())
        at = match.end()
    return found


def _text(token: str) -> str:
    return token[1:-1].replace("''", "'")


def _refusal(text: str) -> Invalid:
    return Invalid(
        f"The $filter is not understood at {text[:100]!r}; this feed knows comparisons of {', '.join(sorted(FIELDS))}.",
        code="bad-filter",
    )


def sort_key(order: str) -> Callable[[list[Row]], list[Row]]:
    """Give what sorts rows by an $orderby; raises Invalid for a field that there is not."""
    wanted = [part.split() for part in order.split(",") if part.strip()]
    for part in wanted:
        known = part[0] in FIELDS and len(part) <= 2 and part[1:] in ([], ["asc"], ["desc"])
        if not known and not part[0].startswith("concat("):
            raise Invalid(f"The $orderby {order[:100]!r} is not understood; sort by a field.", code="bad-order")

    def sort(rows: list[Row]) -> list[Row]:
        for field, *way in reversed([part for part in wanted if part[0] in FIELDS]):
            rows = sorted(rows, key=lambda row: _sortable(field, row), reverse=way == ["desc"])
        return rows

    return sort


def _sortable(field: str, row: Row) -> Any:
    value = row[field]
    if field in _VERSIONS:
        return _Version(value).key
    return value.lower() if isinstance(value, str) else value
