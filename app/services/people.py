"""Users and groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import selectinload

from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.names import check_person_name, fold
from app.domain.permissions import Permission
from app.services import access, events, passwords
from app.services.runtime import Work
from app.storage.models import Group, User, UserSession

RESERVED = frozenset({"everyone", "authenticated", "anonymous"})
MAX_EMAIL, MAX_DISPLAY_NAME = 254, 200


@dataclass(frozen=True, slots=True)
class UserChange:
    """Hold what is to be changed of a user; None keeps what is there, groups replace the groups."""

    display_name: str | None = None
    email: str | None = None
    groups: Sequence[str] | None = None


def create_user(
    work: Work,
    name: str,
    password: str | None = None,
    *,
    display_name: str = "",
    email: str = "",
    groups: Iterable[str] = (),
) -> User:
    """Create a user; without a password they sign in by a one-time link only. Needs Configure."""
    access.require(work, Permission.CONFIGURE)
    key = fold(check_person_name(name))
    if key in RESERVED:
        raise Invalid(f"{name!r} means a kind of people in permissions; choose another name.", code="invalid-name")
    if work.session.scalar(select(User.id).where(User.key == key)) is not None:
        raise Conflict(f"There is a user {name!r} already; choose another name.", code="user-exists", user=name)
    user = User(name=name, key=key, created=work.now(), active=True, epoch=0)
    user.display_name, user.email = _checked(display_name, email)
    user.password_hash = None if password is None else passwords.hash_new(password, name, display_name, email)
    user.groups = [get_group(work, group) for group in _once(groups)]
    work.session.add(user)
    work.session.flush()
    events.record(work, "user-created", subject=user.name, **_describe(user))
    return user


def update_user(work: Work, name: str, change: UserChange) -> User:
    """Change a user's particulars or groups; needs Configure. Raises Conflict for the last administrator's groups."""
    access.require(work, Permission.CONFIGURE)
    user = get_user(work, name)
    before = _describe(user)
    with access.administrator_stays(work):
        display_name = user.display_name if change.display_name is None else change.display_name
        email = user.email if change.email is None else change.email
        user.display_name, user.email = _checked(display_name, email)
        if change.groups is not None:
            user.groups = [get_group(work, group) for group in _once(change.groups)]
    after = _describe(user)
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changed:
        events.record(work, "user-changed", subject=user.name, changed=changed)
    return user


def _once(names: Iterable[str]) -> list[str]:
    """Give names once each, whatever their case."""
    return list({fold(name): name for name in names}.values())


def _checked(display_name: str, email: str) -> tuple[str, str]:
    if len(display_name) > MAX_DISPLAY_NAME:
        raise Invalid(f"The display name is too long; use at most {MAX_DISPLAY_NAME} characters.", code="invalid-name")
    if len(email) > MAX_EMAIL or (email and "@" not in email[1:-1]):
        raise Invalid(f"{email[:60]!r} is no e-mail address; write name@example.org, or nothing.", code="invalid-email")
    return display_name, email


def _describe(user: User) -> dict[str, Any]:
    groups = sorted(group.name for group in user.groups)
    return {"displayName": user.display_name, "email": user.email, "groups": groups}


def set_password(work: Work, name: str, password: str) -> None:
    """Set a user's password and end their sessions; needs Configure, or to be that user."""
    user = see_user(work, name)
    if work.actor.key_id is not None:
        access.require(work, Permission.CONFIGURE)
    user.password_hash = passwords.hash_new(password, user.name, user.display_name, user.email)
    _end_sessions(work, user)
    events.record(work, "password-set", subject=user.name)


def _end_sessions(work: Work, user: User) -> None:
    user.epoch += 1
    work.session.execute(delete(UserSession).where(UserSession.user_id == user.id))


def set_active(work: Work, name: str, *, active: bool) -> None:
    """Enable or disable a user; disabling ends their sessions and silences their keys. Needs Configure."""
    access.require(work, Permission.CONFIGURE)
    user = get_user(work, name)
    if user.active == active:
        return
    with access.administrator_stays(work):
        user.active = active
        _end_sessions(work, user)
        events.record(work, "user-enabled" if active else "user-disabled", subject=user.name)


def delete_user(work: Work, name: str) -> None:
    """Delete a user with their keys and grants; history keeps their name. Needs Configure."""
    access.require(work, Permission.CONFIGURE)
    user = get_user(work, name)
    with access.administrator_stays(work):
        events.record(work, "user-deleted", subject=user.name, **_describe(user))
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


def see_user(work: Work, name: str) -> User:
    """Give a user to somebody who asks; needs Configure, or to be that user. Raises NotFound."""
    user = find_user(work, name)
    if user is None or work.actor.user_id != user.id:
        access.require(work, Permission.CONFIGURE)
    return get_user(work, name)


def list_users(work: Work) -> Sequence[User]:
    """Give every user by name; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    return work.session.scalars(select(User).options(selectinload(User.groups)).order_by(User.key)).all()


def find_users(work: Work, text: str, limit: int = 20) -> Sequence[User]:
    """Give the users whose name, display name or e-mail holds a text; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    columns = (User.name, User.display_name, User.email)
    holds = or_(*(func.lower(column).contains(text.lower(), autoescape=True) for column in columns))
    query = select(User).where(holds).options(selectinload(User.groups)).order_by(User.key).limit(limit)
    return work.session.scalars(query).all()


def any_user(work: Work) -> bool:
    """Tell whether anybody can sign in yet."""
    return bool(work.session.scalar(select(func.count(User.id))))


# Groups -----------------------------------------------------------------------------------------------


def create_group(work: Work, name: str, members: Sequence[str] = ()) -> Group:
    """Create a group of users; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    key = fold(check_person_name(name))
    if work.session.scalar(select(Group.id).where(Group.key == key)) is not None:
        raise Conflict(f"There is a group {name!r} already; choose another name.", code="group-exists", group=name)
    group = Group(name=name, key=key, users=[get_user(work, member) for member in _once(members)])
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


def see_group(work: Work, name: str) -> Group:
    """Give a group to somebody who asks; needs Configure. Raises NotFound."""
    access.require(work, Permission.CONFIGURE)
    return get_group(work, name)


def list_groups(work: Work) -> Sequence[Group]:
    """Give every group by name; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    return work.session.scalars(select(Group).options(selectinload(Group.users)).order_by(Group.key)).all()


def set_members(work: Work, name: str, members: Iterable[str]) -> Group:
    """Replace a group's members; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    group = get_group(work, name)
    before = sorted(user.name for user in group.users)
    with access.administrator_stays(work):
        group.users = [get_user(work, member) for member in _once(members)]
    after = sorted(user.name for user in group.users)
    if before != after:
        events.record(work, "group-changed", subject=group.name, changed={"members": [before, after]})
    return group


def add_members(work: Work, name: str, members: Iterable[str]) -> Group:
    """Add users to a group; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    held = [user.name for user in get_group(work, name).users]
    return set_members(work, name, [*held, *members])


def remove_members(work: Work, name: str, members: Iterable[str]) -> Group:
    """Take users out of a group; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    gone = {fold(member) for member in members}
    return set_members(work, name, [user.name for user in get_group(work, name).users if user.key not in gone])


def rename_group(work: Work, name: str, new: str) -> Group:
    """Give a group another name; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    group, key = get_group(work, name), fold(check_person_name(new))
    other = work.session.scalars(select(Group).where(Group.key == key)).one_or_none()
    if other is not None and other.id != group.id:
        raise Conflict(f"There is a group {new!r} already; choose another name.", code="group-exists", group=new)
    before, (group.name, group.key) = group.name, (new, key)
    events.record(work, "group-changed", subject=new, changed={"name": [before, new]})
    return group


def delete_group(work: Work, name: str) -> None:
    """Delete a group with its grants; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    group = get_group(work, name)
    with access.administrator_stays(work):
        events.record(work, "group-deleted", subject=group.name, members=sorted(user.name for user in group.users))
        work.session.delete(group)
