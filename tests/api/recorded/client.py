"""Write requests as the vendor's client puts them on the wire, and read answers as strictly as it does.

The client is a .NET 8 program: HttpClient sends the host first, then its own headers, then those of the content;
JsonContent has no length and so goes out in chunks; System.Text.Json leaves nulls out, keeps the order in which the
members are declared, and escapes whatever HTML might mind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

Shape = Mapping[str, Any]
"""Members by name (with ``?`` what may be missing): a type, a set of enumerated texts, [type], or a further shape."""
Body = Mapping[str, Any] | Callable[[list[Any]], Mapping[str, Any]] | bytes | None

_ESCAPED = re.compile("[&<>'+`\x7f]")


@dataclass(frozen=True, slots=True)
class Request:
    """Be one request, and what the client needs of its answer.

    ``body`` is JSON values (or a function of the answers before), bytes for an upload, or None: then a POST says that
    it has none. ``shape`` is of the answer, of each element where it is ``[shape]``; None: the client does not read it.
    """

    method: str
    target: str
    body: Body = None
    shape: Shape | list[Shape] | None = None
    status: int = 200
    holds: Callable[[Any], bool] | None = None
    piped: bool = False
    download: bool = False


def get(target: str, shape: Shape | list[Shape] | None = None, **more: Any) -> Request:
    """Read something."""
    return Request("GET", target, shape=shape, **more)


def post(target: str, body: Body = None, shape: Shape | list[Shape] | None = None, **more: Any) -> Request:
    """Post JSON, or nothing."""
    return Request("POST", target, body, shape, **more)


def put(target: str, body: bytes, **more: Any) -> Request:
    """Upload bytes: from a file with their length, piped in chunks; never with a type."""
    return Request("PUT", target, body, **more)


def data(text: str) -> str:
    """Escape text as Uri.EscapeDataString does."""
    return quote(text, safe="-._~")


def uri(target: str) -> str:
    """Escape what an address cannot hold, as the Uri class does with text that was not escaped before."""
    return quote(target, safe="%/?&=:@!$'()*+,;[]~#-._")


def to_json(value: Mapping[str, Any]) -> bytes:
    """Serialise as System.Text.Json does."""
    sent = {name: each for name, each in value.items() if each is not None}
    text = json.dumps(sent, separators=(",", ":"), ensure_ascii=True).replace('\\"', "\\u0022")
    text = re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), text)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04X}", text).encode()


def on_the_wire(request: Request, host: str, key: str, body: Body) -> bytes:
    """Give a request's bytes."""
    lines = [f"{request.method} /{uri(request.target)} HTTP/1.1", f"Host: {host}", f"X-ApiKey: {key}"]
    content = b""
    if isinstance(body, Mapping):
        content = _in_chunks(to_json(body))
        lines += ["Transfer-Encoding: chunked", "Content-Type: application/json; charset=utf-8"]
    elif isinstance(body, bytes) and request.piped:
        content = _in_chunks(body)
        lines += ["Transfer-Encoding: chunked"]
    elif isinstance(body, bytes):
        content = body
        lines += [f"Content-Length: {len(body)}"]
    elif request.method == "POST":
        lines += ["Content-Length: 0"]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + content


def _in_chunks(body: bytes) -> bytes:
    pieces = [body[start : start + 4096] for start in range(0, len(body), 4096)]
    return b"".join(b"%X\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


# Read -------------------------------------------------------------------------------------------------


def read(value: Any, shape: Any, where: str = "answer") -> None:
    """Read an answer as the client's serialiser does; raises AssertionError where that would give up."""
    if isinstance(shape, list):
        assert isinstance(value, list), f"{where} is no array"
        for number, each in enumerate(value):
            read(each, shape[0], f"{where}[{number}]")
    elif isinstance(shape, Mapping):
        assert isinstance(value, dict), f"{where} is no object"
        for name, of in shape.items():
            bare = name.rstrip("?")
            assert bare in value or name.endswith("?"), f"{where} has no {bare}, which the client requires"
            if bare in value:
                read(value[bare], of, f"{where}.{bare}")
    elif isinstance(shape, set):
        assert isinstance(value, str), f"{where} is no text"
        assert value.lower() in {each.lower() for each in shape}, f"{where} is {value!r}, not of {shape}"
    elif shape is datetime:
        assert isinstance(value, str), f"{where} is no text"
        assert datetime.fromisoformat(value).tzinfo is not None, f"{where} names no time zone"
    else:
        assert type(value) is shape, f"{where} is {value!r}, not a {shape.__name__}"
