"""The application in every size: a runtime on either database, a test client, a real server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.bootstrap import open_runtime
from app.services import feeds, keys, publishing
from app.services.runtime import Actor, Runtime, owner
from app.settings import load_settings
from app.web import create_app
from app.web.server import Server

DATABASES = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Give a function that makes a fresh, migrated PostgreSQL database and gives its URL."""
    from tests.postgres import Cluster

    try:
        cluster = Cluster()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    cluster.start()
    template = cluster.create()
    home = tmp_path_factory.mktemp("template") / "data"
    open_runtime(load_settings(data=home, database=template)).database.close()
    cluster.use_as_template(template)
    yield cluster.create
    cluster.stop()


@pytest.fixture(params=[DATABASES[0], pytest.param(DATABASES[1], marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str:
    """Give the URL of an empty database of each kind; empty text is the embedded default."""
    if request.param == "sqlite":
        return ""
    fresh: Callable[[], str] = request.getfixturevalue("postgres")
    return fresh()


@pytest.fixture(scope="session")
def _fresh_installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a data directory as the first start leaves it; copying it is ten times as fast as migrating."""
    directory = tmp_path_factory.mktemp("fresh") / "data"
    open_runtime(load_settings(data=directory, port=0)).database.close()
    return directory


@pytest.fixture
def data(tmp_path: Path, _fresh_installation: Path) -> Path:
    """Give the data directory of a fresh installation."""
    return Path(shutil.copytree(_fresh_installation, tmp_path / "data"))


@pytest.fixture
def runtime(data: Path, database: str) -> Iterator[Runtime]:
    """Give a runtime with the built-in plugins, on each database in turn."""
    opened = open_runtime(load_settings(data=data, database=database, port=0))
    yield opened
    opened.database.close()


@pytest.fixture
def sqlite_runtime(data: Path) -> Iterator[Runtime]:
    """Give a runtime on SQLite, for what does not touch the database's ways."""
    opened = open_runtime(load_settings(data=data, port=0))
    yield opened
    opened.database.close()


def at(runtime: Runtime, moment: datetime) -> Runtime:
    """Give a runtime for which it is always that moment."""
    return replace(runtime, clock=lambda: moment)


@pytest.fixture
def sam() -> Actor:
    """Give somebody who may do everything."""
    return owner("sam")


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """Give the web application."""
    made = create_app(runtime)
    made.testing = True
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Give a test client."""
    return app.test_client()


@pytest.fixture
def system_key(runtime: Runtime, sam: Actor) -> str:
    """Give the secret of a key that may do everything."""
    return make_key(runtime, "system", "tests")


@pytest.fixture
def server(sqlite_runtime: Runtime) -> Iterator[Server]:
    """Give a real server on a port of its own."""
    with running(sqlite_runtime) as started:
        yield started


class running:  # noqa: N801 - reads as a verb: with running(runtime) as server
    """Run a server in a thread for as long as the block lasts."""

    def __init__(self, runtime: Runtime) -> None:
        self.server = Server(runtime, "127.0.0.1", 0)
        self._thread = Thread(target=self.server.run, name="server")

    def __enter__(self) -> Server:
        """Start."""
        self._thread.start()
        return self.server

    def __exit__(self, *_: object) -> None:
        """Stop and wait."""
        self.server.stop()
        self._thread.join(timeout=30)
        assert not self._thread.is_alive(), "the server did not stop"


def make_key(runtime: Runtime, kind: str, name: str, **fields: object) -> str:
    """Create an API key and give its secret."""
    with runtime.writing(owner("sam")) as work:
        return keys.create_key(work, keys.KeyRequest(kind, name, **fields))[1]  # type: ignore[arg-type]


def make_feeds(runtime: Runtime, format: str, *names: str, **change: object) -> None:
    """Create feeds of a format."""
    with runtime.writing(owner("sam")) as work:
        for name in names:
            feeds.create_feed(work, name, format, feeds.FeedChange(**change) if change else None)  # type: ignore[arg-type]


def publish_sample(runtime: Runtime, feed: str, name: str, version: str) -> None:
    """Publish a package that the feed's format makes for its tests."""
    with runtime.reading(owner("sam")) as work:
        format = work.get_format(publishing.access.get_feed(work, feed).format)
    sample = format.kit().make(name, version)
    publishing.publish(runtime, owner("sam"), feed, [sample.content], sample.filename)
