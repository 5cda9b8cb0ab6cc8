"""What another source of gems offers: by its compact index, or by the older lists where it has none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from app.plugin import (
    HttpClient,
    InvalidPackage,
    Manifest,
    NotFound,
    NotOffered,
    RemoteFile,
    RemoteLine,
    RemotePackage,
    RemotePage,
    RemoteVersion,
    Upstream,
    UpstreamFailed,
)

from .compact import read_info, read_needs, read_versions
from .names import check_name, file_name
from .platforms import RUBY, check_platform
from .remote_lists import read_list
from .requirements import ANY
from .versions import is_prerelease, normalize, version_key

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LISTS = ("specs.4.8.gz", "prerelease_specs.4.8.gz")
_PER_PAGE = 30
_BEGINNING = {"Range": "bytes=0-63"}

Offer = tuple[str, str, Mapping[str, str]]
"""Version, platform (empty for ruby), and what the source says of the file."""


class GemSource(Upstream):
    """Read the indexes of a source; ``url`` is its address, with or without a slash at the end."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url.rstrip("/")
        self._http = http

    def probe(self) -> str:
        """Ask for the beginning of the compact index, else for the older lists."""
        if self._has_compact_index():
            return "RubyGems (compact index)"
        url = f"{self._url}/{_LISTS[1]}"
        try:
            read_list(self._http.get_bytes(url), url)
        except NotFound:
            raise UpstreamFailed(f"{self._url} does not answer as a source of gems; check its address.") from None
        return "RubyGems (older index)"

    def package(self, name: str) -> RemotePackage:
        """Give a package; raise NotFound and UpstreamFailed."""
        return RemotePackage(name, tuple(self._versions(name)))

    def search(self, text: str, *, prerelease: bool = True, offset: int = 0, limit: int = 20) -> RemotePage:
        """Give what the source's search finds; where it has none, the names that hold the text."""
        query = urlencode({"query": text, "page": offset // _PER_PAGE + 1})
        try:
            answer = self._http.get_json(f"{self._url}/api/v1/search.json?{query}")
        except NotFound:
            return self._search_names(text, offset, limit)
        if not isinstance(answer, list):
            raise UpstreamFailed(f"{self._url} answers a search with what is no list.")
        lines = [line for each in answer if (line := _line(each)) is not None]
        start = offset % _PER_PAGE
        return RemotePage(tuple(lines[start : start + limit]))

    def _search_names(self, text: str, offset: int, limit: int) -> RemotePage:
        words = text.lower().split()
        found = sorted(
            (name for name in self.names() if all(word in name.lower() for word in words)),
            key=lambda name: (name.lower() != text.lower(), name),
        )
        lines = (self._newest(name) for name in found[offset : offset + limit])
        return RemotePage(tuple(line for line in lines if line is not None), len(found))

    def _newest(self, name: str) -> RemoteLine | None:
        try:
            found = self._versions(name)
        except (NotFound, InvalidPackage):
            return None
        stable = [each for each in found if not is_prerelease(each.version)]
        newest = (stable or list(found))[-1:]
        return RemoteLine(name, newest[0].version, published=newest[0].published) if newest else None

    def names(self) -> Iterator[str]:
        """Give the name of every gem."""
        try:
            text = self._http.get_bytes(f"{self._url}/names").decode("utf-8", "replace")
            yield from filter(None, text.partition("---\n")[2].splitlines())
        except NotFound:
            url = f"{self._url}/{_LISTS[0]}"
            yield from sorted({each[0] for each in read_list(self._http.get_bytes(url), url)})

    def journal(self) -> Iterator[tuple[str, str]]:
        """Give the lines of the source's list of changes, each with its gem; raise NotOffered where it has none."""
        try:
            text = self._http.get_bytes(f"{self._url}/versions").decode("utf-8", "replace")
        except NotFound:
            raise NotOffered(f"{self._url} has no compact index.") from None
        yield from read_versions(text)

    def _versions(self, name: str) -> Sequence[RemoteVersion]:
        """Give every version of a gem in ascending order, each with a file for each of its platforms.

        A wholly yanked gem has none. The older lists say no digests. Raises NotFound and UpstreamFailed.
        """
        files: dict[str, list[RemoteFile]] = {}
        published: dict[str, str] = {}
        for version, platform, facts in _usable(self._offers(check_name(name))):
            files.setdefault(version, []).append(self._file(name, version, platform, facts))
            published.setdefault(version, facts.get("created_at", ""))
        return [
            RemoteVersion(name, version, tuple(files[version]), published[version] or None)
            for version in sorted(files, key=version_key)
        ]

    def _offers(self, name: str) -> Iterable[Offer]:
        try:
            data = self._http.get_bytes(f"{self._url}/info/{quote(name)}")
        except NotFound:
            if self._has_compact_index():
                raise
            return self._listed(name)
        if not data.startswith(b"---\n"):
            raise UpstreamFailed(f"{self._url} answered with something that is no list of versions of {name}.")
        # Without a digest it is no line of a compact index.
        return [each for each in read_info(data.decode("utf-8", "replace")) if "checksum" in each[2]]

    def _has_compact_index(self) -> bool:
        """Tell whether a source has a compact index; the beginning of its list of changes is enough."""
        try:
            self._http.get_bytes(f"{self._url}/versions", _BEGINNING)
        except NotFound:
            return False
        return True

    def _listed(self, name: str) -> Sequence[Offer]:
        """Give what the older lists hold of a gem; raise NotFound where that is nothing."""
        urls = [f"{self._url}/{path}" for path in _LISTS]
        found = [each for url in urls for each in read_list(self._http.get_bytes(url), url) if each[0] == name]
        if not found:
            raise NotFound(f"{self._url} offers no gem {name!r}; check the name and the connector's address.")
        return [(version, platform, {}) for _, version, platform in found]

    def _file(self, name: str, version: str, platform: str, facts: Mapping[str, str]) -> RemoteFile:
        filename = file_name(name, version, platform)
        digests = {"sha256": facts["checksum"]} if facts else {}
        manifest = _manifest(name, version, platform, facts) if facts else None
        url = f"{self._url}/gems/{quote(filename)}"
        return RemoteFile(url, filename, digests, platform, manifest=manifest)


def _manifest(name: str, version: str, platform: str, facts: Mapping[str, str]) -> Manifest | None:
    """Give what a line of the index says of a gem, with nothing where only the gem itself would say more."""
    try:
        needs = tuple(read_needs(facts.get("needs", "")))
        for need in needs:
            check_name(need.name)
    except InvalidPackage:
        return None
    data: dict[str, Any] = {
        "platform": platform or RUBY,
        "ruby": _requirement(facts.get("ruby", "")),
        "rubygems": _requirement(facts.get("rubygems", "")),
        "rubygems_version": "0",
        "date": facts.get("created_at", "")[:10],
        "homepage": "",
        "email": None,
        **dict.fromkeys(("summary", "description"), ""),
        **{key: [] for key in ("authors", "licenses", "executables", "extensions", "requirements")},
        "metadata": {},
    }
    return Manifest(
        name,
        version,
        platform,
        dependencies=needs,
        data=data,
        facets=(f"platform={(platform or RUBY).lower()}",),
    )


def _requirement(text: str) -> str:
    return ", ".join(part for part in text.split("&") if part) or ANY


def _line(found: object) -> RemoteLine | None:
    facts = found if isinstance(found, dict) else {}
    name, version, info = facts.get("name"), facts.get("version"), facts.get("info")
    try:
        check_name(name if isinstance(name, str) else "")
        version_key(version if isinstance(version, str) else "")
    except InvalidPackage:
        return None
    downloads = facts.get("downloads")
    return RemoteLine(
        str(name),
        str(version),
        info[:1000] if isinstance(info, str) else "",
        downloads=downloads if isinstance(downloads, int) else None,
    )


def _usable(offers: Iterable[Offer]) -> Iterator[Offer]:
    """Give the offers that speak of a gem that there can be; what is malformed is left out."""
    for version, platform, facts in offers:
        try:
            if platform:
                check_platform(platform)
            if _SHA256.fullmatch(facts.get("checksum", "0" * 64)):
                version_key(version)
                yield normalize(version), platform, facts
        except InvalidPackage:
            continue
