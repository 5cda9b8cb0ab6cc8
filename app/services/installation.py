"""What the installation remembers about itself, and how its first administrator comes to be."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.errors import Conflict
from app.services import grants, people
from app.services.runtime import Runtime, owner
from app.storage.models import Setting, User


def remember(runtime: Runtime, key: str, make: Callable[[], str]) -> str:
    """Give a remembered value, made once for the whole installation."""
    with runtime.writing(owner("SYSTEM")) as work:
        found = work.session.get(Setting, key)
        if found is None:
            found = Setting(key=key, value=make())
            work.session.add(found)
        return found.value


def create_first_administrator(runtime: Runtime, name: str, password: str | None, display_name: str = "") -> User:
    """Create the first user and let them administer everything; raise Conflict once there is any user.

    Whoever calls this has proved to own the installation: by a one-time link, or by holding its directory.
    """
    with runtime.writing(owner(name)) as work:
        if people.any_user(work):
            raise Conflict("This installation is set up already; sign in.", code="already-set-up")
        user = people.create_user(work, name, password, display_name=display_name)
        grants.grant(work, grants.GrantRequest("Administer", user=user.name))
        return user
