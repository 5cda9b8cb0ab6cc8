"""Shape the API's answers: refusals as one line of text, moments in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from flask import Blueprint, Response

from app.domain.errors import AppError, Forbidden, Invalid, Unauthenticated
from app.plugin.web import text_response
from app.web.errors import as_app_error
from app.web.protocols import CHALLENGE

DENIAL = "The specified API key does not have the proper permissions to perform this action."
_RIGHTS = ("forbidden", "right")


class CredentialsWanted(Unauthenticated):
    """Ask for credentials by a challenge, where the contract has one; elsewhere a missing key is a denial."""


def refuse(error: Exception) -> Response:
    """Answer any exception with short plain text, because clients show it to people as it is.

    A missing, unknown or insufficient key is 403 and begins with the vendor's fixed sentence.
    """
    found = as_app_error(error)
    status, text = found.status, found.message
    if isinstance(found, Unauthenticated) and not isinstance(found, CredentialsWanted):
        status = 403
    if status == 403 and _is_about_rights(found):
        text = f"{DENIAL} {text}"
    response = text_response(text.encode("utf-8", "replace").decode(), status)
    if status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    if "methods" in found.details:
        response.headers["Allow"] = str(found.details["methods"])
    return response


def _is_about_rights(error: AppError) -> bool:
    return isinstance(error, Unauthenticated) or (isinstance(error, Forbidden) and error.code in _RIGHTS)


@contextmanager
def as_bad_request(*kinds: type[AppError]) -> Iterator[None]:
    """Refuse some errors with status 400, for endpoints whose contract knows no finer one."""
    try:
        yield
    except kinds as error:
        raise Invalid(error.message, code=error.code, **error.details) from error


def make_blueprint(name: str, url_prefix: str) -> Blueprint:
    """Make a part of the API, whose refusals and caching are the same everywhere."""
    blueprint = Blueprint(f"api_{name}", __name__, url_prefix=url_prefix)
    blueprint.register_error_handler(Exception, refuse)
    blueprint.after_request(_keep_from_caches)
    return blueprint


def _keep_from_caches(response: Response) -> Response:
    """Forbid storing an answer that says nothing else about it: it was made for one caller."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def moment(value: datetime) -> str:
    """Give a moment as ISO 8601 in UTC with milliseconds."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
