"""Ask the libraries inside npm's own installation what they make of things."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest


def ask_node(script: str, question: Any) -> Any:
    """Run a script in node with the folder of npm's modules as its argument; JSON goes in and comes out.

    Skips the test where node or npm is not installed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    root = subprocess.run([npm, "root", "--global"], capture_output=True, text=True, timeout=60, check=True)
    modules = Path(root.stdout.strip()) / "npm" / "node_modules"
    if not modules.is_dir():
        pytest.skip(f"npm has no modules at {modules}")
    done = subprocess.run(
        [node, "-e", script, str(modules)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)
