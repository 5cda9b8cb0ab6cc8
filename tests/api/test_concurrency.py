"""Several clients at once, over HTTP, on both databases: one history, nothing twice, no fault of ours."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import select

from app.services import events
from app.services.runtime import Runtime, owner
from app.storage.models import Promotion, PromotionItem
from app.web.server import Server
from tests.api.wire import Answer, send, send_json
from tests.fixtures import make_feeds, make_key, publish_sample, running

OWNER = owner("sam")
CLIENTS = 4


@pytest.fixture
def served(runtime: Runtime) -> Iterator[tuple[Server, str]]:
    """Give a server whose feed dev holds 20 packages, and a key."""
    make_feeds(runtime, "npm", "dev", "test", "prod")
    for number in range(20):
        publish_sample(runtime, "dev", f"pkg-{number}", "1.0.0")
    key = make_key(runtime, "system", "tests")
    busy = replace(runtime, settings=runtime.settings.model_copy(update={"threads": 8}))
    with running(busy) as server:
        yield server, key


def at_once(calls: list[Callable[[], Answer]]) -> list[Answer]:
    """Make calls at the same moment and give their answers."""
    start = Barrier(len(calls))

    def call(each: Callable[[], Answer]) -> Answer:
        start.wait(30)
        return each()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result(60) for each in [pool.submit(call, each) for each in calls]]


def promote(served: tuple[Server, str], numbers: range, to: str = "prod", **more: str) -> Callable[[], Answer]:
    items = [{"name": f"pkg-{number}", "version": "1.0.0"} for number in numbers]
    body = {"fromFeed": "dev", "toFeed": to, "items": items, **more}
    return lambda: send_json(served[0], "POST", "/api/promotions/promote", served[1], body)


def outcomes(server: Server, feed: str) -> Counter[tuple[str, str]]:
    """Count what history says came of each package."""
    with server.runtime.reading(OWNER) as work:
        rows = work.session.execute(
            select(PromotionItem.name, PromotionItem.outcome).join(Promotion).where(Promotion.target_name == feed)
        )
        assert events.verify(work) is None
        return Counter((row.name, row.outcome) for row in rows)


def test_overlapping_sets_are_promoted_once_each(served: tuple[Server, str]) -> None:
    ranges = [range(12), range(8, 20), range(4, 16), range(20)]
    answers = at_once([promote(served, each) for each in ranges])
    assert [answer.status for answer in answers] == [200] * CLIENTS, [answer.text for answer in answers]
    added = outcomes(served[0], "prod")
    assert {name: count for (name, outcome), count in added.items() if outcome == "add"} == {
        f"pkg-{number}": 1 for number in range(20)
    }
    listed = send(served[0], "GET", "/api/promotions/list?toFeed=prod", served[1]).json
    assert [len(entry["promotions"]) for entry in listed] == [1] * 20
    versions = send(served[0], "GET", "/api/packages/prod/versions", served[1]).json
    assert len(versions) == 20


def test_the_same_promotion_at_once_is_one(served: tuple[Server, str]) -> None:
    answers = at_once([promote(served, range(5))] * CLIENTS)
    assert [answer.status for answer in answers] == [200] * CLIENTS
    assert sorted("id" in answer.json for answer in answers) == [False, False, False, True]
    assert set(outcomes(served[0], "prod").values()) == {1}


def test_one_idempotency_key_at_once_is_one_promotion_and_one_answer(served: tuple[Server, str]) -> None:
    answers = at_once([promote(served, range(5), idempotencyKey="build 7")] * CLIENTS)
    assert [answer.status for answer in answers] == [200] * CLIENTS
    assert {answer.json["id"] for answer in answers} == {answers[0].json["id"]}
    assert sorted(answer.json["repeated"] for answer in answers) == [False, True, True, True]
    assert len({json.dumps(answer.json["items"]) for answer in answers}) == 1
    assert set(outcomes(served[0], "prod").values()) == {1}


def test_one_idempotency_key_at_once_for_two_targets_serves_one(served: tuple[Server, str]) -> None:
    calls = [promote(served, range(5), to=to, idempotencyKey="build 7") for to in ("test", "prod", "test", "prod")]
    answers = at_once(calls)
    assert sorted(answer.status for answer in answers) == [200, 200, 409, 409], [answer.text for answer in answers]
    assert all("send a new key" in answer.text for answer in answers if answer.status == 409)
    assert sorted(len(outcomes(served[0], feed)) for feed in ("test", "prod")) == [0, 5]


def test_of_plans_that_were_shown_of_one_state_only_one_is_applied(served: tuple[Server, str]) -> None:
    ranges = [range(number * 4, number * 4 + 4) for number in range(CLIENTS)]
    plans = [promote(served, each, dryRun="true")().json for each in ranges]
    calls = [promote(served, each, fingerprint=plan["fingerprint"]) for each, plan in zip(ranges, plans, strict=True)]
    answers = at_once(calls)
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409], [answer.text for answer in answers]
    assert len(outcomes(served[0], "prod")) == 4


def test_promoting_publishing_and_reading_at_once_all_succeed(served: tuple[Server, str]) -> None:
    server, key = served
    make = server.runtime.get_format("npm").kit().make
    files = [make(f"new-{number}", "1.0.0").content for number in range(4)]
    calls = [promote(served, range(number * 5, number * 5 + 5)) for number in range(4)]
    calls += [lambda f=f: send(server, "PUT", "/api/packages/prod/upload", key, body=f) for f in files]  # type: ignore[misc]
    calls += [lambda: send(server, "GET", "/api/packages/prod/versions", key)] * 4
    answers = at_once(calls)
    assert [answer.status for answer in answers] == [200] * 12, [a.text for a in answers if a.status != 200]
    assert len(send(server, "GET", "/api/packages/prod/versions", key).json) == 24
    outcomes(server, "prod")


def test_creating_one_feed_at_once_makes_one(served: tuple[Server, str]) -> None:
    body = {"name": "new", "feedType": "npm"}
    create = [lambda: send_json(served[0], "POST", "/api/management/feeds/create", served[1], body)] * CLIENTS
    statuses = sorted(answer.status for answer in at_once(create))
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {400, 409}
