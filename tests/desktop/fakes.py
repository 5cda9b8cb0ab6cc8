"""A pywebview without a window: it keeps what it is asked, and a test plays the person in front of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Self

import pytest


class Event:
    """Be an event of pywebview's: a list of handlers; False from one of them cancels."""

    def __init__(self) -> None:
        self.handlers: list[Callable[[], object]] = []

    def __iadd__(self, handler: Callable[[], object]) -> Self:
        self.handlers.append(handler)
        return self

    def cancelled(self) -> bool:
        return False in [handler() for handler in self.handlers]


class Events:
    def __init__(self) -> None:
        self.closing = Event()


class Window:
    """Be a window that remembers what was done to it."""

    def __init__(self, url: str, asked: dict[str, Any]) -> None:
        self.url, self.asked = url, asked
        self.events = Events()
        self.native: object = None
        self.width, self.height = asked["width"], asked["height"]
        self.x, self.y = asked["x"], asked["y"]
        self.done: list[object] = []
        self.questions: list[str] = []
        self.answer = True
        self.open = True

    def close(self) -> bool:
        """Press the cross; tell whether the window went."""
        self.open = self.open and self.events.closing.cancelled()
        return not self.open

    destroy = close

    def create_confirmation_dialog(self, title: str, message: str) -> bool:
        self.questions.append(message)
        return self.answer

    def restore(self) -> None:
        self.done.append("restore")

    def maximize(self) -> None:
        self.done.append("maximize")

    def run_js(self, script: str) -> None:
        self.done.append(script)

    def load_url(self, url: str) -> None:
        self.done.append(url)


Person = Callable[[Window], None]


class FakeWebview:
    """Be the modules ``webview``, ``webview.menu`` and ``webview.platforms.qt``."""

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.started: dict[str, Any] = {}
        self.person: Person = lambda window: None
        self.settings: dict[str, object] = {}
        self.screens: list[object] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Take the place of the real modules."""
        webview, menu, platforms, qt = (ModuleType(name) for name in _NAMES)
        webview.settings, webview.screens = self.settings, self.screens  # type: ignore[attr-defined]
        webview.create_window, webview.start = self.create_window, self.start  # type: ignore[attr-defined]
        menu.Menu, menu.MenuAction, menu.MenuSeparator = _Menu, _Action, _Separator  # type: ignore[attr-defined]
        qt.get_screens, qt.BrowserView = lambda: self.screens, BrowserView  # type: ignore[attr-defined]
        qt._profile_storage_path, qt.QFileDialog = "", object  # type: ignore[attr-defined]
        for name, module in zip(_NAMES, (webview, menu, platforms, qt), strict=True):
            patch.setitem(sys.modules, name, module)

    def create_window(self, title: str, url: str, **asked: Any) -> Window:
        self.windows.append(Window(url, {"title": title, **asked}))
        return self.windows[-1]

    def start(self, func: Callable[..., None], args: tuple[Any, ...], **asked: Any) -> None:
        self.started = asked
        func(*args)
        window = self.windows[-1]
        self.person(window)
        if window.open:
            window.close()


_NAMES = ("webview", "webview.menu", "webview.platforms", "webview.platforms.qt")


class _Menu:
    def __init__(self, title: str, items: list[Any]) -> None:
        self.title, self.items = title, items


class _Action:
    def __init__(self, title: str, function: Callable[[], object]) -> None:
        self.title, self.function = title, function


class _Separator:
    title = ""


class BrowserView:
    """Be pywebview's Qt view, as far as it is replaced."""

    class WebPage:
        pass

    class NavigationHandler:
        pass

    def on_download_requested(self, download: object) -> None:
        raise NotImplementedError
