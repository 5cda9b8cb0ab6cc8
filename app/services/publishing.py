"""Bring versions into a feed, and change or remove what is there: one way for every format and every door."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import BinaryIO

from sqlalchemy import delete, func, select, update

from app.domain.connectors import RemoteUse
from app.domain.errors import Conflict, Forbidden, Invalid, InvalidPackage, NotFound
from app.domain.permissions import Permission
from app.domain.promotion import Accepts, content_digest
from app.plugin.blobs import BlobDigests
from app.plugin.format import FeedFormat, Manifest
from app.plugin.records import FileChange, Published
from app.services import access, cached, events, journal, packages, storing
from app.services.runtime import Actor, Runtime, Work
from app.storage.models import Blob, Feed, File, Package, Tag, Version

Check = Callable[[Manifest], None]


def publish(
    runtime: Runtime,
    actor: Actor,
    feed_name: str,
    chunks: Iterable[bytes],
    filename: str,
    *,
    tags: Sequence[str] = (),
    expect: Check | None = None,
) -> Published:
    """Publish a package file: stream, store, read its manifest, then rows and event in one transaction.

    Raises Forbidden, InvalidPackage, TooLarge, or Conflict where other bytes stand under the version.
    """
    blob = store(runtime, actor, feed_name, chunks)
    return publish_stored(runtime, actor, feed_name, blob, filename, tags=tags, expect=expect)


def store(runtime: Runtime, actor: Actor, feed_name: str, chunks: Iterable[bytes]) -> BlobDigests:
    """Stream bytes into the blob store for somebody who may publish; visible to nobody until they are published."""
    with runtime.reading(actor) as work:
        open_for_writing(work, feed_name, Permission.ADD_PACKAGE)
    return runtime.blobs.add(chunks, runtime.settings.max_package_bytes)


def publish_stored(
    runtime: Runtime,
    actor: Actor,
    feed_name: str,
    blob: BlobDigests,
    filename: str,
    *,
    tags: Sequence[str] = (),
    expect: Check | None = None,
    format: FeedFormat | None = None,
) -> Published:
    """Publish bytes that are in the blob store; ``expect`` may refuse the manifest that was read from them.

    ``format`` is the feed's, where the caller knows it already.
    """
    if format is None:
        with runtime.reading(actor) as work:
            format = work.get_format(open_for_writing(work, feed_name, Permission.ADD_PACKAGE).format)
    manifest = read_manifest(runtime, format, blob, filename)
    if expect is not None:
        expect(manifest)
    with runtime.writing(actor) as work:
        feed = open_for_writing(work, feed_name, Permission.ADD_PACKAGE)
        if feed.format != format.key:
            raise Conflict(f"{feed.name} holds {feed.format} packages now; use its own address.", code="format-changed")
        created = _insert(work, feed, format, blob, manifest, tags)
        check_kept(work, blob)
    return Published(manifest.name, manifest.version, created, blob)


def check_kept(work: Work, blob: BlobDigests) -> None:
    """Raise Conflict where a sweep took the bytes for unwanted before they had a row; it holds the event log's lock."""
    if work.runtime.blobs.size(blob.sha256) != blob.size:
        raise Conflict("The bytes were swept up while they came in; send them again.", code="bytes-swept")


def read_manifest(runtime: Runtime, format: FeedFormat, blob: BlobDigests, filename: str) -> Manifest:
    """Let a format read stored bytes; an upload that it refuses is forgotten again by the next sweep."""
    with runtime.blobs.open(blob.sha256) as file:
        return read_file(format, file, filename)


def read_file(format: FeedFormat, file: BinaryIO, filename: str) -> Manifest:
    """Let a format read a package file; raise InvalidPackage for what no feed takes."""
    manifest = format.read(file, filename)
    for text, limit, what in ((manifest.name, 500, "name"), (manifest.version, 256, "version")):
        if not text or len(text) > limit or not text.isprintable():
            raise InvalidPackage(f"The package's {what} {text[:80]!r} is not possible; use 1 to {limit} characters.")
    format.name_key(manifest.name), format.version_key(manifest.version)
    return manifest


def open_for_writing(work: Work, feed_name: str, permission: Permission) -> Feed:
    """Give a feed that a client may write to; raise Forbidden for one that takes promotions only."""
    feed = access.get_feed(work, feed_name, permission)
    if not feed.active:
        raise Forbidden(f"The feed {feed.name} is deactivated; activate it in its settings first.", code="inactive")
    if feed.accepts == Accepts.PROMOTIONS:
        raise Forbidden(
            f"The feed {feed.name} takes promotions only: publish to an earlier stage and promote from there.",
            code="promotions-only",
            feed=feed.name,
        )
    return feed


def _insert(
    work: Work, feed: Feed, format: FeedFormat, blob: BlobDigests, manifest: Manifest, tags: Sequence[str]
) -> bool:
    if feed.remote == RemoteUse.CACHE:
        # Copies for clients give way: from now on the name is the feed's own.
        cached.drop_cached(work, feed, [format.name_key(manifest.name)])
    package_id, known = _package_id(work, feed, format, manifest, storing.bump(work, feed))
    version = _find_version(work, package_id, format.version_key(manifest.version)) if known else None
    replaced = version is not None and not _fits_beside(work, feed, version, manifest, blob)
    if version is not None and not replaced and _has(work, version, blob):
        storing.set_tags(work, package_id, version.id, tags, explicit=False)
        return False
    changes: list[FileChange] = []
    if version is not None and replaced:
        changes = _files_of(work, version, present=False)
        work.session.delete(version)
        work.session.flush()
        version = None
    version_id = storing.add_version(work, format, package_id, blob, manifest) if version is None else version.id
    storing.add_file(work, version_id, format, blob, manifest)
    if version is not None:
        summarise(work, version)
    if tags:
        storing.set_tags(work, package_id, version_id, tags, explicit=False)
    elif known:
        storing.drop_implied_latest(work, package_id)  # An upload names no tag.
    changes.append(FileChange(manifest.version, manifest.variant, present=True))
    journal.note(work, feed, format, {format.name_key(manifest.name): changes})
    events.record(
        work,
        "package-overwritten" if replaced else "package-published",
        feed=feed.name,
        subject=f"{manifest.name} {manifest.version}",
        variant=manifest.variant,
        sha256=blob.sha256,
        size=blob.size,
    )
    return True


def _package_id(work: Work, feed: Feed, format: FeedFormat, manifest: Manifest, serial: int) -> tuple[int, bool]:
    """Give a package's id, and whether it was there before."""
    touched = storing.touch_package(work, feed, format.name_key(manifest.name), serial)
    if touched is not None:
        return touched, True
    _check_look_alike(work, feed, manifest.name, format.confusable_key(manifest.name))
    return storing.add_package(work, feed, format, manifest.name, serial), False


def _check_look_alike(work: Work, feed: Feed, name: str, confusable: str) -> None:
    twin = work.session.scalars(
        select(Package.name).where(Package.feed_id == feed.id, Package.confusable == confusable).limit(1)
    ).first()
    if twin is None or access.allowed(work, Permission.MANAGE_FEED, feed):
        return
    raise Forbidden(
        f"The name {name!r} is easily taken for {twin!r}, which {feed.name} holds; use that name, "
        "or let somebody who manages the feed publish the first version.",
        code="look-alike-name",
        name=name,
        twin=twin,
    )


def _find_version(work: Work, package_id: int, key: str) -> Version | None:
    return work.session.scalars(
        select(Version).where(Version.package_id == package_id, Version.key == key)
    ).one_or_none()


def _has(work: Work, version: Version, blob: BlobDigests) -> bool:
    return work.session.scalar(select(func.count()).where(File.version_id == version.id, File.blob == blob.sha256)) == 1


def _fits_beside(work: Work, feed: Feed, version: Version, manifest: Manifest, blob: BlobDigests) -> bool:
    """Tell whether a file goes with what a version holds; False: it may replace it. Raises Conflict otherwise."""
    held = work.session.scalar(select(File.blob).where(File.version_id == version.id, File.variant == manifest.variant))
    if held == blob.sha256 or (held is None and version.version == manifest.version):
        return True
    if feed.allow_overwrite and access.allowed(work, Permission.OVERWRITE_PACKAGE, feed):
        return False
    raise Conflict(
        f"{feed.name} already holds {manifest.name} {version.version} with other bytes; publish a new version. "
        "(Overwriting needs the right Overwrite Package and a feed that allows it.)",
        code="version-exists",
        feed=feed.name,
        name=manifest.name,
        version=version.version,
    )


def summarise(work: Work, version: Version) -> None:
    """Bring a version's digest and size up to date with its files."""
    rows = work.session.execute(
        select(File.variant, File.blob, File.listed, Blob.size)
        .join(Blob, Blob.sha256 == File.blob)
        .where(File.version_id == version.id)
    ).all()
    version.digest = content_digest((row.variant, row.blob) for row in rows)
    version.size = sum(row.size for row in rows)
    version.listed = any(row.listed for row in rows)


# Changes to what is there -----------------------------------------------------------------------------


def _touch(work: Work, feed: Feed, name: str) -> int:
    """Count a change of one package; give its id; raise NotFound."""
    key = work.get_format(feed.format).name_key(name)
    package_id = storing.touch_package(work, feed, key, storing.bump(work, feed))
    if package_id is None:
        raise packages.unknown_package(feed, name)
    return package_id


def _files_of(work: Work, version: Version, *, present: bool) -> list[FileChange]:
    """Give the change that takes the listed files of a version away, or brings them."""
    rows = work.session.scalars(select(File.variant).where(File.version_id == version.id, File.listed))
    return [FileChange(version.version, variant, present) for variant in rows]


def _version_row(work: Work, feed: Feed, package_id: int, name: str, version: str) -> Version:
    key = packages.get_version(work, feed, name, version).key
    return work.session.scalars(select(Version).where(Version.package_id == package_id, Version.key == key)).one()


def set_tag(work: Work, feed_name: str, name: str, tag: str, version: str) -> None:
    """Point a tag at a version because somebody asked for it; raise NotFound."""
    feed = open_for_writing(work, feed_name, Permission.ADD_PACKAGE)
    package_id = _touch(work, feed, name)
    row = _version_row(work, feed, package_id, name, version)
    storing.set_tags(work, package_id, row.id, [tag], explicit=True)
    events.record(work, "tag-set", feed=feed.name, subject=f"{name} {row.version}", name=tag)


def remove_tag(work: Work, feed_name: str, name: str, tag: str) -> None:
    """Remove a tag; raise NotFound."""
    feed = open_for_writing(work, feed_name, Permission.ADD_PACKAGE)
    package_id = _touch(work, feed, name)
    gone = work.session.get(Tag, (package_id, tag))
    if gone is None:
        raise NotFound(f"{name} has no tag {tag!r} in {feed.name}; list its tags.", code="unknown-tag", tag=tag)
    work.session.delete(gone)
    events.record(work, "tag-removed", feed=feed.name, subject=name, name=tag)


def set_listed(
    work: Work, feed_name: str, name: str, version: str, *, listed: bool, variant: str | None = None
) -> None:
    """List or unlist a version, or one file of it; an unlisted one can be installed by its exact version only.

    Raises NotFound for an unknown package, version or file.
    """
    feed = open_for_writing(work, feed_name, Permission.UNLIST_PACKAGE)
    row = _version_row(work, feed, _touch(work, feed, name), name, version)
    files = {file.variant: file for file in work.session.scalars(select(File).where(File.version_id == row.id))}
    if variant is not None and variant not in files:
        raise _unknown_file(feed, name, row.version, variant)
    moved = [f for f in files.values() if variant in (None, f.variant) and f.listed != listed]
    for file in moved:
        file.listed = listed
    row.listed = any(file.listed for file in files.values())
    work.session.flush()
    tag, detail = ("version-listed" if listed else "version-unlisted"), {} if variant is None else {"variant": variant}
    events.record(work, tag, feed=feed.name, subject=f"{name} {row.version}", **detail)
    _note(work, feed, name, [FileChange(row.version, file.variant, listed) for file in moved])


def _note(work: Work, feed: Feed, name: str, changes: Sequence[FileChange]) -> None:
    format = work.get_format(feed.format)
    journal.note(work, feed, format, {format.name_key(name): changes} if changes else {})


def _unknown_file(feed: Feed, name: str, version: str, variant: str) -> NotFound:
    return NotFound(
        f"There is no file {variant!r} of {name} {version} in the feed {feed.name}; list its files.",
        code="unknown-file",
        feed=feed.name,
    )


def set_deprecated(work: Work, feed_name: str, name: str, messages: Mapping[str, str]) -> None:
    """Set the deprecation message by version; an empty message takes it back."""
    feed = open_for_writing(work, feed_name, Permission.UNLIST_PACKAGE)
    package_id = _touch(work, feed, name)
    for version, message in messages.items():
        row = _version_row(work, feed, package_id, name, version)
        if row.deprecated == message:
            continue
        row.deprecated = message[:4000]
        events.record(
            work, "version-deprecated", feed=feed.name, subject=f"{name} {row.version}", message=row.deprecated
        )


def delete_versions(work: Work, feed_name: str, name: str, versions: Sequence[str] | None = None) -> int:
    """Delete versions of a package from a feed, or all of them; give how many went; raise NotFound.

    The bytes stay for the feeds that hold them too; history stays for ever.
    """
    feed = open_for_writing(work, feed_name, Permission.DELETE_PACKAGE)
    record = packages.get_package(work, feed, name)
    package_id = _touch(work, feed, name)
    wanted = [v.version for v in record.versions] if versions is None else versions
    changes: list[FileChange] = []
    for version in wanted:
        row = _version_row(work, feed, package_id, name, version)
        changes += _files_of(work, row, present=False)
        work.session.delete(row)
        work.session.flush()
        events.record(
            work, "version-deleted", feed=feed.name, subject=f"{record.name} {row.version}", digest=row.digest
        )
    left = work.session.scalar(select(func.count()).where(Version.package_id == package_id))
    if left:
        _note(work, feed, name, changes)
    else:
        storing.drop_package(work, feed, package_id)
        journal.note_removal(work, feed, work.get_format(feed.format), record)
    return len(wanted)


def delete_file(work: Work, feed_name: str, name: str, version: str, variant: str) -> None:
    """Delete one file of a version, a platform's for example, and with its last file the version; raise NotFound."""
    feed = open_for_writing(work, feed_name, Permission.DELETE_PACKAGE)
    record = packages.get_version(work, feed, name, version)
    if variant not in (file.variant for file in record.files):
        raise _unknown_file(feed, record.name, record.version, variant)
    if len(record.files) == 1:
        delete_versions(work, feed_name, name, [version])
        return
    row = _version_row(work, feed, _touch(work, feed, name), name, version)
    gone = [each for each in _files_of(work, row, present=False) if each.variant == variant]
    work.session.execute(delete(File).where(File.version_id == row.id, File.variant == variant))
    summarise(work, row)
    events.record(
        work, "file-deleted", feed=feed.name, subject=f"{record.name} {row.version}", variant=variant, digest=row.digest
    )
    work.session.flush()
    _note(work, feed, name, gone)


def count_downloads(work: Work, downloads: Mapping[tuple[str, str, str], int]) -> None:
    """Add downloads counted in memory, by (feed key, package key, version key); serials stay as they are."""
    for (feed_key, package_key, version_key), number in downloads.items():
        package = (
            select(Package.id)
            .join(Feed, Feed.id == Package.feed_id)
            .where(Feed.key == feed_key, Package.key == package_key)
            .scalar_subquery()
        )
        work.session.execute(
            update(Version)
            .where(Version.package_id == package, Version.key == version_key)
            .values(downloads=Version.downloads + number)
            .execution_options(synchronize_session=False)
        )


def check_agreement(manifest: Manifest, format: FeedFormat, *, name: str = "", version: str = "") -> None:
    """Raise Invalid where a file is not the package that its sender said it is."""
    if name and format.name_key(manifest.name) != format.name_key(name):
        raise Invalid(f"The file is the package {manifest.name}, not {name}; send it under its own name.")
    if version and format.version_key(manifest.version) != format.version_key(version):
        raise Invalid(f"The file is version {manifest.version}, not {version}; send it under its own version.")
