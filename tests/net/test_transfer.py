"""Files on their way: verified, and carried once for everybody."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import NotFound, TooLarge, UpstreamFailed
from app.net.transfer import PIECE, DigestMismatch, Flights, Truncated, verified

NAMES = ("sha512", "sha256", "sha1", "md5")


@given(st.lists(st.binary(min_size=1), min_size=1))
def test_what_is_as_declared_passes_unchanged(chunks):
    whole = b"".join(chunks)
    digests = {name: hashlib.new(name, whole).hexdigest().upper() for name in NAMES}
    assert list(verified(chunks, digests, limit=len(whole), what="f", size=len(whole))) == chunks


@pytest.mark.parametrize("name", NAMES)
def test_each_declared_digest_is_compared(name):
    digests = {each: hashlib.new(each, b"good").hexdigest() for each in NAMES}
    digests[name] = "00" * 16
    with pytest.raises(DigestMismatch) as caught:
        list(verified([b"good"], digests, limit=None, what="f"))
    assert caught.value.code == "wrong-digest"
    assert caught.value.details == {
        "algorithm": name, "declared": "00" * 16, "found": hashlib.new(name, b"good").hexdigest()
    }  # fmt: skip


def test_a_short_an_empty_and_a_large_body_are_refused():
    with pytest.raises(Truncated):
        list(verified([b"abc"], {}, limit=None, what="f", size=4))
    with pytest.raises(UpstreamFailed, match="empty"):
        list(verified([], {}, limit=None, what="f"))
    passed = []
    with pytest.raises(TooLarge):
        passed.extend(verified([b"abc", b"d"], {}, limit=3, what="f"))
    assert passed in ([], [b"abc"])


def test_a_thousand_readers_share_one_transfer(tmp_path):
    body = bytes(range(256)) * 20_480  # 5 MB
    expected = hashlib.sha256(body).digest()
    started = threading.Event()
    transfers = []

    def transfer(set_size, write):
        transfers.append(1)
        set_size(len(body))
        started.wait(30)
        for start in range(0, len(body), PIECE):
            write(body[start : start + PIECE])
        return "kept"

    def read(flight):
        digest = hashlib.sha256()
        largest = 0
        for piece in flight.chunks():
            digest.update(piece)
            largest = max(largest, len(piece))
        return digest.digest(), largest, flight.result(), flight.size()

    flights = Flights(tmp_path)
    joined = [flights.join("key", transfer) for _ in range(1000)]
    assert len({id(flight) for flight in joined}) == 1
    with ThreadPoolExecutor(1000) as pool:
        futures = [pool.submit(read, flight) for flight in joined]
        started.set()
        results = {future.result(120) for future in futures}
    assert results == {(expected, PIECE, "kept", len(body))}
    assert transfers == [1]


def test_no_reader_of_a_failing_transfer_gets_the_whole_body(tmp_path):
    body = b"x" * (3 * PIECE)
    arrived = threading.Event()

    def transfer(set_size, write):
        set_size(len(body))
        write(body)
        arrived.wait(30)
        raise DigestMismatch("wrong")

    def read(flight):
        got = 0
        try:
            for piece in flight.chunks():
                got += len(piece)
        except DigestMismatch:
            return got
        return -1

    flight = Flights(tmp_path).join(1, transfer)
    assert flight.size() == len(body)
    with ThreadPoolExecutor(50) as pool:
        futures = [pool.submit(read, flight) for _ in range(50)]
        early = flight.chunks()
        assert next(early) == body[:PIECE]
        arrived.set()
        got = [future.result(30) for future in futures]
    assert all(0 <= each < len(body) for each in got)
    with pytest.raises(DigestMismatch):
        flight.result()


def test_a_transfer_goes_on_when_everybody_leaves_and_leaves_no_file(tmp_path):
    go, ended = threading.Event(), threading.Event()

    def transfer(set_size, write):
        go.wait(30)
        write(b"abc")
        ended.set()

    flights = Flights(tmp_path)
    reader = flights.join("k", transfer).chunks()
    del reader
    go.set()
    assert ended.wait(30)
    for thread in threading.enumerate():
        if thread.name == "transfer":
            thread.join(30)
    assert list(tmp_path.iterdir()) == []


def test_a_transfer_that_fails_before_its_size_says_so_to_all(tmp_path):
    def transfer(set_size, write):
        raise NotFound("gone")

    flight = Flights(tmp_path).join("k", transfer)
    for ask in (flight.size, flight.result, lambda: list(flight.chunks())):
        with pytest.raises(NotFound, match="gone"):
            ask()


def test_an_error_that_nobody_foresaw_is_an_error_of_ours(tmp_path):
    def transfer(set_size, write):
        raise ZeroDivisionError

    with pytest.raises(UpstreamFailed, match="ZeroDivisionError"):
        Flights(tmp_path).join("k", transfer).result()


def test_a_finished_transfer_is_forgotten_and_waiting_is_entered(tmp_path):
    entered = []

    @contextmanager
    def waiting():
        entered.append(1)
        yield

    flights = Flights(tmp_path, waiting)
    gate = threading.Event()

    def transfer(set_size, write):
        gate.wait(30)
        write(b"a")
        return 1

    flight = flights.join("k", transfer)
    threading.Timer(0.05, gate.set).start()
    assert flight.result() == 1
    assert b"".join(flight.chunks()) == b"a"
    assert entered == [1]
    second = flights.join("k", transfer)
    assert second is not flight
    assert second.result() == 1
