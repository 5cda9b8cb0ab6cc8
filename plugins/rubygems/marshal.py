"""Write Ruby's Marshal format 4.8, as far as gem indexes need it. Nothing of it is ever read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

HEAD = b"\x04\x08"


class Symbol(str):
    """Be a Ruby symbol."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Plain:
    """Be an object with instance variables."""

    ruby_class: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dumped:
    """Be an object that Ruby rebuilds from bytes (``_load``)."""

    ruby_class: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Marshalled:
    """Be an object that Ruby rebuilds from a value (``marshal_load``)."""

    ruby_class: str
    value: Any


def dumps(value: Any) -> bytes:
    """Give a whole document."""
    return HEAD + Writer().write(value)


def integer(value: int) -> bytes:
    """Give a number as Marshal's compact integer; raise OverflowError above four bytes."""
    if value == 0:
        return b"\0"
    if 0 < value < 123:
        return bytes([value + 5])
    if -124 < value < 0:
        return bytes([value - 5 & 0xFF])
    size = next(size for size in (1, 2, 3, 4, 5) if -(1 << 8 * size) <= value < 1 << 8 * size)
    body = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    if size > 4:
        raise OverflowError(value)
    return bytes([size if value > 0 else 256 - size]) + body


class Writer:
    """Write values one after another; a symbol is written once and referred to from then on.

    ``known`` are symbols that were written before what is written here.
    """

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._symbols = {name: number for number, name in enumerate(known)}

    def write(self, value: Any) -> bytes:
        """Give a value's bytes; raise TypeError for what has no Ruby counterpart here."""
        out = bytearray()
        self._value(out, value)
        return bytes(out)

    def _symbol(self, out: bytearray, name: str) -> None:
        if name in self._symbols:
            out += b";" + integer(self._symbols[name])
            return
        self._symbols[name] = len(self._symbols)
        out += b":" + _sized(name.encode())

    def _value(self, out: bytearray, value: Any) -> None:  # noqa: C901, PLR0912 - one branch for each kind
        match value:
            case None:
                out += b"0"
            case True:
                out += b"T"
            case False:
                out += b"F"
            case Symbol():
                self._symbol(out, value)
            case str():
                out += b'I"' + _sized(value.encode()) + integer(1)
                self._symbol(out, "E")
                out += b"T"
            case int():
                out += b"i" + integer(value)
            case datetime():
                self._time(out, value)
            case Plain():
                out += b"o"
                self._symbol(out, value.ruby_class)
                out += integer(len(value.variables))
                for name, each in value.variables.items():
                    self._symbol(out, name)
                    self._value(out, each)
            case Dumped():
                out += b"u"
                self._symbol(out, value.ruby_class)
                out += _sized(value.content)
            case Marshalled():
                out += b"U"
                self._symbol(out, value.ruby_class)
                self._value(out, value.value)
            case Mapping():
                out += b"{" + integer(len(value))
                for key, each in value.items():
                    self._value(out, key)
                    self._value(out, each)
            case Sequence():
                out += b"[" + integer(len(value))
                for each in value:
                    self._value(out, each)
            case _:
                raise TypeError(type(value).__name__)

    def _time(self, out: bytearray, moment: datetime) -> None:
        """Write a moment in UTC as ``Time#_dump`` packs it."""
        days = moment.year - 1900 << 14 | moment.month - 1 << 10 | moment.day << 5 | moment.hour
        rest = moment.minute << 26 | moment.second << 20 | moment.microsecond
        out += b"Iu"
        self._symbol(out, "Time")
        out += _sized((days | 3 << 30).to_bytes(4, "little") + rest.to_bytes(4, "little")) + integer(1)
        self._symbol(out, "zone")
        self._value(out, "UTC")


def _sized(content: bytes) -> bytes:
    return integer(len(content)) + content
