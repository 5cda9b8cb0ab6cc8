"""``promontory feed-group``: feeds that belong together."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli import console
from app.services import feedgroups


@click.group("feed-group")
def feed_group() -> None:
    """Create, list, rename and delete feed groups."""


@feed_group.command(epilog=console.examples("promontory feed-group create Payments"))
@click.argument("name")
@console.data_option
def create(*, name: str, data: Path | None) -> None:
    """Create an empty feed group; feeds join it with 'promontory feed set FEED --group NAME'."""
    with console.opened(data, create=True) as runtime, runtime.writing(console.me()) as work:
        feedgroups.create_feed_group(work, name)
    console.say(f"Created the feed group {name}.")


@feed_group.command("list")
@console.json_option
@console.data_option
def list_(*, as_json: bool, data: Path | None) -> None:
    """List the feed groups with their feeds."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        found = feedgroups.list_feed_groups(work)
        shapes = [{"name": group.name, "feeds": [feed.name for feed in feeds]} for group, feeds in found]
    if as_json:
        console.show_json(shapes)
    else:
        console.show_table(("Name", "Feeds"), ((shape["name"], ", ".join(shape["feeds"])) for shape in shapes))


@feed_group.command()
@click.argument("name")
@click.argument("new_name")
@console.data_option
def rename(*, name: str, new_name: str, data: Path | None) -> None:
    """Give a feed group another name."""
    with console.opened(data) as runtime, runtime.writing(console.me()) as work:
        feedgroups.rename_feed_group(work, name, new_name)
    console.say(f"The feed group {name} is called {new_name}.")


@feed_group.command()
@click.argument("name")
@console.yes_option
@console.data_option
def delete(*, name: str, yes: bool, data: Path | None) -> None:
    """Delete a feed group with its grants; its feeds stay. API keys for it must be deleted first."""
    with console.opened(data) as runtime:
        with runtime.reading(console.me()) as work:
            held = feedgroups.held_by_feed_group(work, name)
        hits = ", ".join(f"{count:,} {what}" for what, count in held.items()) or "nothing"
        console.confirm(f"Delete the feed group {name}, on which hang: {hits}?", yes=yes)
        with runtime.writing(console.me()) as work:
            feedgroups.delete_feed_group(work, name, emptying=True)
    console.say(f"Deleted the feed group {name}; its feeds stay.")
