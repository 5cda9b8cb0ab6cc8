"""Exit codes and messages: refused is 2, a conflict is 3, the machine's failure is 1; never a traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from app import account
from app.cli import commands, console
from tests.cli.conftest import Promontory


@pytest.mark.parametrize(
    "words",
    [
        ("feed", "list"),
        ("user", "list"),
        ("history",),
        ("fsck",),
        ("audit", "verify"),
        ("package", "list", "--feed", "a"),
        ("promote", "a", "1.0.0", "--from", "a", "--to", "b"),
    ],
    ids=" ".join,
)
def test_reading_makes_no_installation(promontory: Promontory, words: tuple[str, ...]) -> None:
    assert "There is no installation in" in promontory.refused(*words)
    assert not promontory.data.exists()


def test_what_is_there_already_is_a_conflict(promontory: Promontory) -> None:
    promontory("feed", "create", "a", "--format", "npm")
    assert "There is a feed 'a' already" in promontory.refused("feed", "create", "a", "--format", "npm", code=3)


def test_what_is_not_there_is_refused(stocked: Promontory) -> None:
    for words in (
        ("feed", "show", "nope"),
        ("feed", "delete", "nope", "--yes"),
        ("user", "delete", "nope", "--yes"),
        ("group", "members", "nope"),
        ("grant", "remove", "99"),
        ("key", "delete", "99"),
        ("package", "versions", "nope", "--feed", "npm-dev"),
        ("package", "list", "--feed", "nope"),
    ):
        assert "no" in stocked.refused(*words)


def test_impossible_settings_are_named(promontory: Promontory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMONTORY_PORT", "seventy")
    assert "port" in promontory.refused("settings")


def test_an_unusable_data_directory_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    result = Promontory(tmp_path / "data").run("feed", "create", "a", "--format", "npm")
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    below = Promontory(tmp_path / "data" / "deeper")
    assert "NotADirectoryError" in below.refused("feed", "create", "a", "--format", "npm", code=1)


def test_a_database_that_is_none_is_a_failure(promontory: Promontory) -> None:
    promontory.data.mkdir()
    (promontory.data / "promontory.db").write_bytes(b"not a database" * 100)
    assert promontory.refused("feed", "list", code=1)


def test_the_data_directory_may_stand_before_the_command(promontory: Promontory) -> None:
    promontory("feed", "create", "a", "--format", "npm")
    from click.testing import CliRunner

    result = CliRunner().invoke(commands.cli, ["--data", str(promontory.data), "feed", "list"])
    assert "a     npm" in result.stdout


def test_the_data_directory_may_be_in_the_environment(promontory: Promontory, monkeypatch: pytest.MonkeyPatch) -> None:
    promontory("feed", "create", "a", "--format", "npm")
    from click.testing import CliRunner

    monkeypatch.setenv("PROMONTORY_DATA", str(promontory.data))
    assert "a     npm" in CliRunner().invoke(commands.cli, ["feed", "list"]).stdout


def test_messages_cannot_steer_the_terminal() -> None:
    assert (
        commands.printable("\x1b[31mred\x07\nnext") == "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}\nnext"
    )


def test_somebody_without_a_name_is_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unnamed() -> str:
        raise KeyError("uid")

    monkeypatch.setattr("getpass.getuser", unnamed)
    assert account.account() == str(os.getuid())


def test_a_question_that_nobody_can_answer_is_refused(stocked: Promontory) -> None:
    assert "Say --yes" in stocked.refused("feed", "delete", "npm-dev")
    assert {feed["name"] for feed in stocked.json("feed", "list")} == {"npm-dev", "npm-prod"}


def test_a_no_at_the_terminal_changes_nothing(stocked: Promontory, monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(click, "confirm", lambda text, abort: (_ for _ in ()).throw(click.Abort))
    with pytest.raises(click.Abort):
        console.confirm("Really?", yes=False)


def test_output_into_a_file_has_no_colours_and_no_broken_lines(stocked: Promontory) -> None:
    description = "a long description " * 30
    stocked("feed", "set", "npm-dev", "--description", description)
    text = stocked("feed", "list")
    assert "\x1b" not in text
    assert description.strip() in text
