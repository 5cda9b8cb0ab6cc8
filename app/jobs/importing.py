"""Import a folder's files, or what a connector offers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.domain.errors import Invalid
from app.jobs.context import Item, ItemProgress, JobContext
from app.jobs.kinds import JobKind, Skipped
from app.jobs.pulling import pull_each
from app.services import imports, publishing
from app.services.imports import Found, PackagesRequest, Take
from app.services.jobs import NewItem

_CHUNK = 1024 * 1024


class ImportingFiles(JobKind):
    """Publish each file of a folder, as its sender would; a bad one fails alone."""

    key = imports.FILES

    def run(self, context: JobContext) -> None:
        """Publish what is left."""
        with context.runtime.reading(context.actor) as work:
            _, folder = imports.open_folder(work, context.feed_name, str(context.data["folder"]))

        def one(item: Item, progress: ItemProgress) -> str:
            path = folder / item.name
            try:
                chunks = _read(path, progress)
                done = publishing.publish(context.runtime, context.actor, context.feed_name, chunks, path.name)
            except OSError as error:
                raise Invalid(f"{item.name} cannot be read: {error.strerror}.") from error
            if not done.created:
                raise Skipped(f"{done.name} {done.version} is in the feed already.")
            return f"{done.name} {done.version} is published."

        context.each(one)


def _read(path: Path, progress: ItemProgress) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            progress.came(chunk)
            yield chunk


class ImportingPackages(JobKind):
    """Find what a connector offers of the wanted names, and pull each version."""

    key = imports.PACKAGES

    def run(self, context: JobContext) -> None:
        """Pull what is left; what was found before a restart is not looked for again."""
        if not context.has_items():
            _find(context)
        pull_each(context)


def _find(context: JobContext) -> None:
    names = tuple(map(str, context.data["names"]))
    request = PackagesRequest(context.feed_name, str(context.data["connector"]), names, Take(context.data["take"]))
    found: list[NewItem] = []
    held = 0
    for line in imports.plan_packages(context.runtime, context.actor, request, context.check):
        if line.found is Found.NEW:
            found.append(NewItem(line.name, line.version, line.size))
        elif line.found is Found.HELD:
            held += 1
        else:
            context.log(f"{line.name}: {line.reason}")
        if len(found) > imports.MOST:
            raise Invalid(f"That is more than {imports.MOST:,} versions; import a part of the names at a time.")
    context.log(f"{len(found):,} versions to pull; {held:,} are in the feed already.")
    context.add(found)
    if not found:
        context.result = "Everything is in the feed already." if held else "There is nothing to import; see the log."
