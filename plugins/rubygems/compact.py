"""The compact index, as gem and Bundler read it: one text about each gem, and a list that is only ever added to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from app.plugin import Dependency, FileChange, FileLine
from app.plugin.records import FileRecord, PackageRecord

from .requirements import ANY

TYPE = "text/plain; charset=utf-8"
_HEAD = "---\n"


def versions_head(begun: datetime) -> bytes:
    """Give the beginning of ``versions``: when it was begun, in whole seconds."""
    return f"created_at: {begun.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n{_HEAD}".encode()


def info(package: PackageRecord) -> bytes:
    """Give what clients need to know of a gem, a line for each file in the order of their arrival.

    What is yanked is left out, so that a gem that is wholly yanked has only the head.
    """
    return (_HEAD + "".join(_line(file) for file in _present(package))).encode()


def _present(package: PackageRecord) -> list[FileRecord]:
    files = [file for version in package.versions for file in version.files if file.listed]
    return sorted(files, key=lambda file: file.sequence)


def _line(file: FileRecord) -> str:
    manifest = file.manifest
    data = manifest.data
    needs = ",".join(_need(each) for each in sorted(manifest.dependencies, key=lambda d: d.name) if each.runtime)
    facts = [f"checksum:{file.digests.sha256}"]
    facts += [f"{name}:{_joined(data[name])}" for name in ("ruby", "rubygems") if data[name] != ANY]
    return f"{number(manifest.version, manifest.variant)} {needs}|{','.join(facts)}\n"


def number(version: str, platform: str) -> str:
    """Give a version as the index writes it, with its platform unless that is ruby."""
    return f"{version}-{platform}" if platform else version


def _need(dependency: Dependency) -> str:
    return f"{dependency.name}:{_joined(dependency.range)}"


def _joined(requirement: str) -> str:
    return "&".join(sorted(requirement.split(", ")))


def changed(package: PackageRecord, changes: Sequence[FileChange]) -> list[str]:
    """Give the line of ``versions`` for changes of a gem; what went has a minus before it."""
    numbers = ",".join(f"{'' if c.present else '-'}{number(c.version, c.variant)}" for c in changes)
    return [f"{package.name} {numbers} {_digest(package)}\n"]


def rebuilt(package: PackageRecord) -> list[str]:
    """Give the line of a ``versions`` that is begun anew; none for a gem that is wholly yanked."""
    numbers = ",".join(number(file.manifest.version, file.variant) for file in _present(package))
    return [f"{package.name} {numbers} {_digest(package)}\n"] if numbers else []


def _digest(package: PackageRecord) -> str:
    return hashlib.md5(info(package), usedforsecurity=False).hexdigest()


def name_line(lines: Sequence[FileLine]) -> bytes:
    """Give a gem's line of ``names``; none where it is wholly yanked."""
    return f"{lines[0].name}\n".encode() if any(line.listed for line in lines) else b""


def join_names(pieces: Iterable[bytes]) -> bytes:
    """Give ``names``; an empty list has an empty line."""
    return _HEAD.encode() + (b"".join(pieces) or b"\n")


def read_needs(text: str) -> Iterator[Dependency]:
    """Give the dependencies of a line of an ``info`` document: ``name:>= 1.0&< 2,other:>= 0``."""
    for each in filter(None, text.strip().split(",")):
        name, _, requirement = each.partition(":")
        if name:
            yield Dependency(name, ", ".join(requirement.split("&")) or ANY)


def read_versions(text: str) -> Iterator[tuple[str, str]]:
    """Give each line of a ``versions`` document with the gem that it is about."""
    for line in text.partition("---\n")[2].splitlines():
        name, _, rest = line.partition(" ")
        if name and rest:
            yield name, f"{line}\n"


def read_info(text: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Give version, platform and facts of each line of an ``info`` document; what is no such line is left out.

    ``needs`` among the facts is what the line says of dependencies.
    """
    for line in text.split("\n"):
        numbered, _, rest = line.partition(" ")
        _, bar, facts = rest.partition("|")
        if bar:
            version, _, platform = numbered.partition("-")
            pairs = (fact.partition(":") for fact in facts.split(","))
            needs = rest.partition("|")[0]
            yield version, platform, {**{key: value for key, _, value in pairs}, "needs": needs}
