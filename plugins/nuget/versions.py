"""NuGet's versions: four numbers, labels, build metadata; their order and their key.

Follows NuGet.Versioning: ``NuGetVersion.TryParse`` and ``VersionComparer.VersionRelease``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from app.plugin import InvalidPackage
from app.plugin.ordering import END, number, numeric_label, text_label

MAX_LENGTH = 256
MAX_NUMBER = 2**31 - 1
_PARTS = re.compile(r"(?P<core>[^-+]*)(?:-(?P<labels>[^+]*))?(?:\+(?P<build>.*))?", re.DOTALL)
_NUMBER = re.compile(r"\s*([0-9]+)\s*")
_LABEL = re.compile(r"[0-9A-Za-z-]+")
_LEADING_ZERO = re.compile(r"0[0-9]+")
_SIGNED = re.compile(r"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class NuGetVersion:
    """Hold a version taken apart; missing numbers are 0, ``labels`` is empty for a release."""

    numbers: tuple[int, int, int, int]
    labels: tuple[str, ...] = ()
    build: str = ""

    @property
    def normalized(self) -> str:
        """Give the normal text: no leading zeros, no fourth number that is 0, no build metadata."""
        numbers = self.numbers if self.numbers[3] else self.numbers[:3]
        return ".".join(map(str, numbers)) + ("-" + ".".join(self.labels) if self.labels else "")

    @property
    def full(self) -> str:
        """Give the normal text with its build metadata."""
        return self.normalized + (f"+{self.build}" if self.build else "")

    @property
    def is_semver2(self) -> bool:
        """Tell whether clients that know SemVer 1 only must not see it: dotted labels, or build metadata."""
        return len(self.labels) > 1 or bool(self.build)

    @property
    def key(self) -> str:
        """Give the sortable key, without build metadata; labels that fit 32 bits compare as signed numbers."""
        core = "".join(map(number, self.numbers))
        return core + ("".join(map(_label_key, self.labels)) if self.labels else END)


def _label_key(label: str) -> str:
    value = int(label) if _SIGNED.fullmatch(label) else None
    if value is not None and -MAX_NUMBER - 1 <= value <= MAX_NUMBER:
        return numeric_label(value, negative=True)
    return text_label(label.upper())


@lru_cache(maxsize=16_384)  # The same few texts come again and again.
def parse_version(text: str) -> NuGetVersion:
    """Take a version apart; raise InvalidPackage. Blanks around it and around its numbers do not count."""
    found = _parse(text.strip()) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise InvalidPackage(
            f"{text[:80]!r} is no NuGet version; write it like 1.2.3, 1.2.3.4 or 1.2.3-beta.1.", code="invalid-version"
        )
    return found


def _parse(text: str) -> NuGetVersion | None:
    match = _PARTS.fullmatch(text)
    assert match is not None  # noqa: S101 - the pattern matches any text
    core, labels, build = match.group("core", "labels", "build")
    numbers = [_number(part) for part in core.split(".")]
    names = labels.split(".") if labels is not None else []
    metadata = build.split(".") if build is not None else []
    if len(numbers) > 4 or None in numbers or not all(map(_LABEL.fullmatch, [*names, *metadata])):
        return None
    if any(map(_LEADING_ZERO.fullmatch, names)):
        return None
    major, minor, patch, revision = (*(n or 0 for n in numbers), 0, 0, 0)[:4]
    return NuGetVersion((major, minor, patch, revision), tuple(names), build or "")


def _number(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    value = int(match[1]) if match else -1
    return value if 0 <= value <= MAX_NUMBER else None


def version_key(text: str) -> str:
    """Give the sortable key of a version; raise InvalidPackage."""
    return parse_version(text).key


def normalize(text: str) -> str:
    """Give a version's normal text; raise InvalidPackage."""
    return parse_version(text).normalized


def is_prerelease(text: str) -> bool:
    """Tell whether a version has labels; raise InvalidPackage."""
    return bool(parse_version(text).labels)


def in_address(text: str) -> str:
    """Give a version as V3 addresses spell it: normal, in small letters."""
    return normalize(text).lower()
