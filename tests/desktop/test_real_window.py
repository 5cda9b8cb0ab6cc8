"""The real window, without a display: it opens signed in, shows the feeds, saves, uploads, and leaves links alone."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.account import account
from app.bootstrap import open_runtime
from app.desktop.state import load
from app.services import grants
from app.services.runtime import owner
from app.settings import load_settings
from tests.fixtures import make_feeds, publish_sample

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 150

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(importlib.util.find_spec("PySide6") is None, reason="Qt is not installed (extra: desktop)"),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give what was seen in one run of the window."""
    folder = tmp_path_factory.mktemp("window")
    (folder / "chosen.tgz").write_bytes(b"seven b")
    sample = stock(folder / "data")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "tests.desktop.drive", str(folder / "data"), str(port), str(folder)]
    done = subprocess.run(
        words,
        check=False,
        cwd=ROOT,
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert "failure" not in answer, answer["failure"] + done.stderr
    return {**answer, "folder": folder, "port": port, "sample": sample, "stderr": done.stderr}


def stock(data: Path) -> bytes:
    """Make a feed with a package that everybody may download; give the package."""
    runtime = open_runtime(load_settings(data=data))
    make_feeds(runtime, "npm", "npm-dev")
    publish_sample(runtime, "npm-dev", "one", "1.0.0")
    with runtime.writing(owner("test")) as work:
        grants.grant(work, grants.GrantRequest("View & Download Packages", principal="everyone"))
    content = runtime.get_format("npm").kit().make("one", "1.0.0").content
    runtime.database.close()
    return content


def test_it_opens_signed_in_at_the_feeds(seen: dict[str, Any]) -> None:
    assert seen["code"] == 0
    assert seen["address"] == f"http://127.0.0.1:{seen['port']}/"
    assert seen["title"].startswith("Feeds")
    assert "npm-dev" in seen["text"]
    assert account() in seen["text"]


def test_it_is_painted(seen: dict[str, Any]) -> None:
    picture = seen["folder"] / "window.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000, "an empty page compresses to less"


def test_a_download_is_saved_byte_by_byte(seen: dict[str, Any]) -> None:
    assert seen["saved"] == ["saved-one-1.0.0.tgz"]
    assert (seen["folder"] / "saved-one-1.0.0.tgz").read_bytes() == seen["sample"]


def test_a_file_to_upload_is_chosen_in_the_native_dialog(seen: dict[str, Any]) -> None:
    assert seen["chosen"] == "chosen chosen.tgz 7"


def test_links_to_elsewhere_open_in_the_browser_and_leave_the_window_alone(seen: dict[str, Any]) -> None:
    assert seen["outside"] == ["https://example.invalid/readme"] * 2
    assert seen["still at"] == seen["address"]


def test_pages_reach_nothing_of_python(seen: dict[str, Any]) -> None:
    assert seen["api"] == "[]"


def test_it_remembers_its_place(seen: dict[str, Any]) -> None:
    state = load(seen["folder"] / "data" / "window.json")
    assert state.x is not None
    assert state.width <= 1280


def test_it_leaves_no_traceback(seen: dict[str, Any]) -> None:
    assert "Traceback" not in seen["stderr"]
