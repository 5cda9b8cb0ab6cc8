"""Connectors: the sources that feeds can look into and pull from."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import Field

from app.domain.connectors import Credential
from app.services import connectorhealth, connectors
from app.services.connectors import ConnectorChange
from app.storage import models as stored
from app.web.api.v1.models import ABSENT, FeedName, Listed, Model, Moment, Name, Paging, Pattern, Text
from app.web.api.v1.operations import Answer, Call, Match, Resource
from app.web.api.v1.paging import cut, page

connectors_v1 = Resource("Connectors", "Sources that feeds of one format can look into and pull from.")
_NEEDS = "Manage Connectors on one of its feeds, or everywhere"
_FILTER = Pattern


class Connector(Model):
    """Be a connector; its secret is never given."""

    name: str
    format: str
    url: str = Field(description="The address of its source; empty where it leads to another feed here.")
    feed: str | None = Field(description="The feed of this installation that it leads to.")
    enabled: bool
    timeout: int = Field(description="Seconds to connect, and of silence.")
    cache_minutes: int
    filters: list[str] = Field(description="Patterns of names; one that begins with ! blocks, any other allows.")
    credential: Credential
    username: str = Field(description="The user's name, or the header's.")
    secret_set: bool
    feeds: list[str] = Field(description="The feeds that use it.")
    checked: Moment | None
    failure: str = Field(description="What went wrong when it was last asked; empty: nothing.")
    latency: int | None = Field(description="Milliseconds of the last answer.")
    server: str = Field(description="What the source said that it is.")
    created: Moment


class ConnectorSettings(Model):
    """Hold what is to be set of a connector; what is left out stays."""

    url: str = Field(default=ABSENT, max_length=2000, pattern=r"^[^\x00]*$", description="The address of its source.")
    feed: FeedName = Field(default=ABSENT, description="Another feed here, in place of an address.")
    enabled: bool = ABSENT
    timeout: int = Field(default=ABSENT, ge=1, le=300)
    cache_minutes: int = Field(default=ABSENT, ge=0, le=43_200)
    filters: list[_FILTER] = Field(default=ABSENT, max_length=1000)
    credential: Credential = ABSENT
    username: Text = ABSENT
    secret: str = Field(
        default=ABSENT, max_length=8000, pattern=r"^[^\x00]*$", description="Kept encrypted and never given again."
    )


class NewConnector(ConnectorSettings):
    """Describe a connector to create."""

    name: Name
    format: Text = Field(description="The format's key, like npm.")


class ChangedConnector(ConnectorSettings):
    """Hold what is to be changed of a connector, its name too; what is left out stays."""

    name: Name = ABSENT


class Health(Model):
    """Say whether a connector's source answered."""

    reachable: bool
    failure: str


@connectors_v1.get("/connectors", Listed[Connector], needs="Manage Connectors anywhere")
def list_connectors(call: Call, query: Paging) -> Answer:
    """List the connectors that one may manage, by name."""
    rows = cut(connectors.list_connectors(call.work), query, lambda row: row.key)
    return page(Listed[Connector], rows, query, lambda row: row.key, shown)


@connectors_v1.create(
    "/connectors",
    Connector,
    needs="Manage Connectors everywhere, or on a feed of the format",
    examples={
        "body": {"name": "public", "format": "npm", "url": "http://localhost:8625/npm/public/", "filters": ["!acme-*"]}
    },
)
def create_connector(call: Call, body: NewConnector) -> Answer:
    """Create a connector."""
    made = connectors.create_connector(call.work, body.name, body.format, _change(body))
    return Answer(shown(made), location=f"/connectors/{quote(made.name)}")


@connectors_v1.get("/connectors/{connector}", Connector, needs=_NEEDS)
def get_connector(call: Call, connector: str) -> Answer:
    """Give a connector."""
    return Answer(shown(connectors.get_connector(call.work, connector)))


@connectors_v1.patch(
    "/connectors/{connector}",
    Connector,
    needs=_NEEDS,
    match=Match.REQUIRED,
    examples={"body": {"timeout": 20, "enabled": True}},
)
def change_connector(call: Call, connector: str, body: ChangedConnector) -> Answer:
    """Change a connector; an address on another server forgets the secret unless that is given again."""
    held = connectors.get_connector(call.work, connector)
    call.check_match(shown(held))
    changed = connectors.update_connector(call.work, held.name, _change(body, body.name))
    call.work.runtime.sources.forget(changed.name)
    return Answer(shown(changed))


@connectors_v1.delete("/connectors/{connector}", needs=_NEEDS, match=Match.REQUIRED)
def delete_connector(call: Call, connector: str) -> Answer:
    """Delete a connector; what came by it stays."""
    held = connectors.get_connector(call.work, connector)
    call.check_match(shown(held))
    connectors.delete_connector(call.work, held.name)
    call.work.runtime.sources.forget(held.name)
    return Answer()


@connectors_v1.get("/connectors/{connector}/health", Health, needs=_NEEDS, tagged=False)
def check_connector(call: Call, connector: str) -> Answer:
    """Ask the connector's source now whether it is there."""
    held = connectors.get_connector(call.work, connector)
    name, actor, runtime = held.name, call.work.actor, call.work.runtime
    call.work.session.rollback()
    failure = connectorhealth.check(runtime, actor, name)
    return Answer(Health(reachable=not failure, failure=failure))


def shown(connector: stored.Connector) -> Connector:
    """Give a connector as the API shows it."""
    return Connector(
        name=connector.name,
        format=connector.format,
        url=connector.url,
        feed=connector.feed.name if connector.feed is not None else None,
        enabled=connector.enabled,
        timeout=connector.timeout,
        cache_minutes=connector.cache_minutes,
        filters=list(connector.filters),
        credential=Credential(connector.credential),
        username=connector.username,
        secret_set=bool(connector.secret),
        feeds=[link.feed.name for link in connector.links],
        checked=connector.checked,
        failure=connector.failure,
        latency=connector.latency,
        server=connector.server,
        created=connector.created,
    )


def _change(body: ConnectorSettings, name: str | None = None) -> ConnectorChange:
    return ConnectorChange(
        *(name, body.url, body.feed, body.enabled, body.timeout, body.cache_minutes),
        *(body.filters, body.credential, body.username, body.secret),
    )
