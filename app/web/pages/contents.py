"""What is inside a package file: its folders one at a time, and the beginning of a text file."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from app.plugin.format import Entry

TEXT_LIMIT = 256 * 1024
"""Bytes of a text file that are shown."""
LINES_LIMIT = 2000
"""Lines of a folder that are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one line of a folder: a file, or a folder with the count and the bytes of the files below it."""

    name: str
    path: str
    size: int
    files: int
    is_folder: bool
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """Hold what is shown of a folder, folders first; ``total`` counts all its lines."""

    path: str
    lines: tuple[Line, ...]
    total: int
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Text:
    """Hold the beginning of a file as text; ``binary`` where it is none, ``cut`` where it goes on."""

    path: str
    text: str
    binary: bool
    cut: bool


def open_folder(entries: Iterable[Entry], path: str) -> Folder:
    """Give the files and folders directly below a path; an empty path is the whole package."""
    start = f"{path}/" if path else ""
    inside = [entry for entry in entries if entry.path.startswith(start)]
    files: list[Line] = []
    folders: dict[str, tuple[int, int]] = {}
    for entry in inside:
        name, slash, _ = entry.path[len(start) :].partition("/")
        if slash:
            size, count = folders.get(name, (0, 0))
            folders[name] = size + entry.size, count + 1
        else:
            files.append(Line(name, entry.path, entry.size, 1, is_folder=False, date=entry.date))
    lines = [Line(name, start + name, size, count, is_folder=True) for name, (size, count) in folders.items()]
    lines.sort(key=lambda line: line.name)
    lines.extend(sorted(files, key=lambda line: line.name))
    return Folder(path, tuple(lines[:LINES_LIMIT]), len(lines), len(inside), sum(entry.size for entry in inside))


def parents(path: str) -> list[tuple[str, str]]:
    """Give the name and path of every folder on the way to a path, and the path itself."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: number + 1])) for number, part in enumerate(parts)]


def as_text(path: str, data: bytes, limit: int = TEXT_LIMIT) -> Text:
    """Give a file's beginning as text where it is UTF-8 without NUL; ``data`` may pass the limit by a byte."""
    cut = len(data) > limit
    try:
        # Where the text is cut, a character may be cut too; then the decoder waits for the rest.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(data[:limit], final=not cut)
    except UnicodeDecodeError:
        return Text(path, "", binary=True, cut=cut)
    if "\0" in text:
        return Text(path, "", binary=True, cut=cut)
    return Text(path, text, binary=False, cut=cut)
