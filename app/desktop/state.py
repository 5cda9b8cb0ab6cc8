"""Remember between starts where the window was, and on which port it serves."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

log = logging.getLogger(__name__)
SMALLEST = (360, 400)
_LARGEST = 20_000
_BARS = 60
"""Pixels that a desktop's own bars take off a screen's height."""


@dataclass(frozen=True, slots=True)
class WindowState:
    """Hold size and place in pixels (no place: in the middle), and a port with the one it stands in for."""

    width: int = 1280
    height: int = 800
    x: int | None = None
    y: int | None = None
    maximized: bool = False
    port: int | None = None
    instead_of: int | None = None

    def bounded(self) -> WindowState:
        """Give the state with a size that a window can have."""
        width = min(max(self.width, SMALLEST[0]), _LARGEST)
        return replace(self, width=width, height=min(max(self.height, SMALLEST[1]), _LARGEST))


def load(path: Path) -> WindowState:
    """Read the state; what is missing or damaged is as on the first day."""
    try:
        return TypeAdapter(WindowState).validate_json(path.read_bytes()).bounded()
    except FileNotFoundError:
        return WindowState()
    except (OSError, ValidationError) as error:
        log.warning("the window's state in %s cannot be read (%s); beginning anew", path, error)
        return WindowState()


def save(path: Path, state: WindowState) -> None:
    """Write the state, whole or not at all; a full disk costs the memory only."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
        Path(name).replace(path)
    except OSError as error:
        log.warning("the window's state cannot be kept in %s: %s", path, error)


class Screen(Protocol):
    """Be a screen: a rectangle in pixels."""

    x: int
    y: int
    width: int
    height: int


def fit(state: WindowState, screens: Sequence[Screen]) -> WindowState:
    """Give the state as the screens of today can show it.

    No larger than the largest of them, and without a place from which its title bar would be out of reach.
    """
    if screens:
        room = max(screens, key=lambda screen: screen.width * screen.height)
        width, height = min(state.width, room.width), min(state.height, room.height - _BARS)
        state = replace(state, width=width, height=height).bounded()
    if state.x is None or state.y is None:
        return state
    handle_x, handle_y = state.x + state.width // 2, state.y + 10
    for screen in screens:
        if screen.x <= handle_x < screen.x + screen.width and screen.y <= handle_y < screen.y + screen.height:
            return state
    return replace(state, x=None, y=None)


def observed(window: Any, before: WindowState) -> WindowState:
    """Give the state of a window that is there, keeping the port.

    A maximized window's size is the screen's; what is kept is the one it goes back to.
    """
    native = window.native
    if not hasattr(native, "normalGeometry"):  # Qt alone tells.
        return replace(before, width=window.width, height=window.height, x=window.x, y=window.y).bounded()
    maximized, normal, place = native.isMaximized(), native.normalGeometry(), native.pos()
    spot = normal.topLeft() if maximized else place
    size = {"width": normal.width(), "height": normal.height()}
    return replace(before, **size, x=spot.x(), y=spot.y(), maximized=maximized).bounded()
