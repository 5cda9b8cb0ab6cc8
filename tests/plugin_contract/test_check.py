"""Checking a plugin folder: what a plugin's author runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from app.testing import check
from app.testing.check import check_plugin
from app.testing.imports import forbidden_imports

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLAIN = HERE.parent / "plugins" / "plain"
BUILT_IN = [folder.parent for folder in sorted((ROOT / "plugins").glob("*/__init__.py"))]


def plugin(tmp_path: Path, text: str, name: str = "__init__.py") -> Path:
    folder = tmp_path / "mine"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("folder", BUILT_IN, ids=[folder.name for folder in BUILT_IN])
def test_built_in_plugins_keep_the_import_rule(folder: Path) -> None:
    assert list(map(str, forbidden_imports(folder))) == []


def test_sample_plugins_keep_the_import_rule() -> None:
    for folder in (PLAIN, PLAIN.parent / "maven_like"):
        assert forbidden_imports(folder) == []


@pytest.mark.parametrize(
    "text",
    [
        "import app.plugin",
        "import app.plugin.web as web",
        "from app import plugin",
        "from app.plugin import FeedFormat",
        "from app.plugin.archives import open_zip",
        "from . import views",
        "from .deep.er import x",
        "import json, zipfile",
        "import nodesemver",
    ],
)
def test_a_plugin_may_import_its_api_itself_and_the_standard_library(tmp_path: Path, text: str) -> None:
    assert forbidden_imports(plugin(tmp_path, text)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import app", "no part of the plugin API"),
        ("from app import services", "no part of the plugin API"),
        ("from app.services import publishing", "no part of the plugin API"),
        ("import app.storage.models", "no part of the plugin API"),
        ("import app.plugins", "no part of the plugin API"),
        ("def f():\n    from app.domain.errors import NotFound", "no part of the plugin API"),
        ("from plugins.npm import names", "another plugin"),
        ("import plugins", "another plugin"),
        ("from ..npm import names", "outside its own folder"),
        ("import flask", "for the core alone"),
        ("from sqlalchemy import select", "for the core alone"),
        ("import numpy", "not declared"),
    ],
)
def test_a_plugin_may_import_nothing_else(tmp_path: Path, text: str, reason: str) -> None:
    (found,) = forbidden_imports(plugin(tmp_path, text))
    assert reason in str(found)


def test_a_module_deeper_down_may_import_from_above_it_within_the_plugin(tmp_path: Path) -> None:
    folder = plugin(tmp_path, "from ..names import x\nfrom ...outside import y\n", "deep/er.py")
    assert [found.line for found in forbidden_imports(folder)] == [2]


def test_a_plugin_s_own_declaration_allows_third_parties(tmp_path: Path) -> None:
    folder = plugin(tmp_path, "import hypothesis")
    assert len(forbidden_imports(folder)) == 1
    (folder / "pyproject.toml").write_text('[project]\ndependencies = ["Hypothesis>=6"]\n')
    assert forbidden_imports(folder) == []


def test_a_sound_plugin_passes_and_says_how_much_was_proved(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([str(PLAIN)]) == 0
    assert "plain; " in capsys.readouterr().out


def test_a_plugin_with_a_fault_fails_with_the_test_that_found_it(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    shutil.copytree(PLAIN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "__init__.py").read_text()
    (folder / "__init__.py").write_text(text.replace('f"{int(number):09}"', "number.rjust(9, '9')"))
    report = check_plugin(folder)
    assert not report.ok
    assert "test_keys_ascend_along_the_chain[plain]" in {finding.rule for finding in report.findings}
    assert report.passed > 20


@pytest.mark.parametrize(
    ("text", "reason"), [("import nowhere_at_all", "ModuleNotFoundError"), ("", "no format"), ("1 +", "SyntaxError")]
)
def test_a_plugin_that_does_not_load_is_reported(
    tmp_path: Path, text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = plugin(tmp_path, text)
    assert check.main(["--json", str(folder)]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["passed"]) == (False, 0)
    assert reason in report["findings"][0]["message"]
