"""The V2 protocol's rows and documents: what OData feeds of packages look like."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from app.plugin.records import PackageRecord, VersionRecord

from .nuspec import SYMBOLS
from .ranges import parse_range
from .registration import moment
from .versions import normalize

D = "http://schemas.microsoft.com/ado/2007/08/dataservices"
M = f"{D}/metadata"
ATOM = "application/atom+xml;type=feed;charset=utf-8"
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNLISTED = "1900-01-01T00:00:00Z"
_TYPES = {
    "Edm.DateTime": ("Created", "LastEdited", "Published"),
    "Edm.Int32": ("DownloadCount", "VersionDownloadCount"),
    "Edm.Int64": ("PackageSize",),
    "Edm.Boolean": (
        "IsLatestVersion",
        "IsAbsoluteLatestVersion",
        "IsPrerelease",
        "RequireLicenseAcceptance",
        "Listed",
    ),
}
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in names}
Row = dict[str, Any]


def rows(package: PackageRecord, *, semver2: bool) -> Iterator[Row]:
    """Give a row for each listed version, ascending; those that need SemVer 2 only where the client knows it."""
    shown = [
        each
        for each in package.versions
        if each.listed and each.main.variant != SYMBOLS and (semver2 or not each.main.manifest.data["semver2"])
    ]
    newest = shown[-1] if shown else None
    stable = next((each for each in reversed(shown) if not each.prerelease), None)
    downloads = sum(each.downloads for each in package.versions)
    for each in shown:
        yield _row(package, each, downloads, is_newest=each is newest, is_stable=each is stable)


def every_row(package: PackageRecord) -> Iterator[Row]:
    """Give a row for each version, unlisted ones and those of SemVer 2 too."""
    for each in package.versions:
        if each.main.variant != SYMBOLS:
            yield _row(package, each, each.downloads, is_newest=False, is_stable=False)


def _row(package: PackageRecord, version: VersionRecord, downloads: int, *, is_newest: bool, is_stable: bool) -> Row:
    manifest, data = version.main.manifest, version.main.manifest.data
    digests = version.main.digests
    return {
        "Id": package.name,
        "Version": data["full_version"],
        "NormalizedVersion": normalize(version.version),
        "Authors": manifest.authors,
        "Owners": "",
        "Copyright": data["copyright"],
        "Created": moment(version.published),
        "Dependencies": _dependencies(data["groups"]),
        "Description": manifest.description,
        "DownloadCount": downloads,
        "GalleryDetailsUrl": "",
        "IconUrl": data["icon_url"],
        "IsLatestVersion": is_stable,
        "IsAbsoluteLatestVersion": is_newest,
        "IsPrerelease": version.prerelease,
        "Language": data["language"],
        "LastEdited": moment(version.added),
        "LicenseUrl": data["license_url"],
        "Listed": version.listed,
        "MinClientVersion": data["minimum_client"],
        "PackageHash": base64.b64encode(bytes.fromhex(digests.sha512)).decode(),
        "PackageHashAlgorithm": "SHA512",
        "PackageSize": digests.size,
        "ProjectUrl": data["project_url"],
        "Published": moment(version.published) if version.listed else _UNLISTED,
        "ReleaseNotes": data["release_notes"],
        "RequireLicenseAcceptance": data["acceptance"],
        "Summary": data["summary"],
        "Tags": f" {' '.join(manifest.keywords)} " if manifest.keywords else "",
        "Title": data["title"] or package.name,
        "VersionDownloadCount": version.downloads,
    }


def _dependencies(groups: Iterable[Any]) -> str:
    parts = []
    for framework, needs in groups:
        short = _short(framework)
        parts += [f"{name}:{_plain(text)}:{short}".rstrip(":") for name, text in needs] or [f"::{short}"]
    return "|".join(parts)


def _plain(text: str) -> str:
    wanted = parse_range(text)
    if wanted.high is None and wanted.low is not None and wanted.low_included:
        return normalize(wanted.low)
    return str(wanted) if wanted.bounds else ""


def _short(framework: str) -> str:
    """Give a framework's short name, which is what V2 clients read."""
    found = re.fullmatch(r"\.?(NETFramework|NETStandard|NETCoreApp|net)v?(\d+(?:\.\d+)*)", framework, re.IGNORECASE)
    if found is None:
        return framework
    kind = found[1].lower()
    if kind == "netframework":
        return f"net{found[2].replace('.', '')}"
    return f"{kind}{found[2]}"


def entry(base: str, row: Mapping[str, Any], *, alone: bool = False) -> str:
    """Give a row as an Atom entry."""
    key = f"{base}/Packages(Id='{row['Id']}',Version='{row['NormalizedVersion']}')"
    source = f"{base}/package/{row['Id']}/{row['NormalizedVersion']}"
    names = (
        f' xmlns="http://www.w3.org/2005/Atom" xmlns:d="{D}" xmlns:m="{M}" xml:base={quoteattr(base)}' if alone else ""
    )
    facts = "".join(_property(name, value) for name, value in row.items() if name != "Owners")
    return (
        f'<entry{names}><id>{_text(key)}</id><category term="NuGetGallery.V2FeedPackage" '
        'scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme" />'
        f'<link rel="edit" title="V2FeedPackage" href={quoteattr(key)} /><title type="text">{_text(row["Id"])}</title>'
        f'<summary type="text">{_text(row["Summary"])}</summary><updated>{row["LastEdited"]}</updated>'
        f"<author><name>{_text(row['Authors'])}</name></author>"
        f'<content type="application/zip" src={quoteattr(source)} />'
        f"<m:properties>{facts}</m:properties></entry>"
    )


def _property(name: str, value: Any) -> str:
    kind = f' m:type="{_TYPE_OF[name]}"' if name in _TYPE_OF else ""
    if isinstance(value, bool):
        value = str(value).lower()
    empty = ' m:null="true"' if value == "" else ""
    return f"<d:{name}{kind}{empty}>{_text(str(value))}</d:{name}>"


def _text(text: str) -> str:
    return escape(_UNFIT.sub("\ufffd", text))


def feed(
    base: str, title: str, found: Iterable[Mapping[str, Any]], *, count: int | None, following: str | None
) -> bytes:
    """Give rows as an Atom feed; ``following`` is the address of the next page."""
    counted = "" if count is None else f"<m:count>{count}</m:count>"
    link = "" if following is None else f'<link rel="next" href={quoteattr(following)} />'
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:d="{D}" xmlns:m="{M}" xml:base={quoteattr(base)}>'
        f'<id>{_text(base)}/{title}</id><title type="text">{title}</title><updated>2000-01-01T00:00:00Z</updated>'
        f'<link rel="self" title="{title}" href="{title}" />{counted}'
        f"{''.join(entry(base, row) for row in found)}{link}</feed>"
    ).encode()


def service(base: str) -> bytes:
    """Give the service document."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><service xmlns="http://www.w3.org/2007/app" '
        f'xmlns:atom="http://www.w3.org/2005/Atom" xml:base={quoteattr(base)}><workspace>'
        "<atom:title>Default</atom:title>"
        '<collection href="Packages"><atom:title>Packages</atom:title></collection></workspace></service>'
    ).encode()


_STRINGS = (
    *("Id", "Version", "NormalizedVersion", "Authors", "Copyright", "Dependencies", "Description", "GalleryDetailsUrl"),
    *("IconUrl", "Language", "LicenseUrl", "MinClientVersion", "PackageHash", "PackageHashAlgorithm", "ProjectUrl"),
    *("ReleaseNotes", "Summary", "Tags", "Title"),
)
_FUNCTIONS = {
    "Search": ("searchTerm", "targetFramework", "includePrerelease"),
    "FindPackagesById": ("id",),
    "GetUpdates": (
        "packageIds",
        "versions",
        "includePrerelease",
        "includeAllVersions",
        "targetFrameworks",
        "versionConstraints",
    ),
}


def metadata() -> bytes:
    """Give the description of the data (EDMX), by which old clients know what they may ask for."""
    edm, edmx = "http://schemas.microsoft.com/ado/2006/04/edm", "http://schemas.microsoft.com/ado/2007/06/edmx"
    fields = [*((name, "Edm.String") for name in _STRINGS), *_TYPE_OF.items()]
    keyed = {"Id", "Version"}
    properties = "".join(
        f'<Property Name="{name}" Type="{kind}" Nullable="{"false" if name in keyed else "true"}" />'
        for name, kind in fields
    )
    functions = "".join(
        f'<FunctionImport Name="{name}" ReturnType="Collection(NuGetGallery.V2FeedPackage)" EntitySet="Packages" '
        'm:HttpMethod="GET">'
        + "".join(
            f'<Parameter Name="{each}" Type="{"Edm.Boolean" if each.startswith("include") else "Edm.String"}" />'
            for each in arguments
        )
        + "</FunctionImport>"
        for name, arguments in _FUNCTIONS.items()
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="1.0" xmlns:edmx="{edmx}">'
        f'<edmx:DataServices m:DataServiceVersion="2.0" xmlns:m="{M}"><Schema Namespace="NuGetGallery" xmlns="{edm}">'
        '<EntityType Name="V2FeedPackage" m:HasStream="true"><Key><PropertyRef Name="Id" />'
        '<PropertyRef Name="Version" />'
        f"</Key>{properties}</EntityType>"
        '<EntityContainer Name="V2FeedContext" m:IsDefaultEntityContainer="true">'
        f'<EntitySet Name="Packages" EntityType="NuGetGallery.V2FeedPackage" />{functions}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()
