"""What gem and Bundler read: both indexes, gemspecs and gems."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from app.plugin import FileLine, InvalidPackage, NotFound, Permission
from app.plugin.web import FileRecord, Response, Routes, ServedFeed, VersionRecord, text_error, text_response

from . import compact, old_index
from .names import check_name
from .names import full_name as spelled_out

GEM = "application/octet-stream"
_FULL_NAME = re.compile(r"[A-Za-z0-9._-]{1,500}")

routes = Routes(error=text_error)


def known(name: str) -> str:
    """Give the name in a path; a name that no gem can have is not found."""
    try:
        return check_name(name)
    except InvalidPackage as error:
        raise NotFound(error.message, code="unknown-package") from error


def find(feed: ServedFeed, full_name: str) -> tuple[VersionRecord, FileRecord]:
    """Give the file that goes by a full name, with its version; raise NotFound where it is yanked."""
    fine = _FULL_NAME.fullmatch(full_name) is not None
    found = (feed.find(full_name) or _find_remote(feed, full_name)) if fine else None
    if found is None or not found[1].listed:
        raise NotFound(f"There is no gem {full_name[:200]!a} in the feed {feed.name}.", code="unknown-file")
    return found


def _find_remote(feed: ServedFeed, full_name: str) -> tuple[VersionRecord, FileRecord] | None:
    """Give the remote file that goes by a full name: wherever a version may begin in it, there may be a gem."""
    for split in re.finditer(r"-(?=[0-9])", full_name):
        package = feed.package(full_name[: split.start()]) if split.start() else None
        for version in package.versions if package is not None else ():
            for file in version.files:
                if file.remote and spelled_out(version.name, version.version, file.variant) == full_name:
                    return version, file
    return None


@routes.get("/")
def root(feed: ServedFeed) -> Response:
    """Answer that the feed is there, by which gem knows that it has a compact index."""
    return text_response(f"{feed.name} is a feed of gems: use {feed.url}/ as a source.\n")


# Compact index ------------------------------------------------------------------------------------------


@routes.get("/versions")
def versions(feed: ServedFeed) -> Response:
    """Answer with every change of the feed, in the order in which they came."""
    return feed.journal(compact.versions_head(feed.journal_begun), content_type=compact.TYPE)


@routes.get("/names")
def names(feed: ServedFeed) -> Response:
    """Answer with the names of all gems."""
    return feed.collected(
        "names", compact.name_line, compact.join_names, content_type=compact.TYPE, digest="md5", repr_digest=True
    )


@routes.get("/info/<name>")
def info(feed: ServedFeed, name: str) -> Response:
    """Answer with what clients need to know of one gem."""
    name = known(name)
    return feed.document(
        f"info:{name}",
        lambda: compact.info(feed.get_package(name)),
        content_type=compact.TYPE,
        package=name,
        digest="md5",
        repr_digest=True,
    )


# Older index --------------------------------------------------------------------------------------------


@routes.get("/specs.4.8.gz")
def specs(feed: ServedFeed) -> Response:
    """Answer with the list of all releases."""
    return _list(feed, "specs", old_index.releases)


@routes.get("/latest_specs.4.8.gz")
def latest_specs(feed: ServedFeed) -> Response:
    """Answer with the list of the highest releases."""
    return _list(feed, "latest_specs", old_index.latest)


@routes.get("/prerelease_specs.4.8.gz")
def prerelease_specs(feed: ServedFeed) -> Response:
    """Answer with the list of all prereleases."""
    return _list(feed, "prerelease_specs", old_index.prereleases)


def _list(feed: ServedFeed, key: str, piece: Callable[[Sequence[FileLine]], bytes]) -> Response:
    # There is no Last-Modified: gem asks with the date of its copy, in whole seconds, and is always given the list.
    return feed.collected(key, piece, old_index.join, content_type=GEM)


@routes.get("/quick/Marshal.4.8/<full_name>.gemspec.rz")
def quick_gemspec(feed: ServedFeed, full_name: str) -> Response:
    """Answer with the gemspec of one gem."""
    version, file = find(feed, full_name)
    file = feed.fetch(file)
    return feed.document(
        f"quick:{full_name}",
        lambda: old_index.quick_gemspec(file.manifest),
        content_type=GEM,
        package=version.name,
    )


# Gems ---------------------------------------------------------------------------------------------------


@routes.get("/gems/<full_name>.gem", Permission.DOWNLOAD_PACKAGE)
def gem(feed: ServedFeed, full_name: str) -> Response:
    """Answer with a gem."""
    return feed.send(find(feed, full_name)[1], GEM)


@routes.get("/api/v1/dependencies")
@routes.get("/api/v1/dependencies.json")
def no_dependencies(feed: ServedFeed) -> Response:
    """Send old Bundlers on to the lists of all gems."""
    raise NotFound(f"{feed.name} has a compact index and no dependency API.", code="no-dependency-api")
