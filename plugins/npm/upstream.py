"""What another npm registry offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urljoin

from app.plugin import (
    HttpClient,
    Invalid,
    InvalidPackage,
    RemoteFile,
    RemotePackage,
    RemoteVersion,
    Upstream,
    UpstreamFailed,
)

from .claims import declared_digests
from .names import check_name, tarball_name
from .versions import version_key


class NpmRegistry(Upstream):
    """Read packuments of a registry; ``url`` is its address, with or without a slash at the end."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url.rstrip("/")
        self._http = http

    def probe(self) -> str:
        """Say what the source is."""
        return "npm registry"

    def package(self, name: str) -> RemotePackage:
        """Give a package; raise NotFound and UpstreamFailed."""
        return RemotePackage(name, tuple(self._versions(name)))

    def _versions(self, name: str) -> Sequence[RemoteVersion]:
        """Give every version of a package in ascending order; raise NotFound and UpstreamFailed.

        The full packument is read, because only that says when a version was published.
        """
        url = self._url + packument_path(name)
        document = self._http.get_json(url, {"Accept": "application/json"})
        if not isinstance(document, dict) or document.get("name") != name:
            raise UpstreamFailed(f"{self._url} answered with something that is no packument of {name}.")
        return sorted(remote_versions(document, url), key=lambda version: version_key(version.version))


def packument_path(name: str) -> str:
    """Give the path of a package's document below a registry; the scope's slash is encoded, as npm does."""
    return "/" + quote(check_name(name), safe="@~")


def remote_versions(document: Mapping[str, Any], url: str) -> Iterator[RemoteVersion]:
    """Give the versions in a packument; what is malformed is left out.

    ``url`` is where the packument came from: addresses of tarballs may be relative to it.
    """
    versions, times = _mapping(document.get("versions")), _mapping(document.get("time"))
    for version, package in versions.items():
        dist = _mapping(_mapping(package).get("dist"))
        if not isinstance(dist.get("tarball"), str) or not _is_version(version):
            continue
        try:
            digests = dict(declared_digests(dist))
        except Invalid:
            continue
        published, message = times.get(version), package.get("deprecated")
        file = RemoteFile(urljoin(url, dist["tarball"]), tarball_name(document["name"], version), digests)
        yield RemoteVersion(
            document["name"],
            version,
            (file,),
            published if isinstance(published, str) else None,
            message if isinstance(message, str) else "",
        )


def _is_version(text: str) -> bool:
    try:
        return bool(version_key(text))
    except InvalidPackage:
        return False


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
