"""The sources in the user's own NuGet.Config."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from app.plugin import InvalidPackage
from app.plugin.clients import addresses

from . import safe_xml

_MOST = 1_000_000


def files() -> list[Path]:
    """Give where NuGet's clients keep the user's settings, as far as they are there."""
    home = Path.home()
    folders = [home / ".nuget" / "NuGet", home / ".config" / "NuGet"]
    if "APPDATA" in os.environ:
        folders.insert(0, Path(os.environ["APPDATA"]) / "NuGet")
    return [path for path in (folder / "NuGet.Config" for folder in folders) if path.is_file()]


def sources(path: Path) -> Sequence[str]:
    """Give the addresses below ``packageSources``, without those that are switched off; none where it is unreadable."""
    try:
        root = safe_xml.parse(path.read_bytes()[:_MOST], "NuGet.Config")
    except (OSError, InvalidPackage):
        return []
    off = {_of(entry, "key") for entry in _entries(root, "disabledPackageSources") if _of(entry, "value") == "true"}
    return addresses(_of(each, "value") for each in _entries(root, "packageSources") if _of(each, "key") not in off)


def _entries(root: safe_xml.Element, section: str) -> Sequence[safe_xml.Element]:
    return [entry for part in root.all(section) for entry in part.all("add")]


def _of(entry: safe_xml.Element, name: str) -> str:
    return str(entry.attributes.get(name, ""))
