"""What the tests of the API share: an installation with feeds of three formats, and a client that speaks for a key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.bootstrap import open_runtime
from app.services import access, grants, packages, people, publishing
from app.services.runtime import Actor, Runtime, owner
from app.settings import load_settings
from tests.fixtures import make_feeds, make_key, publish_sample

HERE = Path(__file__).resolve().parent
ON_SQLITE = pytest.mark.parametrize("database", [""], ids=["sqlite"])
"""Marks a large table of what does not reach the database's own ways."""
PASSWORD = "a long password"
OWNER = owner("sam")
DENIAL = "The specified API key does not have the proper permissions to perform this action."


@pytest.fixture
def runtime(tmp_path: Path, database: str) -> Iterator[Runtime]:
    """Give a runtime that also knows the parcel format of these tests."""
    settings = load_settings(data=tmp_path / "data", database=database, port=0, plugins=str(HERE / "plugins"))
    opened = open_runtime(settings)
    yield opened
    opened.database.close()


class Api:
    """Send requests with one key; answers that people would see are checked to be short and plain."""

    def __init__(self, client: FlaskClient, runtime: Runtime, key: str) -> None:
        self.client, self.runtime, self.key = client, runtime, key

    def send(self, method: str, path: str, *, key: str | None = None, **sent: Any) -> TestResponse:
        """Send one request, by default with the system key; an empty key sends none."""
        secret = self.key if key is None else key
        headers = {**({"X-ApiKey": secret} if secret else {}), **sent.pop("headers", {})}
        answer = self.client.open(path, method=method, headers=headers, **sent)
        check_plain(answer)
        return answer

    def get(self, path: str, **sent: Any) -> TestResponse:
        """Send a GET."""
        return self.send("GET", path, **sent)

    def post(self, path: str, **sent: Any) -> TestResponse:
        """Send a POST."""
        return self.send("POST", path, **sent)

    def promote(self, name: str = "left", version: str = "1.0.0", **fields: Any) -> TestResponse:
        """Promote from dev to prod, unless said otherwise."""
        key = fields.pop("key", None)
        body = {"fromFeed": "dev", "toFeed": "prod", "name": name, "version": version, **fields}
        return self.post("/api/promotions/promote", key=key, json={n: v for n, v in body.items() if v is not None})

    def history(self, **filters: str) -> list[dict[str, Any]]:
        """Query the promotion history."""
        answer = self.get("/api/promotions/list", query_string=filters)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json
        return found

    def held(self, feed: str, name: str) -> list[str]:
        """Give the versions that a feed holds of a package."""
        with self.runtime.reading(OWNER) as work:
            package = packages.find_package(work, access.get_feed(work, feed), name)
            return [version.version for version in package.versions] if package else []

    def feed_key(self, rights: str, *feeds: str) -> str:
        """Make a feed key."""
        name = f"{rights} on {' '.join(feeds)}".replace("/", " ")
        return make_key(self.runtime, "feed", name, feeds=feeds, rights=rights.split())

    def user(self, name: str, *tasks: tuple[str, str]) -> str:
        """Make a user with tasks on feeds (an empty feed: everywhere) and give the pseudo-key of their password."""
        with self.runtime.writing(OWNER) as work:
            people.create_user(work, name, PASSWORD)
            for task, feed in tasks:
                grants.grant(work, grants.GrantRequest(task, user=name, feed=feed))
        return f"{name}:{PASSWORD}"

    def let_everybody_read(self, *feeds: str) -> None:
        """Let nobody known view and download."""
        with self.runtime.writing(OWNER) as work:
            for feed in feeds:
                grants.grant(work, grants.GrantRequest("View & Download Packages", principal="anonymous", feed=feed))

    def publish(self, feed: str, content: bytes, filename: str = "x.parcel") -> None:
        """Publish bytes past the API."""
        publishing.publish(self.runtime, OWNER, feed, [content], filename)


def check_plain(answer: Response | TestResponse) -> None:
    """Check that an answer is no page, that a refusal is one short line, and that JSON holds no null."""
    kind = answer.content_type or ""
    assert "html" not in kind
    if answer.status_code >= 400 and not kind.startswith("application/json"):
        assert kind == "text/plain; charset=utf-8"
        assert 15 < len(answer.text) < 1500
        assert "\n" not in answer.text
        assert "Traceback" not in answer.text
    if kind.startswith("application/json") and answer.data:
        assert count_nulls(answer.json) == 0
        assert answer.headers["Cache-Control"] == "no-store"


def count_nulls(value: Any) -> int:
    """Count members that are null: the vendor's client cannot read them where it wants a number."""
    if isinstance(value, dict | list):
        return sum(count_nulls(each) for each in (value.values() if isinstance(value, dict) else value))
    return value is None


@pytest.fixture
def api(client: FlaskClient, runtime: Runtime, system_key: str, sam: Actor) -> Api:
    """Give the API of an installation: dev, test and prod are npm feeds, tools are universal, boxes hold parcels."""
    make_feeds(runtime, "npm", "dev", "test", "prod")
    make_feeds(runtime, "universal", "tools", "tools-approved")
    make_feeds(runtime, "parcels", "boxes", "boxes-approved")
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        publish_sample(runtime, "dev", "left", version)
    publish_sample(runtime, "dev", "@acme/ui", "1.0.0")
    return Api(client, runtime, system_key)
