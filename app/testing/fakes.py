"""A remote source held in memory, in place of a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from app.plugin import NotFound, UpstreamFailed

Place = tuple[str, tuple[tuple[str, str], ...]]


class FakeHttp:
    """Answer requests from a table of documents, by path and query, whatever the host.

    Behaves as the core's client does: what is not there is NotFound, what is no JSON is UpstreamFailed.
    """

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self._documents = {_place(address): body for address, body in documents.items()}

    def get_bytes(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Give a document; raise NotFound."""
        body = self._documents.get(_place(url))
        if body is None:
            raise NotFound(f"There is nothing at {url}; the kit's remote source does not offer it.")
        return body

    def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> object:
        """Give a JSON document; raise NotFound or UpstreamFailed."""
        try:
            return json.loads(self.get_bytes(url, headers))
        except (ValueError, RecursionError):
            raise UpstreamFailed(f"{url} did not answer with JSON; try again later.") from None


def _place(address: str) -> Place:
    parts = urlsplit(address)
    path = unquote(parts.path).strip("/")
    return path, tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))
