"""Start Promontory as its users do."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.bench.machine import Running


def start_ours(home: Path, port: int, env: Mapping[str, str] | None = None) -> Running:
    """Serve a data directory from a process of its own."""
    command = [sys.executable, "-m", "app.cli", "serve", "--data", str(home), "--host", "127.0.0.1"]
    ready = f"http://127.0.0.1:{port}/health"
    return Running([*command, "--port", str(port)], ready, home.parent / "ours.log", env)
