"""Registrations: everything that is known of a package's versions, in pages (V3 protocol, Package metadata)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .addresses import Addresses
from .ranges import parse_range
from .releases import Release, iso

PER_PAGE = 64
INLINE_BELOW = 128
"""From so many versions on, an index names its pages only; clients fetch those that they need."""
_PLAIN_MEMBERS = ("description", "summary", "title", "authors", "projectUrl", "language", "minClientVersion")


@dataclass(frozen=True, slots=True)
class Registration:
    """Build one package's documents in one hive; versions in ascending order, at least one."""

    releases: Sequence[Release]
    addresses: Addresses
    hive: str

    @property
    def _id(self) -> str:
        return self.releases[0].id

    @property
    def _address(self) -> str:
        return self.addresses.index(self.hive, self._id)

    def index(self) -> dict[str, Any]:
        """Give the index: pages with their leaves where there are few, else where to find them."""
        inline = len(self.releases) < INLINE_BELOW
        pages = [self._page(part, inline=inline) for part in self._parts()]
        return {"@id": self._address, "count": len(pages), "items": pages}

    def page(self, lower: str, upper: str) -> dict[str, Any] | None:
        """Give the page with these bounds, or None where no page has them (any more)."""
        address = self.addresses.page(self.hive, self._id, lower, upper)
        return next(
            (self._page(part, inline=True) for part in self._parts() if self._page_address(part) == address), None
        )

    def leaf(self, release: Release) -> dict[str, Any]:
        """Give the document of one version."""
        address = self.addresses.leaf(self.hive, self._id, release.record.version)
        content = self.addresses.package(self._id, release.record.version)
        return {
            "@id": address,
            "@type": "Package",
            "listed": release.listed,
            "published": iso(release.published),
            "packageContent": content,
            "registration": self._address,
            "catalogEntry": self._entry(release, address, content),
        }

    def _parts(self) -> list[Sequence[Release]]:
        return [self.releases[start : start + PER_PAGE] for start in range(0, len(self.releases), PER_PAGE)]

    def _page_address(self, part: Sequence[Release]) -> str:
        return self.addresses.page(self.hive, self._id, part[0].version.normalized, part[-1].version.normalized)

    def _page(self, part: Sequence[Release], *, inline: bool) -> dict[str, Any]:
        page = {
            "@id": self._page_address(part),
            "@type": "catalog:CatalogPage",
            "count": len(part),
            "lower": part[0].version.normalized,
            "upper": part[-1].version.normalized,
            "parent": self._address,
        }
        return {**page, "items": [self.leaf(each) for each in part]} if inline else page

    def _entry(self, release: Release, address: str, content: str) -> dict[str, Any]:
        data = release.data
        entry = {
            "@id": address,
            "@type": "PackageDetails",
            "id": release.id,
            "version": release.version.full,
            "listed": release.listed,
            "published": iso(release.published),
            "packageContent": content,
            **{member: data[member] for member in _PLAIN_MEMBERS if member in data},
            **content_addresses(data, self.addresses, release.id, release.record.version),
            "tags": list(release.file.manifest.keywords),
            "requireLicenseAcceptance": bool(data.get("requireLicenseAcceptance")),
            "dependencyGroups": [self._group(group) for group in data.get("dependencyGroups", ())],
        }
        if "packageTypes" in data:
            entry["packageTypes"] = [{"name": each["name"]} for each in data["packageTypes"]]
        return {**entry, **deprecation(release)}

    def _group(self, group: Mapping[str, Any]) -> dict[str, Any]:
        framework = {"targetFramework": group["targetFramework"]} if group.get("targetFramework") else {}
        return {**framework, "dependencies": [self._dependency(each) for each in group["dependencies"]]}

    def _dependency(self, dependency: Mapping[str, str]) -> dict[str, str]:
        return {
            "id": dependency["id"],
            "range": str(parse_range(dependency["range"])),
            "registration": self.addresses.index(self.hive, dependency["id"]),
        }


def deprecation(release: Release) -> dict[str, Any]:
    """Give the member that says why a version is deprecated; nothing for one that is not.

    A feed keeps one text per version, so the reason is Other, which is the one that needs a message.
    """
    message = release.record.deprecated
    return {"deprecation": {"reasons": ["Other"], "message": message}} if message else {}


def content_addresses(data: Mapping[str, Any], addresses: Addresses, id: str, version: str) -> dict[str, str]:
    """Give the addresses of licence, icon and readme: in the feed where the package holds the file."""
    found = {"licenseExpression": data.get("licenseExpression"), "licenseUrl": data.get("licenseUrl")}
    found["iconUrl"] = data.get("iconUrl")
    if data.get("licenseFile"):
        found["licenseUrl"] = addresses.content(id, version, "license")
    if data.get("icon"):
        found["iconUrl"] = addresses.content(id, version, "icon")
    if data.get("readme"):
        found["readmeUrl"] = addresses.content(id, version, "readme")
    return {member: str(value) for member, value in found.items() if value}
