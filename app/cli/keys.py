"""``promontory key``: API keys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.cli import console
from app.domain.permissions import KeyRight
from app.services import keys
from app.storage.models import ApiKey

KINDS = ("system", "feed", "personal")
RIGHTS = (*KeyRight, "feeds", "sca", "sbom-upload")


@click.group()
def key() -> None:
    """Create, list and delete API keys."""


@key.command(
    epilog=console.examples(
        "promontory key create --type system --name ci",
        "promontory key create --type feed --name promoter --feed npm-dev --feed npm-prod --right view --right promote",
    )
)
@click.option("--type", "kind", type=click.Choice(KINDS), required=True, help="What the key is bound to.")
@click.option("--name", required=True, help="Name of the key; history shows it as 'API: <name>'.")
@click.option("--feed", "feeds", multiple=True, help="A feed of a feed key; may be repeated.")
@click.option("--feed-group", default="", help="The feed group of a feed key.")
@click.option(
    "--right",
    "rights",
    multiple=True,
    type=click.Choice([str(right) for right in RIGHTS]),
    help="view, add, promote, delete for a feed key; may be repeated.",
)
@click.option("--user", default="", help="The user as whom a personal key acts.")
@click.option("--description", default="", help="What the key is for.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="When it ends, in UTC.")
@console.json_option
@console.data_option
def create(
    *,
    kind: str,
    name: str,
    feeds: tuple[str, ...],
    feed_group: str,
    rights: tuple[str, ...],
    user: str,
    description: str,
    expires: datetime | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Create an API key and print its secret, which nobody can read again."""
    until = expires.replace(tzinfo=UTC) if expires else None
    request = keys.KeyRequest(kind, name, description, user, feeds, feed_group, rights, until)
    with console.opened(data, create=True) as runtime, runtime.writing(console.me()) as work:
        made, secret = keys.create_key(work, request)
        shape = _shape(made)
    if as_json:
        console.show_json({**shape, "key": secret})
    else:
        click.echo(secret)


@key.command("list")
@console.json_option
@console.data_option
def list_(*, as_json: bool, data: Path | None) -> None:
    """List the keys; never their secrets."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        found = keys.list_keys(work)
        shapes = [_shape(each) for each in found]
        rows = [
            (
                each.id,
                each.kind,
                each.name,
                f"{each.prefix}...",
                _scope(each),
                ", ".join(each.rights),
                console.when(each.expires),
                console.when(each.last_used),
            )
            for each in found
        ]
    if as_json:
        console.show_json(shapes)
        return
    columns = ("Number", "Type", "Name", "Begins", "For", "Rights", "Expires", "Last used")
    console.show_table(columns, rows, right=("Number",))


@key.command()
@click.argument("number", type=int)
@console.data_option
def delete(*, number: int, data: Path | None) -> None:
    """Delete a key by its number; it stops working at once."""
    with console.opened(data) as runtime, runtime.writing(console.me()) as work:
        keys.delete_key(work, number)
    console.say(f"Deleted the key {number}.")


def _scope(key: ApiKey) -> str:
    if key.user is not None:
        return key.user.name
    if key.feed_group is not None:
        return f"feed group {key.feed_group.name}"
    return ", ".join(feed.name for feed in key.feeds)


def _shape(key: ApiKey) -> dict[str, Any]:
    system = key.kind == "system"
    return {
        "id": key.id,
        "type": key.kind.capitalize(),
        "displayName": key.name,
        "description": key.description,
        "prefix": key.prefix,
        "systemApis": key.rights if system else [],
        "packagePermissions": [] if system else key.rights,
        "feed": ",".join(feed.name for feed in key.feeds) or None,
        "feedGroup": key.feed_group.name if key.feed_group else None,
        "user": key.user.name if key.user else None,
        "enabled": key.enabled,
        "expiration": console.moment(key.expires),
        "lastUsed": console.moment(key.last_used),
    }
