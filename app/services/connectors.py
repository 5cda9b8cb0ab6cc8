"""Connectors: the sources that feeds fetch from, who may set them up, and which feeds use them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload, selectinload

from app.domain.connectors import Credential, check_patterns
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.names import check_person_name, fold
from app.domain.permissions import Permission
from app.plugin.format import Feature
from app.services import access, events, vault
from app.services.runtime import Work
from app.storage.models import Connector, Feed, FeedConnector, Newest, Package

TIMEOUTS = range(1, 301)
CACHE_MINUTES = range(43_201)
_HEADER_SIZE = 8000
_PLAIN = ("enabled", "timeout", "cache_minutes")


@dataclass(frozen=True, slots=True)
class ConnectorChange:
    """Hold what is to be set of a connector; None keeps what is there.

    ``url`` is a remote source's address, ``feed`` names another feed here instead. ``username`` is the name of the
    header where the credential is one. ``secret`` is kept encrypted; an empty text forgets it.
    """

    name: str | None = None
    url: str | None = None
    feed: str | None = None
    enabled: bool | None = None
    timeout: int | None = None
    cache_minutes: int | None = None
    filters: Sequence[str] | None = None
    credential: Credential | None = None
    username: str | None = None
    secret: str | None = None


def create_connector(work: Work, name: str, format_key: str, change: ConnectorChange) -> Connector:
    """Create a connector; needs Manage Connectors everywhere, or on a feed of its format."""
    format = work.get_format(format_key)
    if not _may_manage_some(work, format.key):
        access.require(work, Permission.MANAGE_CONNECTORS)
    if Feature.UPSTREAM not in format.features:
        raise Invalid(f"{format.title} knows no remote sources, so it has no connectors.", code="no-upstream")
    if not change.url and not change.feed:
        raise Invalid(f"The connector {name!r} needs an address, or the name of a feed here.", code="no-address")
    key = _free_key(work, check_person_name(name))
    made = Connector(name=name, key=key, format=format.key, created=work.now(), url="", enabled=True)
    made.timeout, made.cache_minutes, made.filters, made.links = 10, 30, [], []
    made.credential, made.username, made.secret, made.failure, made.server = Credential.NONE, "", "", "", ""
    work.session.add(made)
    _apply(work, made, change)
    work.session.flush()
    events.record(work, "connector-created", subject=made.name, format=made.format, address=address_of(made))
    return made


def update_connector(work: Work, name: str, change: ConnectorChange) -> Connector:
    """Change a connector; needs Manage Connectors on one of its feeds, or everywhere.

    An address on another server, or another kind of credential, forgets the secret unless it is given again: whoever
    may change the address could otherwise have it sent to themselves.
    """
    connector = get_connector(work, name)
    before = describe(connector)
    kept = (_server(connector.url), connector.credential)
    if change.name is not None and change.name != connector.name:
        connector.key = connector.key if fold(change.name) == connector.key else _free_key(work, change.name)
        connector.name = check_person_name(change.name)
    _apply(work, connector, change)
    if change.secret is None and kept != (_server(connector.url), connector.credential):
        connector.secret = ""
    work.session.flush()
    after = describe(connector)
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changed or change.secret is not None:
        _bump_feeds(connector)
        events.record(
            work, "connector-changed", subject=connector.name, changed=changed, secret=change.secret is not None
        )
    return connector


def _bump_feeds(connector: Connector) -> None:
    for link in connector.links:
        link.feed.serial += 1  # What its feeds offer has changed: their documents are made anew.


def delete_connector(work: Work, name: str) -> list[str]:
    """Delete a connector; give the names of the feeds that used it. What came by it stays."""
    connector = get_connector(work, name)
    used = [link.feed.name for link in connector.links]
    _bump_feeds(connector)
    events.record(work, "connector-deleted", subject=connector.name, address=address_of(connector), feeds=used)
    _forget_newest(work, connector, [link.feed_id for link in connector.links])
    work.session.delete(connector)
    work.session.flush()
    return used


def _forget_newest(work: Work, connector: Connector, feed_ids: Sequence[int]) -> None:
    held = select(Package.id).where(Package.feed_id.in_(list(feed_ids)))
    work.session.execute(
        delete(Newest).where(Newest.connector == connector.name, Newest.package_id.in_(held)),
        execution_options={"synchronize_session": False},
    )


def _apply(work: Work, connector: Connector, change: ConnectorChange) -> None:
    for name in _PLAIN:
        if getattr(change, name) is not None:
            setattr(connector, name, getattr(change, name))
    for what, value, possible in (
        ("timeout in seconds", connector.timeout, TIMEOUTS),
        ("time to keep answers in minutes", connector.cache_minutes, CACHE_MINUTES),
    ):
        if value not in possible:
            raise Invalid(f"The {what} is {value}; use {possible.start} to {possible.stop - 1:,}.", code="out-of-range")
    if change.filters is not None:
        connector.filters = check_patterns(change.filters)
    if change.feed:
        _connect_feed(work, connector, change.feed)
    elif change.url:
        connector.feed, connector.url = None, check_address(change.url)
    _set_credential(work, connector, change)


def _connect_feed(work: Work, connector: Connector, name: str) -> None:
    """Let a connector read another feed here; whoever sets it up must be able to download from that feed."""
    feed = access.get_feed(work, name, Permission.DOWNLOAD_PACKAGE)
    if feed.format != connector.format:
        raise Invalid(
            f"The feed {feed.name} holds {feed.format} packages; connect a feed of the format {connector.format}.",
            code="format-mismatch",
        )
    if any(link.feed_id == feed.id for link in connector.links):
        raise Invalid(f"The feed {feed.name} uses this connector; it cannot fetch from itself.", code="own-feed")
    connector.feed, connector.url = feed, ""


def check_address(url: str) -> str:
    """Give an address back when a connector can have it; raise Invalid otherwise. The guard checks it again on use."""
    text = url.strip()
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(text) > 2000 or not text.isprintable():
        raise Invalid(f"The address {text[:100]!r} is not possible; begin it with https:// or http://.", code="bad-url")
    if parts.username is not None or parts.password is not None:
        raise Invalid("The address holds a name or password; give them as the connector's credentials.", code="bad-url")
    if parts.fragment or " " in text:
        raise Invalid(f"The address {text[:100]!r} is not possible; leave out blanks and '#'.", code="bad-url")
    return text


def _set_credential(work: Work, connector: Connector, change: ConnectorChange) -> None:
    kind = change.credential if change.credential is not None else Credential(connector.credential)
    if change.credential is None and (change.username or change.secret) and kind is Credential.NONE:
        kind = Credential.BASIC
    connector.credential = kind
    if change.username is not None:
        connector.username = change.username
    if change.secret is not None:
        connector.secret = vault.seal(work.runtime.settings, change.secret)
    if kind is Credential.NONE:
        connector.username = connector.secret = ""
    _check_text(connector.username, "user or header name", 200)
    _check_text(change.secret or "", "secret", _HEADER_SIZE)
    if kind is Credential.HEADER and not _is_header_name(connector.username):
        raise Invalid(
            f"{connector.username!r} is no name of a header; use letters, digits and '-'.", code="bad-header-name"
        )


def _check_text(text: str, what: str, most: int) -> None:
    if len(text) > most or (text and not text.isprintable()):
        raise Invalid(
            f"The {what} of the connector is not possible; use {most:,} characters at most and none that control.",
            code="bad-credential",
        )


def _is_header_name(text: str) -> bool:
    forbidden = {"host", "content-length", "transfer-encoding", "connection", "cookie"}
    return text.isascii() and text.replace("-", "").isalnum() and text.lower() not in forbidden


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _free_key(work: Work, name: str) -> str:
    key = fold(name)
    if work.session.scalar(select(Connector.id).where(Connector.key == key)) is not None:
        raise Conflict(f"There is a connector {name!r} already; choose another name.", code="connector-exists")
    return key


# Reading ----------------------------------------------------------------------------------------------


def get_connector(work: Work, name: str) -> Connector:
    """Give a connector that the actor may manage; raise Forbidden or NotFound."""
    found = work.session.scalars(
        select(Connector)
        .where(Connector.key == fold(name))
        .options(selectinload(Connector.links).joinedload(FeedConnector.feed), joinedload(Connector.feed))
    ).one_or_none()
    if found is None or not may_manage(work, found):
        if found is None and _may_manage_some(work):
            raise NotFound(f"There is no connector {name!r}; list them for the spelling.", code="unknown-connector")
        access.require(work, Permission.MANAGE_CONNECTORS)
        raise NotFound(f"There is no connector {name!r}; list them for the spelling.", code="unknown-connector")
    return found


def list_connectors(work: Work) -> list[Connector]:
    """Give the connectors that the actor may manage, by name; needs Manage Connectors somewhere."""
    if not _may_manage_some(work):
        access.require(work, Permission.MANAGE_CONNECTORS)
    related = (selectinload(Connector.links).joinedload(FeedConnector.feed), joinedload(Connector.feed))
    rows = work.session.scalars(select(Connector).options(*related).order_by(Connector.key)).unique()
    return [connector for connector in rows if may_manage(work, connector)]


def may_manage(work: Work, connector: Connector) -> bool:
    """Tell whether the actor may see and change a connector: the right on one of its feeds is enough."""
    if access.allowed(work, Permission.MANAGE_CONNECTORS):
        return True
    if not connector.links:
        return _may_manage_some(work, connector.format)
    return any(access.allowed(work, Permission.MANAGE_CONNECTORS, link.feed) for link in connector.links)


def may_manage_some(work: Work) -> bool:
    """Tell whether the actor may manage connectors anywhere."""
    return _may_manage_some(work)


def _may_manage_some(work: Work, format_key: str | None = None) -> bool:
    if access.allowed(work, Permission.MANAGE_CONNECTORS):
        return True
    feeds = access.visible_feeds(work, Permission.MANAGE_CONNECTORS)
    return any(format_key in (None, feed.format) for feed in feeds)


def address_of(connector: Connector, visible: Container[str] | None = None) -> str:
    """Give where a connector leads, for people; with ``visible``, no other feed is named than those."""
    if connector.feed is None:
        return connector.url
    if visible is not None and connector.feed.name not in visible:
        return "another feed here"
    return f"the feed {connector.feed.name}"


def describe(connector: Connector) -> dict[str, Any]:
    """Give a connector's settings as JSON values, as the event log keeps them; never its secret."""
    return {
        "name": connector.name,
        "format": connector.format,
        "address": address_of(connector),
        "enabled": connector.enabled,
        "timeout": connector.timeout,
        "cacheMinutes": connector.cache_minutes,
        "filters": list(connector.filters),
        "credential": str(connector.credential),
        "username": connector.username,
        "secret": "set" if connector.secret else "",
    }


def headers_of(work: Work, connector: Connector) -> Mapping[str, str]:
    """Give the headers by which a connector proves who it is; raise Conflict where its secret cannot be read."""
    secret = vault.unseal(work.runtime.settings, connector.secret)
    kind = Credential(connector.credential)
    if kind is Credential.BASIC:
        return {"Authorization": "Basic " + b64encode(f"{connector.username}:{secret}".encode()).decode()}
    if kind is Credential.BEARER:
        return {"Authorization": f"Bearer {secret}"}
    return {connector.username: secret} if kind is Credential.HEADER else {}


# Feeds ------------------------------------------------------------------------------------------------


def attach(work: Work, feed_name: str, names: Sequence[str]) -> Feed:
    """Set the connectors of a feed, in the order in which they are asked; needs Manage Connectors on the feed."""
    feed = access.get_feed(work, feed_name, Permission.MANAGE_CONNECTORS)
    wanted = [_attachable(work, feed, name) for name in dict.fromkeys(names)]
    before = [link.connector.name for link in feed.links]
    after = [connector.name for connector in wanted]
    if before == after:
        return feed
    feed.links.clear()
    work.session.flush()
    feed.links.extend(FeedConnector(connector=each, position=n) for n, each in enumerate(wanted))
    feed.serial += 1
    work.session.flush()
    events.record(
        work, "feed-connectors-changed", feed=feed.name, subject=feed.name, changed={"connectors": [before, after]}
    )
    return feed


def _attachable(work: Work, feed: Feed, name: str) -> Connector:
    attached = next((link.connector for link in feed.links if link.connector.key == fold(name)), None)
    connector = attached or get_connector(work, name)
    if connector.format != feed.format:
        raise Invalid(
            f"The connector {connector.name} leads to {connector.format} packages and {feed.name} holds {feed.format} "
            "packages; choose a connector of that format.",
            code="format-mismatch",
        )
    if connector.feed_id == feed.id:
        raise Invalid(f"{feed.name} cannot fetch from itself; choose another connector.", code="own-feed")
    return connector


def attachable(work: Work, feed: Feed) -> list[Connector]:
    """Give the connectors that the actor could attach to a feed, by name."""
    if not access.allowed(work, Permission.MANAGE_CONNECTORS, feed):
        return []
    taken = {link.connector_id for link in feed.links}
    found = (each for each in list_connectors(work) if each.format == feed.format and each.id not in taken)
    return [each for each in found if each.feed_id != feed.id]
