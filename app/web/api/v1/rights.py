"""Tasks, grants and restrictions, and what follows from them."""

from __future__ import annotations

from typing import Literal, cast
from urllib.parse import quote

from pydantic import Field

from app.domain.errors import NotFound
from app.domain.permissions import Permission
from app.services import access, grants, privileges, tasks
from app.services.grants import GrantRequest
from app.services.privileges import Principal
from app.services.tasks import TaskChange
from app.storage import models as stored
from app.web.api.v1.models import ABSENT, FeedName, Listed, Model, Name, Paging, Prose, Text
from app.web.api.v1.operations import Answer, Call, Match, Resource
from app.web.api.v1.paging import cut, cut_numbers, page

tasks_v1 = Resource("Tasks", "Named bundles of permission attributes.")
grants_v1 = Resource("Grants", "Tasks given to people on feeds, or restricted there.")
privileges_v1 = Resource("Privileges", "What somebody may, and which grant decides it.")
_NEEDS = "Configure Promontory"
_MANAGES = "Configure Promontory, or Manage Feeds on the feed that it is about"


class Task(Model):
    """Be a task."""

    name: str
    description: str
    built_in: bool
    attributes: list[Permission]


class NewTask(Model):
    """Describe a task to create."""

    name: Name
    description: Prose = ""
    attributes: list[Permission] = Field(min_length=1, max_length=100)


class ChangedTask(Model):
    """Hold what is to be changed of a task; what is left out stays."""

    name: Name = ABSENT
    description: Prose = ABSENT
    attributes: list[Permission] = Field(default=ABSENT, min_length=1, max_length=100)


_TASK = {"body": {"name": "Release", "attributes": ["Feeds_ViewFeed", "Feeds_AcceptPackagePromotions"]}}


@tasks_v1.get("/tasks", Listed[Task], needs=_NEEDS)
def list_tasks(call: Call, query: Paging) -> Answer:
    """List the tasks, by name: built-in ones and the installation's own."""
    access.require(call.work, Permission.CONFIGURE)
    rows = cut(tasks.list_tasks(call.work), query, lambda task: task.key)
    return page(Listed[Task], rows, query, lambda task: task.key, _task)


@tasks_v1.create("/tasks", Task, needs=_NEEDS, examples=_TASK)
def create_task(call: Call, body: NewTask) -> Answer:
    """Create a task of the installation's own."""
    made = tasks.create_task(call.work, body.name, body.attributes, body.description)
    return Answer(_task(made), location=f"/tasks/{quote(made.name)}")


@tasks_v1.get("/tasks/{task}", Task, needs=_NEEDS)
def get_task(call: Call, task: str) -> Answer:
    """Give a task with its attributes."""
    return Answer(_task(_held_task(call, task)))


@tasks_v1.patch("/tasks/{task}", Task, needs=_NEEDS, match=Match.REQUIRED, examples=_TASK)
def change_task(call: Call, task: str, body: ChangedTask) -> Answer:
    """Change a task of the installation's own; what is left out stays."""
    held = _held_task(call, task)
    call.check_match(_task(held))
    return Answer(
        _task(tasks.update_task(call.work, held.name, TaskChange(body.name, body.description, body.attributes)))
    )


@tasks_v1.delete("/tasks/{task}", needs=_NEEDS, match=Match.REQUIRED)
def delete_task(call: Call, task: str) -> Answer:
    """Delete a task of the installation's own with its grants."""
    held = _held_task(call, task)
    call.check_match(_task(held))
    tasks.delete_task(call.work, held.name)
    return Answer()


def _held_task(call: Call, name: str) -> stored.Task:
    access.require(call.work, Permission.CONFIGURE)
    return tasks.get_task(call.work, name)


def _task(task: stored.Task) -> Task:
    told = {"name": task.name, "description": task.description}
    return Task(**told, built_in=task.built_in, attributes=tasks.attributes_of(task))


# Grants -----------------------------------------------------------------------------------------------

Everybody = Literal["everyone", "authenticated", "anonymous"]
Kind = Literal["user", "group", "everyone", "authenticated", "anonymous"]


class Grant(Model):
    """Be a grant, or with `deny` a restriction; without feed and feed group it is about everywhere."""

    id: int
    task: str
    user: str | None
    group: str | None
    principal: Everybody | None
    feed: str | None
    feed_group: str | None
    deny: bool


class NewGrant(Model):
    """Say who gets, or is denied, which task where: one of user, group, principal; at most one of feed, feed group."""

    task: Name
    user: Name | None = None
    group: Name | None = None
    principal: Everybody | None = None
    feed: FeedName | None = None
    feed_group: Name | None = None
    deny: bool = False


class Finding(Model):
    """Say what looks wrong with a task or a grant."""

    code: str
    message: str
    task: str
    grant: int | None


_GRANT = {"body": {"task": "Promote Packages", "group": "Senior developers", "feed": "npm-prod"}}


@grants_v1.get("/grants", Listed[Grant], needs="Configure Promontory; with Manage Feeds, those of one's feeds")
def list_grants(call: Call, query: Paging) -> Answer:
    """List the grants and restrictions, by number."""
    rows = cut_numbers(grants.list_grants(call.work), query, lambda grant: grant.id)
    return page(Listed[Grant], rows, query, lambda grant: grant.id, _grant)


@grants_v1.create("/grants", Grant, needs=_MANAGES, examples=_GRANT)
def create_grant(call: Call, body: NewGrant) -> Answer:
    """Grant a task, or restrict it; what is there already is given again."""
    wanted = GrantRequest(
        task=body.task,
        user=body.user or "",
        group=body.group or "",
        principal=body.principal or "",
        feed=body.feed or "",
        feed_group=body.feed_group or "",
        deny=body.deny,
    )
    made = grants.grant(call.work, wanted)
    return Answer(_grant(made), location=f"/grants/{made.id}")


@grants_v1.get("/grants/findings", Listed[Finding], needs=_NEEDS)
def list_findings(call: Call, query: Paging) -> Answer:
    """Point out tasks and grants that allow more, or less, than they seem to."""
    numbered = list(enumerate(grants.lint(call.work), start=1))
    rows = cut_numbers(numbered, query, lambda row: row[0])
    return page(Listed[Finding], rows, query, lambda row: row[0], lambda row: _finding(row[1]))


@grants_v1.get("/grants/{grant}", Grant, needs=_MANAGES)
def get_grant(call: Call, grant: int) -> Answer:
    """Give a grant or restriction."""
    return Answer(_grant(_held_grant(call, grant)))


@grants_v1.delete("/grants/{grant}", needs=_MANAGES)
def revoke_grant(call: Call, grant: int) -> Answer:
    """Take a grant or restriction back."""
    call.check_match(_grant(_held_grant(call, grant)))
    grants.revoke(call.work, grant)
    return Answer()


def _held_grant(call: Call, number: int) -> stored.Grant:
    """Give a grant; whoever manages feeds only knows of those about them, and others are as if they were not."""
    found = call.work.session.get(stored.Grant, number)
    feed = None if found is None else found.feed
    if feed is None or not access.allowed(call.work, Permission.MANAGE_FEED, feed):
        access.require(call.work, Permission.CONFIGURE)
    if found is None:
        raise NotFound(f"There is no grant {number}; list the grants for their numbers.", code="unknown-grant")
    return found


def _grant(grant: stored.Grant) -> Grant:
    named = grant.principal if grant.principal in grants.EVERYBODY else None
    return Grant(
        id=grant.id,
        task=grant.task.name,
        user=grant.user.name if grant.user else None,
        group=grant.group.name if grant.group else None,
        principal=cast("Everybody | None", named),
        feed=grant.feed.name if grant.feed else None,
        feed_group=grant.feed_group.name if grant.feed_group else None,
        deny=grant.deny,
    )


def _finding(finding: grants.Finding) -> Finding:
    return Finding(code=finding.code, message=finding.message, task=finding.task, grant=finding.grant_id)


# Privileges -------------------------------------------------------------------------------------------


class Privilege(Model):
    """Say whether an attribute is allowed, and which grant or restriction decided; none did where none speaks of it."""

    permission: Permission
    label: str
    allowed: bool
    by_proxy: bool = Field(description="Whether the task holds not the attribute itself but one that stands for it.")
    grant: Grant | None


class PrivilegesQuery(Paging):
    """Say whose rights are wanted, and where."""

    kind: Kind
    name: Text = Field(default="", description="The name of the user or group.")
    feed: Text = Field(default="", description="The feed; empty: the installation.")


class WhyQuery(Model):
    """Say which right is missed, and where."""

    permission: Permission
    feed: Text = Field(default="", description="The feed; empty: the installation.")


class Refusal(Model):
    """Say whether the caller holds a right, what decided that, and who can grant it."""

    permission: Permission
    label: str
    feed: str
    allowed: bool
    decided_by: Grant | None = Field(description="The grant or restriction that decided.")
    granters: list[str]


@privileges_v1.get("/privileges", Listed[Privilege], needs=_MANAGES)
def list_privileges(call: Call, query: PrivilegesQuery) -> Answer:
    """List what somebody may on a feed or on the installation, and which grant decides each."""
    held = privileges.test(call.work, Principal(query.kind, query.name), query.feed)
    rows = cut_numbers(list(enumerate(held, start=1)), query, lambda row: row[0])
    return page(Listed[Privilege], rows, query, lambda row: row[0], lambda row: _privilege(row[1]))


@privileges_v1.get("/privileges/own", Refusal, needs="nothing")
def explain_own_privilege(call: Call, query: WhyQuery) -> Answer:
    """Tell the caller whether they hold a right, why, and who can grant it."""
    found = privileges.why_not(call.work, query.permission, query.feed)
    told = {"permission": found.permission, "label": found.label, "feed": found.feed, "allowed": found.allowed}
    decided = None if found.deciding is None else _grant(found.deciding)
    return Answer(Refusal.model_validate({**told, "decided_by": decided, "granters": list(found.granters)}))


def _privilege(privilege: privileges.Privilege) -> Privilege:
    return Privilege(
        permission=privilege.permission,
        label=privilege.label,
        allowed=privilege.allowed,
        by_proxy=privilege.by_proxy,
        grant=None if privilege.grant is None else _grant(privilege.grant),
    )
