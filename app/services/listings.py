"""List what feeds hold, a page at a time: a constant number of queries for any page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select

from app.domain.errors import InvalidPackage
from app.plugin.format import FeedFormat, Manifest
from app.plugin.records import PackageSummary, Page, State, VersionRecord
from app.services import packages
from app.services.runtime import Work
from app.storage.models import Feed, File, FileManifest, Newest, Package, Version

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """Say which part of a feed's packages is wanted, and in which order.

    ``sort`` is name, published, versions, downloads, license, size or latest; ``group`` keeps one group, an
    empty text keeps packages without one. Versions count that carry all of ``facets`` and none of ``without``; with
    ``state`` only local or cached ones. ``behind`` keeps packages of which a connector offers a newer version.
    """

    text: str = ""
    prerelease: bool = True
    unlisted: bool = False
    group: str | None = None
    facets: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    state: str = ""
    behind: bool = False
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
    behind: bool = False
    newest: str | None = None
    newest_published: datetime | None = None


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


def packages_after(work: Work, feed: Feed, listing: Listing, after: str) -> list[PackageLine]:
    """Give a feed's packages by key, from after a key on; sort and offset of the listing do not count."""
    lines = _lines(work.get_format(feed.format), feed, listing).where(Package.key > after)
    rows = work.session.execute(lines.order_by(Package.key).limit(listing.limit)).mappings()
    return [PackageLine(**{name: row[name] for name in PackageLine.__dataclass_fields__}) for row in rows]


def _lines(format: FeedFormat, feed: Feed, listing: Listing) -> Select[*tuple[Any, ...]]:
    inner = Version.__table__.alias("candidate")
    eligible = [inner.c.package_id == Package.id, *_eligible(inner, listing)]
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
            func.coalesce(Newest.behind, false()).label("behind"),
            Newest.version.label("newest"),
            Newest.published.label("newest_published"),
        )
        .select_from(Package)
        .join(Version, Version.id == newest)
        .join(File, File.id == main_file)
        .join(FileManifest, FileManifest.id == File.manifest_id)
        .outerjoin(Newest, Newest.package_id == Package.id)
        .where(Package.feed_id == feed.id, *_matching(listing), *_in_group(format, listing.group))
    )


def _eligible(version: Any, listing: Listing) -> Iterator[ColumnElement[bool]]:
    columns = version.c
    if not listing.unlisted:
        yield columns.listed
    if not listing.prerelease:
        yield ~columns.prerelease
    if listing.state:
        cached = columns.origin == State.CACHED.value
        yield cached if listing.state == State.CACHED else ~cached
    for facet in (*listing.facets, *listing.without):
        carrying = (
            select(File.id)
            .join(FileManifest, FileManifest.id == File.manifest_id)
            .where(File.version_id == columns.id, FileManifest.facets.contains(f" {facet} ", autoescape=True))
        )
        yield carrying.exists() if facet in listing.facets else ~carrying.exists()


def _matching(listing: Listing) -> Iterable[ColumnElement[bool]]:
    if listing.behind:
        yield Newest.behind.is_(True)
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
    versions = _version_texts(work, [line.package_id for line in lines], listing) if with_versions else {}
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


def _version_texts(work: Work, ids: list[int], listing: Listing) -> dict[int, list[str]]:
    texts: dict[int, list[str]] = {}
    version = Version.__table__
    rows = work.session.execute(
        select(version.c.package_id, version.c.version)
        .where(version.c.package_id.in_(ids), *_eligible(version, listing))
        .order_by(version.c.key)
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
        yield from packages.versions_where(work, Version.id.in_(ids[start : start + _BATCH]))


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
