"""Search what a feed's connectors offer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.errors import AppError
from app.plugin.upstream import RemoteLine
from app.services.runtime import Runtime
from app.services.sources import Reach, said


@dataclass(frozen=True, slots=True)
class Found:
    """Hold one page of a remote search: lines with their connectors, and (connector, what happened) of the failed."""

    lines: tuple[tuple[RemoteLine, str], ...]
    failures: tuple[tuple[str, str], ...] = ()
    more: bool = False


def find(
    runtime: Runtime, reach: Reach, text: str, *, prerelease: bool = True, offset: int = 0, limit: int = 20
) -> Found:
    """Give what the connectors of a feed find for a text, each package from the first that has it; never raises.

    No transaction may be open. Names that the feed reserves are left out; what it holds itself is for the caller.
    """
    found: dict[str, tuple[RemoteLine, str]] = {}
    failures, more = [], False
    for link in reach.links:
        try:
            page = runtime.sources.search(
                runtime, reach.format, link, text, prerelease=prerelease, offset=offset, limit=limit
            )
        except AppError as error:
            failures.append((link.name, said(link, error)))
            continue
        more = more or len(page.items) >= limit
        for line in page.items[:limit]:
            if link.passes(line.name) and not reach.names.kept(line.name, own=False):
                found.setdefault(line.name, (line, link.name))
    return Found(tuple(found.values()), tuple(failures), more)


def search(
    runtime: Runtime, reach: Reach, text: str, *, prerelease: bool = True, offset: int = 0, limit: int = 20
) -> Iterator[RemoteLine]:
    """Give the lines alone."""
    page = find(runtime, reach, text, prerelease=prerelease, offset=offset, limit=limit)
    yield from (line for line, _ in page.lines)
