"""The web: pages, the JSON API and the clients' protocols, all of them thin over the services."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Flask, Response
from werkzeug.datastructures import ImmutableDict
from werkzeug.routing import IntegerConverter

from app import __version__, resources
from app.services import installation
from app.services.runtime import Runtime
from app.web import api, errors, pages, protocols, rendering
from app.web.addresses import Addresses, AddressMiddleware, FeedDirectory
from app.web.cookies import PageSessions
from app.web.documents import DocumentCache
from app.web.downloads import DownloadCounter
from app.web.extensions import csrf, db, login_manager
from app.web.growing import GrowingDocuments
from app.web.hot import HotAnswers
from app.web.identity import Gatekeeper
from app.web.keyuses import KeyUses
from app.web.serving import Serving
from app.web.tokens import OneTimeTokens

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class RowNumber(IntegerConverter):
    """Take a number from an address only if a database could have given it: below 2.14 billion."""

    # By its form, because a number that fails the converter's own bounds is answered as a wrong method.
    regex = r"(?:[0-9]{1,9}|1[0-9]{9}|20[0-9]{8}|21[0-3][0-9]{7})"


def create_app(runtime: Runtime) -> Flask:
    """Make the web application of a runtime; ``app.wsgi_app`` is complete with its middleware."""
    app = Flask("app", template_folder=str(resources.find("templates")), static_folder=str(resources.find("static")))
    _configure(app, runtime)
    watch = runtime.database.watch()
    addresses = Addresses(runtime.settings)
    counters = DownloadCounter(runtime), KeyUses(runtime)
    serving = Serving(runtime, DocumentCache(), GrowingDocuments(), *counters, Gatekeeper(runtime))
    app.extensions.update(
        {
            "promontory": runtime,
            "promontory.addresses": addresses,
            "promontory.serving": serving,
            "promontory.gatekeeper": serving.gatekeeper,
            "promontory.tokens": OneTimeTokens(),
        }
    )
    app.session_interface = PageSessions(runtime.plugins.by_prefix())
    for extension in (db, login_manager, csrf):
        extension.init_app(app)
    rendering.install(app)
    errors.install(app)
    protocols.mount(app, serving, addresses)
    api.install(app)
    pages.install(app)
    app.after_request(_protect)
    app.after_request(serving.key_uses.after_request)
    outer = AddressMiddleware(app.wsgi_app, addresses, FeedDirectory(runtime, watch))
    app.wsgi_app = HotAnswers(outer, watch)  # type: ignore[method-assign]
    return app


def _configure(app: Flask, runtime: Runtime) -> None:
    settings = runtime.settings
    https = settings.public_url.startswith("https:")
    app.config.from_mapping(
        SECRET_KEY=installation.remember(runtime, "cookie-secret", lambda: secrets.token_hex(32)),
        SQLALCHEMY_DATABASE_URI=str(runtime.database.url),
        SESSION_COOKIE_NAME="promontory",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=1),
        VERSION=__version__,
    )
    app.jinja_options = ImmutableDict(trim_blocks=True, lstrip_blocks=True)
    app.url_map.merge_slashes = False
    app.url_map.converters["int"] = RowNumber
    app.json.sort_keys = False  # type: ignore[attr-defined]


def _protect(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cache-Control", "no-store")
    return response
