"""Ask the sources behind connectors what they offer, and keep their answers for as long as a connector says."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from threading import Lock

from cachetools import LRUCache
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.domain.connectors import Names, RemoteUse, passes
from app.domain.errors import AppError, Conflict, InvalidPackage, NotFound, UpstreamFailed
from app.net.client import SourceClient
from app.net.network import Network, Source
from app.plugin.format import FeedFormat
from app.plugin.upstream import RemotePackage, RemotePage, Upstream
from app.services import connectors
from app.services.feedsource import FeedSource
from app.services.runtime import Runtime, Work
from app.storage.models import Connector, Feed, FeedConnector

_KEPT_VERSIONS = 60_000
_KEPT_JOURNALS = 4
_UNKNOWN_SECONDS = 120
_FAILED_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Link:
    """Hold what it takes to ask one connector, as plain values: no transaction is open while a source is asked.

    ``broken`` says why it cannot be asked at all (its secret cannot be read).
    """

    id: int
    name: str
    source: Source
    feed_id: int | None
    feed_name: str
    filters: tuple[str, ...]
    broken: str = ""

    def passes(self, name: str) -> bool:
        """Tell whether the connector's filters let a name through."""
        return passes(self.filters, name)


@dataclass(frozen=True, slots=True)
class Reach:
    """Hold what a feed's connectors may bring: its setting, the names it keeps for itself, and the connectors."""

    feed_id: int
    feed_name: str
    format: FeedFormat
    use: RemoteUse
    names: Names
    links: tuple[Link, ...]


def reach_of(work: Work, feed: Feed) -> Reach:
    """Give a feed's reach, whatever its setting; one query."""
    links: tuple[Link, ...] = ()
    if feed.remote != RemoteUse.OFF:
        rows = work.session.scalars(
            select(Connector)
            .join(FeedConnector, FeedConnector.connector_id == Connector.id)
            .where(FeedConnector.feed_id == feed.id, Connector.enabled)
            .options(joinedload(Connector.feed))
            .order_by(FeedConnector.position)
        )
        links = tuple(link_of(work, connector) for connector in rows)
    names = Names(tuple(feed.reserved_names), tuple(feed.allowed_names))
    return Reach(feed.id, feed.name, work.get_format(feed.format), RemoteUse(feed.remote), names, links)


def link_of(work: Work, connector: Connector) -> Link:
    """Give what it takes to ask a connector."""
    headers: Mapping[str, str] = {}
    broken = ""
    try:
        headers = connectors.headers_of(work, connector)
    except Conflict as error:
        broken = error.message
    source = Source(connector.name, connector.url, connector.timeout, headers, connector.cache_minutes * 60)
    feed_name = connector.feed.name if connector.feed is not None else ""
    return Link(connector.id, connector.name, source, connector.feed_id, feed_name, tuple(connector.filters), broken)


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a connector's source said of one package.

    ``package`` is None where it has none of that name or could not be asked (``failure``). ``stale_since`` is set where
    an old answer stands in for a source that is down. ``number`` is another one for every new answer.
    """

    link: Link
    package: RemotePackage | None
    failure: str = ""
    stale_since: datetime | None = None
    number: int = 0


Journal = tuple[Link, tuple[tuple[str, str], ...], int]
"""A connector, the lines of its source's journal with the package of each, and a number for what it says."""


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer
    until: float


class Sources:
    """Ask sources, once for any number of askers at a time; one of these per process."""

    def __init__(self, network: Network, clock: Callable[[], float] = time.monotonic) -> None:
        self.network = network
        self._clock = clock
        self._kept: LRUCache[tuple[object, ...], _Kept] = LRUCache(_KEPT_VERSIONS, getsizeof=_weight)
        self._lock = Lock()
        self._journals: LRUCache[tuple[object, ...], tuple[Journal, float]] = LRUCache(_KEPT_JOURNALS)
        self._asking: dict[tuple[object, ...], Lock] = {}
        self._numbers = count(1)

    def package(self, runtime: Runtime, format: FeedFormat, link: Link, name: str, *, fresh: bool = False) -> Answer:
        """Give what a connector's source says of a package; never raises. ``fresh`` asks it anew."""
        if link.broken:
            return Answer(link, None, link.broken)
        if link.feed_id is not None:
            return self._of_feed(runtime, format, link, name)
        key = (link.id, link.source.url, *sorted(link.source.headers.items()), _name_key(format, name))
        kept = self._find(key, fresh=fresh)
        if kept is not None:
            return kept
        with self._lock:
            turn = self._asking.setdefault(key, Lock())
        with self.network.waiting(), turn:
            kept = self._find(key, fresh=fresh)  # Whoever had the turn before may have asked already.
            return kept if kept is not None else self._ask(format, link, name, key, fresh=fresh)

    def _find(self, key: tuple[object, ...], *, fresh: bool) -> Answer | None:
        with self._lock:
            kept = self._kept.get(key)
        return kept.answer if kept is not None and not fresh and self._clock() < kept.until else None

    def _ask(self, format: FeedFormat, link: Link, name: str, key: tuple[object, ...], *, fresh: bool) -> Answer:
        client = self.network.client(link.source, fresh=fresh)
        package, failure, seconds = None, "", float(link.source.cache_seconds)
        try:
            package = upstream(format, link, client).package(name)
        except NotFound:
            seconds = min(seconds, _UNKNOWN_SECONDS)
        except AppError as error:
            failure, seconds = said(link, error), _FAILED_SECONDS
        answer = Answer(link, package, failure, client.stale_since, next(self._numbers))
        if client.stale_since is not None:
            seconds = _FAILED_SECONDS
        with self._lock:
            older = self._kept.get(key)
            if failure and older is not None and older.answer.package is not None:
                answer = Answer(link, older.answer.package, failure, older.answer.stale_since, older.answer.number)
            kept = _Kept(answer, self._clock() + seconds)
            if _weight(kept) <= _KEPT_VERSIONS:
                self._kept[key] = kept
            self._asking.pop(key, None)
        return answer

    def _of_feed(self, runtime: Runtime, format: FeedFormat, link: Link, name: str) -> Answer:
        source = FeedSource(runtime, link.feed_id or 0, link.feed_name)
        try:
            package, number = source.package_at(name)
        except (NotFound, InvalidPackage):
            return Answer(link, None)
        return Answer(link, package, number=number)

    def search(
        self, runtime: Runtime, format: FeedFormat, link: Link, text: str, *, prerelease: bool, offset: int, limit: int
    ) -> RemotePage:
        """Give what a connector's source finds; raises UpstreamFailed."""
        if link.broken:
            raise UpstreamFailed(link.broken)
        with self.network.waiting():
            return self.upstream(runtime, format, link).search(text, prerelease=prerelease, offset=offset, limit=limit)

    def journals(self, runtime: Runtime, reach: Reach) -> list[Journal]:
        """Give the journals of a feed's sources, as far as they have any; kept as long as other answers."""
        return [found for link in reach.links if (found := self._journal(runtime, reach.format, link)) is not None]

    def _journal(self, runtime: Runtime, format: FeedFormat, link: Link) -> Journal | None:
        key: tuple[object, ...] = (link.id, link.source.url)
        if link.feed_id is not None:
            try:
                key = (link.id, FeedSource(runtime, link.feed_id, link.feed_name).serial())
            except NotFound:
                return None
        with self._lock:
            kept = self._journals.get(key)
        if kept is not None and (link.feed_id is not None or self._clock() < kept[1]):
            return kept[0]
        try:
            with self.network.waiting():
                lines = tuple(self.upstream(runtime, format, link).journal())
        except AppError:
            return kept[0] if kept is not None else None
        same = kept is not None and kept[0][1] == lines
        found = kept[0] if kept is not None and same else (link, lines, next(self._numbers))
        with self._lock:
            self._journals[key] = (found, self._clock() + link.source.cache_seconds)
        return found

    def upstream(self, runtime: Runtime, format: FeedFormat, link: Link, *, fresh: bool = False) -> Upstream:
        """Give access to a connector's source."""
        if link.feed_id is not None:
            return FeedSource(runtime, link.feed_id, link.feed_name)
        return upstream(format, link, self.network.client(link.source, fresh=fresh))

    def forget(self, name: str) -> None:
        """Forget everything that a connector's source said: the connector was changed."""
        self.network.forget(name)
        with self._lock:
            for key in [key for key, kept in self._kept.items() if kept.answer.link.name == name]:
                del self._kept[key]
            self._journals.clear()


def said(link: Link, error: AppError) -> str:
    """Give an error of a source with the connector's name."""
    begins = f"Connector {link.name}"
    return error.message if error.message.startswith(begins) else f"{begins}: {error.message}"


def upstream(format: FeedFormat, link: Link, client: SourceClient) -> Upstream:
    """Give a format's view of a source; raise Conflict where the format has no notion of one."""
    found = format.upstream(link.source.url, client)
    if found is None:
        raise Conflict(f"{format.title} knows no remote sources any more; detach {link.name}.", code="no-upstream")
    return found


def _weight(kept: _Kept) -> int:
    package = kept.answer.package
    return 1 if package is None else 1 + len(package.versions)


def _name_key(format: FeedFormat, name: str) -> str:
    try:
        return format.name_key(name)
    except InvalidPackage:
        return name
