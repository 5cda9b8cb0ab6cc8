"""Fetch what the pages load from others into ``static/vendor``: pinned in ``package.json``, never committed."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tools import node

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
CACHE = ROOT / ".cache" / "assets"
FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "fonts/inter.woff2",
    "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2": "fonts/jetbrains-mono.woff2",
}


def main() -> None:
    """Fetch the assets, unless those that are wanted are there."""
    wanted = hashlib.sha256()
    for source in (ROOT / "package.json", ROOT / "static" / "icons.txt", Path(__file__)):
        wanted.update(source.read_bytes())
    stamp = VENDOR / ".fetched"
    if stamp.exists() and stamp.read_text() == wanted.hexdigest():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "package.json", CACHE / "package.json")
    node.npm(
        "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error", cwd=CACHE
    )
    copy(CACHE / "node_modules", icon_names())
    stamp.write_text(wanted.hexdigest())
    print(f"Fetched the pages' assets into {VENDOR.relative_to(ROOT)}.")


def icon_names() -> list[str]:
    """Give the names of the icons that the pages use."""
    lines = (ROOT / "static" / "icons.txt").read_text().split("\n")
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def copy(modules: Path, icons: list[str]) -> None:
    """Copy the few files that are wanted out of the packages."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    (VENDOR / "fonts").mkdir(parents=True)
    (VENDOR / "icons").mkdir()
    for source, target in FILES.items():
        shutil.copyfile(modules / source, VENDOR / target)
    for name in icons:
        shutil.copyfile(modules / "@tabler/icons/icons/outline" / f"{name}.svg", VENDOR / "icons" / f"{name}.svg")


if __name__ == "__main__":
    main()
