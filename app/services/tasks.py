"""Tasks: named bundles of permission attributes, the built-in ones and an installation's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.names import check_person_name, fold
from app.domain.permissions import BUILT_IN_TASKS, Permission
from app.services import access, events
from app.services.runtime import Work
from app.storage.models import Grant, Task, TaskAttribute


@dataclass(frozen=True, slots=True)
class TaskChange:
    """Hold what is to be changed of a task; None keeps what is there."""

    name: str | None = None
    description: str | None = None
    attributes: Sequence[Permission] | None = None


def install_built_in_tasks(work: Work) -> None:
    """Bring the built-in tasks into a new database; does nothing where they are."""
    known = set(work.session.scalars(select(Task.key)))
    for built_in in BUILT_IN_TASKS:
        if fold(built_in.name) in known:
            continue
        task = Task(name=built_in.name, key=fold(built_in.name), description=built_in.description, built_in=True)
        task.attributes = _rows(built_in.attributes)
        work.session.add(task)
    work.session.flush()


def create_task(work: Work, name: str, attributes: Iterable[Permission], description: str = "") -> Task:
    """Create a task of the installation's own; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    key = fold(check_person_name(name))
    _check_free(work, name, key)
    task = Task(name=name, key=key, description=description, built_in=False, attributes=_rows(_some(attributes)))
    work.session.add(task)
    work.session.flush()
    events.record(work, "task-created", subject=name, attributes=attributes_of(task), description=description)
    return task


def update_task(work: Work, name: str, change: TaskChange) -> Task:
    """Change a task of the installation's own; needs Configure. Raises Conflict for a built-in one."""
    access.require(work, Permission.CONFIGURE)
    task = _own(work, name)
    before = _describe(task)
    with access.administrator_stays(work):
        if change.name is not None and change.name != task.name:
            key = fold(check_person_name(change.name))
            if key != task.key:
                _check_free(work, change.name, key)
            task.name, task.key = change.name, key
        if change.description is not None:
            task.description = change.description
        if change.attributes is not None:
            _replace(task, _some(change.attributes))
    after = _describe(task)
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changed:
        events.record(work, "task-changed", subject=task.name, changed=changed)
    return task


def _replace(task: Task, wanted: frozenset[Permission]) -> None:
    held = {row.attribute: row for row in task.attributes}
    for attribute in held.keys() - set(map(str, wanted)):
        task.attributes.remove(held[attribute])
    task.attributes.extend(_rows(attribute for attribute in wanted if attribute not in held))


def delete_task(work: Work, name: str) -> int:
    """Delete a task of the installation's own with its grants; give how many those were. Needs Configure."""
    access.require(work, Permission.CONFIGURE)
    task = _own(work, name)
    gone = work.session.scalars(select(Grant.id).where(Grant.task_id == task.id)).all()
    with access.administrator_stays(work):
        events.record(work, "task-deleted", subject=task.name, attributes=attributes_of(task), grants=len(gone))
        work.session.delete(task)
    return len(gone)


def get_task(work: Work, name: str) -> Task:
    """Give a task by name in any case; raise NotFound."""
    task = work.session.scalars(select(Task).where(Task.key == fold(name))).one_or_none()
    if task is None:
        known = ", ".join(work.session.scalars(select(Task.name).order_by(Task.key)))
        raise NotFound(f"There is no task {name!r}; known are {known}.", code="unknown-task", task=name)
    return task


def list_tasks(work: Work) -> Sequence[Task]:
    """Give every task by name, with its attributes."""
    return work.session.scalars(select(Task).options(selectinload(Task.attributes)).order_by(Task.key)).all()


def see_tasks(work: Work) -> Sequence[Task]:
    """Give every task to somebody who asks; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    return list_tasks(work)


def see_task(work: Work, name: str) -> Task:
    """Give a task to somebody who asks; needs Configure. Raises NotFound."""
    access.require(work, Permission.CONFIGURE)
    return get_task(work, name)


def attributes_of(task: Task) -> list[Permission]:
    """Give a task's attributes, ordered."""
    return sorted(Permission(row.attribute) for row in task.attributes)


def _describe(task: Task) -> dict[str, object]:
    return {"name": task.name, "description": task.description, "attributes": attributes_of(task)}


def _own(work: Work, name: str) -> Task:
    task = get_task(work, name)
    if task.built_in:
        raise Conflict(
            f"{task.name} is built in and stays as it is; create a task of your own with other attributes.",
            code="built-in-task",
            task=task.name,
        )
    return task


def _check_free(work: Work, name: str, key: str) -> None:
    if work.session.scalar(select(Task.id).where(Task.key == key)) is not None:
        raise Conflict(f"There is a task {name!r} already; choose another name.", code="task-exists", task=name)


def _some(attributes: Iterable[Permission]) -> frozenset[Permission]:
    found = frozenset(attributes)
    if not found:
        raise Invalid("A task needs at least one attribute; choose what it allows.", code="no-attributes")
    return found


def _rows(attributes: Iterable[Permission]) -> list[TaskAttribute]:
    return [TaskAttribute(attribute=attribute.value) for attribute in sorted(attributes)]
