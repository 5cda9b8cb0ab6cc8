"""Run the real gem and Bundler (Debian's ruby and ruby-bundler) from an empty home."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SECONDS = 120


def program(name: str) -> str:
    """Give the path of a Ruby program; a test that needs it cannot run without."""
    found = shutil.which(name, path="/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"{name} is not installed; 'make test' brings it on Debian")
    return found


@dataclass
class RubyHome:
    """Be an empty home for gem and Bundler: own gems, own settings, nothing of whoever runs the tests."""

    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def env(self) -> dict[str, str]:
        """Give the environment."""
        home = str(self.home)
        return {
            "PATH": os.pathsep.join([f"{home}/gems/bin", "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": home,
            "GEM_HOME": f"{home}/gems",
            "GEM_SPEC_CACHE": f"{home}/specs",
            "BUNDLE_USER_HOME": f"{home}/.bundle",
            "BUNDLE_PATH": f"{home}/bundle",
            "LANG": "C.UTF-8",
            **self.extra,
        }

    def run(self, name: str, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run gem, bundle or ruby; give all that it said. An AssertionError shows it when it fails."""
        done = subprocess.run(
            [program(name), *arguments],
            cwd=cwd or self.home,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode:
            raise AssertionError(f"{name} {' '.join(arguments)}: {done.returncode}\n{done.stdout}")
        if not check and not done.returncode:
            raise AssertionError(f"{name} {' '.join(arguments)} should have failed:\n{done.stdout}")
        return done.stdout
