"""``promontory grant``: who may do what where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.cli import console
from app.cli.console import Command
from app.services import grants
from app.storage.models import Grant


@click.group()
def grant() -> None:
    """Grant tasks to people, and restrict them."""


_WHOM = {
    "everyone": "... or to whoever comes, signed in or not ...",
    "authenticated": "... or to whoever is signed in ...",
    "anonymous": "... or to whoever is not.",
}


def _principal(name: str) -> Callable[[Command], Command]:
    return click.option(f"--{name}", "principal", flag_value=name, help=_WHOM[name])


@grant.command(
    epilog=console.examples(
        'promontory grant add "View & Download Packages" --everyone',
        'promontory grant add "Promote Packages" --group "Lead engineers" --feed npm-prod',
    )
)
@click.argument("task")
@click.option("--user", default="", help="Give it to a user ...")
@click.option("--group", default="", help="... or to a group ...")
@_principal("everyone")
@_principal("authenticated")
@_principal("anonymous")
@click.option("--feed", default="", help="On one feed only.")
@click.option("--feed-group", default="", help="On the feeds of a feed group only.")
@click.option("--deny", is_flag=True, help="Restrict: take the task away there.")
@console.data_option
def add(
    *,
    task: str,
    user: str,
    group: str,
    principal: str | None,
    feed: str,
    feed_group: str,
    deny: bool,
    data: Path | None,
) -> None:
    """Grant a task, or restrict it with --deny; everywhere, or on a feed or feed group."""
    request = grants.GrantRequest(task, user, group, principal or "", feed, feed_group, deny)
    with console.opened(data, create=True) as runtime, runtime.writing(console.me()) as work:
        made = grants.grant(work, request)
        words = "Restricted" if deny else "Granted"
        done = f"{words} {made.task.name} for {grants.describe_principal(made)}, {grants.describe_scope(made)}"
        number = made.id
    console.say(f"{done} (number {number}).")


@grant.command("list")
@console.json_option
@console.data_option
def list_(*, as_json: bool, data: Path | None) -> None:
    """List the grants and restrictions with their numbers."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        found = grants.list_grants(work)
        shapes = [_shape(each) for each in found]
        rows = [
            (
                each.id,
                "restriction" if each.deny else "grant",
                each.task.name,
                grants.describe_principal(each),
                grants.describe_scope(each),
            )
            for each in found
        ]
    if as_json:
        console.show_json(shapes)
    else:
        console.show_table(("Number", "Kind", "Task", "For", "Where"), rows, right=("Number",))


@grant.command()
@click.argument("number", type=int)
@console.data_option
def remove(*, number: int, data: Path | None) -> None:
    """Take a grant or restriction back by its number."""
    with console.opened(data) as runtime, runtime.writing(console.me()) as work:
        grants.revoke(work, number)
    console.say(f"Removed the grant {number}.")


def _shape(entry: Grant) -> dict[str, Any]:
    user = entry.user.name if entry.user else None
    return {
        "id": entry.id,
        "task": entry.task.name,
        "user": entry.principal.capitalize() if entry.principal in grants.EVERYBODY else user,
        "group": entry.group.name if entry.group else None,
        "feed": entry.feed.name if entry.feed else None,
        "feedGroup": entry.feed_group.name if entry.feed_group else None,
        "deny": entry.deny,
    }
