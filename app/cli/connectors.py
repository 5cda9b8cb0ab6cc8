"""``promontory connector``: the sources that feeds look into and pull from."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from app.cli import console
from app.cli.commands import Refusal
from app.domain.connectors import Credential
from app.services import connectorhealth, connectors
from app.services.connectors import ConnectorChange
from app.storage.models import Connector


@click.group()
def connector() -> None:
    """Create, list, change and check connectors."""


def _settings(command: Any) -> Any:
    """Give a command the options that creating and changing share."""
    for option in reversed(
        (
            click.option("--url", default=None, help="The address of its source."),
            click.option("--from-feed", "feed", default=None, metavar="FEED", help="Another feed here as its source."),
            click.option("--timeout", default=None, type=int, help="Seconds to connect, and of silence.  [10]"),
            click.option("--cache-minutes", default=None, type=int, help="How long answers are kept.  [30]"),
            click.option(
                "--filter",
                "filters",
                multiple=True,
                metavar="PATTERN",
                help="A pattern of names, as left-*; !acme-* blocks. May be repeated.",
            ),
            click.option(
                "--credential", default=None, type=click.Choice([str(c) for c in Credential]), help="How it signs in."
            ),
            click.option("--username", default=None, help="The user's name, or the header's."),
            click.option("--secret-stdin", is_flag=True, help="Read its password or token from stdin."),
        )
    ):
        command = option(command)
    return command


def _change(
    *, secret_stdin: bool, filters: tuple[str, ...] | None, credential: str | None, **plain: Any
) -> ConnectorChange:
    secret = sys.stdin.readline().rstrip("\r\n") if secret_stdin else None
    kind = Credential(credential) if credential is not None else None
    return ConnectorChange(filters=filters or None, credential=kind, secret=secret, **plain)


@connector.command(
    epilog=console.examples(
        "promontory connector create public --format npm --url https://registry.example",
        "promontory connector create from-dev --format npm --from-feed npm-dev --filter '@acme/*'",
        "promontory connector create team --format nuget --url https://example/v3/index.json --credential bearer "
        "--secret-stdin < token.txt",
    )
)
@click.argument("name")
@click.option("--format", "format_key", required=True, help="npm, nuget, ...: see 'promontory formats'.")
@_settings
@console.json_option
@console.data_option
def create(*, name: str, format_key: str, as_json: bool, data: Path | None, **settings: Any) -> None:
    """Create a connector; attach it with 'promontory feed set FEED --connector NAME'.

    Its password or token is read from stdin only: what stands on a command line, others can read.
    """
    change = _change(**settings)
    with console.opened(data, create=True) as runtime, runtime.writing(console.me()) as work:
        shape = _shape(connectors.create_connector(work, name, format_key, change))
    _done(shape, f"Created the {shape['feedType']} connector {shape['name']}.", as_json=as_json)


@connector.command(
    "set",
    epilog=console.examples(
        "promontory connector set public --timeout 20 --filter '!acme-*'",
        "promontory connector set public --disable",
    ),
)
@click.argument("name")
@click.option("--name", "new_name", default=None, help="A new name.")
@click.option("--enable/--disable", "enabled", default=None, help="Ask it, or not.")
@click.option("--no-filter", is_flag=True, help="Drop its patterns.")
@_settings
@console.json_option
@console.data_option
def set_(*, name: str, no_filter: bool, as_json: bool, data: Path | None, **settings: Any) -> None:
    """Change a connector; what is not named stays, and the filters that are named replace those it has."""
    renamed = settings.pop("new_name")
    enabled = settings.pop("enabled")
    change = _change(**settings, name=renamed, enabled=enabled)
    if no_filter:
        change = replace(change, filters=())
    with console.opened(data) as runtime:
        with runtime.writing(console.me()) as work:
            shape = _shape(connectors.update_connector(work, name, change))
        runtime.sources.forget(str(shape["name"]))
    _done(shape, f"Changed the connector {shape['name']}.", as_json=as_json)


def _done(shape: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        console.show_json(shape)
    else:
        console.say(words)


@connector.command("list")
@console.json_option
@console.data_option
def list_(*, as_json: bool, data: Path | None) -> None:
    """List the connectors, and how it stands with each."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        shapes = [_shape(each) for each in connectors.list_connectors(work)]
    if as_json:
        console.show_json(shapes)
        return
    rows = ((s["name"], s["feedType"], s["source"], ", ".join(s["feeds"]), _state(s), s["server"]) for s in shapes)
    console.show_table(("Name", "Format", "Source", "Feeds", "State", "Server"), rows)


@connector.command()
@click.argument("name")
@console.json_option
@console.data_option
def show(*, name: str, as_json: bool, data: Path | None) -> None:
    """Show one connector's settings; never its secret."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        shape = _shape(connectors.get_connector(work, name))
    if as_json:
        console.show_json(shape)
        return
    shown = {
        **shape,
        "filters": ", ".join(shape["filters"]),
        "feeds": ", ".join(shape["feeds"]),
        "state": _state(shape),
    }
    console.show_table(("Setting", "Value"), ((key, "" if value is None else value) for key, value in shown.items()))


@connector.command()
@click.argument("name")
@console.json_option
@console.data_option
def check(*, name: str, as_json: bool, data: Path | None) -> None:
    """Ask a connector's source now whether it is there; exit code 2 where it is not."""
    with console.opened(data) as runtime:
        failure = connectorhealth.check(runtime, console.me(), name)
        with runtime.reading(console.me()) as work:
            shape = _shape(connectors.get_connector(work, name))
    if as_json:
        console.show_json({"reachable": not failure, "failure": failure, "server": shape["server"]})
    if failure:
        raise Refusal(failure)
    if not as_json:
        console.say(f"{shape['name']} is there: {shape['server'] or 'it answers'}, in {shape['latency']} ms.")


@connector.command()
@click.argument("name")
@console.yes_option
@console.data_option
def delete(*, name: str, yes: bool, data: Path | None) -> None:
    """Delete a connector; what came by it stays."""
    with console.opened(data) as runtime:
        with runtime.reading(console.me()) as work:
            shape = _shape(connectors.get_connector(work, name))
        used = f", which {console.count(len(shape['feeds']), 'feed')} use" if shape["feeds"] else ""
        console.confirm(f"Delete the connector {shape['name']}{used}?", yes=yes)
        with runtime.writing(console.me()) as work:
            connectors.delete_connector(work, name)
        runtime.sources.forget(str(shape["name"]))
    console.say(f"Deleted the connector {shape['name']}.")


def _state(shape: dict[str, Any]) -> str:
    if not shape["enabled"]:
        return "disabled"
    if shape["failure"]:
        return str(shape["failure"])
    return "not asked yet" if shape["checked"] is None else f"reachable, {shape['latency']} ms"


def _shape(found: Connector) -> dict[str, Any]:
    return {
        "name": found.name,
        "feedType": found.format,
        "source": connectors.address_of(found),
        "enabled": found.enabled,
        "timeout": found.timeout,
        "cacheMinutes": found.cache_minutes,
        "filters": list(found.filters),
        "credential": str(found.credential),
        "username": found.username,
        "secretSet": bool(found.secret),
        "feeds": [link.feed.name for link in found.links],
        "checked": console.moment(found.checked),
        "latency": found.latency,
        "failure": found.failure,
        "server": found.server,
    }
