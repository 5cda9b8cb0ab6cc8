"""Write Ruby's Marshal format, version 4.8: as much of it as RubyGems' older index needs. Nothing here reads it.

Follows Ruby's own ``doc/marshal.rdoc``; times as ``time.c`` packs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

HEADER = b"\x04\x08"
_MOST = 2**30 - 1
_UTC = 1 << 30 | 1 << 31
"""Marks a time as UTC, and as packed in the way of Ruby 1.8 and later."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """Be a symbol."""

    name: str


@dataclass(frozen=True, slots=True)
class Instance:
    """Be an object with instance variables, whose names begin with ``@``."""

    of: str
    variables: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Dumped:
    """Be an object that its class makes of a value (``marshal_load``)."""

    of: str
    value: object


@dataclass(frozen=True, slots=True)
class Packed:
    """Be an object that its class makes of bytes (``_load``)."""

    of: str
    data: bytes


def dump(value: object) -> bytes:
    """Give a whole document."""
    writer = Writer()
    writer.write(value)
    return HEADER + bytes(writer.out)


def write_number(number: int) -> bytes:
    """Give a whole number from 0 as Marshal writes numbers and lengths; raise ValueError above 30 bits."""
    if not 0 <= number <= _MOST:
        raise ValueError(f"{number} does not fit into a Marshal number")
    if number == 0:
        return b"\0"
    if number < 123:
        return bytes([number + 5])
    data = number.to_bytes((number.bit_length() + 7) // 8, "little")
    return bytes([len(data)]) + data


class Writer:
    """Write values one after another; ``out`` grows by each.

    A symbol is written out once and by its number from then on. Objects are never shared.
    """

    def __init__(self) -> None:
        self.out = bytearray()
        self._symbols: dict[str, int] = {}

    def write(self, value: object) -> None:
        """Write None, True, False, a number, text, a sequence, a mapping, a date (as a Time), or one of the above."""
        match value:
            case None:
                self.out += b"0"
            case True:
                self.out += b"T"
            case False:
                self.out += b"F"
            case int():
                self.out += b"i" + write_number(value)
            case str():
                self._text(value)
            case Mapping():
                self.out += b"{" + write_number(len(value))
                self._pairs(value.items())
            case Sequence():
                self.out += b"[" + write_number(len(value))
                for each in value:
                    self.write(each)
            case _:
                self._object(value)

    def _object(self, value: object) -> None:
        match value:
            case Symbol(name):
                self._symbol(name)
            case Dumped(of, inner):
                self._begin(b"U", of)
                self.write(inner)
            case Instance(of, variables):
                self._begin(b"o", of)
                self.out += write_number(len(variables))
                self._pairs((Symbol(name), each) for name, each in variables.items())
            case Packed(of, data):
                self._begin(b"u", of)
                self.out += write_number(len(data)) + data
            case date():
                self._midnight(value)
            case _:
                raise TypeError(f"{type(value).__name__} cannot be written as Marshal")

    def _begin(self, kind: bytes, of: str) -> None:
        self.out += kind
        self._symbol(of)

    def _pairs(self, pairs: Iterable[tuple[object, object]]) -> None:
        for key, each in pairs:
            self.write(key)
            self.write(each)

    def _text(self, text: str) -> None:
        data = text.encode()
        self.out += b'I"' + write_number(len(data)) + data + write_number(1)
        self._symbol("E")
        self.out += b"T"  # The encoding is UTF-8.

    def _symbol(self, name: str) -> None:
        number = self._symbols.get(name)
        if number is not None:
            self.out += b";" + write_number(number)
            return
        self._symbols[name] = len(self._symbols)
        data = name.encode()
        self.out += b":" + write_number(len(data)) + data

    def _midnight(self, day: date) -> None:
        first = _UTC | (day.year - 1900) << 14 | (day.month - 1) << 10 | day.day << 5
        self.out += b"I"
        self.write(Packed("Time", first.to_bytes(4, "little") + bytes(4)))
        self.out += write_number(1)
        self._symbol("zone")
        self._text("UTC")
