"""Packages, their versions and files. A package's name comes last in an address, because it may hold slashes."""

from __future__ import annotations

from flask import current_app, request
from pydantic import Field

from app.domain.errors import Forbidden, Invalid, NotFound
from app.domain.permissions import Permission
from app.plugin.records import FileRecord, VersionRecord
from app.services import access, listings, packages, pages, publishing
from app.services.listings import Listing, PackageLine
from app.services.runtime import Work
from app.storage import models as stored
from app.web.api.v1.models import ABSENT, Flag, Listed, Model, Moment, PackageName, Paging, Text
from app.web.api.v1.operations import Answer, Call, Resource
from app.web.api.v1.paging import page, text_after
from app.web.serving import RequestedFeed, Serving

packages_v1 = Resource("Packages", "What feeds hold: packages, and what is said of them.")
versions_v1 = Resource("Versions", "Releases of packages, their files and their bytes.")

_VIEW, _READ = "View Feed/Package", "View Feed/Package and Download Package"


class PackageItem(Model):
    """Be a package in a list, with its newest version of those that were asked for."""

    name: str
    latest: str
    prerelease: bool
    listed: bool
    deprecated: str
    description: str
    license: str
    versions: int
    downloads: int
    size: int
    published: Moment
    published_by: str
    origin: str


class Package(Model):
    """Be a package: its newest versions, how many it has, the tags that somebody set."""

    name: str
    latest: str | None
    latest_stable: str | None
    versions: int
    tags: dict[str, str] = Field(description="Versions by the tags that point at them.")


class PackageFile(Model):
    """Be one file of a version; `variant` tells the files of one version apart, empty for the main one."""

    name: str
    variant: str
    size: int = Field(description="In bytes.")
    sha256: str
    sha512: str
    listed: bool


class Version(Model):
    """Be one version of a package in a feed."""

    package: str
    version: str
    prerelease: bool
    listed: bool
    deprecated: str = Field(description="Why one should not use it; empty: it is not deprecated.")
    origin: str = Field(description="How it entered the feed: published or promoted.")
    published: Moment
    published_by: str
    added: Moment = Field(description="When it entered this feed.")
    size: int
    downloads: int
    description: str
    license: str
    authors: str
    files: list[PackageFile]


class VersionChange(Model):
    """Hold what is to be changed of a version; what is left out stays."""

    listed: bool = Field(default=ABSENT, description="An unlisted version can be installed by its exact version only.")
    deprecated: str = Field(default=ABSENT, max_length=4000, pattern=r"^[^\x00]*$", description="Empty takes it back.")


class PackagesQuery(Paging):
    """Say which packages are wanted."""

    text: Text = Field(default="", description="Words in the name, the description or the keywords.")
    group: Text = Field(default=ABSENT, description="Only packages of this group or scope; empty: of none.")
    prerelease: Flag = Field(default=True, description="Whether prereleases count.")
    unlisted: Flag = Field(default=False, description="Whether unlisted versions count.")


class OfPackage(Paging):
    """Say whose versions or tags are wanted."""

    package: PackageName = Field(description="The package's whole name.")


class FileQuery(Model):
    """Say which file of a version is meant."""

    variant: Text = Field(default="", description="As the version lists it; empty: the main file.")


# Packages ---------------------------------------------------------------------------------------------


@packages_v1.get("/feeds/{feed}/packages", Listed[PackageItem], needs=_VIEW)
def list_packages(call: Call, feed: str, query: PackagesQuery) -> Answer:
    """List or search a feed's packages, by name."""
    held = access.get_feed(call.work, feed)
    format = call.work.get_format(held.format)
    wanted = Listing(query.text, query.prerelease, query.unlisted, query.group, limit=query.limit + 1)
    rows = listings.packages_after(call.work, held, wanted, text_after(query))
    return page(Listed[PackageItem], rows, query, lambda line: format.name_key(line.name), _item)


@packages_v1.get("/feeds/{feed}/packages/{package}", Package, needs=_VIEW)
def get_package(call: Call, feed: str, package: str) -> Answer:
    """Give a package."""
    found = packages.get_package(call.work, access.get_feed(call.work, feed), package)
    shown = Package(
        name=found.name,
        latest=found.latest,
        latest_stable=found.latest_stable,
        versions=len(found.versions),
        tags=dict(sorted(found.tags.items())),
    )
    return Answer(shown)


@packages_v1.delete("/feeds/{feed}/packages/{package}", needs="Delete Package on the feed")
def delete_package(call: Call, feed: str, package: str) -> Answer:
    """Delete a package with all its versions; history keeps them."""
    held = access.get_feed(call.work, feed, Permission.DELETE_PACKAGE)
    call.check_match(_body(get_package(call, held.name, package)))
    publishing.delete_versions(call.work, held.name, package)
    return Answer()


def _body(answer: Answer) -> Model:
    if answer.body is None:
        raise ValueError("an answer without a body has no entity tag")
    return answer.body


def _item(line: PackageLine) -> PackageItem:
    named = ("name", "latest", "prerelease", "listed", "deprecated", "description", "license", "downloads", "size")
    more = {name: getattr(line, name) for name in (*named, "published", "published_by", "origin")}
    return PackageItem(versions=line.version_count, **more)


# Versions ---------------------------------------------------------------------------------------------


@versions_v1.get("/feeds/{feed}/versions", Listed[Version], needs=_VIEW)
def list_versions(call: Call, feed: str, query: OfPackage) -> Answer:
    """List the versions of a package, ascending; unlisted ones too."""
    held = access.get_feed(call.work, feed)
    rows = pages.versions(call.work, held, query.package, text_after(query), query.limit + 1)
    return page(Listed[Version], rows, query, lambda version: version.key, _shown)


@versions_v1.get("/feeds/{feed}/versions/{version}/{package}", Version, needs=_VIEW)
def get_version(call: Call, feed: str, version: str, package: str) -> Answer:
    """Give a version with its files; `latest`, `latest-stable` and `latest-unstable` mean the newest ones."""
    return Answer(_shown(packages.get_version(call.work, access.get_feed(call.work, feed), package, version)))


@versions_v1.patch(
    "/feeds/{feed}/versions/{version}/{package}",
    Version,
    needs="Unlist Package on the feed",
    examples={"body": {"listed": False, "deprecated": "Use 2.0.0: this one leaks sockets."}},
)
def change_version(call: Call, feed: str, version: str, package: str, body: VersionChange) -> Answer:
    """List, unlist or deprecate a version; what is left out stays."""
    held, found = _exactly(call.work, feed, version, package, Permission.UNLIST_PACKAGE)
    call.check_match(_shown(found))
    if body.listed is not None and body.listed != found.listed:
        publishing.set_listed(call.work, held.name, found.name, found.version, listed=body.listed)
    if body.deprecated is not None and body.deprecated != found.deprecated:
        publishing.set_deprecated(call.work, held.name, found.name, {found.version: body.deprecated})
    call.work.session.flush()
    return Answer(_shown(packages.get_version(call.work, held, found.name, found.version)))


@versions_v1.delete("/feeds/{feed}/versions/{version}/{package}", needs="Delete Package on the feed")
def delete_version(call: Call, feed: str, version: str, package: str) -> Answer:
    """Delete a version; history keeps it, and so do other feeds that hold it."""
    held, found = _exactly(call.work, feed, version, package, Permission.DELETE_PACKAGE)
    call.check_match(_shown(found))
    publishing.delete_versions(call.work, held.name, found.name, [found.version])
    return Answer()


def _exactly(
    work: Work, feed: str, version: str, package: str, permission: Permission
) -> tuple[stored.Feed, VersionRecord]:
    """Give a version that somebody may change; raise Invalid for an alias, since what it means may change meanwhile."""
    held = access.get_feed(work, feed, permission)
    if version in packages.ALIASES:
        raise Invalid(f"{version!r} is no exact version; name the one that is to change.", code="alias")
    return held, packages.get_version(work, held, package, version)


def _shown(found: VersionRecord) -> Version:
    manifest = found.main.manifest
    same = ("version", "prerelease", "listed", "deprecated", "origin", "published", "published_by", "added", "size")
    return Version(
        package=found.name,
        downloads=found.downloads,
        description=manifest.description,
        license=manifest.license,
        authors=manifest.authors,
        files=[_file(file) for file in found.files],
        **{name: getattr(found, name) for name in same},
    )


def _file(file: FileRecord) -> PackageFile:
    digests = file.digests
    return PackageFile(
        name=file.filename,
        variant=file.variant,
        size=digests.size,
        sha256=digests.sha256,
        sha512=digests.sha512,
        listed=file.listed,
    )


# Files ------------------------------------------------------------------------------------------------


@versions_v1.send("/feeds/{feed}/files/{version}/{package}", "application/octet-stream", needs=_READ)
def download_file(call: Call, feed: str, version: str, package: str, query: FileQuery) -> Answer:
    """Download a file of a version; ranges are given, and the ETag is its SHA-256."""
    held = access.get_feed(call.work, feed, Permission.DOWNLOAD_PACKAGE)
    if not held.active:
        raise Forbidden(f"The feed {held.name} is deactivated; activate it in its settings first.", code="inactive")
    file = _file_of(packages.get_version(call.work, held, package, version), query.variant)
    serving: Serving = current_app.extensions["promontory.serving"]
    served = RequestedFeed(serving, call.work, held, request, "", call.expires)
    return Answer(raw=served.send(file, "application/octet-stream"))


@versions_v1.delete("/feeds/{feed}/files/{version}/{package}", needs="Delete Package on the feed")
def delete_file(call: Call, feed: str, version: str, package: str, query: FileQuery) -> Answer:
    """Delete one file of a version, and with its last file the version."""
    held, found = _exactly(call.work, feed, version, package, Permission.DELETE_PACKAGE)
    call.check_match(_shown(found))
    file = _file_of(found, query.variant)
    publishing.delete_file(call.work, held.name, found.name, found.version, file.variant)
    return Answer()


def _file_of(found: VersionRecord, variant: str) -> FileRecord:
    for file in found.files:
        if file.variant == variant:
            return file
    held = ", ".join(repr(file.variant) for file in found.files)
    raise NotFound(
        f"{found.name} {found.version} has no file of the variant {variant!r}; it has {held}.", code="unknown-file"
    )
