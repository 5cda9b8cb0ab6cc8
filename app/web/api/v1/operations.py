"""Declare the API's operations: from one declaration come the Flask rule, the checks and the OpenAPI document."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, get_type_hints

from flask import Response

from app.services.runtime import Work
from app.web.api.v1.conditions import check_match
from app.web.api.v1.models import Model

JSON = "application/json"
Handler = Callable[..., "Answer"]
_NAMED = re.compile(r"\{(\w+)\}")


class Match(Enum):
    """Say whether a change takes If-Match: not at all, if somebody sends it, or always."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Parameter:
    """Describe what stands in an address: its Flask converter, JSON schema and an example."""

    converter: str
    schema: Mapping[str, Any]
    description: str
    example: str | int


MAX_NUMBER = 2**31 - 1
_NUMBER = {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER}
_TEXT = {"type": "string", "minLength": 1}
PARAMETERS: Mapping[str, Parameter] = {
    "feed": Parameter("string", {**_TEXT, "maxLength": 50}, "The feed's name, in any case.", "npm-dev"),
    "group": Parameter("string", {**_TEXT, "maxLength": 100}, "The group's name, in any case.", "crew"),
    "user": Parameter("string", {**_TEXT, "maxLength": 100}, "The user's name, in any case.", "ada"),
    "task": Parameter("string", {**_TEXT, "maxLength": 100}, "The task's name, in any case.", "Promote Packages"),
    "tag": Parameter("string", {**_TEXT, "maxLength": 200}, "The tag's name.", "latest"),
    "version": Parameter("string", {**_TEXT, "maxLength": 256}, "The version, in any spelling.", "1.0.0"),
    "package": Parameter(
        "path", {**_TEXT, "maxLength": 500}, "The package's whole name; it comes last since it may hold `/`.", "left"
    ),
    "promotion": Parameter("int", _NUMBER, "The promotion's number.", 1),
    "job": Parameter("int", _NUMBER, "The job's number.", 1),
    "grant": Parameter("int", _NUMBER, "The grant's number.", 1),
    "connector": Parameter("string", {**_TEXT, "maxLength": 100}, "The connector's name, in any case.", "public"),
    "key": Parameter("int", _NUMBER, "The key's number.", 1),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Be what a handler gives: a body (None: 204), where the new thing is, what a repeat may not see again.

    ``raw`` is a whole answer that is no JSON.
    """

    body: Model | None = None
    status: int = 0
    location: str = ""
    once: frozenset[str] = frozenset()
    raw: Response | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """Be one method of one address; ``name`` is its operationId and the end of its Flask endpoint.

    ``also`` are further statuses that come with the same answer. An answer is not ``tagged`` with an ETag where it
    is not what a GET would give.
    """

    method: str
    path: str
    name: str
    tag: str
    handler: Handler
    answers: type[Model] | None
    status: int
    needs: str
    media: str = JSON
    also: tuple[int, ...] = ()
    tagged: bool = True
    match: Match = Match.NONE
    repeatable: bool = False
    writes: bool = False
    query: type[Model] | None = None
    body: type[Model] | None = None
    examples: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """Give the first line of what the handler says of itself."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    @property
    def description(self) -> str:
        """Give the rest of it."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[2].strip()

    @property
    def single(self) -> bool:
        """Tell whether it answers with one thing, which then has an ETag."""
        return self.tagged and self.answers is not None and "next" not in self.answers.model_fields

    @property
    def statuses(self) -> tuple[int, ...]:
        """Give the statuses of success."""
        return (self.status, *self.also)

    @property
    def refusals(self) -> frozenset[int]:
        """Give the statuses with which it may refuse."""
        found = {400, 401, 403, 404, 422, 429, 500, 503}
        found |= {416} if self.media != JSON else set()
        found |= {413, 415} if self.body is not None else set()
        found |= {409, 507} if self.writes else set()
        found |= {412} if self.match is not Match.NONE else set()
        found |= {428} if self.match is Match.REQUIRED else set()
        return frozenset(found)

    @property
    def names(self) -> list[str]:
        """Give the names of what stands in the address."""
        return _NAMED.findall(self.path)

    @property
    def rule(self) -> str:
        """Give the address as Flask writes it."""
        return _NAMED.sub(lambda found: f"<{PARAMETERS[found[1]].converter}:{found[1]}>", self.path)


@dataclass(frozen=True, slots=True)
class Call:
    """Be one request of somebody: reading, or within the transaction that the answer commits."""

    operation: Operation
    work: Work
    expires: datetime | None = None

    def check_match(self, current: Model) -> None:
        """Refuse a change of what is no longer as its sender saw it (If-Match, RFC 9110 section 13.1.1)."""
        check_match(current, required=self.operation.match is Match.REQUIRED)


@dataclass(slots=True)
class Resource:
    """Collect the operations on one kind of thing."""

    tag: str
    description: str
    operations: list[Operation] = field(default_factory=list)

    def get(self, path: str, answers: type[Model], *, needs: str, **more: Any) -> Callable[[Handler], Handler]:
        """Declare a reading."""
        return self._declare("GET", path, answers, 200, needs, **more)

    def ask(self, path: str, answers: type[Model], *, needs: str, **more: Any) -> Callable[[Handler], Handler]:
        """Declare a reading whose question is too long for an address: a POST that changes nothing."""
        return self._declare("POST", path, answers, 200, needs, **more)

    def create(self, path: str, answers: type[Model], *, needs: str, **more: Any) -> Callable[[Handler], Handler]:
        """Declare a POST that makes something and takes an Idempotency-Key."""
        return self._declare("POST", path, answers, 201, needs, repeatable=True, writes=True, **more)

    def act(self, path: str, answers: type[Model], *, needs: str, **more: Any) -> Callable[[Handler], Handler]:
        """Declare a POST that changes what is there and takes an Idempotency-Key."""
        return self._declare("POST", path, answers, 200, needs, repeatable=True, writes=True, **more)

    def send(self, path: str, media: str, *, needs: str, **more: Any) -> Callable[[Handler], Handler]:
        """Declare a reading of bytes."""
        return self._declare("GET", path, None, 200, needs, media=media, **more)

    def put(self, path: str, answers: type[Model], *, needs: str, **more: Any) -> Callable[[Handler], Handler]:
        """Declare a replacement."""
        return self._declare(
            "PUT", path, answers, 200, needs, writes=True, match=more.pop("match", Match.OPTIONAL), **more
        )

    def patch(self, path: str, answers: type[Model], *, needs: str, **more: Any) -> Callable[[Handler], Handler]:
        """Declare a change."""
        match = more.pop("match", Match.OPTIONAL)
        return self._declare("PATCH", path, answers, 200, needs, writes=True, match=match, **more)

    def delete(self, path: str, *, needs: str, **more: Any) -> Callable[[Handler], Handler]:
        """Declare a deletion."""
        match = more.pop("match", Match.OPTIONAL)
        return self._declare("DELETE", path, None, 204, needs, writes=True, match=match, **more)

    def _declare(
        self, method: str, path: str, answers: type[Model] | None, status: int, needs: str, **more: Any
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            hints = get_type_hints(handler)
            named: dict[str, Any] = {"query": hints.get("query"), "body": hints.get("body")}
            made = Operation(method, path, handler.__name__, self.tag, handler, answers, status, needs, **named, **more)
            self.operations.append(made)
            return handler

        return register
