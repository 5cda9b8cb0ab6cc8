"""A remote Universal feed: which versions it offers, where their files are, and their SHA-1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from app.plugin import (
    HttpClient,
    InvalidPackage,
    Manifest,
    NotFound,
    RemoteFile,
    RemoteLine,
    RemotePackage,
    RemotePage,
    RemoteVersion,
    Upstream,
    UpstreamFailed,
)

from .manifest import read_manifest
from .names import check_name, file_name, join_name, split_name
from .versions import version_key

_SHA1 = re.compile(r"[0-9a-f]{40}")


# What a feed adds to the members of a package's own manifest.
_OF_FEED = frozenset(
    "downloads published size sha1 sha256 sha512 md5 isLocal isCached isVirtual fileList latestVersion versions".split()  # noqa: SIM905 - a list of it is longer
)
_PAGE = 1000


class UniversalUpstream(Upstream):
    """Ask another Universal feed, of this product or the vendor's."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url, self._http = url.rstrip("/"), http

    def probe(self) -> str:
        """Ask the feed what it is; one that does not say lists its versions at least."""
        try:
            answer = self._http.get_json(f"{self._url}/meta")
        except NotFound:
            answer = None
        if not isinstance(answer, dict) or "apiVersion" not in answer:
            answer = self._http.get_json(f"{self._url}/packages?count=1")
            if not isinstance(answer, list):
                raise UpstreamFailed(f"{self._url} does not answer as a Universal feed; check its address.")
        return "Universal feed"

    def package(self, name: str) -> RemotePackage:
        """Give a package with every version; raise NotFound."""
        found = sorted(self._offered(name), key=lambda version: version_key(version.version))
        if not found:
            raise NotFound(f"{self._url} offers no package {name!r}; check the name and the connector's address.")
        return RemotePackage(found[-1].name, tuple(found))

    def search(self, text: str, *, prerelease: bool = True, offset: int = 0, limit: int = 20) -> RemotePage:
        """Give what the feed finds; it has no pages, so the beginning is read again for each."""
        asked = {"term": text} if text else {}
        query = urlencode({**asked, "count": min(offset + limit, _PAGE)})
        answer = self._http.get_json(f"{self._url}/{'search' if text else 'packages'}?{query}")
        if not isinstance(answer, list):
            raise UpstreamFailed(f"{self._url} answers a search with what is no list.")
        lines = [line for item in answer if (line := self._line(item)) is not None]
        return RemotePage(tuple(lines[offset : offset + limit]))

    def names(self) -> Iterator[str]:
        """Give the name of every package that the feed lists; it lists a bounded number."""
        yield from (line.name for line in self.search("", limit=_PAGE).items)

    def _line(self, item: object) -> RemoteLine | None:
        facts = item if isinstance(item, Mapping) else {}
        latest = _text(facts, "latestVersion")
        try:
            name = check_name(join_name(_text(facts, "group"), _text(facts, "name")))
            version_key(latest)
        except InvalidPackage:
            return None
        described = _text(facts, "shortDescription") or _text(facts, "description") or _text(facts, "title")
        downloads = facts.get("downloads")
        return RemoteLine(name, latest, described[:1000], downloads=downloads if isinstance(downloads, int) else None)

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
        sha1, size = _text(facts, "sha1").lower(), facts.get("size")
        file = RemoteFile(
            f"{self._url}/download/{path}",
            file_name(full, version),
            {"sha1": sha1} if _SHA1.fullmatch(sha1) else {},
            size=size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 1 << 60 else None,
            manifest=_manifest(facts),
        )
        return RemoteVersion(full, version, (file,), _text(facts, "published") or None)


def _manifest(facts: Mapping[str, Any]) -> Manifest | None:
    """Give what the feed repeats of the package's own manifest, or None where that breaks the format's rules."""
    own = {key: value for key, value in facts.items() if key not in _OF_FEED and value not in (None, "", [])}
    try:
        return read_manifest(own)
    except InvalidPackage:
        return None


def _text(facts: Mapping[str, Any], member: str) -> str:
    value = facts.get(member)
    return value if isinstance(value, str) else ""
