"""``promontory history``: who promoted what."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from app.cli import console
from app.cli.packages import named
from app.cli.promote import record_shape
from app.domain.errors import Invalid, InvalidPackage
from app.services.history import HistoryFilter, HistoryLine, versions
from app.services.runtime import Runtime, Work

_ALL = 1_000_000_000
_COLUMNS = (
    "id",
    "date",
    "fromFeed",
    "toFeed",
    "user",
    "comments",
    "packageType",
    "name",
    "version",
    "outcome",
    "digest",
)


@click.command(
    epilog=console.examples(
        "promontory history --to npm-prod --since 2026-11-01",
        "promontory history --name express --csv --limit 0 > express.csv",
    )
)
@click.option("--from", "source", default="", metavar="FEED", help="Promoted from this feed.")
@click.option("--to", "target", default="", metavar="FEED", help="Promoted to this feed.")
@click.option("--feed", default="", help="Promoted from or to this feed.")
@click.option("--format", "format_key", default="", help="Packages of this format.")
@click.option("--name", default="", help="This package.")
@click.option("--version", default="", help="This version.")
@click.option("--text", default="", help="Packages whose name has these words.")
@click.option("--person", default="", help="Promoted by whoever has this in their name.")
@click.option("--since", default="", metavar="DATE", help="From this day on (2026-11-23).")
@click.option("--until", default="", metavar="DATE", help="Up to and with this day.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="At most so many; 0 is all.")
@click.option("--offset", default=0, type=click.IntRange(0), help="Leave so many out first.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@console.json_option
@console.data_option
def history(
    *,
    source: str,
    target: str,
    feed: str,
    format_key: str,
    name: str,
    version: str,
    text: str,
    person: str,
    since: str,
    until: str,
    limit: int,
    offset: int,
    as_csv: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Show who promoted what, newest first.

    Every filter narrows it.
    """
    wanted = HistoryFilter(
        source, target, feed, text=text, person=person, since=since, until=until, limit=offset + (limit or _ALL)
    )
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        found, total = _find(work, list(_searches(runtime, wanted, format_key, name, version)))
        lines = found[offset:]
    if as_json:
        console.show_json([_shape(runtime, line) for line in lines])
    elif as_csv:
        _write_csv(runtime, lines)
    else:
        _show(lines, total)


def _searches(
    runtime: Runtime, wanted: HistoryFilter, format_key: str, name: str, version: str
) -> Iterator[HistoryFilter]:
    """Give the searches that together answer: names and versions have other keys in each format."""
    formats = [runtime.get_format(format_key)] if format_key else list(runtime.plugins.formats.values())
    if not name and not version:
        yield replace(wanted, format=formats[0].key if format_key else "")
        return
    refusals = []
    for format in formats:
        try:
            keys = (format.name_key(name) if name else "", format.version_key(version) if version else "")
        except InvalidPackage as error:
            refusals.append(error)
            continue
        yield replace(wanted, format=format.key, name_key=keys[0], version_key=keys[1])
    if len(refusals) == len(formats):
        raise refusals[0] if refusals else Invalid("No format is loaded; see 'promontory formats'.")


def _find(work: Work, searches: Sequence[HistoryFilter]) -> tuple[list[HistoryLine], int]:
    answers = [versions(work, each) for each in searches]
    lines = [line for found, _ in answers for line in found]
    if len(answers) > 1:
        lines.sort(key=lambda line: (line.promotion.at, line.promotion.id), reverse=True)
    return lines[: searches[0].limit], sum(total for _, total in answers)


def _shape(runtime: Runtime, line: HistoryLine) -> dict[str, Any]:
    format = runtime.plugins.formats.get(line.promotion.format)
    return {
        **record_shape(line.promotion),
        "packageType": format.purl_type if format else line.promotion.format,
        **named(format, line.name),
        "version": line.version,
        "outcome": line.outcome,
        "digest": line.digest,
    }


def _show(lines: Sequence[HistoryLine], total: int) -> None:
    columns = ("Number", "Date", "From", "To", "User", "Package", "Version", "Comments")
    rows = (
        (p.id, console.when(p.at), p.source_name, p.target_name, p.actor, line.name, line.version, p.comments)
        for line in lines
        for p in [line.promotion]
    )
    console.show_table(columns, rows, right=("Number",))
    if total > len(lines):
        console.note(f"{len(lines):,} of {total:,}; see --limit and --offset.")


def _write_csv(runtime: Runtime, lines: Sequence[HistoryLine]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for line in lines:
        shape = _shape(runtime, line)
        full = {**shape, "name": line.name, "comments": _harmless(shape["comments"]), "user": _harmless(shape["user"])}
        writer.writerow([full[column] for column in _COLUMNS])


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking what somebody typed for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
