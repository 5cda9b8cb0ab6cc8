"""Write the OpenAPI 3.1 document of the declared operations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app import __version__
from app.web.api.v1.models import Problem
from app.web.api.v1.operations import JSON, PARAMETERS, Match, Operation, Resource

_LISTED = re.compile(r"Listed_(\w+?)_(?=\")")
_REF = "#/components/schemas/{model}"
_PROBLEM = "application/problem+json"
_ABOUT = """\
Everything that Promontory's pages do, for scripts.

Lists come in pages: `limit` says how many, `next` of the answer goes into `cursor` of the next request (a `Link`
header says the same). Refusals are `application/problem+json` with a stable `code`. One thing has an `ETag`; send it
as `If-Match` with a change, which some changes require. A create takes an `Idempotency-Key`: repeated within a day
with the same body it gives the same answer and does nothing twice.
"""
_SECURITY = {
    "key": {"type": "apiKey", "in": "header", "name": "X-ApiKey", "description": "An API key."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "basic": {"type": "http", "scheme": "basic", "description": "A user's name and password, or `api` and a key."},
}
_WHY = {
    400: "The request cannot mean anything here.",
    401: "Credentials are missing or wrong.",
    403: "A right is missing; `permission`, `feed` and `granters` say which, where, and who can grant it.",
    404: "There is no such thing, or none that the caller may know of.",
    409: "The change collides with what is there, or with another one at this moment.",
    412: "It was changed since the ETag in If-Match.",
    413: "The body is too large.",
    415: "The body is no JSON, or in a coding that is not read.",
    416: "There is no such range.",
    422: "The body or query does not fit the schema: `errors` names each field; or the Idempotency-Key was used.",
    428: "If-Match is missing.",
    429: "Too many wrong passwords.",
    500: "A fault of the server.",
    503: "The database does not answer right now.",
    507: "The server's disk is full.",
}
_ETAG = {"description": "The entity tag, for If-Match and If-None-Match.", "schema": {"type": "string"}}


def describe(resources: Sequence[Resource], operations: Sequence[Operation]) -> dict[str, Any]:
    """Give the whole document."""
    references, schemas = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Promontory", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/api/v1"}],
        "tags": [{"name": each.tag, "description": each.description} for each in resources],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": _SECURITY,
            "responses": {str(status): _refusal(status) for status in _WHY},
        },
        "security": [{name: []} for name in _SECURITY],
    }


References = Mapping[tuple[type[BaseModel], str], Any]
"""The schema of a model, for taking it or for giving it: a reference, or for queries the schema itself."""


def _schemas(operations: Sequence[Operation]) -> tuple[References, dict[str, Any]]:
    given = {operation.answers for operation in operations if operation.answers} | {Problem}
    bodies = {operation.body for operation in operations if operation.body}
    queries = {operation.query for operation in operations if operation.query}
    wanted = [(model, "serialization") for model in given] + [(model, "validation") for model in bodies | queries]
    wanted.sort(key=lambda each: (each[0].__name__, each[1]))
    references, made = models_json_schema(wanted, by_alias=True, ref_template=_REF)  # type: ignore[arg-type]
    definitions = _listed({name: _clean(each) for name, each in made["$defs"].items()})
    found: dict[tuple[type[BaseModel], str], Any] = {}
    for key in wanted:
        reference = _listed(references[key])  # type: ignore[index]
        found[key] = definitions.pop(_name_of(reference)) if key[0] in queries else reference
    return found, definitions


def _listed(schema: Any) -> Any:
    """Call the schemas of lists what they are: FeedList, not Listed_Feed_."""
    return json.loads(_LISTED.sub(r"\1List", json.dumps(schema)))


def _name_of(reference: Any) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _clean(schema: Any) -> Any:
    """Drop titles that only repeat names, and defaults that stand for being left out."""
    if isinstance(schema, list):
        return [_clean(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for name, value in schema.items():
        if (name == "title" and isinstance(value, str)) or (name == "default" and value is None):
            continue
        kept[name] = {key: _clean(each) for key, each in value.items()} if name == "properties" else _clean(value)
    return kept


def _operation(operation: Operation, references: References) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nNeeds: {operation.needs}.".strip(),
        "parameters": [*_in_address(operation), *_in_query(operation, references), *_headers(operation)],
        "responses": _responses(operation, references),
    }
    if not operation.writes:
        described["security"] = [{}, *({name: []} for name in _SECURITY)]
    if operation.body is not None:
        content = {"schema": references[operation.body, "validation"]}
        if "body" in operation.examples:
            content["example"] = operation.examples["body"]
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _in_address(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in operation.names:
        about = PARAMETERS[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": about.description,
            "schema": dict(about.schema),
            "example": about.example,
        }


def _in_query(operation: Operation, references: References) -> Iterator[dict[str, Any]]:
    if operation.query is None:
        return
    schema = references[operation.query, "validation"]
    for name, field in schema["properties"].items():
        given = {key: value for key, value in field.items() if key != "description"}
        wanted = name in schema.get("required", ())
        yield {
            "name": name,
            "in": "query",
            "required": wanted,
            "description": field.get("description", ""),
            "schema": given,
        }


def _headers(operation: Operation) -> Iterator[dict[str, Any]]:
    text = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
    if operation.match is not Match.NONE:
        required = operation.match is Match.REQUIRED
        yield _header("If-Match", "The ETag of what is to change.", {"type": "string"}, required=required)
    if operation.method == "GET" and operation.single:
        yield _header("If-None-Match", "The ETag of what the caller has.", {"type": "string"})
    if operation.repeatable:
        yield _header("Idempotency-Key", "Any text that names this one request, like a UUID.", text)


def _header(name: str, description: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _responses(operation: Operation, references: References) -> dict[str, Any]:
    done: dict[str, Any] = {}
    if operation.answers is not None:
        content: dict[str, Any] = {"schema": references[operation.answers, "serialization"]}
        done["content"] = {"application/json": content}
        done["headers"] = _answer_headers(operation)
    elif operation.media != JSON:
        done["content"] = {operation.media: {"schema": {"type": "string", "format": "binary"}}}
        done["headers"] = {"ETag": _ETAG}
    found = {str(status): {**done, "description": HTTPStatus(status).phrase} for status in operation.statuses}
    if operation.media != JSON:
        found["206"] = {**done, "description": "The range that was asked for."}
    if operation.method == "GET" and (operation.single or operation.media != JSON):
        found["304"] = {"description": "The caller has it already.", "headers": {"ETag": _ETAG}}
    return {
        **found,
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(operation.refusals)},
    }


def _answer_headers(operation: Operation) -> dict[str, Any]:
    if not operation.single:
        return {"Link": {"description": 'The next page, as rel="next".', "schema": {"type": "string"}}}
    found: dict[str, Any] = {"ETag": _ETAG}
    if operation.status == 201:
        found["Location"] = {"description": "Where the new thing is.", "schema": {"type": "string"}}
    return found


def _refusal(status: int) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": "code",
        "status": status,
        "detail": "What is wrong, and the way out.",
        "code": "code",
    }
    content = {"schema": {"$ref": _REF.format(model="Problem")}, "example": example}
    return {"description": _WHY[status], "content": {_PROBLEM: content}}
