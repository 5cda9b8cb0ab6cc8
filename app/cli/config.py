"""``promontory config``: people and rights as one file that can be reviewed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app.cli import console
from app.cli.commands import Failure, printable
from app.cli.console import Command
from app.domain.errors import AppError, Invalid
from app.services import config as service
from app.services import configfile, vault
from app.services.config import Change
from app.services.configfile import Document

DIFFERS = 2
_SIGNS = {"add": "+", "change": "~", "remove": "-"}


@click.group()
def config() -> None:
    """Write people and rights into a file, and bring them to it.

    The file holds users without secrets, groups, tasks, grants and restrictions; feeds are named only. What is in no
    section of it is left alone, and what a section does not name stays unless --prune removes it.
    """


def _file_argument(command: Command) -> Command:
    return click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))(command)


_prune_option = click.option("--prune", is_flag=True, help="Also remove what a section of the file does not name.")


@config.command(
    epilog=console.examples(
        "promontory config export > rights.yaml",
        "promontory config export --output rights.yaml",
    )
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write into this file.")
@console.json_option
@console.data_option
def export(*, output: Path | None, as_json: bool, data: Path | None) -> None:
    """Write people and rights as YAML, always in the same order, so that it can be compared."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        found = service.export(work)
    if as_json:
        console.show_json(found.model_dump(by_alias=True, exclude_defaults=True))
    elif output is None:
        click.echo(configfile.write(found), nl=False)
    else:
        with console.explained():
            output.write_text(configfile.write(found), "utf-8")


@config.command(
    epilog=console.examples(
        "promontory config plan rights.yaml",
        "promontory config plan rights.yaml --prune --json",
    )
)
@_file_argument
@_prune_option
@console.json_option
@console.data_option
def plan(*, file: Path, prune: bool, as_json: bool, data: Path | None) -> None:
    """Show what applying a file would change, and change nothing.

    Exit code 0: nothing; 2: something; 1: applying it would be refused.
    """
    try:
        document = _read(file)
        with console.opened(data) as runtime:
            changes = service.rehearse(runtime, console.me(), document, prune=prune)
    except AppError as error:
        raise Failure(printable(error.message)) from error
    _show(changes, as_json=as_json)
    if changes:
        raise click.exceptions.Exit(DIFFERS)


@config.command(
    epilog=console.examples(
        "promontory config apply rights.yaml",
        "promontory config apply rights.yaml --prune --yes",
    )
)
@_file_argument
@_prune_option
@console.yes_option
@console.json_option
@console.data_option
def apply(*, file: Path, prune: bool, yes: bool, as_json: bool, data: Path | None) -> None:
    """Bring people and rights to what a file says, all of it or nothing; again changes nothing.

    New users have no password; give them one with 'promontory user password'.
    """
    document = _read(file)
    with console.opened(data, create=True) as runtime:
        if prune and not yes:
            gone = [each for each in service.rehearse(runtime, console.me(), document, prune=True) if not each.wanted]
            if gone:
                console.confirm(f"{console.count(len(gone), 'entry')} would be removed.", yes=False)
        with runtime.writing(console.me()) as work:
            changes = service.apply(work, document, prune=prune)
    _show(changes, as_json=as_json)


def _read(file: Path) -> Document:
    with console.explained():
        if str(file) == "-":
            return configfile.read(sys.stdin.buffer.read(configfile.MAX_BYTES + 1), "stdin")
        if not file.is_file():
            raise Invalid(f"There is no file {file}; 'promontory config export' writes one.", code="no-file")
        with file.open("rb") as opened:
            return configfile.read(opened.read(configfile.MAX_BYTES + 1), file.name)


def _show(changes: Sequence[Change], *, as_json: bool) -> None:
    if as_json:
        console.show_json([_shape(change) for change in changes])
        return
    for change in changes:
        console.say(f"{_SIGNS[change.action]} {change.kind} {change.name}{_values(change)}")
    counts = Counter(change.action for change in changes)
    console.say(f"{counts['add']:,} to add, {counts['change']:,} to change, {counts['remove']:,} to remove.")


def _values(change: Change) -> str:
    if change.action == "remove" or change.kind in ("grant", "restriction"):
        return ""
    shown = [_difference(name, *values) for name, values in change.values().items() if name != "name"]
    return f": {'; '.join(shown)}" if shown else ""


def _difference(name: str, before: Any, after: Any) -> str:
    if isinstance(before, list) or isinstance(after, list):
        held, wanted = before or [], after or []
        gone, new = [each for each in held if each not in wanted], [each for each in wanted if each not in held]
        return " ".join([name, *(f"-{each}" for each in gone), *(f"+{each}" for each in new)])
    return f"{name} {after!r}" if before is None else f"{name} {before!r} -> {after!r}"


def _shape(change: Change) -> dict[str, Any]:
    values = {name: {"before": before, "after": after} for name, (before, after) in change.values().items()}
    return {
        "action": change.action,
        "kind": change.kind,
        "name": change.name,
        "line": change.line or None,
        "values": values,
    }


@config.command("new-key")
def new_key() -> None:
    """Print a new key for the setting secret_key, which encrypts the secrets of connectors.

    Without that setting, a key of its own lies in the data directory. Several servers on one database need the same.
    """
    click.echo(vault.new_key())
