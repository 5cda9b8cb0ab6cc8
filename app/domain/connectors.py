"""Decide what connectors may fill: filters of names, names kept for the feed itself, what remote packages are for."""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from app.domain.errors import Invalid

_LONGEST, _MOST = 500, 1000


class RemoteUse(StrEnum):
    """Say what the packages that a feed's connectors offer are for."""

    OFF = "off"
    BROWSE = "browse"
    CACHE = "cache"


class Credential(StrEnum):
    """Name the way in which a connector proves who it is."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    HEADER = "header"


def check_patterns(texts: Iterable[str], *, blocking: bool = True) -> list[str]:
    """Give patterns of names, trimmed and each once; raise Invalid for what cannot match any name.

    ``*`` stands for any characters, ``?`` for one; a pattern that begins with ``!`` blocks, where that is allowed.
    """
    found = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    if len(found) > _MOST:
        raise Invalid(f"There are {len(found):,} patterns; use {_MOST:,} at most.", code="invalid-pattern")
    for text in found:
        body = text[1:] if blocking else text
        if not body or len(text) > _LONGEST or not text.isprintable() or body.startswith("!") or " " in body:
            raise Invalid(
                f"The pattern {text[:80]!r} is not possible; write a name such as left-pad, or with * and ? such as "
                f"@acme/*{', or !acme.* to block' if blocking else ''}.",
                code="invalid-pattern",
            )
    return found


def matches(pattern: str, name: str) -> bool:
    """Tell whether a name fits a pattern, whatever the case of both."""
    return _compiled(pattern.casefold()).fullmatch(name.casefold()) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # The standard library's translation never backtracks over a star; only its sets of characters are not wanted.
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def any_matches(patterns: Iterable[str], name: str) -> bool:
    """Tell whether a name fits one of some patterns."""
    return any(matches(pattern, name) for pattern in patterns)


def passes(filters: Sequence[str], name: str) -> bool:
    """Tell whether a connector's filters let a name through: a block wins; where any allows, the rest is out."""
    if any_matches((text[1:] for text in filters if text.startswith("!")), name):
        return False
    allowing = [text for text in filters if not text.startswith("!")]
    return not allowing or any_matches(allowing, name)


@dataclass(frozen=True, slots=True)
class Names:
    """Hold what decides whether a feed takes a name from its connectors."""

    reserved: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    def kept(self, name: str, *, own: bool) -> str:
        """Say why a name is kept for the feed itself, so that no connector may fill it; empty where one may.

        ``own`` says that somebody published or promoted the package into the feed: a package of that name from
        elsewhere may be an attack (dependency confusion).
        """
        if any_matches(self.allowed, name):
            return ""
        pattern = next((each for each in self.reserved if matches(each, name)), None)
        if pattern is not None:
            return f"the name is reserved for this feed by the pattern {pattern}"
        return "the feed holds a package of this name that is its own" if own else ""
