"""What another source of gems offers: by its compact index, or by the older lists where it has none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

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

from .compact import read_info
from .names import check_name, file_name
from .platforms import check_platform
from .remote_lists import read_list
from .versions import normalize, version_key

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LISTS = ("specs.4.8.gz", "prerelease_specs.4.8.gz")
_BEGINNING = {"Range": "bytes=0-63"}

Offer = tuple[str, str, Mapping[str, str]]
"""Version, platform (empty for ruby), and what the source says of the file."""


class GemSource(Upstream):
    """Read the indexes of a source; ``url`` is its address, with or without a slash at the end."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url.rstrip("/")
        self._http = http

    def probe(self) -> str:
        """Say what the source is."""
        return "gem source"

    def package(self, name: str) -> RemotePackage:
        """Give a package; raise NotFound and UpstreamFailed."""
        return RemotePackage(name, tuple(self._versions(name)))

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
        return RemoteFile(f"{self._url}/gems/{quote(filename)}", filename, digests)


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
