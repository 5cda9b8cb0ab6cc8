"""What feeds hold: packages, versions with their files, tags."""

from __future__ import annotations

from app.domain.permissions import Permission
from app.plugin.records import FileRecord, PackageRecord, VersionRecord
from app.services import access, listings, packages, publishing
from app.services.listings import Listing, PackageLine
from app.services.runtime import Work
from app.web.api.v1 import paging, schemas
from app.web.api.v1.operations import Call, operation


@operation("GET", "/feeds/{feed}/packages", "packages")
def list_packages(call: Call, feed: str, query: schemas.PackageQuery) -> schemas.PackagePage:
    """List the packages of a feed, each with its newest version."""
    offset = paging.decode(query.cursor, int) or 0
    listing = Listing(
        query.text,
        prerelease=query.prerelease,
        unlisted=query.unlisted,
        group=query.group,
        sort=query.sort,
        descending=query.descending,
        offset=offset,
        limit=query.limit,
    )
    lines, total = listings.list_packages(call.work, access.get_feed(call.work, feed), listing)
    end = offset + len(lines)
    following = paging.encode(end) if lines and end < total else None
    return schemas.PackagePage(items=[_package(line) for line in lines], total=total, next=following)


def _package(line: PackageLine) -> schemas.Package:
    return schemas.Package(
        name=line.name,
        latest=line.latest,
        description=line.description,
        license=line.license,
        versions=line.version_count,
        downloads=line.downloads,
        published=line.published,
        published_by=line.published_by,
    )


@operation("GET", "/feeds/{feed}/versions", "packages")
def list_versions(call: Call, feed: str, query: schemas.VersionQuery) -> schemas.VersionPage:
    """List the versions of a package, the newest first."""
    found = packages.get_package(call.work, access.get_feed(call.work, feed), query.package)
    newest_first = list(reversed(found.versions))
    start = paging.decode(query.cursor, int) or 0
    page = newest_first[start : start + query.limit]
    end = start + len(page)
    following = paging.encode(end) if end < len(newest_first) else None
    return schemas.VersionPage(items=[_version(found, version) for version in page], next=following)


@operation("GET", "/feeds/{feed}/version", "packages")
def get_version(call: Call, feed: str, query: schemas.OneVersion) -> schemas.Version:
    """Describe one version with its files and tags."""
    return _one(call.work, feed, query.package, query.version, Permission.VIEW_FEED)


@operation("PATCH", "/feeds/{feed}/version", "packages")
def change_version(call: Call, feed: str, query: schemas.OneVersion, body: schemas.VersionChange) -> schemas.Version:
    """List or unlist a version, or set its deprecation; needs Unlist Package."""
    name, version = query.package, query.version

    def change(work: Work) -> schemas.Version:
        if body.listed is not None:
            publishing.set_listed(work, feed, name, version, listed=body.listed)
        if body.deprecated is not None:
            publishing.set_deprecated(work, feed, name, {version: body.deprecated})
        return _one(work, feed, name, version, Permission.UNLIST_PACKAGE)

    return call.write(change)


@operation("DELETE", "/feeds/{feed}/version", "packages")
def delete_version(call: Call, feed: str, query: schemas.OneVersion) -> None:
    """Delete a version; its history stays. Needs Delete Package."""
    name, version = query.package, query.version
    call.delete(lambda work: publishing.delete_versions(work, feed, name, [version]))


@operation("PUT", "/feeds/{feed}/tag", "packages")
def set_tag(call: Call, feed: str, query: schemas.OneTag, body: schemas.TagChange) -> schemas.Version:
    """Point a tag of a package at a version; needs Add Package."""

    def change(work: Work) -> schemas.Version:
        publishing.set_tag(work, feed, query.package, query.tag, body.version)
        return _one(work, feed, query.package, body.version, Permission.ADD_PACKAGE)

    return call.write(change)


@operation("DELETE", "/feeds/{feed}/tag", "packages")
def remove_tag(call: Call, feed: str, query: schemas.OneTag) -> None:
    """Remove a tag of a package; needs Add Package."""
    call.delete(lambda work: publishing.remove_tag(work, feed, query.package, query.tag))


def _one(work: Work, feed_name: str, name: str, version: str, permission: Permission) -> schemas.Version:
    feed = access.get_feed(work, feed_name, permission)
    found = packages.get_version(work, feed, name, version)
    return _version(packages.get_package(work, feed, name), found)


def _version(package: PackageRecord, version: VersionRecord) -> schemas.Version:
    return schemas.Version(
        package=package.name,
        version=version.version,
        prerelease=version.prerelease,
        listed=version.listed,
        deprecated=version.deprecated,
        origin=version.origin,
        published=version.published,
        published_by=version.published_by,
        added=version.added,
        size=version.size,
        downloads=version.downloads,
        tags=sorted(tag for tag, held in package.tags.items() if held == version.version),
        files=[_file(file) for file in version.files],
    )


def _file(file: FileRecord) -> schemas.File:
    digests = file.digests
    return schemas.File(
        filename=file.filename,
        variant=file.variant,
        listed=file.listed,
        size=digests.size,
        sha256=digests.sha256,
        sha512=digests.sha512,
        sha1=digests.sha1,
        md5=digests.md5,
    )
