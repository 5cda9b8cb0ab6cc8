"""People and rights as one file: write it, compare a file with the installation, bring the installation to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select

from app.domain.errors import AppError, Conflict
from app.domain.names import check_person_name, fold
from app.domain.permissions import BUILT_IN_TASKS, Permission
from app.services import access, grants, people, tasks
from app.services.configfile import Config, Document, GrantEntry, GroupEntry, Place, TaskEntry, UserEntry
from app.services.people import UserChange
from app.services.runtime import Actor, Runtime, Work
from app.services.tasks import TaskChange
from app.storage.models import Feed, FeedGroup, Grant

Action = Literal["add", "change", "remove"]
Entry = UserEntry | GroupEntry | TaskEntry | GrantEntry
_SECTIONS = {"user": "users", "group": "groups", "task": "tasks", "grant": "grants", "restriction": "restrictions"}
_CODES = {fold(permission.value): permission.value for permission in Permission}
_BUILT_IN = frozenset(fold(task.name) for task in BUILT_IN_TASKS)


@dataclass(frozen=True, slots=True)
class Change:
    """Be one difference: ``held`` is what is there, ``wanted`` what the file says, on ``line`` (0: it says nothing)."""

    action: Action
    kind: str
    name: str
    held: Entry | None = None
    wanted: Entry | None = None
    line: int = 0

    def values(self) -> Mapping[str, tuple[Any, Any]]:
        """Give the members that differ, each as it is and as it will be."""
        before, after = self._shown(self.held), self._shown(self.wanted)
        names = dict.fromkeys([*before, *after])
        return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}

    def _shown(self, entry: Entry | None) -> Mapping[str, Any]:
        whole = self.action == "change"
        return {} if entry is None else entry.model_dump(by_alias=True, exclude_defaults=not whole)


# Export -----------------------------------------------------------------------------------------------


def export(work: Work) -> Config:
    """Give people and rights as they are, in an order of their own; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    given = grants.list_grants(work)
    return Config(
        promontory=1,
        users=[
            UserEntry(name=user.name, display_name=user.display_name, email=user.email, active=user.active)
            for user in people.list_users(work)
        ],
        groups=[
            GroupEntry(name=group.name, members=sorted((user.name for user in group.users), key=fold))
            for group in people.list_groups(work)
        ],
        tasks=[
            TaskEntry(name=task.name, description=task.description, attributes=[*map(str, tasks.attributes_of(task))])
            for task in tasks.list_tasks(work)
            if not task.built_in
        ],
        grants=_entries(grant for grant in given if not grant.deny),
        restrictions=_entries(grant for grant in given if grant.deny),
    )


def _entries(given: Iterable[Grant]) -> list[GrantEntry]:
    found = {_identity(entry): entry for entry in map(_entry, given)}
    return [found[identity] for identity in sorted(found)]


def _entry(grant: Grant) -> GrantEntry:
    return GrantEntry(
        task=grant.task.name,
        user=grant.user.name if grant.user else "",
        group=grant.group.name if grant.group else "",
        principal=grant.principal if grant.principal in grants.EVERYBODY else "",  # type: ignore[arg-type]
        feed=grant.feed.name if grant.feed else "",
        feed_group=grant.feed_group.name if grant.feed_group else "",
    )


def _identity(entry: Entry) -> tuple[str, ...]:
    """Give what makes two entries of a section one."""
    if isinstance(entry, GrantEntry):
        parts = (entry.task, entry.principal, entry.group, entry.user, entry.feed_group, entry.feed)
        return tuple(map(fold, parts))
    return (fold(entry.name),)


# Compare ----------------------------------------------------------------------------------------------


def differences(held: Config, document: Document, *, prune: bool) -> list[Change]:
    """Give what brings the installation to the file, in the order in which it is done.

    What gives rights comes before what takes them, so that nobody is locked out on the way. ``prune`` also removes
    what a section of the file does not name.
    """
    found: list[Change] = []
    for kind in _SECTIONS:
        found += _differences(kind, held, document, prune=prune)
    gone = {(change.kind, fold(change.name)) for change in found if change.action == "remove"}
    listed = {(change.kind, change.name) for change in found}
    found += [each for each in _orphans(held, gone) if (each.kind, each.name) not in listed]
    return sorted(found, key=_rank)


def _differences(kind: str, held: Config, document: Document, *, prune: bool) -> Iterator[Change]:
    wanted: Sequence[Entry] | None = getattr(document.config, _SECTIONS[kind])
    if wanted is None:
        return
    there = {_identity(entry): entry for entry in getattr(held, _SECTIONS[kind])}
    for number, entry in enumerate(wanted):
        line = document.line((_SECTIONS[kind], number))
        old = there.pop(_identity(entry), None)
        if old is None:
            yield Change("add", kind, _name(entry), None, _normal(entry), line)
        elif _compared(old) != _compared(entry):
            yield Change("change", kind, _name(old), old, _normal(entry, old), line)
    if prune:
        for entry in there.values():
            yield Change("remove", kind, _name(entry), entry)


def _orphans(held: Config, gone: set[tuple[str, str]]) -> Iterator[Change]:
    """Give the grants that go with their user, group or task."""
    for kind in ("grant", "restriction"):
        for entry in getattr(held, _SECTIONS[kind]) or ():
            about = {("user", fold(entry.user)), ("group", fold(entry.group)), ("task", fold(entry.task))}
            if about & gone:
                yield Change("remove", kind, _name(entry), entry)


def _normal(entry: Entry, old: Entry | None = None) -> Entry:
    """Give an entry as an export would: names once and in order, attributes as they are spelled, a name as it is."""
    name = {"name": old.name} if old is not None and not isinstance(old, GrantEntry) else {}
    if isinstance(entry, GroupEntry):
        spelled = {fold(each): each for each in (old.members if isinstance(old, GroupEntry) else ())}
        members = {fold(each): spelled.get(fold(each), each) for each in entry.members}
        return entry.model_copy(update={**name, "members": [members[each] for each in sorted(members)]})
    if isinstance(entry, TaskEntry):
        codes = sorted({_CODES.get(fold(each), each) for each in entry.attributes})
        return entry.model_copy(update={**name, "attributes": codes})
    return entry.model_copy(update=name)


def _compared(entry: Entry) -> Mapping[str, Any]:
    if isinstance(entry, GrantEntry):
        return {}  # What it says is what it is.
    values = _normal(entry).model_dump(exclude={"name"})
    return {name: list(map(fold, value)) if name == "members" else value for name, value in values.items()}


def _name(entry: Entry) -> str:
    if not isinstance(entry, GrantEntry):
        return entry.name
    whom = f"user {entry.user}" if entry.user else f"group {entry.group}" if entry.group else entry.principal
    feed_group = f" on feed group {entry.feed_group}" if entry.feed_group else ""
    return f"{entry.task} for {whom}" + (f" on feed {entry.feed}" if entry.feed else feed_group)


def _rank(change: Change) -> int:
    disabling = isinstance(change.wanted, UserEntry) and not change.wanted.active
    order = (
        ("add", "user"), ("change", "user"), ("add", "task"), ("add", "group"), ("change", "group"), ("add", "grant"),
        ("remove", "restriction"), ("change", "task"), ("add", "restriction"), ("remove", "grant"), ("remove", "group"),
        ("remove", "task"), ("remove", "user"),
    )  # fmt: skip
    return len(order) if disabling and change.action == "change" else order.index((change.action, change.kind))


# Check ------------------------------------------------------------------------------------------------


def _check(work: Work, held: Config, document: Document, changes: Sequence[Change]) -> None:
    """Refuse a file that contradicts itself, or names what there would not be; each by its line."""
    for kind in _SECTIONS:
        _check_section(kind, document)
    known = _known_after(work, held, changes)
    for place, kind, name in _references(document.config):
        if name and fold(name) not in known[kind]:
            document.refuse(place, f"there is no {kind} {name!r}; name one that is there.", f"unknown-{kind}")


def _check_section(kind: str, document: Document) -> None:
    section, seen = _SECTIONS[kind], set[tuple[str, ...]]()
    for number, entry in enumerate(getattr(document.config, section) or ()):
        if _identity(entry) in seen:
            document.refuse((section, number), f"{_name(entry)} stands here twice; leave one.")
        seen.add(_identity(entry))
        if isinstance(entry, GrantEntry):
            _check_grant(document, (section, number), entry)
        else:
            _check_name(document, (section, number, "name"), kind, entry.name)


def _check_name(document: Document, place: Place, kind: str, name: str) -> None:
    try:
        check_person_name(name)
    except AppError as error:
        document.refuse(place, error.message, error.code)
    if kind == "task" and fold(name) in _BUILT_IN:
        document.refuse(place, f"{name} is built in and stays as it is; choose another name.", "built-in-task")


def _check_grant(document: Document, place: Place, entry: GrantEntry) -> None:
    if sum(map(bool, (entry.user, entry.group, entry.principal))) != 1:
        document.refuse(place, f"{entry.task} names one of user, group and principal.")
    if entry.feed and entry.feed_group:
        document.refuse(place, f"{entry.task} is about a feed or a feedGroup, not both.")


def _known_after(work: Work, held: Config, changes: Sequence[Change]) -> Mapping[str, set[str]]:
    known = {
        "feed": set(work.session.scalars(select(Feed.key))),
        "feed group": set(work.session.scalars(select(FeedGroup.key))),
        "attribute": set(_CODES),
        **{kind: {fold(e.name) for e in getattr(held, _SECTIONS[kind])} for kind in ("user", "group", "task")},
    }
    known["task"] |= _BUILT_IN
    for change in changes:
        if change.kind in known:
            (known[change.kind].discard if change.action == "remove" else known[change.kind].add)(fold(change.name))
    return known


def _references(config: Config) -> Iterator[tuple[Place, str, str]]:
    for number, group in enumerate(config.groups or ()):
        for which, member in enumerate(group.members):
            yield ("groups", number, "members", which), "user", member
    for number, task in enumerate(config.tasks or ()):
        for which, attribute in enumerate(task.attributes):
            yield ("tasks", number, "attributes", which), "attribute", attribute
    for section in ("grants", "restrictions"):
        for number, entry in enumerate(getattr(config, section) or ()):
            for kind in ("task", "user", "group", "feed"):
                yield (section, number, kind), kind, getattr(entry, kind)
            yield (section, number, "feedGroup"), "feed group", entry.feed_group


# Apply ------------------------------------------------------------------------------------------------


class _Rehearsed(Exception):
    pass


def rehearse(runtime: Runtime, actor: Actor, document: Document, *, prune: bool) -> list[Change]:
    """Give what applying a file would change; refuses what applying it refuses, and changes nothing."""
    changes: list[Change] = []
    try:
        with runtime.writing(actor) as work:
            changes = apply(work, document, prune=prune)
            raise _Rehearsed
    except _Rehearsed:
        return changes


def apply(work: Work, document: Document, *, prune: bool) -> list[Change]:
    """Bring people and rights to what a file says, all of it or nothing; needs Configure.

    Gives what was changed: nothing where everything is so already. Raises Invalid, or Conflict where nobody could
    administer the installation afterwards, naming the file's line.
    """
    held = export(work)
    changes = differences(held, document, prune=prune)
    _check(work, held, document, changes)
    for change in changes:
        try:
            _DO[change.action, _what(change.kind)](work, change)
        except AppError as error:
            where = f"{document.name}, line {change.line}: " if change.line else f"{document.name}: "
            kind = Conflict if isinstance(error, Conflict) else type(error)
            raise kind(f"{where}{change.name}: {error.message}", code=error.code, line=change.line) from error
    return changes


def _what(kind: str) -> str:
    return "grant" if kind == "restriction" else kind


def _add_user(work: Work, change: Change) -> None:
    entry = change.wanted
    assert isinstance(entry, UserEntry)  # noqa: S101 - as its kind says, here and below
    people.create_user(work, entry.name, display_name=entry.display_name, email=entry.email)
    if not entry.active:
        people.set_active(work, entry.name, active=False)


def _change_user(work: Work, change: Change) -> None:
    entry = change.wanted
    assert isinstance(entry, UserEntry)  # noqa: S101
    people.update_user(work, entry.name, UserChange(entry.display_name, entry.email))
    people.set_active(work, entry.name, active=entry.active)


def _add_group(work: Work, change: Change) -> None:
    entry = change.wanted
    assert isinstance(entry, GroupEntry)  # noqa: S101
    people.create_group(work, entry.name, entry.members)


def _change_group(work: Work, change: Change) -> None:
    entry = change.wanted
    assert isinstance(entry, GroupEntry)  # noqa: S101
    people.set_members(work, entry.name, entry.members)


def _add_task(work: Work, change: Change) -> None:
    entry = change.wanted
    assert isinstance(entry, TaskEntry)  # noqa: S101
    tasks.create_task(work, entry.name, map(Permission, entry.attributes), entry.description)


def _change_task(work: Work, change: Change) -> None:
    entry = change.wanted
    assert isinstance(entry, TaskEntry)  # noqa: S101
    attributes = [Permission(code) for code in entry.attributes]
    tasks.update_task(work, entry.name, TaskChange(description=entry.description, attributes=attributes))


def _add_grant(work: Work, change: Change) -> None:
    entry = change.wanted
    assert isinstance(entry, GrantEntry)  # noqa: S101
    grants.grant(work, grants.GrantRequest(**entry.model_dump(), deny=change.kind == "restriction"))


def _remove_grant(work: Work, change: Change) -> None:
    assert change.held is not None  # noqa: S101
    deny, wanted = change.kind == "restriction", _identity(change.held)
    for grant in grants.list_grants(work):
        if grant.deny == deny and _identity(_entry(grant)) == wanted:
            grants.revoke(work, grant.id)


_DO: Mapping[tuple[str, str], Callable[[Work, Change], object]] = {
    ("add", "user"): _add_user,
    ("add", "group"): _add_group,
    ("add", "task"): _add_task,
    ("add", "grant"): _add_grant,
    ("change", "user"): _change_user,
    ("change", "group"): _change_group,
    ("change", "task"): _change_task,
    ("remove", "user"): lambda work, change: people.delete_user(work, change.name),
    ("remove", "group"): lambda work, change: people.delete_group(work, change.name),
    ("remove", "task"): lambda work, change: tasks.delete_task(work, change.name),
    ("remove", "grant"): _remove_grant,
}
