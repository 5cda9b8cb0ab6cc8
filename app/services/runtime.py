"""What a use case works with: the runtime of the process, and the work of one request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from app.domain.history import EventFacts
from app.domain.permissions import Permission
from app.plugin.blobs import BlobStore
from app.plugin.format import FeedFormat
from app.plugin.loading import Plugins
from app.settings import Settings
from app.storage.engine import Database

if TYPE_CHECKING:
    from app.net.network import Network
    from app.net.transfer import Flights
    from app.services.sources import Sources

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Actor:
    """Be who acts. ``name`` is what history shows.

    ``user_id`` is set for people and for their personal keys. ``rights`` is set for system and feed keys and
    for the owner of the data directory: then grants are not asked, and ``feed_ids``/``feed_group_id`` bound the scope
    (None and None: everywhere). ``address`` is where they speak from, as far as that is known.
    """

    name: str
    user_id: int | None = None
    key_id: int | None = None
    address: str = field(default="", compare=False)
    rights: frozenset[Permission] | None = None
    feed_ids: frozenset[int] | None = None
    feed_group_id: int | None = None

    @property
    def anonymous(self) -> bool:
        """Tell whether nobody known is acting."""
        return self.user_id is None and self.rights is None


ANONYMOUS = Actor("Anonymous")


def owner(name: str) -> Actor:
    """Give the actor for whoever owns the data directory itself: the command line and the window's first start."""
    return Actor(name, rights=frozenset(Permission))


@dataclass(frozen=True, slots=True)
class Runtime:
    """Hold what one process needs, put together by ``app.bootstrap``."""

    settings: Settings
    database: Database
    blobs: BlobStore
    plugins: Plugins
    clock: Callable[[], datetime]
    network: Network
    sources: Sources
    flights: Flights

    def get_format(self, key: str) -> FeedFormat:
        """Give a format by its key or alias; raise NotFound."""
        return self.plugins.get_format(key)

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[Work]:
        """Work on one consistent state of the database, changing nothing."""
        with Session(self.database.reader) as session:
            yield Work(self, session, actor)

    @contextmanager
    def writing(self, actor: Actor) -> Iterator[Work]:
        """Work as a writer: everything is committed at the end, or nothing."""
        work = Work(self, Session(self.database.writer, expire_on_commit=False), actor)
        try:
            with work.session, work.session.begin():
                yield work
        except Exception as error:
            self._after_failure(work, error)
            raise
        self._announce(work.events)

    def _after_failure(self, failed: Work, error: Exception) -> None:
        """Record what a failed change wants remembered, in a transaction of its own; a fault here hides nothing."""
        if not failed.after_failure:
            return
        try:
            with Session(self.database.writer) as session, session.begin():
                for record in failed.after_failure:
                    record(Work(self, session, failed.actor), error)
        except Exception:
            log.exception("what was refused to %s could not be recorded", failed.actor.name)

    def _announce(self, events: list[EventFacts]) -> None:
        for event in events:
            try:
                self.plugins.hooks.hook.event_recorded(event=event)
            except Exception:
                log.exception("a plugin failed on the event %s; nothing is undone", event.tag)


@dataclass(slots=True)
class Work:
    """Hold what one use case works with: the runtime, a session in a transaction, and who acts.

    ``after_failure`` is called if the transaction fails, to record that.
    """

    runtime: Runtime
    session: Session
    actor: Actor
    events: list[EventFacts] = field(default_factory=list)
    cache: dict[str, Any] = field(default_factory=dict)
    after_failure: list[Callable[[Work, Exception], None]] = field(default_factory=list)

    def now(self) -> datetime:
        """Give the time."""
        return self.runtime.clock()

    def get_format(self, key: str) -> FeedFormat:
        """Give a format by its key or alias; raise NotFound."""
        return self.runtime.get_format(key)
