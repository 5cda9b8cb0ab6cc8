"""What keys are used for: each request in the key's log, refusals in the event log, secrets in neither."""

import pytest

from app.services import events, keys
from app.services.events import EventFilter
from app.services.keys import KeyChange
from app.web.serving import Serving
from tests.api.conftest import OWNER, Api
from tests.fixtures import make_key


@pytest.fixture
def database() -> str:
    """Use the embedded database; what is kept is the same in both."""
    return ""


def flush(api: Api) -> None:
    serving: Serving = api.client.application.extensions["promontory.serving"]
    serving.flush()


def uses(api: Api, name: str) -> list[tuple[str, str, int]]:
    """Give what the log of a key holds, the newest first."""
    flush(api)
    with api.runtime.reading(OWNER) as work:
        number = next(key.id for key in keys.list_keys(work) if key.name == name)
        found, total = keys.access_log(work, number)
        assert total == len(found)
        return [(use.method, use.path, use.status) for use in found]


def refused(api: Api) -> list[tuple[str, str, object]]:
    flush(api)
    with api.runtime.reading(OWNER) as work:
        found, _ = events.find(work, EventFilter(tag="key-refused"))
        return [(event.actor, event.subject or "", event.data["status"]) for event in found]


def test_each_request_with_a_key_is_in_its_log(api: Api) -> None:
    key = make_key(api.runtime, "feed", "reader", feeds=["dev"], rights=["view"])
    for _ in range(2):
        # The second is repeated by the outermost layer, which must tell of it too.
        assert api.client.get("/npm/dev/left", headers={"X-ApiKey": key}).status_code == 200
    api.get("/api/packages/dev/versions?name=left&key=hidden", key=key)
    assert uses(api, "reader") == [
        ("GET", "/api/packages/dev/versions", 200),
        ("GET", "/npm/dev/left", 200),
        ("GET", "/npm/dev/left", 200),
    ]
    with api.runtime.reading(OWNER) as work:
        assert next(each for each in keys.list_keys(work) if each.name == "reader").last_used is not None


def test_a_key_used_outside_its_rights_is_an_event_said_once(api: Api) -> None:
    key = make_key(api.runtime, "feed", "reader", feeds=["dev"], rights=["view"])
    for _ in range(3):
        assert api.get("/npm/prod/left", key=key).status_code == 403
    assert [use[2] for use in uses(api, "reader")] == [403, 403, 403]
    assert refused(api) == [("API: reader", "/npm/prod/left", 403)]


@pytest.mark.parametrize("ended", ["disabled", "deleted"])
def test_a_key_that_ended_is_noted_while_its_log_is_there(api: Api, ended: str) -> None:
    key = make_key(api.runtime, "system", "old")
    with api.runtime.writing(OWNER) as work:
        number = next(each.id for each in keys.list_keys(work) if each.name == "old")
        if ended == "disabled":
            keys.update_key(work, number, KeyChange(enabled=False))
        else:
            keys.delete_key(work, number)
    assert api.get("/npm/dev/left", key=key).status_code in (401, 403)
    flush(api)
    assert bool(refused(api)) is (ended == "disabled")


def test_a_log_keeps_the_last_thousand(api: Api) -> None:
    make_key(api.runtime, "system", "busy")
    with api.runtime.writing(OWNER) as work:
        number = next(each.id for each in keys.list_keys(work) if each.name == "busy")
        for start in (0, 700):
            keys.record_uses(
                work,
                [
                    keys.Use(number, api.runtime.clock(), "GET", f"/{count}", 200, "127.0.0.1")
                    for count in range(start, start + 700)
                ],
            )
        found, total = keys.access_log(work, number, limit=1)
    assert (total, found[0].path) == (1000, "/1399")


def test_no_secret_is_in_any_log(api: Api) -> None:
    key = make_key(api.runtime, "system", "chatty")
    api.get(f"/api/promotions/list?key={key}")
    api.post("/api/promotions/list", json={"API_Key": key})
    flush(api)
    with api.runtime.reading(OWNER) as work:
        everything = [str(use.path) for use in keys.access_log(work, 2)[0]]
        found, _ = events.find(work, EventFilter(limit=500))
        everything += [f"{event.subject} {event.data}" for event in found]
    assert not [text for text in everything if key in text or key[12:] in text]


def test_wrong_passwords_are_events_that_name_only_who_exists(api: Api) -> None:
    api.user("ann")
    for name in ("ann", "my secret passphrase"):
        assert api.get("/api/promotions/list", key=f"{name}:wrong password").status_code == 403
    with api.runtime.reading(OWNER) as work:
        found, _ = events.find(work, EventFilter(tag="sign-in-failed"))
    assert [(event.subject, event.data["address"]) for event in found] == [
        ("somebody unknown", "127.0.0.1"),
        ("ann", "127.0.0.1"),
    ]


def test_guessing_does_not_fill_the_log(api: Api) -> None:
    for number in range(40):
        api.get("/api/promotions/list", key=f"user{number}:wrong password")
    with api.runtime.reading(OWNER) as work:
        assert len(events.find(work, EventFilter(tag="sign-in-failed", limit=100))[0]) == 30
