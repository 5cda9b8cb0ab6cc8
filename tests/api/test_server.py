"""The server ends cleanly: nothing that arrived is lost, nothing holds it up."""

from __future__ import annotations

import socket
import time
from threading import Event, Thread

import pytest
from flask import Response

from app.services.runtime import Runtime
from app.web.server import Server
from tests.api.wire import Answer, send
from tests.fixtures import running


@pytest.fixture
def database() -> str:
    return ""


def test_a_request_that_runs_is_answered_before_the_server_ends(runtime: Runtime) -> None:
    begun, answers = Event(), list[Answer]()
    server = Server(runtime, "127.0.0.1", 0)

    @server.app.get("/slow")
    def slow() -> Response:
        begun.set()
        time.sleep(0.5)
        return Response("x" * 1_000_000)

    loop = Thread(target=server.run)
    loop.start()
    client = Thread(target=lambda: answers.append(send(server, "GET", "/slow")))
    client.start()
    assert begun.wait(10)
    server.stop()
    for thread in (loop, client):
        thread.join(20)
        assert not thread.is_alive()
    assert [(answer.status, len(answer.body)) for answer in answers] == [(200, 1_000_000)]


def test_connections_that_do_nothing_do_not_hold_the_server_up(runtime: Runtime) -> None:
    with running(runtime) as server, socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        assert send(server, "GET", "/health").status == 200


def test_a_server_that_ended_frees_its_port(runtime: Runtime) -> None:
    with running(runtime) as server:
        port = server.port
    with socket.create_server(("127.0.0.1", port)):
        pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_name_that_stands_for_several_addresses_is_served(runtime: Runtime) -> None:
    server = Server(runtime, "localhost", 0)
    loop = Thread(target=server.run)
    loop.start()
    try:
        assert send(server, "GET", "/health").status == 200
        assert server.writes_running() == 0
    finally:
        server.stop()
        loop.join(20)
    assert not loop.is_alive()
