"""What another NuGet source offers: over V3 its registrations, over V2 its list of one id."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

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

from . import safe_xml
from .names import check_id, file_name, id_key
from .remote_entries import from_catalog_entry, from_properties
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
_SEARCHES = tuple(f"SearchQueryService{version}" for version in ("/3.5.0", "/3.4.0", "/3.0.0-rc", "/3.0.0-beta", ""))
_KNOWN = ("RegistrationsBaseUrl", "PackageBaseAddress", "SearchQueryService")
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
        """Ask for the service index, else for V2's own list of what there is."""
        resources = self._resources()
        if resources is not None:
            if not any(type.startswith(_KNOWN) for type in resources):
                raise UpstreamFailed(f"{self._url} is no NuGet source; its index lists nothing that can be asked.")
            return "NuGet V3"
        self._atom(f"{self._url}/Packages()?$top=1")
        return "NuGet V2"

    def package(self, name: str) -> RemotePackage:
        """Give a package with every version; raise NotFound and UpstreamFailed."""
        found = self._versions(name)
        return RemotePackage(found[-1].name, tuple(found))

    def search(self, text: str, *, prerelease: bool = True, offset: int = 0, limit: int = 20) -> RemotePage:
        """Give what the source's own search finds."""
        resources = self._resources()
        if resources is None:
            return self._search_v2(text, prerelease=prerelease, offset=offset, limit=limit)
        address = next((resources[type] for type in _SEARCHES if type in resources), None)
        if address is None:
            raise NotOffered(f"{self._url} lists no search; look packages up by their whole names.")
        asked = {"q": text, "skip": offset, "take": limit, "prerelease": str(prerelease).lower()}
        answer = _mapping(self._http.get_json(f"{address}?{urlencode({**asked, 'semVerLevel': '2.0.0'})}"))
        lines = (_line(_mapping(each)) for each in _list(answer.get("data")))
        total = answer.get("totalHits")
        return RemotePage(tuple(filter(None, lines)), total if isinstance(total, int) else None)

    def _search_v2(self, text: str, *, prerelease: bool, offset: int, limit: int) -> RemotePage:
        asked = {
            "searchTerm": _quoted(text),
            "targetFramework": "''",
            "includePrerelease": str(prerelease).lower(),
            "$filter": "IsAbsoluteLatestVersion" if prerelease else "IsLatestVersion",
            "$skip": offset,
            "$top": limit,
            "semVerLevel": "2.0.0",
        }
        query = urlencode(asked, safe="$'()")
        page = self._atom(f"{self._url}/Search()?{query}")
        lines = (_line_of_entry(entry) for entry in page.all("entry"))
        return RemotePage(tuple(filter(None, lines)))

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
        if self._url.lower().endswith(("/v2", "/api/v2")):
            return None
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
    spelled = _spelling(entry.get("id"), name)
    yield _remote(
        spelled,
        version,
        urljoin(url, content),
        digests=_entry_digests(entry),
        published=published if isinstance(published, str) else None,
        deprecated=_deprecation(_mapping(entry.get("deprecation"))),
        listed=entry.get("listed") is not False and leaf.get("listed") is not False,
        manifest=_manifest(lambda: from_catalog_entry(spelled, version, entry)),
    )


def _entry_digests(entry: Mapping[str, Any]) -> dict[str, str]:
    """Give the digest of a catalog entry, where a source puts one into its registrations."""
    algorithm, text = entry.get("packageHashAlgorithm"), entry.get("packageHash")
    if not isinstance(algorithm, str) or not isinstance(text, str):
        return {}
    return _decoded(algorithm.lower(), text)


def _manifest(make: Callable[[], Manifest]) -> Manifest | None:
    """Give what a source says of a version, or None where that makes no sense; the file itself decides later."""
    try:
        return make()
    except InvalidPackage:
        return None


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
    spelled = _spelling(properties.get("Id") or entry.get("title"), name)
    yield _remote(
        spelled,
        version,
        urljoin(url, source),
        digests=_decoded(properties.get("PackageHashAlgorithm").lower(), properties.get("PackageHash")),
        published=properties.get("Published") or None,
        listed=properties.get("Listed").lower() != "false",
        manifest=_manifest(lambda: from_properties(spelled, version, properties)),
    )


def _decoded(algorithm: str, text: str) -> dict[str, str]:
    size = {"sha256": 32, "sha512": 64}.get(algorithm)
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return {}
    return {algorithm: digest.hex()} if len(digest) == size else {}


def _line(found: Mapping[str, Any]) -> RemoteLine | None:
    id, version = found.get("id"), found.get("version")
    if not isinstance(id, str) or not isinstance(version, str) or not _is_version(version) or not _is_id(id):
        return None
    description, downloads = found.get("description"), found.get("totalDownloads")
    return RemoteLine(
        id,
        version,
        description[:1000] if isinstance(description, str) else "",
        downloads=downloads if isinstance(downloads, int) else None,
    )


def _line_of_entry(entry: Element) -> RemoteLine | None:
    properties = entry.first("properties") or Element("properties")
    version = properties.get("NormalizedVersion") or properties.get("Version")
    id = properties.get("Id") or entry.get("title")
    published = properties.get("Published") or None
    line = _line({"id": id, "version": version, "description": properties.get("Description")})
    return line and RemoteLine(line.name, line.latest, line.description, published)


def _is_id(text: str) -> bool:
    try:
        return bool(check_id(text))
    except InvalidPackage:
        return False


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _remote(
    name: str,
    version: str,
    url: str,
    *,
    digests: Mapping[str, str] | None = None,
    published: str | None = None,
    deprecated: str = "",
    listed: bool = True,
    manifest: Manifest | None = None,
) -> RemoteVersion:
    # 1900 is how sources say that a version is unlisted.
    hidden = bool(published) and str(published).startswith("1900-")
    files: tuple[RemoteFile, ...] = ()
    if urlsplit(url).scheme in ("http", "https"):
        files = (RemoteFile(url, file_name(name, version), digests or {}, manifest=manifest),)
    return RemoteVersion(name, version, files, None if hidden else published, deprecated, listed and not hidden)


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
