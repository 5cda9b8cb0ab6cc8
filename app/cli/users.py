"""``promontory user``: users and their passwords."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli import console
from app.domain.errors import Invalid
from app.services import grants, people
from app.storage.models import User

ADMINISTER = "Administer"


@click.group()
def user() -> None:
    """Create, list and change users."""


@user.command(
    epilog=console.examples(
        "pass show sam | promontory user create sam --password-stdin --admin",
    )
)
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")
@click.option("--admin", is_flag=True, help="Let the user administer everything.")
@click.option("--display-name", default="", help="Name as people see it.")
@click.option("--email", default="", help="Address of the user's mail.")
@console.json_option
@console.data_option
def create(
    *, name: str, password_stdin: bool, admin: bool, display_name: str, email: str, as_json: bool, data: Path | None
) -> None:
    """Create a user; without a password they cannot sign in yet."""
    password = console.read_password(from_stdin=password_stdin)
    with console.opened(data, create=True) as runtime, runtime.writing(console.me()) as work:
        made = people.create_user(work, name, password, display_name=display_name, email=email)
        if admin:
            grants.grant(work, grants.GrantRequest(ADMINISTER, user=made.name))
        shape = _shape(made)
    if as_json:
        console.show_json(shape)
    else:
        console.say(f"Created the user {name}.")
        if password is None:
            console.note(f"Without a password nobody can sign in as {name}: promontory user password {name}")


@user.command("list")
@console.json_option
@console.data_option
def list_(*, as_json: bool, data: Path | None) -> None:
    """List the users."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        shapes = [_shape(each) for each in people.list_users(work)]
        seen = [console.when(each.last_seen) for each in people.list_users(work)]
    if as_json:
        console.show_json(shapes)
        return
    rows = (
        (s["name"], s["displayName"], s["email"], ", ".join(s["groups"]), "yes" if s["active"] else "no", last)
        for s, last in zip(shapes, seen, strict=True)
    )
    console.show_table(("Name", "Display name", "E-mail", "Groups", "Active", "Last seen"), rows)


@user.command()
@click.argument("name")
@console.yes_option
@console.data_option
def delete(*, name: str, yes: bool, data: Path | None) -> None:
    """Delete a user with their keys and grants; history keeps their name."""
    with console.opened(data) as runtime:
        with runtime.reading(console.me()) as work:
            people.get_user(work, name)
        console.confirm(f"Delete the user {name}, their keys and their grants?", yes=yes)
        with runtime.writing(console.me()) as work:
            people.delete_user(work, name)
    console.say(f"Deleted the user {name}.")


@user.command()
@click.argument("name")
@console.data_option
def disable(*, name: str, data: Path | None) -> None:
    """Disable a user: their sessions end and their keys fall silent."""
    _set_active(data, name, active=False)


@user.command()
@click.argument("name")
@console.data_option
def enable(*, name: str, data: Path | None) -> None:
    """Enable a disabled user again."""
    _set_active(data, name, active=True)


def _set_active(data: Path | None, name: str, *, active: bool) -> None:
    with console.opened(data) as runtime, runtime.writing(console.me()) as work:
        people.set_active(work, name, active=active)
    console.say(f"{'Enabled' if active else 'Disabled'} the user {name}.")


@user.command()
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")
@console.data_option
def password(*, name: str, password_stdin: bool, data: Path | None) -> None:
    """Set a user's password; their sessions end."""
    new = console.read_password(from_stdin=password_stdin)
    if new is None:
        raise Invalid("There is no terminal to type a password at; give it by --password-stdin.")
    with console.opened(data) as runtime, runtime.writing(console.me()) as work:
        people.set_password(work, name, new)
    console.say(f"Set the password of {name}.")


def _shape(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "displayName": user.display_name,
        "email": user.email,
        "groups": [group.name for group in user.groups],
        "active": user.active,
        "created": console.moment(user.created),
        "lastSeen": console.moment(user.last_seen),
    }
