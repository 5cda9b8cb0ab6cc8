"""NuGet's ids and versions: SemVer 2 with up to four numbers, compared without regard to case or build metadata."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from app.plugin import InvalidPackage
from app.plugin.ordering import END, number, numeric_label, text_label

MAX_ID, MAX_VERSION = 100, 128
MAX_NUMBER = 2**31 - 1
MAX_KEY = 1000
_ID = re.compile(r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*")
_LABELS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    rf"(?P<core>[0-9]+(?:\.[0-9]+){{0,3}})(?:-(?P<labels>{_LABELS}))?(?:\+(?P<build>{_LABELS}))?", re.ASCII
)
_SIGNED = re.compile(r"-?[0-9]+")


def check_id(name: str) -> str:
    """Give a package's id back; raise InvalidPackage for what is none. ASCII only, at most 100 characters."""
    if len(name) <= MAX_ID and _ID.fullmatch(name):
        return name
    raise InvalidPackage(
        f"{name[:MAX_ID]!r} is no NuGet package id; use up to {MAX_ID} letters, digits and '_', in parts that are "
        "joined by single dots or hyphens.",
        code="invalid-name",
    )


@dataclass(frozen=True, slots=True)
class NuGetVersion:
    """Hold a version taken apart: always four numbers, no labels for a release."""

    numbers: tuple[int, int, int, int]
    labels: tuple[str, ...]
    build: str

    def __str__(self) -> str:
        """Give the normal form: no fourth number where it is 0, no leading zeros, no build metadata."""
        shown = self.numbers if self.numbers[3] else self.numbers[:3]
        return ".".join(map(str, shown)) + ("-" + ".".join(self.labels) if self.labels else "")

    @property
    def full(self) -> str:
        """Give the normal form with build metadata."""
        return f"{self}+{self.build}" if self.build else str(self)

    @property
    def is_semver2(self) -> bool:
        """Tell whether only clients that know SemVer 2 can read the version."""
        return len(self.labels) > 1 or bool(self.build)


@lru_cache(maxsize=16_384)
def parse(text: str) -> NuGetVersion:
    """Take a version apart as NuGet.Versioning does; raise InvalidPackage."""
    trimmed = text.strip(" \t")
    found = _VERSION.fullmatch(trimmed) if len(trimmed) <= MAX_VERSION else None
    labels = tuple(found["labels"].split(".")) if found is not None and found["labels"] else ()
    if found is None or any(len(label) > 1 and label[0] == "0" and label.isdigit() for label in labels):
        raise InvalidPackage(f"{text[:80]!r} is no NuGet version; write it like 1.2.3, 1.2.3.4 or 1.2.3-beta.1.")
    numbers = [int(part) for part in found["core"].split(".")]
    if max(numbers) > MAX_NUMBER:
        raise InvalidPackage(f"A number in the version {text[:40]!r} is above {MAX_NUMBER:,}; use a smaller one.")
    a, b, c, d = (*numbers, 0, 0, 0)[:4]
    return NuGetVersion((a, b, c, d), labels, found["build"] or "")


@lru_cache(maxsize=16_384)
def version_key(text: str) -> str:
    """Give the sortable key of a version; raise InvalidPackage."""
    version = parse(text)
    key = "".join(map(number, version.numbers))
    key += "".join(map(_label, version.labels)) if version.labels else END
    if len(key) > MAX_KEY:
        raise InvalidPackage(f"The version {text[:40]!r} has too many labels; use fewer.")
    return key


def _label(label: str) -> str:
    value = int(label) if _SIGNED.fullmatch(label) and len(label) <= 11 else None
    if value is not None and -MAX_NUMBER - 1 <= value <= MAX_NUMBER:
        return numeric_label(value, negative=True)
    return text_label(label.upper())


def normalize(text: str) -> str:
    """Give a version's normal form."""
    return str(parse(text))


def is_prerelease(text: str) -> bool:
    """Tell whether a version has labels."""
    return bool(parse(text).labels)
