"""V3 search and autocompletion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.plugin.records import PackageRecord, VersionRecord
from app.plugin.web import Response, Routes, ServedFeed, json_response, text_error

from .registration import HIVES, Hive, described, leaf_url

MOST = 1000
_FIELD = re.compile(r'(?P<field>[A-Za-z]+):(?P<value>"[^"]*"|\S*)|(?P<word>"[^"]*"|\S+)')
_TYPE = re.compile(r"[\w.-]{1,100}", re.ASCII)
routes = Routes(text_error)


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what a search asks for; ``name`` is an exact id."""

    text: str
    name: str
    skip: int
    take: int
    prerelease: bool
    semver2: bool
    facets: tuple[str, ...]

    @property
    def without(self) -> tuple[str, ...]:
        """Give the facets of versions that the client cannot read."""
        return () if self.semver2 else ("semver2",)

    @property
    def hive(self) -> Hive:
        """Give the hive whose addresses the answer holds."""
        return HIVES["reg-semver2" if self.semver2 else "reg"]

    def fits(self, version: VersionRecord) -> bool:
        """Tell whether a version may be shown."""
        facets = version.main.manifest.facets
        shown = version.listed and (self.prerelease or not version.prerelease)
        return shown and all(each in facets for each in self.facets) and not any(e in facets for e in self.without)


def read_asked(arguments: Mapping[str, str], default: int = 20) -> Asked:
    """Read a search's parameters; what is malformed counts as not sent."""
    text, name = _terms(arguments.get("q", ""))
    kind = arguments.get("packageType", "")
    facet = f"type={kind.lower()}" if _TYPE.fullmatch(kind) else "type=?"
    return Asked(
        text,
        name,
        _number(arguments.get("skip"), 0),
        min(max(_number(arguments.get("take"), default), 0), MOST),
        arguments.get("prerelease", "").lower() == "true",
        arguments.get("semVerLevel", "").startswith("2"),
        (facet,) if kind else (),
    )


def _terms(query: str) -> tuple[str, str]:
    """Split a query into the words to look for and the exact id that it names."""
    words, name = [], ""
    for match in _FIELD.finditer(query[:1000]):
        value = (match["value"] or match["word"] or "").strip('"')
        if (match["field"] or "").lower() == "packageid":
            name = value
        elif value:
            words.append(value if match["field"] or match["word"] else "")
    return " ".join(words), name


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else default


def find(feed: ServedFeed, asked: Asked) -> tuple[list[PackageRecord], int]:
    """Give a page of packages and the count of all; each has a version that may be shown."""
    if asked.name:
        package = feed.package(asked.name)
        found = [package] if package is not None and any(map(asked.fits, package.versions)) else []
        return found[asked.skip : asked.skip + asked.take], len(found)
    page = feed.search(
        asked.text,
        prerelease=asked.prerelease,
        facets=asked.facets,
        without=asked.without,
        offset=asked.skip,
        limit=asked.take,
    )
    return list(feed.packages(item.name for item in page.items)), page.total


@routes.get("/v3/query")
def query(feed: ServedFeed) -> Response:
    """Find packages."""
    asked = read_asked(feed.request.args)
    packages, total = find(feed, asked)
    return json_response({"totalHits": total, "data": [_shown(feed.url, each, asked) for each in packages]})


def _shown(base: str, package: PackageRecord, asked: Asked) -> dict[str, Any]:
    versions = [each for each in package.versions if asked.fits(each)]
    newest = versions[-1]
    facts = described(base, package, newest)
    return {
        "@id": leaf_url(base, package, asked.hive, newest).rpartition("/")[0] + "/index.json",
        "@type": "Package",
        "registration": leaf_url(base, package, asked.hive, newest).rpartition("/")[0] + "/index.json",
        "id": package.name,
        "version": newest.main.manifest.data["full_version"],
        **facts,
        "authors": [author.strip() for author in newest.main.manifest.authors.split(",") if author.strip()],
        "owners": [],
        "totalDownloads": sum(each.downloads for each in package.versions),
        "verified": False,
        "versions": [
            {
                "@id": leaf_url(base, package, asked.hive, each),
                "version": each.main.manifest.data["full_version"],
                "downloads": each.downloads,
            }
            for each in versions
        ],
        **({"deprecation": {"reasons": ["Other"], "message": newest.deprecated}} if newest.deprecated else {}),
    }


@routes.get("/v3/autocomplete")
def autocomplete(feed: ServedFeed) -> Response:
    """Complete an id, or list the versions of one."""
    name = feed.request.args.get("id", "")
    asked = read_asked(feed.request.args)
    if name:
        package = feed.package(name)
        versions = [] if package is None else [each for each in package.versions if asked.fits(each)]
        return json_response({"data": [each.main.manifest.data["full_version"] for each in versions]})
    packages, total = find(feed, asked)
    return json_response({"totalHits": total, "data": [each.name for each in packages]})
