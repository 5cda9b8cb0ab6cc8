"""Who is speaking: login, logout, whoami, and the ping that needs nobody."""

from __future__ import annotations

from app.plugin import Invalid, NotFound, Unauthenticated
from app.plugin.web import Response, Routes, ServedFeed, json_error, json_response

_USER = "/-/user/org.couchdb.user:<user_name>"
_GIVES_A_KEY = "it checks a password and gives its owner a key"

routes = Routes(error=json_error)


@routes.get("/-/ping", needs=None)
def ping(feed: ServedFeed) -> Response:  # noqa: ARG001 - every handler receives the feed
    """Answer that the feed is there."""
    return json_response({})


@routes.get("/-/whoami", needs=None)
def whoami(feed: ServedFeed) -> Response:
    """Answer with the name of who is speaking."""
    return json_response({"username": _speaker(feed)})


@routes.get("/-/npm/v1/user", needs=None)
def profile(feed: ServedFeed) -> Response:
    """Answer with as much of a profile as npm shows."""
    name = _speaker(feed)
    return json_response({"name": name, "fullname": name, "email": "", "email_verified": False, "tfa": False})


def _speaker(feed: ServedFeed) -> str:
    if feed.user_name is None:
        raise Unauthenticated("Nobody is logged in here; run 'npm login' or send a key.")
    return feed.user_name


@routes.route("/-/v1/login", ("POST",), None, harmless="it only says that this way of logging in is not offered")
def no_web_login(feed: ServedFeed) -> Response:  # noqa: ARG001 - every handler receives the feed
    """Send npm to the login with name and password."""
    raise NotFound(
        "Logging in by browser is not offered here; npm asks for name and password instead.", code="no-web-login"
    )


@routes.route(_USER, ("PUT",), None, harmless=_GIVES_A_KEY)
@routes.route(f"{_USER}/-rev/<rev>", ("PUT",), None, harmless=_GIVES_A_KEY)
def log_in(feed: ServedFeed, user_name: str, rev: str = "") -> Response:  # noqa: ARG001 - any revision will do
    """Give a key to who sends the right password; accounts are made elsewhere."""
    body = feed.json_body(limit=100_000)
    password = body.get("password") if isinstance(body, dict) else None
    if not isinstance(password, str) or body.get("name", user_name) != user_name:
        raise Invalid("A login needs a name, the same as in the address, and a password.", code="invalid-login")
    token = feed.log_in(user_name, password)
    return json_response({"ok": True, "id": f"org.couchdb.user:{user_name}", "token": token}, 201)


@routes.route("/-/user/token/<token>", ("DELETE",), None, harmless="it can only revoke the key that it is sent with")
def log_out(feed: ServedFeed, token: str) -> Response:
    """Revoke the key that the request was sent with, which must be the one in the address."""
    sent = feed.request.authorization
    if sent is None or sent.token != token:
        raise Unauthenticated("A key can be revoked only by a request that is sent with it.")
    feed.log_out()
    return json_response({"ok": True})
