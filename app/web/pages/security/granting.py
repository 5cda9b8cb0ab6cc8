"""The form that grants and restricts: what it asks, what it amounts to, how to bring something back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import url_for
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from wtforms import RadioField, SelectChoice, SelectField, SelectMultipleField, StringField, ValidationError
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from app.domain.permissions import LABELS, Permission
from app.services import access, people
from app.services.grants import GrantRequest
from app.services.runtime import Work
from app.services.tasks import attributes_of
from app.storage.models import Grant, Task, User

KINDS = {
    "group": "Group",
    "user": "User",
    "everyone": "Everyone",
    "authenticated": "Authenticated",
    "anonymous": "Anonymous",
}
_OFFERED = 500


class GrantForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask who is to have, or not to have, which tasks where."""

    effect = RadioField(
        "What is it?",
        choices=[
            SelectChoice("allow", "A permission: they may"),
            SelectChoice("deny", "A restriction: they may not"),
        ],
        default="allow",
    )
    kind = RadioField("Who?", choices=[SelectChoice(kind, words) for kind, words in KINDS.items()], default="group")
    name = StringField(
        "Name of the group or user",
        [Length(max=100)],
        description="Only for a group or a user; the field suggests names.",
    )
    scope = SelectField(
        "Where?", description="A feed's own entries decide before its group's, those before everywhere."
    )
    tasks = SelectMultipleField("Which tasks?", option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False))

    def offer(self, tasks: Iterable[Task], scopes: Iterable[tuple[str, str]]) -> None:
        """Let choose among what whoever looks may give."""
        known = list(tasks)
        self.tasks.choices = [SelectChoice(task.name) for task in known]
        self.held = {task.name: _labels(task) for task in known}
        self.descriptions = {task.name: task.description for task in known}
        self.scope.choices = [SelectChoice(value, words) for value, words in scopes]

    def validate_name(self, field: StringField) -> None:
        """Ask for a name where one is needed."""
        if self.kind.data in ("user", "group") and not (field.data or "").strip():
            raise ValidationError(f"Name the {self.kind.data}.")

    def validate_tasks(self, field: SelectMultipleField) -> None:
        """Ask for a task."""
        if not field.data:
            raise ValidationError("Choose at least one task.")


def _labels(task: Task) -> str:
    held = attributes_of(task)
    return "everything" if len(held) == len(LABELS) else ", ".join(LABELS[each] for each in LABELS if each in held)


def requests_of(form: GrantForm) -> list[GrantRequest]:
    """Give what a form asks for, a request per task."""
    kind, name = form.kind.data, (form.name.data or "").strip()
    place, _, where = form.scope.data.partition(":")
    return [
        GrantRequest(
            task,
            user=name if kind == "user" else "",
            group=name if kind == "group" else "",
            principal="" if kind in ("user", "group") else kind,
            feed=where if place == "feed" else "",
            feed_group=where if place == "group" else "",
            deny=form.effect.data == "deny",
        )
        for task in form.tasks.data
    ]


def kind_and_name(work: Work) -> Sequence[tuple[str, str]]:
    """Give the names to suggest, each with what it is; nothing to whoever may not list people."""
    if not access.allowed(work, Permission.CONFIGURE):
        return []
    groups = [(group.name, "group") for group in people.list_groups(work)]
    users = [(user.name, f"user {user.display_name}".rstrip()) for user in suggested(work)]
    return [*groups[:_OFFERED], *users]


def suggested(work: Work) -> Sequence[User]:
    """Give the users whose names a field suggests: all of them in most places, the first of very many."""
    return people.find_users(work, "", _OFFERED)


def undo_form(entry: Grant, there: str) -> Markup:
    """Give a form that brings an entry back."""
    named = entry.user or entry.group
    place = f"feed:{entry.feed.name}" if entry.feed else ""
    place = f"group:{entry.feed_group.name}" if entry.feed_group else place
    fields = {
        "csrf_token": generate_csrf(),
        "effect": "deny" if entry.deny else "allow",
        "kind": entry.principal,
        "name": named.name if named else "",
        "scope": place or "everywhere",
        "tasks": entry.task.name,
        "next": there,
    }
    hidden = Markup("").join(
        Markup('<input type="hidden" name="{}" value="{}">').format(*pair) for pair in fields.items()
    )
    button = Markup('<button class="btn btn-sm" type="submit">Undo</button>')
    return Markup('<form class="inline-form" method="post" action="{}">{}{}</form>').format(
        url_for("permissions.restore"), hidden, button
    )
