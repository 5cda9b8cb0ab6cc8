"""Feed groups by page, and a feed that is created with a connector."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.services import access, connectors, feedgroups, grants, keys
from app.services.connectors import ConnectorChange
from app.services.runtime import Runtime, owner
from tests.web.conftest import Visitor

SAM = owner("sam")


def groups(runtime: Runtime) -> dict[str, list[str]]:
    with runtime.reading(SAM) as work:
        return {group.name: [feed.name for feed in feeds] for group, feeds in feedgroups.list_feed_groups(work)}


def test_a_group_is_created_renamed_and_deleted(office: Runtime, sam_visits: Visitor) -> None:
    assert groups(office) == {"Web": ["npm-dev", "npm-prod"]}
    assert "Payments is there" in sam_visits.send("/feed-groups", name="Payments").text
    assert "Billing" in sam_visits.send("/feed-groups/Payments", name="Billing").text
    assert set(groups(office)) == {"Web", "Billing"}
    assert sam_visits.send("/feed-groups/Billing/delete", confirm="billing?").status_code == 400
    assert "is deleted" in sam_visits.send("/feed-groups/Billing/delete", confirm="Billing").text
    assert set(groups(office)) == {"Web"}


def test_deleting_a_group_says_what_goes_and_leaves_the_feeds(office: Runtime, sam_visits: Visitor) -> None:
    page = sam_visits.get("/feed-groups/Web").text
    assert "its 1 grant" in page
    sam_visits.send("/feed-groups/Web/delete", confirm="Web")
    assert groups(office) == {}
    with office.reading(SAM) as work:
        assert access.get_feed(work, "npm-dev").group is None
        assert not [each for each in grants.list_grants(work) if each.feed_group_id is not None]


def test_api_keys_for_a_group_stand_in_the_way(office: Runtime, sam_visits: Visitor) -> None:
    with office.writing(SAM) as work:
        keys.create_key(work, keys.KeyRequest("feed", "ci", feed_group="Web", rights=("view",)))
    assert "1 API key for this group must be deleted first" in sam_visits.get("/feed-groups/Web").text
    sam_visits.send("/feed-groups/Web/delete", confirm="Web")
    assert set(groups(office)) == {"Web"}


@pytest.mark.parametrize("name", ["Web", "web", "", "\x07"])
def test_a_name_that_cannot_be_is_refused_beside_its_field(office: Runtime, sam_visits: Visitor, name: str) -> None:
    page = sam_visits.send("/feed-groups", name=name).text
    assert 'id="name-error"' in page or 'role="alert"' in page
    assert set(groups(office)) == {"Web"}


def test_only_administrators_come_here(visit: Callable[[str], Visitor]) -> None:
    assert visit("wes").get("/feed-groups").status_code == 403
    assert visit("wes").send("/feed-groups/Web", name="Mine").status_code == 403


def test_a_feed_is_created_with_a_connector(office: Runtime, sam_visits: Visitor) -> None:
    with office.writing(SAM) as work:
        connectors.create_connector(work, "other", "npm", ConnectorChange(feed="npm-other"))
    assert "other (npm)" in sam_visits.get("/feeds/new").text
    new = {"usage": "free", "group": "", "target": "", "connector": "other"}
    refused = sam_visits.send("/feeds/new", name="gems-new", format="rubygems", **new)
    assert 'id="connector-error"' in refused.text
    sam_visits.send("/feeds/new", name="npm-new", format="npm", **new)
    with office.reading(SAM) as work:
        assert [link.connector.name for link in access.get_feed(work, "npm-new").links] == ["other"]
        assert access.find_feed(work, "gems-new") is None
