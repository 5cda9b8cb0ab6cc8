"""Users: finding, creating and changing them; their passwords; disabling and deleting them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectChoice, SelectMultipleField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.domain.errors import AppError, Invalid
from app.domain.permissions import Permission
from app.services import access, grants, keys, passwords, people
from app.services.people import UserChange
from app.services.runtime import Work
from app.storage.models import ApiKey, Grant, User
from app.web.pages.feed import page_number, sorting
from app.web.pages.security.frame import asked, blame, frame, save, try_to
from app.web.pages.session import current_actor, page_work
from app.web.rendering import Paging

blueprint = Blueprint("users", __name__, url_prefix="/administration")
PER_PAGE = 50
_NEVER = datetime.min.replace(tzinfo=UTC)
_PLACES = {
    "user-exists": "name",
    "invalid-name": "name",
    "invalid-email": "email",
    "weak-password": "password",
    "unknown-group": "groups",
}


class PasswordForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask for a new password, twice."""

    password = PasswordField(
        "New password",
        [InputRequired("Choose a password."), Length(passwords.MIN_LENGTH, passwords.MAX_LENGTH)],
        description=f"At least {passwords.MIN_LENGTH} characters; several words are best. It ends their sessions.",
    )
    repeat = PasswordField(
        "New password again", [InputRequired("Type it again."), EqualTo("password", "The two passwords differ.")]
    )


class UserForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask who somebody is and to which groups they belong."""

    display_name = StringField(
        "Display name", [Optional(), Length(max=people.MAX_DISPLAY_NAME)], description="As pages show them."
    )
    email = StringField("E-mail", [Optional(), Length(max=people.MAX_EMAIL)])
    groups = SelectMultipleField(
        "Groups", option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False), validate_choice=False
    )


class NewUserForm(UserForm):
    """Ask for the name and password of somebody new as well."""

    name = StringField(
        "Name",
        [InputRequired("Choose a name."), Length(max=100)],
        description="They sign in with it, and records keep it; it stays as it is.",
    )
    password = PasswordField(
        "Password",
        [Optional(), Length(passwords.MIN_LENGTH, passwords.MAX_LENGTH)],
        description=f"At least {passwords.MIN_LENGTH} characters. Without one they cannot sign in yet.",
    )
    repeat = PasswordField("Password again", [EqualTo("password", "The two passwords differ.")])


def _page(template: str, work: Work, **values: object) -> str:
    around = frame(work, "users.index")
    return render_template(f"administration/{template}.html", **around, **values)


# The list ---------------------------------------------------------------------------------------------


@blueprint.get("/users")
def index() -> str:
    """List the users, searched, filtered and sorted as the address says."""
    work, page = page_work(), page_number()
    everybody = people.list_users(work)
    found = _sorted([user for user in everybody if _matches(user)])
    return _page(
        "users",
        work,
        users=found[(page - 1) * PER_PAGE : page * PER_PAGE],
        everybody=len(everybody),
        groups=[("", "Any group"), *((group.name, group.name) for group in people.list_groups(work))],
        paging=Paging(page, PER_PAGE, len(found)),
        sort=sorting("name")[0],
    )


def _matches(user: User) -> bool:
    text, group, state = asked("q").casefold(), asked("group"), asked("state")
    if text and not any(text in part.casefold() for part in (user.name, user.display_name, user.email)):
        return False
    if group and group not in [each.name for each in user.groups]:
        return False
    return state not in ("active", "disabled") or user.active == (state == "active")


def _sorted(users: list[User]) -> list[User]:
    _, key, descending = sorting("name")
    keys = {
        "display": lambda user: (user.display_name or user.name).casefold(),
        "email": lambda user: user.email.casefold(),
        "seen": lambda user: user.last_seen or _NEVER,
    }
    return sorted(users, key=keys.get(key, lambda user: user.key), reverse=descending)


# One user ---------------------------------------------------------------------------------------------


@blueprint.route("/new-user", methods=["GET", "POST"])
def create() -> str | Response | tuple[str, int]:
    """Create a user."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    form = NewUserForm(data={"groups": request.args.getlist("group")})
    _offer_groups(form, work)
    if not form.validate_on_submit():
        return _page("user_new", work, form=form)
    try:
        user = save(lambda write: _create(write, form))
    except AppError as error:
        blame(form, error, _PLACES)
        return _page("user_new", page_work(), form=form), error.status
    flash(f"{user.name} is there. They may do what their groups may, and what is granted to them.", "success")
    return redirect(url_for("users.show", name=user.name))


def _create(work: Work, form: NewUserForm) -> User:
    return people.create_user(
        work,
        (form.name.data or "").strip(),
        form.password.data or None,
        display_name=(form.display_name.data or "").strip(),
        email=(form.email.data or "").strip(),
        groups=form.groups.data or (),
    )


def _offer_groups(form: UserForm, work: Work) -> None:
    form.groups.choices = [SelectChoice(group.name) for group in people.list_groups(work)]


@blueprint.route("/users/<name>", methods=["GET", "POST"])
def show(name: str) -> str | Response | tuple[str, int]:
    """Show and change a user."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    user = people.get_user(work, name)
    held = [group.name for group in user.groups]
    form = UserForm(data={"display_name": user.display_name, "email": user.email, "groups": held})
    _offer_groups(form, work)
    if not form.validate_on_submit():
        return _show(work, user, form)
    change = UserChange((form.display_name.data or "").strip(), (form.email.data or "").strip(), form.groups.data or ())
    try:
        save(lambda write: people.update_user(write, name, change))
    except AppError as error:
        blame(form, error, _PLACES)
        work = page_work()
        return _show(work, people.get_user(work, name), form), error.status
    flash(f"{user.name} is saved.", "success")
    return redirect(url_for("users.show", name=user.name))


def _show(work: Work, user: User, form: UserForm, password: PasswordForm | None = None) -> str:
    entries = [entry for entry in grants.list_grants(work) if _reaches(entry, user)]
    return _page(
        "user",
        work,
        user=user,
        form=form,
        password=password or PasswordForm(formdata=None),
        entries=entries,
        keys=_keys_of(work, user),
        myself=user.id == current_actor().user_id,
    )


def _reaches(entry: Grant, user: User) -> bool:
    groups = {group.id for group in user.groups}
    return entry.user_id == user.id or entry.group_id in groups or entry.principal in ("everyone", "authenticated")


def _keys_of(work: Work, user: User) -> Sequence[ApiKey]:
    return [key for key in keys.list_keys(work) if key.user_id == user.id]


@blueprint.post("/users/<name>/password")
def set_password(name: str) -> Response | tuple[str, int]:
    """Set a user's password."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    user = people.get_user(work, name)
    password = PasswordForm()
    if password.validate_on_submit():
        try:
            save(lambda write: people.set_password(write, name, password.password.data or ""))
        except AppError as error:
            blame(password, error, _PLACES)
        else:
            flash(f"{user.name} has the new password; their sessions are over.", "success")
            return redirect(url_for("users.show", name=user.name))
    work = page_work()
    user = people.get_user(work, name)
    held = [group.name for group in user.groups]
    form = UserForm(formdata=None, data={"display_name": user.display_name, "email": user.email, "groups": held})
    _offer_groups(form, work)
    return _show(work, user, form, password), 400


@blueprint.post("/users/<name>/state")
def set_state(name: str) -> Response:
    """Disable a user, or enable them again."""
    active = request.form.get("active") == "yes"
    done = f"{name} may sign in again." if active else f"{name} is disabled: no sign-in, and their keys are silent."
    try_to(lambda write: people.set_active(write, name, active=active), done)
    return redirect(url_for("users.show", name=name))


@blueprint.route("/users/<name>/delete", methods=["GET", "POST"])
def delete(name: str) -> str | Response | tuple[str, int]:
    """Delete a user whose name was typed to confirm it; say first what goes with them."""
    work = page_work()
    access.require(work, Permission.CONFIGURE)
    user = people.get_user(work, name)
    if request.method == "GET":
        return _confirm(work, user)
    confirmed = request.form.get("confirm", "").strip()
    try:
        if confirmed != user.name:
            raise Invalid(f"To delete the user, type their name: {user.name}.", code="not-confirmed")
        save(lambda write: people.delete_user(write, name))
    except AppError as error:
        work = page_work()
        return _confirm(work, people.get_user(work, name), error.message), error.status
    flash(f"{confirmed} is deleted; the history keeps their name.", "success")
    return redirect(url_for("users.index"))


def _confirm(work: Work, user: User, refused: str = "") -> str:
    entries = [entry for entry in grants.list_grants(work) if entry.user_id == user.id]
    return _page("user_delete", work, user=user, refused=refused, hits=_hits(entries, _keys_of(work, user), user))


def _hits(entries: Iterable[Grant], held: Iterable[ApiKey], user: User) -> list[str]:
    kinds = ("permission", "restriction")
    return [
        "their sessions",
        *(f"their place in the group {group.name}" for group in user.groups),
        *(f"the {kinds[entry.deny]} {entry.task.name}, {grants.describe_scope(entry)}" for entry in entries),
        *(f"the personal API key {key.name} ({key.prefix}…)" for key in held),
    ]
