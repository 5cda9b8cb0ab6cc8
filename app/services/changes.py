"""Notice that a source declares other bytes now for a version that was taken from it: never taken, but told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from sqlalchemy import select

from app.plugin.records import PackageRecord, State, VersionRecord
from app.plugin.upstream import RemoteVersion
from app.services import events
from app.services.offers import Offer
from app.services.runtime import Runtime, Work, owner
from app.storage.models import Feed, Package, Version


def changed(held: PackageRecord | None, offer: Offer) -> Iterator[tuple[VersionRecord, str, str]]:
    """Give the held versions whose source declares other bytes: (version, connector, ``algorithm:digest``)."""
    for version in held.versions if held is not None else ():
        offered = offer.versions.get(version.key)
        if offered is not None and version.connector == offered.link.name and version.state is not State.REMOTE:
            other = _other_bytes(version, offered.version)
            if other:
                yield version, offered.link.name, other


def _other_bytes(version: VersionRecord, offered: RemoteVersion) -> str:
    declared = {file.variant: file.digests for file in offered.files}
    for file in version.files:
        for name, digest in declared.get(file.variant, {}).items():
            if digest and getattr(file.digests, name, "") != digest:
                return f"{name}:{digest}"[:200]
    return ""


def note(runtime: Runtime, feed_id: int, held: PackageRecord | None, offer: Offer) -> int:
    """Record, once for each, that a source changed its bytes under versions of a feed; give how many are new."""
    new = [each for each in changed(held, offer) if each[0].changed_upstream != each[2]]
    if not new:
        return 0
    with runtime.writing(owner("SYSTEM")) as work:
        feed = work.session.get(Feed, feed_id)
        for version, connector, digest in new if feed is not None else ():
            _record(work, cast(Feed, feed), version, connector, digest)
    return len(new)


def _record(work: Work, feed: Feed, version: VersionRecord, connector: str, digest: str) -> None:
    key = work.get_format(feed.format).name_key(version.name)
    package_id = select(Package.id).where(Package.feed_id == feed.id, Package.key == key).scalar_subquery()
    row = work.session.scalars(
        select(Version).where(Version.package_id == package_id, Version.key == version.key)
    ).one_or_none()
    if row is None or row.changed_upstream == digest:
        return
    row.changed_upstream = digest
    events.record(
        work,
        "upstream-changed",
        feed=feed.name,
        subject=f"{version.name} {version.version}",
        connector=connector,
        held=version.main.digests.sha256,
        declared=digest,
    )
