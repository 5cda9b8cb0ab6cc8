"""API keys by API: their shape, who may make which, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.services import keys
from tests.api.conftest import DENIAL, ON_SQLITE, OWNER, PASSWORD, Api
from tests.fixtures import make_feeds, make_key

LIST, CREATE, DELETE = "/api/api-keys/list", "/api/api-keys/create", "/api/api-keys/delete"
SYSTEM: dict[str, Any] = {"type": "System", "displayName": "ci", "systemApis": ["feeds", "sca", "sbom-upload"]}
FEED: dict[str, Any] = {"type": "Feed", "displayName": "promoter", "feed": "dev", "packagePermissions": ["view"]}
TYPED = "k3y-0f-my-0wn-ch00s1ng-2026"


def create(api: Api, key: str | None = None, **fields: Any) -> dict[str, Any]:
    answer = api.post(CREATE, key=key, json=fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json
    return made


def listed(api: Api, key: str | None = None) -> list[dict[str, Any]]:
    answer = api.get(LIST, key=key)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json
    return found


def names(api: Api, key: str | None = None) -> list[str]:
    return [each["displayName"] for each in listed(api, key)]


def test_a_secret_is_shown_once_and_works(api: Api) -> None:
    made = create(api, **SYSTEM)
    assert (made["type"], made["logging"], made["displayName"]) == ("System", "None", "ci")
    assert names(api, made["key"]) == ["tests", "ci"]
    assert all("key" not in each for each in listed(api))
    assert made["key"] not in api.get(LIST).text
    (entry,) = [each for each in listed(api) if each["displayName"] == "ci"]
    assert {**entry, "key": made["key"]}.items() >= made.items()


def test_what_the_client_requires_is_in_every_entry(api: Api) -> None:
    api.user("ann")
    create(api, **SYSTEM)
    create(api, **FEED)
    create(api, type="Personal", user="ann", displayName="laptop")
    shapes = {each["type"]: each for each in listed(api)}
    assert set(shapes) == {"System", "Feed", "Personal"}
    assert all({"id", "type", "logging", "displayName"} <= set(each) for each in shapes.values())
    # The client prints the feed group where there is any such member, so that it must not be there.
    assert "feedGroup" not in shapes["Feed"]
    assert (shapes["Feed"]["feed"], shapes["Feed"]["packagePermissions"]) == ("dev", ["view"])
    assert shapes["Personal"]["user"] == "ann"


@pytest.mark.parametrize("kind", ["system", "System", "SYSTEM"])
def test_the_case_of_an_enum_does_not_matter(api: Api, kind: str) -> None:
    assert create(api, type=kind, displayName="x", logging="NONE")["type"] == "System"


def test_what_every_release_of_the_client_calls_full_control(api: Api) -> None:
    for apis in (["full-control", "feeds", "sbom", "sbom-upload"], ["full-control"], ["feeds", "sca", "sbom-upload"]):
        made = create(api, type="System", systemApis=apis)
        assert sorted(made["systemApis"]) == ["feeds", "sbom-upload", "sca"]
        assert api.get(LIST, key=made["key"]).status_code == 200
    assert create(api, type="System", systemApis=["sbom"])["systemApis"] == ["sca"]


def test_a_key_without_a_display_name_is_given_one(api: Api) -> None:
    assert create(api, type="System")["displayName"].startswith("System key of 20")
    assert create(api, type="Feed", feed="dev", packagePermissions=["view"])["displayName"].startswith("Feed key of")


def test_the_text_of_a_key_can_be_chosen_and_is_no_credential(api: Api) -> None:
    made = api.post(CREATE, json={**SYSTEM, "key": TYPED}).json
    assert made["key"] == TYPED
    assert len(listed(api, TYPED)) == 2
    alone = api.post(CREATE, key="", json={**SYSTEM, "key": TYPED})
    assert (alone.status_code, alone.text.startswith(DENIAL)) == (403, True)


def test_a_key_in_the_query_authorises_while_another_is_created(api: Api) -> None:
    answer = api.post(CREATE, key="", query_string={"key": api.key}, json={**SYSTEM, "key": TYPED})
    assert answer.json["key"] == TYPED


def test_a_form_creates_a_key_too(api: Api) -> None:
    answer = api.post(CREATE, key="", data={"key": api.key, "type": "System", "displayName": "form"})
    assert (answer.status_code, answer.json["displayName"]) == (200, "form")


def test_a_feed_key_may_be_about_several_feeds_or_a_group(api: Api) -> None:
    make_feeds(api.runtime, "npm", "grouped", group="Team")
    made = create(api, **{**FEED, "feed": "dev, prod", "packagePermissions": ["View", "Promote"]})
    assert (made["feed"], made["packagePermissions"]) == ("dev,prod", ["promote", "view"])
    assert api.promote(key=made["key"]).status_code == 200
    grouped = create(api, type="Feed", feedGroup="Team", packagePermissions=["view"])
    assert (grouped["feedGroup"], "feed" in grouped) == ("Team", False)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("2999-01-02", "2999-01-02T00:00:00.000Z"),
        ("2999-01-02T03:04:05", "2999-01-02T03:04:05.000Z"),
        ("2999-01-02T03:04:05.1234567Z", "2999-01-02T03:04:05.123Z"),
        ("2999-01-02T03:04:05+02:00", "2999-01-02T01:04:05.000Z"),
    ],
)
def test_an_expiry_is_kept_in_utc(api: Api, sent: str, answered: str) -> None:
    assert create(api, **SYSTEM, expiration=sent)["expiration"] == answered


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_a_deleted_key_stops_at_once(api: Api, method: str) -> None:
    made = create(api, **SYSTEM)
    assert api.send(method, f"{DELETE}?id={made['id']}").status_code == 200
    assert api.get(LIST, key=made["key"]).status_code == 403
    again = api.send(method, f"{DELETE}?id={made['id']}")
    assert (again.status_code, f"no API key {made['id']}" in again.text) == (404, True)


@ON_SQLITE
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "The field type is missing"),
        ({"type": 1}, "The field type is 1; send text"),
        ({"type": "Other"}, "There are no 'other' keys"),
        ({**SYSTEM, "displayName": "a:b"}, "is not possible"),
        ({**SYSTEM, "displayName": "x" * 101}, "is not possible"),
        ({**SYSTEM, "description": "x" * 2001}, "description is too long"),
        ({**SYSTEM, "systemApis": []}, "systemApis is empty"),
        ({**SYSTEM, "systemApis": ["fly"]}, "some of the rights"),
        ({**SYSTEM, "systemApis": [1]}, "The field systemApis is 1; send text"),
        ({**SYSTEM, "logging": "Both"}, "are not logged here"),
        ({**SYSTEM, "key": "short"}, "24 to 200 printable"),
        ({**SYSTEM, "key": "a" * 30}, "not a repetition"),
        ({**SYSTEM, "key": 123456789}, "The field key is no text"),
        ({**SYSTEM, "expiration": "soon"}, "send a moment as ISO 8601"),
        ({**SYSTEM, "expiration": "2001-01-01"}, "is in the past"),
        ({**SYSTEM, "expiration": "0001-01-01T00:00:00+23:00"}, "send a moment as ISO 8601"),
        ({**SYSTEM, "expiration": 5}, "send text"),
        ({**FEED, "feed": "nowhere"}, "no feed 'nowhere'"),
        ({**FEED, "feedGroup": "Team"}, "names its feeds, or one feed group"),
        ({**FEED, "feed": " , "}, "names its feeds, or one feed group"),
        ({**FEED, "feed": None, "feedGroup": "Team"}, "no feed group 'Team'"),
        ({**FEED, "packagePermissions": []}, "some of the rights"),
        ({**FEED, "packagePermissions": ["fly"]}, "some of the rights"),
        ({"type": "Personal", "user": "nobody"}, "no user 'nobody'"),
        ({"type": "Personal"}, "no user ''"),
    ],
)
def test_impossible_keys_are_refused_and_none_is_made(api: Api, fields: dict[str, Any], sentence: str) -> None:
    answer = api.post(CREATE, json=fields)
    assert (answer.status_code, sentence in answer.text) == (400, True), answer.text
    assert names(api) == ["tests"]
    assert str(fields.get("key", "\0")) not in answer.text


def test_the_text_of_another_key_cannot_be_taken(api: Api) -> None:
    answer = api.post(CREATE, json={**SYSTEM, "key": api.key})
    assert (answer.status_code, "cannot be used" in answer.text) == (400, True)


@ON_SQLITE
@pytest.mark.parametrize("number", ["", "x", "0", "-1", "1.5", "²", "9" * 30, "2147483648", "1&id=2"])
def test_a_number_that_is_none_deletes_nothing(api: Api, number: str) -> None:
    assert api.post(f"{DELETE}?id={number}").status_code == 400
    assert names(api) == ["tests"]


# Who may ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who",
    [
        lambda api: "",
        lambda api: "nonsense",
        lambda api: api.feed_key("view add promote delete", "dev", "prod"),
        lambda api: make_key(api.runtime, "system", "feeds", rights=["feeds"]),
        lambda api: make_key(api.runtime, "system", "bom", rights=["sca", "sbom-upload"]),
    ],
    ids=["nobody", "wrong key", "feed key", "key for feeds", "key for bills of materials"],
)
def test_keys_without_full_control_make_no_keys(api: Api, who: Any) -> None:
    secret, before = who(api), names(api)
    number = listed(api)[0]["id"]
    answers = [
        api.get(LIST, key=secret),
        api.post(CREATE, key=secret, json=SYSTEM),
        api.post(CREATE, key=secret, json=FEED),
        api.post(f"{DELETE}?id={number}", key=secret),
        api.post(f"{DELETE}?id=4711", key=secret),
    ]
    assert {(answer.status_code, answer.text[: len(DENIAL)]) for answer in answers} == {(403, DENIAL)}
    assert names(api) == before


def test_somebody_makes_and_deletes_keys_of_their_own_only(api: Api) -> None:
    ann, bob = api.user("ann"), api.user("bob")
    mine = create(api, ann, type="Personal", displayName="laptop")
    assert (mine["user"], names(api, ann), names(api, bob)) == ("ann", ["laptop"], [])
    assert api.post(CREATE, key=ann, json={"type": "Personal", "user": "bob"}).status_code == 403
    assert api.post(CREATE, key=ann, json=SYSTEM).status_code == 403
    assert api.post(CREATE, key=ann, json=FEED).status_code == 403
    assert api.post(f"{DELETE}?id={mine['id']}", key=bob).status_code == 403
    assert api.post(f"{DELETE}?id={mine['id']}", key=ann).status_code == 200
    assert names(api) == ["tests"]


def test_a_personal_key_makes_no_further_key(api: Api) -> None:
    ann = api.user("ann")
    mine = create(api, ann, type="Personal", displayName="laptop")["key"]
    assert names(api, mine) == ["laptop"]
    assert api.post(CREATE, key=mine, json={"type": "Personal", "displayName": "second"}).status_code == 403


def test_a_feed_manager_makes_keys_of_their_feeds(api: Api) -> None:
    ann = api.user("ann", ("Manage Feed", "dev"))
    made = create(api, ann, **FEED)
    assert names(api, ann) == ["promoter"]
    assert api.post(CREATE, key=ann, json={**FEED, "feed": "dev,prod"}).status_code == 403
    assert api.post(f"{DELETE}?id={made['id']}", key=ann).status_code == 200


def test_an_administrator_makes_keys_for_others(api: Api) -> None:
    admin = api.user("sam", ("Administer", ""))
    api.user("ann")
    made = create(api, admin, type="Personal", user="ANN", displayName="robot")
    with api.runtime.reading(OWNER) as work:
        found = keys.list_keys(work)
    assert [(key.name, key.user and key.user.name) for key in found][1:] == [("robot", "ann")]
    assert names(api, made["key"]) == ["robot"]
    assert PASSWORD not in api.get(LIST).text
