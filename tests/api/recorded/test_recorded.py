"""Every command of the vendor's client against the real server, byte for byte as it would send it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from app.domain.permissions import Permission
from app.services import connectors, grants, keys, people, tasks
from app.services.runtime import Runtime, owner
from app.web.server import Server
from tests.api.conftest import PASSWORD, count_nulls
from tests.api.recorded.cases import CONNECTOR_CASES, FEED_CASES, KEY_CASES, PEOPLE_CASES, package_cases
from tests.api.recorded.client import Request, data, on_the_wire, post, put, read, to_json, uri
from tests.api.recorded.commands import COMMANDS, LOCAL, NOT_OFFERED
from tests.api.wire import Answer, exchange
from tests.fixtures import make_feeds, make_key, publish_sample, running

OWNER = owner("sam")
CASES = {**package_cases(b""), **FEED_CASES, **CONNECTOR_CASES, **KEY_CASES, **PEOPLE_CASES}
EACH = [pytest.param(name, number, id=f"{name} {number}") for name in CASES for number in range(len(CASES[name]))]


class World:
    """Be the client of a running server, by a key or by a name and password."""

    def __init__(self, server: Server, key: str, facts: dict[str, int]) -> None:
        self.server, self.key, self.facts = server, key, facts

    def run(self, requests: list[Request]) -> None:
        """Send a command's requests in turn, checking each answer as the client would."""
        answers: list[Any] = []
        for request in requests:
            answers.append(self.check(request, self.send(request, answers)))

    def send(self, request: Request, answers: list[Any]) -> Answer:
        """Send one request."""
        body = request.body(answers) if callable(request.body) else request.body
        target = request.target.format(**self.facts) if "{" in request.target else request.target
        ready = Request(request.method, target, piped=request.piped)
        return exchange(self.server, on_the_wire(ready, f"127.0.0.1:{self.server.port}", self.key, body))

    @staticmethod
    def check(request: Request, answer: Answer) -> Any:
        """Check one answer and give its JSON."""
        assert answer.status == request.status, f"{request.target}: {answer.status} {answer.body[:300]!r}"
        if request.status >= 400:
            # The client shows this to people as it is.
            beyond = not request.target.startswith("api/")
            assert beyond or answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert 0 < len(answer.text) < 500
            assert "\n" not in answer.text.strip()
            assert "<" not in answer.text
            return None
        if request.download:
            assert "filename=" in answer.headers["content-disposition"]
            assert int(answer.headers["content-length"]) == len(answer.body) > 0
            return None
        if request.shape is None:
            return None
        assert answer.headers["content-type"].startswith("application/json")
        assert count_nulls(answer.json) == 0
        read(answer.json, request.shape)
        assert request.holds is None or request.holds(answer.json), answer.json
        return answer.json


@contextmanager
def open_world(runtime: Runtime, *, by_password: bool) -> Iterator[World]:
    """Fill an installation and serve it."""
    make_feeds(runtime, "npm", "dev", "prod")
    make_feeds(runtime, "npm", "team", group="Team")
    make_feeds(runtime, "universal", "tools")
    make_feeds(runtime, "rubygems", "gems")
    for name, version in (("left", "1.0.0"), ("left", "1.1.0"), ("left", "2.0.0-rc.1"), ("@acme/ui", "1.0.0")):
        publish_sample(runtime, "dev", name, version)
    for name in ("acme/tool", "alone"):
        publish_sample(runtime, "tools", name, "1.0.0")
    publish_sample(runtime, "gems", "rack", "1.0.0")
    secret = make_key(runtime, "system", "pgutil")
    with runtime.writing(OWNER) as work:
        public = connectors.ConnectorChange(url="https://localhost/npm/", filters=["left*"])
        connectors.create_connector(work, "public", "npm", public)
        for name in ("root", "ann", "bob"):
            people.create_user(work, name, PASSWORD)
        grants.grant(work, grants.GrantRequest("Administer", user="root"))
        people.create_group(work, "Leads", ["ann"])
        tasks.create_task(work, "Approve", [Permission.ACCEPT_PROMOTIONS])
        given = grants.grant(work, grants.GrantRequest("Promote Packages", group="Leads", feed="prod"))
        spare, _ = keys.create_key(work, keys.KeyRequest("system", "spare"))
        facts = {"permission": given.id, "key": spare.id}
    with running(runtime) as server:
        yield World(server, f"root:{PASSWORD}" if by_password else secret, facts)


@pytest.fixture
def world(sqlite_runtime: Runtime) -> Iterator[World]:
    """Give the client with a key."""
    with open_world(sqlite_runtime, by_password=False) as opened:
        yield opened


@pytest.fixture
def world_by_password(sqlite_runtime: Runtime) -> Iterator[World]:
    """Give the client with a name and password, which it sends as a key."""
    with open_world(sqlite_runtime, by_password=True) as opened:
        yield opened


def recorded(world: World, command: str, number: int) -> list[Request]:
    """Give a command's requests with the bytes of a package in them."""
    tarball = world.server.runtime.get_format("npm").kit().make("@acme/new", "1.0.0").content
    return {**CASES, **package_cases(tarball)}[command][number]


@pytest.mark.parametrize(("command", "number"), EACH)
def test_a_command_with_a_key(world: World, command: str, number: int) -> None:
    world.run(recorded(world, command, number))


@pytest.mark.parametrize("command", CASES)
def test_a_command_with_a_name_and_password(world_by_password: World, command: str) -> None:
    world_by_password.run(recorded(world_by_password, command, 0))


def test_what_is_not_offered_is_refused_in_one_line(world: World) -> None:
    for command, (reason, request) in NOT_OFFERED.items():
        assert reason, command
        world.run([request])


def test_every_command_is_covered_or_said_not_to_be() -> None:
    assert len(COMMANDS) == len(set(COMMANDS))
    assert set(CASES) | set(NOT_OFFERED) | set(LOCAL) == set(COMMANDS)
    assert len(CASES) + len(NOT_OFFERED) + len(LOCAL) == len(COMMANDS)
    assert all(CASES.values())


def test_commands_without_a_key_are_denied_in_one_line(world: World) -> None:
    open_to_all = {"health", "sources test"}
    for command in set(CASES) - open_to_all:
        request = recorded(world, command, 0)[0]
        answer = World(world.server, "nonsense", world.facts).send(request, [[{"name": "Leads", "users": []}]])
        if request.target.endswith("feeds/list"):
            assert (answer.status, answer.json) == (200, [])
            continue
        assert answer.status in (401, 403), (command, answer.status)
        assert "\n" not in answer.text


# The recording itself ---------------------------------------------------------------------------------


def test_json_goes_out_as_recorded() -> None:
    request = post("api/security/permissions/add", {"user": None, "group": "Leads", "task": "View & Download"})
    assert on_the_wire(request, "host:8624", "k", request.body) == (
        b"POST /api/security/permissions/add HTTP/1.1\r\nHost: host:8624\r\nX-ApiKey: k\r\n"
        b"Transfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
        b'2F\r\n{"group":"Leads","task":"View \\u0026 Download"}\r\n0\r\n\r\n'
    )


def test_a_post_without_content_says_so() -> None:
    request = post("api/api-keys/delete?id=5")
    assert on_the_wire(request, "host:8624", "k", None) == (
        b"POST /api/api-keys/delete?id=5 HTTP/1.1\r\nHost: host:8624\r\nX-ApiKey: k\r\nContent-Length: 0\r\n\r\n"
    )


def test_an_upload_has_no_type() -> None:
    request = put("api/packages/dev/upload/a b.tgz", b"123")
    assert on_the_wire(request, "host:8624", "k", b"123") == (
        b"PUT /api/packages/dev/upload/a%20b.tgz HTTP/1.1\r\nHost: host:8624\r\nX-ApiKey: k\r\n"
        b"Content-Length: 3\r\n\r\n123"
    )


def test_texts_are_escaped_as_the_client_does() -> None:
    assert to_json({"a": "ü<'\"+", "b": None}) == b'{"a":"\\u00FC\\u003C\\u0027\\u0022\\u002B"}'
    assert data("@acme/ui & ü") == "%40acme%2Fui%20%26%20%C3%BC"
    assert uri("upload/ü [1]%20") == "upload/%C3%BC%20[1]%20"


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({}, {"name": str}),
        ({"name": 1}, {"name": str}),
        ({"name": True}, {"name": int}),
        ({"name": "Odd"}, {"name": {"Local"}}),
        ({"name": "2026-11-23T00:00:00"}, {"name": datetime}),
        ({}, [{"name": str}]),
        ([{}], [{"name": str}]),
    ],
)
def test_an_answer_that_the_client_cannot_read_is_noticed(value: Any, shape: Any) -> None:
    with pytest.raises(AssertionError):
        read(value, shape)
