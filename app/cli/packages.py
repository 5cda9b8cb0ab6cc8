"""``promontory package``: what feeds hold."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from app.cli import console
from app.domain.errors import AppError, Conflict, Invalid
from app.domain.permissions import Permission
from app.plugin.format import FeedFormat
from app.plugin.records import FileRecord, Published, VersionRecord
from app.services import access, listings, packages, publishing
from app.services.runtime import Runtime

_CHUNK = 1024 * 1024
feed_option = click.option("--feed", "feed_name", required=True, help="The feed.")


@click.group()
def package() -> None:
    """List, upload, download and delete packages."""


@package.command("list")
@feed_option
@click.option("--text", default="", help="Only packages with these words in name, description or keywords.")
@click.option("--stable", is_flag=True, help="Leave prereleases out.")
@click.option("--unlisted", is_flag=True, help="With unlisted versions.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="At most so many.")
@click.option("--offset", default=0, type=click.IntRange(0), help="Leave so many out first.")
@console.json_option
@console.data_option
def list_(
    *,
    feed_name: str,
    text: str,
    stable: bool,
    unlisted: bool,
    limit: int,
    offset: int,
    as_json: bool,
    data: Path | None,
) -> None:
    """List a feed's packages, each with its newest version."""
    listing = listings.Listing(text, prerelease=not stable, unlisted=unlisted, limit=limit, offset=offset)
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        feed = access.get_feed(work, feed_name)
        lines, total = listings.list_packages(work, feed, listing)
        format = runtime.plugins.formats.get(feed.format)
    if as_json:
        console.show_json([_line(format, line) for line in lines])
        return
    rows = ((e.name, e.latest, e.version_count, e.license, console.when(e.published)) for e in lines)
    console.show_table(("Name", "Latest", "Versions", "License", "Published"), rows, right=("Versions",))
    if total > offset + len(lines):
        console.note(f"{len(lines):,} of {total:,}; see --limit and --offset.")


@package.command()
@click.argument("name")
@feed_option
@console.json_option
@console.data_option
def versions(*, name: str, feed_name: str, as_json: bool, data: Path | None) -> None:
    """List a package's versions, newest first."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        feed = access.get_feed(work, feed_name)
        record = packages.get_package(work, feed, name)
        format = work.get_format(feed.format)
    newest_first = record.versions[::-1]
    if as_json:
        console.show_json([_version(format, each) for each in newest_first])
        return
    tags: dict[str, list[str]] = {}
    for tag, version in record.tags.items():
        tags.setdefault(version, []).append(tag)
    rows = (
        (
            each.version,
            ", ".join(tags.get(each.version, ())),
            _state(each),
            console.bytes_text(each.size),
            each.downloads,
            each.origin,
            console.when(each.published),
            each.published_by,
        )
        for each in newest_first
    )
    columns = ("Version", "Tags", "State", "Size", "Downloads", "Origin", "Published", "By")
    console.show_table(columns, rows, right=("Size", "Downloads"))


def _state(version: VersionRecord) -> str:
    states = (("prerelease", version.prerelease), ("unlisted", not version.listed), ("deprecated", version.deprecated))
    return ", ".join(word for word, holds in states if holds)


@package.command(
    epilog=console.examples(
        "promontory package upload *.tgz --feed npm-dev",
    )
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@feed_option
@console.json_option
@console.data_option
def upload(*, files: tuple[Path, ...], feed_name: str, as_json: bool, data: Path | None) -> None:
    """Upload package files, one after the other; the first that is refused ends it."""
    shapes = []
    with console.opened(data) as runtime:
        for path in files:
            done = _publish(runtime, feed_name, path)
            shapes.append({"name": done.name, "version": done.version, "created": done.created, "file": path.name})
            if not as_json:
                console.say(f"{done.name} {done.version} {'published' if done.created else 'was there already'}")
    if as_json:
        console.show_json(shapes)


def _publish(runtime: Runtime, feed_name: str, path: Path) -> Published:
    try:
        with path.open("rb") as file:
            return publishing.publish(runtime, console.me(), feed_name, _chunks(file), path.name)
    except AppError as error:
        error.message = f"{path.name}: {error.message}"
        raise


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


@package.command(
    epilog=console.examples(
        "promontory package download express latest-stable --feed npm-prod --output /tmp",
    )
)
@click.argument("name")
@click.argument("version", default=packages.LATEST)
@feed_option
@click.option("--output", default=".", type=click.Path(path_type=Path), help="Directory or file; - is stdout.")
@console.data_option
def download(*, name: str, version: str, feed_name: str, output: Path, data: Path | None) -> None:
    """Download a version's files; VERSION may be latest, latest-stable or latest-unstable."""
    with console.opened(data) as runtime:
        with runtime.reading(console.me()) as work:
            feed = access.get_feed(work, feed_name, Permission.DOWNLOAD_PACKAGE)
            files = packages.get_version(work, feed, name, version).files
        if str(output) == "-":
            _to_stdout(runtime, files)
            return
        for file in files:
            console.say(str(_save(runtime, file, output / file.filename if output.is_dir() else output)))


def _to_stdout(runtime: Runtime, files: tuple[FileRecord, ...]) -> None:
    if len(files) != 1:
        names = ", ".join(file.filename for file in files)
        raise Invalid(f"The version has {len(files)} files ({names}); name a directory with --output.")
    with runtime.blobs.open(files[0].digests.sha256) as blob:
        shutil.copyfileobj(blob, sys.stdout.buffer, _CHUNK)


def _save(runtime: Runtime, file: FileRecord, path: Path) -> Path:
    with runtime.blobs.open(file.digests.sha256) as blob:
        try:
            target = path.open("xb")
        except FileExistsError:
            raise Conflict(f"{path} is there already; name another place with --output.", code="file-exists") from None
        with target:
            shutil.copyfileobj(blob, target, _CHUNK)
    return path


@package.command(
    epilog=console.examples(
        "promontory package delete left-pad 1.3.0 --feed npm-dev --yes",
    )
)
@click.argument("name")
@click.argument("versions", nargs=-1)
@feed_option
@click.option("--all", "every", is_flag=True, help="Delete every version.")
@console.yes_option
@console.data_option
def delete(*, name: str, versions: tuple[str, ...], feed_name: str, every: bool, yes: bool, data: Path | None) -> None:
    """Delete versions of a package from one feed; other feeds keep theirs, and history stays."""
    if bool(versions) == every:
        raise Invalid("Name the versions to delete, or say --all.")
    with console.opened(data) as runtime:
        with runtime.reading(console.me()) as work:
            feed = access.get_feed(work, feed_name)
            found = [packages.get_version(work, feed, name, each).version for each in versions]
            found = found or [each.version for each in packages.get_package(work, feed, name).versions]
        console.confirm(f"Delete {name} {', '.join(found)} from {feed_name}?", yes=yes)
        with runtime.writing(console.me()) as work:
            number = publishing.delete_versions(work, feed_name, name, found)
    console.say(f"Deleted {console.count(number, 'version')} of {name} from {feed_name}.")


# Shapes -----------------------------------------------------------------------------------------------


def named(format: FeedFormat | None, full_name: str) -> dict[str, str]:
    """Give a package's name as the API does: its group apart, where it has one."""
    group, name = format.split_name(full_name) if format else ("", full_name)
    return {"group": group, "name": name} if group else {"name": name}


def _line(format: FeedFormat | None, line: listings.PackageLine) -> dict[str, Any]:
    return {
        **named(format, line.name),
        "version": line.latest,
        "versions": line.version_count,
        "description": line.description,
        "license": line.license,
        "totalDownloads": line.downloads,
        "size": line.size,
        "listed": line.listed,
        "deprecated": bool(line.deprecated),
        "published": console.moment(line.published),
        "publishedBy": line.published_by,
    }


def _version(format: FeedFormat, version: VersionRecord) -> dict[str, Any]:
    return {
        **named(format, version.name),
        "version": version.version,
        "prerelease": version.prerelease,
        "listed": version.listed,
        "deprecated": bool(version.deprecated),
        "deprecationReason": version.deprecated,
        "downloads": version.downloads,
        "size": version.size,
        "origin": version.origin,
        "published": console.moment(version.published),
        "publishedBy": version.published_by,
        "added": console.moment(version.added),
        "files": [_file(file) for file in version.files],
    }


def _file(file: FileRecord) -> dict[str, Any]:
    digests = file.digests
    return {
        "filename": file.filename,
        "variant": file.variant,
        "size": digests.size,
        "md5": digests.md5,
        "sha1": digests.sha1,
        "sha256": digests.sha256,
        "sha512": digests.sha512,
    }
