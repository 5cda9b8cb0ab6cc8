"""What every command shares: its data directory, its options, and how it prints."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError
from rich.console import Console, RenderableType
from rich.table import Table
from sqlalchemy.exc import DatabaseError, OperationalError

from app.account import account
from app.bootstrap import open_runtime
from app.cli.commands import Failure, Refusal, printable
from app.domain.errors import Invalid, NotFound
from app.services.runtime import Actor, Runtime, owner
from app.settings import Settings, load_settings
from app.storage.engine import open_database

_WIDE = 100_000
Command = TypeVar("Command", bound=Callable[..., Any])


# Options ----------------------------------------------------------------------------------------------


def data_option(command: Command) -> Command:
    """Let a command take its data directory, or take the one that was given before its name."""

    def inherit(context: click.Context, _: click.Parameter, value: Path | None) -> Path | None:
        return value or context.find_object(Path)

    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        callback=inherit,
        help="Data directory [PROMONTORY_DATA].",
    )(command)


def examples(*lines: str) -> str:
    """Give the end of a command's help: what one may type."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is lost; where nobody can answer, want ``--yes``."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refusal(f"{printable(question)} Say --yes to go on.")
    click.confirm(printable(question), abort=True)


# The installation -------------------------------------------------------------------------------------


def settings_of(data: Path | None, **given: Any) -> Settings:
    """Load the settings of a data directory; raise Invalid that names every wrong one."""
    try:
        return load_settings(data=data, **given)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        raise Invalid(f"The settings are not possible: {wrong}. 'promontory settings --help' lists them.") from None


@contextmanager
def opened(data: Path | None, *, create: bool = False) -> Iterator[Runtime]:
    """Open an installation; one that is not there yet is made only where ``create`` allows it."""
    settings = settings_of(data)
    if not create and not is_there(settings):
        raise NotFound(
            f"There is no installation in {settings.data}; name another directory with --data, "
            "or make one with 'promontory serve' or 'promontory feed create'.",
            code="no-installation",
        )
    with explained():
        runtime = open_runtime(settings)
        try:
            yield runtime
        finally:
            # Without a checkpoint: that would wait for a server beside us.
            runtime.database.reader.dispose()
            runtime.database.writer.dispose()


def is_there(settings: Settings) -> bool:
    """Tell whether the data directory has been used before."""
    path = open_database(settings.database_url).path
    return path is None or path.exists()


@contextmanager
def explained() -> Iterator[None]:
    """Turn failures of the machine (disk, rights, database) into one line."""
    try:
        yield
    except BrokenPipeError:
        raise  # Whoever read along has seen enough; click ends quietly.
    except (DatabaseError, OSError) as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        if isinstance(error, DatabaseError) and type(error) not in (DatabaseError, OperationalError):
            raise  # Our own mistake, such as a broken reference: its traceback helps.
        raise Failure(printable(f"{type(cause).__name__}: {cause}")) from error


def me() -> Actor:
    """Give who acts: whoever may read the data directory may do everything in it."""
    return owner(f"CLI: {account()}")


def read_password(*, from_stdin: bool) -> str | None:
    """Read a password: a line of stdin, or typed twice at a terminal; None where neither is to be had."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        return None
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed


# Output -----------------------------------------------------------------------------------------------


def show(what: RenderableType) -> None:
    """Print for people: in colour and as wide as the terminal, plain and unbroken into a file."""
    options: dict[str, Any] = {"markup": False, "highlight": False, "emoji": False}
    if sys.stdout.isatty():
        Console(**options).print(what)
        return
    text = io.StringIO()
    Console(file=text, width=_WIDE, **options).print(what)
    for line in text.getvalue().splitlines():
        click.echo(line.rstrip())


def say(text: str) -> None:
    """Print one line for people."""
    click.echo(printable(text))


def note(text: str) -> None:
    """Print one line beside the data, on stderr."""
    click.echo(printable(text), err=True)


def show_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print a table; ``right`` names the columns of numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(printable(str(cell)).replace("\n", " ") for cell in row))
    show(table)


def moment(value: datetime | None) -> str | None:
    """Give a moment as the API does: ISO 8601 in UTC with milliseconds."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def when(value: datetime | None) -> str:
    """Give a moment for people, in their own time."""
    return "" if value is None else f"{value.astimezone():%Y-%m-%d %H:%M}"


def bytes_text(size: int) -> str:
    """Give a number of bytes for people."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def count(number: int, noun: str) -> str:
    """Give a number of things for people."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
