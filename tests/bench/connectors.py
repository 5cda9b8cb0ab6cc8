"""What it costs that packages come from a connector: documents that are warm, files that are pulled."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.bootstrap import open_runtime
from app.domain.connectors import RemoteUse
from app.jobs.runner import Runner
from app.services import connectors, grants, jobs, pulls
from app.services.connectors import ConnectorChange
from app.services.plans import Wanted
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from tests.bench.machine import Running, free_port, request, requests_per_second, seconds
from tests.bench.serving import start_ours
from tests.fixtures import make_feeds, publish_sample

VERSIONS, PULLED = 300, 200
SAM = owner("sam")


def measure(folder: Path) -> dict[str, tuple[float, float]]:
    """Give (through the connector, without it): microseconds for a warm packument, seconds to bring many packages."""
    far_port, near_port = free_port(), free_port()
    far = open_runtime(load_settings(data=folder / "far"))
    fill(far, "public")
    for number in range(PULLED):
        publish_sample(far, "public", f"pull-{number}", "1.0.0")
    near = open_runtime(load_settings(data=folder / "near", workers=0, upstream_hosts=(f"127.0.0.1:{far_port}",)))
    fill(near, "local")
    make_feeds(near, "npm", "through", remote=RemoteUse.CACHE)
    make_feeds(near, "npm", "pulled")
    with near.writing(SAM) as work:
        url = f"http://127.0.0.1:{far_port}/npm/public/"
        connectors.create_connector(work, "far", "npm", ConnectorChange(url=url))
        connectors.attach(work, "through", ["far"])
        connectors.attach(work, "pulled", ["far"])
    servers: list[Running] = []
    try:
        servers.append(start_ours(folder / "far", far_port))
        allowed = {"PROMONTORY_UPSTREAM_HOSTS": json.dumps([f"127.0.0.1:{far_port}"])}
        servers.append(start_ours(folder / "near", near_port, allowed))
        warm = [
            1e6 / requests_per_second(f"http://127.0.0.1:{near_port}/npm/{f}/many", {}) for f in ("through", "local")
        ]
        pulled, bare = _pull(near), _fetch(f"http://127.0.0.1:{far_port}/npm/public")
        return {"warm": (warm[0], warm[1]), "pull": (pulled, bare)}
    finally:
        for server in servers:
            server.stop()
        for runtime in (far, near):
            runtime.database.close()


def fill(runtime: Runtime, feed: str) -> None:
    """Make a feed that everybody may read, with a package of many versions."""
    make_feeds(runtime, "npm", feed)
    with runtime.writing(SAM) as work:
        grants.grant(work, grants.GrantRequest("View & Download Packages", principal="everyone"))
    for number in range(VERSIONS):
        publish_sample(runtime, feed, "many", f"1.{number}.0")


def _pull(runtime: Runtime) -> float:
    with runtime.writing(SAM) as work:
        wanted = tuple(Wanted(f"pull-{number}", "1.0.0") for number in range(PULLED))
        number = pulls.start(work, pulls.PullRequest("pulled", wanted)).id
    runner = Runner(runtime, only=number, beat=0.05)
    began = time.perf_counter()
    runner.start()
    while True:
        with runtime.reading(SAM) as work:
            job = jobs.get_job(work, number)
        if job.state not in jobs.OPEN:
            break
        time.sleep(0.02)
    taken = time.perf_counter() - began
    runner.stop()
    assert (job.state, job.done) == ("done", PULLED), job.result
    return taken


def _fetch(url: str) -> float:
    """Give how long the bare requests take: a document and a file each, four at once."""

    def both(number: int) -> None:
        name = f"pull-{number}"
        for path in (name, f"{name}/-/{name}-1.0.0.tgz"):
            assert request("GET", f"{url}/{path}")[0] == 200

    def everything() -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(both, range(PULLED)))

    return seconds(everything)
