"""What another source of gems offers, read from its compact index.

A source that has only the older index, a list in Ruby's Marshal, is not read: Marshal is for whoever trusts its
author, and every server of gems in use writes the compact index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from app.plugin import HttpClient, InvalidPackage, RemoteFile, RemoteVersion, Upstream, UpstreamFailed

from .compact import read_info
from .names import check_name, file_name
from .platforms import check_platform
from .versions import normalize, version_key

_SHA256 = re.compile(r"[0-9a-f]{64}")


class GemSource(Upstream):
    """Read the compact index of a source; ``url`` is its address, with or without a slash at the end."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url.rstrip("/")
        self._http = http

    def versions(self, name: str) -> Sequence[RemoteVersion]:
        """Give every version of a gem in ascending order, each with a file for each of its platforms.

        A wholly yanked gem has none. Raises NotFound and UpstreamFailed.
        """
        files: dict[str, list[RemoteFile]] = {}
        published: dict[str, str] = {}
        for version, platform, facts in _usable(self._info(check_name(name))):
            files.setdefault(version, []).append(self._file(name, version, platform, facts))
            published.setdefault(version, facts.get("created_at", ""))
        return [
            RemoteVersion(name, version, tuple(files[version]), published[version] or None)
            for version in sorted(files, key=version_key)
        ]

    def _info(self, name: str) -> str:
        data = self._http.get_bytes(f"{self._url}/info/{quote(name)}")
        if not data.startswith(b"---\n"):
            raise UpstreamFailed(f"{self._url} answered with something that is no list of versions of {name}.")
        return data.decode("utf-8", "replace")

    def _file(self, name: str, version: str, platform: str, facts: Mapping[str, str]) -> RemoteFile:
        filename = file_name(name, version, platform)
        return RemoteFile(f"{self._url}/gems/{quote(filename)}", filename, {"sha256": facts["checksum"]})


def _usable(text: str) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Give the lines of an ``info`` that speak of a gem with a checksum; what is malformed is left out."""
    for version, platform, facts in read_info(text):
        try:
            if platform:
                check_platform(platform)
            if _SHA256.fullmatch(facts.get("checksum", "")):
                version_key(version)
                yield normalize(version), platform, facts
        except InvalidPackage:
            continue
