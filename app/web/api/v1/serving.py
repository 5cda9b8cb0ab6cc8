"""Serve the API's operations: read what was sent, find out who sent it, call the handler, answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from pydantic import ValidationError

from app.domain.errors import AppError, Invalid, NotFound
from app.services import repeats
from app.services.runtime import ANONYMOUS, Work
from app.storage.models import Repeat
from app.web.api.v1.conditions import etag_of, text_of
from app.web.api.v1.models import Listed, Model
from app.web.api.v1.operations import MAX_NUMBER, Answer, Call, Operation
from app.web.bodies import parse_json, read_body
from app.web.errors import as_app_error, problem
from app.web.extensions import reading, runtime
from app.web.identity import gatekeeper

PREFIX = "/api/v1"
BODY_LIMIT = 16 * 1024 * 1024
MAX_KEY = 200
_KEY = re.compile(f"[!-~]{{1,{MAX_KEY}}}")
_JSON = "application/json"
_RETRY_SECONDS = "300"


class Misfit(AppError):
    """Refuse what does not fit the schema, naming each field by its JSON pointer."""

    code = "schema"
    status = 422


class WrongMedia(AppError):
    """Refuse a body that is no JSON by its own word."""

    code = "unsupported-media-type"
    status = 415


def view_of(operation: Operation) -> Callable[..., Response]:
    """Give the Flask view of an operation."""

    def view(**values: Any) -> Response:
        return _perform(operation, values)

    return view


def _perform(operation: Operation, values: dict[str, Any]) -> Response:
    work = reading(ANONYMOUS)
    identity = gatekeeper().identify(work, request)
    work.actor = identity.actor
    if any(isinstance(value, int) and value > MAX_NUMBER for value in values.values()):
        raise NotFound(f"There is nothing at {request.path[:100]}; list what there is for its numbers.")
    given = {**values, **_sent(operation)}
    if not operation.writes:
        return respond(operation, operation.handler(Call(operation, work, identity.expires), **given))
    work.session.rollback()
    with runtime().writing(work.actor) as writer:
        return _change(operation, writer, given)


def _change(operation: Operation, work: Work, given: Mapping[str, Any]) -> Response:
    """Carry out a change, or give the answer that it had before; what is kept of it commits together with it."""
    repeat = _repeat(operation, work, given)
    if repeat is not None and repeat.status:
        return _again(operation, repeat)
    answer = operation.handler(Call(operation, work), **given)
    response = respond(operation, answer)
    if repeat is not None:
        kept = answer.body.model_copy(update=dict.fromkeys(answer.once)) if answer.body is not None else None
        text = text_of(kept) if kept is not None else ""
        repeats.keep(repeat, response.status_code, response.headers.get("Location", ""), text)
    return response


def _repeat(operation: Operation, work: Work, given: Mapping[str, Any]) -> Repeat | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or not operation.repeatable:
        return None
    if not _KEY.fullmatch(key):
        raise Invalid(
            f"An Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters and no space; send a UUID.",
            code="idempotency-key",
        )
    body = given.get("body")
    asked = f"{operation.method} {request.path}\n{text_of(body) if isinstance(body, Model) else ''}"
    return repeats.begin(work, key, asked.encode())


def _again(operation: Operation, repeat: Repeat) -> Response:
    response = Response(repeat.body, repeat.status, content_type=_JSON)
    response.headers["Idempotent-Replayed"] = "true"
    if repeat.location:
        response.headers["Location"] = repeat.location
    if operation.single:
        response.headers["ETag"] = f'"{etag_of(repeat.body)}"'
    return response


# What was sent ----------------------------------------------------------------------------------------


def _sent(operation: Operation) -> dict[str, Model]:
    found = {"query": _query(operation.query)} if operation.query is not None else {}
    if operation.query is None and _arguments():
        raise _misfit([("/" + _pointer(next(iter(_arguments()))), "this address takes no such parameter")])
    if operation.body is not None:
        found["body"] = _body(operation.body)
    return found


def _arguments() -> dict[str, str]:
    """Give the parameters of the query; a key among them is a credential, where the installation lets it be one."""
    found = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise _misfit([("/" + _pointer(name), "send it once")])
        if name != "key":
            found[name] = values[0]
    return found


def _query(model: type[Model]) -> Model:
    try:
        return model.model_validate(_arguments())
    except ValidationError as error:
        raise _from_pydantic(error) from None


def _body(model: type[Model]) -> Model:
    if request.mimetype != _JSON:
        raise WrongMedia(f"The body is {request.mimetype or 'of no type'}; send JSON as Content-Type {_JSON}.")
    value = parse_json(read_body(request, BODY_LIMIT, inflate=True))
    try:
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise _from_pydantic(error) from None


def _from_pydantic(error: ValidationError) -> Misfit:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return _misfit([("".join(f"/{_pointer(str(each))}" for each in one["loc"]), one["msg"]) for one in found[:50]])


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1").encode("utf-8", "replace").decode()[:100]


def _misfit(errors: list[tuple[str, str]]) -> Misfit:
    shown = "; ".join(f"{pointer or 'the whole'}: {message}" for pointer, message in errors[:3])
    listed = [{"pointer": pointer, "message": message} for pointer, message in errors]
    return Misfit(f"What was sent does not fit: {shown}.", errors=listed)


# Answers ----------------------------------------------------------------------------------------------


def respond(operation: Operation, answer: Answer) -> Response:
    """Answer with JSON, or with nothing; one thing has an ETag, and is not sent to whoever has it."""
    if answer.raw is not None:
        return answer.raw
    if answer.body is None:
        return Response(status=answer.status or operation.status)
    text = text_of(answer.body)
    response = Response(text, answer.status or operation.status, content_type=_JSON)
    if answer.location:
        response.headers["Location"] = PREFIX + answer.location
    if operation.single:
        response.headers["ETag"] = f'"{etag_of(text)}"'
        response.headers["Cache-Control"] = "private, no-cache"
        if operation.method == "GET":
            response.make_conditional(request)
    if isinstance(answer.body, Listed) and answer.body.next is not None:
        following = urlencode({**_arguments(), "cursor": answer.body.next})
        response.headers["Link"] = f'<{request.path}?{following}>; rel="next"'
    return response


def refuse(error: Exception) -> Response:
    """Answer any exception with problem+json."""
    found = as_app_error(error)
    response = problem(found)
    if found.status == 429:
        response.headers["Retry-After"] = _RETRY_SECONDS
    if "methods" in found.details:
        response.headers["Allow"] = str(found.details["methods"])
    response.headers["Cache-Control"] = "no-store"
    return response
