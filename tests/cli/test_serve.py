"""The server by command: it says where it is, answers, lets other commands work beside it, and stops cleanly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Pack, Promontory

COMMAND = (sys.executable, "-m", "app.cli")
PATIENCE = 60


@contextmanager
def serving(data: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Serve for as long as the block lasts; give the process and what it said when it was ready."""
    command = [*COMMAND, "serve", "--data", str(data), "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = [process.stdout.readline().rstrip() for _ in range(2)]
            yield process, said
        finally:
            process.kill()
            process.communicate(timeout=PATIENCE)


def get(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return answer.status, answer.read()


def test_it_serves_sets_up_and_stops(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as (process, said):
        url = said[0].split()[-1]
        assert said[0].startswith("Promontory ")
        assert get(f"{url}/health")[0] == 200
        assert process.stdout is not None
        link = process.stdout.readline().split()[-1]
        assert link.startswith(f"{url}/set-up/")
        assert get(link)[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
        assert "Traceback" not in process.communicate()[1]


def test_there_is_no_set_up_link_once_there_is_a_user(promontory: Promontory) -> None:
    promontory("user", "create", "sam", "--password-stdin", "--admin", stdin="correct horse battery\n")
    with serving(promontory.data) as (process, said):
        assert get(said[0].split()[-1] + "/health")[0] == 200
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "set-up" not in out


def test_commands_work_beside_it_and_it_sees_what_they_did(promontory: Promontory, pack: Pack) -> None:
    key = promontory("key", "create", "--type", "system", "--name", "ci").strip()
    with serving(promontory.data) as (_, said):
        url = said[0].split()[-1]
        for name in ("npm-dev", "npm-prod"):
            promontory("feed", "create", name, "--format", "npm")
        promontory("package", "upload", pack("one", "1.0.0"), "--feed", "npm-dev")
        promontory("promote", "one", "1.0.0", "--from", "npm-dev", "--to", "npm-prod")
        wanted = urllib.request.Request(f"{url}/npm/npm-prod/one", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(wanted, timeout=PATIENCE) as answer:
            assert list(json.load(answer)["versions"]) == ["1.0.0"]
        promontory("fsck")


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, "serve", "--data", str(tmp_path / "data"), "--port", str(port)],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith(f"error: Port {port} of 127.0.0.1 is not to be had")
    assert "Traceback" not in done.stderr


def test_a_command_in_a_pipe_that_closes_ends_quietly(promontory: Promontory) -> None:
    promontory("feed", "create", "a", "--format", "npm")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, "settings", "--data", str(promontory.data)],
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
    )
    os.close(writer)
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="accounts have no numbers there")
def test_the_data_directory_is_its_owners_alone(promontory: Promontory) -> None:
    promontory("feed", "create", "a", "--format", "npm")
    assert promontory.data.stat().st_mode & 0o077 == 0
