"""Open the window, serve it, and close both."""

from __future__ import annotations

import logging
import signal
import sys
import webbrowser
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from app.account import account
from app.bootstrap import open_runtime
from app.desktop import state as states
from app.desktop.bridge import Bridge
from app.desktop.instance import Doorbell, only_window, ring
from app.desktop.ports import HOST, Choice, choose
from app.desktop.state import WindowState
from app.desktop.surroundings import prepare, require_window
from app.domain.errors import AppError
from app.domain.names import check_person_name
from app.services import installation, people
from app.services.runtime import ANONYMOUS, Runtime
from app.settings import Settings
from app.web.server import Server

log = logging.getLogger(__name__)
TITLE = "Promontory"
_PATIENCE = 20


def open_window(settings: Settings) -> int:
    """Open the window and give the exit code once it is closed; raise NoWindow where there cannot be one.

    A window that is open already for the same data directory comes to the front instead.
    """
    prepare()
    require_window()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # A page's requests wait for each other; that is fine.
    with only_window(settings.data) as bell:
        if bell is None:
            came = ring(settings.data)
            _tell("Promontory is open already" + ("; its window is in front now." if came else "."))
            return 0
        _run(settings, bell)
    return 0


def _tell(words: str) -> None:
    sys.stderr.write(words + "\n")


def _run(settings: Settings, bell: Doorbell) -> None:
    kept = settings.data / "window.json"
    choice = choose(settings.port, states.load(kept))
    runtime = open_runtime(settings)
    server = Server(runtime, HOST, choice.port)
    thread = Thread(target=server.run, name="server", daemon=True)
    thread.start()
    try:
        window = _Window(server, choice)
        window.show(bell)
        states.save(kept, window.state)
    finally:
        server.stop()
        thread.join(_PATIENCE)


def owner_id(runtime: Runtime) -> int | None:
    """Give the id of whoever sits here: the user of their name; made, as administrator, where there is nobody yet."""
    name = account()
    with runtime.reading(ANONYMOUS) as work:
        if people.any_user(work):
            user = people.find_user(work, name)
            return user.id if user is not None and user.active else None
    return installation.create_first_administrator(runtime, _possible(name), None).id


def _possible(name: str) -> str:
    try:
        return check_person_name(name)
    except AppError:
        return "owner"


class _Window:
    """Be the window over a running server."""

    def __init__(self, server: Server, choice: Choice) -> None:
        self._server, self._choice = server, choice
        self._bridge = Bridge(f"http://{HOST}:{server.port}")
        self._owner = owner_id(server.runtime)
        self._leaving = False
        self.state: WindowState = choice.state

    def show(self, bell: Doorbell) -> None:
        """Show the window until it is closed; the main thread is pywebview's meanwhile."""
        webview = import_module("webview")
        storage = self._server.runtime.settings.data / "window"
        native = "qt" if sys.platform == "linux" else None
        if native is not None:
            self._bridge.install(import_module("webview.platforms.qt"), storage)
        webview.settings["ALLOW_DOWNLOADS"] = True
        self.state = states.fit(self.state, _screens(native))
        window = self._create(webview)
        bell.on_ring(lambda: self._to_front(window))
        signal.signal(signal.SIGTERM, lambda _number, _frame: self._leave(window))
        webview.start(
            self._greet,
            (window,),
            gui=native,
            private_mode=False,
            storage_path=str(storage),
            menu=self._menu(window),
        )

    def _create(self, webview: Any) -> Any:
        state = self.state
        window = webview.create_window(
            TITLE,
            self._entrance(),
            width=state.width,
            height=state.height,
            x=state.x,
            y=state.y,
            maximized=state.maximized,
            min_size=states.SMALLEST,
            text_select=True,
            zoomable=True,
        )
        window.events.closing += lambda: self._closing(window)
        return window

    def _entrance(self) -> str:
        """Give the address to begin at: signed in, where whoever sits here is known."""
        return self._server.one_time_link(self._owner) if self._owner is not None else f"{self._bridge.origin}/"

    def _greet(self, window: Any) -> None:
        if self._choice.notice:
            _tell(self._choice.notice)
            window.create_confirmation_dialog("A new address", self._choice.notice)

    # Menu ---------------------------------------------------------------------------------------------

    def _menu(self, window: Any) -> list[Any]:
        menu = import_module("webview.menu")
        entry = menu.MenuAction
        return [
            menu.Menu(
                TITLE,
                [
                    entry("Open in browser", lambda: webbrowser.open(self._entrance())),
                    entry("Open data folder", lambda: webbrowser.open(self._data.as_uri())),
                    menu.MenuSeparator(),
                    entry("Quit", window.destroy),
                ],
            ),
            menu.Menu(
                "Go",
                [
                    entry("Back", lambda: window.run_js("history.back()")),
                    entry("Forward", lambda: window.run_js("history.forward()")),
                    entry("Reload", lambda: window.run_js("location.reload()")),
                    menu.MenuSeparator(),
                    entry("Feeds", lambda: window.load_url(f"{self._bridge.origin}/")),
                ],
            ),
        ]

    @property
    def _data(self) -> Path:
        return self._server.runtime.settings.data.resolve()

    # Coming and going ---------------------------------------------------------------------------------

    def _to_front(self, window: Any) -> None:
        maximized = getattr(window.native, "isMaximized", lambda: False)()
        window.restore()
        if maximized:
            window.maximize()

    def _leave(self, window: Any) -> None:
        self._leaving = True
        window.destroy()

    def _closing(self, window: Any) -> bool:
        """Ask before transfers are cut off; False keeps the window open."""
        running = self._server.writes_running() + len(self._bridge.saving)
        if running and not self._leaving:
            noun = "transfer is" if running == 1 else "transfers are"
            question = f"{running} {noun} still running and will be cut off. Close anyway?"
            if not window.create_confirmation_dialog("Still busy", question):
                return False
        self.state = states.observed(window, self.state)
        return True


def _screens(native: str | None) -> list[Any]:
    if native is None:
        return list(import_module("webview").screens)
    return list(import_module("webview.platforms.qt").get_screens())
