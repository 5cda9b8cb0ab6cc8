"""Describe the API as OpenAPI 3.1, from the declarations that also serve it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from flask import Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app import __version__
from app.web.api.v1.operations import OPERATIONS, PREFIX, Operation, blueprint, dump
from app.web.api.v1.schemas import Problem

TAGS = {
    "feeds": "Formats, feeds and their groups.",
    "packages": "What feeds hold.",
    "promotions": "Plan, promote, look up.",
    "people": "Users, sessions and groups.",
    "rights": "Tasks, grants, and who may what and why.",
    "keys": "API keys, what they were used for, and who is speaking.",
    "events": "Everything that was done.",
}
_REFUSALS = {
    400: "The request cannot mean anything here.",
    401: "Nobody known is speaking, or the credentials are wrong.",
    403: "A right is missing; permission, feed and granters say which, where, and who can give it.",
    404: "There is nothing of that name.",
    422: "The request is no instance of its schema; errors names each place by a JSON pointer.",
    429: "Too many wrong passwords; wait five minutes.",
}
_REFUSALS_OF_WRITES = {
    409: "It collides with what is there.",
    412: "Somebody changed it since it was read (If-Match).",
    413: "The body is too large.",
    415: "The body is no JSON, or in a coding that is not read.",
}
_KINDS = {int: {"type": "integer", "minimum": 1, "maximum": 2147483647}, str: {"type": "string"}}
_REF = "#/components/schemas/{model}"


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Answer with the description."""
    response = Response(dump(describe()), content_type="application/json")
    response.headers["Cache-Control"] = "no-cache"
    return response


@cache
def describe() -> dict[str, Any]:
    """Give the description as JSON values."""
    names, schemas = _schemas()
    paths: dict[str, Any] = {}
    for made in OPERATIONS:
        paths.setdefault(made.path, {})[made.method.lower()] = _operation(made, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Promontory",
            "version": __version__,
            "description": "Everything that the pages do. Lists are paged by cursors; refusals are problem+json with a "
            "stable code; an Idempotency-Key makes a creation happen once; If-Match keeps from overwriting.",
        },
        "servers": [{"url": PREFIX}],
        "security": [{"key": []}, {"basic": []}, {"bearer": []}, {}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-ApiKey"},
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "api and a key, or a user's name and password",
                },
                "bearer": {"type": "http", "scheme": "bearer", "description": "a key"},
            },
        },
    }


def _models() -> Iterator[tuple[type[BaseModel], Any]]:
    yield Problem, "serialization"
    for made in OPERATIONS:
        if made.answer is not None:
            yield made.answer, "serialization"
        for model in (made.body, made.query):
            if model is not None:
                yield model, "validation"


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    models = list(dict.fromkeys(_models()))
    references, found = models_json_schema(models, by_alias=True, ref_template=_REF)
    return dict(references), found.get("$defs", {})


def _operation(made: Operation, names: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": made.name,
        "tags": [made.tag],
        "summary": made.summary,
        "parameters": [*_path_parameters(made), *_query_parameters(made), *_header_parameters(made)],
        "responses": {str(made.status): _success(made, names), **_refusals(made, names)},
    }
    if made.description:
        described["description"] = made.description
    if made.body is not None:
        content = {"application/json": {"schema": names[made.body, "validation"]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _path_parameters(made: Operation) -> Iterator[dict[str, Any]]:
    for name, kind in made.parts.items():
        yield {"name": name, "in": "path", "required": True, "schema": _KINDS[kind]}


def _query_parameters(made: Operation) -> Iterator[dict[str, Any]]:
    if made.query is None:
        return
    schema = made.query.model_json_schema(by_alias=True, ref_template=_REF)
    for name, about in schema["properties"].items():
        parameter = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": about}
        if text := about.pop("description", ""):
            parameter["description"] = text
        yield parameter


def _header_parameters(made: Operation) -> Iterator[dict[str, Any]]:
    text = {"type": "string"}
    if made.status == 201:
        about = "Sent again with the same body within a day, the request is answered again and does nothing."
        schema = {**text, "maxLength": 200, "pattern": "^[!-~]+$"}
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema, "description": about}
    elif made.guarded:
        about = "The ETag of what was read; refused with 412 if it has changed."
        schema = {**text, "pattern": "^[!-~]+$"}
        yield {"name": "If-Match", "in": "header", "required": False, "schema": schema, "description": about}


def _success(made: Operation, names: dict[Any, Any]) -> dict[str, Any]:
    if made.answer is None:
        return {"description": "Done."}
    headers = {"Location" if made.status == 201 else "ETag": {"schema": {"type": "string"}}}
    content = {"application/json": {"schema": names[made.answer, "serialization"]}}
    return {"description": "Created." if made.status == 201 else "Found.", "headers": headers, "content": content}


def _refusals(made: Operation, names: dict[Any, Any]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": names[Problem, "serialization"]}}
    known = {**_REFUSALS, **(_REFUSALS_OF_WRITES if made.writes else {})}
    return {str(status): {"description": text, "content": content} for status, text in sorted(known.items())}
