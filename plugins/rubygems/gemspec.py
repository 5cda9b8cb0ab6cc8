"""What a gemspec says, as the YAML inside a gem spells it in any year, put into a manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from app.plugin import Dependency, InvalidPackage, Manifest

from .names import check_name, file_name, full_name
from .platforms import RUBY, check_platform, parse_platform
from .requirements import ANY, parse, parse_part
from .versions import normalize, version_key
from .yaml_events import Record, Value, read_yaml

MAX_TEXT = 100_000
MAX_ITEM = 1_000
MAX_LIST = 1_000
MAX_PARTS = 50
RUNTIME, DEVELOPMENT = "runtime", "development"
_REQUIREMENTS = ("Gem::Requirement", "Gem::Version::Requirement")
_FIRST_DAY = "1980-01-02"
"""What RubyGems takes for the day of a gem that does not say one."""
_DAY = re.compile(r"(?:19[7-9]|2[0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}")
_LINKS = {
    "source_code_uri": "source code",
    "changelog_uri": "changelog",
    "documentation_uri": "documentation",
    "bug_tracker_uri": "bugs",
    "mailing_list_uri": "mailing list",
    "wiki_uri": "wiki",
    "funding_uri": "funding",
}
_WEB = re.compile(r"https?://[^\s/][^\s]*")


def read_gemspec(text: bytes, readme: str = "", facts: Mapping[str, int] | None = None) -> Manifest:
    """Read the YAML of a gemspec; raise InvalidPackage. ``facts`` go along into the manifest's data."""
    spec = read_yaml(text)
    if not isinstance(spec, Record) or spec.kind != "Gem::Specification":
        raise InvalidPackage("The gem's metadata is no Gem::Specification; build it with 'gem build'.")
    name, version, platform = check_name(_text(spec, "name")), _version(spec.get("version")), _platform(spec)
    version_key(version), file_name(name, version, platform)
    dependencies = tuple(_dependencies(spec))
    licenses, authors, metadata = (
        _texts(spec, "licenses", "license"),
        _texts(spec, "authors", "author"),
        _metadata(spec),
    )
    homepage, summary, description = (_text(spec, key) for key in ("homepage", "summary", "description"))
    data = {
        "platform": platform or RUBY,
        "ruby": _requirement(spec.get("required_ruby_version")),
        "rubygems": _requirement(spec.get("required_rubygems_version")),
        "rubygems_version": _text(spec, "rubygems_version") or "0",
        "date": _date(spec),
        "summary": summary,
        "description": description,
        "authors": authors,
        "email": _text(spec, "email") or (_texts(spec, "email") if isinstance(spec.get("email"), list) else None),
        "homepage": homepage,
        "licenses": licenses,
        "metadata": metadata,
        "executables": _texts(spec, "executables"),
        "extensions": _texts(spec, "extensions"),
        "requirements": _texts(spec, "requirements"),
        **(facts or {}),
    }
    return Manifest(
        name,
        version,
        platform,
        description=description or summary,
        license=", ".join(licenses),
        authors=", ".join(authors),
        links=_links(homepage, metadata),
        readme=readme,
        dependencies=dependencies,
        data=data,
        facets=(f"platform={(platform or RUBY).lower()}", *(["native"] if data["extensions"] else [])),
        handles=tuple(_handles(name, version, platform)),
    )


def _handles(name: str, version: str, platform: str) -> Iterator[str]:
    """Give the full names of a file: with its platform as it is spelled, and as RubyGems reads it."""
    spelled = full_name(name, version, platform)
    read = full_name(name, version, str(parse_platform(platform))) if platform else spelled
    yield from dict.fromkeys((spelled, read))


def _text(spec: Record, key: str) -> str:
    value = spec.get(key)
    if isinstance(value, str):
        return _clean(value)[:MAX_TEXT]
    return ""


def _clean(text: str) -> str:
    """Give text that can be stored and sent: without zeros and halves of characters."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _texts(spec: Record, *keys: str) -> list[str]:
    """Give a list of short texts from the first key that has one, which may be a single text."""
    value: Value = next((spec[key] for key in keys if spec.get(key)), [])
    values = value if isinstance(value, list) else [value]
    return [_clean(each)[:MAX_ITEM] for each in values[:MAX_LIST] if isinstance(each, str)]


def _version(value: Value) -> str:
    text = value.get("version") if isinstance(value, Record) and value.kind == "Gem::Version" else None
    if not isinstance(text, str):
        raise InvalidPackage("The gemspec has no version, or one that is no Gem::Version; build it with 'gem build'.")
    return normalize(text)


def _platform(spec: Record) -> str:
    """Give a gem's platform as its file is named: the one that the author spelled first; empty for ruby."""
    for key in ("original_platform", "platform"):
        value = spec.get(key)
        if isinstance(value, Record) and value.kind == "Gem::Platform":
            value = "-".join(part for part in map(value.get, ("cpu", "os", "version")) if isinstance(part, str))
        if isinstance(value, str) and value:
            return "" if value == RUBY else check_platform(value)
    return ""


def _date(spec: Record) -> str:
    found = _DAY.match(_text(spec, "date"))
    try:
        return date.fromisoformat(found[0]).isoformat() if found else _FIRST_DAY
    except ValueError:
        return _FIRST_DAY


def _metadata(spec: Record) -> dict[str, str]:
    value = spec.get("metadata")
    items = value.items() if isinstance(value, Record) else ()
    kept = [(key, text) for key, text in items if isinstance(text, str)][:MAX_LIST]
    return {_clean(key)[:MAX_ITEM]: _clean(text)[:MAX_ITEM] for key, text in kept}


def _links(homepage: str, metadata: Mapping[str, str]) -> dict[str, str]:
    named = {"homepage": homepage or metadata.get("homepage_uri", "")}
    named |= {label: metadata.get(key, "") for key, label in _LINKS.items()}
    return {label: url for label, url in named.items() if _WEB.fullmatch(url) and len(url) <= MAX_ITEM}


# Dependencies -----------------------------------------------------------------------------------------


def _dependencies(spec: Record) -> Iterator[Dependency]:
    values = spec.get("dependencies")
    if values is None:
        return
    if not isinstance(values, list) or len(values) > MAX_LIST:
        raise InvalidPackage(f"The gemspec's dependencies are no list of at most {MAX_LIST:,}.")
    for value in values:
        if not isinstance(value, Record) or value.kind != "Gem::Dependency":
            raise InvalidPackage("The gemspec has a dependency that is no Gem::Dependency; build it with 'gem build'.")
        runtime = str(value.get("type") or ":runtime").lstrip(":") == RUNTIME
        wanted = value.get("requirement") or value.get("version_requirement") or value.get("version_requirements")
        name = check_name(_text(value, "name"))
        yield Dependency(name, _requirement(wanted), RUNTIME if runtime else DEVELOPMENT, runtime=runtime)


def _requirement(value: Value) -> str:
    """Give a requirement as text, its parts as they stand with commas between them; ``>= 0`` where there is none."""
    if value is None:
        return ANY
    if not isinstance(value, Record) or value.kind not in _REQUIREMENTS:
        raise InvalidPackage("The gemspec has a requirement that is no Gem::Requirement; build it with 'gem build'.")
    parts = value.get("requirements")
    if not isinstance(parts, list) or len(parts) > MAX_PARTS:
        raise InvalidPackage(f"The gemspec has a requirement that is no list of at most {MAX_PARTS} comparisons.")
    text = ", ".join(_comparison(part) for part in parts) or ANY
    parse(text)
    return text


def _comparison(part: Any) -> str:
    match part:
        case [str(operator), Record(kind="Gem::Version") as version]:
            return str(parse_part(f"{operator} {normalize(str(version.get('version')))}"))
    raise InvalidPackage("The gemspec has a comparison that is no operator and Gem::Version.")
