"""The names of gems, and the full names under which their files are asked for."""

from __future__ import annotations

import re

from app.plugin import InvalidPackage

MAX_FILE_NAME = 255
MAX_NAME = 200
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]*")


def check_name(name: str) -> str:
    """Give a gem's name back when it is one, else raise InvalidPackage; case counts."""
    if len(name) <= MAX_NAME and _NAME.fullmatch(name):
        return name
    raise InvalidPackage(
        f"{name[:80]!a} is no gem name; use at most {MAX_NAME} letters, digits, '.', '_' or '-', beginning with a "
        "letter or digit, and at least one letter.",
        code="invalid-name",
        name=name[:80],
    )


def full_name(name: str, version: str, platform: str) -> str:
    """Give the name of a file without its ending, as Gem::Specification#full_name does; empty platform: ruby.

    Nobody can take it apart again: ``a-1.0-2`` may be a gem ``a`` or a gem ``a-1.0``.
    """
    return "-".join(part for part in (name, version, platform) if part)


def file_name(name: str, version: str, platform: str) -> str:
    """Give the name under which every client asks for a file; raise InvalidPackage for more than 255 characters."""
    found = full_name(name, version, platform) + ".gem"
    if len(found) > MAX_FILE_NAME:
        raise InvalidPackage(f"The gem's file name {found[:80]!r}... has more than {MAX_FILE_NAME} characters.")
    return found
