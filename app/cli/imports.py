"""``promontory import``: many packages at once, from a folder or from a connector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from app.cli import console
from app.cli.commands import printable
from app.cli.jobs import ended, follow
from app.services import imports
from app.services.imports import Found, Line, PackagesRequest, Take
from app.services.runtime import Runtime

_SHOWN = 200
_WORDS = {Found.NEW: "to import", Found.HELD: "there already", Found.REFUSED: "refused"}


@click.command(
    "import",
    epilog=console.examples(
        "promontory import ./packages --feed nuget-dev --dry-run",
        "promontory import ./packages --feed nuget-dev",
        "promontory import --feed npm-dev --connector old-server --name '@acme/*' --versions all",
        "promontory import --feed npm-dev --connector old-server --all",
    ),
)
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--feed", "feed_name", required=True, help="The feed that gets them.")
@click.option("--connector", default="", help="Import from this connector of the feed, not from a folder.")
@click.option("--name", "names", multiple=True, metavar="PATTERN", help="Packages of the connector; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="All packages of the connector.")
@click.option(
    "--versions",
    "take",
    default=str(Take.LATEST),
    show_default=True,
    type=click.Choice([str(take) for take in Take]),
    help="Which versions of each package of the connector.",
)
@click.option("--dry-run", is_flag=True, help="Show what would come and do nothing.")
@console.json_option
@console.data_option
def import_(
    *,
    folder: Path | None,
    feed_name: str,
    connector: str,
    names: tuple[str, ...],
    everything: bool,
    take: str,
    dry_run: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Import a folder of package files, or packages of a connector, into a feed.

    What is there with the same bytes is passed over; what cannot be imported fails alone, and the rest goes on.
    """
    if (folder is None) == (not connector):
        raise click.UsageError("Name a folder, or a connector with --connector.")
    if connector and everything == bool(names):
        raise click.UsageError("Say which packages with --name, or --all.")
    wanted = PackagesRequest(feed_name, connector, names, Take(take))
    where = str(folder.resolve()) if folder is not None else ""
    with console.opened(data) as runtime:
        if dry_run:
            _show(_plan(runtime, wanted, where), as_json=as_json)
            return
        with runtime.writing(console.me()) as work:
            job = imports.start_folder(work, feed_name, where) if where else imports.start_packages(work, wanted)
            number = job.id
        ended(runtime, follow(runtime, number), as_json=as_json)


def _plan(runtime: Runtime, wanted: PackagesRequest, folder: str) -> Iterable[Line]:
    if folder:
        return imports.plan_folder(runtime, console.me(), wanted.feed, folder)
    return imports.plan_packages(runtime, console.me(), wanted)


def _show(lines: Iterable[Line], *, as_json: bool) -> None:
    found = list(lines)
    if as_json:
        keys = ("source", "name", "version", "found", "size", "reason")
        console.show_json([{key: getattr(line, key) for key in keys} for line in found])
        return
    rows = ((each.source, each.name, each.version, _WORDS[each.found], each.reason) for each in found[:_SHOWN])
    console.show_table(("From", "Name", "Version", "Outcome", "Reason"), rows)
    if len(found) > _SHOWN:
        console.note(f"... and {len(found) - _SHOWN:,} more; --json lists all.")
    counts = Counter(line.found for line in found)
    size = sum(line.size for line in found if line.found is Found.NEW)
    parts = ", ".join(f"{counts[each]:,} {words}" for each, words in _WORDS.items() if counts[each])
    console.say(printable(f"{parts or 'Nothing found'}; {console.bytes_text(size)} to import."))
