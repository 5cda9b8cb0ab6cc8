"""Read what feeds hold: a constant number of queries for any package, list or page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, func, or_, select
from sqlalchemy import Row as SqlRow

from app.domain.errors import InvalidPackage, NotFound
from app.plugin.blobs import BlobDigests
from app.plugin.format import FeedFormat, Manifest
from app.plugin.records import FileRecord, PackageRecord, PackageSummary, Page, VersionRecord
from app.services.runtime import Work
from app.storage.models import Blob, Feed, File, FileManifest, Package, Tag, Version

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
    versions = _versions(work, Version.package_id == row.id)
    tags = work.session.execute(
        select(Tag.name, Version.version).join(Version, Version.id == Tag.version_id).where(Tag.package_id == row.id)
    )
    return PackageRecord(
        row.name,
        row.key,
        row.serial,
        tuple(versions),
        {tag.name: tag.version for tag in tags},
        _highest(versions),
        _highest(versions, stable=True),
    )


def _highest(versions: list[VersionRecord], *, stable: bool = False) -> str | None:
    """Give the newest listed stable version, or, unless only that will do, the next best."""
    chain = sorted(versions, key=lambda v: (v.listed, not v.prerelease, v.key))
    if not chain or (stable and (chain[-1].prerelease or not chain[-1].listed)):
        return None
    return chain[-1].version


def _versions(work: Work, which: ColumnElement[bool]) -> list[VersionRecord]:
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
        )
        for row in rows
    ]


def _files(work: Work, which: ColumnElement[bool]) -> dict[int, list[FileRecord]]:
    rows = work.session.execute(
        select(
            File.version_id,
            File.filename,
            File.variant,
            Blob.sha256,
            Blob.sha512,
            Blob.sha1,
            Blob.md5,
            Blob.size,
            FileManifest.data,
        )
        .join(Version, Version.id == File.version_id)
        .join(Blob, Blob.sha256 == File.blob)
        .join(FileManifest, FileManifest.id == File.manifest_id)
        .where(which)
        .order_by(File.version_id, File.variant)
    )
    files: dict[int, list[FileRecord]] = {}
    for r in rows:
        digests = BlobDigests(r.sha256, r.sha512, r.sha1, r.md5, r.size)
        record = FileRecord(r.filename, r.variant, digests, Manifest.from_json(r.data))
        files.setdefault(r.version_id, []).append(record)
    return files


def get_package(work: Work, feed: Feed, name: str) -> PackageRecord:
    """Give a package; raise NotFound."""
    package = find_package(work, feed, name)
    if package is None:
        raise NotFound(
            f"There is no package {name!r} in the feed {feed.name}; search the feed for its spelling.",
            code="unknown-package",
            feed=feed.name,
            name=name,
        )
    return package


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
        held = ", ".join(v.version for v in package.versions[-5:])
        raise NotFound(
            f"There is no version {version!r} of {package.name} in the feed {feed.name}; it holds {held}.",
            code="unknown-version",
            feed=feed.name,
            name=package.name,
            version=version,
        )
    return found


def _find_exact(work: Work, feed: Feed, name: str, version: str) -> VersionRecord | None:
    format = work.get_format(feed.format)
    try:
        name_key, version_key = format.name_key(name), format.version_key(version)
    except InvalidPackage:
        return None
    package_id = work.session.scalar(select(Package.id).where(Package.feed_id == feed.id, Package.key == name_key))
    found = _versions(work, and_(Version.package_id == package_id, Version.key == version_key))
    return found[0] if found else None


def holds(work: Work, feed: Feed, name: str, version: str) -> tuple[bool, bool]:
    """Tell whether a feed holds a package, and whether it holds one version of it; one query."""
    format = work.get_format(feed.format)
    given = {"of_feed": feed.id, "named": format.name_key(name), "at": format.version_key(version)}
    row = work.session.execute(_HELD, given).one_or_none()
    return (False, False) if row is None else (True, row.version_id is not None)


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


# Lists ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listing:
    """Say which part of a feed's packages is wanted, and in which order.

    ``sort`` is name, published, versions, downloads, license, size or latest; ``group`` keeps one group, an
    empty text keeps packages without one.
    """

    text: str = ""
    prerelease: bool = True
    unlisted: bool = False
    group: str | None = None
    sort: str = "name"
    descending: bool = False
    offset: int = 0
    limit: int | None = 20


@dataclass(frozen=True, slots=True)
class PackageLine:
    """Hold one line of a package list."""

    name: str
    latest: str
    prerelease: bool
    listed: bool
    deprecated: str
    description: str
    license: str
    version_count: int
    downloads: int
    published: datetime
    published_by: str
    origin: str
    added: datetime
    added_by: str
    size: int
    version_id: int
    package_id: int


def list_packages(work: Work, feed: Feed, listing: Listing) -> tuple[list[PackageLine], int]:
    """Give one page of a feed's packages, each with its newest version, and the count of all that match."""
    lines = _lines(work.get_format(feed.format), feed, listing).subquery()
    total = work.session.scalar(select(func.count()).select_from(lines)) or 0
    by = {
        "name": func.lower(lines.c.name),
        "latest": lines.c.key,
        "published": lines.c.published,
        "versions": lines.c.version_count,
        "downloads": lines.c.downloads,
        "license": func.lower(lines.c.license),
        "size": lines.c.size,
    }.get(listing.sort, func.lower(lines.c.name))
    order = by.desc() if listing.descending else by.asc()
    page = select(lines).order_by(order, lines.c.name).offset(listing.offset).limit(listing.limit)
    rows = work.session.execute(page).mappings()
    return [PackageLine(**{name: row[name] for name in PackageLine.__dataclass_fields__}) for row in rows], total


def _lines(format: FeedFormat, feed: Feed, listing: Listing) -> Select[*tuple[Any, ...]]:
    inner = Version.__table__.alias("candidate")
    eligible = [inner.c.package_id == Package.id]
    if not listing.unlisted:
        eligible.append(inner.c.listed)
    if not listing.prerelease:
        eligible.append(~inner.c.prerelease)
    per_package = select(inner.c.id).where(*eligible).correlate(Package)
    newest = per_package.order_by(inner.c.prerelease, inner.c.key.desc()).limit(1).scalar_subquery()
    count = select(func.count()).where(*eligible).correlate(Package).scalar_subquery()
    downloads = (
        select(func.coalesce(func.sum(inner.c.downloads), 0)).where(*eligible).correlate(Package).scalar_subquery()
    )
    some_file = File.__table__.alias("some_file")
    main_file = (
        select(func.min(some_file.c.id))
        .where(some_file.c.version_id == Version.id)
        .correlate(Version)
        .scalar_subquery()
    )
    return (
        select(
            Package.id.label("package_id"),
            Package.name,
            Version.id.label("version_id"),
            Version.key,
            Version.version.label("latest"),
            Version.prerelease,
            Version.listed,
            Version.deprecated,
            Version.published,
            Version.published_by,
            Version.origin,
            Version.added,
            Version.added_by,
            Version.size,
            FileManifest.description,
            FileManifest.license,
            count.label("version_count"),
            downloads.label("downloads"),
        )
        .select_from(Package)
        .join(Version, Version.id == newest)
        .join(File, File.id == main_file)
        .join(FileManifest, FileManifest.id == File.manifest_id)
        .where(Package.feed_id == feed.id, *_matching(listing), *_in_group(format, listing.group))
    )


def _matching(listing: Listing) -> Iterable[ColumnElement[bool]]:
    for word in listing.text.lower().split():
        yield or_(
            func.lower(Package.name).contains(word, autoescape=True),
            func.lower(FileManifest.description).contains(word, autoescape=True),
            func.lower(FileManifest.keywords).contains(word, autoescape=True),
        )


def _in_group(format: FeedFormat, group: str | None) -> Iterable[ColumnElement[bool]]:
    if group is None:
        return
    if group == "":
        yield ~Package.name.contains("/")
        return
    try:
        # A key with a name of one letter, cut off again, is the key's form of the group.
        prefix = format.name_key(format.join_name(group, "x"))[:-1]
    except InvalidPackage:
        prefix = ""
    if not prefix:  # Not a group, or a format without groups.
        yield false()
        return
    yield Package.key.startswith(prefix, autoescape=True)
    yield ~func.substr(Package.key, len(prefix) + 1).contains("/")


def search(work: Work, feed: Feed, listing: Listing, *, with_versions: bool = False) -> Page:
    """Give one page of a feed's packages with manifests, as client protocols need them."""
    lines, total = list_packages(work, feed, listing)
    manifests = _newest_manifests(work, [line.version_id for line in lines])
    versions = _version_texts(work, [line.package_id for line in lines]) if with_versions else {}
    items = (
        PackageSummary(
            line.name,
            line.latest,
            line.description,
            line.version_count,
            line.downloads,
            line.published,
            manifests[line.version_id],
            tuple(versions.get(line.package_id, ())),
        )
        for line in lines
    )
    return Page(tuple(items), total)


def _newest_manifests(work: Work, ids: list[int]) -> Mapping[int, Manifest]:
    rows = work.session.execute(
        select(File.version_id, FileManifest.data)
        .join(FileManifest, FileManifest.id == File.manifest_id)
        .where(File.version_id.in_(ids))
        .order_by(File.variant.desc())
    )
    return {row.version_id: Manifest.from_json(row.data) for row in rows}


def _version_texts(work: Work, ids: list[int]) -> dict[int, list[str]]:
    texts: dict[int, list[str]] = {}
    rows = work.session.execute(
        select(Version.package_id, Version.version)
        .where(Version.package_id.in_(ids), Version.listed)
        .order_by(Version.key)
    )
    for row in rows:
        texts.setdefault(row.package_id, []).append(row.version)
    return texts


def newest_versions(work: Work, feed: Feed, listing: Listing) -> Iterator[tuple[VersionRecord, int]]:
    """Give the newest version of each package, by name, with the downloads of all its versions."""
    lines, _ = list_packages(work, feed, listing)
    downloads = {line.name: line.downloads for line in lines}
    for record in _by_ids(work, [line.version_id for line in lines]):
        yield record, downloads[record.name]


def all_versions(work: Work, feed: Feed, group: str | None = None) -> Iterator[VersionRecord]:
    """Give every version of a feed, or of one group in it, by name and in ascending order."""
    format = work.get_format(feed.format)
    query = (
        select(Version.id)
        .join(Package, Package.id == Version.package_id)
        .where(Package.feed_id == feed.id, *_in_group(format, group))
        .order_by(Package.key, Version.key)
    )
    yield from _by_ids(work, list(work.session.scalars(query)))


def _by_ids(work: Work, ids: Sequence[int]) -> Iterator[VersionRecord]:
    # In batches, because manifests are large and the caller keeps little of each.
    for start in range(0, len(ids), _BATCH):
        yield from _versions(work, Version.id.in_(ids[start : start + _BATCH]))


def counts(work: Work, feeds: Iterable[int]) -> dict[int, tuple[int, int, int]]:
    """Give (packages, versions, downloads) by feed id, in one query."""
    rows = work.session.execute(
        select(
            Package.feed_id,
            func.count(func.distinct(Package.id)),
            func.count(Version.id),
            func.coalesce(func.sum(Version.downloads), 0),
        )
        .outerjoin(Version, Version.package_id == Package.id)
        .where(Package.feed_id.in_(list(feeds)))
        .group_by(Package.feed_id)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def feeds_holding(work: Work, format: str, name_key: str) -> dict[str, list[tuple[int, str, datetime]]]:
    """Give, by version key, the feeds that hold a version: (feed id, feed name, since); the caller filters by right."""
    rows = work.session.execute(
        select(Version.key, Feed.id, Feed.name, Version.added)
        .join(Package, Package.id == Version.package_id)
        .join(Feed, Feed.id == Package.feed_id)
        .where(Feed.format == format, Package.key == name_key)
        .order_by(Feed.name)
    )
    held: dict[str, list[tuple[int, str, datetime]]] = {}
    for key, feed_id, feed_name, added in rows:
        held.setdefault(key, []).append((feed_id, feed_name, added))
    return held


def serial_of(work: Work, feed: Feed, name: str) -> int:
    """Give the serial of a package's last change; raise NotFound."""
    key = work.get_format(feed.format).name_key(name)
    serial = work.session.scalar(select(Package.serial).where(Package.feed_id == feed.id, Package.key == key))
    if serial is None:
        raise NotFound(
            f"There is no package {name!r} in the feed {feed.name}; search the feed for its spelling.",
            code="unknown-package",
            feed=feed.name,
            name=name,
        )
    return serial
