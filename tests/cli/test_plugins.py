"""Formats and plugins by command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Promontory

PLAIN = Path(__file__).resolve().parent.parent / "plugins" / "plain"


def test_the_formats_are_listed(promontory: Promontory) -> None:
    listed = {each["key"]: each for each in promontory.json("formats")["formats"]}
    assert {"npm", "universal"} <= set(listed)
    assert (listed["npm"]["prefix"], listed["npm"]["promotable"]) == ("npm", True)
    assert "/npm/" in promontory("formats")
    assert not promontory.data.exists(), "listing needs no installation"


def test_a_plugin_that_fails_is_listed_with_its_reason(promontory: Promontory) -> None:
    folder = promontory.data / "plugins" / "broken"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('out of order')")
    (failure,) = promontory.json("formats")["failures"]
    assert (failure["name"], failure["failure"]) == ("broken", "RuntimeError: out of order")
    assert "out of order" in promontory.run("formats").stderr


def test_two_plugins_with_one_format_are_refused(promontory: Promontory) -> None:
    for name in ("one", "two"):
        folder = promontory.data / "plugins" / name
        folder.mkdir(parents=True)
        for file in PLAIN.glob("*.py"):
            (folder / file.name).write_bytes(file.read_bytes())
    assert "Two plugins bring the format 'plain'" in promontory.refused("formats")


class _Report:
    directory, formats, passed = "conan", ("conan",), 3

    def __init__(self, *findings: object) -> None:
        self.findings = findings
        self.ok = not findings

    def lines(self) -> list[str]:
        return [f"conan: {self.passed} passed"]


def test_a_plugin_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from app.cli.commands import cli
    from app.testing import check

    seen: list[Path] = []

    def fake(directory: Path) -> _Report:
        seen.append(directory)
        return _Report(*([check.Finding("imports", "app.web")] if len(seen) == 2 else []))

    monkeypatch.setattr(check, "check_plugin", fake)
    good = CliRunner().invoke(cli, ["check-plugin", str(tmp_path)])
    bad = CliRunner().invoke(cli, ["check-plugin", str(tmp_path), "--json"])
    assert (good.exit_code, good.stdout, bad.exit_code) == (0, "conan: 3 passed\n", 1)
    assert '"rule": "imports"' in bad.stdout
    assert seen == [tmp_path, tmp_path]
