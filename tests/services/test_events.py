"""The event log: what is in it, from where, what was refused; and that no change to it goes unseen."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.errors import AppError
from app.services import events, feeds, grants, people, promotions
from app.services.events import EventFilter
from app.services.promotions import PromotionRequest, Wanted
from app.services.runtime import ANONYMOUS, Actor, Runtime
from tests.fixtures import make_feeds, publish_sample


def log(runtime: Runtime, sam: Actor, tag: str = "") -> list[dict[str, Any]]:
    """Give the events of a kind, the newest first."""
    with runtime.reading(sam) as work:
        found, _ = events.find(work, EventFilter(tag=tag, limit=200))
        return [{"actor": e.actor, "feed": e.feed, "subject": e.subject, **e.data} for e in found]


def ask(target: str = "prod", version: str = "1.0.0") -> PromotionRequest:
    return PromotionRequest("dev", target, (Wanted("left", version),), "tried")


@pytest.fixture
def stages(runtime: Runtime) -> Runtime:
    make_feeds(runtime, "npm", "dev", "prod")
    publish_sample(runtime, "dev", "left", "1.0.0")
    return runtime


def test_an_event_says_from_where_and_by_which_key(stages: Runtime) -> None:
    actor = Actor("API: ci", key_id=7, rights=frozenset(grants.Permission), address="192.0.2.9")
    with stages.writing(actor) as work:
        feeds.update_feed(work, "dev", feeds.FeedChange(description="for trying"))
    entry = log(stages, actor, "feed-changed")[0]
    assert (entry["actor"], entry["key"], entry["address"]) == ("API: ci", 7, "192.0.2.9")
    assert entry["changed"] == {"description": ["", "for trying"]}


def test_a_refused_promotion_is_in_the_log_with_its_reason(stages: Runtime, sam: Actor) -> None:
    with stages.writing(sam) as work:
        ann = Actor("ann", user_id=people.create_user(work, "ann").id, address="192.0.2.8")
        grants.grant(work, grants.GrantRequest("View & Download Packages", user="ann"))
    for actor, request, code in ((ann, ask(), "forbidden"), (sam, ask(version="9.0.0"), "unknown-version")):
        with pytest.raises(AppError):
            promotions.promote(stages, actor, request)
        entry = log(stages, sam, "promotion-refused")[0]
        assert (entry["actor"], entry["feed"], entry["source"]) == (actor.name, "prod", "dev")
        assert (entry["subject"], entry["comments"]) == (f"left {request.items[0].version}", "tried")
        assert entry["code"] == code or actor is sam
        assert entry["reason"]
    assert log(stages, sam, "package-promoted") == []


def test_a_promotion_that_succeeds_is_not_refused(stages: Runtime, sam: Actor) -> None:
    promotions.promote(stages, sam, ask())
    assert log(stages, sam, "promotion-refused") == []


def test_a_stranger_cannot_fill_the_log(stages: Runtime, sam: Actor) -> None:
    before = len(log(stages, sam))
    with pytest.raises(AppError):
        promotions.promote(stages, ANONYMOUS, ask())
    assert len(log(stages, sam)) == before


def test_deleting_a_user_and_a_feed_leaves_the_log_whole(stages: Runtime, sam: Actor) -> None:
    with stages.writing(sam) as work:
        people.create_user(work, "ann")
        grants.grant(work, grants.GrantRequest("View & Download Packages", user="ann", feed="prod"))
    promotions.promote(stages, sam, ask())
    before = log(stages, sam)
    with stages.writing(sam) as work:
        people.delete_user(work, "ann")
        feeds.delete_feed(work, "prod")
        feeds.delete_feed(work, "dev")
        assert events.verify(work) is None
    assert log(stages, sam)[-len(before) :] == before


# Tampering --------------------------------------------------------------------------------------------

COLUMNS = ("at", "actor", "tag", "feed", "subject", "data", "previous", "hash")


@pytest.fixture
def eight_entries(runtime: Runtime, sam: Actor) -> Runtime:
    with runtime.writing(sam) as work:
        for number in range(8 - len(log(runtime, sam))):
            events.record(work, "something-done", feed="dev", subject=f"s{number}", number=number, words="abc")
        assert events.verify(work) is None
    return runtime


def broken(runtime: Runtime, sam: Actor, *statements: str) -> int | None:
    """Change the table behind the application's back; give the entry at which the log is said to be broken."""
    with runtime.database.writer.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    with runtime.reading(sam) as work:
        found = events.verify(work)
    return found.id if found is not None else None


@pytest.mark.parametrize("entry", range(1, 9))
@pytest.mark.parametrize("column", COLUMNS)
def test_one_flipped_byte_is_found_in_its_entry(eight_entries: Runtime, sam: Actor, entry: int, column: str) -> None:
    with eight_entries.reading(sam) as work:
        value = work.session.scalar(text(f'SELECT CAST("{column}" AS TEXT) FROM event WHERE id = {entry}'))
    middle = len(value) // 2
    # A letter within a JSON text must stay JSON: the third letter of a key or value is flipped.
    if column == "data":
        data = json.loads(value)
        data = {**data, "words": data.get("words", "") + "x"}
        flipped = json.dumps(data)
    else:
        flipped = value[:middle] + chr(ord(value[middle]) ^ 1) + value[middle + 1 :]
    statement = f"UPDATE event SET \"{column}\" = '{flipped}' WHERE id = {entry}"
    assert broken(eight_entries, sam, statement) == entry


@pytest.mark.parametrize("entry", range(1, 9))
def test_a_deleted_row_is_found_where_it_was(eight_entries: Runtime, sam: Actor, entry: int) -> None:
    assert broken(eight_entries, sam, f"DELETE FROM event WHERE id = {entry}") == entry


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 3), (3, 7), (7, 8), (1, 8)])
def test_two_swapped_rows_are_found_at_the_first(eight_entries: Runtime, sam: Actor, first: int, second: int) -> None:
    swap = [
        f"UPDATE event SET id = 1000 WHERE id = {first}",
        f"UPDATE event SET id = {first} WHERE id = {second}",
        f"UPDATE event SET id = {second} WHERE id = 1000",
    ]
    assert broken(eight_entries, sam, *swap) == first


def test_an_inserted_row_is_found(eight_entries: Runtime, sam: Actor) -> None:
    columns = ", ".join(f'"{column}"' for column in COLUMNS)
    assert (
        broken(eight_entries, sam, f"INSERT INTO event (id, {columns}) SELECT 9, {columns} FROM event WHERE id = 8")
        == 9
    )
