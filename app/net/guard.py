"""Refuse addresses inside our own network, so that a remote source cannot make the server ask its neighbours."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection, Iterable
from contextvars import ContextVar
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx

from app.domain.errors import UpstreamFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]

#: The moment (time.monotonic) at which whatever this thread reads must be over; None where there is none.
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)

_CARRIER = ipaddress.ip_network("100.64.0.0/10")
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
LONGEST = 8000  # characters of an address
_PORTS = {"http": 80, "https": 443}


def refused(text: str) -> bool:
    """Tell whether an address is one that a remote source has no business with; raise ValueError for no address."""
    address: Address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return _inside(inner)
        if address.is_site_local:
            return True
    return _inside(address)


def _inside(address: Address) -> bool:
    return (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or (isinstance(address, ipaddress.IPv4Address) and address in _CARRIER)
    )


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Give the IPv4 address that an IPv6 form stands for (mapped, 6to4, Teredo, NAT64, compatible)."""
    if address.teredo is not None:
        return address.teredo[1]
    known = address.ipv4_mapped or address.sixtofour
    if known is not None:
        return known
    if any(address in network for network in (*_NAT64, _COMPATIBLE)):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def origin(url: str) -> tuple[str, str, int]:
    """Give scheme, host and port of an address; raise UpstreamFailed for what is no plain http(s) address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UpstreamFailed("The source names an address that cannot be read.", code="upstream-address") from None
    host = (parts.hostname or "").rstrip(".")
    if not _read_alike(url, host):  # Two libraries that read one address in two ways are how guards are passed.
        host = ""
    if parts.scheme not in _PORTS or not host or not url.isascii() or any(c <= " " or c == "\\" for c in url):
        raise UpstreamFailed(
            f"{shown(url)} is not an http or https address; correct the connector's address.", code="upstream-address"
        )
    if parts.username is not None or parts.password is not None:
        raise UpstreamFailed(
            f"The address of {host} holds a user name or password; give them as the connector's credential.",
            code="upstream-address",
        )
    return parts.scheme, host, port or _PORTS[parts.scheme]


def _read_alike(url: str, host: str) -> bool:
    try:
        return len(url) <= LONGEST and httpx.URL(url).raw_host.decode("ascii").rstrip(".") == host
    except (httpx.InvalidURL, UnicodeError):
        return False


def shown(url: str) -> str:
    """Give an address as a message may show it: no user, no query, no fragment."""
    try:
        parts: SplitResult = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "an address"
    netloc = parts.netloc.rpartition("@")[2] if host else ""
    return parts._replace(netloc=netloc, query="", fragment="").geturl()[:300]


class Hosts:
    """Know the hosts that an administrator let in, as ``host`` (any port) or ``host:port``."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(entry.lower().strip() for entry in allowed)

    def allow(self, host: str, port: int) -> bool:
        """Tell whether a host is let in by name."""
        name = host.lower().strip("[]").rstrip(".")
        written = f"[{name}]" if ":" in name else name
        return not self._allowed.isdisjoint({name, written, f"{written}:{port}"})

    def check_port(self, url: str, base: tuple[str, str, int]) -> None:
        """Refuse a port that is neither usual, nor the source's own, nor let in."""
        scheme, host, port = origin(url)
        if port == _PORTS[scheme] or (host, port) == base[1:] or self.allow(host, port):
            return
        raise UpstreamFailed(
            f"{host}:{port} is not a usual port; an administrator can allow it: setting upstream_hosts.",
            code="upstream-address",
        )


def resolve_name(host: str, port: int) -> list[str]:
    """Give the addresses of a host as the system knows them; raise OSError for none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.NetworkBackend):
    """Connect to the very address that was checked: the name is resolved once, so it cannot change in between."""

    def __init__(self, hosts: Hosts, resolve: Resolve = resolve_name) -> None:
        self._hosts = hosts
        self._resolve = resolve
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check every address, connect to the first that answers; raise UpstreamFailed for a refused one."""
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self.addresses(host, port):
            try:
                stream = self._inner.connect_tcp(address, port, _left(timeout), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _Bounded(stream)
        raise problem

    def addresses(self, host: str, port: int) -> list[str]:
        """Give the addresses of a host, all checked unless the host is let in."""
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} is not known") from error
        if not self._hosts.allow(host, port):
            for address in found:
                _refuse(host, address)
        return found


def _refuse(host: str, address: str) -> None:
    if refused(address):
        shown = f"{host} is" if host == address else f"{host} is {address},"
        raise UpstreamFailed(
            f"{shown} an address inside this network, and is not asked; "
            "an administrator can allow it: setting upstream_hosts.",
            code="upstream-address",
            host=host,
            address=address,
        )


def _left(timeout: float | None) -> float | None:
    end = deadline.get()
    if end is None:
        return timeout
    left = end - monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the whole answer took too long")
    return left if timeout is None else min(timeout, left)


class _Bounded(httpcore.NetworkStream):
    """Bound every read by the deadline, headers included: a source cannot hold us by dripping."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
