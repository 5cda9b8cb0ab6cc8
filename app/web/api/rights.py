"""Tasks, their attributes, and permissions by API, in the vendor's shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response

from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.names import fold
from app.domain.permissions import FEED_PERMISSIONS, Permission
from app.plugin.web import json_response, text_response
from app.services import grants, people, tasks
from app.services.grants import GrantRequest
from app.services.runtime import Work
from app.services.tasks import TaskChange
from app.storage.models import Grant, Task
from app.web.api.answers import as_bad_request, make_blueprint
from app.web.api.calls import Call, Fields, receive_from, without_nothing

blueprint = make_blueprint("rights", "/api/security")

_BY_CODE = {fold(permission.value): permission for permission in Permission}


def _receive() -> Call:
    return receive_from(Permission.CONFIGURE)


# Tasks ------------------------------------------------------------------------------------------------


@blueprint.get("/attributes/list", strict_slashes=False)
def list_attributes() -> Response:
    """Give the attributes that a task can contain."""
    _receive()
    return json_response([{"name": each.value, "feedScoped": each in FEED_PERMISSIONS} for each in sorted(Permission)])


@blueprint.get("/tasks/list", strict_slashes=False)
def list_tasks() -> Response:
    """Give every task with its attributes."""
    return json_response([_describe_task(task) for task in tasks.list_tasks(_receive().work)])


@blueprint.post("/tasks/add", strict_slashes=False)
def add_task() -> Response:
    """Create a task of the installation's own; whether it is about feeds follows from its attributes."""
    call = _receive()
    fields, name = call.fields, call.fields.required("name")
    attributes = _permissions(fields.texts("attributes") or ())
    with as_bad_request(Conflict), call.writing() as work:
        return json_response(
            _describe_task(tasks.create_task(work, name, attributes, fields.prose("description") or ""))
        )


@blueprint.post("/tasks/update", strict_slashes=False)
def update_task() -> Response:
    """Change what is sent of a task; attributes replace the attributes."""
    call = _receive()
    sent, name = call.fields.texts("attributes"), call.fields.required("name")
    change = TaskChange(
        description=call.fields.prose("description"),
        attributes=None if sent is None else _permissions(sent),
    )
    with as_bad_request(Conflict), call.writing() as work:
        return json_response(_describe_task(tasks.update_task(work, name, change)))


@blueprint.route("/tasks/delete", methods=["DELETE", "POST"], strict_slashes=False)
def delete_task() -> Response:
    """Delete a task of the installation's own with its permissions."""
    call = _receive()
    name = call.fields.required("task", "name")
    with as_bad_request(Conflict), call.writing() as work:
        tasks.delete_task(work, name)
    return text_response("")


def _permissions(codes: Iterable[str]) -> list[Permission]:
    codes = list(codes)
    unknown = [code for code in codes if fold(code) not in _BY_CODE]
    if unknown:
        raise Invalid(
            f"There is no attribute {unknown[0][:60]!r}; /api/security/attributes/list lists them.",
            code="unknown-attribute",
        )
    return [_BY_CODE[fold(code)] for code in codes]


def _describe_task(task: Task) -> dict[str, Any]:
    attributes = tasks.attributes_of(task)
    return {
        "name": task.name,
        "description": task.description,
        "feedScoped": FEED_PERMISSIONS.issuperset(attributes),
        "attributes": [attribute.value for attribute in attributes],
        "builtIn": task.built_in,
    }


# Permissions ------------------------------------------------------------------------------------------


@blueprint.get("/permissions/list", strict_slashes=False)
def list_permissions() -> Response:
    """Give every permission and restriction."""
    return json_response([_describe(grant) for grant in grants.list_grants(_receive().work)])


@blueprint.post("/permissions/add", strict_slashes=False)
def add_permission() -> Response:
    """Grant a task to a user or group, or with ``deny`` restrict it; the same again gives the one that is there."""
    call = _receive()
    with as_bad_request(Conflict, NotFound), call.writing() as work:
        return json_response(_describe(grants.grant(work, _request(work, call.fields))))


@blueprint.route("/permissions/delete", methods=["DELETE", "POST"], strict_slashes=False)
def delete_permission() -> Response:
    """Take a permission or restriction back."""
    call = _receive()
    number = call.fields.number("permissionId")
    with as_bad_request(Conflict), call.writing() as work:
        grants.revoke(work, number)
    return text_response("")


def _request(work: Work, fields: Fields) -> GrantRequest:
    user = fields.text("user").strip()
    principal = fold(user) if fold(user) in grants.EVERYBODY else ""
    if principal and people.find_user(work, user) is not None:
        raise Conflict(f"{user!r} is a user and a kind of people; rename the user first.", code="ambiguous-user")
    return GrantRequest(
        task=fields.required("task"),
        user="" if principal else user,
        principal=principal,
        group=fields.text("group").strip(),
        feed=fields.text("feed").strip(),
        feed_group=fields.text("feedGroup").strip(),
        deny=bool(fields.flag("deny")),
    )


def _describe(grant: Grant) -> dict[str, Any]:
    user = grant.user.name if grant.user else None
    return without_nothing(
        {
            "id": grant.id,
            "user": grant.principal.capitalize() if grant.principal in grants.EVERYBODY else user,
            "group": grant.group.name if grant.group else None,
            "task": grant.task.name,
            "feed": grant.feed.name if grant.feed else None,
            "feedGroup": grant.feed_group.name if grant.feed_group else None,
            "deny": grant.deny,
        }
    )
