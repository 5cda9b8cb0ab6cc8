"""Run gem, Bundler and Ruby itself, each from an empty home; ``tools/system_packages`` brings them."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

SECONDS = 120


def program(name: str) -> str:
    """Give the path of ruby, gem or bundle; without it the test cannot run."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
    if found is None:
        pytest.skip(f"no {name} here; tools/system_packages test installs it")
    return found


def ask_ruby(script: str, question: Any) -> Any:
    """Run a script that reads JSON from ``input`` and gives its value, which must be JSON too."""
    whole = f"require 'json'\ninput = JSON.parse($stdin.read)\nputs JSON.generate(({script}))"
    done = subprocess.run(
        [program("ruby"), "-e", whole],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@dataclass
class RubyHome:
    """Be an empty home for gem and Bundler: own gems, own settings, nothing of whoever runs the tests."""

    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / ".gemrc").write_text("gem: --no-document\n")

    @property
    def env(self) -> dict[str, str]:
        """Give the environment."""
        home = str(self.home)
        return {
            "PATH": os.pathsep.join([f"{home}/gems/bin", "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": home,
            "GEM_HOME": f"{home}/gems",
            "GEM_PATH": f"{home}/gems",
            "GEM_SPEC_CACHE": f"{home}/specs",
            "GEMRC": f"{home}/.gemrc",
            "BUNDLE_USER_HOME": f"{home}/bundle",
            "BUNDLE_SILENCE_ROOT_WARNING": "1",
            "BUNDLE_RETRY": "0",
            "LANG": "C.UTF-8",
            **self.extra,
        }

    def run(self, *words: str, cwd: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run gem or bundle; an AssertionError shows what it said when it fails and ``check`` is set."""
        name, *arguments = words
        done = subprocess.run(
            [program(name), *arguments],
            cwd=cwd or self.home,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def converse(self, words: list[str], answers: dict[str, str]) -> str:
        """Run a command that asks a person, giving each answer when its question has come; give what it said."""
        here, there = pty.openpty()
        with subprocess.Popen(
            [program(words[0]), *words[1:]], cwd=self.home, env=self.env, stdin=there, stdout=there, stderr=there
        ) as process:
            os.close(there)
            watch = Timer(SECONDS, process.kill)
            watch.start()
            said = ""
            for question, answer in answers.items():
                while question not in said and (more := _read(here)):
                    said += more
                os.write(here, f"{answer}\n".encode())
            while more := _read(here):
                said += more
            watch.cancel()
        os.close(here)
        assert process.returncode == 0, said
        return said


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 1024).decode("utf-8", "replace")
    except OSError:  # Linux says so where the other side has closed it.
        return ""
