"""The window comes back where it was, or somewhere sensible."""
# ruff: noqa: N802 - Qt's names

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.desktop.state import SMALLEST, WindowState, fit, load, observed, save


@dataclass
class Screen:
    x: int
    y: int
    width: int
    height: int


def test_the_first_day_has_a_default(tmp_path: Path) -> None:
    assert load(tmp_path / "window.json") == WindowState()


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    state = WindowState(1000, 700, 30, 40, maximized=True, port=8625, instead_of=8624)
    save(tmp_path / "window.json", state)
    assert load(tmp_path / "window.json") == state
    assert [path.name for path in tmp_path.iterdir()] == ["window.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"width": "wide"}', b'{"width": null}', b"\xff"])
def test_a_damaged_file_begins_anew(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "window.json").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert load(tmp_path / "window.json") == WindowState()


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_every_size_is_brought_to_one_that_a_window_can_have(width: int, height: int) -> None:
    state = replace(WindowState(), width=width, height=height).bounded()
    assert SMALLEST[0] <= state.width <= 20_000
    assert SMALLEST[1] <= state.height <= 20_000


def test_a_size_out_of_reason_is_bounded_when_loaded(tmp_path: Path) -> None:
    (tmp_path / "window.json").write_text(json.dumps({"width": 1, "height": 10**9}))
    state = load(tmp_path / "window.json")
    assert (state.width, state.height) == (SMALLEST[0], 20_000)


def test_a_folder_that_cannot_be_written_costs_the_memory_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        save(tmp_path / "gone" / "window.json", WindowState())
    assert "cannot be kept" in caplog.text


SCREENS = [Screen(0, 0, 1920, 1080), Screen(1920, 0, 1280, 1024)]


@pytest.mark.parametrize(
    ("x", "y", "kept"),
    [
        (0, 0, True),
        (2000, 100, True),
        (-600, 50, True),
        (-1500, 50, False),
        (5000, 0, False),
        (100, -50, False),
        (100, 1075, False),
    ],
)
def test_a_place_is_kept_while_its_title_bar_is_in_reach(x: int, y: int, kept: bool) -> None:
    state = WindowState(1280, 800, x, y)
    assert fit(state, SCREENS) == (state if kept else replace(state, x=None, y=None))


@pytest.mark.parametrize(
    ("screen", "size"),
    [((1366, 768), (1280, 708)), ((1024, 600), (1024, 540)), ((3840, 2160), (1280, 800)), ((100, 100), SMALLEST)],
)
def test_the_window_is_no_larger_than_the_screen(screen: tuple[int, int], size: tuple[int, int]) -> None:
    state = fit(WindowState(), [Screen(0, 0, *screen)])
    assert (state.width, state.height) == size


def test_no_place_needs_no_screen() -> None:
    assert fit(WindowState(), []) == WindowState()


class Point:
    def __init__(self, x: int, y: int) -> None:
        self._x, self._y = x, y

    def x(self) -> int:
        return self._x

    def y(self) -> int:
        return self._y


class Rectangle:
    def width(self) -> int:
        return 900

    def height(self) -> int:
        return 600

    def topLeft(self) -> Point:
        return Point(70, 80)


class Native:
    def __init__(self, maximized: bool) -> None:
        self._maximized = maximized

    def isMaximized(self) -> bool:
        return self._maximized

    def normalGeometry(self) -> Rectangle:
        return Rectangle()

    def pos(self) -> Point:
        return Point(5, 6)


@dataclass
class Window:
    native: object
    width: int = 1111
    height: int = 777
    x: int = 1
    y: int = 2


@pytest.mark.parametrize(("maximized", "place"), [(False, (5, 6)), (True, (70, 80))])
def test_a_maximized_window_remembers_what_it_goes_back_to(maximized: bool, place: tuple[int, int]) -> None:
    state = observed(Window(Native(maximized)), WindowState(port=8625, instead_of=8624))
    assert state == WindowState(900, 600, *place, maximized=maximized, port=8625, instead_of=8624)


def test_other_windows_than_qts_are_asked_directly() -> None:
    assert observed(Window(object()), WindowState()) == WindowState(1111, 777, 1, 2)
