"""Help is complete, true and quick."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from app.cli.commands import COMMANDS, cli, load


def every_command(group: click.Group, *before: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*before, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, *before, name)


ALL = dict(every_command(cli))
ENDS = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}


def test_help_loads_no_command() -> None:
    code = (
        "import sys; from app.cli.commands import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m.startswith(('sqlalchemy', 'flask', 'rich', 'pydantic', 'app.services'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip().endswith("[]")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name: str) -> None:
    target, words = COMMANDS[name]
    command = load(target)
    assert command.name == name
    assert command.help.partition("\n\n")[0] == words


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert ALL[path].help
    for parameter in ALL[path].params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


@pytest.mark.parametrize(
    "path", [path for path in ENDS if path not in (("check-plugin",), ("config", "new-key"))], ids=" ".join
)
def test_every_command_takes_a_data_directory(path: tuple[str, ...]) -> None:
    assert "data" in {parameter.name for parameter in ENDS[path].params}


@pytest.mark.parametrize("path", [path for path in ENDS if path[-1] in ("list", "show", "versions")], ids=" ".join)
def test_every_command_that_gives_data_gives_json(path: tuple[str, ...]) -> None:
    assert "as_json" in {parameter.name for parameter in ENDS[path].params}


def test_help_documents_the_exit_codes() -> None:
    text = CliRunner().invoke(cli, ["--help"]).stdout
    for line in ("0  done", "1  something unexpected", "2  refused", "3  conflict"):
        assert line in text


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(cli, ["fly"])
    assert (result.exit_code, "No such command" in result.stderr) == (2, True)
