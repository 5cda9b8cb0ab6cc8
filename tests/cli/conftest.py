"""The command line in the test's own process, on a data directory of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.bootstrap import open_plugins
from app.cli.commands import cli
from app.settings import load_settings
from app.storage.blobs import LocalBlobStore


class Promontory:
    """Run commands on one data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *words: object, stdin: str | None = None) -> Result:
        """Run a command and give whatever came of it; an error that nobody foresaw fails the test."""
        result = CliRunner().invoke(cli, [*map(str, words), "--data", str(self.data)], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def __call__(self, *words: object, stdin: str | None = None) -> str:
        """Run a command that succeeds and give what it printed."""
        result = self.run(*words, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result.stdout

    def blobs(self) -> list[Path]:
        """Give the files of the stored bytes."""
        store = LocalBlobStore(self.data / "blobs")
        return [store.path(sha256) for sha256 in store.list()]

    def json(self, *words: object) -> Any:
        """Run a command with ``--json`` and give its value."""
        return json.loads(self(*words, "--json"))

    def refused(self, *words: object, code: int = 2, stdin: str | None = None) -> str:
        """Run a command that is refused with an exit code and one line; give the line."""
        result = self.run(*words, stdin=stdin)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        line = result.stderr.strip().splitlines()[-1]
        assert line.lower().startswith("error: "), result.stderr
        return line[len("error: ") :]


@pytest.fixture
def promontory(tmp_path: Path) -> Promontory:
    """Give the command on an empty data directory."""
    return Promontory(tmp_path / "data")


Pack = Callable[..., Path]


@pytest.fixture(scope="session")
def npm_kit() -> Any:
    """Give the npm format's samples."""
    return open_plugins(load_settings(data="/nonexistent")).get_format("npm").kit()


@pytest.fixture
def pack(tmp_path: Path, npm_kit: Any) -> Pack:
    """Give a function that writes an npm package into a file."""

    def write(name: str, version: str) -> Path:
        sample = npm_kit.make(name, version)
        path = tmp_path / f"{name.replace('/', '-')}-{version}.tgz"
        path.write_bytes(sample.content)
        return path

    return write


@pytest.fixture
def stocked(promontory: Promontory, pack: Pack) -> Promontory:
    """Give an installation with npm-dev (one 1.0.0 and 2.0.0, @acme/ui 1.0.0) and an empty npm-prod."""
    for name in ("npm-dev", "npm-prod"):
        promontory("feed", "create", name, "--format", "npm")
    files = [pack("one", "1.0.0"), pack("one", "2.0.0"), pack("@acme/ui", "1.0.0")]
    promontory("package", "upload", *files, "--feed", "npm-dev")
    return promontory
