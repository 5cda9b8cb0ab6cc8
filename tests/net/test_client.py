"""A client of a source, against a server that misbehaves."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from app.domain.errors import NotFound, UpstreamFailed
from app.net.errors import Outage
from app.net.network import Network, Source
from app.net.transfer import DigestMismatch, verified
from tests.net.faults import serving

SECRET = "hunter2-hunter2"


def read_file(client, url):
    with client.open(url) as stream:
        return b"".join(stream)


WAYS = {"get_bytes": lambda client, url: client.get_bytes(url), "open": read_file}


def test_a_json_document_is_given(network, source, fault_server):
    fault_server.answer("/a", b'{"b": [1]}')
    assert network.client(source).get_json(source.url + "/a") == {"b": [1]}
    asked = fault_server.asked("/a")[0].headers
    assert asked["user-agent"].startswith("Promontory/0.1 (+package curation")
    assert asked["host"] == fault_server.host


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_not_found_and_no_failure(network, source, fault_server, status):
    fault_server.answer("/gone", status=status)
    for _ in range(7):
        with pytest.raises(NotFound):
            network.client(source).get_bytes(source.url + "/gone")
        with pytest.raises(NotFound), network.client(source).open(source.url + "/gone"):
            pass
    assert not network.state(source.name).open


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_is_named_without_being_told(network, source, fault_server, status):
    fault_server.answer("/a", status=status)
    source = replace(source, headers={"Authorization": SECRET})
    with pytest.raises(UpstreamFailed, match="connector upstream-a") as caught:
        network.client(source).get_bytes(source.url + f"/a?token={SECRET}")
    assert caught.value.code == "upstream-refused"
    assert SECRET not in caught.value.message + repr(caught.value.details) + repr(source)
    assert SECRET not in network.state(source.name).last_error


# Cache ---------------------------------------------------------------------------------------------------


def test_a_document_is_asked_for_once(network, source, fault_server):
    fault_server.answer("/a", b"one")
    for _ in range(3):
        assert network.client(source).get_bytes(source.url + "/a") == b"one"
    assert fault_server.count("/a") == 1
    state = network.state(source.name)
    assert (state.sent, state.cached, state.stale) == (1, 2, 0)


def test_a_fresh_client_revalidates_and_an_unchanged_document_is_not_sent_again(network, source, fault_server):
    fault_server.answer("/a", b"one", etag='"1"')
    assert network.client(source).get_bytes(source.url + "/a") == b"one"
    assert network.client(source, fresh=True).get_bytes(source.url + "/a") == b"one"
    assert fault_server.asked("/a")[1].headers["if-none-match"] == '"1"'
    fault_server.replace("/a", b"two", etag='"2"')
    assert network.client(source, fresh=True).get_bytes(source.url + "/a") == b"two"
    assert network.client(source).get_bytes(source.url + "/a") == b"two"
    assert fault_server.count("/a") == 3


def test_a_sources_own_freshness_goes_before_ours(network, source, fault_server):
    for path, control in (("/now", "max-age=0"), ("/never", "no-store"), ("/ask", "no-cache")):
        fault_server.answer(path, b"x", headers={"Cache-Control": control})
        for _ in range(2):
            network.client(source).get_bytes(source.url + path)
        assert fault_server.count(path) == 2
    source = replace(source, cache_seconds=0)
    fault_server.answer("/zero", b"x")
    for _ in range(2):
        network.client(source).get_bytes(source.url + "/zero")
    assert fault_server.count("/zero") == 2


def test_the_cache_outlives_the_process(make_network, source, fault_server):
    fault_server.answer("/a", b"one" * 100_000)
    with_first = make_network()
    assert with_first.client(source).get_bytes(source.url + "/a") == b"one" * 100_000
    with_first.close()
    assert make_network().client(source).get_bytes(source.url + "/a") == b"one" * 100_000
    assert fault_server.count("/a") == 1


def test_vary_is_obeyed(network, source, fault_server):
    fault_server.answer("/a", b"short", headers={"Vary": "Accept"})
    fault_server.answer("/a", b"long", headers={"Vary": "Accept"})
    client = network.client(source)
    assert client.get_bytes(source.url + "/a", {"Accept": "text/short"}) == b"short"
    assert client.get_bytes(source.url + "/a", {"Accept": "text/long"}) == b"long"
    assert client.get_bytes(source.url + "/a", {"Accept": "text/short"}) == b"short"
    assert fault_server.count("/a") == 2


def test_sources_with_other_credentials_never_share(network, source, fault_server, tmp_path):
    for body in (b"one", b"two", b"three", b"four"):
        fault_server.answer("/a", body)
    first = replace(source, headers={"Authorization": SECRET})
    second = replace(source, headers={"Authorization": "other"})
    url = source.url + "/a"
    assert network.client(first).get_bytes(url) == b"one"
    assert network.client(second).get_bytes(url) == b"two"
    assert network.client(replace(first, name="b")).get_bytes(url) == b"three"
    assert network.client(source).get_bytes(url, {"Authorization": "caller"}) == b"four"
    assert network.client(first).get_bytes(url) == b"one"
    assert network.client(second).get_bytes(url) == b"two"
    kept = b"".join(file.read_bytes() for file in (tmp_path / "net").iterdir())
    assert b"three" in kept
    assert SECRET.encode() not in kept


def test_what_is_kept_of_a_source_is_forgotten(network, source, fault_server):
    fault_server.answer("/a", b"one")
    other = replace(source, name="other")
    for each in (source, other, replace(source, headers={"Authorization": "x"})):
        network.client(each).get_bytes(each.url + "/a")
    network.forget(source.name)
    assert network.state(source.name).sent == 0
    for each in (source, replace(source, headers={"Authorization": "x"})):
        network.client(each).get_bytes(each.url + "/a")
    network.client(other).get_bytes(other.url + "/a")
    assert fault_server.count("/a") == 5
    network.forget("never heard of")


def test_what_does_not_fit_the_cache_is_given_all_the_same(make_network, source, fault_server):
    network = make_network(cache_bytes=200_000)
    fault_server.answer("/a", b"x" * 300_000)
    for _ in range(2):
        assert len(network.client(source).get_bytes(source.url + "/a")) == 300_000
    assert fault_server.count("/a") == 2


# Stale ---------------------------------------------------------------------------------------------------


def prime(network, source, fault_server, **faults):
    fault_server.answer("/a", b"old", headers={"Cache-Control": "max-age=0"})
    network.client(source).get_bytes(source.url + "/a")
    fault_server.replace("/a", **faults)


@pytest.mark.parametrize("faults", [{"status": 500}, {"status": 503}, {"body": b"longer", "cut": 2}])
def test_an_outage_is_bridged_with_what_is_kept(network, source, clock, fault_server, faults):
    prime(network, source, fault_server, **faults)
    client = network.client(source)
    assert client.stale_since is None
    since = datetime.fromtimestamp(clock.wall(), UTC)
    assert client.get_bytes(source.url + "/a") == b"old"
    assert client.stale_since == since
    assert network.state(source.name).stale == 1


def test_an_open_breaker_is_bridged_too_and_what_is_too_old_is_not_given(make_network, source, clock, fault_server):
    network = make_network(max_stale_seconds=1000)
    prime(network, source, fault_server, status=500)
    for _ in range(6):
        assert network.client(source).get_bytes(source.url + "/a") == b"old"
    assert fault_server.count("/a") == 6
    assert network.state(source.name).open
    clock.passed += 1001
    with pytest.raises(UpstreamFailed):
        network.client(source).get_bytes(source.url + "/a")


def test_a_source_that_is_not_there_is_bridged(make_network, source, fault_server):
    with serving() as server:
        network = make_network(allowed_hosts=[server.host])
        source = replace(source, url=server.url)
        prime(network, source, server)
    assert network.client(source).get_bytes(source.url + "/a") == b"old"
    with pytest.raises(Outage, match="cannot be reached"):
        network.client(source).get_bytes(source.url + "/other")


def test_a_refusal_is_not_bridged(network, source, fault_server):
    prime(network, source, fault_server, status=403)
    with pytest.raises(UpstreamFailed, match="credential"):
        network.client(source).get_bytes(source.url + "/a")


# Redirects and the guard ---------------------------------------------------------------------------------


def test_a_redirect_is_followed_with_credentials_at_home_only(make_network, source, fault_server):
    with serving() as elsewhere:
        network = make_network(allowed_hosts=[fault_server.host, elsewhere.host])
        fault_server.redirect("/a", "/b")
        fault_server.redirect("/b", elsewhere.url + "/c")
        elsewhere.answer("/c", b"found")
        source = replace(source, headers={"Authorization": SECRET, "X-Api-Key": SECRET})
        client = network.client(source)
        assert client.get_bytes(source.url + "/a", {"Cookie": SECRET, "Accept": "text/x"}) == b"found"
        with client.open(source.url + "/a", {"Cookie": SECRET, "Accept": "text/x"}) as stream:
            assert b"".join(stream) == b"found"
        for home in fault_server.requests:
            assert (home.headers["authorization"], home.headers["cookie"]) == (SECRET, SECRET)
        for away in elsewhere.requests:
            assert SECRET not in str(away.headers)
            assert away.headers["accept"] == "text/x"
        client.get_bytes(elsewhere.url + "/c", {"Authorization": SECRET})
        assert SECRET not in str(elsewhere.requests[-1].headers)


@pytest.mark.parametrize("way", ["get_bytes", "open"])
def test_circles_long_ways_and_ways_to_nowhere_are_refused(network, source, fault_server, way):
    fault_server.redirect("/loop", "/pool")
    fault_server.redirect("/pool", "/loop")
    for number in range(8):
        fault_server.redirect(f"/way{number}", f"/way{number + 1}")
    fault_server.answer("/none", status=302)
    fault_server.redirect("/file", "file:///etc/passwd")
    fault_server.redirect("/user", f"http://u:{SECRET}@{fault_server.host}/")
    client = network.client(source)

    def ask(path):
        with pytest.raises(UpstreamFailed) as caught:
            WAYS[way](client, source.url + path)
        assert SECRET not in caught.value.message
        return caught.value.message

    assert "in a circle" in ask("/loop")
    assert "more than 5 times" in ask("/way0")
    assert fault_server.count("/way5") == 1
    assert fault_server.count("/way6") == 0
    assert "to nowhere" in ask("/none")
    assert "not an http or https address" in ask("/file")
    assert "user name or password" in ask("/user")


def test_from_https_to_http_is_refused(network):
    client = network.client(Source("s", "https://a.example/"))
    with pytest.raises(UpstreamFailed, match="https to http"):
        client._next(["https://a.example/"], "http://a.example/")


def test_every_hop_is_guarded(make_network, source, fault_server):
    with serving() as inner:
        fault_server.redirect("/a", inner.url + "/secret")
        fault_server.redirect("/b", "http://inner.example/secret")
        network = make_network(resolve=lambda host, port: ["10.0.0.7" if host == "inner.example" else host])
        client = network.client(source)
        with pytest.raises(UpstreamFailed, match="upstream_hosts"):
            client.get_bytes(source.url + "/a")
        with pytest.raises(UpstreamFailed, match=r"inner\.example is 10\.0\.0\.7.*upstream_hosts"):
            client.get_bytes(source.url + "/b")
        with pytest.raises(UpstreamFailed, match="upstream_hosts"), client.open(source.url + "/b"):
            pass
        assert inner.requests == []


def test_a_source_inside_is_refused_unless_let_in(make_network, source, fault_server):
    with pytest.raises(UpstreamFailed, match=r"127\.0\.0\.1 is an address inside.*upstream_hosts"):
        make_network(allowed_hosts=[]).client(source).get_bytes(source.url + "/a")
    assert fault_server.requests == []


# Limits --------------------------------------------------------------------------------------------------


def test_a_bomb_is_refused(network, source, fault_server):
    fault_server.bomb("/bomb", 70_000_000)
    with pytest.raises(UpstreamFailed, match="passes 67,108,864 bytes"):
        network.client(source).get_bytes(source.url + "/bomb")


def test_a_huge_document_is_stopped(network, source, fault_server):
    fault_server.answer("/huge", b"x" * 1_000_000, repeat=100, length=-1)
    with pytest.raises(UpstreamFailed, match="passes 67,108,864 bytes"):
        network.client(source).get_bytes(source.url + "/huge")


@pytest.mark.parametrize("way", ["get_bytes", "open"])
def test_a_source_that_does_not_answer_is_left(network, source, fault_server, way):
    fault_server.answer("/slow", b"x", wait=5)
    client = network.client(replace(source, timeout=0.1))
    with pytest.raises(Outage, match="took too long"):
        WAYS[way](client, source.url + "/slow")
    assert fault_server.count("/slow") == 1


def test_a_document_that_drips_is_left(network, source, fault_server):
    fault_server.answer("/drip", b"x" * 1000, drip=0.05)
    with pytest.raises(Outage, match="took too long"):
        network.client(replace(source, timeout=0.2)).get_bytes(source.url + "/drip")


def test_a_file_that_is_too_slow_over_a_minute_is_left(network, source, clock, fault_server):
    fault_server.answer("/file", b"x" * 50, drip=0.01)
    with network.client(source).open(source.url + "/file") as stream:
        clock.step = 7
        with pytest.raises(Outage, match="bytes a second"):
            b"".join(stream)


def test_no_more_requests_at_once_than_agreed(make_network, source, fault_server):
    network = make_network(per_source=3)
    for number in range(12):
        fault_server.answer(f"/{number}", b"x", wait=0.05)
    with ThreadPoolExecutor(12) as pool:
        got = list(pool.map(lambda n: network.client(source).get_bytes(f"{source.url}/{n}"), range(12)))
    assert got == [b"x"] * 12
    assert fault_server.most_at_once <= 3


def test_an_empty_document_and_hostile_json_are_refused(network, source, fault_server):
    fault_server.answer("/empty")
    fault_server.answer("/deep", b"[" * 300_000)
    with pytest.raises(UpstreamFailed, match="nothing"):
        network.client(source).get_bytes(source.url + "/empty")
    with pytest.raises(UpstreamFailed, match=r"deeply|not JSON"):
        network.client(source).get_json(source.url + "/deep")


# Politeness ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_retry_after_is_waited_for(network, source, clock, fault_server, status):
    fault_server.answer("/a", status=status, headers={"Retry-After": "3"})
    fault_server.answer("/a", b"yes")
    assert network.client(source).get_bytes(source.url + "/a") == b"yes"
    assert clock.slept == [3]


def test_one_waits_twice_at_most(network, source, clock, fault_server):
    fault_server.answer("/a", status=429, headers={"Retry-After": "4"})
    with pytest.raises(Outage, match="asks to wait"):
        network.client(source).get_bytes(source.url + "/a")
    assert clock.slept == [4, 4]
    assert fault_server.count("/a") == 3


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_long_retry_after_holds_every_request_back_until_then(network, source, clock, fault_server, form):
    moment = datetime.fromtimestamp(clock.wall() + 120, UTC)
    text = "120" if form == "seconds" else format_datetime(moment, usegmt=True)
    fault_server.answer("/a", status=429, headers={"Retry-After": text})
    fault_server.answer("/b", b"yes")
    with pytest.raises(Outage, match=moment.strftime("%H:%M:%S UTC")):
        network.client(source).get_bytes(source.url + "/a")
    assert network.state(source.name).until == moment
    with pytest.raises(Outage, match="120 seconds"):
        network.client(source).get_bytes(source.url + "/b")
    assert (fault_server.count("/a"), fault_server.count("/b")) == (1, 0)
    clock.passed += 121
    assert network.client(source).get_bytes(source.url + "/b") == b"yes"
    assert not network.state(source.name).open


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_passing_failure_is_tried_again(network, source, clock, fault_server, status):
    fault_server.answer("/a", status=status)
    fault_server.answer("/a", status=status)
    fault_server.answer("/a", b"yes")
    assert network.client(source).get_bytes(source.url + "/a") == b"yes"
    assert len(clock.slept) == 2
    assert max(clock.slept) <= 2


@pytest.mark.parametrize("status", [400, 500])
def test_other_failures_are_not_tried_again(network, source, clock, fault_server, status):
    fault_server.answer("/a", status=status)
    with pytest.raises(UpstreamFailed, match=f"answered {status}"):
        network.client(source).get_bytes(source.url + "/a")
    assert fault_server.count("/a") == 1


def test_the_breaker_opens_and_one_probe_closes_it(network, source, clock, fault_server):
    fault_server.answer("/a", status=500)
    fault_server.answer("/b", b"yes")
    client = network.client(source)
    for _ in range(5):
        with pytest.raises(Outage, match="answered 500"):
            client.get_bytes(source.url + "/a")
    with pytest.raises(Outage, match="tried again in 30 seconds"):
        client.get_bytes(source.url + "/b")
    state = network.state(source.name)
    assert state.open
    assert (state.until - datetime.fromtimestamp(clock.wall(), UTC)).total_seconds() == 30
    clock.passed += 31
    with pytest.raises(Outage, match="answered 500"):
        client.get_bytes(source.url + "/a")
    with pytest.raises(Outage, match="tried again"):
        client.get_bytes(source.url + "/b")
    clock.passed += 31
    assert client.get_bytes(source.url + "/b") == b"yes"
    assert not network.state(source.name).open
    assert (fault_server.count("/a"), fault_server.count("/b")) == (6, 1)


# Files ---------------------------------------------------------------------------------------------------


def test_a_file_comes_in_pieces_as_it_is(network, source, fault_server):
    body = bytes(range(256)) * 4000
    fault_server.answer("/file", body)
    with network.client(source).open(source.url + "/file") as stream:
        pieces = list(stream)
    assert stream.size == len(body)
    assert b"".join(pieces) == body
    assert all(65_536 <= len(piece) <= 262_144 for piece in pieces[:-1])
    asked = fault_server.asked("/file")[0].headers
    assert asked["accept-encoding"] == "identity"
    with network.client(source).open(source.url + "/file") as stream:
        next(iter(stream))
    assert fault_server.count("/file") == 2


def test_a_coded_file_is_refused(network, source, fault_server):
    fault_server.bomb("/file", 1000)
    with pytest.raises(UpstreamFailed, match="coded as gzip"), network.client(source).open(source.url + "/file"):
        pass


@pytest.mark.parametrize(
    "faults", [{"cut": 70_000}, {"length": 200_000}, {"length": -1, "cut": 70_000}, {"length": 50_000}]
)
def test_a_file_that_breaks_off_or_lies_of_its_length_is_an_error(network, source, fault_server, faults):
    body = b"x" * 100_000
    fault_server.answer("/file", body, **faults)
    with pytest.raises(UpstreamFailed), network.client(source).open(source.url + "/file") as stream:
        list(verified(stream, {}, limit=None, what="file", size=len(body)))
    fault_server.answer("/next", b"fine")
    assert network.client(source).get_bytes(source.url + "/next") == b"fine"


def test_wrong_bytes_are_an_error(network, source, fault_server):
    fault_server.answer("/file", b"evil")
    with pytest.raises(DigestMismatch), network.client(source).open(source.url + "/file") as stream:
        list(verified(stream, {"sha256": "00" * 32}, limit=None, what="file"))
    assert not network.state(source.name).open


def test_a_large_file_takes_no_more_memory_than_a_piece(network, source, fault_server):
    fault_server.answer("/file", b"x" * 1_000_000, repeat=60)
    with network.client(source).open(source.url + "/file") as stream:
        assert sum(map(len, stream)) == 60_000_000


def test_waiting_is_entered_around_every_request_but_no_cached_one(network, source, fault_server):
    entered = []

    @contextmanager
    def waiting():
        entered.append(1)
        yield
        entered.append(-1)

    network.waiting = waiting
    fault_server.answer("/a", b"x")
    client = network.client(source)
    client.get_bytes(source.url + "/a")
    client.get_bytes(source.url + "/a")
    assert entered == [1, -1]
    with client.open(source.url + "/a") as stream:
        list(stream)
    assert entered == [1, -1, 1, -1]


def test_many_threads_share_one_network(network, source, fault_server):
    for number in range(10):
        fault_server.answer(f"/{number}", json.dumps(number).encode(), etag=f'"{number}"')
    start = threading.Barrier(16)

    def work(thread):
        start.wait(30)
        fresh = bool(thread % 2)
        return [network.client(source, fresh=fresh).get_json(f"{source.url}/{n}") for n in range(10)]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(16))) == [list(range(10))] * 16


def test_a_closed_network_and_a_broken_cache_are_errors_of_ours(tmp_path, fault_server, source):
    (tmp_path / "documents.db").write_bytes(b"no database" * 1000)
    fault_server.answer("/a", b"yes")
    network = Network(tmp_path, allowed_hosts=[fault_server.host])
    assert network.client(source).get_bytes(source.url + "/a") == b"yes"
    network.close()
    with pytest.raises(UpstreamFailed):
        network.client(source).get_bytes(source.url + "/a")
