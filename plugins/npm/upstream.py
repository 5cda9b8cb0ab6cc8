"""What another npm registry offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from app.plugin import (
    HttpClient,
    Invalid,
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

from .claims import declared_digests
from .names import check_name, split_name, tarball_name
from .package_json import authors, dependencies, has_install_script, license_text, links, normalize_package
from .versions import version_key

_README = 400_000


class NpmRegistry(Upstream):
    """Read packuments of a registry; ``url`` is its address, with or without a slash at the end."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url.rstrip("/")
        self._http = http

    def package(self, name: str) -> RemotePackage:
        """Give every version of a package in ascending order, with the registry's tags; raise NotFound.

        The full packument is read, because only that says when a version was published.
        """
        url = self._url + packument_path(name)
        document = self._http.get_json(url, {"Accept": "application/json"})
        if not isinstance(document, dict) or document.get("name") != name:
            raise UpstreamFailed(f"{self._url} answered with something that is no packument of {name}.")
        found = sorted(remote_versions(document, url), key=lambda version: version_key(version.version))
        held = {version.version for version in found}
        tags = {tag: text for tag, text in _mapping(document.get("dist-tags")).items() if text in held}
        return RemotePackage(name, tuple(found), tags, _text(document.get("readme"))[:_README])

    def search(self, text: str, *, prerelease: bool = True, offset: int = 0, limit: int = 20) -> RemotePage:
        """Give what the registry's search finds; where it cannot search, the package of that very name."""
        query = urlencode({"text": text, "from": offset, "size": min(limit, 250)})
        try:
            document = self._http.get_json(f"{self._url}/-/v1/search?{query}", {"Accept": "application/json"})
        except NotFound:
            return self._exact(text, offset)
        objects = _mapping(document).get("objects")
        if not isinstance(objects, list):
            return self._exact(text, offset)
        found = tuple(line for each in objects if (line := _line(_mapping(_mapping(each).get("package")))) is not None)
        total = _mapping(document).get("total")
        if not found and offset == 0:
            return self._exact(text, offset)
        return RemotePage(found, total if isinstance(total, int) else None)

    def _exact(self, text: str, offset: int) -> RemotePage:
        try:
            package = self.package(check_name(text.strip())) if offset == 0 else None
        except (NotFound, InvalidPackage):
            package = None
        if package is None or not package.versions:
            return RemotePage((), 0)
        latest = package.tags.get("latest")
        newest = next((each for each in package.versions if each.version == latest), package.versions[-1])
        description = newest.manifest.description if newest.manifest else ""
        return RemotePage((RemoteLine(package.name, newest.version, description, newest.published),), 1)

    def probe(self) -> str:
        """Ask for the registry's ping, which some answer with nothing at all."""
        try:
            answer = self._http.get_json(f"{self._url}/-/ping")
        except NotFound:
            answer = None
        except UpstreamFailed as error:
            if error.code != "empty-body":
                raise
            answer = {}
        if not isinstance(answer, dict):
            raise UpstreamFailed(f"{self._url} does not answer as an npm registry; check its address.")
        return "npm registry"


def packument_path(name: str) -> str:
    """Give the path of a package's document below a registry; the scope's slash is encoded, as npm does."""
    return "/" + quote(check_name(name), safe="@~")


def remote_versions(document: Mapping[str, Any], url: str) -> Iterator[RemoteVersion]:
    """Give the versions in a packument; what is malformed is left out.

    ``url`` is where the packument came from: addresses of tarballs may be relative to it.
    """
    versions, times = _mapping(document.get("versions")), _mapping(document.get("time"))
    for version, described in versions.items():
        package = _mapping(described)
        file = _file(document["name"], version, package, url)
        if file is not None:
            published = times.get(version)
            yield RemoteVersion(
                document["name"],
                version,
                (file,),
                published if isinstance(published, str) else None,
                _text(package.get("deprecated")),
            )


def _file(name: str, version: str, package: Mapping[str, Any], url: str) -> RemoteFile | None:
    dist = _mapping(package.get("dist"))
    try:
        version_key(version)
        address = urljoin(url, _text(dist.get("tarball")))
        if not _text(dist.get("tarball")) or urlsplit(address).scheme not in ("http", "https"):
            return None
        digests = dict(declared_digests(dist))
        manifest = read_version(name, version, package)
    except (Invalid, InvalidPackage, ValueError):
        return None
    return RemoteFile(address, tarball_name(name, version), digests, manifest=manifest)


def read_version(name: str, version: str, package: Mapping[str, Any]) -> Manifest:
    """Give the manifest of a version from its object in a packument, which is its package.json."""
    kept = normalize_package(package, split_name(name)[1], ())
    dist = _mapping(package.get("dist"))
    data = {
        "package": kept,
        "fileCount": _number(dist.get("fileCount")),
        "unpackedSize": _number(dist.get("unpackedSize")),
        "hasInstallScript": has_install_script(kept) or package.get("hasInstallScript") is True,
        "_hasShrinkwrap": package.get("_hasShrinkwrap") is True,
        "readmeFilename": "",
    }
    return Manifest(
        name,
        version,
        description=_text(kept.get("description")),
        license=license_text(package),
        authors=authors(package),
        keywords=tuple(kept.get("keywords", ())),
        links=links(package),
        readme=_text(package.get("readme"))[:_README],
        dependencies=tuple(dependencies(kept)),
        data=data,
    )


def _line(package: Mapping[str, Any]) -> RemoteLine | None:
    name, version = _text(package.get("name")), _text(package.get("version"))
    try:
        check_name(name), version_key(version)
    except InvalidPackage:
        return None
    return RemoteLine(name, version, _text(package.get("description"))[:1000], _text(package.get("date")) or None)


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
