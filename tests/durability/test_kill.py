"""Kill the server at random moments, many times: nothing acknowledged is lost, nothing half done is seen."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from app.bootstrap import open_runtime
from app.settings import load_settings
from tests.bench.machine import Running, free_port, request
from tests.fixtures import make_feeds, make_key

ROUNDS = int(os.environ.get("KILL_ROUNDS", "25"))


class Load:
    """Upload and promote for as long as the server lives, remembering what it acknowledged."""

    def __init__(self, url: str, key: str, rng: random.Random) -> None:
        self.url, self.headers, self.rng = url, {"X-ApiKey": key}, rng
        self.uploaded: dict[str, str] = {}
        self.promoted: dict[str, str] = {}
        self.refused: list[str] = []
        self._stop = Event()
        self._number = 0

    def run(self, work: str) -> Thread:
        """Begin one kind of work in a thread."""
        thread = Thread(target=self._loop, args=(getattr(self, work),))
        thread.start()
        return thread

    def stop(self) -> None:
        """Let the threads end."""
        self._stop.set()

    def _loop(self, work: object) -> None:
        while not self._stop.is_set():
            try:
                work()  # type: ignore[operator]
            except (OSError, ValueError):
                return  # The server died under this request: nothing was acknowledged.
            except Exception as error:  # An answer cut short is no acknowledgement either.
                if "IncompleteRead" not in repr(error) and "BadStatusLine" not in repr(error):
                    raise
                return

    def upload(self) -> None:
        """Publish a package with some random bytes."""
        from tests.durability.packages import package

        self._number += 1
        name = f"pkg-{self._number}-{self.rng.randrange(1 << 30):x}"
        content = package(name, "1.0.0", self.rng.choice((2_000, 50_000, 3_000_000)), self.rng)
        status, answer = request("PUT", f"{self.url}/upack/dev/upload", content, self.headers)
        if status in (200, 201):
            self.uploaded[name] = hashlib.sha1(content).hexdigest()
        else:
            self.refused.append(f"{status} {answer[:200]!r}")

    def promote(self) -> None:
        """Promote a few of what was acknowledged, in one request."""
        known = [name for name in self.uploaded if name not in self.promoted]
        if not known:
            time.sleep(0.005)
            return
        names = self.rng.sample(known, min(len(known), 3))
        items = [{"name": name, "version": "1.0.0"} for name in names]
        body = json.dumps({"fromFeed": "dev", "toFeed": "prod", "items": items, "comments": "ok"}).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        status, answer = request("POST", f"{self.url}/api/promotions/promote", body, headers)
        if status == 200:
            self.promoted.update({name: self.uploaded[name] for name in names})
        else:
            self.refused.append(f"{status} {answer[:200]!r}")


def start(data: Path, port: int) -> Running:
    command = [
        sys.executable,
        "-m",
        "app.cli",
        "serve",
        "--data",
        str(data),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    return Running(command, f"http://127.0.0.1:{port}/health", data.parent / "server.log")


def held(data: Path, feed: str) -> dict[str, str]:
    """Give the SHA-1 by name of everything that a feed holds; from the tables, since lists for clients end at 1,000."""
    rows = _ask(
        data,
        "SELECT package.name, blob.sha1 FROM package JOIN feed ON feed.id = package.feed_id "
        "JOIN version ON version.package_id = package.id JOIN file ON file.version_id = version.id "
        "JOIN blob ON blob.sha256 = file.blob WHERE feed.name = ?",
        feed,
    )
    return dict(rows)


def _ask(data: Path, query: str, *values: str) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(data / "promontory.db", timeout=30)) as database:
        return database.execute(query, values).fetchall()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost_and_nothing_half_done_is_seen(tmp_path: Path) -> None:
    data, port, rng = tmp_path / "data", free_port(), random.Random()
    runtime = open_runtime(load_settings(data=data))
    make_feeds(runtime, "universal", "dev", "prod")
    key = make_key(runtime, "system", "load")
    runtime.database.close()
    url, headers = f"http://127.0.0.1:{port}", {"X-ApiKey": key}
    load = Load(url, key, rng)
    for _ in range(ROUNDS):
        server = start(data, port)
        in_dev, in_prod = held(data, "dev"), held(data, "prod")
        assert load.uploaded.items() <= in_dev.items()
        assert load.promoted.items() <= in_prod.items()
        assert in_prod.items() <= in_dev.items()
        load._stop.clear()
        threads = [load.run("upload"), load.run("upload"), load.run("promote"), load.run("promote")]
        time.sleep(rng.uniform(0.05, 0.8))
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
        load.stop()
        for thread in threads:
            thread.join()
    server = start(data, port)
    try:
        _check_bytes(url, headers, held(data, "dev"), rng)
        _check_history(data, held(data, "prod"))
    finally:
        server.stop()
    assert load.refused == []
    assert len(load.uploaded) > ROUNDS
    assert len(load.promoted) > ROUNDS
    for check in (["fsck", "--data", str(data)], ["audit", "verify", "--data", str(data)]):
        done = subprocess.run([sys.executable, "-m", "app.cli", *check], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    print(f"{ROUNDS} kills: {len(load.uploaded)} uploads and {len(load.promoted)} promotions acknowledged, none lost")


def _check_bytes(url: str, headers: dict[str, str], listed: dict[str, str], rng: random.Random) -> None:
    for name, sha1 in rng.sample(sorted(listed.items()), min(len(listed), 60)):
        status, content = request("GET", f"{url}/upack/dev/download/{name}/1.0.0", headers=headers)
        assert status == 200
        assert hashlib.sha1(content).hexdigest() == sha1


def _check_history(data: Path, listed: dict[str, str]) -> None:
    added = _ask(data, "SELECT name, version FROM promotion_item WHERE outcome = 'add'")
    assert sorted(name for name, _ in added) == sorted(listed), "every promoted version has its history, none twice"
