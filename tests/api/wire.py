"""Send requests byte by byte, as the vendor's client does: what a friendly HTTP library would put right stays wrong."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from app.web.server import Server

TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold an answer: names of headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Give the body as JSON values."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Give the body as text."""
        return self.body.decode()


def exchange(server: Server, request: bytes) -> Answer:
    """Send raw bytes on a connection of their own and read one answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.sendall(request)
        answer = HTTPResponse(connection, method=request.split(b" ", 1)[0].decode())
        with answer:
            answer.begin()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())


def send(
    server: Server,
    method: str,
    target: str,
    key: str = "",
    *,
    body: bytes | None = None,
    kind: str = "",
    chunked: bool = False,
    headers: Iterable[str] = (),
) -> Answer:
    """Send one request.

    ``chunked`` sends the body in pieces of seven bytes and without a length; ``body`` None sends neither a body nor
    its length, an empty one the length 0.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close", *headers]
    if key:
        lines.append(f"X-ApiKey: {key}")
    if kind:
        lines.append(f"Content-Type: {kind}")
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return exchange(server, head + (_chunks(body or b"") if chunked else body or b""))


def _chunks(body: bytes) -> bytes:
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def send_json(server: Server, method: str, target: str, key: str, value: object) -> Answer:
    """Send JSON as the vendor's helper does: chunked, without a length."""
    body = json.dumps(value).encode()
    return send(server, method, target, key, body=body, kind="application/json; charset=utf-8", chunked=True)
