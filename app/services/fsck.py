"""Check that rows, bytes and history agree, and sweep up bytes that nothing refers to."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select

from app.domain.errors import InvalidPackage
from app.domain.permissions import Permission
from app.domain.promotion import content_digest
from app.services import access, events
from app.services.runtime import Actor, Runtime, Work
from app.storage.blobs import LocalBlobStore
from app.storage.models import (
    Blob,
    Event,
    EventHead,
    Feed,
    File,
    FileManifest,
    Package,
    Promotion,
    PromotionItem,
    Tag,
    Version,
)

GRACE = timedelta(hours=1)
_CHUNK = 1024 * 1024


class Kind(StrEnum):
    """Name what a finding is about."""

    DATABASE = "database"
    EVENT_CHAIN = "event-chain"
    BLOB_MISSING = "blob-missing"
    BLOB_SIZE = "blob-size"
    BLOB_DAMAGED = "blob-damaged"
    FILE = "file"
    VERSION = "version"
    VERSION_KEY = "version-key"
    PACKAGE = "package"
    TAG = "tag"
    PROMOTION = "promotion"
    COLLECTABLE = "collectable"


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one thing that is not as it should be; ``subject`` names it."""

    kind: Kind
    subject: str
    message: str

    @property
    def harmless(self) -> bool:
        """Tell whether it only takes up space, which a sweep gives back."""
        return self.kind is Kind.COLLECTABLE


@dataclass(frozen=True, slots=True)
class Swept:
    """Count what a sweep removed: blobs with their bytes, and what broken uploads left."""

    blobs: int
    size: int
    incoming: int


def check(work: Work, *, deep: bool = False) -> list[Finding]:
    """List everything that does not agree; ``deep`` reads every stored byte again. Needs Configure."""
    access.require(work, Permission.CONFIGURE)
    found: list[Finding] = []
    for part in (_database, _chain, _versions, _keys, _packages, _tags, _promotions, _collectable):
        found.extend(part(work))
    found.extend(_blobs(work, deep=deep))
    return found


def _database(work: Work) -> Iterator[Finding]:
    for line in work.runtime.database.integrity():
        yield Finding(Kind.DATABASE, "database", f"The database finds: {line}. Restore it from a backup.")


def _chain(work: Work) -> Iterator[Finding]:
    broken = events.verify(work)
    if broken is not None:
        reason = f"The event log does not hold from number {broken.id} on: {broken.reason}."
        yield Finding(Kind.EVENT_CHAIN, f"event {broken.id}", reason)


# Bytes ------------------------------------------------------------------------------------------------


def _blobs(work: Work, *, deep: bool) -> Iterator[Finding]:
    for row in work.session.execute(select(Blob.__table__).order_by(Blob.sha256)):
        size = work.runtime.blobs.size(row.sha256)
        restore = "restore it from a backup of the blob store."
        if size is None:
            yield Finding(Kind.BLOB_MISSING, row.sha256, f"The blob {row.sha256} is gone; {restore}")
        elif size != row.size:
            reason = f"The blob {row.sha256} has {size:,} bytes instead of {row.size:,}; {restore}"
            yield Finding(Kind.BLOB_SIZE, row.sha256, reason)
        elif deep and not _same_bytes(work.runtime, row):
            yield Finding(Kind.BLOB_DAMAGED, row.sha256, f"The blob {row.sha256} has other bytes now; {restore}")


def _same_bytes(runtime: Runtime, row: Any) -> bool:
    kept = {name: getattr(row, name) for name in ("sha256", "sha512", "sha1", "md5")}
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in kept}
    with runtime.blobs.open(row.sha256) as file:
        while chunk := file.read(_CHUNK):
            for each in hashes.values():
                each.update(chunk)
    return kept == {name: each.hexdigest() for name, each in hashes.items()}


def _collectable(work: Work) -> Iterator[Finding]:
    used = set(work.session.scalars(select(Blob.sha256).where(_is_used())))
    for sha256 in work.runtime.blobs.list():
        if sha256 not in used:
            size = work.runtime.blobs.size(sha256) or 0
            reason = f"No feed holds the blob {sha256} ({size:,} bytes); a repair frees them."
            yield Finding(Kind.COLLECTABLE, sha256, reason)


def _is_used() -> ColumnElement[bool]:
    return exists().where(File.blob == Blob.sha256)


# Rows -------------------------------------------------------------------------------------------------


def _versions(work: Work) -> Iterator[Finding]:
    """Compare each version with its files, and each file with its blob and its manifest."""
    rows = work.session.execute(
        select(
            Version.id,
            Version.version,
            Version.digest,
            Version.size,
            Package.name,
            Feed.name.label("feed"),
            Feed.format,
            File.id.label("file_id"),
            File.filename,
            File.variant,
            File.blob,
            Blob.size.label("blob_size"),
            FileManifest.blob.label("manifest_blob"),
            FileManifest.format.label("manifest_format"),
        )
        .join(Package, Package.id == Version.package_id)
        .join(Feed, Feed.id == Package.feed_id)
        .outerjoin(File, File.version_id == Version.id)
        .outerjoin(Blob, Blob.sha256 == File.blob)
        .outerjoin(FileManifest, FileManifest.id == File.manifest_id)
        .order_by(Version.id)
        .execution_options(yield_per=1000)
    )
    for _, group in groupby(rows, key=lambda row: row.id):
        files = list(group)
        yield from _version(files)
        yield from _files(files)


def _named(row: Any) -> str:
    return f"{row.name} {row.version} in {row.feed}"


def _version(files: Sequence[Any]) -> Iterator[Finding]:
    subject = _named(files[0])
    if files[0].file_id is None:
        yield Finding(Kind.VERSION, subject, f"{subject} has no file; delete it and publish it again.")
        return
    if files[0].digest != content_digest((row.variant, row.blob) for row in files):
        reason = f"{subject} does not have the files of its digest {files[0].digest[:12]}; restore the database."
        yield Finding(Kind.VERSION, subject, reason)
    elif files[0].size != sum(row.blob_size or 0 for row in files):
        yield Finding(Kind.VERSION, subject, f"{subject} does not have the size of its files; restore the database.")


def _files(files: Sequence[Any]) -> Iterator[Finding]:
    for row in files:
        subject = f"{row.filename} of {_named(row)}"
        if row.file_id is not None and row.blob_size is None:
            yield Finding(Kind.FILE, subject, f"{subject} refers to the unknown blob {row.blob}; restore the database.")
        elif row.file_id is not None and (row.manifest_blob, row.manifest_format) != (row.blob, row.format):
            yield Finding(Kind.FILE, subject, f"{subject} lacks the manifest of its bytes; restore the database.")


def _keys(work: Work) -> Iterator[Finding]:
    """Compare stored keys with what the formats give today: a plugin may have changed its mind about order."""
    formats = work.runtime.plugins.formats
    rows = work.session.execute(
        select(
            Version.version,
            Version.key,
            Package.name,
            Package.key.label("name_key"),
            Feed.name.label("feed"),
            Feed.format,
        )
        .join(Package, Package.id == Version.package_id)
        .join(Feed, Feed.id == Package.feed_id)
        .where(Feed.format.in_(formats))
        .execution_options(yield_per=1000)
    )
    for row in rows:
        format = formats[row.format]
        try:
            same = (format.name_key(row.name), format.version_key(row.version)) == (row.name_key, row.key)
        except InvalidPackage:
            same = False
        if not same:
            reason = f"The plugin {row.format} now orders or names {_named(row)} otherwise; use the plugin it came by."
            yield Finding(Kind.VERSION_KEY, _named(row), reason)


def _packages(work: Work) -> Iterator[Finding]:
    holds_any = exists().where(Version.package_id == Package.id)
    empty = select(Package.name, Feed.name).join(Feed, Feed.id == Package.feed_id).where(~holds_any)
    for name, feed in work.session.execute(empty):
        yield Finding(Kind.PACKAGE, f"{name} in {feed}", f"{name} in {feed} has no version; publish one again.")


def _tags(work: Work) -> Iterator[Finding]:
    astray = (
        select(Tag.name, Package.name)
        .outerjoin(Package, Package.id == Tag.package_id)
        .outerjoin(Version, Version.id == Tag.version_id)
        .where(or_(Version.id.is_(None), Package.id.is_(None), Version.package_id != Tag.package_id))
    )
    for tag, name in work.session.execute(astray):
        yield Finding(
            Kind.TAG, f"{tag} of {name}", f"The tag {tag} of {name} points at no version of it; set it again."
        )


# History ----------------------------------------------------------------------------------------------


def _promotions(work: Work) -> Iterator[Finding]:
    """Compare each promotion with its items, and with what the hash-chained log says of it."""
    logged = {
        event.data.get("promotion"): event.data.get("itemsDigest")
        for event in work.session.scalars(select(Event).where(Event.tag == "promoted"))
    }
    items = dict(_items(work))
    for row in work.session.execute(select(Promotion.id, Promotion.item_count, Promotion.items_digest)):
        held = items.pop(row.id, (0, hashlib.sha256().hexdigest()))
        if held != (row.item_count, row.items_digest):
            yield _rewritten(row.id, "its versions are not the ones it was recorded with")
        elif logged.get(row.id) != row.items_digest:
            yield _rewritten(row.id, "the event log tells of other versions, or of no such promotion")
        logged.pop(row.id, None)
    for lost in sorted(logged, key=str):
        yield _rewritten(lost, "the event log tells of it, but its record is gone")


def _rewritten(number: object, what: str) -> Finding:
    return Finding(Kind.PROMOTION, f"promotion {number}", f"Promotion {number}: {what}; restore the database.")


def _items(work: Work) -> Iterator[tuple[int, tuple[int, str]]]:
    rows = work.session.execute(
        select(PromotionItem.__table__)
        .order_by(PromotionItem.promotion_id, PromotionItem.position)
        .execution_options(yield_per=1000)
    )
    for number, group in groupby(rows, key=lambda row: row.promotion_id):
        count, digest = 0, hashlib.sha256()
        for count, row in enumerate(group, 1):  # noqa: B007 - the last one is the count
            digest.update(f"{row.name}\0{row.version}\0{row.digest}\0{row.outcome}\n".encode())
        yield number, (count, digest.hexdigest())


# Repair -----------------------------------------------------------------------------------------------


def sweep(runtime: Runtime, actor: Actor, grace: timedelta = GRACE) -> Swept:
    """Delete blobs that no feed holds, and what broken uploads left, once older than ``grace``. Needs Configure."""
    with runtime.writing(actor) as work:
        access.require(work, Permission.CONFIGURE)
        _forget_unused(work, work.now() - grace)
    blobs = runtime.blobs
    if not isinstance(blobs, LocalBlobStore):  # Elsewhere nobody can tell an old blob from one just coming in.
        return Swept(0, 0, 0)
    before = time.time() - grace.total_seconds()
    with runtime.writing(actor) as work:
        number, size = _remove_unknown(work, blobs, before)
        if number:
            events.record(work, "blobs-swept", subject=f"{number} blobs", blobs=number, size=size)
    return Swept(number, size, blobs.clean_incoming(before))


def _forget_unused(work: Work, before: datetime) -> None:
    unused = (~_is_used(), Blob.added < before)
    described = FileManifest.blob.in_(select(Blob.sha256).where(*unused))
    for statement in (delete(FileManifest).where(described), delete(Blob).where(*unused)):
        work.session.execute(statement, execution_options={"synchronize_session": False})


def _remove_unknown(work: Work, blobs: LocalBlobStore, before: float) -> tuple[int, int]:
    """Remove old files that have no row; the event log's lock keeps publishers from making one meanwhile."""
    work.session.scalars(select(EventHead).with_for_update()).one_or_none()
    known = set(work.session.scalars(select(Blob.sha256)))
    number = size = 0
    for sha256 in blobs.list():
        facts = blobs.path(sha256).stat()
        if sha256 not in known and facts.st_mtime < before:
            blobs.remove(sha256)
            number, size = number + 1, size + facts.st_size
    return number, size
