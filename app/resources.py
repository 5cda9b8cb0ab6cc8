"""Find the folders that ship beside the code: plugins, templates, static files."""

from pathlib import Path


def find(name: str) -> Path:
    """Give the folder ``name``: packed into the wheel, else in the checkout. Raises FileNotFoundError."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "_bundled" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the folder {name!r} is neither in the wheel nor in the checkout; install again")
