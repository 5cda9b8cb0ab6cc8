"""Connectors: who sets them up, what they hold back, which feeds use them."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.domain.connectors import Credential
from app.domain.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from app.services import connectors, events, grants, people, vault
from app.services.connectors import ConnectorChange
from app.services.grants import GrantRequest
from app.services.runtime import Actor, Runtime
from app.storage.models import Connector
from tests.fixtures import make_feeds

URL = "https://upstream.example/npm/"


@pytest.fixture
def house(runtime: Runtime, sam: Actor) -> Runtime:
    """Give an installation with feeds of two formats and a connector."""
    make_feeds(runtime, "npm", "unapproved", "approved")
    make_feeds(runtime, "nuget", "packages")
    with runtime.writing(sam) as work:
        connectors.create_connector(work, "public", "npm", ConnectorChange(url=URL, filters=["!acme-*"]))
    return runtime


def somebody(runtime: Runtime, sam: Actor, name: str, *given: GrantRequest) -> Actor:
    with runtime.writing(sam) as work:
        user = people.create_user(work, name)
        for request in given:
            grants.grant(work, request)
        return Actor(name, user_id=user.id)


def change(runtime: Runtime, actor: Actor, **values: object) -> Connector:
    with runtime.writing(actor) as work:
        return connectors.update_connector(work, "public", ConnectorChange(**values))  # type: ignore[arg-type]


def test_a_connector_is_attached_in_the_order_in_which_it_is_asked(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        connectors.create_connector(work, "second", "npm", ConnectorChange(feed="approved"))
        connectors.attach(work, "unapproved", ["second", "public"])
    with house.writing(sam) as work:
        feed = connectors.attach(work, "unapproved", ["public", "second"])
        assert [link.connector.name for link in feed.links] == ["public", "second"]
        recorded, _ = events.find(work, events.EventFilter(tag="feed-connectors-changed"))
        assert recorded[0].data["changed"] == {"connectors": [["second", "public"], ["public", "second"]]}


def test_the_secret_is_kept_encrypted_and_the_key_outside_of_the_database(house: Runtime, sam: Actor) -> None:
    change(house, sam, credential=Credential.BASIC, username="bot", secret="hunter2-very-secret")
    with house.reading(sam) as work:
        kept = work.session.scalar(text("SELECT secret FROM connector"))
        connector = connectors.get_connector(work, "public")
        assert "hunter2" not in kept
        assert connectors.headers_of(work, connector)["Authorization"].startswith("Basic ")
        assert "hunter2" not in str(connectors.describe(connector))
        recorded, _ = events.find(work, events.EventFilter())
        assert not any("hunter2" in str(event.data) for event in recorded)
    key = house.settings.data / vault.KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600
    key.write_text(vault.new_key())
    with house.reading(sam) as work, pytest.raises(Conflict, match="another key"):
        connectors.headers_of(work, connectors.get_connector(work, "public"))


@pytest.mark.parametrize(
    "moved",
    [
        {"url": "https://thief.example/npm/"},
        {"url": "http://upstream.example/npm/"},
        {"credential": Credential.HEADER, "username": "X-Stolen"},
    ],
)
def test_a_secret_does_not_follow_to_another_server(house: Runtime, sam: Actor, moved: dict[str, object]) -> None:
    change(house, sam, credential=Credential.BEARER, secret="hunter2-very-secret")
    assert change(house, sam, url="https://upstream.example/other/").secret
    assert not change(house, sam, **moved).secret


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"url": "ftp://upstream.example/"}, "https://"),
        ({"url": "https://bot:pw@upstream.example/"}, "credentials"),
        ({"url": "https://upstream.example/#x"}, "#"),
        ({"url": "javascript:alert(1)"}, "https://"),
        ({"timeout": 0}, "timeout"),
        ({"filters": ["!"]}, "pattern"),
        ({"credential": Credential.HEADER, "username": "Host", "secret": "x"}, "header"),
        ({"credential": Credential.BEARER, "secret": "a\r\nX-Evil: 1"}, "secret"),
        ({"feed": "packages"}, "nuget"),
        ({"name": "a/b"}, "name"),
    ],
)
def test_what_cannot_be_is_refused_in_words(house: Runtime, sam: Actor, values: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        change(house, sam, **values)


def test_a_connector_leads_to_one_format(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work, pytest.raises(Invalid, match="nuget"):
        connectors.attach(work, "packages", ["public"])


def test_a_feed_cannot_fetch_from_itself(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        connectors.create_connector(work, "mine", "npm", ConnectorChange(feed="approved"))
        with pytest.raises(Invalid, match="itself"):
            connectors.attach(work, "approved", ["mine"])
    with house.writing(sam) as work:
        connectors.attach(work, "unapproved", ["mine"])
        with pytest.raises(Invalid, match="itself"):
            connectors.update_connector(work, "mine", ConnectorChange(feed="unapproved"))


def test_the_right_on_one_feed_is_enough_and_none_is_not(house: Runtime, sam: Actor) -> None:
    manager = somebody(house, sam, "mona", GrantRequest("Manage Feed", user="mona", feed="unapproved"))
    other = somebody(house, sam, "otto", GrantRequest("Manage Feed", user="otto", feed="packages"))
    reader = somebody(house, sam, "rita", GrantRequest("View & Download Packages", user="rita"))
    with house.writing(manager) as work:
        connectors.attach(work, "unapproved", ["public"])
    with house.reading(manager) as work:
        assert [each.name for each in connectors.list_connectors(work)] == ["public"]
    with house.reading(other) as work:
        assert connectors.list_connectors(work) == []
        with pytest.raises(AppError) as refused:
            connectors.get_connector(work, "public")
        assert isinstance(refused.value, Forbidden | NotFound)
    for act in (connectors.list_connectors, lambda work: connectors.get_connector(work, "public")):
        with house.reading(reader) as work, pytest.raises(Forbidden):
            act(work)
    with house.writing(reader) as work, pytest.raises(Forbidden):
        connectors.create_connector(work, "mine", "npm", ConnectorChange(url=URL))


def test_who_cannot_download_from_a_feed_cannot_connect_to_it(house: Runtime, sam: Actor) -> None:
    mona = somebody(house, sam, "mona", GrantRequest("Manage Feed", user="mona", feed="unapproved"))
    with house.writing(mona) as work, pytest.raises(Forbidden):
        connectors.create_connector(work, "sneaky", "npm", ConnectorChange(feed="approved"))


def test_deleting_a_feed_or_a_connector_leaves_the_other(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        connectors.attach(work, "unapproved", ["public"])
        assert connectors.delete_connector(work, "PUBLIC") == ["unapproved"]
    with house.reading(sam) as work:
        assert connectors.list_connectors(work) == []
        with pytest.raises(NotFound):
            connectors.get_connector(work, "public")
