"""A remote Universal feed: which versions it offers, where their files are, and their SHA-1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from app.plugin import (
    HttpClient,
    InvalidPackage,
    NotFound,
    RemoteFile,
    RemotePackage,
    RemoteVersion,
    Upstream,
    UpstreamFailed,
)

from .names import check_name, file_name, join_name, split_name
from .versions import version_key

_SHA1 = re.compile(r"[0-9a-f]{40}")


class UniversalUpstream(Upstream):
    """Ask another Universal feed, of this product or the vendor's."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url, self._http = url.rstrip("/"), http

    def probe(self) -> str:
        """Say what the source is."""
        return "Universal feed"

    def package(self, name: str) -> RemotePackage:
        """Give a package; raise NotFound and UpstreamFailed."""
        return RemotePackage(name, tuple(self._versions(name)))

    def _versions(self, name: str) -> Sequence[RemoteVersion]:
        """Give every version of a package, oldest first; raise NotFound for an unknown package."""
        found = sorted(self._offered(name), key=lambda version: version_key(version.version))
        if not found:
            raise NotFound(f"{self._url} offers no package {name!r}; check the name and the connector's address.")
        return found

    def _offered(self, name: str) -> Iterator[RemoteVersion]:
        group, bare = split_name(name)
        asked = {"group": group, "name": bare, "includeFileList": "False"}
        query = urlencode({key: value for key, value in asked.items() if value})
        answer = self._http.get_json(f"{self._url}/versions?{query}")
        items = answer if isinstance(answer, list) else [answer]
        yield from (self._version(item) for item in items)

    def _version(self, item: object) -> RemoteVersion:
        facts = item if isinstance(item, Mapping) else {}
        name, version = _text(facts, "name"), _text(facts, "version")
        try:
            full = check_name(join_name(_text(facts, "group"), name))
            version_key(version)
        except InvalidPackage:
            raise UpstreamFailed(f"{self._url} answers with what is no list of Universal versions.") from None
        path = quote(f"{full}/{version}", safe="/+")
        sha1 = _text(facts, "sha1").lower()
        digests = {"sha1": sha1} if _SHA1.fullmatch(sha1) else {}
        file = RemoteFile(f"{self._url}/download/{path}", file_name(full, version), digests)
        return RemoteVersion(full, version, (file,), _text(facts, "published") or None)


def _text(facts: Mapping[str, Any], member: str) -> str:
    value = facts.get(member)
    return value if isinstance(value, str) else ""
