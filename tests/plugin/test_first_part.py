"""The first part of a multipart body comes in pieces, whatever it is called, and nothing else is believed."""

from __future__ import annotations

import io

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Invalid
from app.plugin.web import first_part

FORM = "multipart/form-data; boundary=x"


def request(body: bytes, content_type: str = FORM) -> Request:
    environ = {"REQUEST_METHOD": "PUT", "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    return Request({**environ, "wsgi.input": io.BytesIO(body)})


def part(content: bytes, disposition: str = "form-data; name=a; filename=b") -> bytes:
    return b"--x\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


@pytest.mark.parametrize("disposition", ["form-data; name=a; filename=b", "form-data; name=a", "form-data", "file"])
def test_it_may_be_called_anything(disposition: str) -> None:
    body = part(b"hello", disposition) + part(b"other") + b"--x--\r\n"
    assert b"".join(first_part(request(body))) == b"hello"


@given(
    st.binary(max_size=300) | st.lists(st.sampled_from([b"\r", b"\n", b"--", b"x", b"-"]), max_size=40).map(b"".join)
)
def test_every_byte_comes_through(content: bytes) -> None:
    if b"\r\n--x" not in b"\r\n" + content and b"\n--x" not in content and b"\r--x" not in content:
        assert b"".join(first_part(request(part(content) + b"--x--\r\n"))) == content


def test_a_large_part_comes_in_pieces() -> None:
    content = bytes(range(256)) * 8_000
    pieces = list(first_part(request(part(content) + b"--x--\r\n")))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 512 * 1024


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"hello", FORM),
        (b"--x--\r\n", FORM),
        (part(b"hello")[:-2], FORM),
        (b"--x\r\nContent-Type: y\r\n\r\nhello\r\n--x--\r\n", FORM),
        (part(b"hello") + b"--x--\r\n", "multipart/form-data"),
        (part(b"hello") + b"--x--\r\n", "multipart/form-data; boundary=y"),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(Invalid, match="multipart form"):
        list(first_part(request(body, content_type)))
