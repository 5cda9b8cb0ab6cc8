"""Users and groups by API, in the vendor's shape; passwords come in and never go out."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Response

from app.domain.errors import Conflict, NotFound
from app.domain.names import fold
from app.domain.permissions import Permission
from app.plugin.web import json_response, text_response
from app.services import people
from app.services.people import UserChange
from app.services.runtime import Work
from app.storage.models import Group, User
from app.web.api.answers import as_bad_request, make_blueprint
from app.web.api.calls import Call, Fields, receive_from

blueprint = make_blueprint("people", "/api/security")


def _receive() -> Call:
    return receive_from(Permission.CONFIGURE)


# Users ------------------------------------------------------------------------------------------------


@blueprint.get("/users/list", strict_slashes=False)
def list_users() -> Response:
    """Give every user, or those whose name, display name or e-mail holds the search term."""
    call = _receive()
    term = fold(call.fields.text("search-term"))
    found = people.list_users(call.work)
    return json_response([_describe_user(user) for user in found if term in _searched(user)])


def _searched(user: User) -> str:
    return fold(f"{user.name}\n{user.display_name}\n{user.email}")


@blueprint.post("/users/add", strict_slashes=False)
def add_user() -> Response:
    """Create a user; without a password they sign in by a one-time link only."""
    call = _receive()
    fields, name = call.fields, call.fields.required("name")
    with as_bad_request(Conflict, NotFound), call.writing() as work:
        user = people.create_user(
            work,
            name,
            fields.text("password") or None,
            display_name=fields.text("displayName"),
            email=fields.text("email"),
            groups=fields.texts("groups") or (),
        )
        return json_response(_describe_user(user))


@blueprint.post("/users/update", strict_slashes=False)
def update_user() -> Response:
    """Change what is sent of a user; what is left out or null stays, groups replace the groups."""
    call = _receive()
    name = call.fields.required("name")
    with call.writing() as work:
        people.get_user(work, name)
        with as_bad_request(Conflict, NotFound):
            return json_response(_describe_user(_change_user(work, name, call.fields)))


def _change_user(work: Work, name: str, fields: Fields) -> User:
    groups, active, password = fields.texts("groups"), fields.flag("active"), fields.text("password")
    change = UserChange(fields.find("displayName"), fields.find("email"), groups)
    user = people.update_user(work, name, change)
    if password:
        people.set_password(work, name, password)
    if active is not None:
        people.set_active(work, name, active=active)
    return user


@blueprint.route("/users/delete", methods=["DELETE", "POST"], strict_slashes=False)
def delete_user() -> Response:
    """Delete a user with their keys and permissions; one that is not there is no error."""
    call = _receive()
    name = call.fields.required("user", "name")
    with as_bad_request(Conflict), suppress(NotFound), call.writing() as work:
        people.delete_user(work, name)
    return text_response("")


def _describe_user(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "displayName": user.display_name,
        "email": user.email,
        "groups": sorted(group.name for group in user.groups),
        "active": user.active,
    }


# Groups -----------------------------------------------------------------------------------------------


@blueprint.get("/groups/list", strict_slashes=False)
def list_groups() -> Response:
    """Give every group with its members."""
    return json_response([_describe_group(group) for group in people.list_groups(_receive().work)])


@blueprint.post("/groups/add", strict_slashes=False)
def add_group() -> Response:
    """Create a group."""
    call = _receive()
    name, members = call.fields.required("name"), call.fields.texts("users")
    with as_bad_request(Conflict, NotFound), call.writing() as work:
        return json_response(_describe_group(people.create_group(work, name, members or ())))


@blueprint.post("/groups/update", strict_slashes=False)
def update_group() -> Response:
    """Replace a group's members by those that are sent."""
    call = _receive()
    name, members = call.fields.required("name"), call.fields.texts("users")
    with call.writing() as work:
        group = people.get_group(work, name)
        with as_bad_request(Conflict, NotFound):
            return json_response(_describe_group(group if members is None else people.set_members(work, name, members)))


@blueprint.route("/groups/delete", methods=["DELETE", "POST"], strict_slashes=False)
def delete_group() -> Response:
    """Delete a group with its permissions."""
    call = _receive()
    name = call.fields.required("group", "name")
    with as_bad_request(Conflict), call.writing() as work:
        people.delete_group(work, name)
    return text_response("")


def _describe_group(group: Group) -> dict[str, Any]:
    return {"name": group.name, "users": sorted(user.name for user in group.users)}
