"""Two installations: one that is looked into, and one that looks."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import open_runtime
from app.domain.connectors import RemoteUse
from app.net.network import Network
from app.net.transfer import Flights
from app.services import access, connectors, feeds, grants, packages
from app.services.connectors import ConnectorChange
from app.services.grants import GrantRequest
from app.services.runtime import Runtime, owner
from app.services.sources import Sources
from app.settings import load_settings
from app.web.server import Server
from tests.fixtures import make_feeds, make_key, publish_sample, running
from tests.net.conftest import Clock
from tests.net.faults import FaultServer, fault_server

SAM = owner("sam")


@dataclass
class Pair:
    """Hold an installation that offers packages, over real HTTP, and one whose feeds are connected to it."""

    far: Runtime
    far_server: Server
    near: Runtime
    near_server: Server
    key: str

    def connect(self, feed: str, url: str, **change: object) -> None:
        """Attach a connector of the feed's name to a feed."""
        with self.near.writing(SAM) as work:
            format = feeds.access.get_feed(work, feed).format
            connectors.create_connector(work, f"far-{feed}", format, ConnectorChange(url=url, **change))  # type: ignore[arg-type]
            connectors.attach(work, feed, [f"far-{feed}"])

    def open_to_everybody(self, runtime: Runtime) -> None:
        """Let everybody view and download."""
        with runtime.writing(SAM) as work:
            grants.grant(work, GrantRequest("View & Download Packages", principal="everyone"))


@pytest.fixture
def pair(tmp_path: Path, _fresh_installation: Path) -> Iterator[Pair]:
    """Give two installations with servers; the near one may reach the far one's port."""
    far_data = Path(shutil.copytree(_fresh_installation, tmp_path / "far"))
    near_data = Path(shutil.copytree(_fresh_installation, tmp_path / "near"))
    far = open_runtime(load_settings(data=far_data, port=0))
    with running(far) as far_server:
        allowed = (f"127.0.0.1:{far_server.port}",)
        near = open_runtime(load_settings(data=near_data, port=0, upstream_hosts=allowed))
        key = make_key(near, "system", "tests")
        with running(near) as near_server:
            yield Pair(far, far_server, near, near_server, key)


# A source of faults --------------------------------------------------------------------------------------

DOCUMENT, TARBALL = "/left", "/left/-/left-1.0.0.tgz"


@dataclass
class Place:
    """Hold an installation whose npm feed serves and caches what a source of faults offers."""

    runtime: Runtime
    server: Server
    source: FaultServer
    clock: Clock
    content: bytes
    key: str

    def get(self, path: str, *, page: bool = False) -> tuple[int, str, bytes | None]:
        """Ask the server; give status, media type and the body, None for one that broke off."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        headers = {"X-ApiKey": self.key, "Accept": "text/html" if page else "application/json"}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        try:
            body: bytes | None = answer.read()
        except (http.client.IncompleteRead, ConnectionError):
            body = None
        connection.close()
        return answer.status, answer.headers.get_content_type(), body

    def tarball(self) -> tuple[int, str, bytes | None]:
        """Ask for the tarball as npm does."""
        return self.get(f"/npm/mine{TARBALL}")

    def kept(self) -> tuple[bool, int, list[str]]:
        """Give whether the feed holds the version, how many blobs there are, and which files are half here."""
        with self.runtime.reading(SAM) as work:
            held = packages.find_package(work, access.get_feed(work, "mine"), "left") is not None
        data = self.runtime.settings.data
        folders = (data / "uploads", data / "blobs" / "incoming")
        half = [str(path) for folder in folders if folder.is_dir() for path in folder.iterdir()]
        return held, len(list(self.runtime.blobs.list())), half

    def document(self, **more: Any) -> bytes:
        """Give what the source says of the package."""
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(self.content).digest()).decode()
        shasum = hashlib.sha1(self.content).hexdigest()
        dist = {"tarball": f"{self.source.url}{TARBALL}", "integrity": integrity, "shasum": shasum}
        version = {"name": "left", "version": "1.0.0", "dist": dist}
        return json.dumps(
            {"name": "left", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}, **more}
        ).encode()

    def heal(self) -> None:
        """Let the source do well, and time pass."""
        self.source.replace(DOCUMENT, self.document())
        self.source.replace(TARBALL, self.content)
        self.runtime.sources.forget("far")
        self.clock.passed += 3600


@pytest.fixture
def place(tmp_path: Path, _fresh_installation: Path, fault_server: FaultServer) -> Iterator[Place]:
    """Give an installation with a clock that nobody waits for."""
    data, clock = Path(shutil.copytree(_fresh_installation, tmp_path / "near")), Clock()
    opened = open_runtime(load_settings(data=data, port=0))
    network = Network(data / "upstream", allowed_hosts=(fault_server.host,), timing=clock.timing)
    flights = Flights(data / "uploads", lambda: network.waiting())  # noqa: PLW0108 - the server sets it later
    runtime = replace(opened, network=network, sources=Sources(network, clock.monotonic), flights=flights)
    make_feeds(runtime, "npm", "mine", remote=RemoteUse.CACHE)
    publish_sample(runtime, "mine", "own", "1.0.0")
    with runtime.writing(SAM) as work:
        far = ConnectorChange(url=f"{fault_server.url}/", timeout=2)
        connectors.create_connector(work, "far", "npm", far)
        connectors.attach(work, "mine", ["far"])
        grants.grant(work, grants.GrantRequest("View & Download Packages", principal="everyone"))
    content = runtime.get_format("npm").kit().make("left", "1.0.0", noise=os.urandom(100_000).hex()).content
    with running(runtime) as server:
        made = Place(runtime, server, fault_server, clock, content, make_key(runtime, "system", "tests"))
        fault_server.answer(DOCUMENT, made.document())
        fault_server.answer(TARBALL, content)
        yield made


__all__ = ["fault_server", "make_feeds"]
