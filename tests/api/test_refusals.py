"""Who and what is refused, with which status and in which words: one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.domain.promotion import Accepts, PromoteTo
from app.services import feeds, grants
from tests.api.conftest import DENIAL, ON_SQLITE, OWNER, Api
from tests.fixtures import make_key, publish_sample

VIEW, PROMOTE = "View & Download Packages", "Promote Packages"


def change(api: Api, feed: str, **changes: Any) -> None:
    with api.runtime.writing(OWNER) as work:
        feeds.update_feed(work, feed, feeds.FeedChange(**changes))


def person(*tasks: tuple[str, str]) -> Callable[[Api], str]:
    return lambda api: api.user("ann", *tasks)


def key(rights: str, *names: str) -> Callable[[Api], str]:
    return lambda api: api.feed_key(rights, *names)


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        (lambda api: "", "The feed dev needs credentials"),
        (lambda api: "nonsense", "The API key is unknown, disabled or expired"),
        (lambda api: "ann:wrong", "The name or the password is wrong"),
        (person(), "ann lacks the right View Feed/Package (Feeds_ViewFeed) on the feed dev"),
        (person((PROMOTE, "prod")), "(Feeds_ViewFeed) on the feed dev"),
        (person((VIEW, "dev")), "(Feeds_ViewFeed) on the feed prod"),
        (person((VIEW, "dev"), (VIEW, "prod")), "(Feeds_AcceptPackagePromotions) on the feed prod"),
        (person((VIEW, "dev"), (VIEW, "prod"), (PROMOTE, "test")), "(Feeds_AcceptPackagePromotions) on the feed prod"),
        (person((PROMOTE, "dev")), "(Feeds_ViewFeed) on the feed prod"),
        (person(("Publish Packages", "")), "(Feeds_AcceptPackagePromotions) on the feed prod"),
        (key("view promote", "dev"), "(Feeds_ViewFeed) on the feed prod"),
        (key("view promote", "prod"), "(Feeds_ViewFeed) on the feed dev"),
        (key("view promote", "test", "prod"), "(Feeds_ViewFeed) on the feed dev"),
        (key("promote", "dev", "prod"), "(Feeds_ViewFeed) on the feed dev"),
        (key("view add delete", "dev", "prod"), "(Feeds_AcceptPackagePromotions) on the feed prod"),
        (lambda api: make_key(api.runtime, "system", "bom", rights=["sbom-upload"]), "on the feed dev"),
    ],
)
def test_who_may_not_promote_hears_the_fixed_sentence_and_the_reason(api: Api, who: Any, sentence: str) -> None:
    answer = api.promote(key=who(api))
    assert answer.status_code == 403
    assert answer.text.startswith(f"{DENIAL} ")
    assert sentence in answer.text
    assert "WWW-Authenticate" not in answer.headers
    assert api.held("prod", "left") == []
    assert api.history() == []


@pytest.mark.parametrize(
    "who",
    [
        person((VIEW, "dev"), (PROMOTE, "prod")),
        key("view promote", "dev", "prod"),
        person(("Administer", "")),
        lambda api: make_key(api.runtime, "system", "feeds", rights=["feeds"]),
    ],
)
def test_who_may_promote_does(api: Api, who: Any) -> None:
    assert api.promote(key=who(api)).status_code == 200


def test_nobody_known_may_promote_where_the_installation_lets_them(api: Api) -> None:
    api.let_everybody_read("dev")
    with api.runtime.writing(OWNER) as work:
        grants.grant(work, grants.GrantRequest(PROMOTE, principal="everyone", feed="prod"))
    assert api.promote(key="").json["user"] == "Anonymous"
    assert api.promote("@acme/ui", toFeed="test", key="").status_code == 403


def test_a_personal_key_is_recorded_as_its_user_and_a_feed_key_by_its_name(api: Api) -> None:
    api.user("ann", (VIEW, "dev"), (PROMOTE, "prod"))
    personal = make_key(api.runtime, "personal", "laptop", user="ann")
    api.promote(key=personal)
    api.promote(version="1.1.0", key=api.feed_key("view promote", "dev", "prod"))
    users = {entry["version"]: entry["promotions"][0]["user"] for entry in api.history()}
    assert users == {"1.0.0": "ann", "1.1.0": "API: view promote on dev prod"}


@ON_SQLITE
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"fromFeed": None}, "The field fromFeed is missing"),
        ({"toFeed": ""}, "The field toFeed is missing"),
        ({"name": None}, "The field name is missing"),
        ({"version": " "}, "The field version is missing"),
        ({"version": 1.0}, "The field version is 1.0; send text"),
        ({"packageName": "other"}, "name and packageName mean the same and differ"),
        ({"fromFeed": "nowhere"}, "There is no feed 'nowhere'"),
        ({"toFeed": "nowhere"}, "There is no feed 'nowhere'"),
        ({"toFeed": "dev"}, "dev is both source and target"),
        ({"toFeed": "tools"}, "dev holds npm packages and tools holds universal packages"),
        ({"name": "not a name"}, "is no npm package name"),
        ({"version": "one"}, "'one'"),
        ({"name": "nothing"}, "nothing 1.0.0 is not in dev; check the spelling"),
        ({"version": "9.9.9"}, "left 9.9.9 is not in dev; check the spelling"),
        ({"name": "nothing", "version": "latest"}, "nothing latest is not in dev"),
        ({"name": None, "purl": "pkg:nuget/left@1.0.0"}, "of the type nuget, but the feed holds npm packages"),
        ({"name": None, "purl": "left@1.0.0"}, "is no package URL"),
        ({"purl": "pkg:npm/other@1.0.0"}, "mean different packages"),
        ({"items": []}, "1 to 50,000 versions, not 0"),
        ({"items": "left"}, "The field items is 'left'; send a list of objects"),
        ({"items": [{"name": "left"}]}, "The field version is missing"),
        ({"dryRun": "maybe"}, "The field dryRun is 'maybe'; send true or false"),
        ({"fromFeed": ["dev"]}, "The field fromFeed is ['dev']; send text"),
    ],
)
def test_a_promotion_that_makes_no_sense_is_refused_with_the_way_out(
    api: Api, fields: dict[str, Any], sentence: str
) -> None:
    answer = api.promote(**fields)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert api.history() == []


def test_a_group_where_a_format_has_none_is_refused(api: Api) -> None:
    # None of these formats is without groups, so the answer is asked of the function.
    from app.web.api.identifiers import full_name

    class Ungrouped:
        title = "Plain"

        def split_name(self, name: str) -> tuple[str, str]:
            return "", name

        def join_name(self, group: str, name: str) -> str:
            return name

    with pytest.raises(Exception, match="Plain packages have no group such as 'acme'"):
        full_name(Ungrouped(), "acme", "x")  # type: ignore[arg-type]


def test_a_version_in_another_feed_is_named_with_its_feed(api: Api) -> None:
    answer = api.promote(fromFeed="test", toFeed="prod")
    assert answer.status_code == 400
    assert "left 1.0.0 is not in test, but it is in dev; promote it from there" in answer.text


def test_a_feed_that_the_caller_may_not_view_is_not_named(api: Api) -> None:
    answer = api.promote(fromFeed="test", key=api.feed_key("view promote", "test", "prod"))
    assert answer.status_code == 400
    assert "dev" not in answer.text


def test_other_bytes_under_a_version_are_a_conflict_for_everyone(api: Api) -> None:
    api.publish("boxes", b"parcel crate 1.0\nhere")
    api.publish("boxes-approved", b"parcel crate 1.0\nthere")
    answer = api.promote(fromFeed="boxes", toFeed="boxes-approved", name="crate", version="1.0")
    assert answer.status_code == 409
    assert "boxes-approved already holds crate 1.0 with other bytes" in answer.text
    assert "a promotion never overwrites" in answer.text
    assert api.history() == []


def test_promotion_from_a_feed_can_be_disabled_or_limited(api: Api) -> None:
    change(api, "dev", promote_to=PromoteTo.DISABLED)
    assert (api.promote().status_code, api.promote().text) == (
        400,
        "Promotion from dev is disabled; change Promote to in its settings.",
    )
    change(api, "dev", targets=["test"])
    refused = api.promote()
    assert refused.status_code == 400
    assert "dev may not be promoted to prod" in refused.text
    assert api.promote(toFeed="test").status_code == 200


def test_a_deactivated_feed_takes_part_in_nothing(api: Api) -> None:
    change(api, "prod", active=False)
    assert api.promote().status_code == 400
    assert "The feed prod is deactivated" in api.promote().text
    for path in ("", "/latest", "/versions", "/download?name=left&version=1.0.0"):
        answer = api.get(f"/api/packages/prod{path}")
        assert (answer.status_code, DENIAL in answer.text) == (403, False)


def test_a_feed_may_ask_for_comments(api: Api) -> None:
    change(api, "prod", comments_required=True)
    assert api.promote(comments="  ").status_code == 400
    assert "prod asks for comments" in api.promote().text
    assert api.promote(comments="tried").status_code == 200


# A feed that takes promotions only --------------------------------------------------------------------

WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "/api/packages/prod/upload", {"data": b"whatever"}),
    ("POST", "/api/packages/prod/upload/", {"data": b"whatever"}),
    ("PUT", "/api/packages/prod/upload/x.tgz", {"data": b"whatever"}),
    ("POST", "/api/packages/prod/delete?name=left&version=1.0.0", {}),
    ("DELETE", "/api/packages/prod/delete?name=left&version=1.0.0", {}),
    ("POST", "/api/packages/prod/status?name=left&version=1.0.0", {"json": {"listed": False}}),
    ("PUT", "/api/packages/prod/status?name=left&version=1.0.0", {"json": {"deprecated": True}}),
]
SECURITY = {
    "users": ("add", "update", "delete"),
    "groups": ("add", "update", "delete"),
    "tasks": ("add", "update", "delete"),
    "permissions": ("add", "delete"),
}
HARMLESS = {
    "POST /api/packages/<feed_name>/audit": "writes nothing",
    "POST /api/promotions/plan": "writes nothing",
    "POST /api/promotions/promote": "is the way in",
    "POST /api/management/feeds/create": "makes another feed",
    "PUT /api/management/feeds/create": "makes another feed",
    "POST /api/management/feeds/update/<name>": "changes settings, by who may manage the feed, and is recorded",
    "PUT /api/management/feeds/update/<name>": "changes settings, by who may manage the feed, and is recorded",
    "POST /api/management/feeds/delete/<name>": "removes the feed, by who may manage it",
    "DELETE /api/management/feeds/delete/<name>": "removes the feed, by who may manage it",
    "POST /api/api-keys/create": "writes no package",
    "POST /api/api-keys/delete": "writes no package",
    "DELETE /api/api-keys/delete": "writes no package",
    **{
        f"{method} /api/management/connectors/{action}": "changes no package, by who may manage connectors"
        for action, methods in (
            ("create", "POST PUT"),
            ("update/<name>", "POST"),
            ("delete/<name>", "POST DELETE"),
        )
        for method in methods.split()
    },
    "POST /api/settings/set": "is always refused",
    **{
        f"{method} /api/security/{what}/{action}": "changes people and rights, by who may configure, and is recorded"
        for what, actions in SECURITY.items()
        for action in actions
        for method in (("POST", "DELETE") if action == "delete" else ("POST",))
    },
}


@pytest.fixture
def closed(api: Api) -> Api:
    """Give the API with a feed prod that holds left 1.0.0 and takes promotions only."""
    assert api.promote().status_code == 200
    change(api, "prod", accepts=Accepts.PROMOTIONS)
    return api


@pytest.mark.parametrize(("method", "path", "sent"), WRITES)
def test_a_feed_for_promotions_only_refuses_every_other_way_in(
    closed: Api, method: str, path: str, sent: dict[str, Any]
) -> None:
    answer = closed.send(method, path, **sent)
    assert answer.status_code == 403
    assert answer.text.startswith("The feed prod takes promotions only")
    listed = closed.get("/api/packages/prod/versions").json
    assert [(each["version"], each["listed"], each["deprecated"]) for each in listed] == [("1.0.0", True, False)]


def test_a_feed_for_promotions_only_takes_promotions(closed: Api) -> None:
    assert closed.promote(version="1.1.0").status_code == 200


@pytest.mark.parametrize("format", ["npm", "universal"])
def test_clients_of_a_format_cannot_write_into_a_feed_for_promotions_only(api: Api, format: str) -> None:
    feed = {"npm": "prod", "universal": "tools-approved"}[format]
    spoken = api.runtime.get_format(format)
    kit = spoken.kit()
    name = kit.names[0]
    publish_sample(api.runtime, feed, name, "1.0.0")
    change(api, feed, accepts=Accepts.PROMOTIONS)
    held, new = kit.make(name, "1.0.0"), kit.make(name, "1.1.0")
    requests = [kit.publish(held), kit.publish(new)]
    requests += [kit.unlist(held)] if kit.unlist else []
    requests += [kit.tag(held, "beta")] if kit.tag else []
    requests += kit.deprecate(held, "old") if kit.deprecate else []
    requests += kit.delete(held) if kit.delete else []
    statuses = []
    for request in (each for each in requests if each.method != "GET"):
        path = f"/{spoken.prefix}/{feed}{request.path}"
        answer = api.client.open(
            path, method=request.method, headers={**request.headers, "X-ApiKey": api.key}, data=request.body
        )
        statuses.append((answer.status_code, "takes promotions only" in answer.text))
    assert set(statuses) == {(403, True)}
    assert api.held(feed, name) == ["1.0.0"]


def test_every_route_of_the_api_that_writes_is_classified(api: Api) -> None:
    """A new write route fails here until it is either refused above or said to be harmless."""
    found = {
        f"{method} {rule.rule}"
        for rule in api.client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/") and str(rule.endpoint).startswith("api_") and "/v1/" not in rule.rule
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    }
    verbs = {"upload": "PUT POST", "upload/<path:filename>": "PUT POST", "delete": "POST DELETE", "status": "POST PUT"}
    refused = {f"{method} /api/packages/<feed_name>/{verb}" for verb in verbs for method in verbs[verb].split()}
    assert found == refused | set(HARMLESS)
