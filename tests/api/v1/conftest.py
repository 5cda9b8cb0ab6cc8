"""The API with a key that may do everything, on the embedded database and on PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.services.runtime import Runtime
from tests.fixtures import make_feeds, publish_sample


class V1:
    """Send requests to /api/v1 with one key."""

    def __init__(self, client: FlaskClient, runtime: Runtime, key: str) -> None:
        self.client, self.runtime, self.key = client, runtime, key

    def send(self, method: str, path: str, *, key: str | None = None, **sent: Any) -> TestResponse:
        """Send a request; an empty key sends none. Refusals are checked to be problems."""
        secret = self.key if key is None else key
        headers = {**({"X-ApiKey": secret} if secret else {}), **sent.pop("headers", {})}
        answer = self.client.open(f"/api/v1{path}", method=method, headers=headers, **sent)
        if answer.status_code >= 400:
            assert answer.content_type == "application/problem+json"
            problem = answer.get_json()
            assert problem["status"] == answer.status_code
            assert len(problem["detail"]) > 10
            assert problem["code"] == problem["title"]
        return answer

    def ok(self, method: str, path: str, **sent: Any) -> Any:
        """Send a request that works, and give its answer's JSON."""
        answer = self.send(method, path, **sent)
        assert answer.status_code < 300, answer.text
        return answer.get_json() if answer.data else None

    def refused(self, status: int, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """Send a request that is refused, and give the problem."""
        answer = self.send(method, path, **sent)
        assert answer.status_code == status, answer.text
        problem: dict[str, Any] = answer.get_json()
        return problem

    def all(self, path: str, limit: int = 2) -> list[Any]:
        """Give a whole list, page by page."""
        found: list[Any] = []
        glue = "&" if "?" in path else "?"
        following = f"{path}{glue}limit={limit}"
        while following:
            answer = self.send("GET", following)
            assert answer.status_code == 200, answer.text
            page = answer.get_json()
            found += page["items"]
            assert len(page["items"]) <= limit
            assert bool(page["next"]) is ("Link" in answer.headers)
            following = f"{path}{glue}limit={limit}&cursor={page['next']}" if page["next"] else ""
        return found


@pytest.fixture
def v1(app: Flask, runtime: Runtime, system_key: str) -> V1:
    """Give the API of an installation with three feeds and some packages."""
    make_feeds(runtime, "npm", "prod", "test")
    make_feeds(runtime, "npm", "dev", targets=["prod"], group="team")
    for name, version in (("left", "1.0.0"), ("left", "1.1.0"), ("left", "2.0.0-rc.1"), ("right", "1.0.0")):
        publish_sample(runtime, "dev", name, version)
    return V1(app.test_client(), runtime, system_key)
