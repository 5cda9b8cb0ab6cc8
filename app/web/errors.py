"""Turn the one error tree into what each reader expects: a page, problem+json, plain text, the protocol's shape."""

from __future__ import annotations

import errno
import logging

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as BaseResponse

from app.domain.errors import AppError, Conflict, Forbidden, Invalid, NotFound, Unauthenticated

log = logging.getLogger(__name__)


class Unavailable(AppError):
    """Say that the server cannot work right now, for a reason that is not the sender's."""

    code = "unavailable"
    status = 503


class NoSpace(AppError):
    """Say that the server's disk is full."""

    code = "no-space"
    status = 507


class WrongMethod(AppError):
    """Refuse a method that an address does not know."""

    code = "method-not-allowed"
    status = 405


class UnsupportedMedia(AppError):
    """Refuse a body of a type that is not read here."""

    code = "unsupported-media-type"
    status = 415


class Failure(AppError):
    """Stand for a fault of ours, without its particulars; those are in the log."""

    code = "internal-error"
    status = 500


def as_app_error(error: Exception) -> AppError:
    """Give the error of our tree that an exception amounts to; logs what is a fault of ours."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, HTTPException):
        return _from_http(error)
    return _from_storage(error) or _fault(error)


def _from_http(error: HTTPException) -> AppError:
    status = error.code or 500
    if isinstance(error, MethodNotAllowed):
        methods = ", ".join(sorted(error.valid_methods or ()))
        return WrongMethod(f"{request.method} is not possible here; use {methods}.", methods=methods)
    if isinstance(error, CSRFError):
        return Forbidden("The form is too old or not ours; go back, reload the page and send it again.", code="csrf")
    if status == 404:
        return NotFound(f"There is nothing at {request.path}.")
    made = Invalid(error.description or error.name, code=error.name.lower().replace(" ", "-"))
    made.status = status
    return made


def _from_storage(error: Exception) -> AppError | None:
    if isinstance(error, DataError | UnicodeEncodeError):
        # Every way of sending text ends at the database, which keeps neither NUL nor half a surrogate pair.
        return Invalid("A text in the request cannot be kept: it is too long, or holds NUL or half a character.")
    if isinstance(error, IntegrityError):
        log.warning("two changes collided at %s %s: %s", request.method, request.path, error.orig)
        return Conflict("Somebody changed the same thing at the same moment; look again and repeat.", code="collision")
    if _is_full(error):
        log.error("the disk is full")
        return NoSpace("The server's disk is full; nothing was kept. Make room, then send it again.")
    if isinstance(error, OperationalError | PoolTimeout):
        log.error("the database does not answer", exc_info=error)
        return Unavailable("The database does not answer right now; nothing was changed. Try again.")
    return None


def _is_full(error: Exception) -> bool:
    if isinstance(error, OperationalError):
        return any(text in str(error.orig) for text in ("disk is full", "No space left"))
    return isinstance(error, OSError) and error.errno == errno.ENOSPC


def _fault(error: Exception) -> AppError:
    log.error("a fault of ours at %s %s", request.method, request.path, exc_info=error)
    return Failure("Something went wrong in the server; nothing was changed. Its log says what.")


def wants_page() -> bool:
    """Tell whether a person is reading: a browser that asks for HTML outside the API."""
    if f"{request.path}/".startswith("/api/"):
        return False
    return request.accept_mimetypes.quality("text/html") > request.accept_mimetypes.quality("application/json")


def install(app: Flask) -> None:
    """Answer every exception of the pages and our own API; client protocols and the vendor's API answer theirs."""

    @app.errorhandler(Exception)
    def answer(error: Exception) -> BaseResponse:
        found = as_app_error(error)
        if not wants_page():
            return problem(found)
        if isinstance(found, Unauthenticated):
            return redirect(url_for("account.sign_in", next=request.full_path.rstrip("?")))
        return page(found)


def page(error: AppError) -> Response:
    """Answer with a page that says what happened and what now."""
    known = {400, 401, 403, 404, 409, 500}
    template = error.status if error.status in known else (500 if error.status >= 500 else 400)
    return Response(render_template(f"errors/{template}.html", error=error), error.status)


def problem(error: AppError) -> Response:
    """Answer with problem+json (RFC 9457); ``code`` is stable."""
    body = {
        "type": "about:blank",
        "title": error.code,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        **{name: value for name, value in error.details.items() if value is not None},
    }
    response = jsonify(body)
    response.status_code = error.status
    response.content_type = "application/problem+json"
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Basic realm="Promontory"'
    return response
