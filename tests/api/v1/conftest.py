"""What the tests of our own API share: the same installation as the vendor's, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.services.runtime import Runtime
from tests.api.conftest import Api


class V1:
    """Send requests to our own API with one key, and check that every refusal is a problem."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.client: FlaskClient = api.client
        self.runtime: Runtime = api.runtime

    def send(self, method: str, path: str, *, key: str | None = None, **sent: Any) -> TestResponse:
        """Send one request, by default with the system key; an empty key sends none."""
        secret = self.api.key if key is None else key
        headers = {**({"X-ApiKey": secret} if secret else {}), **sent.pop("headers", {})}
        if match := sent.pop("match", ""):
            headers["If-Match"] = match
        if repeat := sent.pop("repeat", ""):
            headers["Idempotency-Key"] = repeat
        answer = self.client.open(f"/api/v1{path}", method=method, headers=headers, **sent)
        if answer.status_code >= 400:
            assert answer.content_type == "application/problem+json"
            assert {"code", "detail", "status"} <= set(answer.json)
        return answer

    def get(self, path: str, **sent: Any) -> TestResponse:
        """Send a GET."""
        return self.send("GET", path, **sent)

    def post(self, path: str, body: object, **sent: Any) -> TestResponse:
        """Send a POST."""
        return self.send("POST", path, json=body, **sent)

    def change(self, path: str, body: object, **sent: Any) -> TestResponse:
        """Read a thing, then change it with the ETag that it had."""
        return self.send("PATCH", path, json=body, match=self.get(path).headers["ETag"], **sent)

    def remove(self, path: str, **sent: Any) -> TestResponse:
        """Read a thing, then delete it with the ETag that it had."""
        return self.send("DELETE", path, match=self.get(path).headers["ETag"], **sent)

    def everything(self, path: str, limit: int = 2) -> list[dict[str, Any]]:
        """Read a list through all its pages."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            mark = "&" if "?" in path else "?"
            answer = self.get(f"{path}{mark}limit={limit}&cursor={cursor}")
            assert answer.status_code == 200, answer.text
            assert len(answer.json["items"]) <= limit
            assert (answer.json["next"] is not None) == ("Link" in answer.headers)
            found += answer.json["items"]
            cursor = answer.json["next"]
        return found


@contextmanager
def statements(runtime: Runtime) -> Iterator[list[str]]:
    """Collect the statements that reach the database by the reading engine."""
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2])

    event.listen(runtime.database.reader, "before_cursor_execute", note)
    yield seen
    event.remove(runtime.database.reader, "before_cursor_execute", note)


@pytest.fixture
def v1(api: Api) -> V1:
    """Give our own API."""
    return V1(api)
