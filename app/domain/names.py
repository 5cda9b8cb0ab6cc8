"""Rules for the names of feeds, groups, people and keys."""

import re

from app.domain.errors import Invalid

_FEED = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?")
_PERSON = re.compile(r"[^\x00-\x20:/\\](?:[^\x00-\x1f:/\\]{0,98}[^\x00-\x20:/\\])?")


def check_feed_name(name: str) -> str:
    """Give a feed's name back when it is acceptable, else raise Invalid.

    1 to 50 letters, digits, ``.``, ``_``, ``-``, beginning and ending with a letter or digit, because a
    feed's name is part of its address and of its host name.
    """
    if not _FEED.fullmatch(name):
        raise Invalid(
            f"The feed name {name!r} is not possible; use 1 to 50 letters, digits, '.', '_' or '-', "
            "beginning and ending with a letter or digit.",
            code="invalid-feed-name",
            name=name,
        )
    return name


def check_person_name(name: str) -> str:
    """Give the name of a user, group or key back when it is acceptable, else raise Invalid.

    1 to 100 characters, no control characters, no colon (it splits user:password) and no slash.
    """
    if not _PERSON.fullmatch(name):
        raise Invalid(
            f"The name {name!r} is not possible; use 1 to 100 characters without ':', '/', '\\' or control characters.",
            code="invalid-name",
            name=name,
        )
    return name


def fold(name: str) -> str:
    """Give the key under which names that differ only by case are one."""
    return name.casefold()
