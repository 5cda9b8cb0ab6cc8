"""What the window does natively for its pages."""
# ruff: noqa: N802, N815 - Qt's names

from __future__ import annotations

import logging
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from app.desktop.bridge import Bridge

ORIGIN = "http://127.0.0.1:8624"


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    return Bridge(ORIGIN, tmp_path)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the list of what was opened in the browser."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    return opened


@pytest.mark.parametrize("url", [f"{ORIGIN}/", f"{ORIGIN}/feeds/npm-dev?x=1#y", "about:blank", f"blob:{ORIGIN}/1"])
def test_our_own_pages_stay_in_the_window(bridge: Bridge, outside: list[str], url: str) -> None:
    assert bridge.accept(url, is_main_frame=True)
    assert outside == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/readme",
        "http://127.0.0.1:8625/",
        "http://127.0.0.1:86240/",
        "https://127.0.0.1:8624/",
        "http://127.0.0.1:8624@evil.example/",
        "http://npm-dev.localhost:8624/",
        "mailto:sam@example.org",
    ],
)
def test_every_other_page_goes_to_the_browser(bridge: Bridge, outside: list[str], url: str) -> None:
    assert not bridge.accept(url, is_main_frame=True)
    assert outside == [url]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "vscode://open", "\\\\host\\share", ""])
def test_what_is_neither_web_nor_mail_opens_nothing(bridge: Bridge, outside: list[str], url: str) -> None:
    assert not bridge.accept(url, is_main_frame=True)
    assert outside == []


def test_frames_are_the_pages_own_affair(bridge: Bridge, outside: list[str]) -> None:
    assert bridge.accept("https://example.org/", is_main_frame=False)
    assert outside == []


class Dialog:
    """Be Qt's file dialog, answering at once."""

    def __init__(self, *answer: str) -> None:
        self.answer, self.asked = answer, ()

    def getOpenFileName(self, *asked: object) -> tuple[str, str]:
        self.asked = asked
        return (self.answer[0] if self.answer else "", "")

    def getOpenFileNames(self, *asked: object) -> tuple[list[str], str]:
        self.asked = asked
        return (list(self.answer), "")

    getSaveFileName = getOpenFileName


def test_files_to_upload_are_chosen_by_the_pages_endings(bridge: Bridge) -> None:
    dialog = Dialog("/there/a.tgz", "/there/b.tgz")
    assert bridge.choose(dialog, 1, [".tgz", "application/x-gzip", ".nupkg"]) == ["/there/a.tgz", "/there/b.tgz"]
    assert dialog.asked[-1] == "Packages (*.tgz *.nupkg);;All files (*)"
    assert bridge.folder == Path("/there")


def test_one_file_is_one_file(bridge: Bridge, tmp_path: Path) -> None:
    dialog = Dialog("/there/a.tgz")
    assert bridge.choose(dialog, SimpleNamespace(value=0), []) == ["/there/a.tgz"]
    assert dialog.asked[2:] == (str(tmp_path), "")


@pytest.mark.parametrize("mode", [0, 1])
def test_choosing_nothing_uploads_nothing(bridge: Bridge, tmp_path: Path, mode: int) -> None:
    assert bridge.choose(Dialog(), mode, []) == []
    assert bridge.folder == tmp_path


class Request:
    """Be Qt's download request."""

    class DownloadState:
        DownloadCompleted = 2

    def __init__(self, name: str, state: int = 2) -> None:
        self._name, self._state = name, state
        self.done: list[str] = []
        self.finished: Callable[[], None] = lambda: None
        self.isFinishedChanged = SimpleNamespace(connect=lambda handler: setattr(self, "finished", handler))

    def suggestedFileName(self) -> str:
        return self._name

    def setDownloadDirectory(self, folder: str) -> None:
        self.done.append(folder)

    def setDownloadFileName(self, name: str) -> None:
        self.done.append(name)

    def accept(self) -> None:
        self.done.append("accept")

    def cancel(self) -> None:
        self.done.append("cancel")

    def state(self) -> int:
        return self._state

    def interruptReasonString(self) -> str:
        return "disk full"


class View:
    def __init__(self) -> None:
        self.said: list[str] = []

    def statusBar(self) -> View:
        return self

    def showMessage(self, words: str, milliseconds: int = 0) -> None:
        self.said.append(words)


def test_a_download_is_saved_where_one_says(bridge: Bridge, tmp_path: Path) -> None:
    dialog, view, request = Dialog("/there/mine.tgz"), View(), Request("one-1.0.0.tgz")
    bridge.download(dialog, view, request)
    assert dialog.asked[2] == str(tmp_path / "one-1.0.0.tgz")
    assert request.done == ["/there", "mine.tgz", "accept"]
    assert bridge.saving == {"/there/mine.tgz"}
    request.finished()
    assert bridge.saving == set()
    assert view.said[-1] == "Saved /there/mine.tgz"


def test_the_servers_file_name_does_not_leave_the_folder(bridge: Bridge, tmp_path: Path) -> None:
    dialog = Dialog()
    bridge.download(dialog, View(), Request("../../.bashrc"))
    assert dialog.asked[2] == str(tmp_path / ".bashrc")


def test_a_download_that_nobody_wants_is_cancelled(bridge: Bridge) -> None:
    request = Request("one-1.0.0.tgz")
    bridge.download(Dialog(), View(), request)
    assert (request.done, bridge.saving) == (["cancel"], set())


def test_a_download_that_breaks_is_told(bridge: Bridge) -> None:
    view, request = View(), Request("one-1.0.0.tgz", state=4)
    bridge.download(Dialog("/there/mine.tgz"), view, request)
    request.finished()
    assert view.said[-1] == "/there/mine.tgz was not saved: disk full"
    assert bridge.saving == set()


def test_an_unknown_pywebview_is_left_alone(bridge: Bridge, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    module = ModuleType("webview.platforms.qt")
    with caplog.at_level(logging.WARNING):
        assert not bridge.install(module, tmp_path)
    assert "not known" in caplog.text


def test_the_installed_pywebview_is_known() -> None:
    """Read its source without loading Qt: an update that moves what is replaced must fail here."""
    import importlib.util

    spec = importlib.util.find_spec("webview")
    assert spec is not None
    assert spec.origin is not None
    source = (Path(spec.origin).parent / "platforms" / "qt.py").read_text("utf-8")
    for words in (
        "_profile_storage_path =",
        "class BrowserView(",
        "class WebPage(QWebPage)",
        "class NavigationHandler(QWebPage)",
        "def on_download_requested(self, download)",
    ):
        assert words in source
