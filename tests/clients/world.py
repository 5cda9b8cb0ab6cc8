"""A running server with pairs of feeds of one format, for real clients to publish to and install from."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Self

from app.bootstrap import open_runtime
from app.domain.connectors import RemoteUse
from app.services import connectors, grants, keys, people, publishing
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from app.web.server import Server
from tests.fixtures import make_feeds, running

SAM = owner("sam")
PASSWORD = "correct horse battery"


@dataclass
class World:
    """Be a server with a user ann, a key of hers that may manage every feed, and pairs of feeds."""

    format: ClassVar[str]

    server: Server
    runtime: Runtime
    key: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @classmethod
    def open(cls, folder: Path) -> Iterator[Self]:
        """Run a server for as long as the fixture that this is yielded from."""
        runtime = open_runtime(load_settings(data=folder, port=0))
        with runtime.writing(SAM) as work:
            people.create_user(work, "ann", PASSWORD)
            grants.grant(work, grants.GrantRequest("Manage Feed", user="ann"))
            key = keys.create_key(work, keys.KeyRequest("personal", "tests", user="ann"))[1]
        with running(runtime) as server:
            yield cls(server, runtime, key)
        runtime.database.close()

    def new_pair(self) -> tuple[str, str]:
        """Make a dev and a prod feed."""
        number = next(self._numbers)
        pair = f"{self.format}-dev-{number}", f"{self.format}-prod-{number}"
        make_feeds(self.runtime, self.format, *pair)
        return pair

    def through(self, feed: str) -> str:
        """Make a feed that serves and caches what another holds."""
        name = f"{feed}-through"
        make_feeds(self.runtime, self.format, name, remote=RemoteUse.CACHE)
        with self.runtime.writing(SAM) as work:
            connectors.create_connector(work, name, self.format, connectors.ConnectorChange(feed=feed))
            connectors.attach(work, name, [name])
        return name

    def by_path(self, feed: str) -> str:
        """Give a feed's address below the server's host name."""
        return f"{self.server.url}/{self.runtime.get_format(self.format).prefix}/{feed}"

    def by_host(self, feed: str) -> str:
        """Give the address of a feed's own host name."""
        return f"http://{feed}.localhost:{self.server.port}"

    def get(self, path: str) -> bytes:
        """Get something from the server."""
        request = urllib.request.Request(self.server.url + path, headers={"X-ApiKey": self.key})
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
        return body

    def call(self, path: str, body: dict[str, Any]) -> Any:
        """Call the API."""
        headers = {"X-ApiKey": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(self.server.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def promote(self, pair: tuple[str, str], *items: tuple[str, str]) -> None:
        """Promote a set of versions as one."""
        named = [{"name": name, "version": version} for name, version in items]
        self.call("/api/promotions/promote", {"fromFeed": pair[0], "toFeed": pair[1], "items": named})

    def upload(self, feed: str, *paths: Path) -> None:
        """Publish package files past the protocol."""
        for path in paths:
            self.upload_bytes(feed, path.read_bytes(), path.name)

    def upload_bytes(self, feed: str, content: bytes, filename: str = "upload") -> None:
        """Publish a package file past the protocol."""
        publishing.publish(self.runtime, SAM, feed, [content], filename)
