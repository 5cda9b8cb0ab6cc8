"""Turn the OpenAPI document into what a page shows of it: operations by resource, their fields, a curl for each."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """Show one parameter or one field of a schema; ``link`` is the schema of another thing."""

    name: str
    type: str
    link: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Show one status with which an operation may refuse, and why."""

    status: str
    description: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """Show one operation."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Entry, ...]
    takes: str
    gives: str
    statuses: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Part:
    """Show the operations on one kind of thing."""

    title: str
    description: str
    chapters: tuple[Chapter, ...]

    @property
    def anchor(self) -> str:
        """Give the part's place on the page."""
        return self.title.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Thing:
    """Show one schema: its fields, or the words that it may be."""

    name: str
    description: str
    fields: tuple[Entry, ...]
    words: tuple[str, ...]


def parts_of(document: Schema) -> list[Part]:
    """Give the operations by resource, in the order of the document."""
    found: dict[str, list[Chapter]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found[operation["tags"][0]].append(_chapter(document, path, method, operation))
    return [Part(tag["name"], tag["description"], tuple(found[tag["name"]])) for tag in document["tags"]]


def things_of(document: Schema) -> list[Thing]:
    """Give the schemas by name; those of lists are left out, since they all look alike."""
    schemas = document["components"]["schemas"].items()
    return [_thing(name, schema) for name, schema in sorted(schemas) if not name.endswith("List")]


def _thing(name: str, schema: Schema) -> Thing:
    required = schema.get("required", ())
    fields = tuple(_entry(field, about, field in required) for field, about in schema.get("properties", {}).items())
    return Thing(name, schema.get("description", ""), fields, tuple(schema.get("enum", ())))


def _entry(name: str, schema: Schema, required: bool, description: str = "") -> Entry:  # noqa: FBT001 - private
    text, link = _type(schema)
    return Entry(name, text, link, required, description or schema.get("description", ""))


def _type(schema: Schema) -> tuple[str, str]:
    """Say in a few words what a schema takes, and to which schema it refers, if to one."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return name, name
    if "anyOf" in schema:
        each = [_type(one) for one in schema["anyOf"]]
        return " or ".join(text for text, _ in each), next((link for _, link in each if link), "")
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"])), ""
    if schema.get("type") == "array":
        text, link = _type(schema.get("items", {}))
        return f"list of {text}", link
    kind = str(schema.get("type", "anything"))
    return (str(schema["format"]) if "format" in schema else kind), ""


def _chapter(document: Schema, path: str, method: str, operation: Schema) -> Chapter:
    answers = operation["responses"].items()
    good = {status: each for status, each in answers if "$ref" not in each}
    whys = document["components"]["responses"]
    body = _content(operation.get("requestBody", {}))
    return Chapter(
        operation["operationId"],
        method.upper(),
        path,
        operation["summary"],
        operation["description"],
        tuple(_parameter(each) for each in operation["parameters"]),
        _type(body["schema"])[0] if body else "",
        next((_given(each) for each in good.values() if "content" in each), ""),
        tuple(good),
        tuple(Refusal(status, whys[status]["description"]) for status, each in answers if "$ref" in each),
        _curl(document, path, method.upper(), operation, body.get("example")),
    )


def _parameter(parameter: Schema) -> Entry:
    where = {"path": "", "query": "", "header": " (header)"}[parameter["in"]]
    return _entry(parameter["name"] + where, parameter["schema"], parameter["required"], parameter["description"])


def _content(holder: Schema) -> Schema:
    content: Mapping[str, Schema] = holder.get("content", {})
    return next(iter(content.values()), {})


def _given(answer: Schema) -> str:
    schema = _content(answer)["schema"]
    return "bytes" if schema.get("format") == "binary" else _type(schema)[0]


def _curl(document: Schema, path: str, method: str, operation: Schema, example: object) -> str:
    """Give a command for a shell; ``$SERVER`` and ``$KEY`` are whoever's who runs it."""
    wanted = []
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(parameter["example"])))
        elif parameter["in"] == "query" and parameter["required"]:
            wanted.append(f"{parameter['name']}={_value(document, parameter)}")
    words = ["curl", *(("-X", method) if method not in ("GET", "POST") else ()), '-H "X-ApiKey: $KEY"']
    words += _headers(operation)
    if example is not None:
        words += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(example, ensure_ascii=False))}"]
    address = f'"$SERVER{document["servers"][0]["url"]}{path}{"?" if wanted else ""}{"&".join(wanted)}"'
    return " ".join([*words, address])


def _headers(operation: Schema) -> Iterator[str]:
    for parameter in operation["parameters"]:
        if parameter["name"] == "If-Match" and parameter["required"]:
            yield '-H "If-Match: $ETAG"'
        if parameter["name"] == "Idempotency-Key":
            yield '-H "Idempotency-Key: $(uuidgen)"'


def _value(document: Schema, parameter: Schema) -> str:
    schema = parameter["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    words = schema.get("enum")
    return str(words[0]) if words else "left"
