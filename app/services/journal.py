"""Keep a feed's journal: the lines that a format writes about each change, in the change's own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, select, update

from app.domain.permissions import Permission
from app.plugin.format import Feature, FeedFormat
from app.plugin.records import FileChange, PackageRecord
from app.services import access, events, packages
from app.services.runtime import Work
from app.storage.models import Feed, JournalLine

Changes = Mapping[str, Sequence[FileChange]]
_lines = cast("Table", JournalLine.__table__)


def keeps(format: FeedFormat) -> bool:
    """Tell whether feeds of a format keep a journal."""
    return Feature.JOURNAL in format.features


def note(work: Work, feed: Feed, format: FeedFormat, changes: Changes) -> None:
    """Append what a format has to say of changes, by package key; nothing where it keeps no journal."""
    if keeps(format) and changes:
        records = packages.by_keys(work, feed, changes)
        _append(work, feed, (line for each in records for line in format.journal(each, changes[each.key])))


def note_removal(work: Work, feed: Feed, format: FeedFormat, gone: PackageRecord) -> None:
    """Append what a format has to say of a package that went with its last version."""
    if keeps(format):
        changes = [FileChange(v.version, f.variant, present=False) for v in gone.versions for f in v.files if f.listed]
        left = PackageRecord(gone.name, gone.key, gone.serial, (), {}, None, None)
        _append(work, feed, format.journal(left, changes))


def everything(package: PackageRecord) -> list[FileChange]:
    """Give the changes by which a package came to be what it is, as far as they still show."""
    return [FileChange(v.version, f.variant, present=True) for v in package.versions for f in v.files if f.listed]


def _append(work: Work, feed: Feed, lines: Iterable[str]) -> None:
    rows = [{"feed_id": feed.id, "text": line} for line in lines]
    if rows:
        work.session.execute(_lines.insert(), rows)


def begun(feed: Feed) -> datetime:
    """Give when the journal was begun: with the feed, or when it was last written anew."""
    return feed.journal_begun or feed.created


def read(work: Work, feed: Feed, after: int) -> tuple[list[str], int]:
    """Give the lines after a position, and the position of the last."""
    query = select(JournalLine.id, JournalLine.text).where(JournalLine.feed_id == feed.id, JournalLine.id > after)
    rows = work.session.execute(query.order_by(JournalLine.id)).all()
    return [row.text for row in rows], rows[-1].id if rows else after


def rewrite(work: Work, feed_name: str, lines: Callable[[PackageRecord], Sequence[str]]) -> None:
    """Begin a feed's journal anew from what it holds, packages by name; needs Manage Feed.

    Clients that hold a beginning of the old one have to get it whole again.
    """
    feed = access.get_feed(work, feed_name, Permission.MANAGE_FEED)
    work.session.execute(delete(JournalLine).where(JournalLine.feed_id == feed.id))
    for batch in packages.in_batches(work, feed):
        _append(work, feed, (line for record in batch for line in lines(record)))
    begin = update(Feed).where(Feed.id == feed.id).values(journal_begun=work.now(), serial=Feed.serial + 1)
    work.session.execute(begin, execution_options={"synchronize_session": False})
    events.record(work, "journal-rewritten", feed=feed.name)
