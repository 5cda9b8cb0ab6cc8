"""Give rows as a file to download, line by line, however many they are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

Cell = str | int | None


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Answer with rows as CSV."""
    return _download(_csv_lines(columns, rows), "text/csv; charset=utf-8", name)


def json_file(name: str, keys: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Answer with rows as JSON: one array, one object a line."""
    return _download(_json_lines(keys, rows), "application/json", name)


def _csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _harmless(value: Cell) -> Cell:
    """Keep a spreadsheet from taking somebody's comment for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value


def _json_lines(keys: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    separator = "[\n"
    for row in rows:
        yield separator + json.dumps(dict(zip(keys, row, strict=True)))
        separator = ",\n"
    yield "[]" if separator == "[\n" else "\n]\n"


def _download(lines: Iterator[str], content_type: str, name: str) -> Response:
    answer = Response(stream_with_context(lines), content_type=content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
