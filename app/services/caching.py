"""Fetch what a client asks for and a feed lacks: once for all who ask, verified, kept for the next ones."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.connectors import RemoteUse
from app.domain.errors import Conflict, NotFound
from app.domain.permissions import Permission
from app.net.transfer import Flight
from app.plugin.blobs import BlobDigests
from app.plugin.upstream import RemoteFile
from app.services import access, fetching, offers, packages
from app.services.offers import Offered
from app.services.runtime import Actor, Runtime, Work, owner
from app.services.sources import Reach, reach_of
from app.storage.models import Feed

_PIECE = 256 * 1024


def fly(runtime: Runtime, actor: Actor, reach: Reach, offered: Offered, variant: str) -> Flight[BlobDigests]:
    """Give the transfer of a remote file, the one that is under way or a new one; the caller checked the right.

    Whoever asks reads along. The file is a version's of the feed before the last byte is given to anybody.
    """
    file = next((each for each in offered.version.files if each.variant == variant), None)
    if file is None:
        raise NotFound(
            f"{offered.link.name} offers no file {variant!r} of {offered.version.name}.", code="unknown-file"
        )
    wanted: RemoteFile = file

    def transfer(set_size: Callable[[int | None], None], write: Callable[[bytes], None]) -> BlobDigests:
        held = _held(runtime, reach, offered, variant)
        if held is not None:  # A transfer that has just ended brought it.
            set_size(held.size)
            with runtime.blobs.open(held.sha256) as stored:
                for piece in iter(lambda: stored.read(_PIECE), b""):
                    write(piece)
            return held
        got = fetching.fetch(runtime, reach.format, offered, wanted, announce=set_size, sink=write)
        with runtime.writing(actor) as work:
            feed = _still_caching(work, reach.feed_name, offered)
            fetching.keep(work, feed, reach.format, offered, [got], fetching.CACHED)
        return got.blob

    key = (reach.feed_id, reach.format.name_key(offered.version.name), offered.key, variant)
    return runtime.flights.join(key, transfer)


def _held(runtime: Runtime, reach: Reach, offered: Offered, variant: str) -> BlobDigests | None:
    with runtime.reading(owner("SYSTEM")) as work:
        feed = work.session.get(Feed, reach.feed_id)
        record = packages.find_package(work, feed, offered.version.name) if feed is not None else None
    version = record.version(offered.key) if record is not None else None
    files = version.files if version is not None else ()
    return next((file.digests for file in files if file.variant == variant), None)


def _file(offered: Offered, variant: str) -> RemoteFile:
    for file in offered.version.files:
        if file.variant == variant:
            return file
    name, source = offered.version.name, offered.link.name
    raise NotFound(f"{source} offers no file {variant!r} of {name}; list its files.", code="unknown-file")


def _still_caching(work: Work, feed_name: str, offered: Offered) -> Feed:
    """Give the feed, unless it changed its mind while the bytes came."""
    feed = access.get_feed(work, feed_name, Permission.DOWNLOAD_PACKAGE)
    name = offered.version.name
    own = offers.is_own(work, feed, work.get_format(feed.format).name_key(name))
    if feed.remote != RemoteUse.CACHE or reach_of(work, feed).names.kept(name, own=own):
        raise Conflict(f"{feed.name} does not take {name} from its connectors any more.", code="name-kept", name=name)
    return feed
