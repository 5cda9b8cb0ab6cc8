"""What ``upack.json`` says: checked against the format's rules, unknown members kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from app.plugin import Dependency, InvalidPackage, Manifest

from .names import check_name, join_name
from .versions import parse_dependency, version_key

FILE = "upack.json"
LIMITS = {"title": 50, "shortDescription": 1000, "projectUrl": 2000, "icon": 2000}


def read_manifest(raw: object) -> Manifest:
    """Give the manifest of a decoded ``upack.json``; raise InvalidPackage for one that breaks a rule."""
    if not isinstance(raw, dict):
        raise InvalidPackage(f"{FILE} holds no object; write a JSON object with name and version.")
    bare = _needed(raw, "name")
    name = check_name(join_name(_text(raw, "group"), bare.replace("/", "\\")))
    version = _needed(raw, "version")
    version_key(version)
    for member, limit in LIMITS.items():
        _text(raw, member, limit)
    description = _text(raw, "shortDescription") or _text(raw, "description") or _text(raw, "title")
    _check_history(raw.get("repackageHistory"))
    return Manifest(
        name,
        version,
        description=description,
        authors=_text(raw, "createdBy"),
        keywords=tuple(_tags(raw.get("tags"))),
        links=dict(_links(_text(raw, "projectUrl"))),
        readme=_text(raw, "description"),
        dependencies=tuple(_dependencies(raw.get("dependencies"))),
        data={"upack": raw},
    )


def members(manifest: Manifest) -> Mapping[str, Any]:
    """Give the members of the ``upack.json`` that a manifest was read from; none where its source did not say them."""
    found: Mapping[str, Any] = manifest.data.get("upack", {})
    return found


def _text(raw: Mapping[str, Any], member: str, limit: int | None = None) -> str:
    value = raw.get(member)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidPackage(f"{FILE}: {member} is no text; write it in quotes.")
    if limit is not None and len(value) > limit:
        raise InvalidPackage(f"{FILE}: {member} has {len(value):,} characters; use at most {limit:,}.")
    return value


def _needed(raw: Mapping[str, Any], member: str) -> str:
    value = _text(raw, member)
    if not value:
        raise InvalidPackage(f"{FILE} has no {member}; a Universal package needs a name and a version.")
    return value


def _tags(value: object) -> Iterator[str]:
    for tag in _list(value, "tags"):
        if not isinstance(tag, str) or not 0 < len(tag) <= 50:
            raise InvalidPackage(f"{FILE}: a tag is a text of 1 to 50 characters, not {str(tag)[:60]!r}.")
        yield tag


def _dependencies(value: object) -> Iterator[Dependency]:
    for text in [value] if isinstance(value, str) else _list(value, "dependencies"):
        if not isinstance(text, str):
            raise InvalidPackage(f"{FILE}: a dependency is a text like 'group/name:1.0.0', not {str(text)[:60]!r}.")
        name, range = parse_dependency(text)
        yield Dependency(check_name(name), range)


def _check_history(value: object) -> None:
    for entry in _list(value, "repackageHistory"):
        id = entry.get("id") if isinstance(entry, dict) else entry
        if not isinstance(id, str) or not id:
            raise InvalidPackage(f"{FILE}: each entry of repackageHistory is a package's id, or an object with one.")


def _list(value: object, member: str) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidPackage(f"{FILE}: {member} is no array; write it in square brackets.")
    return value


def _links(url: str) -> Iterator[tuple[str, str]]:
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return
    if scheme in ("http", "https"):
        yield "Project", url
