"""Users, groups, grants and keys by command."""

from __future__ import annotations

import pytest

from app.bootstrap import open_runtime
from app.domain.permissions import Permission
from app.services import access, directories, keys
from app.services.runtime import Actor
from app.settings import load_settings
from tests.cli.conftest import Promontory

PASSWORD = "correct horse battery"


def test_a_user_is_created_with_a_password_from_stdin(promontory: Promontory) -> None:
    assert promontory(
        "user",
        "create",
        "sam",
        "--password-stdin",
        "--admin",
        "--display-name",
        "Sam",
        "--email",
        "s@x.y",
        stdin=PASSWORD + "\n",
    )
    (user,) = promontory.json("user", "list")
    assert (user["name"], user["displayName"], user["email"], user["active"]) == ("sam", "Sam", "s@x.y", True)
    (grant,) = promontory.json("grant", "list")
    assert (grant["task"], grant["user"], grant["feed"], grant["deny"]) == ("Administer", "sam", None, False)
    runtime = open_runtime(load_settings(data=promontory.data))
    with runtime.reading(Actor("nobody")) as work:
        assert directories.check_password(work, "sam", PASSWORD).name == "sam"
    runtime.database.close()


def test_an_administrator_is_created_whole_or_not_at_all(promontory: Promontory) -> None:
    assert "too short" in promontory.refused("user", "create", "sam", "--password-stdin", "--admin", stdin="short\n")
    assert promontory.json("user", "list") == []


def test_a_user_without_a_password_is_told_about(promontory: Promontory) -> None:
    result = promontory.run("user", "create", "sam")
    assert "promontory user password sam" in result.stderr


def test_a_second_user_of_a_name_is_a_conflict(promontory: Promontory) -> None:
    promontory("user", "create", "sam")
    assert "There is a user 'SAM' already" in promontory.refused("user", "create", "SAM", code=3)


def test_a_user_is_disabled_enabled_and_deleted(promontory: Promontory) -> None:
    promontory("user", "create", "sam")
    promontory("user", "disable", "sam")
    assert promontory.json("user", "list")[0]["active"] is False
    promontory("user", "enable", "sam")
    assert promontory.json("user", "list")[0]["active"] is True
    promontory("user", "delete", "sam", "--yes")
    assert promontory.json("user", "list") == []


def test_a_password_is_set(promontory: Promontory) -> None:
    promontory("user", "create", "sam")
    promontory("user", "password", "sam", "--password-stdin", stdin=PASSWORD)
    assert "no terminal" in promontory.refused("user", "password", "sam")


def test_groups_and_their_members(promontory: Promontory) -> None:
    for name in ("ann", "kim", "sam"):
        promontory("user", "create", name)
    promontory("group", "create", "Leads", "--member", "ann", "--member", "sam")
    promontory("group", "members", "Leads", "--add", "kim", "--remove", "ANN")
    assert promontory.json("group", "members", "leads")["users"] == ["kim", "sam"]
    assert promontory.json("group", "list") == [{"name": "Leads", "users": ["kim", "sam"]}]
    promontory("group", "delete", "Leads", "--yes")
    assert promontory.json("group", "list") == []


def test_a_group_of_unknown_people_is_refused(promontory: Promontory) -> None:
    assert "no user 'nope'" in promontory.refused("group", "create", "Leads", "--member", "nope")


def test_grants_and_restrictions(promontory: Promontory) -> None:
    promontory("feed", "create", "prod", "--format", "npm", "--group", "Team")
    promontory("user", "create", "ann")
    promontory("group", "create", "Leads")
    promontory("grant", "add", "View & Download Packages", "--everyone")
    promontory("grant", "add", "Promote Packages", "--group", "Leads", "--feed", "prod")
    promontory("grant", "add", "Promote Packages", "--user", "ann", "--feed-group", "Team", "--deny")
    seen = [(g["user"], g["group"], g["feed"], g["feedGroup"], g["deny"]) for g in promontory.json("grant", "list")]
    assert seen == [
        ("Everyone", None, None, None, False),
        (None, "Leads", "prod", None, False),
        ("ann", None, None, "Team", True),
    ]
    promontory("grant", "remove", promontory.json("grant", "list")[0]["id"])
    assert len(promontory.json("grant", "list")) == 2


@pytest.mark.parametrize("principal", ["authenticated", "anonymous"])
def test_grants_to_everybody_of_a_kind(promontory: Promontory, principal: str) -> None:
    promontory("grant", "add", "View & Download Packages", f"--{principal}")
    assert promontory.json("grant", "list")[0]["user"] == principal.capitalize()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("Fly", "--everyone"), "no task 'Fly'"),
        (("Administer",), "names one user"),
        (("Administer", "--everyone", "--user", "sam"), "names one user"),
        (("Administer", "--everyone", "--feed", "nope"), "no feed 'nope'"),
        (("Administer", "--everyone", "--feed-group", "nope"), "no feed group 'nope'"),
    ],
)
def test_impossible_grants_are_refused(promontory: Promontory, words: tuple[str, ...], message: str) -> None:
    assert message in promontory.refused("grant", "add", *words)


def test_a_key_is_printed_alone_even_before_the_first_start(promontory: Promontory) -> None:
    secret = promontory("key", "create", "--type", "system", "--name", "ci")
    assert secret.startswith("prm_")
    assert secret.count("\n") == 1
    runtime = open_runtime(load_settings(data=promontory.data))
    with runtime.reading(Actor("nobody")) as work:
        found = keys.find_key(work, secret.strip())
        assert found is not None
        assert keys.actor_of(found).name == "API: ci"
    runtime.database.close()


def test_a_feed_key_has_its_rights_on_its_feeds(promontory: Promontory) -> None:
    for name in ("dev", "prod", "other"):
        promontory("feed", "create", name, "--format", "npm")
    key = promontory.json(
        "key", "create", "--type", "feed", "--name", "k", "--feed", "dev", "--feed", "prod",
        "--right", "view", "--right", "promote", "--expires", "2999-01-01",
    )  # fmt: skip
    assert (key["feed"], key["packagePermissions"], key["expiration"]) == (
        "dev,prod",
        ["promote", "view"],
        "2999-01-01T00:00:00.000Z",
    )
    runtime = open_runtime(load_settings(data=promontory.data))
    with runtime.reading(Actor("nobody")) as work:
        found = keys.find_key(work, key["key"])
        assert found is not None
        work.actor = keys.actor_of(found)
        feeds = {name: access.find_feed(work, name) for name in ("dev", "other")}
        allowed = [access.allowed(work, Permission.ACCEPT_PROMOTIONS, feed) for feed in feeds.values()]
    runtime.database.close()
    assert allowed == [True, False]


def test_personal_keys_and_keys_of_a_feed_group(promontory: Promontory) -> None:
    promontory("user", "create", "ann")
    promontory("feed", "create", "dev", "--format", "npm", "--group", "Team")
    promontory("key", "create", "--type", "personal", "--name", "mine", "--user", "ann")
    promontory("key", "create", "--type", "feed", "--name", "team", "--feed-group", "Team", "--right", "view")
    listed = promontory.json("key", "list")
    assert [(k["type"], k["user"], k["feedGroup"], "key" in k) for k in listed] == [
        ("Personal", "ann", None, False),
        ("Feed", None, "Team", False),
    ]
    promontory("key", "delete", listed[0]["id"])
    assert [k["displayName"] for k in promontory.json("key", "list")] == ["team"]
    assert "team" in promontory("key", "list")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--type", "feed", "--right", "view"), "names its feeds"),
        (("--type", "feed", "--feed", "dev"), "some of the rights"),
        (("--type", "feed", "--feed", "nope", "--right", "view"), "no feed 'nope'"),
        (("--type", "personal", "--user", "nope"), "no user 'nope'"),
        (("--type", "system", "--right", "view"), "not ['view']"),
    ],
)
def test_impossible_keys_are_refused(promontory: Promontory, words: tuple[str, ...], message: str) -> None:
    promontory("feed", "create", "dev", "--format", "npm")
    assert message in promontory.refused("key", "create", "--name", "k", *words)
    assert promontory.json("key", "list") == []
