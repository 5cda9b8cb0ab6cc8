"""Kill the server again and again while it pulls: the job ends, and every version is there once and whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.bootstrap import open_runtime
from app.services import access, connectors, grants, jobs, packages, pulls
from app.services.connectors import ConnectorChange
from app.services.plans import Wanted
from app.services.runtime import Runtime
from app.settings import load_settings
from tests.bench.machine import Running, free_port
from tests.connectors.conftest import SAM
from tests.fixtures import make_feeds, publish_sample, running

PACKAGES, KILLS = 200, int(os.environ.get("PULL_KILLS", "12"))


def start(data: Path, port: int, allowed: str) -> Running:
    command = [sys.executable, "-m", "app.cli", "serve", "--data", str(data), "--port", str(port)]
    environment = {"PROMONTORY_UPSTREAM_HOSTS": json.dumps([allowed])}
    return Running(command, f"http://127.0.0.1:{port}/health", data.parent / "server.log", environment)


def prepare(runtime: Runtime, url: str) -> int:
    make_feeds(runtime, "npm", "mine")
    with runtime.writing(SAM) as work:
        connectors.create_connector(work, "far", "npm", ConnectorChange(url=url))
        connectors.attach(work, "mine", ["far"])
        wanted = tuple(Wanted(f"pkg-{number}", "1.0.0") for number in range(PACKAGES))
        return pulls.start(work, pulls.PullRequest("mine", wanted)).id


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_pull_survives_being_killed(tmp_path: Path) -> None:
    far = open_runtime(load_settings(data=tmp_path / "far", port=0))
    make_feeds(far, "npm", "public")
    for number in range(PACKAGES):
        publish_sample(far, "public", f"pkg-{number}", "1.0.0")
    with far.writing(SAM) as work:
        grants.grant(work, grants.GrantRequest("View & Download Packages", principal="everyone"))
    data, port, rng = tmp_path / "near", free_port(), random.Random()
    with running(far) as far_server:
        near = open_runtime(load_settings(data=data))
        number = prepare(near, f"{far_server.url}/npm/public/")
        seen: list[int] = []
        for _ in range(KILLS):
            server = start(data, port, f"127.0.0.1:{far_server.port}")
            time.sleep(rng.uniform(0.3, 1.2))
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
            with near.reading(SAM) as work:
                seen.append(jobs.get_job(work, number).done)
        server = start(data, port, f"127.0.0.1:{far_server.port}")
        try:
            end = time.monotonic() + 120
            while time.monotonic() < end:
                with near.reading(SAM) as work:
                    job = jobs.get_job(work, number)
                if job.state not in jobs.OPEN:
                    break
                time.sleep(0.2)
        finally:
            server.stop()
        print(f"{KILLS} kills; done after each: {seen}")
        assert (job.state, job.failed) == ("done", 0), job.result
        assert job.done + job.skipped == PACKAGES
        assert seen == sorted(seen)
        assert seen[-1] > 0
        _compare(near, far)
        near.database.close()
    for check in (["fsck", "--deep", "--data", str(data)], ["audit", "verify", "--data", str(data)]):
        done = subprocess.run([sys.executable, "-m", "app.cli", *check], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def _compare(near: Runtime, far: Runtime) -> None:
    for number in range(PACKAGES):
        found = []
        for runtime, feed in ((near, "mine"), (far, "public")):
            with runtime.reading(SAM) as work:
                record = packages.get_package(work, access.get_feed(work, feed), f"pkg-{number}")
            found.append([(version.version, version.main.digests.sha256) for version in record.versions])
        assert found[0] == found[1]
        assert len(found[0]) == 1
