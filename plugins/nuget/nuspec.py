"""What a ``.nuspec`` says: checked where clients rely on it, and kept as JSON values.

Elements are read by their local names, whatever schema they claim, as NuGet's own reader does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.plugin import Dependency, InvalidPackage

from . import safe_xml
from .frameworks import ANY, short_name
from .names import check_id
from .ranges import parse_range
from .safe_xml import Element
from .versions import parse_version

MAX_TEXT = 40_000
DEFAULT_TYPE = "Dependency"
SYMBOLS_TYPE = "symbolspackage"
_TEXTS = (
    "title authors owners summary description releaseNotes copyright language tags projectUrl iconUrl icon readme "  # noqa: SIM905 - a list of it is a page long
    "licenseUrl".split()
)
_BETWEEN_TAGS = re.compile(r"[\s,;]+")
_BLANK = re.compile(r"\s")
_WORD = re.compile(r"\S{1,100}")
_YES = ("true", "1")


@dataclass(frozen=True, slots=True)
class Nuspec:
    """Hold what a nuspec says; ``data`` are its members as JSON values, those that are empty left out."""

    id: str
    version: str
    data: Mapping[str, Any]

    def text(self, member: str) -> str:
        """Give a member's text, empty where there is none."""
        return str(self.data.get(member, ""))

    @property
    def tags(self) -> tuple[str, ...]:
        """Give the tags."""
        return tuple(tag for tag in _BETWEEN_TAGS.split(self.text("tags")) if tag)

    @property
    def types(self) -> tuple[str, ...]:
        """Give the names of the package's types in small letters; without any it is a dependency."""
        return tuple(each["name"].lower() for each in self.data.get("packageTypes", ())) or (DEFAULT_TYPE.lower(),)

    @property
    def is_semver2(self) -> bool:
        """Tell whether old clients must not see it: for its own version, or for a bound of a dependency's range."""
        ranges = (each["range"] for group in self.groups for each in group["dependencies"])
        return parse_version(self.version).is_semver2 or any(parse_range(range).is_semver2 for range in ranges)

    @property
    def groups(self) -> Iterable[Mapping[str, Any]]:
        """Give the groups of dependencies."""
        found: Iterable[Mapping[str, Any]] = self.data.get("dependencyGroups", ())
        return found

    @property
    def facets(self) -> tuple[str, ...]:
        """Give the words by which a search narrows."""
        level = ("semver2",) if self.is_semver2 else ()
        return (*level, *(f"type={name}" for name in self.types))

    @property
    def dependencies(self) -> Iterator[Dependency]:
        """Give each dependency with the short name of its framework as its group."""
        for group in self.groups:
            framework = short_name(group["targetFramework"]) if group.get("targetFramework") else ANY
            for each in group["dependencies"]:
                yield Dependency(each["id"], each["range"], framework)

    @property
    def license(self) -> str:
        """Give the licence: an SPDX expression, or where to read it."""
        file = self.text("licenseFile")
        return self.text("licenseExpression") or (f"SEE LICENSE IN {file}" if file else self.text("licenseUrl"))

    @property
    def links(self) -> dict[str, str]:
        """Give the addresses that a page may link to."""
        repository = self.data.get("repository", {}).get("url", "").removesuffix(".git")
        found = {"Project": self.text("projectUrl"), "Repository": repository, "License": self.text("licenseUrl")}
        return {title: url for title, url in found.items() if is_web_address(url)}


def read_nuspec(content: bytes) -> Nuspec:
    """Read a nuspec; raise InvalidPackage."""
    root = safe_xml.parse(content, "The nuspec")
    found = list(root.all("metadata"))
    if root.name != "package" or len(found) != 1:
        raise InvalidPackage("The nuspec has no single package/metadata element; write one as 'nuget spec' does.")
    metadata = found[0]
    id, version = check_id(_needed(metadata, "id")), _needed(metadata, "version")
    parse_version(version)
    if _BLANK.search(version):
        raise InvalidPackage(f"The nuspec's version {version[:80]!r} has blanks within; take them out.")
    data = {**dict(_texts(metadata)), **dict(_facts(metadata))}
    return Nuspec(id, version, {member: value for member, value in data.items() if value})


def _needed(metadata: Element, name: str) -> str:
    found = [child.text for child in metadata.all(name)]
    if len(found) != 1 or not found[0]:
        raise InvalidPackage(f"The nuspec needs exactly one {name}, and has {len(found)}.")
    return found[0]


def _texts(metadata: Element) -> Iterator[tuple[str, str]]:
    for name in _TEXTS:
        text = metadata.get(name)
        if len(text) > MAX_TEXT:
            raise InvalidPackage(f"The nuspec's {name} has {len(text):,} characters; at most {MAX_TEXT:,} are kept.")
        yield name, text


def _facts(metadata: Element) -> Iterator[tuple[str, Any]]:
    terms = metadata.first("license")
    if terms is not None:
        kind = terms.attributes.get("type", "expression").lower()
        yield ("licenseFile" if kind == "file" else "licenseExpression"), terms.text[:500]
    repository = metadata.first("repository")
    if repository is not None:
        wanted = ("type", "url", "branch", "commit")
        yield "repository", {name: repository.attributes[name] for name in wanted if repository.attributes.get(name)}
    for name in ("requireLicenseAcceptance", "developmentDependency", "serviceable"):
        yield name, metadata.get(name).lower() in _YES
    yield "minClientVersion", metadata.attributes.get("minClientVersion", "").strip()[:64]
    yield "packageTypes", list(_types(metadata.first("packageTypes")))
    yield "dependencyGroups", list(_groups(metadata.first("dependencies")))


def _types(element: Element | None) -> Iterator[dict[str, str]]:
    for each in element.all("packageType") if element is not None else ():
        name = each.attributes.get("name", "").strip()
        if not _WORD.fullmatch(name):
            raise InvalidPackage(f"The nuspec's package type {name[:100]!r} is no word.")
        yield {"name": name, "version": each.attributes.get("version", "").strip()[:64]}


def _groups(element: Element | None) -> Iterator[dict[str, Any]]:
    """Give the groups of dependencies; beside groups, loose dependencies do not count (NuGet.Packaging)."""
    if element is None:
        return
    groups = list(element.all("group"))
    for group in groups or [element]:
        framework = group.attributes.get("targetFramework", "").strip()[:256]
        dependencies = list(_dependencies(group))
        if groups or dependencies:
            yield {**({"targetFramework": framework} if framework else {}), "dependencies": dependencies}


def _dependencies(group: Element) -> Iterator[dict[str, str]]:
    for each in group.all("dependency"):
        range = each.attributes.get("version", "").strip()
        parse_range(range)
        yield {"id": check_id(each.attributes.get("id", "").strip()), "range": range}


def is_web_address(url: str) -> bool:
    """Tell whether a text is an address that a page may link to."""
    try:
        return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).netloc)
    except ValueError:
        return False
