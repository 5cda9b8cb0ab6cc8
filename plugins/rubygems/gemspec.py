"""What a gem's specification says, read out of its YAML into plain values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from app.plugin import Dependency, InvalidPackage, Manifest

from .names import RUBY, check_name, check_platform, full_name, parse_platform
from .versions import Requirement, clean, parse_requirement, version_key
from .yaml_events import CLASS

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_WEB = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_LINKS = {
    "homepage_uri": "Homepage",
    "source_code_uri": "Source",
    "changelog_uri": "Changes",
    "bug_tracker_uri": "Issues",
    "documentation_uri": "Documentation",
}
_EPOCH = "1980-01-02"
_ANY = Requirement(">=", "0")
_MAX_TEXT = 100_000


def read_spec(values: Any, readme: str = "") -> Manifest:
    """Give the manifest of a gemspec's values (see ``yaml_events.load``); raise InvalidPackage."""
    spec = _mapping(values)
    if spec.get(CLASS) != "Gem::Specification":
        raise InvalidPackage("The gem's metadata is no Gem::Specification; build the gem with 'gem build'.")
    name, version = check_name(_text(spec.get("name"))), clean(_version(spec.get("version")))
    version_key(version)
    platform, built_for = _platform(spec)
    wanted = list(_dependencies(spec.get("dependencies")))
    ruby, rubygems = (requirement_of(spec.get(key)) for key in ("required_ruby_version", "required_rubygems_version"))
    licenses, authors = _texts(spec.get("licenses") or spec.get("license")), _texts(spec.get("authors"))
    summary, homepage = _text(spec.get("summary")), _text(spec.get("homepage"))
    description, email = _text(spec.get("description")), spec.get("email")
    metadata = {key: value for key, value in _mapping(spec.get("metadata")).items() if isinstance(value, str)}
    data: dict[str, Any] = {
        "summary": summary,
        "description": description,
        "email": _texts(email) if isinstance(email, list) else _text(email) or None,
        "authors": authors,
        "licenses": licenses,
        "homepage": homepage,
        "metadata": metadata,
        "date": _date(spec.get("date")),
        "rubygems_version": _text(spec.get("rubygems_version")) or "0",
        "platform": platform,
        "built_for": built_for,
        "required_ruby": show(ruby),
        "required_rubygems": show(rubygems),
        "dependencies": [[each, show(requirement), kind] for each, requirement, kind in wanted],
        "executables": _texts(spec.get("executables"))[:1000],
        "extensions": bool(spec.get("extensions")),
    }
    variant = "" if platform == RUBY else platform
    full, also = full_name(name, version, variant), full_name(name, version, "" if built_for == RUBY else built_for)
    return Manifest(
        name,
        version,
        variant,
        description=description or summary,
        license=", ".join(licenses),
        authors=", ".join(authors),
        links=dict(_links(homepage, metadata)),
        readme=readme,
        dependencies=tuple(_shown_dependencies(wanted)),
        data=data,
        handles=tuple(dict.fromkeys((full, also))),
    )


def show(requirement: Sequence[Requirement]) -> str:
    """Give a requirement's text, in the order in which it was written."""
    return ", ".join(f"{each.operator} {each.version}" for each in requirement)


def requirement_of(value: Any) -> tuple[Requirement, ...]:
    """Give the parts of a requirement as a gemspec holds it; none means any version."""
    if isinstance(value, str):
        return parse_requirement(value)
    parts = _mapping(value).get("requirements") or _mapping(value).get("version")
    if isinstance(parts, str):
        return parse_requirement(parts)
    found: list[Requirement] = []
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, list) or len(part) != 2:
            raise InvalidPackage("A requirement in the gem's metadata is no pair of an operator and a version.")
        found.extend(parse_requirement(f"{_text(part[0])} {_version(part[1])}"))
    return tuple(found) or (_ANY,)


def _dependencies(value: Any) -> Iterator[tuple[str, tuple[Requirement, ...], str]]:
    for each in value if isinstance(value, list) else ():
        known = _mapping(each)
        kind = _text(known.get("type")).lstrip(":") or "runtime"
        if kind not in ("runtime", "development"):
            raise InvalidPackage(
                f"The gem has a dependency of the kind {kind[:40]!r}; there are runtime and development."
            )
        asked = known.get("requirement") or known.get("version_requirements") or known.get("version_requirement")
        yield check_name(_text(known.get("name"))), requirement_of(asked), kind


def _shown_dependencies(wanted: Sequence[tuple[str, tuple[Requirement, ...], str]]) -> Iterator[Dependency]:
    for name, requirement, kind in sorted(wanted, key=lambda each: (each[2] != "runtime", each[0])):
        yield Dependency(name, show(requirement), group=kind, runtime=kind == "runtime")


def _platform(spec: Mapping[str, Any]) -> tuple[str, str]:
    """Give the platform as the gem's file is named, and as RubyGems compares it."""
    given = spec.get("platform")
    if isinstance(given, dict):
        given = "-".join(_text(given.get(part)) for part in ("cpu", "os", "version") if given.get(part))
    original = _text(spec.get("original_platform")) or _text(given) or RUBY
    check_platform(original)
    return original, RUBY if original == RUBY else str(parse_platform(original))


def _links(homepage: str, metadata: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for title, url in (("Homepage", homepage), *((title, metadata.get(key, "")) for key, title in _LINKS.items())):
        if _WEB.fullmatch(url):
            yield title, url


def _version(value: Any) -> str:
    return _text(value.get("version") if isinstance(value, dict) else value)


def _date(value: Any) -> str:
    found = _DATE.match(_text(value))
    try:
        return date(*map(int, found.groups())).isoformat() if found else _EPOCH
    except ValueError:
        return _EPOCH


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    if len(value) > _MAX_TEXT or "\0" in value:
        raise InvalidPackage(f"A text in the gem's metadata has NUL in it, or more than {_MAX_TEXT:,} characters.")
    return value


def _texts(value: Any) -> list[str]:
    return [_text(each) for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
