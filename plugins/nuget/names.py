"""The ids of NuGet packages: what is one, when two are the same, and the file names that belong to them."""

from __future__ import annotations

import re

from app.plugin import InvalidPackage

from .versions import normalize

MAX_LENGTH = 100
_ID = re.compile(r"\w+(?:[.-]\w+)*", re.ASCII)
PACKAGE, SYMBOLS = ".nupkg", ".snupkg"


def check_id(id: str) -> str:
    """Give a package id back, else raise InvalidPackage.

    The public gallery's rule, but ASCII only: letters of other scripts look like these, and would make two packages
    look like one.
    """
    if len(id) <= MAX_LENGTH and _ID.fullmatch(id):
        return id
    raise InvalidPackage(
        f"{id[:MAX_LENGTH]!r} is no NuGet package id; use at most {MAX_LENGTH} letters, digits and '_', with single "
        "dots or hyphens between them.",
        code="invalid-name",
        name=id[:MAX_LENGTH],
    )


def id_key(id: str) -> str:
    """Give the key of an id, which is also its spelling in V3 addresses: case does not count."""
    return check_id(id).lower()


def file_name(id: str, version: str, ending: str = PACKAGE) -> str:
    """Give the name under which clients save a package: its id and its normal version."""
    return f"{id}.{normalize(version)}{ending}"
