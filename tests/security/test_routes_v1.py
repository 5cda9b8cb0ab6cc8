"""The matrix of our own API: every operation x everybody, like that of the pages and the vendor's API."""

from __future__ import annotations

import pytest

from app.domain.permissions import Permission as Right
from tests.security.actors import EVERYBODY, NAME, NOBODY, VERSION, Who, World
from tests.security.test_routes import (
    ADMIN,
    HERE,
    SOURCE,
    THERE,
    Allowed,
    Needs,
    anybody,
    both,
    known,
    manages,
    methods_of,
    on,
    outcome,
    rules,
    url_of,
)

PREFIX = "api_v1."
PACKAGE, AT = {"package": NAME}, {"package": NAME, "version": VERSION}


def welcome(who: Who) -> bool:
    """Tell whether somebody sends no wrong credentials."""
    return who is NOBODY or who.known


def needs(right: Right, **given: object) -> list[Needs]:
    """Ask for a right on a feed here, and on one there."""
    values = given.pop("values", {})
    return [Needs(on(feed, right), {"feed": feed, **values}, **given) for feed in (HERE, THERE)]  # type: ignore[dict-item, arg-type]


def promoting(source: str, target: str, right: Right) -> Needs:
    body = {"source": source, "target": target, "items": [{"package": NAME, "version": VERSION}]}
    return Needs(both(on(source, *SOURCE), on(target, right)), json=body)


def pulling(feed: str) -> Needs:
    body = {"feed": feed, "items": [{"package": "other", "version": "1.0.0"}]}
    return Needs(on(feed, Right.PULL_PACKAGE), json=body)


def granting(allowed: Allowed, **scope: str) -> Needs:
    return Needs(allowed, json={"task": "Publish Packages", "user": "stranger", **scope})


def sees_the_promotion(who: Who) -> bool:
    return Right.VIEW_FEED in who.elsewhere or who.name == "key-wrong-feed"


def makes_keys_here(who: Who) -> bool:
    return ADMIN(who) or (who.person and Right.MANAGE_FEED in who.here)


FEED_KEY = {"kind": "feed", "name": "new", "feeds": [HERE], "rights": ["view"]}
OUTSIDE = [Needs(sees_the_promotion, {"promotion": 1}, hidden=True)]
ADMINS = {
    "change_group": ({"group": "crew"}, {}),
    "change_key": ({"key": 1}, {}),
    "change_task": ({"task": "own"}, {}),
    "change_user": ({"user": "reader"}, {}),
    "create_feed_group": ({}, {"name": "new"}),
    "create_group": ({}, {"name": "new"}),
    "create_task": ({}, {"name": "new", "attributes": ["Feeds_ViewFeed"]}),
    "create_user": ({}, {"name": "new"}),
    "delete_feed_group": ({"group": "none"}, None),
    "delete_group": ({"group": "crew"}, None),
    "delete_key": ({"key": 1}, None),
    "delete_task": ({"task": "own"}, None),
    "delete_user": ({"user": "reader"}, None),
    "get_feed_group": ({"group": "none"}, None),
    "get_group": ({"group": "crew"}, None),
    "get_key": ({"key": 1}, None),
    "get_task": ({"task": "own"}, None),
    "get_user": ({"user": "reader"}, None),
    "list_events": ({}, None),
    "list_findings": ({}, None),
    "list_groups": ({}, None),
    "list_key_uses": ({"key": 1}, None),
    "list_tasks": ({}, None),
    "list_users": ({}, None),
    "rename_feed_group": ({"group": "none"}, {"name": "new"}),
    "set_password": ({"user": "reader"}, {"password": "correct horse battery"}),
}
CONNECTORS = {
    "change_connector": ({"connector": "public"}, {"timeout": 5}),
    "check_connector": ({"connector": "public"}, None),
    "create_connector": ({}, {"name": "n", "format": "npm", "url": "https://upstream.example"}),
    "delete_connector": ({"connector": "public"}, None),
    "get_connector": ({"connector": "public"}, None),
    "list_connectors": ({}, None),
}
V1: dict[str, list[Needs]] = {
    **{name: [Needs(ADMIN, values, json=json)] for name, (values, json) in ADMINS.items()},
    **{
        name: [Needs(on(HERE, Right.MANAGE_CONNECTORS), values, json=json)]
        for name, (values, json) in CONNECTORS.items()
    },
    "cancel_job": [Needs(ADMIN, {"job": 1}, hidden=True)],
    "get_job": [Needs(ADMIN, {"job": 1}, hidden=True)],
    "list_job_items": [Needs(ADMIN, {"job": 1}, hidden=True)],
    "list_jobs": [Needs(known)],
    "retry_job": [Needs(ADMIN, {"job": 1}, hidden=True)],
    "list_remote_packages": needs(Right.VIEW_FEED),
    "plan_pull": [pulling(HERE), pulling(THERE)],
    "look_for_newer": [Needs(on(feed, Right.PULL_PACKAGE), json={"feed": feed}) for feed in (HERE, THERE)],
    "start_import": [Needs(on(feed, Right.PULL_PACKAGE), json={"feed": feed}) for feed in (HERE, THERE)],
    "start_pull": [pulling(HERE), pulling(THERE)],
    "change_feed": needs(Right.MANAGE_FEED, json={"description": "changed"}),
    "change_version": needs(Right.UNLIST_PACKAGE, values=AT, json={"listed": False}),
    "count_feed": needs(Right.VIEW_FEED),
    "create_feed": [Needs(lambda who: Right.MANAGE_FEED in who.installation, json={"name": "n", "format": "npm"})],
    "create_grant": [
        granting(on(HERE, Right.MANAGE_FEED), feed=HERE),
        granting(on(THERE, Right.MANAGE_FEED), feed=THERE),
        granting(ADMIN),
    ],
    "create_key": [Needs(makes_keys_here, json=FEED_KEY), Needs(ADMIN, json={"kind": "system", "name": "new"})],
    "delete_feed": needs(Right.MANAGE_FEED),
    "delete_file": needs(Right.DELETE_PACKAGE, values=AT),
    "delete_package": needs(Right.DELETE_PACKAGE, values=PACKAGE),
    "delete_tag": needs(Right.ADD_PACKAGE, values={**PACKAGE, "tag": "none"}),
    "delete_version": needs(Right.DELETE_PACKAGE, values=AT),
    "docs": [Needs(anybody)],
    "download_file": needs(Right.DOWNLOAD_PACKAGE, values=AT),
    "explain_own_privilege": [Needs(welcome, query={"permission": "Feeds_ViewFeed", "feed": THERE})],
    "get_feed": needs(Right.VIEW_FEED),
    "get_grant": [Needs(on(HERE, Right.MANAGE_FEED), {"grant": 1}), Needs(ADMIN, {"grant": 17})],
    "get_package": needs(Right.VIEW_FEED, values=PACKAGE),
    "get_promotion": OUTSIDE,
    "get_tag": needs(Right.VIEW_FEED, values={**PACKAGE, "tag": "none"}),
    "get_version": needs(Right.VIEW_FEED, values=AT),
    "list_feed_groups": [Needs(welcome)],
    "list_feeds": [Needs(welcome)],
    "list_grants": [Needs(manages)],
    "list_keys": [Needs(known)],
    "list_packages": needs(Right.VIEW_FEED),
    "list_privileges": [
        Needs(on(feed, Right.MANAGE_FEED), query={"kind": "user", "name": "reader", "feed": feed})
        for feed in (HERE, THERE)
    ],
    "list_promotion_items": OUTSIDE,
    "list_promotions": [Needs(welcome)],
    "list_tags": needs(Right.VIEW_FEED, query=PACKAGE),
    "list_versions": needs(Right.VIEW_FEED, query=PACKAGE),
    "openapi": [Needs(anybody)],
    "plan_promotion": [promoting(HERE, THERE, Right.VIEW_FEED), promoting(THERE, HERE, Right.VIEW_FEED)],
    "promote": [promoting(HERE, THERE, Right.ACCEPT_PROMOTIONS), promoting(THERE, HERE, Right.ACCEPT_PROMOTIONS)],
    "revoke_grant": [Needs(on(HERE, Right.MANAGE_FEED), {"grant": 1}), Needs(ADMIN, {"grant": 17})],
    "set_tag": needs(Right.ADD_PACKAGE, values={**PACKAGE, "tag": "new"}, json={"version": VERSION}),
}


def test_every_operation_is_in_the_matrix_and_nothing_else(world: World) -> None:
    found = {rule.endpoint for rule in world.app.url_map.iter_rules() if rule.endpoint.startswith(PREFIX)}
    assert found == {PREFIX + name for name in V1}


def wanted(case: Needs, who: Who) -> int | None:
    """Give how somebody is to be refused: what they may not know of is not there, but wrong credentials are wrong."""
    if case.allowed(who):
        return None
    if case.hidden and who.known:
        return 404
    return 403 if who.known else 401


@pytest.mark.parametrize("name", V1)
def test_our_api_answers_to_whom_it_is_declared(world: World, name: str) -> None:
    faults = []
    for rule in rules(world, {PREFIX + name: None}):
        for method in methods_of(rule):
            for case in V1[name]:
                for who in EVERYBODY:
                    headers = {**world.credentials(who), "If-Match": "*"}
                    body = {} if case.json is None else {"json": case.json}
                    url = url_of(world, rule, method, case)
                    answer = world.app.test_client().open(
                        url, method=method, headers=headers, query_string=case.query, **body
                    )
                    answer.get_data()
                    if outcome(answer, case) != wanted(case, who) or answer.status_code in (400, 422, 428, 500):
                        faults.append(f"{method} {url} by {who.name}: {answer.status_code}, not {wanted(case, who)}")
                    if method != "GET" and answer.status_code < 400:
                        world.renew()
    assert faults == []
