"""Importing by page, looking for newer versions, and what the user's own clients are set to."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.jobs.runner import Runner
from app.plugin import clients
from app.services import connectors, jobs
from app.services.connectors import ConnectorChange
from app.services.runtime import Runtime, owner
from plugins.nuget import client_settings
from tests.fixtures import make_feeds, publish_sample

SAM = owner("sam")


@pytest.fixture
def connected(runtime: Runtime) -> Runtime:
    """Give an installation whose feed new asks the feed old."""
    make_feeds(runtime, "npm", "old", "new")
    for name, version in (("left", "1.0.0"), ("left", "1.1.0"), ("right", "1.0.0")):
        publish_sample(runtime, "old", name, version)
    publish_sample(runtime, "new", "own", "1.0.0")
    with runtime.writing(SAM) as work:
        connectors.create_connector(work, "from-old", "npm", ConnectorChange(feed="old"))
        connectors.attach(work, "new", ["from-old"])
    return runtime


def run(runtime: Runtime, number: int) -> jobs.Job:
    import time  # noqa: PLC0415

    runner = Runner(runtime, only=number, beat=0.05)
    runner.start()
    try:
        for _ in range(400):
            with runtime.reading(SAM) as work:
                job = jobs.get_job(work, number)
            if job.state not in jobs.OPEN:
                return job
            time.sleep(0.05)
    finally:
        runner.stop()
    raise AssertionError("the job does not end")
