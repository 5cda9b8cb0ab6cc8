"""Declare operations: a handler's signature says what it takes and gives, for the server and for its description.

``query`` and ``body`` are pydantic models, every other argument is a part of the path, the return annotation is the
answer. Refusals are problem+json (RFC 9457), answers carry an ETag (RFC 9110 section 8.8.3).
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError
from werkzeug.urls import iri_to_uri

from app.domain.errors import AppError
from app.services import idempotency
from app.services.runtime import ANONYMOUS, Actor, Work
from app.web.api.v1.schemas import Model
from app.web.bodies import parse_json, read_body
from app.web.errors import UnsupportedMedia
from app.web.extensions import reading, runtime
from app.web.identity import gatekeeper

PREFIX = "/api/v1"
BODY_LIMIT = 16 * 1024 * 1024
Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)
M = TypeVar("M", bound=Model)
blueprint = Blueprint("api_v1", __name__, url_prefix=PREFIX)


class Unprocessable(AppError):
    """Refuse input that is no instance of its schema; ``errors`` names each place by a JSON pointer (RFC 6901)."""

    code = "unprocessable"
    status = 422


class PreconditionFailed(AppError):
    """Refuse to change what somebody else has changed since it was read."""

    code = "changed-meanwhile"
    status = 412


@dataclass(frozen=True, slots=True)
class Operation:
    """Describe one operation; ``status`` is that of success, ``guarded`` ones obey If-Match."""

    method: str
    path: str
    summary: str
    description: str
    tag: str
    name: str
    handler: Handler
    parts: Mapping[str, type]
    query: type[Model] | None
    body: type[Model] | None
    answer: type[BaseModel] | None
    status: int
    guarded: bool

    @property
    def writes(self) -> bool:
        """Tell whether it changes something."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class Created:
    """Answer with something new, and where it is; ``replayed`` where an idempotency key was answered before."""

    model: BaseModel | Mapping[str, Any]
    location: str
    replayed: bool = False


OPERATIONS: list[Operation] = []


@dataclass(frozen=True, slots=True)
class Call:
    """Be one request: work in the name of whoever sent it, and what the answer depends on."""

    work: Work
    body: bytes

    @property
    def actor(self) -> Actor:
        """Give who is acting."""
        return self.work.actor

    def write(self, change: Callable[[Work], M], current: Callable[[Work], Model] | None = None) -> M:
        """Change something as a writer; ``current`` is compared with If-Match, within the same transaction."""
        self.end_reading()
        with runtime().writing(self.actor) as work:
            if current is not None:
                self._match(current(work))
            return change(work)

    def delete(self, change: Callable[[Work], object], current: Callable[[Work], Model] | None = None) -> None:
        """Do something as a writer that has no answer."""
        self.end_reading()
        with runtime().writing(self.actor) as work:
            if current is not None:
                self._match(current(work))
            change(work)

    def create(self, make: Callable[[Work], M], locate: Callable[[M], str]) -> Created:
        """Create something, once for each Idempotency-Key, in whose transaction the answer is kept."""
        self.end_reading()
        key, digest = request.headers.get("Idempotency-Key"), hashlib.sha256(self.body).hexdigest()
        with runtime().writing(self.actor) as work:
            known = idempotency.find(work, f"{request.method} {request.path}", key, digest) if key is not None else None
            if known is not None:
                return Created(known.body, known.location, replayed=True)
            made = make(work)
            location = f"{PREFIX}{locate(made)}"
            if key is not None:
                kept = made.model_dump(mode="json", by_alias=True, exclude=made.secrets)
                idempotency.keep(work, f"{request.method} {request.path}", key, digest, location, kept)
        return Created(made, location)

    def end_reading(self) -> None:
        """Let go of the state of the database that was read so far."""
        self.work.session.rollback()
        self.work.cache.clear()

    def _match(self, current: Model) -> None:
        wanted = request.headers.get("If-Match", "*")
        if wanted != "*" and etag_of(dump(current)) not in (tag.strip().strip('"') for tag in wanted.split(",")):
            raise PreconditionFailed("Somebody changed it since you read it; read it again and repeat the change.")


def operation(
    method: str, path: str, tag: str, *, creates: type[BaseModel] | None = None, guarded: bool = False
) -> Callable[[H], H]:
    """Register a handler; its docstring's first line is the summary, the rest the description."""

    def register(handler: H) -> H:
        hints = get_type_hints(handler)
        answer = hints.pop("return", None)
        names = [name for name in inspect.signature(handler).parameters if name not in ("call", "query", "body")]
        summary, _, description = inspect.cleandoc(handler.__doc__ or "").partition("\n")
        made = Operation(
            method,
            path,
            summary.rstrip("."),
            " ".join(description.split()),
            tag,
            handler.__name__,
            handler,
            {name: hints[name] for name in names},
            hints.get("query"),
            hints.get("body"),
            creates or (answer if isinstance(answer, type) and issubclass(answer, BaseModel) else None),
            201 if creates is not None else (204 if answer in (None, type(None)) else 200),
            guarded,
        )
        OPERATIONS.append(made)
        blueprint.add_url_rule(_rule(made), made.name, _view(made), methods=[method], strict_slashes=False)
        return handler

    return register


def _rule(made: Operation) -> str:
    rule = made.path
    for name, kind in made.parts.items():
        rule = rule.replace(f"{{{name}}}", f"<int:{name}>" if kind is int else f"<{name}>")
    return rule


def _view(made: Operation) -> Callable[..., Response]:
    def view(**parts: Any) -> Response:
        call = _receive(made)
        given = dict(parts)
        if made.query is not None:
            given["query"] = _query(made.query)
        elif set(request.args) - {"key"}:
            raise Unprocessable("This operation takes no parameters in the query; leave them out.", errors=[])
        if made.body is not None:
            given["body"] = _body(made.body, call.body)
        return _answer(made, made.handler(call, **given))

    return view


def _receive(made: Operation) -> Call:
    work = reading(ANONYMOUS)
    # A key in the query is taken as everywhere in the API; the body is read by whoever is known only.
    work.actor = gatekeeper().identify(work, request, body_key="").actor
    return Call(work, read_body(request, BODY_LIMIT, inflate=True) if made.body is not None else b"")


def _query(model: type[M]) -> M:
    many = {name for name, field in model.model_fields.items() if "list" in str(field.annotation)}
    sent: dict[str, Any] = {}
    for name, values in request.args.lists():
        if name == "key":
            continue
        if name in many or len(values) == 1:
            sent[name] = values if name in many else values[0]
        else:
            raise Unprocessable(f"The parameter {name} occurs more than once; send it once.", errors=[])
    return _validated(lambda: model.model_validate(sent), ("query",))


def _body(model: type[M], body: bytes) -> M:
    if request.mimetype != "application/json":
        raise UnsupportedMedia("The body is read as JSON; send it with Content-Type: application/json.")
    parse_json(body)
    return _validated(lambda: model.model_validate_json(body, strict=True), ())


def _validated(validate: Callable[[], M], place: tuple[str, ...]) -> M:
    try:
        return validate()
    except ValidationError as error:
        errors = [
            {"pointer": "".join(f"/{_escaped(part)}" for part in (*place, *each["loc"])), "detail": each["msg"]}
            for each in error.errors(include_url=False, include_context=False, include_input=False)[:20]
        ]
        first = errors[0]
        message = f"{first['pointer'] or 'The body'}: {first['detail']}."
        raise Unprocessable(message, errors=errors) from None


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def dump(model: BaseModel | Mapping[str, Any]) -> bytes:
    """Give a model as JSON, always the same for the same."""
    if isinstance(model, BaseModel):
        return model.model_dump_json(by_alias=True).encode()
    return json.dumps(model, separators=(",", ":"), ensure_ascii=False).encode()


def etag_of(body: bytes) -> str:
    """Give the validator of an answer."""
    return hashlib.sha256(body).hexdigest()[:32]


def _answer(made: Operation, result: Any) -> Response:
    if result is None:
        return Response(status=204)
    created = result if isinstance(result, Created) else None
    body = dump(created.model if created is not None else result)
    response = Response(body, 201 if created is not None else made.status, content_type="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    if created is not None:
        response.headers["Location"] = created.location
        if created.replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return response
    response.set_etag(etag_of(body))
    if not made.writes:
        following = getattr(result, "next", None)
        if following:
            response.headers["Link"] = f'<{_next_url(following)}>; rel="next"'
        response.make_conditional(request)
    return response


def _next_url(cursor: str) -> str:
    arguments = [(name, value) for name, value in request.args.items(multi=True) if name not in ("cursor", "key")]
    return iri_to_uri(f"{request.base_url}?{urlencode([*arguments, ('cursor', cursor)])}")


def rules() -> Iterator[str]:
    """Give the paths of all operations as the routing knows them."""
    return (PREFIX + _rule(made) for made in OPERATIONS)
