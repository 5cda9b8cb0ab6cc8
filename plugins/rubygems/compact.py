"""The compact index: what Bundler and gem read of one gem, and the lines that every change adds to ``versions``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from app.plugin import FileChange
from app.plugin.records import FileRecord, PackageRecord, VersionRecord

from .names import full_name
from .versions import parse_requirement

ANY = ">= 0"


def listed_files(package: PackageRecord) -> list[tuple[VersionRecord, FileRecord]]:
    """Give the gems of a package that are not yanked, in the order in which they came."""
    files = ((version, file) for version in package.versions for file in version.files if file.listed)
    return sorted(files, key=lambda each: each[1].sequence)


def info(package: PackageRecord) -> bytes:
    """Give ``info/<gem>``."""
    return "".join(("---\n", *(_line(*each) for each in listed_files(package)))).encode()


def _line(version: VersionRecord, file: FileRecord) -> str:
    data = file.manifest.data
    wanted = sorted((name, text) for name, text, kind in data["dependencies"] if kind == "runtime")
    needs = ",".join(f"{name}:{_joined(text)}" for name, text in wanted)
    facts = [f"checksum:{file.digests.sha256}"]
    facts += [
        f"{key}:{_joined(data[f'required_{key}'])}" for key in ("ruby", "rubygems") if data[f"required_{key}"] != ANY
    ]
    return f"{number(version, file)} {needs}|{','.join(facts)}\n"


def _joined(requirement: str) -> str:
    """Give a requirement as the index spells it: parts sorted as text, joined by ``&``."""
    return "&".join(sorted(f"{each.operator} {each.version}" for each in parse_requirement(requirement)))


def number(version: VersionRecord, file: FileRecord) -> str:
    """Give a version with its platform."""
    return full_name("", version.version, file.variant)


def head(begun: datetime) -> bytes:
    """Give the beginning of ``versions``."""
    return f"created_at: {begun.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n---\n".encode()


def lines(package: PackageRecord, changes: Sequence[FileChange]) -> Iterator[str]:
    """Give what a change adds to ``versions``: what was yanked, a line each, then what came, in one line."""
    digest = hashlib.md5(info(package), usedforsecurity=False).hexdigest()
    came = [full_name("", each.version, each.variant) for each in changes if each.present]
    gone = [full_name("", each.version, each.variant) for each in changes if not each.present]
    for each in gone:
        yield f"{package.name} -{each} {digest}\n"
    if came:
        yield f"{package.name} {','.join(came)} {digest}\n"


def base_line(package: PackageRecord) -> list[str]:
    """Give the one line of a package in ``versions`` written anew; none where everything was yanked."""
    files = listed_files(package)
    changes = [FileChange(version.version, file.variant, present=True) for version, file in files]
    return list(lines(package, changes)) if changes else []
