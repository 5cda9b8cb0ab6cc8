"""One window for a data directory; a second start rings at the first."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from threading import Event

from app.desktop.instance import only_window, ring
from app.desktop.ports import HOST


def test_a_second_window_rings_at_the_first(tmp_path: Path) -> None:
    rung = Event()
    with only_window(tmp_path) as bell:
        assert bell is not None
        bell.on_ring(rung.set)
        with only_window(tmp_path) as second:
            assert second is None
        assert ring(tmp_path)
    assert rung.is_set()


def test_after_the_first_is_closed_another_opens(tmp_path: Path) -> None:
    for _ in range(2):
        with only_window(tmp_path) as bell:
            assert bell is not None
    assert not ring(tmp_path)


def test_windows_of_two_data_directories_do_not_know_each_other(tmp_path: Path) -> None:
    with only_window(tmp_path / "a") as one, only_window(tmp_path / "b") as two:
        assert one is not None
        assert two is not None


def test_whoever_does_not_know_the_secret_rings_in_vain(tmp_path: Path) -> None:
    rung = Event()
    with only_window(tmp_path) as bell:
        assert bell is not None
        bell.on_ring(rung.set)
        port = json.loads((tmp_path / "window.bell").read_text())["port"]
        with socket.create_connection((HOST, port), timeout=5) as door:
            door.sendall(b"let me in")
            assert door.recv(10) == b""
        assert ring(tmp_path), "it still answers"
    assert rung.is_set()


def test_only_its_owner_reads_the_secret(tmp_path: Path) -> None:
    with only_window(tmp_path):
        assert (tmp_path / "window.bell").stat().st_mode & 0o077 == 0


def test_a_bell_left_by_a_crash_is_no_answer(tmp_path: Path) -> None:
    for content in ('{"port": 1, "secret": "x"}', "{}", "[]", "nonsense"):
        (tmp_path / "window.bell").write_text(content)
        assert not ring(tmp_path)
