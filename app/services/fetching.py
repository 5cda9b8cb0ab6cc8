"""Bring a remote version's bytes here and write it down: verified while they stream, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from app.domain.errors import Conflict, InvalidPackage, UpstreamFailed
from app.net.transfer import verified
from app.plugin.blobs import BlobDigests
from app.plugin.format import FeedFormat, Manifest
from app.plugin.records import FileChange, VersionRecord
from app.plugin.upstream import RemoteFile
from app.services import events, journal, publishing, storing
from app.services.feedsource import SCHEME
from app.services.offers import Offered, moment
from app.services.runtime import Runtime, Work
from app.storage.models import Feed, File, Version

PULLED, CACHED = "pulled", "cached"
Sink = Callable[[bytes], None]
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """Hold one file whose bytes are in the blob store, with what its format read from them."""

    blob: BlobDigests
    manifest: Manifest


def fetch(
    runtime: Runtime,
    format: FeedFormat,
    offered: Offered,
    file: RemoteFile,
    *,
    announce: Callable[[int | None], None] | None = None,
    sink: Sink | None = None,
) -> Fetched:
    """Fetch one file of a remote version into the blob store.

    Every digest that its source declares is compared; ``announce`` gets the size as soon as it is known, ``sink`` each
    piece as it comes and may raise to stop. Raises UpstreamFailed, and then nothing is kept. A file of another feed
    here is in the blob store already.
    """
    tell, watch = announce or _nobody, sink or _nobody
    if file.url.startswith(SCHEME):
        blob = _stored_blob(file)
        tell(blob.size)
        with runtime.blobs.open(blob.sha256) as stored:
            for piece in iter(lambda: stored.read(_PIECE), b""):
                watch(piece)
    else:
        blob = _from_source(runtime, offered, file, tell, watch)
    return Fetched(blob, _read(runtime, format, offered, file, blob))


def _from_source(
    runtime: Runtime, offered: Offered, file: RemoteFile, tell: Callable[[int | None], None], watch: Sink
) -> BlobDigests:
    what = f"{offered.version.name} {offered.version.version} from {offered.link.name}"
    limit = runtime.settings.max_package_bytes
    try:
        with runtime.network.client(offered.link.source).open(file.url) as stream:
            tell(stream.size)
            return runtime.blobs.add(_watched(verified(stream, file.digests, limit=limit, what=what), watch))
    except UpstreamFailed as error:
        if offered.link.name not in error.message:
            error.message = f"Connector {offered.link.name}: {error.message}"
        raise


def _nobody(_: object) -> None:
    """Be told, and care for nothing."""


def _watched(pieces: Iterable[bytes], watch: Sink) -> Iterator[bytes]:
    for piece in pieces:
        watch(piece)
        yield piece


def _stored_blob(file: RemoteFile) -> BlobDigests:
    digests = {name: file.digests[name] for name in ("sha256", "sha512", "sha1", "md5")}
    return BlobDigests(**digests, size=file.size or 0)


def _read(runtime: Runtime, format: FeedFormat, offered: Offered, file: RemoteFile, blob: BlobDigests) -> Manifest:
    """Read what came, and raise UpstreamFailed unless it is what the source said that it is."""
    version, source = offered.version, offered.link.name
    try:
        manifest = publishing.read_manifest(runtime, format, blob, file.filename)
    except InvalidPackage as error:
        raise UpstreamFailed(
            f"{source} sent a file for {version.name} {version.version} that is no {format.title} package: "
            f"{error.message}",
            code="bad-package",
        ) from None
    same = format.name_key(manifest.name) == format.name_key(version.name)
    if not same or format.version_key(manifest.version) != offered.key or manifest.variant != file.variant:
        raise UpstreamFailed(
            f"{source} sent {manifest.name} {manifest.version} for {version.name} {version.version}; nothing was kept. "
            "Tell whoever runs it.",
            code="other-package",
        )
    return manifest


# Writing down -----------------------------------------------------------------------------------------


def keep(work: Work, feed: Feed, format: FeedFormat, offered: Offered, files: Sequence[Fetched], origin: str) -> bool:
    """Write the files of a remote version into a feed, as pulled or cached; give whether anything was new.

    The caller checked the right. A version that the feed holds is left as it is, but for files that it lacks; one
    that was cached becomes pulled. Raises Conflict where the feed holds the version with other bytes.
    """
    serial = storing.bump(work, feed)
    manifest = files[0].manifest
    package_id = storing.touch_package(work, feed, format.name_key(manifest.name), serial)
    if package_id is None:
        package_id = storing.add_package(work, feed, format, manifest.name, serial)
    row = work.session.scalars(
        select(Version).where(Version.package_id == package_id, Version.key == offered.key)
    ).one_or_none()
    held = _held(work, row)
    new = [each for each in files if each.manifest.variant not in held]
    _check_same(feed, offered, files, held)
    if row is None:
        row = _add_version(work, format, package_id, offered, files[0], origin)
    for each in new:
        storing.add_file(work, row.id, format, each.blob, replace(each.manifest, version=row.version))
    promoted = row.origin == CACHED and origin == PULLED
    if promoted:
        row.origin, row.added, row.added_by = PULLED, work.now(), work.actor.name
    if not new and not promoted:
        return False
    work.session.flush()
    publishing.summarise(work, row)
    _record(work, feed, offered, files, origin)
    if new:
        changes = [FileChange(row.version, each.manifest.variant, present=True) for each in new]
        journal.note(work, feed, format, {format.name_key(manifest.name): changes})
        for each in new:
            publishing.check_kept(work, each.blob)
    return True


def adopt(work: Work, feed: Feed, version: VersionRecord) -> bool:
    """Make a cached version one of the feed's own; the caller checked the right. Give whether it still was cached."""
    format = work.get_format(feed.format)
    package_id = storing.touch_package(work, feed, format.name_key(version.name), storing.bump(work, feed))
    row = work.session.scalars(
        select(Version).where(Version.package_id == package_id, Version.key == version.key, Version.origin == CACHED)
    ).one_or_none()
    if row is None:
        return False
    row.origin, row.added, row.added_by = PULLED, work.now(), work.actor.name
    subject = f"{version.name} {version.version}"
    sha256 = version.main.digests.sha256
    events.record(work, "package-pulled", feed=feed.name, subject=subject, connector=row.connector, sha256=sha256)
    return True


def _held(work: Work, row: Version | None) -> dict[str, str]:
    if row is None:
        return {}
    found = select(File.variant, File.blob).where(File.version_id == row.id)
    return {row.variant: row.blob for row in work.session.execute(found)}


def _check_same(feed: Feed, offered: Offered, files: Sequence[Fetched], held: dict[str, str]) -> None:
    for each in files:
        if held.get(each.manifest.variant, each.blob.sha256) != each.blob.sha256:
            raise Conflict(
                f"{feed.name} already holds {offered.version.name} {offered.version.version} with other bytes than "
                f"{offered.link.name} sends; what is here stays.",
                code="version-exists",
            )


def _add_version(
    work: Work, format: FeedFormat, package_id: int, offered: Offered, file: Fetched, origin: str
) -> Version:
    id = storing.add_version(work, format, package_id, file.blob, file.manifest)
    row = work.session.get_one(Version, id)
    version = offered.version
    row.origin, row.connector = origin, offered.link.name
    row.deprecated = version.deprecated[:4000]
    published: datetime | None = moment(version.published)
    row.published, row.published_by = published or row.added, offered.link.name
    if not version.listed:
        row.listed = False
    return row


def _record(work: Work, feed: Feed, offered: Offered, files: Sequence[Fetched], origin: str) -> None:
    declared = sorted({name for file in offered.version.files for name in file.digests})
    events.record(
        work,
        f"package-{origin}",
        feed=feed.name,
        subject=f"{offered.version.name} {offered.version.version}",
        connector=offered.link.name,
        sha256=files[0].blob.sha256,
        size=sum(each.blob.size for each in files),
        verified=declared,
    )
