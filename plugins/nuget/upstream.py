"""What another NuGet server offers: by V3 where it has a service index, else by V2."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

from app.plugin import HttpClient, InvalidPackage, NotFound, RemoteFile, RemoteVersion, Upstream, UpstreamFailed

from .nuspec import Element, parse_xml
from .versions import check_id, normalize, parse, version_key

_HIVES = (
    "RegistrationsBaseUrl/3.6.0",
    "RegistrationsBaseUrl/Versioned",
    "RegistrationsBaseUrl/3.4.0",
    "RegistrationsBaseUrl",
)
_MOST_PAGES = 200


class NuGetServer(Upstream):
    """Read a server; ``url`` is that of its service index, or of its root, or of a V2 feed."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url.rstrip("/")
        self._http = http

    def versions(self, name: str) -> Sequence[RemoteVersion]:
        """Give every listed version of a package in ascending order; raise NotFound and UpstreamFailed."""
        check_id(name)
        index = self._url if self._url.endswith(".json") else f"{self._url}/v3/index.json"
        try:
            services = _mapping(self._http.get_json(index))
        except (NotFound, UpstreamFailed):
            if index == self._url:
                raise
            return self._by_v2(name)
        found = list(self._by_v3(name, index, services))
        return sorted(found, key=lambda each: version_key(each.version))

    def _by_v3(self, name: str, index: str, services: Mapping[str, Any]) -> Iterator[RemoteVersion]:
        kinds: dict[str, str] = {}
        for each in map(_mapping, _list(services.get("resources"))):
            kinds.setdefault(str(each.get("@type")), str(each.get("@id")))
        base = next((kinds[kind] for kind in _HIVES if kind in kinds), None)
        if base is None:
            raise UpstreamFailed(f"{index} names no registrations; it is no NuGet service index.")
        url = urljoin(index, base).rstrip("/") + f"/{name.lower()}/index.json"
        for part in map(_mapping, _list(_mapping(self._http.get_json(url)).get("items"))[:_MOST_PAGES]):
            leaves, at = part.get("items"), urljoin(url, str(part.get("@id", "")))
            if leaves is None:
                leaves = _mapping(self._http.get_json(at)).get("items")
            for leaf in map(_mapping, _list(leaves)):
                yield from _remote(name, leaf, url)

    def _by_v2(self, name: str) -> Sequence[RemoteVersion]:
        url: str | None = f"{self._url}/FindPackagesById()?id='{name}'&semVerLevel=2.0.0"
        found: list[RemoteVersion] = []
        for _ in range(_MOST_PAGES):
            if url is None:
                break
            try:
                feed = parse_xml(self._http.get_bytes(url))
            except InvalidPackage as error:
                raise UpstreamFailed(
                    f"{self._url} answered with something that is no V2 feed: {error.message}"
                ) from None
            found.extend(each for entry in feed.all("entry") for each in _entry(name, entry, url))
            following = next((link for link in feed.all("link") if link.attributes.get("rel") == "next"), None)
            url = None if following is None else urljoin(url, following.attributes.get("href", ""))
        if not found:
            raise NotFound(f"{self._url} has no package {name}.", code="unknown-package")
        return sorted(found, key=lambda each: version_key(each.version))


def _remote(name: str, leaf: Mapping[str, Any], url: str) -> Iterator[RemoteVersion]:
    entry = _mapping(leaf.get("catalogEntry"))
    version, content = entry.get("version"), leaf.get("packageContent") or entry.get("packageContent")
    if (
        not isinstance(version, str)
        or not isinstance(content, str)
        or entry.get("listed") is False
        or not _valid(version)
    ):
        return
    deprecation, published = _mapping(entry.get("deprecation")), entry.get("published")
    message = deprecation.get("message") or ", ".join(map(str, _list(deprecation.get("reasons"))))
    file = RemoteFile(urljoin(url, content), _filename(name, version), {})
    yield RemoteVersion(
        name,
        version,
        (file,),
        published if isinstance(published, str) else None,
        message if isinstance(message, str) else "",
    )


def _entry(name: str, entry: Element, url: str) -> Iterator[RemoteVersion]:
    facts = entry.one("properties")
    version = facts.one("Version").text
    source = urljoin(url, entry.one("content").attributes.get("src", ""))
    if not _valid(version) or facts.one("Published").text.startswith("1900"):
        return
    digests = {}
    if facts.one("PackageHashAlgorithm").text.upper() == "SHA512":
        try:
            digests = {"sha512": base64.b64decode(facts.one("PackageHash").text, validate=True).hex()}
        except (binascii.Error, ValueError):
            digests = {}
    file = RemoteFile(source, _filename(name, version), digests)
    yield RemoteVersion(name, version, (file,), facts.one("Published").text or None)


def _filename(name: str, version: str) -> str:
    return f"{name}.{normalize(version)}.nupkg".lower()


def _valid(version: str) -> bool:
    try:
        return bool(parse(version))
    except InvalidPackage:
        return False


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
