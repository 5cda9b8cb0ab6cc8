"""Choose the port that the window serves on: always the same one, because clients remember it."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException

from app.desktop.state import WindowState
from app.domain.errors import Conflict

HOST = "127.0.0.1"
_TRIES = 100
_SECONDS = 2.0
_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Choice:
    """Hold the port to serve on, the state to remember it by, and what to tell about a change, if anything."""

    port: int
    state: WindowState
    notice: str = ""


def choose(wanted: int, state: WindowState) -> Choice:
    """Give the port of the settings, or the one remembered in its place; the next free one where it is taken.

    A port that another program has is given up for good. One that a server of ours has, say ``promontory serve``,
    is stepped aside for once. Raises Conflict where no port is free.
    """
    stands_in = state.port is not None and state.instead_of == wanted
    usual = state.port if stands_in and state.port is not None else wanted
    if usual == 0 or is_free(usual):
        return Choice(usual, state if stands_in else replace(state, port=None, instead_of=None))
    port = next((port for port in range(usual + 1, min(usual + _TRIES, 65_536)) if is_free(port)), None)
    if port is None:
        raise Conflict(
            f"Port {usual} and the ports after it are taken; name a free one with PROMONTORY_PORT.", code="no-port"
        )
    if is_ours(usual):
        notice = f"A Promontory server has port {usual} already, so this window uses port {port} while it is open."
        return Choice(port, state, notice)
    notice = (
        f"Another program uses port {usual}, so Promontory serves on port {port} from now on. "
        f"Clients that were set up with {HOST}:{usual} need the new address."
    )
    return Choice(port, replace(state, port=port, instead_of=wanted), notice)


def is_ours(port: int) -> bool:
    """Tell whether a Promontory server listens on a port."""
    connection = HTTPConnection(HOST, port, timeout=_SECONDS)
    try:
        connection.request("GET", "/health/json")
        told = json.loads(connection.getresponse().read(_LIMIT))
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(told, dict) and told.get("applicationName") == "Promontory"


def is_free(port: int) -> bool:
    """Tell whether a server may listen on a port of the loopback."""
    with socket.socket() as probe:
        if os.name != "nt":  # There, this option would let us take the port from whoever has it.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
