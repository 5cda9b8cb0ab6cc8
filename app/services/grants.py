"""Grant tasks to people on scopes, and restrict them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.domain.errors import Invalid, NotFound
from app.domain.names import fold
from app.domain.permissions import FEED_PERMISSIONS, READING, Permission, covers, implications
from app.services import access, events, people, tasks
from app.services.runtime import Work
from app.storage.models import Feed, FeedGroup, Grant, Task

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


def grant(work: Work, request: GrantRequest) -> Grant:
    """Grant or restrict a task; needs Configure, or Manage Feed on the feed it is about.

    The same grant again gives the one that is there.
    """
    if not request.deny:
        return _grant(work, request)
    with access.administrator_stays(work):
        return _grant(work, request)


def grant_all(work: Work, requests: Iterable[GrantRequest]) -> list[Grant]:
    """Grant or restrict several tasks, all or none."""
    return [grant(work, request) for request in requests]


def _grant(work: Work, request: GrantRequest) -> Grant:
    feed = access.get_feed(work, request.feed) if request.feed else None
    if feed is None or not access.allowed(work, Permission.MANAGE_FEED, feed):
        access.require(work, Permission.CONFIGURE)
    entry = Grant(deny=request.deny)
    task = tasks.get_task(work, request.task)
    _check(work, request, task)
    with work.session.no_autoflush:
        entry.task, entry.feed = task, feed
        entry.feed_group = _feed_group(work, request.feed_group) if request.feed_group else None
        _name_principal(work, entry, request)
        same = _same(work, entry)
    if same is not None:
        return same
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


def _same(work: Work, entry: Grant) -> Grant | None:
    ids = {"task_id": entry.task, "user_id": entry.user, "group_id": entry.group, "feed_id": entry.feed}
    held = select(Grant).where(Grant.principal == entry.principal, Grant.deny == entry.deny)
    for column, related in {**ids, "feed_group_id": entry.feed_group}.items():
        held = held.where(getattr(Grant, column) == (related.id if related is not None else None))
    return work.session.scalars(held).first()


def _check(work: Work, request: GrantRequest, task: Task) -> None:
    if sum(map(bool, (request.user, request.group, request.principal))) != 1:
        raise Invalid("A grant names one user, one group, or everyone, authenticated or anonymous.")
    if request.feed and request.feed_group:
        raise Invalid("A grant is about one feed, one feed group, or everywhere; give one of them.")
    # Who may only manage one feed hands out what is about feeds, nothing wider.
    if {attribute.attribute for attribute in task.attributes} - FEED_PERMISSIONS:
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


def _feed_group(work: Work, name: str) -> FeedGroup:
    group = work.session.scalars(select(FeedGroup).where(FeedGroup.key == fold(name))).one_or_none()
    if group is None:
        raise NotFound(f"There is no feed group {name!r}; put a feed into it first.", code="unknown-feed-group")
    return group


def list_grants(work: Work) -> Sequence[Grant]:
    """Give every grant and restriction; with Manage Feed only, those of the feeds one manages. Raises Forbidden."""
    query = select(Grant).order_by(Grant.id)
    if not access.allowed(work, Permission.CONFIGURE):
        managed = [feed.id for feed in access.visible_feeds(work, Permission.MANAGE_FEED)]
        if not managed:
            access.require(work, Permission.CONFIGURE)
        query = query.where(Grant.feed_id.in_(managed))
    related = (Grant.user, Grant.group, Grant.feed, Grant.feed_group)
    with_task = selectinload(Grant.task).selectinload(Task.attributes)
    return work.session.scalars(query.options(with_task, *(joinedload(each) for each in related))).all()


def get_grant(work: Work, grant_id: int) -> Grant:
    """Give a grant or restriction; needs what making it needs. Raises NotFound."""
    entry = work.session.get(Grant, grant_id)
    feed = work.session.get(Feed, entry.feed_id) if entry is not None and entry.feed_id is not None else None
    if feed is None or not access.allowed(work, Permission.MANAGE_FEED, feed):
        access.require(work, Permission.CONFIGURE)
    if entry is None:
        raise NotFound(f"There is no grant {grant_id}; list the grants for their numbers.", code="unknown-grant")
    return entry


def revoke(work: Work, grant_id: int) -> None:
    """Take a grant or restriction back; needs what making it needs. Raises NotFound."""
    entry = get_grant(work, grant_id)
    if {attribute.attribute for attribute in entry.task.attributes} - FEED_PERMISSIONS:
        access.require(work, Permission.CONFIGURE)
    feed = entry.feed
    with access.administrator_stays(work):
        events.record(
            work,
            "restriction-removed" if entry.deny else "grant-removed",
            feed=feed.name if feed else None,
            subject=describe_principal(entry),
            task=entry.task.name,
            feedGroup=entry.feed_group.name if entry.feed_group else "",
        )
        work.session.delete(entry)


@dataclass(frozen=True, slots=True)
class Finding:
    """Say what looks wrong, by a stable code and in words."""

    code: str
    message: str
    task: str = ""
    grant_id: int | None = None


def lint(work: Work) -> list[Finding]:
    """Point out tasks and grants that allow more, or less, than they seem to; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    found = [finding for task in tasks.list_tasks(work) for finding in lint_task(task.name, _held(task))]
    given = list_grants(work)
    readers = _readers(given)
    about_grants = (finding for entry in given for finding in (_without_source(entry, readers), _blinding(entry)))
    return [*found, *(finding for finding in about_grants if finding is not None)]


def lint_task(name: str, attributes: frozenset[Permission]) -> list[Finding]:
    """Point out what a task's attributes imply, or lack to be of use."""
    return [Finding(code, f"{name} {sentence}", name) for code, sentence in implications(attributes)]


def _held(task: Task) -> frozenset[Permission]:
    return frozenset(tasks.attributes_of(task))


Names = tuple[str, int | None, int | None]
_EVERYBODY: tuple[Names, ...] = (("everyone", None, None), ("authenticated", None, None))


def _names(entry: Grant) -> Names:
    return entry.principal, entry.user_id, entry.group_id


def _readers(given: Sequence[Grant]) -> dict[Names, set[int | None]]:
    """Give on which feeds (None: a group of them, or all) each name that grants use may view and download."""
    found: dict[Names, set[int | None]] = {}
    for entry in given:
        if not entry.deny and _reads(_held(entry.task)):
            found.setdefault(_names(entry), set()).add(entry.feed_id)
    return found


def _without_source(entry: Grant, readers: dict[Names, set[int | None]]) -> Finding | None:
    """Tell of somebody who may promote into feeds but sees none to promote from."""
    if entry.deny or not covers(_held(entry.task), Permission.ACCEPT_PROMOTIONS) or entry.feed_id is None:
        return None
    groups = [] if entry.user is None else [("group", None, group.id) for group in entry.user.groups]
    if any(readers.get(names, set()) - {entry.feed_id} for names in (_names(entry), *groups, *_EVERYBODY)):
        return None
    whom = describe_principal(entry)
    return Finding(
        "no-source",
        f"{whom} may promote into {describe_scope(entry)}, but may view and download on no other feed to promote "
        "from; grant View & Download Packages on a source.",
        entry.task.name,
        entry.id,
    )


def _blinding(entry: Grant) -> Finding | None:
    """Tell of a restriction that takes more than people mean: with the right to act the right to see."""
    held = _held(entry.task)
    if not entry.deny or Permission.VIEW_FEED not in held or held <= READING:
        return None
    return Finding(
        "restricts-reading",
        f"The restriction of {entry.task.name} for {describe_principal(entry)}, {describe_scope(entry)}, also takes "
        "away viewing and downloading; to leave those, restrict a task of your own that holds only what is to go.",
        entry.task.name,
        entry.id,
    )


def _reads(attributes: frozenset[Permission]) -> bool:
    return covers(attributes, Permission.VIEW_FEED) and covers(attributes, Permission.DOWNLOAD_PACKAGE)
