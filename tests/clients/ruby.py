"""Run the real ruby, gem and bundle with a home of their own; the system's packages bring them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SECONDS = 180
_PATH = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin"))


def program(name: str) -> str:
    """Give the path of ruby, gem or bundle; skip the test where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}; 'tools/system_packages test' installs it")
    return found


@dataclass
class RubyHome:
    """Be an empty home: own gems, own settings, own caches, nothing of whoever runs the tests."""

    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def env(self) -> dict[str, str]:
        """Give the environment."""
        home = str(self.home)
        return {
            "PATH": os.pathsep.join((str(Path(program("ruby")).parent), _PATH)),
            "HOME": home,
            "GEM_HOME": f"{home}/gems",
            "GEM_SPEC_CACHE": f"{home}/specs",
            "GEMRC": f"{home}/.gemrc",
            "BUNDLE_USER_HOME": f"{home}/bundle",
            "BUNDLE_SILENCE_ROOT_WARNING": "1",
            "BUNDLE_DISABLE_VERSION_CHECK": "1",
            "XDG_CACHE_HOME": f"{home}/.cache",
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_DATA_HOME": f"{home}/.local/share",
            "LANG": "C.UTF-8",
            **self.extra,
        }

    def run(
        self, command: str, *arguments: str, cwd: Path | None = None, check: bool = True, said: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run ruby, gem or bundle; an AssertionError shows what it said when it fails and ``check`` is set."""
        done = subprocess.run(
            [program(command), *arguments],
            cwd=cwd or self.home,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            input=said,
        )
        if check and done.returncode:
            raise AssertionError(f"{command} {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def evaluate(self, script: str, given: object) -> Any:
        """Run a Ruby script that finds JSON values in ``given`` and prints JSON; give them."""
        whole = f"require 'json'; given = JSON.parse($stdin.read); {script}"
        return json.loads(self.run("ruby", "-e", whole, said=json.dumps(given)).stdout)
