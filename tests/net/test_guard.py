"""The guard: what a remote source may not make us ask."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import UpstreamFailed
from app.net.guard import GuardedBackend, Hosts, origin, refused, shown

INSIDE = [
    "127.0.0.1", "127.255.255.255", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1",
    "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::", "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]
PRIVATE = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16", "100.64.0.0/10")]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused(address):
    assert refused(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_fine(address):
    assert not refused(address)


@given(st.sampled_from(PRIVATE).flatmap(lambda net: st.ip_addresses(network=str(net))))
def test_every_form_of_a_private_address_is_refused(address):
    number = int(address)
    forms = [
        str(address),
        f"::ffff:{address}",
        f"::{address}",
        str(ipaddress.IPv6Address((0x64FF9B << 96) | number)),
        str(ipaddress.IPv6Address((0x0064FF9B0001 << 80) | number)),
        str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1)),
        str(ipaddress.IPv6Address((0x20010000 << 96) | (number ^ 0xFFFF_FFFF))),
    ]
    assert [form for form in forms if not refused(form)] == []


@given(st.ip_addresses())
def test_no_address_that_is_not_global_passes(address):
    assert refused(str(address)) or address.is_global or address.version == 6


class Streams(httpcore.NetworkBackend):
    def __init__(self):
        self.asked = []

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.asked.append((host, port))
        return httpcore.MockStream([])


def backend(answers, allowed=()):
    guarded = GuardedBackend(Hosts(allowed), lambda host, port: answers.pop(0))
    guarded._inner = Streams()
    return guarded


def test_the_address_that_was_checked_is_the_one_that_is_asked():
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    guarded = backend(answers)
    guarded.connect_tcp("rebinding.example", 443)
    assert guarded._inner.asked == [("93.184.216.34", 443)]
    assert answers == [["127.0.0.1"]], "the name was resolved once"


def test_one_address_inside_among_others_is_refused():
    guarded = backend([["93.184.216.34", "169.254.169.254"]])
    with pytest.raises(UpstreamFailed, match=r"mixed\.example is 169\.254\.169\.254.*upstream_hosts"):
        guarded.connect_tcp("mixed.example", 80)
    assert guarded._inner.asked == []


@pytest.mark.parametrize("allowed", ["inner.example", "INNER.example", "inner.example:80"])
def test_a_host_that_is_let_in_is_asked(allowed):
    guarded = backend([["10.0.0.1"]], [allowed])
    guarded.connect_tcp("inner.example", 80)
    assert guarded._inner.asked == [("10.0.0.1", 80)]


@pytest.mark.parametrize("allowed", ["inner.example:81", "example", "other.inner.example"])
def test_a_host_that_resembles_one_let_in_is_refused(allowed):
    with pytest.raises(UpstreamFailed):
        backend([["10.0.0.1"]], [allowed]).connect_tcp("inner.example", 80)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/", "file:///etc/passwd", "http://", "//a.example", "http://u:p@a.example/", "http://u@a.org",
        "http://a.example\\@b.example/", "http://a.example:x/", "http://a.example:99999/", "http://[::1/", "http://a b",
        "http://a.example/\n", "http://ä.example/", "http://a.example/" + "x" * 9000, "gopher://a.example",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused_without_its_secret(url):
    with pytest.raises(UpstreamFailed) as caught:
        origin(url)
    assert "u:p" not in caught.value.message


@given(st.text())
def test_any_text_is_an_address_or_refused(text):
    with suppress(UpstreamFailed):
        assert origin("http://" + text)[0] == "http"
    shown(text)


def test_an_address_is_shown_without_secrets():
    assert shown("https://user:secret@a.example:8443/p?token=secret#secret") == "https://a.example:8443/p"


def test_only_usual_ports_and_the_sources_own_are_asked():
    hosts = Hosts(["let-in.example:99"])
    base = origin("http://own.example:8081/")
    for url in (
        "http://own.example:8081/x",
        "https://cdn.example/",
        "http://let-in.example:99/",
        "http://own.example/",
    ):
        hosts.check_port(url, base)
    for url in ("http://own.example:22/", "http://cdn.example:8081/", "https://cdn.example:80/"):
        with pytest.raises(UpstreamFailed, match="not a usual port"):
            hosts.check_port(url, base)
