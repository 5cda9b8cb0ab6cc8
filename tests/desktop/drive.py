"""Drive the real window in a process of its own, without a display, and print what was seen as JSON.

``python -m tests.desktop.drive DATA PORT FOLDER``; file dialogs and the browser are the only things replaced.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
import webbrowser
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

PATIENCE = 30.0
OUTSIDE = "https://example.invalid/readme"
ANCHOR = 'var a = document.createElement("a"); a.href = "{url}"; {more} document.body.append(a); a.click(); 1'
CHOOSER = """
var i = document.createElement("input");
i.type = "file"; i.accept = ".tgz"; i.multiple = true;
i.style = "position: fixed; top: 0; left: 0; width: 300px; height: 60px; z-index: 99999";
i.onchange = () => { document.title = "chosen " + i.files[0].name + " " + i.files[0].size };
document.body.append(i); 1
"""


class Dialog:
    """Answer Qt's file dialogs at once."""

    folder: Path

    @classmethod
    def getSaveFileName(cls, parent: object, title: str, name: str) -> tuple[str, str]:  # noqa: N802 - Qt's name
        return str(cls.folder / f"saved-{Path(name).name}"), ""

    @classmethod
    def getOpenFileNames(cls, *asked: object) -> tuple[list[str], str]:  # noqa: N802 - Qt's name
        return [str(cls.folder / "chosen.tgz")], ""


def wait_for(look: Callable[[], Any]) -> Any:
    """Look until there is something, and give it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError("it never came")


def on_gui(window: Any, act: Callable[[], object]) -> None:
    """Do something on the thread that owns the window, and wait for it."""
    from qtpy.QtCore import QTimer

    done = Event()
    QTimer.singleShot(0, window.native, lambda: (act(), done.set()))
    assert done.wait(PATIENCE)


def look_around(window: Any, folder: Path) -> dict[str, Any]:
    """Do what a person would, and give what they would see."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    seen: dict[str, Any] = {}

    def title() -> str:
        return str(window.run_js("document.title") or "")

    def text() -> str:
        return str(window.run_js("document.body.innerText") or "")

    wait_for(lambda: title().startswith("Feeds"))
    wait_for(lambda: "npm-dev" in text())
    seen["address"], seen["title"], seen["text"] = window.get_current_url(), title(), text()
    seen["api"] = window.run_js("JSON.stringify(Object.keys((window.pywebview || {}).api || {}))")
    on_gui(window, lambda: window.native.grab().save(str(folder / "window.png")))

    window.run_js(ANCHOR.format(url="/npm/npm-dev/one/-/one-1.0.0.tgz", more=""))
    seen["saved"] = wait_for(lambda: [p.name for p in folder.glob("saved-*.tgz") if p.stat().st_size])

    window.run_js(CHOOSER)
    click = QPoint(60, 20)
    on_gui(window, lambda: QTest.mouseClick(window.native.webview.focusProxy(), Qt.LeftButton, Qt.NoModifier, click))
    seen["chosen"] = wait_for(lambda: title().startswith("chosen") and title())

    window.run_js(f"location.href = {OUTSIDE!r}")
    wait_for(lambda: len(OPENED) == 1)
    window.run_js(ANCHOR.format(url=OUTSIDE, more='a.target = "_blank";'))
    wait_for(lambda: len(OPENED) == 2)
    seen["outside"], seen["still at"] = OPENED, window.get_current_url()
    return seen


OPENED: list[str] = []


def main(data: str, port: str, folder: str) -> None:
    """Open the window, look around in a thread, close it, print."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    webbrowser.open = lambda url, *_: OPENED.append(url) or True  # type: ignore[func-returns-value]
    import webview

    from app.desktop import window as subject
    from app.settings import load_settings

    Dialog.folder = Path(folder)
    answer: dict[str, Any] = {}
    create = webview.create_window

    def watched(*words: Any, **options: Any) -> Any:
        window = create(*words, **options)
        Thread(target=drive, args=(window,), daemon=True).start()
        return window

    def drive(window: Any) -> None:
        try:
            from webview.platforms import qt

            assert window.events.shown.wait(PATIENCE)
            qt.QFileDialog = Dialog
            answer.update(look_around(window, Dialog.folder))
        except BaseException:
            answer["failure"] = traceback.format_exc()
        window.destroy()

    webview.create_window = watched
    answer["code"] = subject.open_window(load_settings(data=data, port=int(port)))
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
