"""Two installations: one that is looked into, and one that looks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.bootstrap import open_runtime
from app.services import connectors, feeds, grants
from app.services.connectors import ConnectorChange
from app.services.grants import GrantRequest
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from app.web.server import Server
from tests.fixtures import make_feeds, make_key, running

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


__all__ = ["make_feeds"]
