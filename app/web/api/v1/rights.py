"""Tasks, grants, and who may what and why."""

from __future__ import annotations

from urllib.parse import quote

from app.services import grants, privileges, tasks
from app.services.grants import EVERYBODY, GrantRequest
from app.services.privileges import Principal
from app.services.runtime import Work
from app.services.tasks import TaskChange
from app.storage import models
from app.web.api.v1 import paging, schemas
from app.web.api.v1.operations import Call, Created, operation


@operation("GET", "/tasks", "rights")
def list_tasks(call: Call, query: schemas.Paged) -> schemas.TaskPage:
    """List the tasks with their attributes; needs Configure."""
    page, following = paging.after(tasks.see_tasks(call.work), lambda task: task.key, query.cursor, query.limit)
    return schemas.TaskPage(items=[_task(task) for task in page], next=following)


@operation("POST", "/tasks", "rights", creates=schemas.Task)
def create_task(call: Call, body: schemas.NewTask) -> Created:
    """Create a task of the installation's own; needs Configure."""
    return call.create(
        lambda work: _task(tasks.create_task(work, body.name, body.attributes, body.description)),
        lambda task: f"/tasks/{quote(task.name)}",
    )


@operation("GET", "/tasks/{name}", "rights")
def get_task(call: Call, name: str) -> schemas.Task:
    """Describe a task, and what looks wrong about it; needs Configure."""
    return _one(call.work, name)


@operation("PATCH", "/tasks/{name}", "rights", guarded=True)
def change_task(call: Call, name: str, body: schemas.TaskChange) -> schemas.Task:
    """Change a task of the installation's own; needs Configure."""
    wanted = TaskChange(body.name, body.description, body.attributes)
    return call.write(lambda work: _task(tasks.update_task(work, name, wanted)), lambda work: _one(work, name))


@operation("DELETE", "/tasks/{name}", "rights", guarded=True)
def delete_task(call: Call, name: str) -> None:
    """Delete a task of the installation's own with its grants; needs Configure."""
    call.delete(lambda work: tasks.delete_task(work, name), lambda work: _one(work, name))


def _one(work: Work, name: str) -> schemas.Task:
    return _task(tasks.see_task(work, name))


def _task(task: models.Task) -> schemas.Task:
    attributes = tasks.attributes_of(task)
    return schemas.Task(
        name=task.name,
        description=task.description,
        built_in=task.built_in,
        attributes=attributes,
        findings=[finding.message for finding in grants.lint_task(task.name, frozenset(attributes))],
    )


@operation("GET", "/grants", "rights")
def list_grants(call: Call, query: schemas.Paged) -> schemas.GrantPage:
    """List grants and restrictions; with Manage Feed only, those of the feeds one manages."""
    page, following = paging.after(grants.list_grants(call.work), lambda g: g.id, query.cursor, query.limit)
    return schemas.GrantPage(items=[_grant(grant) for grant in page], next=following)


@operation("POST", "/grants", "rights", creates=schemas.Grant)
def create_grant(call: Call, body: schemas.NewGrant) -> Created:
    """Grant a task, or restrict it; needs Configure, or Manage Feed on the feed it is about."""
    wanted = GrantRequest(
        body.task,
        body.user or "",
        body.group or "",
        body.principal or "",
        body.feed or "",
        body.feed_group or "",
        body.deny,
    )
    return call.create(lambda work: _grant(grants.grant(work, wanted)), lambda grant: f"/grants/{grant.number}")


@operation("GET", "/grants/{number}", "rights")
def get_grant(call: Call, number: int) -> schemas.Grant:
    """Describe a grant or restriction; needs what making it needs."""
    return _grant(grants.get_grant(call.work, number))


@operation("DELETE", "/grants/{number}", "rights")
def delete_grant(call: Call, number: int) -> None:
    """Take a grant or restriction back; needs what making it needs."""
    call.delete(lambda work: grants.revoke(work, number))


@operation("GET", "/privileges", "rights")
def test_privileges(call: Call, query: schemas.PrivilegeQuery) -> schemas.PrivilegePage:
    """Tell what somebody may do on a feed or the installation, and which grant decides each right.

    Needs Configure, or Manage Feed on that feed.
    """
    found = privileges.test(call.work, Principal(query.kind, query.name), query.feed)
    items = [
        schemas.Privilege(
            permission=each.permission,
            label=each.label,
            allowed=each.allowed,
            by_proxy=each.by_proxy,
            grant=_grant(each.grant) if each.grant else None,
        )
        for each in found
    ]
    return schemas.PrivilegePage(items=items)


@operation("GET", "/why", "rights")
def explain_right(call: Call, query: schemas.WhyQuery) -> schemas.Why:
    """Tell whether one holds a right, and if not what decides that and who can grant it."""
    why = privileges.why_not(call.work, query.permission, query.feed)
    return schemas.Why(
        permission=why.permission,
        label=why.label,
        feed=why.feed,
        allowed=why.allowed,
        grant=_grant(why.deciding) if why.deciding else None,
        granters=list(why.granters),
    )


def _grant(grant: models.Grant) -> schemas.Grant:
    return schemas.Grant(
        number=grant.id,
        task=grant.task.name,
        user=grant.user.name if grant.user else None,
        group=grant.group.name if grant.group else None,
        principal=grant.principal if grant.principal in EVERYBODY else None,  # type: ignore[arg-type] # is one of them
        feed=grant.feed.name if grant.feed else None,
        feed_group=grant.feed_group.name if grant.feed_group else None,
        deny=grant.deny,
    )
