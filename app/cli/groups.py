"""``promontory group``: groups of users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli import console
from app.services import people
from app.storage.models import Group


@click.group()
def group() -> None:
    """Create, list and change groups of users."""


@group.command(
    epilog=console.examples(
        'promontory group create "Lead engineers" --member sam --member ann',
    )
)
@click.argument("name")
@click.option("--member", "members", multiple=True, metavar="USER", help="A user of the group; may be repeated.")
@console.data_option
def create(*, name: str, members: tuple[str, ...], data: Path | None) -> None:
    """Create a group of users."""
    with console.opened(data, create=True) as runtime, runtime.writing(console.me()) as work:
        people.create_group(work, name, members)
    console.say(f"Created the group {name}.")


@group.command("list")
@console.json_option
@console.data_option
def list_(*, as_json: bool, data: Path | None) -> None:
    """List the groups with their members."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        shapes = [_shape(each) for each in people.list_groups(work)]
    if as_json:
        console.show_json(shapes)
    else:
        console.show_table(("Name", "Members"), ((s["name"], ", ".join(s["users"])) for s in shapes))


@group.command()
@click.argument("name")
@console.yes_option
@console.data_option
def delete(*, name: str, yes: bool, data: Path | None) -> None:
    """Delete a group with its grants; its users stay."""
    with console.opened(data) as runtime:
        with runtime.reading(console.me()) as work:
            people.get_group(work, name)
        console.confirm(f"Delete the group {name} and its grants?", yes=yes)
        with runtime.writing(console.me()) as work:
            people.delete_group(work, name)
    console.say(f"Deleted the group {name}.")


@group.command(
    epilog=console.examples(
        'promontory group members "Lead engineers" --add kim --remove sam',
    )
)
@click.argument("name")
@click.option("--add", multiple=True, metavar="USER", help="Take a user in; may be repeated.")
@click.option("--remove", multiple=True, metavar="USER", help="Take a user out; may be repeated.")
@console.json_option
@console.data_option
def members(*, name: str, add: tuple[str, ...], remove: tuple[str, ...], as_json: bool, data: Path | None) -> None:
    """Show a group's members, and change them."""
    with console.opened(data) as runtime, runtime.writing(console.me()) as work:
        changed = people.get_group(work, name)
        if add or remove:
            out = {people.get_user(work, each).name for each in remove}
            keep = [user.name for user in changed.users if user.name not in out]
            changed = people.set_members(work, name, [*keep, *add])
        shape = _shape(changed)
    if as_json:
        console.show_json(shape)
    else:
        console.show_table(("Members",), ((each,) for each in shape["users"]))


def _shape(group: Group) -> dict[str, Any]:
    return {"name": group.name, "users": sorted(user.name for user in group.users)}
