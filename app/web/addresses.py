"""Under which addresses the server and its feeds are reached, and which host names are believed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from app.domain.names import fold
from app.plugin.format import FeedAddress
from app.services.runtime import ANONYMOUS, Runtime
from app.settings import Settings
from app.storage.engine import Watch
from app.storage.models import Feed

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

FEED_HOST = "promontory.feed_host"
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_SLASHES = re.compile(r"/{2,}")


@dataclass(frozen=True, slots=True)
class KnownFeed:
    """Hold a feed's name and its path below the server."""

    name: str
    path: str


class FeedDirectory:
    """Know every feed's path by name, read again whenever something was committed."""

    def __init__(self, runtime: Runtime, watch: Watch) -> None:
        self._runtime, self._watch = runtime, watch
        self._stamp: object = object()
        self._feeds: dict[str, KnownFeed] = {}

    def find(self, name: str) -> KnownFeed | None:
        """Give a feed by name in any case, or None."""
        stamp = self._watch.stamp()
        if stamp != self._stamp:
            self._feeds, self._stamp = self._read(), stamp
        return self._feeds.get(fold(name))

    def _read(self) -> dict[str, KnownFeed]:
        formats = self._runtime.plugins.formats
        with self._runtime.reading(ANONYMOUS) as work:
            rows = work.session.execute(select(Feed.key, Feed.name, Feed.format)).all()
        return {r.key: KnownFeed(r.name, f"/{formats[r.format].prefix}/{r.name}") for r in rows if r.format in formats}


class Addresses:
    """Build absolute addresses and decide which host names are ours."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._public = urlsplit(settings.public_url.rstrip("/")) if settings.public_url else None
        self._pattern = _host_pattern(settings.feed_host)

    def is_allowed(self, host: str) -> bool:
        """Tell whether a Host header names this server: anything else could be a rebinding attack."""
        name = hostname(host)
        known = {"localhost", self._settings.host.lower(), *(h.lower() for h in self._settings.allowed_hosts)}
        if self._public is not None and self._public.hostname:
            known.add(self._public.hostname)
        return name in known or _is_loopback(name) or self.feed_of(host) is not None

    def feed_of(self, host: str) -> str | None:
        """Give the feed whose own host name this is, or None."""
        match = self._pattern.fullmatch(hostname(host)) if self._pattern else None
        return match["feed"] if match else None

    def server_url(self, scheme: str, host: str) -> str:
        """Give the server's address, without a slash at the end, for a request that came by a scheme and host."""
        if self._public is not None:
            return self._settings.public_url.rstrip("/")
        return f"{scheme}://{host}"

    def feed_address(self, feed: KnownFeed, server_url: str) -> FeedAddress:
        """Give both addresses of a feed below a server address."""
        parts = urlsplit(server_url)
        port = f":{parts.port}" if parts.port else ""
        name = self._settings.feed_host.replace("{feed}", feed.name.lower())
        host_url = f"{parts.scheme}://{name}{port}" if self._settings.feed_host else ""
        return FeedAddress(feed.name, server_url + feed.path, host_url)


def hostname(host: str) -> str:
    """Give the lower-case name in a Host header, without its port; empty for two of them, and for user@host."""
    return (urlsplit(f"//{host}").hostname or "").lower() if _HOST.fullmatch(host) else ""


def _host_pattern(text: str) -> re.Pattern[str] | None:
    if "{feed}" not in text:
        return None
    before, after = text.lower().split("{feed}", 1)
    return re.compile(f"{re.escape(before)}(?P<feed>[a-z0-9._-]+){re.escape(after)}")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class AddressMiddleware:
    """Bring every address of a feed to one path before routing.

    Doubled slashes are folded (a redirect would break pushes); a feed's own host name becomes its path; an unknown
    host name is refused.
    """

    def __init__(self, app: WsgiApp, addresses: Addresses, directory: FeedDirectory) -> None:
        self._app, self._addresses, self._directory = app, addresses, directory

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        host = environ.get("HTTP_HOST", "")
        if host and not self._addresses.is_allowed(host):
            return _refuse(start_response, "421 Misdirected Request", _unknown_host(host))
        environ["PATH_INFO"] = _SLASHES.sub("/", environ.get("PATH_INFO", ""))
        own = self._addresses.feed_of(host) if host else None
        if own is not None:
            feed = self._directory.find(own)
            if feed is None:
                return _refuse(start_response, "404 Not Found", f"There is no feed {own!r} at this address.")
            environ[FEED_HOST] = True
            environ["PATH_INFO"] = feed.path + (environ["PATH_INFO"] or "/")
        return self._app(environ, start_response)


def _unknown_host(host: str) -> str:
    return f"This server does not answer as {host[:200]!r}; add the name to the setting allowed_hosts."


def _refuse(start_response: StartResponse, status: str, message: str) -> Iterable[bytes]:
    body = message.encode("utf-8", "replace")
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
