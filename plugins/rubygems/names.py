"""The names of gems and of the platforms they are built for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.plugin import InvalidPackage

MAX_LENGTH = 200
RUBY = "ruby"
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]*")
_PLATFORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VERSION_AT_END = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# What a platform's system is called, and what of it is its version, in the order in which RubyGems looks.
_SYSTEMS = (
    (r"aix(\d+)?", "aix"),
    (r"cygwin", "cygwin"),
    (r"darwin(\d+)?", "darwin"),
    (r"^j(?:ava|ruby)$", "java"),
    (r"^java([\d.]*)", "java"),
    (r"^dalvik(\d+)?$", "dalvik"),
    (r"^dotnet$", "dotnet"),
    (r"^dotnet([\d.]*)", "dotnet"),
    (r"linux-?((?!gnu)\w+)?", "linux"),
    (r"mingw32", "mingw32"),
    (r"mingw-?(\w+)?", "mingw"),
    (r"(?P<named>mswin\d+)(?:_(\d+))?", ""),
    (r"netbsdelf", "netbsdelf"),
    (r"openbsd(\d+\.\d+)?", "openbsd"),
    (r"solaris(\d+\.\d+)?", "solaris"),
    (r"^(?P<named>\w+_platform)(\d+)?", ""),
)


def check_name(name: str) -> str:
    """Give a gem's name back; raise InvalidPackage for what rubygems would refuse.

    Letters, digits, ``.``, ``_`` and ``-``, with a letter among them, beginning with a letter or digit.
    """
    if len(name) <= MAX_LENGTH and _NAME.fullmatch(name):
        return name
    raise InvalidPackage(
        f"{name[:MAX_LENGTH]!r} is no gem's name; use up to {MAX_LENGTH} letters, digits, '.', '_' and '-', "
        "with a letter among them, beginning with a letter or digit.",
        code="invalid-name",
    )


def check_platform(platform: str) -> str:
    """Give a platform's text back; raise InvalidPackage for what is none."""
    if _PLATFORM.fullmatch(platform):
        return platform
    raise InvalidPackage(f"{platform[:100]!r} is no platform; use one like 'java' or 'x86_64-linux'.")


def full_name(name: str, version: str, platform: str = "") -> str:
    """Give the name by which clients ask for a gem's file; ``platform`` is empty for Ruby."""
    return "-".join(filter(None, (name, version, platform)))


@dataclass(frozen=True, slots=True)
class Platform:
    """Hold what RubyGems reads out of a platform's text."""

    cpu: str | None
    os: str
    version: str | None

    def __str__(self) -> str:
        """Give the text that RubyGems gives."""
        return "-".join(part for part in (self.cpu, self.os, self.version) if part is not None)


def parse_platform(text: str) -> Platform:
    """Take a platform apart as ``Gem::Platform.new`` does."""
    parts = text.split("-")
    if len(parts) > 2 and not re.search(r"\d+(\.\d+)?$", parts[-1]):
        parts[-2:] = ["-".join(parts[-2:])]
    cpu: str | None = "x86" if re.search(r"i\d86", parts[0]) else parts[0]
    rest = parts[1:]
    if len(rest) == 2 and _VERSION_AT_END.fullmatch(rest[1]):
        return Platform(cpu, rest[0], rest[1])
    if not rest:
        cpu, rest = None, [parts[0]]
    for pattern, system in _SYSTEMS:
        found = re.search(pattern, rest[0])
        if found is not None:
            return _platform(cpu, system or found["named"], found)
    return Platform(cpu, "unknown", None)


def _platform(cpu: str | None, system: str, found: re.Match[str]) -> Platform:
    if cpu is None and re.search(r"mswin\d*32$", system):
        cpu = "x86"
    groups = [group for number, group in enumerate(found.groups(), 1) if number != found.re.groupindex.get("named")]
    return Platform(cpu, system, groups[-1] if groups else None)
