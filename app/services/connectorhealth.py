"""Ask connectors' sources whether they are there, and remember what they said."""

from __future__ import annotations

import time

from sqlalchemy import select, update

from app.domain.errors import AppError
from app.services import events
from app.services.connectors import get_connector
from app.services.runtime import Actor, Runtime, Work, owner
from app.services.sources import Link, link_of
from app.storage.models import Connector


def check(runtime: Runtime, actor: Actor, name: str) -> str:
    """Ask one connector's source now; give what went wrong, or nothing. Needs what changing it needs."""
    with runtime.reading(actor) as work:
        connector = get_connector(work, name)
        link, format_key = link_of(work, connector), connector.format
    return _check(runtime, link, format_key)


def check_all(runtime: Runtime) -> int:
    """Ask the source of every connector in use; give how many do not answer. It is what the schedule calls."""
    with runtime.reading(owner("SYSTEM")) as work:
        rows = work.session.scalars(select(Connector).where(Connector.enabled).order_by(Connector.id)).unique()
        links = [(link_of(work, connector), connector.format) for connector in rows]
    return sum(bool(_check(runtime, link, format_key)) for link, format_key in links)


def _check(runtime: Runtime, link: Link, format_key: str) -> str:
    began = time.monotonic()
    server, failure = "", link.broken
    if not failure:
        try:
            format = runtime.get_format(format_key)
            server = runtime.sources.upstream(runtime, format, link, fresh=True).probe()
        except AppError as error:
            failure = error.message
    latency = round((time.monotonic() - began) * 1000)
    with runtime.writing(owner("SYSTEM")) as work:
        _remember(work, link, server[:200], failure, None if failure else latency)
    return failure


def _remember(work: Work, link: Link, server: str, failure: str, latency: int | None) -> None:
    connector = work.session.get(Connector, link.id)
    if connector is None:
        return
    was_down, first = bool(connector.failure), connector.checked is None
    values: dict[str, object] = {"checked": work.now(), "failure": failure, "latency": latency}
    if server:
        values["server"] = server
    work.session.execute(update(Connector).where(Connector.id == link.id).values(**values))
    if bool(failure) != was_down and not (first and not failure):
        tag = "connector-unreachable" if failure else "connector-reachable"
        events.record(work, tag, subject=link.name, **({"reason": failure} if failure else {}))
