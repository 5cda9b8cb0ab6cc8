"""The matrix of pages and API: every route of the application x everybody.

A new route fails until it stands in the table: what it needs, on which feed, and a request that is refused for
nothing but a missing right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.domain.permissions import Permission as Right
from app.services import access, grants
from tests.security.actors import EVERYBODY, NAME, NOBODY, PEOPLE, SAM, VERSION, Who, World, here, there

Allowed = Callable[[Who], bool]


@dataclass(frozen=True, slots=True)
class Needs:
    """Say who may: ``allowed`` decides by a row of the matrix; the rest makes the request.

    Where it is ``hidden`` the refusal is that there is nothing. ``values`` fill the address; ``form`` and ``query``
    are sent as such, ``json`` as the body.
    """

    allowed: Allowed
    values: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] | None = None
    json: Mapping[str, Any] | None = None
    challenge: bool = False
    hidden: bool = False


def on(feed: str, *rights: Right) -> Allowed:
    """Ask for rights on a feed, which its name tells to be one of those here or not."""
    place = "here" if feed.endswith("-here") else "elsewhere"
    return lambda who: all(right in getattr(who, place) for right in rights)


def installed(*rights: Right) -> Allowed:
    """Ask for rights on the installation."""
    return lambda who: all(right in who.installation for right in rights)


def anybody(_: Who) -> bool:
    return True


def known(who: Who) -> bool:
    return who.known


def sees_a_feed(who: Who) -> bool:
    return bool(who.here) or who.name == "key-wrong-feed"


def is_a_user(who: Who) -> bool:
    """Tell whether somebody acts as a user, or may do everything."""
    return who in PEOPLE or who.name == "key-personal" or Right.CONFIGURE in who.installation


def manages(who: Who) -> bool:
    """Tell whether somebody manages any feed."""
    return Right.MANAGE_FEED in who.here


def both(first: Allowed, second: Allowed) -> Allowed:
    return lambda who: first(who) and second(who)


HERE, THERE = here("npm"), there("npm")
TO_HERE = {"fromFeed": THERE, "toFeed": HERE, "name": NAME, "version": VERSION}
FROM_HERE = {"fromFeed": HERE, "toFeed": THERE, "name": NAME, "version": VERSION}
THAT = {"name": NAME, "version": VERSION}
ADMIN = installed(Right.CONFIGURE)


def feed_cases(allowed: Callable[[str], Allowed], **given: Any) -> list[Needs]:
    """Ask the same of a feed here and of one there."""
    named = {"values": given.pop("values", {}), **given}
    return [
        Needs(allowed(feed), **{**named, "values": {"feed_name": feed, **named["values"]}}) for feed in (HERE, THERE)
    ]


def needing(*rights: Right) -> Callable[[str], Allowed]:
    return lambda feed: on(feed, *rights)


# Pages ------------------------------------------------------------------------------------------------

ITEM = {"from": HERE, "to": THERE, "item": f"{NAME}@{VERSION}"}
BACK = {"from": THERE, "to": HERE, "item": f"{NAME}@{VERSION}"}
PULLED = {"item": "other@1.0.0"}
SOURCE = (Right.VIEW_FEED, Right.DOWNLOAD_PACKAGE)
PAGES: dict[str, list[Needs]] = {
    "account.enter": [Needs(anybody, {"secret": "none"})],
    "account.set_up": [Needs(anybody, {"secret": "none"})],
    "account.sign_in": [Needs(anybody)],
    "account.sign_out": [Needs(anybody)],
    "administration.event_log": [Needs(ADMIN)],
    "administration.events_csv": [Needs(ADMIN)],
    "administration.events_json": [Needs(ADMIN)],
    "administration.index": [Needs(ADMIN)],
    "administration.plugins": [Needs(ADMIN)],
    "connectors.check": [Needs(on(HERE, Right.MANAGE_CONNECTORS), {"name": "public"}, form={})],
    "connectors.create": [Needs(on(HERE, Right.MANAGE_CONNECTORS), form={"format": "npm"})],
    "connectors.delete": [Needs(on(HERE, Right.MANAGE_CONNECTORS), {"name": "public"}, form={"confirm": "no"})],
    "connectors.index": [Needs(on(HERE, Right.MANAGE_CONNECTORS))],
    "connectors.show": [Needs(on(HERE, Right.MANAGE_CONNECTORS), {"name": "public"}, form={})],
    "feed.look": feed_cases(needing(Right.PULL_PACKAGE), form={}),
    "feed.promoted": feed_cases(needing(Right.VIEW_FEED)),
    "feed.show": feed_cases(needing(Right.VIEW_FEED)),
    "feed.upload": feed_cases(needing(Right.ADD_PACKAGE), form={}),
    "feed_connectors.attach": feed_cases(needing(Right.MANAGE_CONNECTORS), form={"action": "none"}),
    "feed_connectors.remote": feed_cases(needing(Right.MANAGE_FEED), form={}),
    "feed_connectors.show": feed_cases(needing(Right.VIEW_FEED)),
    "feed_groups.delete": [Needs(ADMIN, {"name": "none"}, form={"confirm": "no"})],
    "feed_groups.index": [Needs(ADMIN, form={})],
    "feed_groups.show": [Needs(ADMIN, {"name": "none"}, form={})],
    "feed_import.show": feed_cases(needing(Right.VIEW_FEED)),
    "feed_import.start": feed_cases(needing(Right.PULL_PACKAGE), form={"what": "packages"}),
    "feeds.create": [Needs(ADMIN, form={"name": "new", "format": "npm"})],
    "feeds.create_samples": [Needs(ADMIN)],
    "feeds.index": [Needs(known)],
    "feeds.search": [Needs(known, query={"q": "left"})],
    "groups.add_members": [Needs(ADMIN, {"name": "crew"}, form={})],
    "groups.create": [Needs(ADMIN, form={})],
    "groups.delete": [Needs(ADMIN, {"name": "crew"}, form={})],
    "groups.index": [Needs(ADMIN)],
    "groups.remove_member": [Needs(ADMIN, {"name": "crew"}, form={})],
    "groups.rename": [Needs(ADMIN, {"name": "crew"}, form={})],
    "groups.show": [Needs(ADMIN, {"name": "crew"})],
    "jobs.cancel": [Needs(ADMIN, {"number": 1}, form={}, hidden=True)],
    "jobs.index": [Needs(known)],
    "jobs.retry": [Needs(ADMIN, {"number": 1}, form={}, hidden=True)],
    "jobs.show": [Needs(ADMIN, {"number": 1}, hidden=True)],
    "keys.create": [Needs(known, form={})],
    "keys.delete": [Needs(ADMIN, {"number": 1})],
    "keys.index": [Needs(known)],
    "keys.show": [Needs(ADMIN, {"number": 1}, form={})],
    "package.show": feed_cases(needing(Right.VIEW_FEED), values={"name": NAME}),
    "permissions.add": [Needs(manages, form={})],
    "permissions.index": [Needs(manages)],
    "permissions.remove": [Needs(manages, {"number": 1})],
    "permissions.restore": [Needs(manages, form={})],
    "privileges.index": [Needs(manages, query={"kind": "user", "name": "reader", "feed": HERE})],
    "profile.end_other_sessions": [Needs(known)],
    "profile.end_session": [Needs(ADMIN, {"number": 999})],
    "profile.set_password": [Needs(known, form={})],
    "profile.show": [Needs(known)],
    "promote.apply": [
        Needs(both(on(HERE, *SOURCE), on(THERE, Right.ACCEPT_PROMOTIONS)), form=ITEM),
        Needs(both(on(THERE, *SOURCE), on(HERE, Right.ACCEPT_PROMOTIONS)), form=BACK),
    ],
    "promote.dialog": [Needs(on(HERE, *SOURCE), query=ITEM), Needs(on(THERE, *SOURCE), query=BACK)],
    "promotions.export_csv": [Needs(known)],
    "promotions.export_json": [Needs(known)],
    "promotions.index": [Needs(known)],
    "promotions.record": [Needs(on(THERE, Right.VIEW_FEED), {"number": 1}, hidden=True)],
    "pull.dialog": [Needs(on(feed, Right.PULL_PACKAGE), query={"feed": feed, **PULLED}) for feed in (HERE, THERE)],
    "pull.start": [Needs(on(feed, Right.PULL_PACKAGE), form={"feed": feed, **PULLED}) for feed in (HERE, THERE)],
    "settings.delete": feed_cases(needing(Right.MANAGE_FEED), form={"confirm": "no"}),
    "settings.show": feed_cases(needing(Right.MANAGE_FEED), form={}),
    "tasks.create": [Needs(ADMIN, form={})],
    "tasks.delete": [Needs(ADMIN, {"name": "own"}, form={})],
    "tasks.index": [Needs(ADMIN)],
    "tasks.show": [Needs(ADMIN, {"name": "own"}, form={})],
    "users.create": [Needs(ADMIN, form={})],
    "users.delete": [Needs(ADMIN, {"name": "reader"}, form={})],
    "users.index": [Needs(ADMIN)],
    "users.set_password": [Needs(ADMIN, {"name": "reader"}, form={})],
    "users.set_state": [Needs(ADMIN, {"name": "reader"}, form={})],
    "users.show": [Needs(ADMIN, {"name": "reader"}, form={})],
    "version.delete": feed_cases(needing(Right.DELETE_PACKAGE), values=THAT, form={"confirm": "no"}),
    "version.download": feed_cases(needing(Right.DOWNLOAD_PACKAGE), values=THAT),
    "version.entry": feed_cases(needing(Right.DOWNLOAD_PACKAGE), values=THAT, query={"path": "package/package.json"}),
    "version.show": feed_cases(needing(Right.VIEW_FEED), values=THAT),
    "why.show": [Needs(anybody, query={"permission": "Feeds_AddPackage", "feed": THERE})],
    "version.status": feed_cases(needing(Right.UNLIST_PACKAGE), values=THAT, form={}),
}

# API --------------------------------------------------------------------------------------------------


def named(allowed: Callable[[str], Allowed], **given: Any) -> list[Needs]:
    return [Needs(allowed(feed), {"name": feed}, **given) for feed in (HERE, THERE)]


API: dict[str, list[Needs]] = {
    "api_connectors.create": [
        Needs(on(HERE, Right.MANAGE_CONNECTORS), json={"name": "n", "feedType": "npm", "url": "https://x.example"})
    ],
    "api_connectors.delete": [Needs(on(HERE, Right.MANAGE_CONNECTORS), {"name": "public"})],
    "api_connectors.get_connector": [Needs(on(HERE, Right.MANAGE_CONNECTORS), {"name": "public"})],
    "api_connectors.list_connectors": [Needs(on(HERE, Right.MANAGE_CONNECTORS))],
    "api_connectors.update": [Needs(on(HERE, Right.MANAGE_CONNECTORS), {"name": "public"}, json={"timeout": 5})],
    "api_feeds.create": [
        Needs(lambda who: Right.MANAGE_FEED in who.installation, json={"name": "n", "feedType": "npm"})
    ],
    "api_feeds.delete": named(needing(Right.MANAGE_FEED)),
    "api_feeds.get_feed": named(needing(Right.VIEW_FEED)),
    "api_feeds.list_feeds": [Needs(anybody)],
    "api_feeds.update": named(needing(Right.MANAGE_FEED), json={"description": "changed"}),
    "api_keys.create": [
        Needs(ADMIN, json={"type": "System", "displayName": "more"}),
        Needs(ADMIN, json={"type": "Personal", "displayName": "other", "user": "administrator"}),
    ],
    "api_keys.delete": [Needs(ADMIN, query={"id": 1})],
    "api_keys.list_keys": [Needs(is_a_user)],
    "api_people.add_group": [Needs(ADMIN, json={"name": "new"})],
    "api_people.add_user": [Needs(ADMIN, json={"name": "new"})],
    "api_people.delete_group": [Needs(ADMIN, query={"group": "crew"})],
    "api_people.delete_user": [Needs(ADMIN, query={"user": "gone"})],
    "api_people.list_groups": [Needs(ADMIN)],
    "api_people.list_users": [Needs(ADMIN)],
    "api_people.update_group": [Needs(ADMIN, json={"name": "crew", "users": []})],
    "api_people.update_user": [Needs(ADMIN, json={"name": "reader", "displayName": "A reader"})],
    "api_rights.add_permission": [Needs(ADMIN, json={"user": "stranger", "task": "own", "feed": HERE})],
    "api_rights.add_task": [Needs(ADMIN, json={"name": "more", "attributes": ["Feeds_ViewFeed"]})],
    "api_rights.delete_permission": [Needs(ADMIN, query={"permissionId": 1})],
    "api_rights.delete_task": [Needs(ADMIN, query={"task": "own"})],
    "api_rights.list_attributes": [Needs(ADMIN)],
    "api_rights.list_permissions": [Needs(ADMIN)],
    "api_rights.list_tasks": [Needs(ADMIN)],
    "api_rights.update_task": [Needs(ADMIN, json={"name": "own", "description": "changed"})],
    "api_settings.list_settings": [Needs(ADMIN)],
    "api_settings.set_setting": [Needs(ADMIN, query={"name": "port", "value": "1"})],
    "api_packages.audit": feed_cases(needing(Right.VIEW_FEED), query=THAT),
    "api_packages.delete": feed_cases(needing(Right.DELETE_PACKAGE), query=THAT),
    "api_packages.download": feed_cases(needing(Right.DOWNLOAD_PACKAGE), query=THAT),
    "api_packages.latest": feed_cases(needing(Right.VIEW_FEED)),
    "api_packages.metadata": feed_cases(needing(Right.VIEW_FEED), query=THAT),
    "api_packages.probe": feed_cases(needing(Right.VIEW_FEED)),
    "api_packages.status": feed_cases(needing(Right.UNLIST_PACKAGE), query=THAT, json={"listed": True}),
    "api_packages.upload": feed_cases(needing(Right.ADD_PACKAGE), values={"filename": "left-1.0.0.tgz"}),
    "api_packages.versions": feed_cases(needing(Right.VIEW_FEED)),
    "api_promotions.list_promotions": [Needs(sees_a_feed, challenge=True)],
    "api_promotions.plan": [
        Needs(both(on(HERE, *SOURCE), on(THERE, Right.VIEW_FEED)), query=FROM_HERE),
        Needs(both(on(THERE, *SOURCE), on(HERE, Right.VIEW_FEED)), query=TO_HERE),
    ],
    "api_promotions.promote": [
        Needs(both(on(HERE, *SOURCE), on(THERE, Right.ACCEPT_PROMOTIONS)), json=FROM_HERE),
        Needs(both(on(THERE, *SOURCE), on(HERE, Right.ACCEPT_PROMOTIONS)), json=TO_HERE),
    ],
    "health.health": [Needs(anybody)],
}
# Files without secrets, and the feeds' addresses and our own API, which have matrices of their own.
ELSEWHERE = re.compile(r"static|protocols\.|api_v1\.")


def rules(world: World, table: Mapping[str, object]) -> list[Rule]:
    return [rule for rule in world.app.url_map.iter_rules() if rule.endpoint in table]


def test_every_route_is_in_the_matrix(world: World) -> None:
    missing = {rule.endpoint for rule in world.app.url_map.iter_rules()} - set(PAGES) - set(API)
    assert {endpoint for endpoint in missing if not ELSEWHERE.match(endpoint)} == set()


def test_the_matrix_has_no_route_that_is_gone(world: World) -> None:
    assert set(PAGES) | set(API) <= {rule.endpoint for rule in world.app.url_map.iter_rules()}


def url_of(world: World, rule: Rule, method: str, needs: Needs) -> str:
    values = {name: needs.values.get(name, "x") for name in rule.arguments}
    return world.app.url_map.bind("localhost").build(rule.endpoint, values, method=method)


def ask(world: World, who: Who, rule: Rule, method: str, needs: Needs, *, page: bool) -> TestResponse:
    url = url_of(world, rule, method, needs)
    client = world.browser(who) if page else world.app.test_client()
    headers = {"Accept": "text/html"} if page else world.credentials(who)
    body = {} if method == "GET" else {"data": needs.form} if needs.json is None else {"json": needs.json}
    answer = client.open(url, method=method, headers=headers, query_string=needs.query, **body)
    answer.get_data()  # An answer that is streamed ends only when it is read.
    return answer


def refusal(answer: TestResponse) -> int | None:
    """Give 401 for being asked to sign in, 403 for being refused, None for neither."""
    if answer.status_code == 302 and "/sign-in?" in answer.headers["Location"]:
        return 401
    return answer.status_code if answer.status_code in (401, 403) else None


def outcome(answer: TestResponse, needs: Needs) -> int | None:
    """Give how a request was refused; where things are hidden also that there is nothing."""
    return 404 if needs.hidden and answer.status_code == 404 else refusal(answer)


def methods_of(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def page_faults(world: World, endpoint: str) -> list[str]:
    """Give where a page opens, or stays closed, otherwise than declared."""
    faults = []
    for rule in rules(world, {endpoint: None}):
        for method in methods_of(rule):
            for needs in PAGES[endpoint]:
                for who in (NOBODY, *PEOPLE):
                    want = None if needs.allowed(who) else (404 if needs.hidden else 403) if who.known else 401
                    answer = ask(world, who, rule, method, needs, page=True)
                    if outcome(answer, needs) != want or answer.status_code >= 500:
                        faults.append(
                            f"{method} {rule.rule} {needs.values} by {who.name}: {answer.status_code}, not {want}"
                        )
                    if method != "GET" and refusal(answer) is None:
                        world.renew()
    return faults


@pytest.mark.parametrize("endpoint", PAGES)
def test_pages_open_to_whom_they_are_declared(world: World, endpoint: str) -> None:
    assert page_faults(world, endpoint) == []


@pytest.mark.parametrize(
    ("endpoint", "faults"), [("feed.show", 8), ("settings.show", 22), ("administration.events_csv", 6)]
)
def test_the_matrix_notices_a_door_left_open(
    world: World, endpoint: str, faults: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "allowed", lambda *_: True)
    assert len(page_faults(world, endpoint)) == faults


@pytest.mark.parametrize("endpoint", API)
def test_the_api_answers_to_whom_it_is_declared(world: World, endpoint: str) -> None:
    faults = []
    for rule in rules(world, {endpoint: None}):
        for method in methods_of(rule):
            for needs in API[endpoint]:
                for who in EVERYBODY:
                    strange = 401 if needs.challenge and who is NOBODY else 403
                    refused = 404 if needs.hidden else 403
                    want = None if needs.allowed(who) else (refused if who.known else strange)
                    answer = ask(world, who, rule, method, needs, page=False)
                    if outcome(answer, needs) != want or answer.status_code >= 500:
                        faults.append(
                            f"{method} {rule.rule} {needs.values} by {who.name}: {answer.status_code}, not {want}"
                        )
                    if method != "GET" and answer.status_code < 400:
                        world.renew()
    assert faults == []


@pytest.mark.parametrize("endpoint", PAGES)
def test_a_key_opens_no_page(world: World, endpoint: str) -> None:
    if PAGES[endpoint][0].allowed(NOBODY):
        return
    key = next(who for who in EVERYBODY if who.name == "key-system")
    for rule in rules(world, {endpoint: None}):
        for method in methods_of(rule):
            needs = PAGES[endpoint][0]
            client = world.app.test_client()
            url = url_of(world, rule, method, needs)
            headers = {"Accept": "text/html", **world.credentials(key)}
            answer = client.open(url, method=method, headers=headers, query_string=needs.query, data=needs.form)
            assert refusal(answer) == 401, url


@pytest.mark.parametrize("path", ["add", "restore", "17/remove"])
def test_a_manager_changes_no_rights_on_feeds_of_others(world: World, path: str) -> None:
    manager = next(who for who in PEOPLE if who.name == "manager")
    grant = {
        "effect": "allow",
        "kind": "user",
        "name": "stranger",
        "scope": f"feed:{THERE}",
        "tasks": "Publish Packages",
    }
    assert len(held_grants(world)) == 17
    answer = world.browser(manager).post(f"/administration/permissions/{path}", data=grant)
    assert answer.status_code in (302, 400, 403)
    assert len(held_grants(world)) == 17
    grant["scope"] = f"feed:{HERE}"
    if path != "17/remove":
        world.browser(manager).post(f"/administration/permissions/{path}", data=grant)
        assert len(held_grants(world)) == 18


def held_grants(world: World) -> list[int]:
    with world.runtime.reading(SAM) as work:
        return [grant.id for grant in grants.list_grants(work)]


# Leaks ------------------------------------------------------------------------------------------------

SECRETS = (r"\b\w+-there\b", r"\b\w+-other\b", "a hidden reason", r"\d+ feeds? hidden")


@pytest.mark.parametrize(
    "who", [who for who in PEOPLE if Right.VIEW_FEED not in who.elsewhere], ids=lambda who: who.name
)
def test_no_page_names_what_one_may_not_see(world: World, who: Who) -> None:
    browser = world.browser(who)
    seen: dict[str, str] = {}
    waiting = ["/", "/search?q=left", "/promotions/", "/promotions/export.csv", "/keys/", "/account/", "/keys/new"]
    waiting += ["/feeds/npm-here", "/feeds/npm-here/packages/left", f"/feeds/npm-here/versions/{VERSION}/{NAME}"]
    while waiting and len(seen) < 150:
        path = waiting.pop()
        answer = browser.get(path, headers={"Accept": "text/html"})
        text = answer.get_data().decode("utf-8", "replace")
        seen[path] = text if answer.status_code == 200 else ""
        links = re.findall(r'(?:href|action|hx-get)="(/[^"#]*)"', seen[path].replace("&amp;", "&"))
        waiting += [link for link in links if link not in seen and not link.startswith("/static")]
    assert len(seen) > 10
    leaks = [(path, found[0]) for path, text in seen.items() for each in SECRETS if (found := re.search(each, text))]
    assert leaks == []


def test_the_api_lists_and_counts_only_what_one_may_see(world: World) -> None:
    for who in EVERYBODY:
        if Right.VIEW_FEED in who.elsewhere or who.name == "key-wrong-feed":
            continue
        headers = world.credentials(who)
        for path in ("/api/management/feeds/list", "/api/promotions/list"):
            text = world.app.test_client().get(path, headers=headers).text
            assert [each for each in SECRETS if re.search(each, text)] == [], (who.name, path)
