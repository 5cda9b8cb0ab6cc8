"""Mount every format's routes below its feeds: the rules that all of them meet are kept here, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, MapAdapter, Rule

from app.domain.connectors import RemoteUse
from app.domain.errors import AppError, Forbidden, NotFound, Unauthenticated
from app.domain.permissions import Permission
from app.plugin.format import FeedFormat
from app.plugin.web import Route, Routes
from app.services import access
from app.services.runtime import ANONYMOUS, Work
from app.services.sources import reach_of
from app.storage.models import Feed
from app.web.addresses import FEED_HOST, Addresses, KnownFeed
from app.web.cachingfeed import CachingFeed
from app.web.errors import as_app_error
from app.web.extensions import csrf, reading
from app.web.identity import Identity
from app.web.serving import RequestedFeed, Serving

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
CHALLENGE = 'Basic realm="Promontory"'


@dataclass(frozen=True, slots=True)
class Mounted:
    """Hold a format with its routes made ready for matching."""

    format: FeedFormat
    routes: Routes
    adapter: MapAdapter

    def match(self, path: str, method: str) -> tuple[Route, dict[str, Any]]:
        """Give the route of a path below a feed; raises NotFound, or Werkzeug's MethodNotAllowed."""
        number, values = self.adapter.match("/" + self.format.canonical_path(path), method)
        return self.routes.routes[int(number)], dict(values)


def mount(app: Flask, serving: Serving, addresses: Addresses) -> None:
    """Mount the formats of the runtime."""
    blueprint = Blueprint("protocols", __name__)
    for format in serving.runtime.plugins.formats.values():
        _mount_format(blueprint, _prepare(format), serving, addresses)
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)


def _prepare(format: FeedFormat) -> Mounted:
    routes = format.routes()
    rules = [
        Rule(route.rule, methods=route.methods, endpoint=str(number)) for number, route in enumerate(routes.routes)
    ]
    url_map = Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False)
    return Mounted(format, routes, url_map.bind("feed"))


def _mount_format(blueprint: Blueprint, mounted: Mounted, serving: Serving, addresses: Addresses) -> None:
    def answer(feed_name: str, path: str = "") -> Response:
        try:
            return _answer(mounted, serving, addresses, feed_name, path)
        except (AppError, HTTPException) as error:
            return _refuse(mounted.routes, as_app_error(error))

    prefix, endpoint = mounted.format.prefix, f"{mounted.format.key}_feed"
    for rule in (f"/{prefix}/<feed_name>", f"/{prefix}/<feed_name>/", f"/{prefix}/<feed_name>/<path:path>"):
        blueprint.add_url_rule(
            rule, endpoint, answer, methods=METHODS, strict_slashes=False, provide_automatic_options=False
        )


def _answer(mounted: Mounted, serving: Serving, addresses: Addresses, feed_name: str, path: str) -> Response:
    work = reading(ANONYMOUS)
    route, values = _route(mounted, serving, work, feed_name, path)
    identity = _identify(serving, work, route)
    work.actor = identity.actor
    feed = _find(work, mounted, feed_name, route.needs)
    known = KnownFeed(feed.name, f"/{mounted.format.prefix}/{feed.name}")
    address = addresses.feed_address(known, addresses.server_url(request.scheme, request.host))
    url = address.host_url if FEED_HOST in request.environ else address.url
    served = _served(serving, work, feed, url, identity)
    served.inflate = route.accepts_gzip
    return route.handler(served, **values)


def _served(serving: Serving, work: Work, feed: Feed, url: str, identity: Identity) -> RequestedFeed:
    if feed.remote == RemoteUse.CACHE:
        reach = reach_of(work, feed)
        if reach.links:
            return CachingFeed(serving, work, feed, request, url, identity.expires, reach)
    return RequestedFeed(serving, work, feed, request, url, identity.expires)


def _route(mounted: Mounted, serving: Serving, work: Work, feed_name: str, path: str) -> tuple[Route, dict[str, Any]]:
    try:
        return mounted.match(path, request.method)
    except HTTPException:
        # A stranger hears 401 whatever they ask for, not which paths exist.
        work.actor = serving.gatekeeper.identify(work, request).actor
        access.get_feed(work, feed_name)
        raise


def _identify(serving: Serving, work: Work, route: Route) -> Identity:
    try:
        return serving.gatekeeper.identify(work, request)
    except Unauthenticated:
        if route.needs is None:
            # Signing in again is how a client with an old key gets a new one.
            return Identity(ANONYMOUS)
        raise


def _find(work: Work, mounted: Mounted, name: str, needs: Permission | None) -> Feed:
    feed = access.find_feed(work, name) if needs is None else access.get_feed(work, name, needs)
    if feed is None:
        return access.get_feed(work, name)
    if feed.format != mounted.format.key:
        raise NotFound(f"The feed {feed.name} holds {feed.format} packages; use its own address.", code="unknown-feed")
    if not feed.active:
        raise Forbidden(f"The feed {feed.name} is deactivated; activate it in its settings.", code="inactive")
    return feed


def _refuse(routes: Routes, error: AppError) -> Response:
    response = routes.error(error.status, error.code, error.message)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = CHALLENGE
    if "methods" in error.details:
        response.headers["Allow"] = str(error.details["methods"])
    response.headers["Cache-Control"] = "no-store"
    return response
