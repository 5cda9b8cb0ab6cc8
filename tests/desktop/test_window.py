"""The window's life, against a pywebview without a window."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.account import account
from app.bootstrap import open_runtime
from app.desktop import window as subject
from app.desktop.ports import HOST, is_free
from app.services import grants, people
from app.services.runtime import owner
from app.settings import Settings, load_settings
from app.web.server import Server
from tests.desktop.fakes import FakeWebview, Person, Window

PATIENCE = 20


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWebview]:
    """Give a pywebview without a window, in the place of the real one."""
    made = FakeWebview()
    made.install(monkeypatch)
    monkeypatch.setattr(subject, "require_window", lambda: None)
    monkeypatch.setattr(subject, "prepare", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    yield made
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    return load_settings(data=tmp_path / "data", port=port)


def run(fake: FakeWebview, settings: Settings, person: Person = lambda window: None) -> Window:
    """Open the window, let a person do something, and close it."""
    fake.person = person
    assert subject.open_window(settings) == 0
    return fake.windows[-1]


def users(settings: Settings) -> list[tuple[str, bool]]:
    runtime = open_runtime(settings)
    with runtime.reading(owner("test")) as work:
        admins = {grant.user_id for grant in grants.list_grants(work) if grant.task.name == "Administer"}
        found = [(user.name, user.id in admins) for user in people.list_users(work)]
    runtime.database.close()
    return found


def test_the_first_start_makes_its_owner_and_signs_them_in(fake: FakeWebview, settings: Settings) -> None:
    window = run(fake, settings)
    assert users(settings) == [(account(), True)]
    assert window.url.startswith(f"http://{HOST}:{settings.port}/enter/")


def test_the_next_start_signs_the_same_one_in_by_another_link(fake: FakeWebview, settings: Settings) -> None:
    first, second = run(fake, settings), run(fake, settings)
    assert users(settings) == [(account(), True)]
    assert first.url != second.url
    assert "/enter/" in second.url


@pytest.mark.parametrize("inactive", [True, False])
def test_nobody_is_signed_in_as_somebody_else(fake: FakeWebview, settings: Settings, inactive: bool) -> None:
    runtime = open_runtime(settings)
    with runtime.writing(owner("test")) as work:
        people.create_user(work, account() if inactive else "somebody else")
        if inactive:
            people.set_active(work, account(), active=False)
    runtime.database.close()
    assert run(fake, settings).url == f"http://{HOST}:{settings.port}/"


def test_an_account_that_can_be_no_user_is_the_owner(
    fake: FakeWebview, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "account", lambda: "DOMAIN\\sam")
    run(fake, settings)
    assert users(settings) == [("owner", True)]


def test_it_asks_pywebview_for_what_it_needs(fake: FakeWebview, settings: Settings) -> None:
    window = run(fake, settings)
    assert (window.asked["text_select"], fake.settings["ALLOW_DOWNLOADS"]) == (True, True)
    assert fake.started["private_mode"] is False
    assert fake.started["storage_path"] == str(settings.data / "window")
    assert fake.started["gui"] == ("qt" if sys.platform == "linux" else None)
    assert "js_api" not in window.asked, "pages forbid the eval that it needs"


def test_it_serves_while_it_is_open_and_no_longer(fake: FakeWebview, settings: Settings) -> None:
    def ask(window: Window) -> None:
        with urllib.request.urlopen(f"http://{HOST}:{settings.port}/health", timeout=PATIENCE) as answer:
            assert answer.status == 200

    run(fake, settings, ask)
    assert is_free(settings.port)


def test_it_comes_back_where_it_was(fake: FakeWebview, settings: Settings) -> None:
    fake.screens.append(type("Screen", (), {"x": 0, "y": 0, "width": 1920, "height": 1080})())

    def move(window: Window) -> None:
        window.x, window.y, window.width, window.height = 11, 12, 1000, 700

    run(fake, settings, move)
    asked = run(fake, settings).asked
    assert (asked["x"], asked["y"], asked["width"], asked["height"]) == (11, 12, 1000, 700)


def test_a_taken_port_is_told_once_and_kept(fake: FakeWebview, settings: Settings) -> None:
    with socket.create_server((HOST, settings.port)):
        first = run(fake, settings)
    second = run(fake, settings)
    assert "serves on port" in first.questions[0]
    assert second.questions == []
    assert first.url.split("/enter/")[0] == second.url.split("/enter/")[0] != f"http://{HOST}:{settings.port}"


def test_a_second_start_brings_the_first_to_the_front(
    fake: FakeWebview, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    window = run(fake, settings, lambda window: _start_again(settings))
    assert window.done == ["restore"]
    assert len(fake.windows) == 1
    assert "in front now" in capsys.readouterr().err


def test_a_maximized_window_stays_so_in_front(fake: FakeWebview, settings: Settings) -> None:
    def again(window: Window) -> None:
        window.native = type("Native", (), {"isMaximized": lambda self: True})()
        _start_again(settings)

    assert run(fake, settings, again).done == ["restore", "maximize"]


def _start_again(settings: Settings) -> None:
    assert subject.open_window(settings) == 0


@contextmanager
def uploading(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Leave an upload unfinished; give what begins it and waits until the server knows of it."""
    servers: list[Server] = []
    made = Server.__init__

    def remember(self: Server, *given: object) -> None:
        servers.append(self)
        made(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Server, "__init__", remember)
    with socket.socket() as door:
        door.settimeout(PATIENCE)

        def begin() -> None:
            door.connect((HOST, settings.port))
            door.sendall(b"PUT /npm/npm-dev/one HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
            wait_until(lambda: servers[-1].writes_running() == 1)

        yield begin


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def test_closing_asks_while_an_upload_runs(
    fake: FakeWebview, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with uploading(settings, monkeypatch) as begin:

        def close(window: Window) -> None:
            begin()
            window.answer = False
            assert not window.close()
            window.answer = True
            assert window.close()

        window = run(fake, settings, close)
    assert window.questions == ["1 transfer is still running and will be cut off. Close anyway?"] * 2


def test_closing_does_not_ask_while_nothing_runs(fake: FakeWebview, settings: Settings) -> None:
    assert run(fake, settings).questions == []


def test_a_signal_closes_without_asking(fake: FakeWebview, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with uploading(settings, monkeypatch) as begin:

        def end(window: Window) -> None:
            begin()
            os.kill(os.getpid(), signal.SIGTERM)
            wait_until(lambda: not window.open)

        assert run(fake, settings, end).questions == []


def test_every_entry_of_the_menu_does_something(
    fake: FakeWebview, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)

    def choose(window: Window) -> None:
        entries = [item for menu in fake.started["menu"] for item in menu.items if item.title]
        for entry in sorted(entries, key=lambda entry: entry.title == "Quit"):
            before = (len(opened), len(window.done), window.open)
            entry.function()
            assert (len(opened), len(window.done), window.open) != before, entry.title

    run(fake, settings, choose)
    assert "/enter/" in opened[0]
    assert opened[1].startswith("file://")
