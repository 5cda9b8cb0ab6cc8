"""Documents: bounded while they are inflated and parsed."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import UpstreamFailed
from app.net.documents import parse, read
from app.net.errors import Truncated


@given(st.binary(), st.integers(1, 50))
def test_gzip_cut_anywhere_into_pieces_is_read(body, step):
    data = gzip.compress(body) + gzip.compress(b"more")
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    assert read(pieces, "gzip", "d") == body + b"more"


def test_a_bomb_is_stopped_while_it_inflates():
    with pytest.raises(UpstreamFailed, match="passes 1,000,000 bytes"):
        read([gzip.compress(b"\0" * 50_000_000)], "gzip", "d", 1_000_000)


def test_gzip_that_ends_early_or_is_none_is_refused():
    with pytest.raises(Truncated):
        read([gzip.compress(b"hello" * 100)[:-9]], "gzip", "d")
    with pytest.raises(UpstreamFailed, match="is not"):
        read([b"plain"], "gzip", "d")
    with pytest.raises(UpstreamFailed, match="coded as br"):
        read([b"plain"], "br", "d")


@pytest.mark.parametrize("body", [b"[" * 200_000, b"{", b"\xff", b"1" * 10_000, b"<html>", b"[" + b"0," * 5_000_001])
def test_hostile_json_is_an_error_of_ours(body):
    with pytest.raises(UpstreamFailed):
        parse(body, "d")
