"""``npm search``: the feed's own search in the shape of the npm registry's ``/-/v1/search``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.plugin import Invalid
from app.plugin.web import PackageSummary, Response, Routes, ServedFeed, json_error, json_response

from .package_json import person
from .packument import iso

MOST = 250
_NO_SCORE = {"final": 1, "detail": {"quality": 1, "popularity": 1, "maintenance": 1}}

routes = Routes(error=json_error)


@dataclass(frozen=True, slots=True)
class Query:
    """Hold a search: the words to find, and a scope where only its packages are wanted."""

    words: str
    scope: str | None = None


def read_query(text: str) -> Query:
    """Take npm's qualifiers out of a search text: ``scope:`` and ``keywords:`` count, the others are dropped.

    >>> read_query("scope:acme keywords:http client not:unstable")
    Query(words='http client', scope='@acme')
    """
    words, scope = [], None
    for word in text.split():
        qualifier, colon, value = word.partition(":")
        if not colon:
            words.append(word)
        elif qualifier == "scope" and value:
            scope = f"@{value.removeprefix('@')}"
        elif qualifier == "keywords" and value:
            words.append(value.replace(",", " "))
    return Query(" ".join(words), scope)


@routes.get("/-/v1/search")
def search(feed: ServedFeed) -> Response:
    """Answer with packages; ``size`` at most 250, ``from`` skips."""
    arguments = feed.request.args
    query = read_query(arguments.get("text", ""))
    page = feed.search(
        query.words,
        group=query.scope,
        offset=_count(arguments.get("from", "0")),
        limit=min(_count(arguments.get("size", "20")), MOST),
    )
    found = [found_object(each) for each in page.items]
    return json_response({"objects": found, "total": page.total, "time": iso(datetime.now(UTC))})


def found_object(summary: PackageSummary) -> dict[str, Any]:
    """Give one line of an answer; npm's client needs ``maintainers`` and ``publisher``."""
    manifest = summary.manifest
    author = person(manifest.data.get("package", {}).get("author"))
    package = {
        "name": summary.name,
        "version": summary.latest,
        "description": summary.description,
        "keywords": list(manifest.keywords),
        "date": iso(summary.published),
        "links": dict(manifest.links),
        "author": author or {"name": manifest.authors},
        "publisher": {"username": "", "email": ""},
        "maintainers": [],
    }
    return {"package": package, "score": _NO_SCORE, "searchScore": 1}


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    raise Invalid(f"{text[:50]!r} is no count; 'from' and 'size' are whole numbers.")
