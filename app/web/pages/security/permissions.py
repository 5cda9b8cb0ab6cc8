"""Tasks and permissions: who may do what where, granted and restricted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, flash, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.domain.errors import AppError
from app.domain.permissions import FEED_PERMISSIONS, Permission
from app.services import access, grants, tasks
from app.services.runtime import Work
from app.storage.models import Feed, FeedGroup, Grant, Task
from app.web.pages.security.frame import asked, back, blame, frame, save
from app.web.pages.security.granting import GrantForm, kind_and_name, requests_of, undo_form
from app.web.pages.session import page_work

blueprint = Blueprint("permissions", __name__, url_prefix="/administration/permissions")
_PLACES = {
    "unknown-user": "name",
    "unknown-group": "name",
    "unknown-task": "tasks",
    "unknown-feed": "scope",
    "unknown-feed-group": "scope",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Be one scope of a task with whoever has it there, permissions first."""

    scope: str
    entries: Sequence[Grant]

    @property
    def feed(self) -> Feed | None:
        """Give the feed that the scope is, if it is one."""
        return self.entries[0].feed if self.entries else None


@dataclass(frozen=True, slots=True)
class TaskRows:
    """Be a task with a row for each scope that it was granted or restricted on."""

    task: Task
    rows: Sequence[Row]


def _page(template: str, work: Work, **values: object) -> str:
    around = frame(work, "permissions.index")
    return render_template(f"administration/{template}.html", **around, **values)


# The table --------------------------------------------------------------------------------------------


@blueprint.get("")
def index() -> str:
    """Show who may do what where, filtered as the address says; a feed's managers see their feeds' part."""
    work = page_work()
    _require_something_to_manage(work)
    everything = grants.list_grants(work)
    admin = access.allowed(work, Permission.CONFIGURE)
    marked = {int(number) for number in request.args.getlist("grant") if number.isdigit()}
    findings = [finding for finding in grants.lint(work) if finding.grant_id] if admin else []
    names = ("q", "task", "scope", "effect", "who")
    filtered = any(asked(name) for name in names)
    scope, offered = _asked_scope(work), _offered_tasks(work)
    found = [entry for entry in everything if _matches(entry) and scope(entry)]
    return _page(
        "permissions",
        work,
        tasks=_rows(offered, found, empty=not filtered),
        marked=marked,
        filtered=filtered,
        counted=(len({e.task_id for e in everything}), len({_scope_key(e) for e in everything})),
        warned={finding.grant_id: finding for finding in findings},
        concerned={entry.id: entry for entry in everything},
        task_choices=[("", "Every task"), *((task.name, task.name) for task in offered)],
        scope_choices=[("", "Every scope"), *_scopes(work)],
    )


def _require_something_to_manage(work: Work) -> None:
    if not access.visible_feeds(work, Permission.MANAGE_FEED):
        access.require(work, Permission.CONFIGURE)


def _offered_tasks(work: Work) -> list[Task]:
    """Give the tasks that whoever looks may grant: a feed's manager only those that are about feeds."""
    found = tasks.list_tasks(work)
    if access.allowed(work, Permission.CONFIGURE):
        return list(found)
    return [task for task in found if set(tasks.attributes_of(task)) <= FEED_PERMISSIONS]


def _scopes(work: Work) -> list[tuple[str, str]]:
    """Give the scopes that whoever looks may grant on: as the address has them, and in words."""
    feeds = [(f"feed:{feed.name}", f"Feed {feed.name}") for feed in access.visible_feeds(work, Permission.MANAGE_FEED)]
    if not access.allowed(work, Permission.CONFIGURE):
        return feeds
    groups = work.session.query(FeedGroup).order_by(FeedGroup.name)
    return [("everywhere", "Everywhere"), *((f"group:{g.name}", f"Feed group {g.name}") for g in groups), *feeds]


def _scope_key(entry: Grant) -> tuple[int, str]:
    """Give what orders and tells apart the scopes of a task: everywhere, feed groups, feeds."""
    if entry.feed is not None:
        return 2, entry.feed.name
    return (1, entry.feed_group.name) if entry.feed_group is not None else (0, "")


def _matches(entry: Grant) -> bool:
    text, task, effect, who = asked("q").casefold(), asked("task"), asked("effect"), asked("who")
    name = (entry.user or entry.group).name if entry.user or entry.group else entry.principal  # type: ignore[union-attr]
    if text and text not in name.casefold() and text not in entry.task.name.casefold():
        return False
    if who and who.casefold() != (f"{entry.principal}:{name}" if entry.user or entry.group else name).casefold():
        return False
    if task and task != entry.task.name:
        return False
    return effect not in ("allow", "deny") or entry.deny == (effect == "deny")


def _asked_scope(work: Work) -> Callable[[Grant], bool]:
    """Give what tells whether an entry is of the scope that the address asks for.

    Of a feed is also what its group has, and what is everywhere.
    """
    kind, _, name = asked("scope").partition(":")
    if kind == "feed":
        return partial(_covers, access.find_feed(work, name))
    if kind == "group":
        return lambda entry: entry.feed_group is not None and entry.feed_group.name == name
    return lambda entry: kind != "everywhere" or _scope_key(entry)[0] == 0


def _covers(feed: Feed | None, entry: Grant) -> bool:
    if feed is None or entry.feed_id == feed.id:
        return feed is not None
    return entry.feed_id is None and entry.feed_group_id in (None, feed.group_id)


def _rows(offered: Iterable[Task], entries: Sequence[Grant], *, empty: bool) -> list[TaskRows]:
    found = []
    known = {entry.task_id: entry.task for entry in entries}
    every = {task.id: task for task in offered} | known
    for task in sorted(every.values(), key=lambda task: (not task.built_in, task.key)):
        of_task = [entry for entry in entries if entry.task_id == task.id]
        scopes = sorted({_scope_key(entry) for entry in of_task})
        rows = [_row(scope, [entry for entry in of_task if _scope_key(entry) == scope]) for scope in scopes]
        if rows or empty:
            found.append(TaskRows(task, rows))
    return found


def _row(scope: tuple[int, str], entries: list[Grant]) -> Row:
    kind = ("everywhere", "group", "feed")[scope[0]]
    return Row(f"{kind}:{scope[1]}" if scope[1] else kind, sorted(entries, key=lambda entry: (entry.deny, entry.id)))


# Adding and removing ----------------------------------------------------------------------------------


@blueprint.route("/add", methods=["GET", "POST"])
def add() -> str | Response | tuple[str, int]:
    """Grant tasks to somebody on a scope, or restrict them there."""
    work = page_work()
    _require_something_to_manage(work)
    form = GrantForm(
        data={
            "effect": asked("effect") or "allow",
            "kind": asked("kind") or "group",
            "name": asked("name"),
            "scope": asked("scope") or "everywhere",
            "tasks": request.args.getlist("task"),
        }
    )
    form.offer(_offered_tasks(work), _scopes(work))
    if not form.validate_on_submit():
        return _add_page(work, form), 200 if request.method == "GET" else 400
    try:
        made = save(lambda write: grants.grant_all(write, requests_of(form)))
    except AppError as error:
        blame(form, error, _PLACES)
        work = page_work()
        form.offer(_offered_tasks(work), _scopes(work))
        return _add_page(work, form), error.status
    what = "restricted" if form.effect.data == "deny" else "granted"
    flash(
        f"{', '.join(entry.task.name for entry in made)}: {what} for {grants.describe_principal(made[0])}.", "success"
    )
    return redirect(url_for("permissions.index", grant=[entry.id for entry in made], _anchor=f"grant-{made[0].id}"))


def _add_page(work: Work, form: GrantForm) -> str:
    return _page("permission_add", work, form=form, people=kind_and_name(work))


@blueprint.post("/<int:number>/remove")
def remove(number: int) -> Response:
    """Take a permission or restriction away at once; the message that names it can bring it back."""
    _require_something_to_manage(page_work())
    there = back(url_for("permissions.index"))
    entry = next((entry for entry in grants.list_grants(page_work()) if entry.id == number), None)
    if entry is None:
        flash("It was already gone.", "info")
        return redirect(there)
    words = _words(entry)
    undo = undo_form(entry, there)
    try:
        save(lambda write: grants.revoke(write, number))
    except AppError as error:
        if error.status in (401, 403):
            raise
        flash(error.message, "error")
    else:
        flash(Markup("{} is gone. {}").format(words, undo), "info")
    return redirect(there)


def _words(entry: Grant) -> str:
    kind = "restriction" if entry.deny else "permission"
    return f"The {kind} {entry.task.name} for {grants.describe_principal(entry)}, {grants.describe_scope(entry)},"


@blueprint.post("/restore")
def restore() -> Response:
    """Bring back what was just taken away."""
    form, work = GrantForm(), page_work()
    _require_something_to_manage(work)
    form.offer(_offered_tasks(work), _scopes(work))
    if not form.validate():
        flash("It cannot be brought back: what it was about is gone. Add it again.", "error")
        return redirect(url_for("permissions.index"))
    made = save(lambda write: grants.grant_all(write, requests_of(form)))
    flash(f"{made[0].task.name} for {grants.describe_principal(made[0])} is back.", "success")
    return redirect(url_for("permissions.index", grant=made[0].id, _anchor=f"grant-{made[0].id}"))
