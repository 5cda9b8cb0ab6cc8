"""The V3 documents of one package: what its versions are, and what each needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.plugin import NotFound
from app.plugin.records import PackageRecord, VersionRecord

from .nuspec import SYMBOLS
from .ranges import parse_range
from .versions import normalize

LEAVES, INLINED = 64, 128
UNLISTED = "1900-01-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Hive:
    """Be one of the registrations: where it lies, and whether versions of SemVer 2 are in it."""

    path: str
    semver2: bool


HIVES = {
    "reg": Hive("reg", semver2=False),
    "reg-gz": Hive("reg-gz", semver2=False),
    "reg-semver2": Hive("reg-semver2", semver2=True),
}


def lower(version: VersionRecord) -> str:
    """Give a version as it stands in addresses."""
    return normalize(version.version).lower()


def package_url(base: str, package: PackageRecord, version: VersionRecord) -> str:
    """Give the address of a package's bytes."""
    name, number = package.name.lower(), lower(version)
    return f"{base}/v3/flat/{name}/{number}/{name}.{number}.nupkg"


def has_package(version: VersionRecord) -> bool:
    """Tell whether a version has more than symbols."""
    return version.main.variant != SYMBOLS


def visible(package: PackageRecord, hive: Hive) -> list[VersionRecord]:
    """Give the versions of a package that are in a hive, unlisted ones too."""
    return [each for each in package.versions if hive.semver2 or not each.main.manifest.data["semver2"]]


def index(base: str, package: PackageRecord, hive: Hive) -> dict[str, Any]:
    """Give the registration index: pages of leaves, written out where they are few. Raises NotFound where none are."""
    versions = visible(package, hive)
    if not versions:
        raise NotFound(
            f"{package.name} has only versions that need SemVer 2; use a newer client.", code="unknown-package"
        )
    inlined = len(versions) < INLINED
    pages = [_page(base, package, hive, part, inlined=inlined) for part in _parts(versions)]
    return {"@id": _index_url(base, package, hive), "count": len(pages), "items": pages}


def page(base: str, package: PackageRecord, hive: Hive, low: str, high: str) -> dict[str, Any]:
    """Give one page; raises NotFound where the index names no such page."""
    for part in _parts(visible(package, hive)):
        if (lower(part[0]), lower(part[-1])) == (low.lower(), high.lower()):
            return {"parent": _index_url(base, package, hive), **_page(base, package, hive, part, inlined=True)}
    raise NotFound(f"There is no page {low}/{high} of {package.name}; read the index again.", code="unknown-page")


def _parts(versions: Sequence[VersionRecord]) -> list[Sequence[VersionRecord]]:
    return [versions[start : start + LEAVES] for start in range(0, len(versions), LEAVES)]


def _page(
    base: str, package: PackageRecord, hive: Hive, part: Sequence[VersionRecord], *, inlined: bool
) -> dict[str, Any]:
    low, high = lower(part[0]), lower(part[-1])
    found: dict[str, Any] = {
        "@id": f"{base}/v3/{hive.path}/{package.name.lower()}/page/{low}/{high}.json",
        "count": len(part),
        "lower": normalize(part[0].version),
        "upper": normalize(part[-1].version),
    }
    if inlined:
        found["items"] = [_item(base, package, hive, each) for each in part]
    return found


def _index_url(base: str, package: PackageRecord, hive: Hive) -> str:
    return f"{base}/v3/{hive.path}/{package.name.lower()}/index.json"


def leaf_url(base: str, package: PackageRecord, hive: Hive, version: VersionRecord) -> str:
    """Give the address of a version's leaf."""
    return f"{base}/v3/{hive.path}/{package.name.lower()}/{lower(version)}.json"


def leaf(base: str, package: PackageRecord, hive: Hive, version: VersionRecord) -> dict[str, Any]:
    """Give a version's own document."""
    return {**_item(base, package, hive, version), "listed": version.listed, "published": published(version)}


def _item(base: str, package: PackageRecord, hive: Hive, version: VersionRecord) -> dict[str, Any]:
    return {
        "@id": leaf_url(base, package, hive, version),
        "packageContent": package_url(base, package, version),
        "registration": _index_url(base, package, hive),
        "catalogEntry": _entry(base, package, hive, version),
    }


def published(version: VersionRecord) -> str:
    """Give when a version was published; a date long ago is how clients know an unlisted one."""
    return version.published.astimezone(UTC).isoformat() if version.listed else UNLISTED


def _entry(base: str, package: PackageRecord, hive: Hive, version: VersionRecord) -> dict[str, Any]:
    data = version.main.manifest.data
    deprecation = {"reasons": ["Other"], "message": version.deprecated} if version.deprecated else None
    facts = {
        "@id": leaf_url(base, package, hive, version),
        "id": package.name,
        "version": data["full_version"],
        "listed": version.listed,
        "published": published(version),
        "packageContent": package_url(base, package, version),
        "dependencyGroups": _groups(base, hive, data["groups"]),
        **described(base, package, version),
        "minClientVersion": data["minimum_client"],
        "requireLicenseAcceptance": data["acceptance"],
        "language": data["language"],
        "deprecation": deprecation,
    }
    return {key: value for key, value in facts.items() if value is not None}


def described(base: str, package: PackageRecord, version: VersionRecord) -> dict[str, Any]:
    """Give what registrations and search both say of a version."""
    manifest, data = version.main.manifest, version.main.manifest.data
    at = f"{base}/v3/flat/{package.name.lower()}/{lower(version)}"
    return {
        "title": data["title"] or package.name,
        "description": manifest.description,
        "summary": data["summary"],
        "authors": manifest.authors,
        "tags": list(manifest.keywords),
        "iconUrl": f"{at}/icon" if data["icon"] else data["icon_url"],
        "licenseUrl": data["license_url"],
        "licenseExpression": data["license"],
        "projectUrl": data["project_url"],
        "readmeUrl": f"{at}/readme" if manifest.readme else "",
        "packageTypes": [{"name": name} for name in data["types"] or ["Dependency"]],
    }


def _groups(base: str, hive: Hive, groups: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for framework, needs in groups:
        dependencies = [
            {
                "id": name,
                "range": str(parse_range(text)),
                "registration": f"{base}/v3/{hive.path}/{name.lower()}/index.json",
            }
            for name, text in needs
        ]
        group = {"dependencies": dependencies} if dependencies else {}
        found.append({"targetFramework": framework, **group} if framework else group)
    return found


def moment(value: datetime) -> str:
    """Give a moment as V2 writes it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
