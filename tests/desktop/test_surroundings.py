"""Where no window can open, the message says what is missing and what works instead."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from app.cli.commands import cli
from app.desktop import surroundings
from app.desktop.surroundings import NoWindow, prepare, require_window

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display, and no Qt")


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DISPLAYS:
        monkeypatch.delenv(name, raising=False)


def without(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else found(name))


def test_without_a_display_it_names_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoWindow, match=r"no display.*promontory serve.*make run"):
        require_window()


@pytest.mark.parametrize("module", ["webview", "PySide6"])
def test_without_qt_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    without(monkeypatch, module)
    with pytest.raises(NoWindow, match=r"pip install 'promontory\[desktop\]'"):
        require_window()


def qt_says(monkeypatch: pytest.MonkeyPatch, code: int, stderr: str) -> None:
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace(submodule_search_locations=[]))
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=code, stderr=stderr))


def test_a_display_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    qt_says(monkeypatch, -6, "qt.qpa.xcb: could not connect to display :99\nThis application failed to start\n")
    with pytest.raises(NoWindow, match="could not connect to display :99"):
        require_window()


def test_a_missing_system_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    qt_says(monkeypatch, -6, "no Qt platform plugin could be initialized")
    plugin = tmp_path / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    plugin.parent.mkdir(parents=True)
    plugin.write_bytes(b"")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)

    def lacking(path: str) -> None:
        raise OSError("libxcb-icccm.so.4: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(surroundings.ctypes, "CDLL", lacking)
    with pytest.raises(NoWindow, match=r"libxcb-icccm.so.4 is missing \(apt-get install libxcb-icccm4\)"):
        require_window()


def test_qt_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    qt_says(monkeypatch, 0, "")

    def hang(*words: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("qt", 60)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(NoWindow, match="did not answer"):
        require_window()


def test_where_qt_works_there_is_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    qt_says(monkeypatch, 0, "")
    require_window()


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["--data", str(tmp_path / "data")])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: The window cannot open: there is no display.")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("user", "sandbox_off"), [(0, True), (1000, False)])
def test_only_root_goes_without_the_sandbox(monkeypatch: pytest.MonkeyPatch, user: int, sandbox_off: bool) -> None:
    for name in ("QTWEBENGINE_DISABLE_SANDBOX", "QT_LOGGING_RULES", "QTWEBENGINE_CHROMIUM_FLAGS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    prepare()
    assert ("QTWEBENGINE_DISABLE_SANDBOX" in os.environ) is sandbox_off


def test_flags_that_somebody_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTWEBENGINE_CHROMIUM_FLAGS", "--force-dark-mode")
    monkeypatch.setenv("QT_LOGGING_RULES", "*=true")
    monkeypatch.setenv("QTWEBENGINE_DISABLE_SANDBOX", "")
    for _ in range(2):
        prepare()
    assert os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] == "--force-dark-mode --log-level=3"
    assert os.environ["QT_LOGGING_RULES"] == "*=true"
