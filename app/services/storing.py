"""Write the rows of a published file: each statement is built once, because building costs more than running."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from sqlalchemy import Integer, String, Table, bindparam, delete, select, update

from app.domain.promotion import content_digest
from app.plugin.blobs import BlobDigests
from app.plugin.format import FeedFormat, Manifest
from app.services import packages
from app.services.runtime import Work
from app.storage.engine import insert_unless_there
from app.storage.models import Blob, Feed, File, FileManifest, Handle, Package, Tag, Version

_feeds, _packages, _versions, _files, _tags, _manifests = (
    cast("Table", model.__table__) for model in (Feed, Package, Version, File, Tag, FileManifest)
)
_FEED, _PACKAGE, _VERSION, _SERIAL = (
    bindparam(name, type_=Integer()) for name in ("of_feed", "of_package", "to_version", "new_serial")
)
_NAMED, _HOLDING = bindparam("named", type_=String()), bindparam("holding", type_=String())

_BUMP = update(_feeds).where(_feeds.c.id == _FEED).values(serial=_feeds.c.serial + 1).returning(_feeds.c.serial)
_TOUCH = (
    update(_packages)
    .where(_packages.c.feed_id == _FEED, _packages.c.key == _NAMED)
    .values(serial=_SERIAL)
    .returning(_packages.c.id)
)
_ADD_PACKAGE = _packages.insert().returning(_packages.c.id)
_ADD_VERSION = _versions.insert().returning(_versions.c.id)
_ADD_FILE, _ADD_TAG = _files.insert(), _tags.insert()
_MANIFEST = select(_manifests.c.id).where(_manifests.c.blob == _HOLDING, _manifests.c.format == _NAMED)
_TAGGED = (_tags.c.package_id == _PACKAGE, _tags.c.name == _NAMED)
_MOVE_TAG = (
    update(_tags)
    .where(*_TAGGED)
    .values(version_id=_VERSION, explicit=bindparam("is_explicit", type_=_tags.c.explicit.type))
    .returning(_tags.c.name)
)
_DROP_IMPLIED_TAG = delete(_tags).where(*_TAGGED, ~_tags.c.explicit)


def bump(work: Work, feed: Feed) -> int:
    """Count one change of a feed and give its serial; on PostgreSQL this also is the lock of the feed's writers."""
    return int(work.session.execute(_BUMP, {"of_feed": feed.id}).scalar_one())


def touch_package(work: Work, feed: Feed, key: str, serial: int) -> int | None:
    """Note a package's change; give its id, or None where the feed does not hold it."""
    given = {"of_feed": feed.id, "named": key, "new_serial": serial}
    found: int | None = work.session.execute(_TOUCH, given).scalar_one_or_none()
    return found


def add_package(work: Work, feed: Feed, format: FeedFormat, name: str, serial: int) -> int:
    """Write a package's row; give its id."""
    key, confusable = format.name_key(name), format.confusable_key(name)
    row = {"feed_id": feed.id, "key": key, "confusable": confusable, "name": name, "serial": serial}
    return int(work.session.execute(_ADD_PACKAGE, row).scalar_one())


def drop_package(work: Work, feed: Feed, package_id: int) -> None:
    """Delete a package's row, which has no versions any more, and note when."""
    work.session.execute(delete(_packages).where(_packages.c.id == package_id))
    work.session.execute(update(_feeds).where(_feeds.c.id == feed.id).values(pruned=_feeds.c.serial))


def add_version(work: Work, format: FeedFormat, package_id: int, blob: BlobDigests, manifest: Manifest) -> int:
    """Write the row of a version with one file; give its id."""
    now, by = work.now(), work.actor.name
    row = {
        "package_id": package_id,
        "key": format.version_key(manifest.version),
        "version": manifest.version,
        "normalized": format.normalize(manifest.version),
        "prerelease": format.is_prerelease(manifest.version),
        "digest": content_digest([(manifest.variant, blob.sha256)]),
        "size": blob.size,
        "listed": True,
        "deprecated": "",
        "origin": "published",
        "published": now,
        "published_by": by,
        "added": now,
        "added_by": by,
        "downloads": 0,
    }
    return int(work.session.execute(_ADD_VERSION, row).scalar_one())


def add_file(work: Work, version_id: int, format: FeedFormat, blob: BlobDigests, manifest: Manifest) -> None:
    """Write the row of a version's file, and what is known of its bytes."""
    # Two feeds may take the same bytes at once; whoever comes second uses the first one's rows.
    digests = {name: getattr(blob, name) for name in ("sha256", "sha512", "sha1", "md5", "size")}
    insert_unless_there(work.session, Blob, {**digests, "added": work.now()})
    row = {
        "version_id": version_id,
        "variant": manifest.variant,
        "filename": format.filename(manifest),
        "blob": blob.sha256,
        "manifest_id": _manifest_id(work, format, blob, manifest),
        "listed": True,
    }
    work.session.execute(_ADD_FILE, row)


def _manifest_id(work: Work, format: FeedFormat, blob: BlobDigests, manifest: Manifest) -> int:
    row = {
        "blob": blob.sha256,
        "format": format.key,
        "description": manifest.description[:4000],
        "keywords": " ".join(manifest.keywords)[:2000],
        "license": manifest.license[:500],
        "data": manifest.to_json(),
        "facets": f" {' '.join(manifest.facets)} " if manifest.facets else "",
    }
    insert_unless_there(work.session, FileManifest, row)
    id = int(work.session.execute(_MANIFEST, {"holding": blob.sha256, "named": format.key}).scalar_one())
    for text in dict.fromkeys(manifest.handles):
        insert_unless_there(work.session, Handle, {"text": text, "manifest_id": id})
    return id


def set_tags(work: Work, package_id: int, version_id: int, tags: Iterable[str], *, explicit: bool) -> None:
    """Point tags at a version; ``explicit`` where somebody asked for the tag itself, not for a publication."""
    for name in dict.fromkeys(tags):
        given = {"of_package": package_id, "named": name, "to_version": version_id, "is_explicit": explicit}
        if work.session.execute(_MOVE_TAG, given).first() is None:
            row = {"package_id": package_id, "name": name, "version_id": version_id, "explicit": explicit}
            work.session.execute(_ADD_TAG, row)


def drop_implied_latest(work: Work, package_id: int) -> None:
    """Let what was called latest by the way give way to the highest stable version."""
    work.session.execute(_DROP_IMPLIED_TAG, {"of_package": package_id, "named": packages.LATEST})
