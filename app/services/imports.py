"""Import many packages at once: a folder of package files, or what a connector offers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path

from app.domain.connectors import any_matches
from app.domain.errors import AppError, Invalid, NotFound, NotOffered
from app.domain.permissions import Permission
from app.plugin.format import FeedFormat
from app.plugin.records import PackageRecord, State, VersionRecord
from app.services import access, jobs, offers, packages, publishing, sources
from app.services.pullplans import open_for_pulling
from app.services.runtime import Actor, Runtime, Work
from app.services.sources import Link, Reach
from app.storage.models import Feed, Job

FILES = "import-files"
PACKAGES = "import-packages"
MOST = 100_000
"""Files, or versions, in one import."""


class Take(StrEnum):
    """Say which versions of each package are imported from a connector."""

    LATEST = "latest"
    STABLE = "latest-stable"
    ALL = "all"


class Found(StrEnum):
    """Say what an import would do about one file or version."""

    NEW = "new"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one line of an import's dry run; ``source`` is the file or the connector, ``size`` in bytes."""

    source: str
    name: str
    version: str
    found: Found
    size: int = 0
    reason: str = ""


# Folders ------------------------------------------------------------------------------------------------


def open_folder(work: Work, feed_name: str, folder: str) -> tuple[Feed, Path]:
    """Give a feed and a folder of the server's to import from.

    Needs Add Package on the feed, and Configure everywhere: whoever names a folder makes the server read it.
    """
    feed = publishing.open_for_writing(work, feed_name, Permission.ADD_PACKAGE)
    access.require(work, Permission.CONFIGURE)
    path = Path(folder).expanduser()
    if not path.is_absolute():
        raise Invalid(f"{folder!r} is not the whole path of a folder; begin it at the root.", code="invalid-folder")
    if not path.is_dir():
        raise NotFound(f"There is no folder {str(path)!r} where Promontory runs.", code="unknown-folder")
    return feed, path


def files_of(folder: Path) -> list[str]:
    """Give the files below a folder by their paths in it, sorted; hidden ones and links are left out."""
    found: list[str] = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        plain = (Path(root, name) for name in files if not name.startswith("."))
        found += (path.relative_to(folder).as_posix() for path in plain if not path.is_symlink())
        if len(found) > MOST:
            raise Invalid(f"{str(folder)!r} holds more than {MOST:,} files; import its folders one by one.")
    return sorted(found)


def start_folder(work: Work, feed_name: str, folder: str) -> Job:
    """Begin the import of a folder's files as a job; needs what ``open_folder`` needs."""
    feed, path = open_folder(work, feed_name, folder)
    files = files_of(path)
    if not files:
        raise Invalid(f"There are no files in {str(path)!r}.", code="empty-folder")
    items = [jobs.NewItem(name, size=(path / name).stat().st_size) for name in files]
    title = f"Import {len(files):,} files of {path.name} into {feed.name}"
    return jobs.create(work, FILES, title, feed=feed, data={"folder": str(path)}, items=items)


def plan_folder(runtime: Runtime, actor: Actor, feed_name: str, folder: str) -> Iterator[Line]:
    """Say what importing each file of a folder would do; what is read is not kept."""
    with runtime.reading(actor) as work:
        feed, path = open_folder(work, feed_name, folder)
        format, names = work.get_format(feed.format), files_of(path)
    for name in names:
        yield _look_at(runtime, actor, feed_name, format, path, name)


def _look_at(runtime: Runtime, actor: Actor, feed_name: str, format: FeedFormat, folder: Path, name: str) -> Line:
    path = folder / name
    try:
        size, most = path.stat().st_size, runtime.settings.max_package_bytes
        if size > most:
            return Line(name, "", "", Found.REFUSED, size, f"It is larger than {most:,} bytes, the most that is taken.")
        with path.open("rb") as file:
            manifest = publishing.read_file(format, file, path.name)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except AppError as error:
        return Line(name, "", "", Found.REFUSED, reason=error.message)
    except OSError as error:
        return Line(name, "", "", Found.REFUSED, reason=error.strerror or "It cannot be read.")
    with runtime.reading(actor) as work:
        held = packages.find_package(work, access.get_feed(work, feed_name), manifest.name)
    version = held.version(format.version_key(manifest.version)) if held is not None else None
    found, reason = _compare(version, manifest.variant, sha256)
    return Line(name, manifest.name, manifest.version, found, size, reason)


def _compare(version: VersionRecord | None, variant: str, sha256: str) -> tuple[Found, str]:
    file = next((each for each in version.files if each.variant == variant), None) if version is not None else None
    if file is None or (version is not None and version.state is not State.LOCAL):
        return Found.NEW, ""
    if file.digests.sha256 == sha256:
        return Found.HELD, ""
    return Found.REFUSED, "The feed holds this version with other bytes."


# Connectors -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PackagesRequest:
    """Say what is imported from a connector: names or patterns of names, and which versions of each.

    No names stand for all that the connector offers; ``connector`` is empty for all of the feed's connectors.
    """

    feed: str
    connector: str = ""
    names: tuple[str, ...] = ()
    take: Take = Take.LATEST


def start_packages(work: Work, request: PackagesRequest) -> Job:
    """Begin the import of a connector's packages as a job; needs Pull Package.

    The job finds out which packages there are: its dry run is the same search.
    """
    feed = open_for_pulling(work, request.feed)
    links = _links(sources.reach_of(work, feed), request.connector)
    what = (
        ", ".join(request.names[:3]) + (" ..." if len(request.names) > 3 else "") if request.names else "all packages"
    )
    title = f"Import {what} of {', '.join(link.name for link in links)} into {feed.name}"
    data = {"connector": request.connector, "names": list(request.names), "take": str(request.take)}
    return jobs.create(work, PACKAGES, title, feed=feed, data=data)


def _links(reach: Reach, connector: str) -> tuple[Link, ...]:
    links = tuple(link for link in reach.links if connector in ("", link.name))
    if not links:
        raise NotFound(
            f"{reach.feed_name} uses no connector {connector!r}; see its Connectors page.", code="unknown-connector"
        )
    return links


def plan_packages(
    runtime: Runtime, actor: Actor, request: PackagesRequest, check: Callable[[], None] = lambda: None
) -> Iterator[Line]:
    """Say what an import from a connector would bring, package after package; ``check`` may raise to stop it."""
    with runtime.reading(actor) as work:
        reach = sources.reach_of(work, open_for_pulling(work, request.feed))
    links = _links(reach, request.connector)
    for name in _names(runtime, reach, links, request.names):
        check()
        yield from _versions(runtime, actor, reach, links, name, request.take)


def _names(runtime: Runtime, reach: Reach, links: Sequence[Link], wanted: Sequence[str]) -> Iterator[str]:
    """Give the names that are wanted; only patterns take asking a source for all that it has."""
    patterns = [name for name in wanted if "*" in name or "?" in name]
    seen: set[str] = set()
    plain = (name for name in wanted if name not in patterns)
    listed = _listed(runtime, reach, links, patterns) if patterns or not wanted else iter(())
    for name in islice(chain(plain, listed), MOST):
        key = _key(reach.format, name)
        if key not in seen:
            seen.add(key)
            yield name


def _key(format: FeedFormat, name: str) -> str:
    try:
        return format.name_key(name)
    except AppError:
        return name


def _listed(runtime: Runtime, reach: Reach, links: Sequence[Link], patterns: Sequence[str]) -> Iterator[str]:
    for link in links:
        source = runtime.sources.upstream(runtime, reach.format, link)
        try:
            names = (name for name in source.names() if link.passes(name))
            yield from (name for name in names if not patterns or any_matches(patterns, name))
        except NotOffered as error:
            raise NotOffered(
                f"{link.name} does not say what it has; name the packages instead of a pattern. ({error.message})",
                code="no-names",
            ) from error


def _versions(
    runtime: Runtime, actor: Actor, reach: Reach, links: Sequence[Link], name: str, take: Take
) -> Iterator[Line]:
    with runtime.reading(actor) as work:
        feed = work.session.get_one(Feed, reach.feed_id)
        record, offer = offers.of_feed(work, feed, reach, name)
    known = {link.name for link in links}
    shown = ", ".join(sorted(known))
    if record is None or not record.versions:
        said = " ".join(failure for _, failure in offer.failures) or "There is no such package."
        yield Line(shown, name, "", Found.REFUSED, reason=said)
        return
    if offer.kept:
        yield Line(shown, name, "", Found.REFUSED, reason=f"It is not filled from connectors: {offer.kept}.")
        return
    for version in _taken(record, take):
        if version.state is State.LOCAL:
            yield Line(shown, version.name, version.version, Found.HELD, version.size)
        elif version.connector in known or version.state is State.CACHED:
            yield Line(version.connector, version.name, version.version, Found.NEW, version.size)


def _taken(package: PackageRecord, take: Take) -> Sequence[VersionRecord]:
    if take is Take.ALL:
        return package.versions
    wanted = packages.resolve_alias(package, take)
    return [version for version in package.versions if version.version == wanted]
