"""The history by command."""

from __future__ import annotations

import csv
import io

import pytest

from tests.cli.conftest import Promontory


@pytest.fixture
def promoted(stocked: Promontory) -> Promontory:
    way = ("--from", "npm-dev", "--to", "npm-prod")
    stocked("promote", "one", "1.0.0", *way, "--comments", "=HYPERLINK(1)")
    stocked("promote", "@acme/ui", "1.0.0", *way, "--comments", "second")
    stocked("promote", "one", "2.0.0", *way)
    return stocked


def names(promontory: Promontory, *words: object) -> list[str]:
    return [f"{line['name']} {line['version']}" for line in promontory.json("history", *words)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["one 2.0.0", "ui 1.0.0", "one 1.0.0"]),
        (("--to", "npm-prod"), ["one 2.0.0", "ui 1.0.0", "one 1.0.0"]),
        (("--from", "npm-prod"), []),
        (("--feed", "NPM-DEV", "--limit", 1), ["one 2.0.0"]),
        (("--limit", 1, "--offset", 1), ["ui 1.0.0"]),
        (("--name", "one", "--limit", 1, "--offset", 1), ["one 1.0.0"]),
        (("--name", "@acme/ui"), ["ui 1.0.0"]),
        (("--name", "one", "--version", "2.0.0"), ["one 2.0.0"]),
        (("--format", "npm", "--name", "one"), ["one 2.0.0", "one 1.0.0"]),
        (("--format", "universal"), []),
        (("--text", "acme"), ["ui 1.0.0"]),
        (("--person", "cli:"), ["one 2.0.0", "ui 1.0.0", "one 1.0.0"]),
        (("--person", "somebody else"), []),
        (("--since", "2000-01-01", "--until", "2999-01-01", "--limit", 0), ["one 2.0.0", "ui 1.0.0", "one 1.0.0"]),
        (("--until", "2000-01-01"), []),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_every_filter_narrows(promoted: Promontory, words: tuple[object, ...], expected: list[str]) -> None:
    assert names(promoted, *words) == expected


def test_the_table_says_that_there_is_more(promoted: Promontory) -> None:
    result = promoted.run("history", "--limit", 2)
    assert "@acme/ui" in result.stdout
    assert "2 of 3" in result.stderr


def test_csv_is_whole_and_no_formula(promoted: Promontory) -> None:
    rows = list(csv.DictReader(io.StringIO(promoted("history", "--csv"))))
    assert [row["name"] for row in rows] == ["one", "@acme/ui", "one"]
    assert rows[2]["comments"] == "'=HYPERLINK(1)"


def test_what_is_no_date_is_refused(promoted: Promontory) -> None:
    assert "is no date" in promoted.refused("history", "--since", "yesterday")


def test_what_is_no_name_of_any_format_is_refused(promoted: Promontory) -> None:
    assert promoted.refused("history", "--name", "\x00")


def test_the_name_of_a_deleted_feed_is_still_there(promoted: Promontory) -> None:
    promoted("feed", "delete", "npm-dev", "--yes")
    assert len(promoted.json("history", "--from", "npm-dev")) == 3
