"""Package URLs (purl-spec): ``pkg:type/namespace/name@version?qualifiers#subpath``.

The usual library folds the case of names by type, which makes two npm packages one; a feed compares by its format.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

from app.domain.errors import Invalid
from app.plugin.format import FeedFormat

# Qualifiers that every type knows and that say nothing about which file is meant (purl-spec, "Known qualifiers").
_ABOUT_SOURCES = frozenset({"repository_url", "download_url", "vcs_url", "file_name", "checksum", "checksums"})


@dataclass(frozen=True, slots=True)
class Purl:
    """Hold the parts of a package URL, decoded; absent ones are empty. ``qualifier`` is ``k=v``, joined by ``&``."""

    type: str
    group: str
    name: str
    version: str = ""
    qualifier: str = ""


def parse(text: str) -> Purl:
    """Give the parts of a package URL; raise Invalid."""
    rest, _, _ = text.strip().partition("#")
    rest, _, query = rest.partition("?")
    scheme, colon, rest = rest.partition(":")
    kind, _, path = rest.strip("/").partition("/")
    if scheme.lower() != "pkg" or not colon or not kind:
        raise _invalid(text)
    path, at, version = path.rpartition("@") if "@" in path.rpartition("/")[2] else (path, "", "")
    parts = [unquote(part) for part in path.split("/") if part]
    if not parts or (at and not version):
        raise _invalid(text)
    return Purl(kind.lower(), "/".join(parts[:-1]), parts[-1], unquote(version), tidy(query))


def _invalid(text: str) -> Invalid:
    return Invalid(f"{text[:200]!r} is no package URL; write pkg:type/group/name@version.", code="invalid-purl")


def tidy(qualifier: str) -> str:
    """Give qualifiers in one order, without those that do not tell files apart."""
    pairs = sorted((name.lower(), value) for name, value in parse_qsl(qualifier))
    return "&".join(f"{name}={value}" for name, value in pairs if name not in _ABOUT_SOURCES)


def matches(purl: Purl, format: FeedFormat) -> bool:
    """Tell whether a package URL's type is a format's."""
    return purl.type in (format.purl_type.lower(), format.key.lower(), *(alias.lower() for alias in format.aliases))


def build(format: FeedFormat, full_name: str, version: str, qualifier: str = "") -> str:
    """Give the package URL of a version, or of one file of it."""
    group, name = format.split_name(full_name)
    path = "/".join(_encode(part) for part in (*group.split("/"), name) if part)
    pairs = "&".join(f"{key}={_encode(value)}" for key, value in parse_qsl(qualifier))
    return f"pkg:{format.purl_type}/{path}@{_encode(version)}" + (f"?{pairs}" if pairs else "")


def _encode(part: str) -> str:
    return quote(part, safe=":")
