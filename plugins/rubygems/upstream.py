"""What another gem server offers, by its compact index."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from app.plugin import HttpClient, InvalidPackage, RemoteFile, RemoteVersion, Upstream, UpstreamFailed

from .names import check_name, full_name
from .versions import clean, version_key

_CHECKSUM = re.compile(r"(?:^|,)checksum:([0-9a-f]{64})(?:,|$)")
_CREATED = re.compile(r"(?:^|,)created_at:([0-9TZ:.+-]+)(?:,|$)")


class RubyGemsServer(Upstream):
    """Read the compact index of a server; ``url`` is its address, with or without a slash at the end.

    A server that knows nothing but the older lists is not read: they would have to be unmarshalled.
    """

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url.rstrip("/")
        self._http = http

    def versions(self, name: str) -> Sequence[RemoteVersion]:
        """Give every version of a gem in ascending order; raise NotFound and UpstreamFailed."""
        body = self._http.get_bytes(f"{self._url}/info/{check_name(name)}")
        try:
            head, _, lines = body.decode().partition("---\n")
        except UnicodeDecodeError:
            head, lines = "?", ""
        if head:
            raise UpstreamFailed(f"{self._url} answered with something that is no compact index of {name}.")
        return list(remote_versions(name, lines, self._url))


def remote_versions(name: str, lines: str, url: str) -> Iterator[RemoteVersion]:
    """Give the versions in a gem's ``info``, all platforms of one together; what is malformed is left out."""
    found = sorted(_files(name, lines, url), key=lambda each: (each[0], each[1]))
    for _, group in groupby(found, key=lambda each: each[0]):
        files = list(group)
        yield RemoteVersion(name, files[0][1], tuple(file for _, _, file, _ in files), files[0][3])


def _files(name: str, lines: str, url: str) -> Iterator[tuple[str, str, RemoteFile, str | None]]:
    for line in lines.splitlines():
        number, _, rest = line.partition(" ")
        version, _, platform = number.partition("-")
        facts = rest.rpartition("|")[2]
        checksum, created = _CHECKSUM.search(facts), _CREATED.search(facts)
        try:
            key = version_key(version)
        except InvalidPackage:
            continue
        filename = f"{full_name(name, clean(version), platform)}.gem"
        digests = {"sha256": checksum[1]} if checksum else {}
        yield key, version, RemoteFile(f"{url}/gems/{filename}", filename, digests), created[1] if created else None
