"""Know the newest version that connectors offer of each package that a feed holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from app.domain.connectors import RemoteUse
from app.domain.permissions import Permission
from app.plugin.format import FeedFormat
from app.plugin.records import PackageRecord
from app.services import access, changes, jobs, offers, packages, sources
from app.services.offers import Offer
from app.services.pullplans import open_for_pulling
from app.services.runtime import Actor, Runtime, Work
from app.services.sources import Reach
from app.storage.models import Feed, FeedConnector, Job, Newest, Package

KIND = "newest"
_BATCH = 100
_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Looked:
    """Say what looking for newer versions found: packages asked about, those behind, those that could not be asked."""

    asked: int = 0
    behind: int = 0
    failed: int = 0

    def plus(self, other: Looked) -> Looked:
        """Add what another batch found."""
        return Looked(self.asked + other.asked, self.behind + other.behind, self.failed + other.failed)


def start(work: Work, feed_name: str) -> Job:
    """Begin looking for newer versions as a job; needs Pull Package, and a feed with connectors in use."""
    feed = open_for_pulling(work, feed_name)
    return jobs.create(work, KIND, f"Look for newer versions of what {feed.name} holds", feed=feed)


def of_package(work: Work, feed: Feed, name_key: str) -> Newest | None:
    """Give what is known of a package's newest version upstream."""
    mine = (Package.feed_id == feed.id, Package.key == name_key)
    return work.session.scalars(
        select(Newest).join(Package, Package.id == Newest.package_id).where(*mine)
    ).one_or_none()


def looked_at(work: Work, feed: Feed) -> datetime | None:
    """Give when connectors were last asked about what a feed holds."""
    query = select(func.max(Newest.checked)).join(Package, Package.id == Newest.package_id)
    return work.session.scalar(query.where(Package.feed_id == feed.id))


def feeds_to_refresh(work: Work) -> list[str]:
    """Give the names of the feeds that have connectors in use."""
    connected = select(Feed.name).join(FeedConnector, FeedConnector.feed_id == Feed.id).distinct()
    return list(work.session.scalars(connected.where(Feed.remote != RemoteUse.OFF, Feed.active).order_by(Feed.name)))


def refresh(runtime: Runtime, actor: Actor, feed_name: str, told: Callable[[int, int], None] | None = None) -> Looked:
    """Ask the connectors of a feed about each package that it holds; needs Pull Package.

    Answers that are still known are revalidated, which costs a source no more than a header. ``told`` gets how many
    packages were asked about, and of how many.
    """
    with runtime.reading(actor) as work:
        feed = access.get_feed(work, feed_name, Permission.PULL_PACKAGE)
        reach = sources.reach_of(work, feed)
        keys = sorted(packages.keys(work, feed)) if reach.links else []
    found = Looked()
    for number, batch in enumerate(_batches(keys)):
        found = found.plus(_refresh(runtime, actor, reach, batch))
        if told is not None:
            told(min((number + 1) * _BATCH, len(keys)), len(keys))
    return found


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    yield from (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))


def _refresh(runtime: Runtime, actor: Actor, reach: Reach, keys: Iterable[str]) -> Looked:
    with runtime.reading(actor) as work:
        feed = work.session.get_one(Feed, reach.feed_id)
        held = packages.by_keys(work, feed, keys)
    asked = {package.key: package for package in held}
    with ThreadPoolExecutor(_AT_ONCE, "newest") as pool:
        answers = dict(zip(asked, pool.map(lambda each: _ask(runtime, reach, each), asked.values()), strict=True))
    for key, offer in answers.items():
        changes.note(runtime, reach.feed_id, asked[key], offer)
    known = {key: offer for key, offer in answers.items() if not offer.failures or offer.versions}
    with runtime.writing(actor) as work:
        behind = _write(work, reach, asked, known)
    return Looked(len(asked), behind, len(answers) - len(known))


def _ask(runtime: Runtime, reach: Reach, package: PackageRecord) -> Offer:
    own = any(version.origin in offers.OWN_ORIGINS for version in package.versions)
    return offers.ask(runtime, reach, package.name, own=own, fresh=True)


def _write(work: Work, reach: Reach, held: dict[str, PackageRecord], known: dict[str, Offer]) -> int:
    """Write down what was learnt, and forget what nobody offers any more; give how many packages are behind."""
    ids = select(Package.key, Package.id).where(Package.feed_id == reach.feed_id, Package.key.in_(sorted(known)))
    by_key = {row.key: row.id for row in work.session.execute(ids)}
    work.session.execute(delete(Newest).where(Newest.package_id.in_(list(by_key.values()))))
    rows = [
        row
        for key, package_id in by_key.items()
        if (row := _row(reach.format, package_id, held[key], known[key])) is not None
    ]
    for row in rows:
        row.checked = work.now()
    work.session.add_all(rows)
    return sum(row.behind for row in rows)


def _row(format: FeedFormat, package_id: int, held: PackageRecord, offer: Offer) -> Newest | None:
    listed = [each for each in offer.versions.values() if each.version.listed]
    stable = [each for each in listed if not format.is_prerelease(each.version.version)]
    newest = max(stable or listed, key=lambda each: each.key, default=None)
    if newest is None:
        return None
    ours = max(version.key for version in held.versions)
    published = offers.moment(newest.version.published)
    return Newest(
        package_id=package_id,
        connector=newest.link.name,
        version=newest.version.version,
        key=newest.key,
        published=published,
        behind=newest.key > ours,
    )
