"""The streaming reader of publish documents: what goes in comes out, in little memory, and nothing odd gets through."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin import BlobDigests, Invalid, TooLarge
from plugins.npm.publish import decode_base64, read_document


class Store:
    """Keep or only hash what is stored, like the feed does."""

    def __init__(self, keep: bool = True) -> None:
        self.keep = keep
        self.content = b""

    def __call__(self, chunks: Iterable[bytes]) -> BlobDigests:
        sha256, size = hashlib.sha256(), 0
        for chunk in chunks:
            sha256.update(chunk)
            size += len(chunk)
            if self.keep:
                self.content += chunk
        return BlobDigests(sha256.hexdigest(), "", "", "", size)


class Dripping(io.RawIOBase):
    """Give a body in pieces of some sizes, so that every token is cut somewhere."""

    def __init__(self, body: bytes, sizes: Iterator[int]) -> None:
        self._body, self._sizes = io.BytesIO(body), sizes

    def read(self, size: int = -1, /) -> bytes:
        return self._body.read(min(next(self._sizes), size))


def sizes_of(sizes: list[int]) -> Iterator[int]:
    while True:
        yield from sizes


def document(tarball: bytes, **more: Any) -> dict[str, Any]:
    attachment = {
        "content_type": "application/octet-stream",
        "data": base64.b64encode(tarball).decode(),
        "length": len(tarball),
    }
    return {"_id": "left", "name": "left", **more, "_attachments": {"left-1.0.0.tgz": attachment}}


def emptied(values: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(values))
    for attachment in copy["_attachments"].values():
        attachment["data"] = None
    return copy


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(
    tarball=st.binary(max_size=400),
    versions=st.dictionaries(st.text(), json_values, max_size=3),
    attachments_first=st.booleans(),
    spaced=st.booleans(),
    ascii_only=st.booleans(),
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=5),
)
def test_what_goes_in_comes_out_however_it_is_cut_and_ordered(
    tarball: bytes, versions: dict[str, Any], attachments_first: bool, spaced: bool, ascii_only: bool, sizes: list[int]
) -> None:
    values = document(tarball, versions=versions)
    if attachments_first:
        values = dict(reversed(values.items()))
    body = json.dumps(values, ensure_ascii=ascii_only, indent=1 if spaced else None).encode("utf-8", "surrogatepass")
    store = Store()
    found = read_document(Dripping(body, sizes_of(sizes)), store)
    assert store.content == tarball
    assert found.tarball is not None
    assert found.tarball.size == len(tarball)
    assert found.values == emptied(values)


@given(tarball=st.binary(min_size=1, max_size=300), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_escapes_in_base64_are_undone_wherever_they_are_cut(tarball: bytes, sizes: list[int]) -> None:
    text = base64.b64encode(tarball).decode().replace("/", r"\/").replace("+", r"\u002B").replace("=", r"\u003d")
    body = b'{"_attachments":{"a.tgz":{"data":"%s"}}}' % text.encode()
    store = Store()
    read_document(Dripping(body, sizes_of(sizes)), store)
    assert store.content == tarball


def test_a_document_without_a_tarball_is_kept_whole() -> None:
    values = {"name": "left", "versions": {"1.0.0": {"deprecated": 'say "no"'}}, "_attachments": {}}
    found = read_document(io.BytesIO(json.dumps(values).encode()), Store())
    assert found.tarball is None
    assert found.values == values


def test_a_sigstore_attachment_is_text_and_not_base64() -> None:
    values = document(b"bytes")
    bundle = json.dumps({"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.3"})
    values["_attachments"]["left-1.0.0.sigstore"] = {"content_type": "x", "data": bundle, "length": len(bundle)}
    store = Store()
    found = read_document(io.BytesIO(json.dumps(values).encode()), store)
    assert store.content == b"bytes"
    assert found.values["_attachments"]["left-1.0.0.sigstore"]["data"] == bundle


def test_escaped_keys_are_the_keys_that_they_spell() -> None:
    body = rb'{"\u005fattachments":{"a.tgz":{"d\u0061ta":"%s"}}}' % base64.b64encode(b"hidden")
    store = Store()
    assert read_document(io.BytesIO(body), store).tarball is not None
    assert store.content == b"hidden"


def test_attachments_deeper_in_the_document_mean_nothing() -> None:
    values = {"versions": {"_attachments": {"a.tgz": {"data": "not base64!"}}}}
    found = read_document(io.BytesIO(json.dumps(values).encode()), Store())
    assert found.tarball is None
    assert found.values == values


HOSTILE = {
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"_attachments"',
    "cut after the brace": b"{",
    "cut in a key": b'{"na',
    "cut in an escape": b'{"name":"\\',
    "cut in base64": b'{"_attachments":{"a.tgz":{"data":"QUJD',
    "cut in a value": b'{"name":[1,{"a":2}',
    "more behind the end": b'{"name":"a"} {}',
    "no colon": b'{"name" "a"}',
    "no comma": b'{"name":1 2}',
    "two numbers": b'{"name":[1 2]}',
    "comma at the end": b'{"name":1,}',
    "no value": b'{"name":,"x":1}',
    "wrong bracket": b'{"name":[}',
    "key without quotes": b"{name:1}",
    "not a number": b'{"name":NaN}',
    "invalid escape": b'{"name":"\\q"}',
    "invalid unicode escape": b'{"name":"\\u00zz and more than six bytes"}',
    "raw control character": b'{"name":"a\nb"}',
    "no utf-8": b'{"name":"\xff\xfe"}',
    "same key twice": b'{"name":"a","name":"b"}',
    "same key twice, deeper": b'{"versions":{"1.0.0":{},"1.0.0":{}}}',
    "attachments twice": b'{"_attachments":{"a.tgz":{"data":"QUJD"}},"_attachments":{}}',
    "data twice": b'{"_attachments":{"a.tgz":{"data":"QUJD","data":"QUJD"}}}',
    "two tarballs": b'{"_attachments":{"a.tgz":{"data":"QUJD"},"b.tgz":{"data":"QUJD"}}}',
    "attachment is a list": b'{"_attachments":{"a.tgz":["data"]}}',
    "data is a number": b'{"_attachments":{"a.tgz":{"data":12}}}',
    "data is an object": b'{"_attachments":{"a.tgz":{"data":{"data":"QUJD"}}}}',
    "base64 with a blank": b'{"_attachments":{"a.tgz":{"data":"QU JD"}}}',
    "base64 with a line end": b'{"_attachments":{"a.tgz":{"data":"QU\\nJD"}}}',
    "base64 without padding": b'{"_attachments":{"a.tgz":{"data":"QUI"}}}',
    "base64 after padding": b'{"_attachments":{"a.tgz":{"data":"QUI=QUJD"}}}',
    "base64 with odd letters": b'{"_attachments":{"a.tgz":{"data":"QU\\u00e4D"}}}',
    "url-safe base64": b'{"_attachments":{"a.tgz":{"data":"-_-_"}}}',
    "deep nesting": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep nesting of objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a number of 5,000 digits": b'{"a":' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies_are_invalid_and_nothing_else(body: bytes) -> None:
    for size in (7, 1 << 20) if len(body) > 10_000 else (1, 7, 1 << 20):
        with pytest.raises(Invalid):
            read_document(Dripping(body, sizes_of([size])), Store())


@given(st.binary(max_size=200), st.integers(0, 300))
def test_random_changes_are_read_or_invalid(noise: bytes, at: int) -> None:
    body = json.dumps(document(b"some bytes", versions={"1.0.0": {"name": "left"}})).encode()
    with contextlib.suppress(Invalid):
        read_document(io.BytesIO(body[:at] + noise + body[at + len(noise) :]), Store())


def test_padding_may_end_a_piece_but_nothing_may_follow() -> None:
    assert b"".join(decode_base64([b"QUI=", b""])) == b"AB"
    with pytest.raises(Invalid):
        list(decode_base64([b"QUI=", b"QUJD"]))


def test_what_is_kept_beside_the_tarball_is_bounded() -> None:
    for filler in ('{"a":"%s"}' % ("x" * 2_000), '{"a":1%s}' % (" " * 2_000), '{"a":[%s1]}' % ("1," * 1_000)):
        with pytest.raises(TooLarge):
            read_document(io.BytesIO(filler.encode()), Store(), limit=1_000)


def test_a_store_that_refuses_is_heard() -> None:
    def refuse(chunks: Iterable[bytes]) -> BlobDigests:
        next(iter(chunks))
        raise TooLarge("too large")

    with pytest.raises(TooLarge):
        read_document(io.BytesIO(json.dumps(document(b"x" * 1_000_000)).encode()), refuse)


def test_memory_stays_small_for_a_body_of_thirty_megabytes() -> None:
    body = json.dumps(document(b"\0\1\2" * 7_500_000, versions={"1.0.0": {}})).encode()
    assert len(body) > 30_000_000
    stream = io.BytesIO(body)
    tracemalloc.start()
    try:
        found = read_document(stream, Store(keep=False))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.tarball is not None
    assert found.tarball.size == 22_500_000
    assert peak < 3_000_000
