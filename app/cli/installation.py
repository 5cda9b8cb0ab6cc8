"""``promontory db``, ``fsck``, ``audit`` and ``settings``: look after an installation."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from filelock import FileLock
from pydantic.fields import FieldInfo

from app.bootstrap import open_runtime, utc_now
from app.cli import console
from app.cli.commands import UNEXPECTED
from app.services import events
from app.services import fsck as checks
from app.settings import Settings
from app.storage.engine import open_database
from app.storage.migrate import upgrade as migrate

_SHOWN = 200


# Database ---------------------------------------------------------------------------------------------


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@console.data_option
def upgrade(*, data: Path | None) -> None:
    """Bring the database to this program's schema; an SQLite file is copied first.

    Every start does this too. Here it is apart, for who wants to do it while nothing serves.
    """
    settings = console.settings_of(data)
    with console.explained():
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = open_database(settings.database_url)
        with FileLock(settings.data / ".upgrade.lock", timeout=300):
            copy = migrate(database, utc_now())
        database.close()
        open_runtime(settings).database.close()
    if copy is not None:
        console.say(f"Copied the database to {copy} first.")
    console.say("The database has this program's schema.")


# Checks -----------------------------------------------------------------------------------------------


@click.command()
@click.option("--deep", is_flag=True, help="Read every stored byte again.")
@click.option("--repair", is_flag=True, help="Free what no feed holds, once it is an hour old.")
@console.json_option
@console.data_option
def fsck(*, deep: bool, repair: bool, as_json: bool, data: Path | None) -> None:
    """Check that rows, bytes and history agree.

    Damage ends with exit code 1. Repair deletes only what nothing refers to; damage is told with what to restore,
    and never papered over.
    """
    with console.opened(data) as runtime:
        swept = checks.sweep(runtime, console.me()) if repair else None
        with runtime.reading(console.me()) as work:
            found = checks.check(work, deep=deep)
    damage = [each for each in found if not each.harmless]
    if as_json:
        findings = [{"kind": str(e.kind), "subject": e.subject, "message": e.message} for e in found]
        console.show_json({"ok": not damage, "findings": findings, "swept": _swept_shape(swept)})
    else:
        _show_findings(found, swept)
    if damage:
        raise click.exceptions.Exit(UNEXPECTED)


def _swept_shape(swept: checks.Swept | None) -> dict[str, int] | None:
    return None if swept is None else {"blobs": swept.blobs, "size": swept.size, "incoming": swept.incoming}


def _show_findings(found: list[checks.Finding], swept: checks.Swept | None) -> None:
    if swept is not None:
        freed = f"{console.bytes_text(swept.size)} in {console.count(swept.blobs, 'blob')}"
        console.say(f"Freed {freed}, and {console.count(swept.incoming, 'broken upload')}.")
    for each in found[:_SHOWN]:
        console.say(f"{each.kind}: {each.message}")
    if len(found) > _SHOWN:
        console.say(f"... and {len(found) - _SHOWN:,} more; --json lists all.")
    counts = Counter("harmless" if each.harmless else "damaged" for each in found)
    console.say(f"{counts['damaged']:,} damaged, {counts['harmless']:,} harmless." if found else "All is well.")


@click.group()
def audit() -> None:
    """Check the event log."""


@audit.command()
@console.json_option
@console.data_option
def verify(*, as_json: bool, data: Path | None) -> None:
    """Check that no entry of the event log was changed or removed; a broken chain ends with exit code 1.

    The hash stands for every entry up to the last: keep it elsewhere to notice that the whole log was written anew.
    """
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        broken, (entries, digest) = events.verify(work), events.head(work)
    if as_json:
        shown = {"ok": broken is None, "event": broken and broken.id, "reason": broken and broken.reason}
        console.show_json({**shown, "entries": entries, "hash": digest})
    elif broken is None:
        console.say(f"The event log is whole: {entries:,} entries, ending in {digest}.")
    else:
        console.say(f"The event log does not hold from number {broken.id} on: {broken.reason}.")
    if broken is not None:
        raise click.exceptions.Exit(UNEXPECTED)


# Settings ---------------------------------------------------------------------------------------------


@click.command()
@console.json_option
@console.data_option
def settings(*, as_json: bool, data: Path | None) -> None:
    """List every setting with its value and where it comes from.

    Settings come from the environment, then from promontory.toml in the data directory, then from defaults.
    """
    current = console.settings_of(data)
    file = current.data / "promontory.toml"
    written = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    shapes = [_setting(current, written, data, *each) for each in Settings.model_fields.items()]
    if as_json:
        console.show_json(shapes)
        return
    rows = ((s["name"], s["value"], s["source"], s["environment"], s["help"]) for s in shapes)
    console.show_table(("Setting", "Value", "From", "Variable", "Help"), rows)


def _setting(
    current: Settings, written: Mapping[str, Any], data: Path | None, name: str, field: FieldInfo
) -> dict[str, Any]:
    variable = f"{Settings.model_config['env_prefix']}{name.upper()}"
    in_environment = variable.casefold() in {known.casefold() for known in os.environ}
    source = "environment" if in_environment else "promontory.toml" if name in written else "default"
    return {
        "name": name,
        "value": current.shown(name),
        "source": "--data" if name == "data" and data is not None else source,
        "environment": variable,
        "help": field.description,
    }
