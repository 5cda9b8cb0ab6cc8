"""What another NuGet source offers: over V3 its registrations, over V2 its list of one id."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urljoin

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

from . import safe_xml
from .names import check_id, file_name, id_key
from .safe_xml import Element
from .versions import in_address, version_key

_REGISTRATIONS = (
    "RegistrationsBaseUrl/Versioned",
    "RegistrationsBaseUrl/3.6.0",
    "RegistrationsBaseUrl/3.4.0",
    "RegistrationsBaseUrl/3.0.0-rc",
    "RegistrationsBaseUrl/3.0.0-beta",
    "RegistrationsBaseUrl",
)
_FLAT = "PackageBaseAddress/3.0.0"
_INDEX = "v3/index.json"
_MAX_PAGES = 500
_MAX_ATOM = 16 << 20


class NuGetSource(Upstream):
    """Read another source; ``url`` is its service index, the feed that has one, or the root of V2."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url.rstrip("/")
        self._http = http

    def probe(self) -> str:
        """Say what the source is."""
        return "NuGet source"

    def package(self, name: str) -> RemotePackage:
        """Give a package; raise NotFound and UpstreamFailed."""
        return RemotePackage(name, tuple(self._versions(name)))

    def _versions(self, name: str) -> Sequence[RemoteVersion]:
        """Give every version of a package, oldest first; raise NotFound and UpstreamFailed."""
        resources = self._resources()
        found = list(self._over_v2(name) if resources is None else self._over_v3(name, resources))
        if not found:
            raise NotFound(f"{self._url} offers no package {name!r}; check the name and the connector's address.")
        # A source that names a version twice is taken at its first word.
        by_key = {version_key(each.version): each for each in reversed(found)}
        return [by_key[key] for key in sorted(by_key)]

    # V3 -------------------------------------------------------------------------------------------

    def _resources(self) -> Mapping[str, str] | None:
        """Give the addresses of a source's resources by type, or None where it speaks V2 only."""
        if self._url.endswith(".json"):
            return self._read_index(self._url)
        try:
            return self._read_index(f"{self._url}/{_INDEX}")
        except NotFound:
            return None

    def _read_index(self, url: str) -> Mapping[str, str]:
        listed = _list(_mapping(self._http.get_json(url)).get("resources"))
        if not listed:
            raise UpstreamFailed(f"{url} is no service index of NuGet; check the connector's address.")
        found: dict[str, str] = {}
        for each in map(_mapping, listed):
            if isinstance(each.get("@id"), str):
                # A type may be one text or several.
                for type in [each.get("@type")] if isinstance(each.get("@type"), str) else _list(each.get("@type")):
                    found.setdefault(str(type), urljoin(url, each["@id"]))
        return found

    def _over_v3(self, name: str, resources: Mapping[str, str]) -> Iterator[RemoteVersion]:
        base = next((resources[type] for type in _REGISTRATIONS if type in resources), None)
        if base is not None:
            return self._registered(name, base)
        if _FLAT in resources:
            return self._flat(name, resources[_FLAT])
        raise UpstreamFailed(f"{self._url} lists neither registrations nor package contents.")

    def _registered(self, name: str, base: str) -> Iterator[RemoteVersion]:
        url = f"{base.rstrip('/')}/{quote(id_key(name))}/index.json"
        pages = _list(_mapping(self._http.get_json(url)).get("items"))
        for page in map(_mapping, pages[:_MAX_PAGES]):
            items = page.get("items")
            if items is None and isinstance(page.get("@id"), str):
                items = _mapping(self._http.get_json(urljoin(url, page["@id"]))).get("items")
            for leaf in map(_mapping, _list(items)):
                yield from _from_leaf(leaf, name, url)

    def _flat(self, name: str, base: str) -> Iterator[RemoteVersion]:
        base = f"{base.rstrip('/')}/{quote(id_key(name))}"
        for version in _list(_mapping(self._http.get_json(f"{base}/index.json")).get("versions")):
            if isinstance(version, str) and _is_version(version):
                at = in_address(version)
                yield _remote(name, version, f"{base}/{at}/{quote(id_key(name))}.{at}.nupkg")

    # V2 -------------------------------------------------------------------------------------------

    def _over_v2(self, name: str) -> Iterator[RemoteVersion]:
        url: str | None = f"{self._url}/FindPackagesById()?id='{quote(check_id(name))}'&semVerLevel=2.0.0"
        seen: set[str] = set()
        while url is not None and url not in seen and len(seen) < _MAX_PAGES:
            seen.add(url)
            page = self._atom(url)
            for entry in page.all("entry"):
                yield from _from_entry(entry, name, url)
            links = (link.attributes for link in page.all("link") if link.attributes.get("rel") == "next")
            url = next((urljoin(url, link["href"]) for link in links if link.get("href")), None)

    def _atom(self, url: str) -> Element:
        try:
            root = safe_xml.parse(self._http.get_bytes(url), "The answer", _MAX_ATOM)
        except InvalidPackage as error:
            raise UpstreamFailed(f"{url} did not answer as a NuGet source: {error.message}") from None
        if root.name != "feed":
            raise UpstreamFailed(f"{url} did not answer with a list of packages; check the connector's address.")
        return root


def _from_leaf(leaf: Mapping[str, Any], name: str, url: str) -> Iterator[RemoteVersion]:
    """Give the version that a registration leaf is about; nothing for a malformed one."""
    entry = _mapping(leaf.get("catalogEntry"))
    version = entry.get("version")
    content = leaf.get("packageContent") or entry.get("packageContent")
    if not isinstance(version, str) or not _is_version(version) or not isinstance(content, str):
        return
    published = entry.get("published") or leaf.get("published")
    yield _remote(
        _spelling(entry.get("id"), name),
        version,
        urljoin(url, content),
        published=published if isinstance(published, str) else None,
        deprecated=_deprecation(_mapping(entry.get("deprecation"))),
    )


def _deprecation(deprecation: Mapping[str, Any]) -> str:
    """Give the message of a deprecation, or its reasons where it has none."""
    message = deprecation.get("message")
    if isinstance(message, str) and message:
        return message
    return ", ".join(str(reason) for reason in _list(deprecation.get("reasons")))


def _from_entry(entry: Element, name: str, url: str) -> Iterator[RemoteVersion]:
    """Give the version that an Atom entry is about; nothing for a malformed one."""
    properties = entry.first("properties") or Element("properties")
    content = entry.first("content")
    source = content.attributes.get("src", "") if content is not None else ""
    version = properties.get("NormalizedVersion") or properties.get("Version")
    if not source or not _is_version(version):
        return
    spelled = properties.get("Id") or entry.get("title")
    yield _remote(
        _spelling(spelled, name),
        version,
        urljoin(url, source),
        digests=_digests(properties),
        published=properties.get("Published") or None,
    )


def _digests(properties: Element) -> dict[str, str]:
    algorithm = properties.get("PackageHashAlgorithm").lower()
    try:
        digest = base64.b64decode(properties.get("PackageHash"), validate=True).hex()
    except (binascii.Error, ValueError):
        return {}
    return {algorithm: digest} if digest and algorithm in ("sha256", "sha512") else {}


def _remote(
    name: str,
    version: str,
    url: str,
    *,
    digests: Mapping[str, str] | None = None,
    published: str | None = None,
    deprecated: str = "",
) -> RemoteVersion:
    # 1900 is how sources say that a version is unlisted.
    known = published if published and not published.startswith("1900-") else None
    return RemoteVersion(name, version, (RemoteFile(url, file_name(name, version), digests or {}),), known, deprecated)


def _spelling(found: object, name: str) -> str:
    """Give the id as the source spells it, if it is the one that was asked for."""
    return found if isinstance(found, str) and found.lower() == name.lower() else name


def _is_version(text: str) -> bool:
    try:
        return bool(version_key(text))
    except InvalidPackage:
        return False


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
