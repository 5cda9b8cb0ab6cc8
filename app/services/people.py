"""Users, groups and their passwords."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import func, select
from werkzeug.security import check_password_hash, generate_password_hash

from app.domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.domain.names import check_person_name, fold
from app.domain.permissions import Permission
from app.services import access, events
from app.services.runtime import Work
from app.storage.models import Group, User

MIN_PASSWORD = 10


# Checked instead of a missing user's hash, so that an unknown name takes as long as a wrong password.
@cache
def _nobody() -> str:
    return generate_password_hash("nobody has this password")


def create_user(work: Work, name: str, password: str | None = None, *, display_name: str = "", email: str = "") -> User:
    """Create a user; without a password they sign in by a one-time link only. Needs Configure."""
    access.require(work, Permission.CONFIGURE)
    key = fold(check_person_name(name))
    if work.session.scalar(select(User.id).where(User.key == key)) is not None:
        raise Conflict(f"There is a user {name!r} already; choose another name.", code="user-exists", user=name)
    user = User(name=name, key=key, display_name=display_name, email=email, created=work.now(), active=True, epoch=0)
    user.password_hash = None if password is None else _hash(password)
    work.session.add(user)
    work.session.flush()
    events.record(work, "user-created", subject=user.name)
    return user


def _hash(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise Invalid(f"The password is too short; use at least {MIN_PASSWORD} characters.", code="weak-password")
    if len(password) > 1024:
        raise Invalid("The password is too long; use at most 1,024 characters.", code="weak-password")
    return generate_password_hash(password)


def set_password(work: Work, name: str, password: str) -> None:
    """Set a user's password and end their sessions; needs Configure, or to be that user."""
    user = get_user(work, name)
    if work.actor.user_id != user.id:
        access.require(work, Permission.CONFIGURE)
    user.password_hash = _hash(password)
    user.epoch += 1
    events.record(work, "password-set", subject=user.name)


def set_active(work: Work, name: str, *, active: bool) -> None:
    """Enable or disable a user; disabling ends their sessions and silences their keys. Needs Configure."""
    access.require(work, Permission.CONFIGURE)
    user = get_user(work, name)
    user.active = active
    user.epoch += 1
    events.record(work, "user-enabled" if active else "user-disabled", subject=user.name)


def delete_user(work: Work, name: str) -> None:
    """Delete a user with their keys and grants; history keeps their name. Needs Configure."""
    access.require(work, Permission.CONFIGURE)
    user = get_user(work, name)
    events.record(work, "user-deleted", subject=user.name)
    work.session.delete(user)


def find_user(work: Work, name: str) -> User | None:
    """Give a user by name in any case, or None."""
    return work.session.scalars(select(User).where(User.key == fold(name))).one_or_none()


def get_user(work: Work, name: str) -> User:
    """Give a user by name in any case; raise NotFound."""
    user = find_user(work, name)
    if user is None:
        raise NotFound(f"There is no user {name!r}; list the users for the spelling.", code="unknown-user", user=name)
    return user


def list_users(work: Work) -> Sequence[User]:
    """Give every user by name; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    return work.session.scalars(select(User).order_by(User.key)).all()


def any_user(work: Work) -> bool:
    """Tell whether anybody can sign in yet."""
    return bool(work.session.scalar(select(func.count(User.id))))


def check_password(work: Work, name: str, password: str) -> User:
    """Give the active user with a name and password; raise Unauthenticated, equally slowly for every cause."""
    user = find_user(work, name)
    stored = user.password_hash if user is not None else None
    right = check_password_hash(stored or _nobody(), password[:1024])
    if user is None or stored is None or not right or not user.active:
        raise Unauthenticated("The name or the password is wrong; try again.", code="wrong-password")
    return user


# Groups -----------------------------------------------------------------------------------------------


def create_group(work: Work, name: str, members: Sequence[str] = ()) -> Group:
    """Create a group of users; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    key = fold(check_person_name(name))
    if work.session.scalar(select(Group.id).where(Group.key == key)) is not None:
        raise Conflict(f"There is a group {name!r} already; choose another name.", code="group-exists", group=name)
    group = Group(name=name, key=key, users=[get_user(work, member) for member in members])
    work.session.add(group)
    work.session.flush()
    events.record(work, "group-created", subject=name, members=[user.name for user in group.users])
    return group


def get_group(work: Work, name: str) -> Group:
    """Give a group by name in any case; raise NotFound."""
    group = work.session.scalars(select(Group).where(Group.key == fold(name))).one_or_none()
    if group is None:
        raise NotFound(f"There is no group {name!r}; list the groups for the spelling.", code="unknown-group")
    return group


def list_groups(work: Work) -> Sequence[Group]:
    """Give every group by name; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    return work.session.scalars(select(Group).order_by(Group.key)).all()


def set_members(work: Work, name: str, members: Sequence[str]) -> Group:
    """Replace a group's members; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    group = get_group(work, name)
    before = [user.name for user in group.users]
    group.users = [get_user(work, member) for member in dict.fromkeys(members)]
    events.record(work, "group-changed", subject=group.name, before=before, after=[u.name for u in group.users])
    return group


def delete_group(work: Work, name: str) -> None:
    """Delete a group with its grants; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    group = get_group(work, name)
    events.record(work, "group-deleted", subject=group.name)
    work.session.delete(group)
