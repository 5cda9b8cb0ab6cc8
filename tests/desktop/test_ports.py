"""The port stays the same from start to start."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from app.desktop import ports
from app.desktop.ports import HOST, choose, is_free, is_ours
from app.desktop.state import WindowState
from app.domain.errors import Conflict
from app.web.server import Server


@contextmanager
def taken(port: int = 0) -> Iterator[int]:
    """Let another program listen on a port for as long as the block lasts."""
    with socket.create_server((HOST, port)) as other:
        yield other.getsockname()[1]


def free_port() -> int:
    with taken() as port:
        return port


def test_a_free_port_is_taken_as_it_is() -> None:
    port = free_port()
    choice = choose(port, WindowState())
    assert (choice.port, choice.notice, choice.state) == (port, "", WindowState())


def test_a_taken_port_gives_way_to_the_next_free_one_and_says_so() -> None:
    with taken() as port:
        choice = choose(port, WindowState())
    assert port < choice.port <= port + 100
    assert (choice.state.port, choice.state.instead_of) == (choice.port, port)
    assert str(port) in choice.notice
    assert str(choice.port) in choice.notice


def test_a_server_of_ours_is_stepped_aside_for_once(server: Server) -> None:
    choice = choose(server.port, WindowState())
    assert (choice.port > server.port, choice.state) == (True, WindowState())
    assert "A Promontory server has port" in choice.notice


@pytest.mark.parametrize(
    "answer",
    [b"", b"220 mail ready\r\n", b"HTTP/1.1 200 OK\r\n\r\n[]", b'HTTP/1.1 200 OK\r\n\r\n{"applicationName": "X"}'],
)
def test_any_other_program_is_not_ours(answer: bytes) -> None:
    def greet(listener: socket.socket) -> None:
        visitor, _ = listener.accept()
        with visitor:
            visitor.recv(1000)
            visitor.sendall(answer)

    with socket.create_server((HOST, 0)) as other:
        thread = Thread(target=greet, args=(other,))
        thread.start()
        assert not is_ours(other.getsockname()[1])
        thread.join(timeout=20)


def test_what_took_its_place_stays_though_the_port_is_free_again() -> None:
    with taken() as port:
        first = choose(port, WindowState())
    again = choose(port, first.state)
    assert (again.port, again.notice, again.state) == (first.port, "", first.state)


def test_another_port_in_the_settings_ends_the_stand_in() -> None:
    port = free_port()
    choice = choose(port, WindowState(port=1, instead_of=port + 1))
    assert (choice.port, choice.state) == (port, WindowState())


def test_a_stand_in_that_is_taken_too_gives_way() -> None:
    with taken() as port:
        choice = choose(port - 1, WindowState(port=port, instead_of=port - 1))
    assert choice.port > port
    assert choice.state.instead_of == port - 1


def test_any_port_is_any_port() -> None:
    assert choose(0, WindowState()).port == 0


def test_no_port_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(Conflict, match="PROMONTORY_PORT"):
        choose(8624, WindowState())


def test_a_port_in_use_is_not_free() -> None:
    with taken() as port:
        assert not is_free(port)
    assert is_free(port)
