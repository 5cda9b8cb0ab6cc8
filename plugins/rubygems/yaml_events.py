"""YAML that a stranger wrote, as gems hold it: read event by event, within limits, into plain values.

Nothing is composed or constructed: a composer recurses, expands aliases and merge keys, and a constructor makes
objects. Scalars stay text, so that a version written ``1.0`` without quotes is not a number.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

import yaml

from app.plugin import InvalidPackage

MAX_DEPTH = 32
MAX_EVENTS = 500_000
MAX_ALIASES = 5_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OBJECT = "!ruby/object:"
_CLASSES = frozenset(
    f"Gem::{name}"
    for name in ("Specification", "Version", "Version::Requirement", "Requirement", "Dependency", "Platform")
)
_SYMBOLS = ("!ruby/sym", "!ruby/symbol")
_BINARY = ("!binary", "tag:yaml.org,2002:binary")
_PLAIN = ("!", *(f"tag:yaml.org,2002:{name}" for name in ("str", "timestamp", "null", "int", "bool", "seq", "map")))
_NULLS = ("", "~", "null")

Value = Any
"""None, text, a list of values, or a Record."""


class Record(dict[str, Value]):
    """Hold a mapping; ``kind`` is the Ruby class that it was tagged with, or empty."""

    def __init__(self, kind: str = "") -> None:
        super().__init__()
        self.kind = kind


def read_yaml(text: bytes) -> Value:
    """Give the value of a document; raise InvalidPackage for more than the limits, and for any other Ruby class."""
    reader = _Reader()
    try:
        for count, event in enumerate(yaml.parse(text.decode(), Loader=_LOADER)):
            if count > MAX_EVENTS:
                raise _refusal(f"holds more than {MAX_EVENTS:,} values")
            reader.take(event)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        raise _refusal("is no valid YAML in UTF-8") from None
    return reader.root


def _refusal(why: str) -> InvalidPackage:
    return InvalidPackage(f"The gem's YAML {why}; build the gem again with 'gem build'.", code="invalid-yaml")


@dataclass(slots=True)
class _Open:
    """Hold a list or mapping that is not closed yet; ``key`` waits for its value."""

    value: list[Value] | Record
    anchor: str | None
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    root: Value = None
    documents: int = 0
    aliases: int = 0
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Value] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        """Take in the next event."""
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise _refusal("holds several documents")
            case yaml.AliasEvent():
                self._put(self._aliased(event.anchor or ""))
            case yaml.ScalarEvent():
                value = _scalar(event)
                if event.anchor:
                    self.anchors[event.anchor] = value
                self._put(value)
            case yaml.SequenceStartEvent():
                _class_of(event.tag)
                self._open([], event.anchor)
            case yaml.MappingStartEvent():
                self._open(Record(_class_of(event.tag)), event.anchor)
            case yaml.CollectionEndEvent():
                self._close()

    def _open(self, value: list[Value] | Record, anchor: str | None) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise _refusal(f"is nested more than {MAX_DEPTH} levels deep")
        self.stack.append(_Open(value, anchor))

    def _close(self) -> None:
        closed = self.stack.pop()
        # An anchor counts only from here on, so that nothing can hold itself.
        if closed.anchor:
            self.anchors[closed.anchor] = closed.value
        self._put(closed.value)

    def _aliased(self, anchor: str) -> Value:
        self.aliases += 1
        if self.aliases > MAX_ALIASES or anchor not in self.anchors:
            raise _refusal("has too many aliases, or one for nothing that came before it")
        return self.anchors[anchor]

    def _put(self, value: Value) -> None:
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            top.key = _key(value, top.value)
        else:
            top.value[top.key], top.key = value, None


def _key(value: Value, record: Record) -> str:
    if not isinstance(value, str) or value == "<<":
        raise _refusal("has a key that is no text, or merges mappings")
    if value in record:
        raise _refusal("has one key twice in one mapping")
    return value


def _class_of(tag: str | None) -> str:
    """Give the Ruby class that a list or mapping is tagged with; empty for none."""
    if tag is None or tag in _PLAIN:
        return ""
    name = tag.removeprefix(_OBJECT)
    if name == tag or name not in _CLASSES:
        raise _refusal(f"holds an object of the kind {tag[:80]!a}, which no gem needs")
    return name


def _scalar(event: yaml.ScalarEvent) -> str | None:
    tag, value = event.tag, event.value
    if tag in _BINARY:
        return _unpacked(value)
    if tag is not None and tag not in _SYMBOLS and tag not in _PLAIN:
        raise _refusal(f"holds an object of the kind {tag[:80]!a}, which no gem needs")
    if tag is None and not event.style and value in _NULLS:
        return None
    return str(value)


def _unpacked(value: str) -> str:
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise _refusal("holds binary text that is none") from None
