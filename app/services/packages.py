"""Read what feeds hold: a constant number of queries for any package, list or page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import ColumnElement, and_, bindparam, select
from sqlalchemy import Row as SqlRow

from app.domain.errors import InvalidPackage, NotFound
from app.plugin.blobs import BlobDigests
from app.plugin.format import Manifest
from app.plugin.records import FileLine, FileRecord, PackageRecord, VersionRecord
from app.services.runtime import Work
from app.storage.models import Blob, Feed, File, FileManifest, Handle, Package, Tag, Version

LATEST = "latest"
LATEST_STABLE = "latest-stable"
LATEST_UNSTABLE = "latest-unstable"
ALIASES = (LATEST, LATEST_STABLE, LATEST_UNSTABLE)
_BATCH = 500
_HELD = (
    select(Package.id, Version.id.label("version_id"))
    .outerjoin(Version, and_(Version.package_id == Package.id, Version.key == bindparam("at")))
    .where(Package.feed_id == bindparam("of_feed"), Package.key == bindparam("named"))
)
_BY_HANDLE = (
    select(File.version_id, File.variant)
    .join(Handle, Handle.manifest_id == File.manifest_id)
    .join(Version, Version.id == File.version_id)
    .join(Package, Package.id == Version.package_id)
    .where(Handle.text == bindparam("handle"), Package.feed_id == bindparam("of_feed"))
)


def find_package(work: Work, feed: Feed, name: str) -> PackageRecord | None:
    """Give a package with all its versions and files, or None; four queries, whatever its size."""
    try:
        key = work.get_format(feed.format).name_key(name)
    except InvalidPackage:
        return None
    row = work.session.execute(
        select(Package.id, Package.name, Package.key, Package.serial).where(
            Package.feed_id == feed.id, Package.key == key
        )
    ).one_or_none()
    return None if row is None else _package(work, row)


def _package(work: Work, row: SqlRow[int, str, str, int]) -> PackageRecord:
    versions = versions_where(work, Version.package_id == row.id)
    tags = work.session.execute(
        select(Tag.name, Version.version).join(Version, Version.id == Tag.version_id).where(Tag.package_id == row.id)
    )
    return _record(row, versions, {tag.name: tag.version for tag in tags})


def _record(row: SqlRow[int, str, str, int], versions: list[VersionRecord], tags: Mapping[str, str]) -> PackageRecord:
    return summarised(row.name, row.key, row.serial, versions, tags)


def summarised(
    name: str, key: str, serial: int, versions: list[VersionRecord], tags: Mapping[str, str]
) -> PackageRecord:
    """Give a package from its versions in ascending order, with its newest ones found."""
    newest = (_highest(versions), _highest(versions, stable=True))
    return PackageRecord(name, key, serial, tuple(versions), tags, *newest)


def _highest(versions: list[VersionRecord], *, stable: bool = False) -> str | None:
    """Give the newest listed stable version, or, unless only that will do, the next best."""
    chain = sorted(versions, key=lambda v: (v.listed, not v.prerelease, v.key))
    if not chain or (stable and (chain[-1].prerelease or not chain[-1].listed)):
        return None
    return chain[-1].version


def versions_where(work: Work, which: ColumnElement[bool]) -> list[VersionRecord]:
    """Give versions with their files, by package and in ascending order; two queries."""
    rows = work.session.execute(
        select(Version.__table__, Package.name)
        .join(Package, Package.id == Version.package_id)
        .where(which)
        .order_by(Package.key, Version.key)
    ).all()
    files = _files(work, which)
    return [
        VersionRecord(
            row.name,
            row.version,
            row.normalized,
            row.key,
            row.prerelease,
            row.listed,
            row.deprecated,
            row.origin,
            row.published,
            row.published_by,
            row.added,
            row.size,
            row.downloads,
            tuple(files.get(row.id, ())),
            row.connector,
            row.changed_upstream,
        )
        for row in rows
    ]


def _files(work: Work, which: ColumnElement[bool]) -> dict[int, list[FileRecord]]:
    rows = work.session.execute(
        select(
            File.id,
            File.version_id,
            File.filename,
            File.variant,
            Blob.sha256,
            Blob.sha512,
            Blob.sha1,
            Blob.md5,
            Blob.size,
            FileManifest.data,
            File.listed,
        )
        .join(Version, Version.id == File.version_id)
        .join(Package, Package.id == Version.package_id)
        .join(Blob, Blob.sha256 == File.blob)
        .join(FileManifest, FileManifest.id == File.manifest_id)
        .where(which)
        .order_by(File.version_id, File.variant)
    )
    files: dict[int, list[FileRecord]] = {}
    for r in rows:
        digests = BlobDigests(r.sha256, r.sha512, r.sha1, r.md5, r.size)
        record = FileRecord(r.filename, r.variant, digests, Manifest.from_json(r.data), r.listed, r.id)
        files.setdefault(r.version_id, []).append(record)
    return files


def get_package(work: Work, feed: Feed, name: str) -> PackageRecord:
    """Give a package; raise NotFound."""
    package = find_package(work, feed, name)
    if package is None:
        raise unknown_package(feed, name)
    return package


def unknown_package(feed: Feed, name: str) -> NotFound:
    """Give the error for a package that a feed does not hold."""
    return NotFound(
        f"There is no package {name!r} in the feed {feed.name}; search the feed for its spelling.",
        code="unknown-package",
        feed=feed.name,
        name=name,
    )


def unknown_version(feed: Feed, package: PackageRecord, version: str) -> NotFound:
    """Give the error for a version that a package does not have."""
    held = ", ".join(v.version for v in package.versions[-5:])
    return NotFound(
        f"There is no version {version!r} of {package.name} in the feed {feed.name}; it holds {held}.",
        code="unknown-version",
        feed=feed.name,
        name=package.name,
        version=version,
    )


def get_version(work: Work, feed: Feed, name: str, version: str) -> VersionRecord:
    """Give one version of a package, by its text in any spelling or by an alias; raise NotFound.

    An exact version costs the same however many the package has.
    """
    if version not in ALIASES:
        exact = _find_exact(work, feed, name, version)
        if exact is not None:
            return exact
    package = get_package(work, feed, name)
    wanted = resolve_alias(package, version) or version
    try:
        found = package.version(work.get_format(feed.format).version_key(wanted))
    except InvalidPackage:
        found = None
    if found is None:
        raise unknown_version(feed, package, version)
    return found


def _find_exact(work: Work, feed: Feed, name: str, version: str) -> VersionRecord | None:
    format = work.get_format(feed.format)
    try:
        name_key, version_key = format.name_key(name), format.version_key(version)
    except InvalidPackage:
        return None
    package_id = work.session.scalar(select(Package.id).where(Package.feed_id == feed.id, Package.key == name_key))
    found = versions_where(work, and_(Version.package_id == package_id, Version.key == version_key))
    return found[0] if found else None


def holds(work: Work, feed: Feed, name: str, version: str) -> tuple[bool, bool]:
    """Tell whether a feed holds a package, and whether it holds one version of it; one query."""
    format = work.get_format(feed.format)
    given = {"of_feed": feed.id, "named": format.name_key(name), "at": format.version_key(version)}
    row = work.session.execute(_HELD, given).one_or_none()
    return (False, False) if row is None else (True, row.version_id is not None)


def find_file(work: Work, feed: Feed, handle: str) -> tuple[VersionRecord, FileRecord] | None:
    """Give the file of a feed that goes by a handle, and its version; listed or not."""
    row = work.session.execute(_BY_HANDLE, {"of_feed": feed.id, "handle": handle}).first()
    if row is None:
        return None
    version = versions_where(work, Version.id == row.version_id)[0]
    return version, next(file for file in version.files if file.variant == row.variant)


def by_keys(work: Work, feed: Feed, keys: Iterable[str]) -> list[PackageRecord]:
    """Give packages by their keys, by name; those that are not there are left out."""
    wanted = sorted(set(keys))
    batches = (wanted[start : start + _BATCH] for start in range(0, len(wanted), _BATCH))
    return [record for batch in batches for record in _packages(work, feed, Package.key.in_(batch))]


def in_batches(work: Work, feed: Feed) -> Iterator[list[PackageRecord]]:
    """Give all packages of a feed, by name, some hundred at a time."""
    last = ""
    while True:
        keys = list(
            work.session.scalars(
                select(Package.key)
                .where(Package.feed_id == feed.id, Package.key > last)
                .order_by(Package.key)
                .limit(_BATCH)
            )
        )
        if not keys:
            return
        yield by_keys(work, feed, keys)
        last = keys[-1]


def _packages(work: Work, feed: Feed, which: ColumnElement[bool]) -> list[PackageRecord]:
    mine = and_(Package.feed_id == feed.id, which)
    rows = work.session.execute(
        select(Package.id, Package.name, Package.key, Package.serial).where(mine).order_by(Package.key)
    ).all()
    versions: dict[str, list[VersionRecord]] = {}
    for version in versions_where(work, mine):
        versions.setdefault(version.name, []).append(version)
    tags: dict[int, dict[str, str]] = {}
    tagged = select(Tag.package_id, Tag.name, Version.version).join(Version, Version.id == Tag.version_id)
    for tag in work.session.execute(tagged.join(Package, Package.id == Tag.package_id).where(mine)):
        tags.setdefault(tag.package_id, {})[tag.name] = tag.version
    return [_record(row, versions.get(row.name, []), tags.get(row.id, {})) for row in rows]


def file_lines(work: Work, feed: Feed, after: int) -> dict[str, list[FileLine]]:
    """Give the files of every package that changed after a serial of its feed, by package key."""
    rows = work.session.execute(
        select(
            Package.key,
            Package.name,
            Version.version,
            Version.normalized,
            Version.prerelease,
            File.listed,
            File.variant,
            File.filename,
        )
        .join(Version, Version.package_id == Package.id)
        .join(File, File.version_id == Version.id)
        .where(Package.feed_id == feed.id, Package.serial > after)
        .order_by(Package.key, Version.key, File.variant)
    )
    lines: dict[str, list[FileLine]] = {}
    for row in rows:
        key, name, version, normalized, prerelease, listed, variant, filename = row
        line = FileLine(name, version, normalized, prerelease, listed, variant, filename)
        lines.setdefault(key, []).append(line)
    return lines


def keys(work: Work, feed: Feed) -> set[str]:
    """Give the keys of all packages of a feed."""
    return set(work.session.scalars(select(Package.key).where(Package.feed_id == feed.id)))


def resolve_alias(package: PackageRecord, version: str) -> str | None:
    """Give the version behind ``latest`` (a set tag first), ``latest-stable`` or ``latest-unstable``; else None."""
    if version == LATEST:
        return package.tags.get(LATEST) or package.latest
    if version == LATEST_STABLE:
        return package.latest_stable
    if version == LATEST_UNSTABLE:
        listed = [v for v in package.versions if v.listed]
        return max(listed, key=lambda v: v.key).version if listed else None
    return None


def serial_of(work: Work, feed: Feed, name: str) -> int:
    """Give the serial of a package's last change; raise NotFound."""
    key = work.get_format(feed.format).name_key(name)
    serial = work.session.scalar(select(Package.serial).where(Package.feed_id == feed.id, Package.key == key))
    if serial is None:
        raise unknown_package(feed, name)
    return serial
