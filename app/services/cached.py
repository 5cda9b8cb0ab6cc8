"""Forget the copies that a feed keeps for its clients of what its connectors offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select

from app.domain.connectors import Names
from app.plugin.records import FileChange, PackageRecord, State
from app.services import journal, packages, storing
from app.services.offers import is_own
from app.services.runtime import Work
from app.storage.models import Feed, Package, Version

CACHED = State.CACHED.value
_UNSYNCHRONISED = {"synchronize_session": False}


def drop_cached(work: Work, feed: Feed, keys: Iterable[str] | None = None) -> int:
    """Forget the cached copies in a feed, of some packages (by key) or of all; give how many versions went.

    Other feeds and the blob store keep their bytes, and clients are given them anew where they may be.
    """
    mine = [Package.feed_id == feed.id, Version.origin == CACHED]
    if keys is not None:
        mine.append(Package.key.in_(sorted(keys)))
    rows = select(Version.id, Package.key).join(Package, Package.id == Version.package_id).where(*mine)
    gone: dict[str, list[int]] = {}
    for id, key in work.session.execute(rows):
        gone.setdefault(key, []).append(id)
    if not gone:
        return 0
    serial = storing.bump(work, feed)
    for record in packages.by_keys(work, feed, gone):
        _drop(work, feed, record, gone[record.key], serial)
    return sum(map(len, gone.values()))


def _drop(work: Work, feed: Feed, record: PackageRecord, ids: Sequence[int], serial: int) -> None:
    format = work.get_format(feed.format)
    package_id = storing.touch_package(work, feed, record.key, serial)
    work.session.execute(delete(Version).where(Version.id.in_(ids)), execution_options=_UNSYNCHRONISED)
    cached = [version for version in record.versions if version.state is State.CACHED]
    if package_id is not None and len(cached) == len(record.versions):
        storing.drop_package(work, feed, package_id)
        journal.note_removal(work, feed, format, record)
        return
    changes = [FileChange(v.version, f.variant, present=False) for v in cached for f in v.files if f.listed]
    journal.note(work, feed, format, {record.key: changes})


def drop_kept(work: Work, feed: Feed) -> int:
    """Forget the cached copies of packages whose names a feed keeps for itself; give how many versions went."""
    names = Names(tuple(feed.reserved_names), tuple(feed.allowed_names))
    cached = select(Package.key, Package.name).join(Version, Version.package_id == Package.id)
    found = work.session.execute(cached.where(Package.feed_id == feed.id, Version.origin == CACHED).distinct())
    kept = [row.key for row in found if names.kept(row.name, own=is_own(work, feed, row.key))]
    return drop_cached(work, feed, kept) if kept else 0
