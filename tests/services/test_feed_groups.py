"""Deleting a feed group: what hangs on it is counted first, and goes only when asked."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.domain.errors import Conflict
from app.services import access, events, feedgroups, grants
from app.services.events import EventFilter
from app.services.grants import GrantRequest
from app.services.runtime import Actor, Runtime
from app.storage.models import Grant
from tests.fixtures import make_feeds

READ = "View & Download Packages"


@pytest.fixture
def team(runtime: Runtime, sam: Actor) -> Runtime:
    make_feeds(runtime, "npm", "dev", "prod", group="Team")
    with runtime.writing(sam) as work:
        grants.grant(work, GrantRequest(READ, principal="everyone", feed_group="Team"))
        grants.grant(work, GrantRequest(READ, principal="anonymous", feed_group="Team", deny=True))
    return runtime


def test_what_hangs_on_a_group_is_counted_restrictions_apart(team: Runtime, sam: Actor) -> None:
    with team.reading(sam) as work:
        assert feedgroups.held_by_feed_group(work, "team") == {"feeds": 2, "grants": 1, "restrictions": 1}


def test_a_group_in_use_stays_unless_asked_otherwise(team: Runtime, sam: Actor) -> None:
    with pytest.raises(Conflict, match="2 feeds and 1 grants and 1 restrictions"), team.writing(sam) as work:
        feedgroups.delete_feed_group(work, "Team")


def test_emptying_keeps_the_feeds_and_records_each_grant_that_goes(team: Runtime, sam: Actor) -> None:
    with team.writing(sam) as work:
        feedgroups.delete_feed_group(work, "Team", emptying=True)
    with team.reading(sam) as work:
        assert [access.get_feed(work, name).group_id for name in ("dev", "prod")] == [None, None]
        assert work.session.scalars(select(Grant).where(Grant.feed_group_id.is_not(None))).all() == []
        assert feedgroups.list_feed_groups(work) == []
        tags = [event.tag for event in events.find(work, EventFilter())[0]]
    assert {"grant-removed", "restriction-removed", "feed-group-deleted"} <= set(tags)
