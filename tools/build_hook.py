"""Fetch the pages' assets before a wheel is built, so that they are packed into it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetsHook(BuildHookInterface[Any]):
    """Make sure that ``static/vendor`` is there; an editable install looks for it in the checkout later."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the assets where they are missing."""
        if version == "editable" or (Path(self.root) / "static" / "vendor" / ".fetched").exists():
            return
        subprocess.run([sys.executable, "-m", "tools.fetch_assets"], cwd=self.root, check=True)
