"""Grant tasks to people on scopes, and restrict them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.domain.errors import Invalid, NotFound
from app.domain.names import fold
from app.domain.permissions import BUILT_IN_TASKS, Permission
from app.services import access, events, people
from app.services.runtime import Work
from app.storage.models import Feed, FeedGroup, Grant, Task, TaskAttribute

EVERYBODY = ("everyone", "authenticated", "anonymous")


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """Say who gets, or is denied, which task where.

    Exactly one of ``user``, ``group`` and ``principal`` (everyone, authenticated, anonymous); at most one of
    ``feed`` and ``feed_group``; neither means everywhere.
    """

    task: str
    user: str = ""
    group: str = ""
    principal: str = ""
    feed: str = ""
    feed_group: str = ""
    deny: bool = False


def install_built_in_tasks(work: Work) -> None:
    """Bring the built-in tasks into a new database; does nothing where they are."""
    known = set(work.session.scalars(select(Task.key)))
    for built_in in BUILT_IN_TASKS:
        if fold(built_in.name) in known:
            continue
        attributes = [TaskAttribute(attribute=attribute.value) for attribute in sorted(built_in.attributes)]
        work.session.add(
            Task(
                name=built_in.name,
                key=fold(built_in.name),
                description=built_in.description,
                built_in=True,
                attributes=attributes,
            )
        )
    work.session.flush()


def grant(work: Work, request: GrantRequest) -> Grant:
    """Grant or restrict a task; needs Configure, or Manage Feed on the feed it is about."""
    feed = access.get_feed(work, request.feed) if request.feed else None
    if feed is None or not access.allowed(work, Permission.MANAGE_FEED, feed):
        access.require(work, Permission.CONFIGURE)
    entry = Grant(task=get_task(work, request.task), feed=feed, deny=request.deny)
    entry.feed_group = _feed_group(work, request.feed_group) if request.feed_group else None
    _check(work, request, entry.task)
    _name_principal(work, entry, request)
    work.session.add(entry)
    work.session.flush()
    events.record(
        work,
        "restriction-added" if request.deny else "grant-added",
        feed=feed.name if feed else None,
        subject=describe_principal(entry),
        task=entry.task.name,
        feedGroup=request.feed_group,
    )
    return entry


def _check(work: Work, request: GrantRequest, task: Task) -> None:
    if sum(map(bool, (request.user, request.group, request.principal))) != 1:
        raise Invalid("A grant names one user, one group, or everyone, authenticated or anonymous.")
    if request.feed and request.feed_group:
        raise Invalid("A grant is about one feed, one feed group, or everywhere; give one of them.")
    # Who may only manage one feed could otherwise hand out more than they hold.
    wide = {a.attribute for a in task.attributes} - set(map(str, Permission)) or task.key == "administer"
    if wide and not access.allowed(work, Permission.CONFIGURE):
        access.require(work, Permission.CONFIGURE)


def _name_principal(work: Work, entry: Grant, request: GrantRequest) -> None:
    if request.user:
        entry.principal, entry.user = "user", people.get_user(work, request.user)
    elif request.group:
        entry.principal, entry.group = "group", people.get_group(work, request.group)
    elif request.principal in EVERYBODY:
        entry.principal = request.principal
    else:
        raise Invalid(f"There is no principal {request.principal!r}; use {', '.join(EVERYBODY)}.")


def describe_principal(entry: Grant) -> str:
    """Name whom a grant is about."""
    if entry.user is not None:
        return f"user {entry.user.name}"
    return f"group {entry.group.name}" if entry.group is not None else entry.principal


def describe_scope(entry: Grant) -> str:
    """Name where a grant applies."""
    if entry.feed is not None:
        return f"feed {entry.feed.name}"
    return f"feed group {entry.feed_group.name}" if entry.feed_group is not None else "everywhere"


def get_task(work: Work, name: str) -> Task:
    """Give a task by name in any case; raise NotFound."""
    task = work.session.scalars(select(Task).where(Task.key == fold(name))).one_or_none()
    if task is None:
        known = ", ".join(work.session.scalars(select(Task.name).order_by(Task.key)))
        raise NotFound(f"There is no task {name!r}; known are {known}.", code="unknown-task", task=name)
    return task


def list_tasks(work: Work) -> Sequence[Task]:
    """Give every task by name."""
    return work.session.scalars(select(Task).order_by(Task.key)).all()


def _feed_group(work: Work, name: str) -> FeedGroup:
    group = work.session.scalars(select(FeedGroup).where(FeedGroup.key == fold(name))).one_or_none()
    if group is None:
        raise NotFound(f"There is no feed group {name!r}; put a feed into it first.", code="unknown-feed-group")
    return group


def list_grants(work: Work) -> Sequence[Grant]:
    """Give every grant and restriction; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    return work.session.scalars(select(Grant).order_by(Grant.id)).all()


def revoke(work: Work, grant_id: int) -> None:
    """Take a grant or restriction back; raise NotFound."""
    entry = work.session.get(Grant, grant_id)
    feed = work.session.get(Feed, entry.feed_id) if entry is not None and entry.feed_id is not None else None
    if feed is None or not access.allowed(work, Permission.MANAGE_FEED, feed):
        access.require(work, Permission.CONFIGURE)
    if entry is None:
        raise NotFound(f"There is no grant {grant_id}; list the grants for their numbers.", code="unknown-grant")
    events.record(
        work,
        "restriction-removed" if entry.deny else "grant-removed",
        feed=feed.name if feed else None,
        subject=describe_principal(entry),
        task=entry.task.name,
    )
    work.session.delete(entry)
