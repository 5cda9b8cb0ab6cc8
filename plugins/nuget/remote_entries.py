"""What a source says of a version, in a V3 catalog entry or in V2 properties, brought into a nuspec's shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.plugin import Manifest

from .names import check_id
from .nuspec import MAX_TEXT, Nuspec
from .ranges import parse_range
from .safe_xml import Element

_TEXTS = ("title", "summary", "description", "language", "projectUrl", "iconUrl", "licenseUrl", "licenseExpression")
_V2_TEXTS = {
    "Title": "title", "Summary": "summary", "Description": "description", "Authors": "authors", "Language": "language",
    "ProjectUrl": "projectUrl", "IconUrl": "iconUrl", "LicenseUrl": "licenseUrl", "ReleaseNotes": "releaseNotes",
    "Copyright": "copyright", "Tags": "tags", "MinClientVersion": "minClientVersion",
}  # fmt: skip
_WORD = re.compile(r"\S{1,100}")


def from_catalog_entry(id: str, version: str, entry: Mapping[str, Any]) -> Manifest:
    """Give the manifest of a version from its catalog entry (V3 protocol, Package metadata); raise InvalidPackage."""
    data: dict[str, Any] = {member: _text(entry.get(member)) for member in _TEXTS}
    data["authors"] = _joined(entry.get("authors"), ", ")
    data["tags"] = _joined(entry.get("tags"), " ")
    data["minClientVersion"] = _text(entry.get("minClientVersion"))[:64]
    data["requireLicenseAcceptance"] = entry.get("requireLicenseAcceptance") is True
    data["dependencyGroups"] = list(_groups(entry.get("dependencyGroups")))
    data["packageTypes"] = [
        {"name": _text(each.get("name")), "version": ""}
        for each in map(_mapping, _list(entry.get("packageTypes")))
        if _WORD.fullmatch(_text(each.get("name")))
    ]
    return _manifest(id, version, data)


def from_properties(id: str, version: str, properties: Element) -> Manifest:
    """Give the manifest of a version from its V2 properties; raise InvalidPackage."""
    data: dict[str, Any] = {
        ours: properties.get(theirs)[:MAX_TEXT].strip() for theirs, ours in _V2_TEXTS.items() if properties.get(theirs)
    }
    data["requireLicenseAcceptance"] = properties.get("RequireLicenseAcceptance").lower() == "true"
    data["dependencyGroups"] = list(_v2_groups(properties.get("Dependencies")))
    return _manifest(id, version, data)


def _manifest(id: str, version: str, data: Mapping[str, Any]) -> Manifest:
    nuspec = Nuspec(id, version, {member: value for member, value in data.items() if value})
    return Manifest(
        id,
        version,
        description=nuspec.text("description"),
        license=nuspec.license,
        authors=nuspec.text("authors"),
        keywords=nuspec.tags,
        links=nuspec.links,
        dependencies=tuple(nuspec.dependencies),
        data={**nuspec.data, "semver2": nuspec.is_semver2},
        facets=nuspec.facets,
    )


def _groups(value: object) -> Iterator[dict[str, Any]]:
    for group in map(_mapping, _list(value)):
        framework = _text(group.get("targetFramework"))[:256]
        found = [_dependency(_text(each.get("id")), _text(each.get("range"))) for each in _dependencies(group)]
        yield {**({"targetFramework": framework} if framework else {}), "dependencies": found}


def _dependencies(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [_mapping(each) for each in _list(group.get("dependencies"))]


def _v2_groups(text: str) -> Iterator[dict[str, Any]]:
    """Read ``id:range:framework|...``; a framework without dependencies is ``::framework``."""
    groups: dict[str, list[dict[str, str]]] = {}
    for line in filter(None, text[:MAX_TEXT].split("|")):
        id, _, rest = line.partition(":")
        range, _, framework = rest.partition(":")
        held = groups.setdefault(framework.strip()[:256], [])
        if id.strip():
            held.append(_dependency(id.strip(), range.strip()))
    for framework, found in groups.items():
        yield {**({"targetFramework": framework} if framework else {}), "dependencies": found}


def _dependency(id: str, range: str) -> dict[str, str]:
    parse_range(range)
    return {"id": check_id(id), "range": range}


def _joined(value: object, between: str) -> str:
    parts = value if isinstance(value, list) else [value]
    return between.join(_text(part) for part in parts if _text(part))[:MAX_TEXT]


def _text(value: object) -> str:
    return value[:MAX_TEXT].strip() if isinstance(value, str) else ""


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
