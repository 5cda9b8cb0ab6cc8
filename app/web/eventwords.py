"""Say in words what an event's data say in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST = 48
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def event_detail(data: Mapping[str, Any]) -> str:
    """Give an event's data as one line: what changed from what to what, and the rest by name."""
    return "; ".join(_parts(data))


def _parts(data: Mapping[str, Any]) -> Iterator[str]:
    for name, values in data.get("changed", {}).items():
        before, after = values
        yield f"{_words(name)} {_shown(before) or 'nothing'} → {_shown(after) or 'nothing'}"
    for name, value in data.items():
        if name != "changed" and (text := _shown(value)):
            yield f"{_words(name)} {text}"


def _words(name: str) -> str:
    return _CAMEL.sub(" ", name).lower()


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
