"""Users, their sessions, and groups."""

from __future__ import annotations

from urllib.parse import quote

from app.services import people, sessions
from app.services.people import UserChange
from app.services.runtime import Work
from app.storage import models
from app.web.api.v1 import paging, schemas
from app.web.api.v1.operations import Call, Created, operation


@operation("GET", "/users", "people")
def list_users(call: Call, query: schemas.UserQuery) -> schemas.UserPage:
    """List the users; needs Configure."""
    word = query.text.casefold()
    found = [
        user
        for user in people.list_users(call.work)
        if word in f"{user.key} {user.display_name} {user.email}".casefold()
    ]
    page, following = paging.after(found, lambda user: user.key, query.cursor, query.limit)
    return schemas.UserPage(items=[_user(user) for user in page], next=following)


@operation("POST", "/users", "people", creates=schemas.User)
def create_user(call: Call, body: schemas.NewUser) -> Created:
    """Create a user; needs Configure."""

    def make(work: Work) -> schemas.User:
        about = {"display_name": body.display_name, "email": body.email}
        return _user(people.create_user(work, body.name, body.password, **about, groups=body.groups))

    return call.create(make, lambda user: f"/users/{quote(user.name)}")


@operation("GET", "/users/{name}", "people")
def get_user(call: Call, name: str) -> schemas.User:
    """Describe a user; needs Configure, or to be that user."""
    return _one(call.work, name)


@operation("PATCH", "/users/{name}", "people")
def change_user(call: Call, name: str, body: schemas.UserChange) -> schemas.User:
    """Change a user, or disable and enable them; needs Configure."""

    def change(work: Work) -> schemas.User:
        user = people.update_user(work, name, UserChange(body.display_name, body.email, body.groups))
        if body.active is not None:
            people.set_active(work, name, active=body.active)
        return _user(user)

    return call.write(change)


@operation("DELETE", "/users/{name}", "people")
def delete_user(call: Call, name: str) -> None:
    """Delete a user with their keys and grants; history keeps their name. Needs Configure."""
    call.delete(lambda work: people.delete_user(work, name))


@operation("PUT", "/users/{name}/password", "people")
def set_password(call: Call, name: str, body: schemas.Password) -> None:
    """Set a user's password and end their sessions; needs Configure, or the user's own password."""
    call.delete(lambda work: people.set_password(work, name, body.password))


@operation("GET", "/users/{name}/sessions", "people")
def list_sessions(call: Call, name: str, query: schemas.Paged) -> schemas.SessionPage:
    """List where a user is signed in; needs Configure, or to be that user."""
    found = sorted(sessions.list_sessions(call.work, name), key=lambda session: session.id)
    page, following = paging.after(found, lambda session: session.id, query.cursor, query.limit)
    items = [schemas.Session(number=s.id, began=s.began, seen=s.seen, address=s.address, agent=s.agent) for s in page]
    return schemas.SessionPage(items=items, next=following)


@operation("DELETE", "/users/{name}/sessions", "people")
def end_sessions(call: Call, name: str) -> None:
    """Sign a user out everywhere; needs Configure, or to be that user."""
    call.delete(lambda work: sessions.end_all(work, name))


def _one(work: Work, name: str) -> schemas.User:
    return _user(people.see_user(work, name))


def _user(user: models.User) -> schemas.User:
    return schemas.User(
        name=user.name,
        display_name=user.display_name,
        email=user.email,
        groups=sorted(group.name for group in user.groups),
        active=user.active,
        directory=user.directory,
        created=user.created,
        last_seen=user.last_seen,
    )


# Groups -----------------------------------------------------------------------------------------------


@operation("GET", "/groups", "people")
def list_groups(call: Call, query: schemas.Paged) -> schemas.GroupPage:
    """List the groups with their members; needs Configure."""
    page, following = paging.after(people.list_groups(call.work), lambda g: g.key, query.cursor, query.limit)
    return schemas.GroupPage(items=[_group(group) for group in page], next=following)


@operation("POST", "/groups", "people", creates=schemas.Group)
def create_group(call: Call, body: schemas.NewGroup) -> Created:
    """Create a group; needs Configure."""
    return call.create(
        lambda work: _group(people.create_group(work, body.name, body.members)),
        lambda group: f"/groups/{quote(group.name)}",
    )


@operation("GET", "/groups/{name}", "people")
def get_group(call: Call, name: str) -> schemas.Group:
    """Describe a group; needs Configure."""
    return _one_group(call.work, name)


@operation("PATCH", "/groups/{name}", "people", guarded=True)
def change_group(call: Call, name: str, body: schemas.GroupChange) -> schemas.Group:
    """Rename a group or replace its members; needs Configure."""

    def change(work: Work) -> schemas.Group:
        if body.members is not None:
            people.set_members(work, name, body.members)
        if body.name is not None:
            people.rename_group(work, name, body.name)
        return _one_group(work, body.name or name)

    return call.write(change, lambda work: _one_group(work, name))


@operation("DELETE", "/groups/{name}", "people", guarded=True)
def delete_group(call: Call, name: str) -> None:
    """Delete a group with its grants; needs Configure."""
    call.delete(lambda work: people.delete_group(work, name), lambda work: _one_group(work, name))


def _one_group(work: Work, name: str) -> schemas.Group:
    return _group(people.see_group(work, name))


def _group(group: models.Group) -> schemas.Group:
    return schemas.Group(name=group.name, members=sorted(user.name for user in group.users))
