"""The names of Universal packages: an optional group, which may hold slashes, and a bare name."""

from __future__ import annotations

import re

from app.plugin import InvalidPackage

_NAME = re.compile(r"[0-9A-Za-z._-]{1,50}")
_GROUP = re.compile(r"[0-9A-Za-z._/-]{0,250}")
_DOTS = (".", "..")


def split_name(name: str) -> tuple[str, str]:
    """Split a full name at its last slash into group and bare name."""
    group, _, bare = name.rpartition("/")
    return group, bare


def join_name(group: str, name: str) -> str:
    """Give the full name of a group, which may be empty, and a bare name."""
    return f"{group}/{name}" if group else name


def check_name(name: str) -> str:
    """Give a full name back when it is acceptable, else raise InvalidPackage.

    Group: up to 250 letters, digits, ``.``, ``-``, ``_`` and ``/``, no empty part; name: 1 to 50, no slash. Neither
    has a part ``.`` or ``..``, because parts become segments of addresses.
    """
    group, bare = split_name(name)
    parts = name.split("/")
    if not _NAME.fullmatch(bare) or not _GROUP.fullmatch(group) or "" in parts or any(p in _DOTS for p in parts):
        raise InvalidPackage(
            f"{name[:300]!r} is no name of a Universal package; use 1 to 50 letters, digits, '.', '-' or '_', "
            "after an optional group whose parts are separated by '/'.",
            code="invalid-name",
            name=name[:300],
        )
    return name


def name_key(name: str) -> str:
    """Give the key of a full name: case does not tell packages apart. Raises InvalidPackage."""
    return check_name(name).lower()


def file_name(name: str, version: str) -> str:
    """Give the file name under which a version is downloaded."""
    return f"{split_name(name)[1]}.{version}.upack"
