"""Blocks for version keys: text whose byte order is the version order.

A format joins these blocks into its own key. Numbers come with their length, labels with an end mark below
every character that a label may hold, and a release ends above everything that a prerelease may begin with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.domain.errors import InvalidPackage

MAX_LENGTH = 256
MAX_DIGITS = 99
END = "~"
"""Ends a release: sorts above the start of every label."""
LABEL_END = "!"
"""Ends a text label: sorts below ``-``, digits and letters, so that a shorter label comes first."""

_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(
    r"(?P<major>0|[1-9][0-9]*)\.(?P<minor>0|[1-9][0-9]*)\.(?P<patch>0|[1-9][0-9]*)"
    rf"(?:-(?P<labels>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
    r"(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


def number(value: int) -> str:
    """Give a whole number from 0 as sortable text: two digits for its length, then its digits.

    Raises InvalidPackage above 99 digits.
    """
    digits = str(value)
    if value < 0 or len(digits) > MAX_DIGITS:
        raise InvalidPackage(
            f"The number {digits[:20]}... in the version is too long; use at most {MAX_DIGITS} digits."
        )
    return f"{len(digits):02}{digits}"


def signed(value: int) -> str:
    """Give a whole number as sortable text, negative ones below zero (their digits as nines' complements)."""
    return f"1{number(value)}" if value >= 0 else f"0{complement(number(-value))}"


def complement(digits: str) -> str:
    """Give digits whose order is reversed: 0 for 9, 1 for 8, and so on."""
    return digits.translate(_COMPLEMENT)


_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def numeric_label(value: int, *, negative: bool = False) -> str:
    """Give a numeric label's key; it sorts below every text label. ``negative``: the format has negative ones."""
    return "0" + (signed(value) if negative else number(value))


def text_label(text: str) -> str:
    """Give a text label's key, in the order of its characters; raise InvalidPackage unless they are visible ASCII."""
    if not all(LABEL_END < character <= END for character in text):
        raise InvalidPackage(f"The label {text[:40]!r} in the version has a character that no version has.")
    return f"1{text}{LABEL_END}"


@dataclass(frozen=True, slots=True)
class SemVer:
    """Hold a version of SemVer 2.0.0 taken apart; ``labels`` is empty for a release."""

    core: tuple[int, int, int]
    labels: tuple[str, ...]
    build: str

    def __str__(self) -> str:
        """Give the canonical text, build metadata included."""
        text = ".".join(map(str, self.core))
        text += "-" + ".".join(self.labels) if self.labels else ""
        return text + (f"+{self.build}" if self.build else "")


def parse_semver(text: str) -> SemVer:
    """Take a version apart strictly by SemVer 2.0.0 section 2 to 10; raise InvalidPackage."""
    match = _SEMVER.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise InvalidPackage(f"{text[:80]!r} is no version of SemVer 2; write it like 1.2.3 or 1.2.3-beta.1.")
    labels = tuple(match["labels"].split(".")) if match["labels"] else ()
    parts = (match["major"], match["minor"], match["patch"], *labels)
    if any(len(part) > MAX_DIGITS and part.isdigit() for part in parts):
        raise InvalidPackage(f"A number in the version {text[:40]!r}... is too long; use at most {MAX_DIGITS} digits.")
    return SemVer((int(match["major"]), int(match["minor"]), int(match["patch"])), labels, match["build"] or "")


def semver_key(text: str) -> str:
    """Give the sortable key of a version by SemVer 2.0.0 section 11; build metadata does not count."""
    version = parse_semver(text)
    core = "".join(map(number, version.core))
    if not version.labels:
        return core + END
    return core + "".join(numeric_label(int(x)) if x.isdigit() else text_label(x) for x in version.labels)


def semver_normalize(text: str) -> str:
    """Give a version's canonical text without its build metadata."""
    return str(parse_semver(text)).split("+")[0]


def semver_is_prerelease(text: str) -> bool:
    """Tell whether a version has prerelease labels."""
    return bool(parse_semver(text).labels)
