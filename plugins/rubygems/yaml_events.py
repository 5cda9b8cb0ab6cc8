"""Read the YAML of a gem by events, within limits: composing a stranger's document can end the process.

Deep nesting crashes the fast loader and merge keys cost minutes; so nothing is composed, scalars stay text, and only
the six Ruby classes of a gemspec are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from app.plugin import InvalidPackage

MAX_DEPTH = 32
MAX_EVENTS = 500_000
MAX_ALIASES = 5_000
CLASS = "__class__"
_CLASSES = frozenset(
    f"!ruby/object:Gem::{name}"
    for name in ("Specification", "Version", "Version::Requirement", "Requirement", "Dependency", "Platform")
)
_SYMBOLS = frozenset({"!ruby/sym", "!ruby/symbol"})
_TEXT = frozenset({None, "!", *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "timestamp", "null", "int", "binary"))})
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Open:
    """Be a sequence or mapping that is being read; ``key`` is a mapping's key that waits for its value."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    key: str | None = None


def load(data: bytes) -> Any:
    """Give the values of one document: text, None, lists, and dicts that hold their Ruby class as ``__class__``.

    Raises InvalidPackage for what is malformed, too large, too deep, or of another class.
    """
    reader = _Reader()
    try:
        for number, event in enumerate(_events(data)):
            if number > MAX_EVENTS:
                raise InvalidPackage(f"The gem's YAML has more than {MAX_EVENTS:,} parts.")
            reader.take(event)
    except yaml.YAMLError as error:
        raise InvalidPackage(f"The gem's YAML is not valid: {str(error).splitlines()[0][:200]!a}.") from None
    except (UnicodeError, RecursionError, ValueError):
        raise InvalidPackage("The gem's YAML is not valid UTF-8 text.") from None
    return reader.root


def _events(data: bytes) -> Iterator[Any]:
    text = data.decode("utf-8")
    yield from yaml.parse(text, Loader=_LOADER)


class _Reader:
    """Build values out of events, without recursion."""

    def __init__(self) -> None:
        self.root: Any = None
        self._open: list[_Open] = []
        self._anchors: dict[str, Any] = {}
        self._aliases = self._documents = 0

    def take(self, event: Any) -> None:
        """Take one event."""
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise InvalidPackage("The gem's YAML has more than one document.")
            case yaml.AliasEvent():
                self._put(self._alias(event.anchor))
            case yaml.ScalarEvent():
                self._keep(event.anchor, _scalar(event))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._begin(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                closed = self._open.pop()
                self._keep(closed.anchor, closed.value)

    def _begin(self, event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise InvalidPackage(f"The gem's YAML is nested more than {MAX_DEPTH} levels deep.")
        known = _class(event.tag)
        if isinstance(event, yaml.SequenceStartEvent):
            self._open.append(_Open([], event.anchor))
        else:
            self._open.append(_Open({CLASS: known} if known else {}, event.anchor))

    def _alias(self, anchor: str | None) -> Any:
        self._aliases += 1
        # An anchor is known once its value is complete, so that nothing can hold itself.
        if self._aliases > MAX_ALIASES or anchor not in self._anchors:
            raise InvalidPackage("The gem's YAML repeats itself too often, or refers to nothing.")
        return self._anchors[anchor]

    def _keep(self, anchor: str | None, value: Any) -> None:
        if anchor is not None:
            self._anchors[anchor] = value
        self._put(value)

    def _put(self, value: Any) -> None:
        if not self._open:
            self.root = value
            return
        top = self._open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            if not isinstance(value, str) or value in top.value or value in ("<<", CLASS):
                raise InvalidPackage("The gem's YAML has a key that is no text, occurs twice, or merges others.")
            top.key = value
        else:
            top.value[top.key] = value
            top.key = None


def _class(tag: str | None) -> str:
    """Give the Ruby class of a tag, empty for plain data; raise InvalidPackage for any other."""
    if tag in _CLASSES:
        return str(tag).removeprefix("!ruby/object:")
    if tag in _TEXT or tag in ("tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"):
        return ""
    raise InvalidPackage(f"The gem's YAML holds an object of the kind {str(tag)[:80]!r}, which no gemspec has.")


def _scalar(event: Any) -> str | None:
    if event.tag not in _TEXT and event.tag not in _SYMBOLS:
        _class(event.tag)
    if event.style is None and event.tag is None and event.value in ("", "~", "null"):
        return None
    return str(event.value)
