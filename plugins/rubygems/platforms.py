"""The platforms of gems, read as Gem::Platform reads them."""

from __future__ import annotations

import re
from typing import NamedTuple

from app.plugin import InvalidPackage

RUBY = "ruby"
MAX_PLATFORM = 60
_TEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*(?:-[A-Za-z0-9_.]+)*")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SYSTEMS = (
    (r"aix([0-9]+)?", "aix"),
    (r"cygwin", "cygwin"),
    (r"darwin([0-9]+)?", "darwin"),
    (r"^macruby$", "macruby"),
    (r"freebsd([0-9]+)?", "freebsd"),
    (r"hpux([0-9]+)?", "hpux"),
    (r"^java$|^jruby$", "java"),
    (r"^java([0-9.]*)", "java"),
    (r"^dalvik([0-9]+)?$", "dalvik"),
    (r"^dotnet$", "dotnet"),
    (r"^dotnet([0-9.]*)", "dotnet"),
    (r"linux-?((?!gnu)[A-Za-z0-9_]+)?", "linux"),
    (r"mingw32", "mingw32"),
    (r"mingw-?([A-Za-z0-9_]+)?", "mingw"),
    (r"(mswin[0-9]+)(?:_([0-9]+))?", ""),
    (r"netbsdelf", "netbsdelf"),
    (r"openbsd([0-9]+\.[0-9]+)?", "openbsd"),
    (r"bitrig([0-9]+\.[0-9]+)?", "bitrig"),
    (r"solaris([0-9]+\.[0-9]+)?", "solaris"),
    (r"^([A-Za-z0-9_]+_platform)([0-9]+)?", ""),
)
"""What is looked for, in this order, with the version as its group; no name: the first group is the name."""


class Platform(NamedTuple):
    """Hold what Gem::Platform knows; a part that is not said is None."""

    cpu: str | None
    os: str | None
    version: str | None

    def __str__(self) -> str:
        """Give it as RubyGems writes it."""
        return "-".join(part for part in self if part is not None)


def check_platform(text: str) -> str:
    """Give a platform's text back when it may be part of a file name, else raise InvalidPackage."""
    if len(text) <= MAX_PLATFORM and _TEXT.fullmatch(text):
        return text
    raise InvalidPackage(
        f"{text[:MAX_PLATFORM]!a} is no platform; write it like java, x86_64-linux or x64-mingw-ucrt.",
        code="invalid-platform",
    )


def parse_platform(text: str) -> Platform:
    """Read a platform as Gem::Platform.new does."""
    parts = text.split("-")
    if len(parts) > 2 and not re.search("[0-9]", parts[-1]):
        *parts, last = parts
        parts[-1] += f"-{last}"
    cpu = "x86" if re.search("i[0-9]86", parts[0]) else parts[0]
    rest = parts[1:]
    if len(rest) == 2 and _VERSION.fullmatch(rest[1]):
        return Platform(cpu, *rest)
    return _system(cpu, rest[0]) if rest else _system(None, cpu)


def _system(cpu: str | None, text: str) -> Platform:
    for pattern, system in _SYSTEMS:
        match = re.search(pattern, text)
        if match is None:
            continue
        if system:
            return Platform(cpu, system, match[1] if match.re.groups else None)
        if cpu is None and match[1].endswith("32"):
            cpu = "x86"
        return Platform(cpu, match[1], match[2])
    return Platform(cpu, "unknown", None)
