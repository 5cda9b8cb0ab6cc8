"""What a package's nuspec says, read by a parser that knows no document types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from app.plugin import Dependency, InvalidPackage, Manifest

from .ranges import parse_range
from .versions import check_id, parse

MAX_NUSPEC = 1024**2
MAX_DEPTH = 64
MAX_TEXT = 35_000
SYMBOLS = "symbols"
_WEB = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_SPLIT = re.compile(r"[\s,;]+")


@dataclass(slots=True)
class Element:
    """Be an XML element; names are without their namespaces."""

    name: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Give the text between the tags, trimmed."""
        return "".join(self.texts).strip()

    def all(self, name: str) -> list[Element]:
        """Give the children of a name."""
        return [child for child in self.children if child.name == name]

    def one(self, name: str) -> Element:
        """Give the last child of a name, or an empty element."""
        return (self.all(name) or [Element(name, {})])[-1]


def parse_xml(data: bytes) -> Element:
    """Give the root of an XML document; raise InvalidPackage for a document type, depth, or other than UTF text."""
    parser = expat.ParserCreate(namespace_separator="\n")
    stack = [Element("", {})]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > MAX_DEPTH:
            raise InvalidPackage(f"The nuspec is nested more than {MAX_DEPTH} levels deep.")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        stack[-1].children.append(element)
        stack.append(element)

    def characters(text: str) -> None:
        stack[-1].texts.append(text)

    def refuse(*_: object) -> None:
        raise InvalidPackage("The nuspec has a document type or entities; write it without.")

    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: stack.pop()
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InvalidPackage(f"The nuspec is no valid XML: {str(error)[:200]!a}.") from None
    return stack[0].children[0]


def _local(name: str) -> str:
    return name.rpartition("\n")[2]


def read_nuspec(data: bytes) -> Manifest:
    """Give the manifest of a nuspec; raise InvalidPackage. Readme and files are the archive's."""
    if len(data) > MAX_NUSPEC:
        raise InvalidPackage(f"The nuspec has {len(data):,} bytes; at most {MAX_NUSPEC:,} are read.")
    metadata = parse_xml(data).one("metadata")
    name, version = check_id(_text(metadata, "id")), _text(metadata, "version")
    known = parse(version)
    types = [each.attributes.get("name", "") for each in metadata.one("packageTypes").all("packageType")]
    groups = list(_groups(metadata.one("dependencies")))
    ranges = [parse_range(text) for _, needs in groups for _, text in needs]
    semver2 = known.is_semver2 or any(parse(bound).is_semver2 for each in ranges for bound in each.bounds)
    data_ = {**_facts(metadata), "types": types, "semver2": semver2, "full_version": known.full}
    data_["groups"] = [[framework, [list(need) for need in needs]] for framework, needs in groups]
    facets = [f"type={each.lower()}" for each in types or ["Dependency"] if re.fullmatch(r"[\w.-]{1,100}", each)]
    return Manifest(
        name,
        version,
        SYMBOLS if "symbolspackage" in (each.lower() for each in types) else "",
        description=_text(metadata, "description") or data_["summary"],
        license=data_["license"] or data_["license_file"] or data_["license_url"],
        authors=_text(metadata, "authors"),
        keywords=tuple(filter(None, _SPLIT.split(_text(metadata, "tags")))),
        links=dict(_links(data_)),
        dependencies=tuple(_dependencies(groups)),
        data=data_,
        facets=(*facets, *(["semver2"] if semver2 else [])),
    )


def _facts(metadata: Element) -> dict[str, Any]:
    license_, repository = metadata.one("license"), metadata.one("repository")
    kind = license_.attributes.get("type", "")
    return {
        "title": _text(metadata, "title"),
        "summary": _text(metadata, "summary"),
        "release_notes": _text(metadata, "releaseNotes"),
        "copyright": _text(metadata, "copyright"),
        "language": _text(metadata, "language"),
        "project_url": _text(metadata, "projectUrl"),
        "icon_url": _text(metadata, "iconUrl"),
        "icon": _path(_text(metadata, "icon")),
        "readme": _path(_text(metadata, "readme")),
        "license": license_.text if kind == "expression" else "",
        "license_file": _path(license_.text) if kind == "file" else "",
        "license_url": _text(metadata, "licenseUrl"),
        "acceptance": _text(metadata, "requireLicenseAcceptance").lower() == "true",
        "development": _text(metadata, "developmentDependency").lower() == "true",
        "minimum_client": metadata.attributes.get("minClientVersion", "")[:64],
        "repository": {key: repository.attributes.get(key, "")[:2000] for key in ("type", "url", "branch", "commit")},
    }


def _text(metadata: Element, name: str) -> str:
    text = metadata.one(name).text
    if len(text) > MAX_TEXT or "\0" in text:
        raise InvalidPackage(f"The nuspec's {name} has more than {MAX_TEXT:,} characters; write less.")
    return text


def _path(text: str) -> str:
    return text.replace("\\", "/").removeprefix("./").lstrip("/")[:260]


def _groups(dependencies: Element) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Give the dependencies by framework; loose ones count only where there is no group."""
    groups = dependencies.all("group")
    for group in groups or ([dependencies] if dependencies.all("dependency") else []):
        needs = [
            (check_id(each.attributes.get("id", "").strip()), each.attributes.get("version", "").strip())
            for each in group.all("dependency")
        ]
        yield (group.attributes.get("targetFramework", "").strip()[:100] if groups else "", needs)


def _dependencies(groups: Sequence[tuple[str, list[tuple[str, str]]]]) -> Iterator[Dependency]:
    for framework, needs in groups:
        for name, text in needs:
            yield Dependency(name, str(parse_range(text)), group=framework or "any framework")


def _links(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    links = (("Project", data["project_url"]), ("Source", data["repository"]["url"]), ("Licence", data["license_url"]))
    for title, url in links:
        if _WEB.fullmatch(url):
            yield title, url
