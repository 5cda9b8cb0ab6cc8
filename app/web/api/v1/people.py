"""Users and groups of users."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import Field

from app.domain.permissions import Permission
from app.services import access, pages, people
from app.services.people import UserChange
from app.storage import models as stored
from app.web.api.v1.models import ABSENT, Listed, Model, Moment, Name, Paging, Text
from app.web.api.v1.operations import Answer, Call, Match, Resource
from app.web.api.v1.paging import cut, page, text_after

users_v1 = Resource("Users", "People who sign in.")
groups_v1 = Resource("Groups", "Users who share grants.")
_NEEDS = "Configure Promontory"


class User(Model):
    """Be a user; whether they have a password is told, never what it is."""

    name: str
    display_name: str
    email: str
    active: bool
    has_password: bool
    groups: list[str]
    created: Moment
    last_seen: Moment | None


class NewUser(Model):
    """Describe a user to create; without a password they sign in by a one-time link only."""

    name: Name
    password: str | None = Field(default=None, min_length=1, max_length=1000, json_schema_extra={"format": "password"})
    display_name: Text = ""
    email: Text = ""
    groups: list[Name] = Field(default=[], max_length=100)


class ChangedUser(Model):
    """Hold what is to be changed of a user; what is left out stays."""

    display_name: Text = ABSENT
    email: Text = ABSENT
    groups: list[Name] = Field(default=ABSENT, max_length=100, description="These replace the groups.")
    active: bool = Field(default=ABSENT, description="Disabling ends their sessions and silences their keys.")


class NewPassword(Model):
    """Hold a password to set."""

    password: str = Field(min_length=1, max_length=1000, json_schema_extra={"format": "password"})


class UsersQuery(Paging):
    """Say which users are wanted."""

    text: Text = Field(default="", description="A part of the name, the display name or the e-mail address.")


_NEW = {"body": {"name": "ada", "displayName": "Ada Lovelace", "email": "ada@example.org", "groups": []}}


@users_v1.get("/users", Listed[User], needs=_NEEDS)
def list_users(call: Call, query: UsersQuery) -> Answer:
    """List or search the users, by name."""
    rows = pages.users(call.work, query.text, text_after(query), query.limit + 1)
    return page(Listed[User], rows, query, lambda user: user.key, _user)


@users_v1.create("/users", User, needs=_NEEDS, examples=_NEW)
def create_user(call: Call, body: NewUser) -> Answer:
    """Create a user."""
    told = {"display_name": body.display_name, "email": body.email}
    made = people.create_user(call.work, body.name, body.password, groups=body.groups, **told)
    return Answer(_user(made), location=f"/users/{quote(made.name)}")


@users_v1.get("/users/{user}", User, needs=_NEEDS)
def get_user(call: Call, user: str) -> Answer:
    """Give a user."""
    return Answer(_user(_held_user(call, user)))


@users_v1.patch("/users/{user}", User, needs=_NEEDS, examples={"body": {"active": False}})
def change_user(call: Call, user: str, body: ChangedUser) -> Answer:
    """Change a user's particulars or groups, enable or disable them; what is left out stays."""
    held = _held_user(call, user)
    call.check_match(_user(held))
    people.update_user(call.work, held.name, UserChange(body.display_name, body.email, body.groups))
    if body.active is not None:
        people.set_active(call.work, held.name, active=body.active)
    return Answer(_user(held))


@users_v1.delete("/users/{user}", needs=_NEEDS)
def delete_user(call: Call, user: str) -> Answer:
    """Delete a user with their keys and grants; history keeps their name."""
    held = _held_user(call, user)
    call.check_match(_user(held))
    people.delete_user(call.work, held.name)
    return Answer()


@users_v1.put(
    "/users/{user}/password",
    User,
    needs=f"{_NEEDS}, or to be that user and to send their password, not a key",
    match=Match.NONE,
    examples={"body": {"password": "correct horse battery staple"}},
)
def set_password(call: Call, user: str, body: NewPassword) -> Answer:
    """Set a user's password, which ends their sessions."""
    named = people.find_user(call.work, user)
    if named is None or call.work.actor.user_id != named.id:
        access.require(call.work, Permission.CONFIGURE)
    held = people.get_user(call.work, user)
    people.set_password(call.work, held.name, body.password)
    return Answer(_user(held))


def _held_user(call: Call, name: str) -> stored.User:
    access.require(call.work, Permission.CONFIGURE)
    return people.get_user(call.work, name)


def _user(user: stored.User) -> User:
    return User(
        name=user.name,
        display_name=user.display_name,
        email=user.email,
        active=user.active,
        has_password=user.password_hash is not None,
        groups=sorted(group.name for group in user.groups),
        created=user.created,
        last_seen=user.last_seen,
    )


# Groups -----------------------------------------------------------------------------------------------


class Group(Model):
    """Be a group with its members."""

    name: str
    members: list[str]


class NewGroup(Model):
    """Describe a group to create."""

    name: Name
    members: list[Name] = Field(default=[], max_length=1000)


class ChangedGroup(Model):
    """Hold what is to be changed of a group; what is left out stays."""

    name: Name = ABSENT
    members: list[Name] = Field(default=ABSENT, max_length=1000, description="These replace the members.")


_CREW = {"body": {"name": "Senior developers", "members": []}}


@groups_v1.get("/groups", Listed[Group], needs=_NEEDS)
def list_groups(call: Call, query: Paging) -> Answer:
    """List the groups, by name."""
    rows = cut(people.list_groups(call.work), query, lambda group: group.key)
    return page(Listed[Group], rows, query, lambda group: group.key, _group)


@groups_v1.create("/groups", Group, needs=_NEEDS, examples=_CREW)
def create_group(call: Call, body: NewGroup) -> Answer:
    """Create a group."""
    made = people.create_group(call.work, body.name, list(dict.fromkeys(body.members)))
    return Answer(_group(made), location=f"/groups/{quote(made.name)}")


@groups_v1.get("/groups/{group}", Group, needs=_NEEDS)
def get_group(call: Call, group: str) -> Answer:
    """Give a group with its members."""
    return Answer(_group(_held_group(call, group)))


@groups_v1.patch("/groups/{group}", Group, needs=_NEEDS, match=Match.REQUIRED, examples={"body": {"members": []}})
def change_group(call: Call, group: str, body: ChangedGroup) -> Answer:
    """Rename a group or replace its members; what is left out stays."""
    held = _held_group(call, group)
    call.check_match(_group(held))
    if body.members is not None:
        people.set_members(call.work, held.name, body.members)
    if body.name is not None and body.name != held.name:
        people.rename_group(call.work, held.name, body.name)
    return Answer(_group(held))


@groups_v1.delete("/groups/{group}", needs=_NEEDS, match=Match.REQUIRED)
def delete_group(call: Call, group: str) -> Answer:
    """Delete a group with its grants; its members stay as users."""
    held = _held_group(call, group)
    call.check_match(_group(held))
    people.delete_group(call.work, held.name)
    return Answer()


def _held_group(call: Call, name: str) -> stored.Group:
    access.require(call.work, Permission.CONFIGURE)
    return people.get_group(call.work, name)


def _group(group: stored.Group) -> Group:
    return Group(name=group.name, members=sorted(user.name for user in group.users))
