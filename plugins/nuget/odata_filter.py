"""``$filter``: a small, whole language; everything that it does not know is refused with the place where it stands.

Follows OData 2.0, URI Conventions 4.5, as far as NuGet's clients use it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from app.plugin import Invalid, InvalidPackage

from .odata_properties import PROPERTIES, VERSIONS
from .versions import parse_version

MAX_LENGTH = 4_000
MAX_DEPTH = 40
_TOKEN = re.compile(
    r"\s*(?:(?P<date>datetime'(?P<moment>[^']*)')|'(?P<text>(?:[^']|'')*)'|(?P<number>-?[0-9]{1,18}(?:\.[0-9]+)?)[LMFDlmfd]?"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark>[(),]))"
)
_CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Literal:
    """Hold a value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Property:
    """Name a property of a package."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """Apply a function to what its arguments are."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """Compare or join two expressions: ``eq``, ``and``, ..."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not:
    """Turn a truth around."""

    inner: Expression


Expression = Literal | Property | Call | Binary | Not

_FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "tolower": (1, lambda text: text.lower()),
    "toupper": (1, lambda text: text.upper()),
    "trim": (1, lambda text: text.strip()),
    "length": (1, len),
    "substringof": (2, lambda part, text: part.lower() in text.lower()),
    "startswith": (2, lambda text, part: text.lower().startswith(part.lower())),
    "endswith": (2, lambda text, part: text.lower().endswith(part.lower())),
    "indexof": (2, lambda text, part: text.lower().find(part.lower())),
    "concat": (2, lambda one, other: one + other),
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: bool(one == other),
    "ne": lambda one, other: bool(one != other),
    "gt": lambda one, other: bool(one > other),
    "ge": lambda one, other: bool(one >= other),
    "lt": lambda one, other: bool(one < other),
    "le": lambda one, other: bool(one <= other),
}


def parse_filter(text: str) -> Expression:
    """Read an expression; raise Invalid, saying where it is not understood."""
    if len(text) > MAX_LENGTH:
        raise Invalid(f"$filter has {len(text):,} characters; at most {MAX_LENGTH:,} are read.", code="invalid-filter")
    return _Parser(text).whole()


def conjuncts(expression: Expression) -> Iterator[Expression]:
    """Give the parts of which each must be true."""
    if isinstance(expression, Binary) and expression.operator == "and":
        yield from conjuncts(expression.left)
        yield from conjuncts(expression.right)
    else:
        yield expression


def flag(expression: Expression) -> str | None:
    """Give the property that an expression demands to be true: ``IsLatestVersion``, or with ``eq true``."""
    match expression:
        case Property(name) | Binary("eq", Property(name), Literal(True)) | Binary("eq", Literal(True), Property(name)):
            return name
    return None


def wanted_id(expression: Expression) -> str | None:
    """Give the id that an expression demands: ``Id eq 'x'``, also in small letters."""
    if not isinstance(expression, Binary) or expression.operator != "eq":
        return None
    for one, other in ((expression.left, expression.right), (expression.right, expression.left)):
        named = one.arguments[0] if isinstance(one, Call) and one.function == "tolower" else one
        if named == Property("Id") and isinstance(other, Literal) and isinstance(other.value, str):
            return other.value
    return None


class _Parser:
    """Read tokens one after the other."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self._token: re.Match[str] | None = None
        self._advance()

    def whole(self) -> Expression:
        """Give the whole text as one expression."""
        found = self._either()
        if self._token is not None:
            self._refuse("an operator")
        return found

    def _advance(self) -> None:
        self._at = self._token.end() if self._token else self._at
        self._token = _TOKEN.match(self._text, self._at)
        if self._token is None and self._text[self._at :].strip():
            self._refuse("a name, a value or a parenthesis")

    def _refuse(self, wanted: str) -> NoReturn:
        place = self._text[self._at : self._at + 40].strip() or "its end"
        raise Invalid(f"$filter is not understood at {place!r}: {wanted} should stand there.", code="invalid-filter")

    def _peek(self, *words: str) -> str | None:
        word = self._token["word"] if self._token else None
        return word.lower() if word and word.lower() in words else None

    def _mark(self, mark: str) -> bool:
        found = self._token is not None and self._token["mark"] == mark
        if found:
            self._advance()
        return found

    def _either(self) -> Expression:
        found = self._both()
        while self._peek("or"):
            self._advance()
            found = Binary("or", found, self._both())
        return found

    def _both(self) -> Expression:
        found = self._negated()
        while self._peek("and"):
            self._advance()
            found = Binary("and", found, self._negated())
        return found

    def _negated(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Invalid(f"$filter is nested deeper than {MAX_DEPTH}; ask for less.", code="invalid-filter")
        if self._peek("not"):
            self._advance()
            found: Expression = Not(self._negated())
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Expression:
        left = self._operand()
        operator = self._peek(*_COMPARISONS)
        if operator is None:
            return left
        self._advance()
        return Binary(operator, left, self._operand())

    def _operand(self) -> Expression:
        if self._mark("("):
            found = self._either()
            if not self._mark(")"):
                self._refuse("')'")
            return found
        token = self._token
        if token is None or token["mark"]:
            self._refuse("a name or a value")
        if token["word"] is None:
            self._advance()
            return Literal(_value(token))
        return self._named(token["word"])

    def _named(self, word: str) -> Expression:
        if word.lower() in _CONSTANTS:
            self._advance()
            return Literal(_CONSTANTS[word.lower()])
        if word.lower() in _FUNCTIONS:
            return self._call(word.lower())
        if word not in PROPERTIES:
            self._refuse("a property of a package or a function that is known here")
        self._advance()
        return Property(word)

    def _call(self, function: str) -> Expression:
        self._advance()
        if not self._mark("("):
            self._refuse("'('")
        arguments = [self._either()]
        while self._mark(","):
            arguments.append(self._either())
        if not self._mark(")"):
            self._refuse("')'")
        count = _FUNCTIONS[function][0]
        if len(arguments) != count:
            raise Invalid(f"$filter: {function} takes {count} arguments, not {len(arguments)}.", code="invalid-filter")
        return Call(function, tuple(arguments))


def _value(token: re.Match[str]) -> Any:
    if token["date"] is not None:
        try:
            moment = datetime.fromisoformat(token["moment"])
        except ValueError:
            raise Invalid(f"$filter: {token['moment'][:40]!r} is no date.", code="invalid-filter") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if token["text"] is not None:
        return token["text"].replace("''", "'")
    return float(token["number"])


# Deciding -----------------------------------------------------------------------------------------------


def evaluate(expression: Expression, values: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one return for each kind
    """Give what an expression is for a package's properties; raise Invalid where it makes no sense."""
    match expression:
        case Literal(value):
            return value
        case Property(name):
            return values.get(name)
        case Not(inner):
            return not evaluate(inner, values)
        case Binary("and", left, right):
            return bool(evaluate(left, values)) and bool(evaluate(right, values))
        case Binary("or", left, right):
            return bool(evaluate(left, values)) or bool(evaluate(right, values))
        case Binary(operator, left, right):
            return _compare(operator, left, right, values)
        case Call(function, arguments):
            return _apply(function, [evaluate(each, values) for each in arguments])


def _apply(function: str, arguments: list[Any]) -> Any:
    """Apply a function; what is absent is an empty text."""
    texts = ["" if each is None else each for each in arguments]
    if not all(isinstance(each, str) for each in texts):
        raise Invalid(f"$filter: {function} is for texts only.", code="invalid-filter")
    return _FUNCTIONS[function][1](*texts)


def _compare(operator: str, left: Expression, right: Expression, values: Mapping[str, Any]) -> bool:
    sides = [evaluate(side, values) for side in (left, right)]
    if None in sides:
        return _COMPARISONS[operator](*sides) if operator in ("eq", "ne") else False
    if all(isinstance(side, str) for side in sides):
        as_versions = any(isinstance(side, Property) and side.name in VERSIONS for side in (left, right))
        sides = [_version(side) if as_versions else side.lower() for side in sides]
    try:
        return _COMPARISONS[operator](*sides)
    except TypeError:
        raise Invalid("$filter compares values of two kinds, which have no order.", code="invalid-filter") from None


def _version(text: str) -> str:
    """Give a version's key; what is no version comes before all."""
    try:
        return parse_version(text).key
    except InvalidPackage:
        return ""
