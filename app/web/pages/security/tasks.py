"""Customize Tasks: what the built-in ones contain, an installation's own ones, what looks wrong with them."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.domain.errors import AppError, Invalid
from app.domain.permissions import LABELS, Permission
from app.services import access, grants
from app.services import tasks as service
from app.services.grants import Finding
from app.services.runtime import Work
from app.services.tasks import TaskChange
from app.storage.models import Grant, Task
from app.web.pages.security.frame import asked, blame, frame, save
from app.web.pages.security.words import grouped
from app.web.pages.session import page_work
from app.web.rendering import plural

blueprint = Blueprint("tasks", __name__, url_prefix="/administration")
_PLACES = {"task-exists": "name", "invalid-name": "name", "no-attributes": "attributes"}


class TaskForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask what a task is called and what it contains."""

    name = StringField(
        "Name",
        [InputRequired("Choose a name."), Length(max=100)],
        description="What people do by it, like Audit promotions.",
    )
    description = TextAreaField("Description", [Optional(), Length(max=500)])
    attributes = SelectMultipleField("What it allows", choices=[permission.value for permission in LABELS])

    @property
    def permissions(self) -> frozenset[Permission]:
        """Give the attributes that are chosen."""
        return frozenset(Permission(code) for code in self.attributes.data or ())


def _page(template: str, work: Work, **values: object) -> str:
    around = frame(work, "tasks.index")
    return render_template(f"administration/{template}.html", **around, **values)


@blueprint.get("/tasks")
def index() -> str:
    """List the tasks: built in and custom, what each allows, how often it was granted."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    text = asked("q").casefold()
    found = [task for task in service.list_tasks(work) if text in f"{task.name} {task.description}".casefold()]
    counted: dict[int, int] = {}
    for entry in grants.list_grants(work):
        counted[entry.task_id] = counted.get(entry.task_id, 0) + 1
    return _page(
        "tasks",
        work,
        tasks=sorted(found, key=lambda task: (not task.built_in, task.key)),
        labels={task.id: [LABELS[each] for each in LABELS if each in service.attributes_of(task)] for task in found},
        everything=len(LABELS),
        counted=counted,
        findings={task.id: _lint(task) for task in found if not task.built_in},
    )


def _lint(task: Task) -> Sequence[Finding]:
    return grants.lint_task(task.name, frozenset(service.attributes_of(task)))


@blueprint.route("/new-task", methods=["GET", "POST"])
def create() -> str | Response | tuple[str, int]:
    """Create a task, from nothing or as a copy."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    source = service.get_task(work, asked("copy")) if asked("copy") else None
    form = TaskForm(data=_copied(source) if source else {})
    if not form.validate_on_submit():
        return _page("task_new", work, form=form, source=source, groups=grouped(form.attributes.data or ()))
    name, description = (form.name.data or "").strip(), (form.description.data or "").strip()
    try:
        task = save(lambda write: service.create_task(write, name, form.permissions, description))
    except AppError as error:
        blame(form, error, _PLACES)
        page = _page("task_new", page_work(), form=form, source=None, groups=grouped(form.attributes.data or ()))
        return page, error.status
    flash(f"{task.name} is there. Grant it to somebody under Tasks & permissions.", "success")
    return redirect(url_for("tasks.show", name=task.name))


def _copied(source: Task) -> dict[str, object]:
    attributes = [permission.value for permission in service.attributes_of(source)]
    return {"name": f"{source.name} (copy)", "description": source.description, "attributes": attributes}


@blueprint.route("/tasks/<name>", methods=["GET", "POST"])
def show(name: str) -> str | Response | tuple[str, int]:
    """Show a task; change it where it is the installation's own."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    task = service.get_task(work, name)
    held = [permission.value for permission in service.attributes_of(task)]
    form = TaskForm(data={"name": task.name, "description": task.description, "attributes": held})
    if not form.validate_on_submit():
        return _show(work, task, form)
    change = TaskChange((form.name.data or "").strip(), (form.description.data or "").strip(), [*form.permissions])
    try:
        task = save(lambda write: service.update_task(write, name, change))
    except AppError as error:
        blame(form, error, _PLACES)
        work = page_work()
        return _show(work, service.get_task(work, name), form), error.status
    flash(f"{task.name} is saved.", "success")
    return redirect(url_for("tasks.show", name=task.name))


def _show(work: Work, task: Task, form: TaskForm) -> str:
    return _page(
        "task",
        work,
        task=task,
        form=form,
        groups=grouped(form.attributes.data or ()),
        findings=_lint(task),
        entries=_entries(work, task),
    )


def _entries(work: Work, task: Task) -> list[Grant]:
    return [entry for entry in grants.list_grants(work) if entry.task_id == task.id]


@blueprint.route("/tasks/<name>/delete", methods=["GET", "POST"])
def delete(name: str) -> str | Response | tuple[str, int]:
    """Delete a task whose name was typed to confirm it; say first which grants go with it."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    task = service.get_task(work, name)
    if request.method == "GET":
        return _confirm(work, task)
    try:
        if request.form.get("confirm", "").strip() != task.name:
            raise Invalid(f"To delete the task, type its name: {task.name}.", code="not-confirmed")
        gone = save(lambda write: service.delete_task(write, name))
    except AppError as error:
        work = page_work()
        return _confirm(work, service.get_task(work, name), error.message), error.status
    flash(f"The task {name} is deleted" + (f", and with it {plural(gone, 'grant')}." if gone else "."), "success")
    return redirect(url_for("tasks.index"))


def _confirm(work: Work, task: Task, refused: str = "") -> str:
    kinds = ("permission", "restriction")
    hits = [
        f"the {kinds[entry.deny]} for {grants.describe_principal(entry)}, {grants.describe_scope(entry)}"
        for entry in _entries(work, task)
    ]
    return _page("task_delete", work, task=task, refused=refused, hits=hits)
