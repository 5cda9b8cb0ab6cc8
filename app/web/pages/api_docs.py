"""The description of our own API, to read: made from the OpenAPI document, without anything from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, url_for

from app.web.api.v1.document import TAGS, describe
from app.web.api.v1.operations import PREFIX

blueprint = Blueprint("api_docs", __name__, url_prefix="/docs")


@dataclass(frozen=True, slots=True)
class Parameter:
    """Be a parameter as people read it."""

    name: str
    place: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Described:
    """Be an operation as people read it; ``body`` and ``answer`` name schemas."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: str
    answer: str
    status: str
    refusals: tuple[tuple[str, str], ...]
    example: str


@dataclass(frozen=True, slots=True)
class Shape:
    """Be a schema as people read it."""

    name: str
    description: str
    members: tuple[Parameter, ...]


@blueprint.get("/api")
def show() -> str:
    """Show the API: how to call it, every operation, every schema."""
    document = describe()
    operations = list(_operations(document))
    groups = [(tag, text, [each for each in operations if each[0] == tag]) for tag, text in TAGS.items()]
    return render_template(
        "api_docs.html",
        groups=[(tag, text, [each for _, each in found]) for tag, text, found in groups],
        shapes=[_shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items())],
        prefix=PREFIX,
        openapi=url_for("api_v1.openapi"),
    )


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Described]]:
    for path, methods in document["paths"].items():
        for method, about in methods.items():
            status, success = next(iter(about["responses"].items()))
            body = about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            answer = success.get("content", {}).get("application/json", {}).get("schema", {})
            described = Described(
                about["operationId"],
                method.upper(),
                path,
                about["summary"],
                about.get("description", ""),
                tuple(
                    Parameter(
                        each["name"], each["in"], type_of(each["schema"]), each["required"], each.get("description", "")
                    )
                    for each in about["parameters"]
                ),
                type_of(body) if body else "",
                type_of(answer) if answer else "",
                status,
                tuple((code, each["description"]) for code, each in list(about["responses"].items())[1:]),
                _example(document, method.upper(), path, about, body),
            )
            yield about["tags"][0], described


def type_of(schema: Mapping[str, Any]) -> str:
    """Name a schema in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(type_of(each) for each in schema["anyOf"])
    if "enum" in schema:
        values = [str(value) for value in schema["enum"]]
        return " | ".join(values) if len(values) <= 8 else "one of its values"
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("const") or schema.get("type") or "any value")


def _shape(name: str, schema: Mapping[str, Any]) -> Shape:
    required = schema.get("required", ())
    members = tuple(
        Parameter(member, "", type_of(about), member in required, about.get("description", ""))
        for member, about in schema.get("properties", {}).items()
    )
    return Shape(name, schema.get("description", ""), members)


_SAMPLES = {"feed": "npm-dev", "package": "left-pad", "version": "1.3.0", "tag": "next", "name": "ann", "number": "1"}


def _example(
    document: Mapping[str, Any], method: str, path: str, about: Mapping[str, Any], body: Mapping[str, Any]
) -> str:
    query = "&".join(
        f"{each['name']}={_SAMPLES.get(each['name'], 'user' if each['name'] == 'kind' else 'Feeds_AddPackage')}"
        for each in about["parameters"]
        if each["in"] == "query" and each["required"]
    )
    where = path.replace("{feed}", "npm-dev").replace("{name}", "ann").replace("{number}", "1")
    words = ["curl", *(["-X", method] if method != "GET" else []), "-H 'X-ApiKey: <key>'"]
    if body:
        schema = document["components"]["schemas"][type_of(body)]
        sample = {name: _sample(name, schema["properties"][name]) for name in schema.get("required", ())}
        words += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(sample)}'"]
    return " ".join([*words, f"'<server>{PREFIX}{where}{'?' if query else ''}{query}'"])


def _sample(name: str, schema: Mapping[str, Any]) -> Any:
    if name == "items":
        return [{"package": "left-pad", "version": "1.3.0"}]
    known = {"source": "npm-dev", "target": "npm-prod", "format": "npm", "task": "Promote Packages", "type": "personal"}
    if schema.get("type") == "array":
        return ["Feeds_ViewFeed"]
    return {**_SAMPLES, **known}.get(name, "...")
