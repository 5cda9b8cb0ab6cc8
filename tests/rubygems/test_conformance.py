"""The story that RubyGems' public conformance suite tells a server, with its clock; told here in our own words.

The suite itself is in no registry, so it cannot be installed by name; point it at a server with the setting test_hooks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.bootstrap import open_runtime
from app.plugin import Request, Sample
from app.settings import load_settings
from app.web import create_app
from plugins.rubygems.kit import make, push, yank
from plugins.rubygems.remote_lists import read_list
from tests.fixtures import make_feeds, make_key

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

BEGIN = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass
class Told:
    """Be a server whose clock the tests set, as the suite does: a minute on with each change."""

    client: FlaskClient
    now: datetime = BEGIN

    def send(self, request: Request) -> TestResponse:
        path = f"/rubygems/gems{request.path}"
        return self.client.open(path, method=request.method, headers=dict(request.headers), data=request.body)

    def get(self, path: str) -> TestResponse:
        return self.send(Request("GET", path))

    def set_time(self, moment: datetime) -> None:
        self.now = moment
        assert self.send(Request("POST", "/set_time", {}, moment.isoformat().encode())).status_code == 200

    def change(self, request: Request, status: int = 200) -> None:
        answer = self.send(request)
        assert answer.status_code == status, answer.text
        self.set_time(self.now + timedelta(minutes=1))

    def push(self, *samples: Sample) -> None:
        for sample in samples:
            self.change(push(sample))

    def rebuild(self) -> None:
        assert self.send(Request("POST", "/rebuild_versions_list")).status_code == 200
        self.set_time(self.now + timedelta(hours=1))

    def info(self, name: str) -> str:
        return hashlib.md5(self.get(f"/info/{name}").data, usedforsecurity=False).hexdigest()

    def versions(self) -> str:
        return self.get("/versions").text

    def specs(self, which: str = "specs") -> set[tuple[str, str, str]]:
        return set(read_list(self.get(f"/{which}.4.8.gz").data, which))


@pytest.fixture(params=[True])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Told]:
    runtime = open_runtime(load_settings(data=tmp_path / "data", port=0, test_hooks=request.param))
    make_feeds(runtime, "rubygems", "gems")
    client = create_app(runtime).test_client(use_cookies=False)
    client.environ_base["HTTP_AUTHORIZATION"] = make_key(runtime, "system", "suite")
    yield Told(client)
    runtime.database.close()


def test_the_whole_story(told: Told) -> None:
    told.set_time(BEGIN)
    told.rebuild()
    empty = "created_at: 1990-01-01T00:00:00Z\n---\n"
    assert (told.versions(), told.get("/names").text, told.specs()) == (empty, "---\n\n", set())

    told.push(make("a", "1.0.0"))
    first = f"{empty}a 1.0.0 {told.info('a')}\n"
    assert told.versions() == first
    told.change(yank("a", "1.0.0"))
    assert told.get("/info/a").text == "---\n"
    assert told.versions() == f"{first}a -1.0.0 {told.info('a')}\n"

    told.push(make("a", "0.0.1"), make("b", "1.0.0.pre"))
    told.change(push(make("a", "0.0.1", more="x_note: other\n")), 409)
    told.push(*(make("a", "0.2.0", platform=each) for each in ("", "x86-mingw32", "java")))
    assert told.versions().endswith(f"\na 0.2.0-java {told.info('a')}\n")
    assert told.specs("latest_specs") == {("a", "0.2.0", each) for each in ("", "x86-mingw32", "java")}

    told.rebuild()
    assert told.versions() == (
        "created_at: 1990-01-01T01:08:00Z\n---\n"
        f"a 0.0.1,0.2.0,0.2.0-x86-mingw32,0.2.0-java {told.info('a')}\nb 1.0.0.pre {told.info('b')}\n"
    )
    told.push(make("a", "0.3.0"))
    told.change(yank("a", "0.2.0"))
    assert told.specs("latest_specs") == {("a", "0.3.0", ""), ("a", "0.2.0", "x86-mingw32"), ("a", "0.2.0", "java")}
    told.rebuild()
    assert told.versions().splitlines()[0] == "created_at: 1990-01-01T02:10:00Z"
    assert told.versions().splitlines()[2] == f"a 0.0.1,0.2.0-x86-mingw32,0.2.0-java,0.3.0 {told.info('a')}"
    told.change(yank("missing", "1.0.0"), 404)


@pytest.mark.parametrize("body", [b"", b"yesterday", b"9" * 1000, b"1990-13-01"])
def test_a_moment_that_is_none_is_refused(told: Told, body: bytes) -> None:
    assert told.send(Request("POST", "/set_time", {}, body)).status_code == 400


@pytest.mark.parametrize("told", [False], indirect=True)
def test_nobody_sets_the_clock_or_rebuilds_the_list_where_the_setting_is_off(told: Told) -> None:
    for path in ("/set_time", "/rebuild_versions_list"):
        assert told.send(Request("POST", path, {}, b"1990-01-01T00:00:00Z")).status_code == 404
