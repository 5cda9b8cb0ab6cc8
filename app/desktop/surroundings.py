"""Make sure that a window can open here, and say what is missing where it cannot."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from app.domain.errors import AppError

_WITHOUT = "'promontory serve' (or 'make run') works without a window: open the address that it prints in a browser."
_SECONDS = 60
_TRY = "from PySide6.QtWidgets import QApplication; QApplication([])"
# Debian's packages of the libraries that a lean system lacks.
_PACKAGES = {"libxcb-cursor": "libxcb-cursor0", "libxcb-icccm": "libxcb-icccm4", "libxcb-keysyms": "libxcb-keysyms1"}


class NoWindow(AppError):
    """Refuse to open a window where there cannot be one."""

    code = "no-window"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The window cannot open: {reason} {_WITHOUT}")


def prepare() -> None:
    """Set the environment that Qt needs, before it is loaded."""
    if sys.platform != "linux":
        return
    if os.geteuid() == 0:  # Chromium refuses to run as root in its sandbox; everybody else keeps it.
        os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
    # What graphics drivers and a missing desktop session say there is of no use to anybody.
    os.environ.setdefault("QT_LOGGING_RULES", "*.debug=false;qt.rhi.*=false;js=false")
    flags = os.environ.get("QTWEBENGINE_CHROMIUM_FLAGS", "")
    if "--log-level" not in flags:
        os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = f"{flags} --log-level=3".strip()


def require_window() -> None:
    """Raise NoWindow, which says what is missing, unless a window can open here."""
    if importlib.util.find_spec("webview") is None:
        raise NoWindow("pywebview is not installed (pip install 'promontory[desktop]').")
    if sys.platform != "linux":
        return
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        raise NoWindow("there is no display.")
    if importlib.util.find_spec("PySide6") is None:
        raise NoWindow("Qt is not installed (pip install 'promontory[desktop]').")
    _try_qt()


def _try_qt() -> None:
    """Let Qt connect to the display in a process of its own, because it ends the one where it fails."""
    if getattr(sys, "frozen", False):  # Then there is no interpreter to try it with.
        return
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _TRY], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoWindow(f"Qt did not answer within {_SECONDS} seconds.") from None
    if done.returncode != 0:
        raise NoWindow(_missing_library() or _last_words(done.stderr))


def _missing_library() -> str:
    """Name the system library that Qt lacks; its own message blames the wrong one."""
    spec = importlib.util.find_spec("PySide6")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    for plugin in (path for folder in folders for path in Path(folder).glob("Qt/plugins/platforms/libqxcb.so")):
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            library = str(error).split(":", 1)[0]
            package = next((name for start, name in _PACKAGES.items() if library.startswith(start)), "")
            hint = f" (apt-get install {package})" if package else ""
            return f"the system library {library} is missing{hint}."
    return ""


def _last_words(text: str) -> str:
    lines = [line.strip(" .") for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "could not" in line.lower() or "Error" in line]
    return f"Qt says: {(telling or lines or ['nothing'])[0]}."
