"""Promotions by command."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pack, Promontory

WAY = ("--from", "npm-dev", "--to", "npm-prod")


def held(promontory: Promontory) -> list[tuple[str, str]]:
    listed = promontory.json("package", "list", "--feed", "npm-prod")
    return [(p["name"], p["version"]) for p in listed]


def test_a_version_is_promoted_and_recorded(stocked: Promontory) -> None:
    text = stocked("promote", "one", "1.0.0", *WAY, "--comments", "reviewed")
    assert "npm-dev -> npm-prod" in text
    assert "1 to add" in text
    assert "promotion 1, 1 version." in text
    (line,) = stocked.json("history")
    assert line["user"].startswith("CLI: ")
    assert (line["fromFeed"], line["toFeed"], line["name"], line["version"], line["comments"]) == (
        "npm-dev",
        "npm-prod",
        "one",
        "1.0.0",
        "reviewed",
    )


def test_several_versions_are_promoted_at_once(stocked: Promontory, tmp_path: Path) -> None:
    (tmp_path / "items").write_text("# approved\none 1.0.0\n\n")
    stocked("promote", "one", "latest", *WAY, "--also", "@acme/ui@1.0.0", "--items-from", tmp_path / "items")
    assert len(stocked.json("package", "versions", "one", "--feed", "npm-prod")) == 2
    assert held(stocked) == [("ui", "1.0.0"), ("one", "2.0.0")]


def test_versions_are_read_from_stdin(stocked: Promontory) -> None:
    stocked("promote", *WAY, "--items-from", "-", stdin="one 1.0.0\n@acme/ui latest\n")
    assert held(stocked) == [("ui", "1.0.0"), ("one", "1.0.0")]


def test_a_dry_run_shows_the_plan_and_does_nothing(stocked: Promontory) -> None:
    plan = stocked.json("promote", "one", "1.0.0", *WAY, "--dry-run")
    assert (plan["applicable"], plan["counts"]["add"], plan["items"][0]["outcome"]) == (True, 1, "add")
    assert held(stocked) == []


def test_the_plan_that_was_shown_is_the_plan_that_is_applied(stocked: Promontory, pack: Pack) -> None:
    shown = stocked.json("promote", "one", "1.0.0", *WAY, "--dry-run")["fingerprint"]
    stocked("package", "upload", pack("new", "1.0.0"), "--feed", "npm-dev")
    result = stocked.run("promote", "one", "1.0.0", *WAY, "--fingerprint", shown)
    assert (result.exit_code, held(stocked)) == (3, [])
    assert "has changed" in result.stderr
    fresh = stocked.json("promote", "one", "1.0.0", *WAY, "--dry-run")["fingerprint"]
    assert fresh in result.stdout
    stocked("promote", "one", "1.0.0", *WAY, "--fingerprint", fresh)
    assert held(stocked) == [("one", "1.0.0")]


def test_the_same_idempotency_key_gives_the_same_answer(stocked: Promontory) -> None:
    words = ("promote", "one", "1.0.0", *WAY, "--idempotency-key", "k", "--json")
    first, second = json.loads(stocked(*words)), json.loads(stocked(*words))
    assert (first["id"], first["repeated"]) == (1, False)
    assert (second["id"], second["repeated"]) == (1, True)
    assert len(stocked.json("history")) == 1


def test_what_is_there_already_is_a_success_without_a_record(stocked: Promontory) -> None:
    stocked("promote", "one", "1.0.0", *WAY)
    assert "Nothing to do" in stocked("promote", "one", "1.0.0", *WAY)
    assert len(stocked.json("history")) == 1


def test_other_bytes_in_the_target_are_a_conflict(stocked: Promontory, pack: Pack) -> None:
    path = pack("one", "1.0.0")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1, mtime=1))
    stocked("package", "upload", path, "--feed", "npm-prod")
    for words in ((), ("--dry-run",)):
        result = stocked.run("promote", "one", "1.0.0", *WAY, *words)
        assert result.exit_code == 3
        assert "1 in conflict" in result.stdout
        assert "never overwrites" in result.stderr


def test_one_missing_version_refuses_all(stocked: Promontory) -> None:
    result = stocked.run("promote", "one", "1.0.0", *WAY, "--also", "nope@1.0.0")
    assert (result.exit_code, held(stocked)) == (2, [])
    assert "1 missing" in result.stdout
    assert "is not in npm-dev" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("one",), "Name a version"),
        ((), "Name what to promote"),
        (("one", "1.0.0", "--also", "two"), "is not a name and a version"),
        (("one", "1.0.0", "--from", "nope"), "no feed 'nope'"),
        (("one", "1.0.0", "--to", "nope"), "no feed 'nope'"),
        (("one", "1.0.0", "--to", "npm-dev"), "both source and target"),
    ],
)
def test_impossible_requests_are_refused(stocked: Promontory, words: tuple[str, ...], message: str) -> None:
    assert message in stocked.refused("promote", *WAY, *words)


def test_lines_that_are_no_items_are_refused(stocked: Promontory) -> None:
    assert "'one'" in stocked.refused("promote", *WAY, "--items-from", "-", stdin="one\n")


def test_the_rules_of_the_feeds_hold(stocked: Promontory) -> None:
    stocked("feed", "set", "npm-prod", "--require-comments")
    assert "asks for comments" in stocked.refused("promote", "one", "1.0.0", *WAY)
    stocked("feed", "set", "npm-dev", "--no-promotion")
    assert "is disabled" in stocked.refused("promote", "one", "1.0.0", *WAY, "--comments", "c")
    stocked("feed", "create", "files", "--format", "universal")
    assert "universal" in stocked.refused("promote", "one", "1.0.0", "--from", "npm-prod", "--to", "files")


def test_a_long_plan_is_cut_for_people_and_whole_as_json(stocked: Promontory) -> None:
    lines = "".join(f"one 9.0.{number}\n" for number in range(60))
    result = stocked.run("promote", *WAY, "--items-from", "-", "--dry-run", stdin=lines)
    assert "and 10 more" in result.stdout
    whole = stocked.run("promote", *WAY, "--items-from", "-", "--dry-run", "--json", stdin=lines)
    assert len(json.loads(whole.stdout)["items"]) == 60
