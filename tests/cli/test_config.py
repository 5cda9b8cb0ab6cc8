"""People and rights as one file, by command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Promontory

RIGHTS = """\
promontory: 1
users:
- name: ann
  displayName: Ann
groups:
- name: Leads
  members:
  - ann
grants:
- task: Administer
  user: ann
- task: Promote Packages
  group: Leads
  feed: prod
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file of rights."""
    path = tmp_path / "rights.yaml"
    path.write_text(RIGHTS, "utf-8")
    return path


@pytest.fixture
def shop(promontory: Promontory) -> Promontory:
    """Give an installation with a feed prod."""
    promontory("feed", "create", "prod", "--format", "npm")
    return promontory


def test_a_plan_shows_and_changes_nothing(shop: Promontory, file: Path) -> None:
    result = shop.run("config", "plan", file)
    assert (result.exit_code, result.stderr) == (2, "")
    assert result.stdout.splitlines() == [
        "+ user ann: displayName 'Ann'",
        "+ group Leads: members +ann",
        "+ grant Administer for user ann",
        "+ grant Promote Packages for group Leads on feed prod",
        "4 to add, 0 to change, 0 to remove.",
    ]
    assert shop.json("user", "list") == []


def test_applying_it_twice_changes_nothing(shop: Promontory, file: Path) -> None:
    assert shop("config", "apply", file).endswith("4 to add, 0 to change, 0 to remove.\n")
    assert shop("config", "apply", file) == "0 to add, 0 to change, 0 to remove.\n"
    result = shop.run("config", "plan", file, "--prune")
    assert (result.exit_code, result.stdout) == (0, "0 to add, 0 to change, 0 to remove.\n")
    assert [each["user"] for each in shop.json("grant", "list")] == ["ann", None]


def test_changes_and_removals_are_readable(shop: Promontory, file: Path) -> None:
    shop("config", "apply", file)
    shop("user", "create", "kim")
    file.write_text(RIGHTS.replace("displayName: Ann", "displayName: A.").replace("  - ann\n", "  - kim\n"), "utf-8")
    assert shop("config", "apply", file).splitlines() == [
        "~ user ann: displayName 'Ann' -> 'A.'",
        "~ group Leads: members -ann +kim",
        "0 to add, 2 to change, 0 to remove.",
    ]
    file.write_text(RIGHTS.split("groups:", maxsplit=1)[0], "utf-8")
    result = shop.run("config", "plan", file, "--prune")
    assert (result.exit_code, "- user kim\n" in result.stdout) == (2, True)


def test_a_plan_as_json(shop: Promontory, file: Path) -> None:
    result = shop.run("config", "plan", file, "--json")
    assert result.exit_code == 2
    user, group, *grants = json.loads(result.stdout)
    assert user == {
        "action": "add",
        "kind": "user",
        "name": "ann",
        "line": 3,
        "values": {
            "name": {"before": None, "after": "ann"},
            "displayName": {"before": None, "after": "Ann"},
        },
    }
    assert (group["kind"], [each["kind"] for each in grants]) == ("group", ["grant", "grant"])


def test_an_export_can_be_applied_elsewhere(shop: Promontory, file: Path, tmp_path: Path) -> None:
    shop("config", "apply", file)
    text = shop("config", "export")
    assert text.startswith("# People and rights")
    shop("config", "export", "--output", tmp_path / "out.yaml")
    assert (tmp_path / "out.yaml").read_text("utf-8") == text
    assert shop.json("config", "export")["groups"] == [{"name": "Leads", "members": ["ann"]}]
    other = Promontory(tmp_path / "other")
    other("feed", "create", "prod", "--format", "npm")
    other("config", "apply", "-", stdin=text)
    assert other("config", "export") == text


def test_pruning_wants_a_yes(shop: Promontory, file: Path) -> None:
    shop("config", "apply", file)
    shop("user", "create", "kim")
    assert "1 entry would be removed. Say --yes" in shop.refused("config", "apply", file, "--prune")
    assert len(shop.json("user", "list")) == 2
    assert "- user kim" in shop("config", "apply", file, "--prune", "--yes")
    assert len(shop.json("user", "list")) == 1


def test_what_is_refused_names_the_line(shop: Promontory, file: Path) -> None:
    file.write_text(RIGHTS.replace("feed: prod", "feed: nowhere"), "utf-8")
    line = "rights.yaml, line 14: there is no feed 'nowhere'"
    assert line in shop.refused("config", "plan", file, code=1)
    assert line in shop.refused("config", "apply", file)
    assert shop.json("user", "list") == []


def test_nobody_is_locked_out(shop: Promontory, file: Path) -> None:
    shop("config", "apply", file)
    file.write_text(RIGHTS + "restrictions: [{task: Administer, user: ann}]\n", "utf-8")
    assert "line 15" in shop.refused("config", "apply", file, code=3)
    assert "nobody could administer" in shop.refused("config", "plan", file, code=1)


def test_a_file_that_is_none(shop: Promontory, tmp_path: Path) -> None:
    assert "There is no file" in shop.refused("config", "plan", tmp_path / "nothing.yaml", code=1)
    assert "There is no file" in shop.refused("config", "apply", tmp_path / "nothing.yaml")
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    assert "x.yaml" in shop.refused("config", "apply", tmp_path / "x.yaml")
    assert "would be more" not in shop.refused("config", "apply", "-", stdin="- a")


def test_other_people_s_names_do_not_steer_the_terminal(shop: Promontory, file: Path) -> None:
    file.write_text('promontory: 1\nusers: [{name: ann, displayName: "\\e[31mred"}]\n', "utf-8")
    assert "\x1b" not in shop.run("config", "plan", file).output
