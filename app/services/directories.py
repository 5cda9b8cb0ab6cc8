"""Directories of users: who vouches for a name. The built-in one keeps passwords itself.

A user belongs to one directory, and grants belong to the user: a name of another directory is another user.
``User.key`` is the folded name in the built-in directory and ``directory/name`` in any other (names hold no
slash), so it is unique over all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.domain.errors import Unauthenticated
from app.services import passwords, people
from app.services.runtime import Work
from app.storage.models import User

BUILT_IN = "built-in"


class Directory(Protocol):
    """Be a source of users that can check who somebody is."""

    name: str

    def check_password(self, work: Work, name: str, password: str) -> User | None:
        """Give the user with a name and password, or None; takes equally long for every cause."""


class BuiltInDirectory:
    """Be the users that are created here."""

    name = BUILT_IN

    def check_password(self, work: Work, name: str, password: str) -> User | None:
        """Give the active user with a name and password, or None."""
        user = people.find_user(work, name)
        right = passwords.is_right(user.password_hash if user is not None else None, password)
        return user if user is not None and right and user.active else None


DIRECTORIES: Sequence[Directory] = (BuiltInDirectory(),)


def check_password(work: Work, name: str, password: str) -> User:
    """Give the active user whom a directory vouches for; raise Unauthenticated."""
    for directory in DIRECTORIES:
        user = directory.check_password(work, name, password)
        if user is not None:
            return user
    raise Unauthenticated("The name or the password is wrong; try again.", code="wrong-password")
