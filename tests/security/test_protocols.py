"""The matrix of the clients' addresses: every route of every format x everybody."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.domain.permissions import Permission
from app.plugin.web import Route
from tests.security.actors import EVERYBODY, FORMATS, NAME, NOBODY, READ, VERSION, Who, World, here, there

FILL = {
    "name": NAME,
    "id": NAME,
    "version": VERSION,
    "full_name": f"{NAME}-{VERSION}",
    "tag": "tried",
    "rev": "1-0",
    "token": "none",
    "user_name": "reader",
    "hive": "registration",
    "lower": VERSION,
    "upper": VERSION,
    "file": "left.pdb",
    "signature": "0" * 40,
    "subject": f"{NAME}@{VERSION}",
    "path": f"{NAME}/{VERSION}",
}


# Owners of gems are whoever holds the rights; to everybody permitted the answer says so, as 403.
REFUSED_TO_ALL = {"/api/v1/gems/<name>/owners"}


def routes(world: World, format: str) -> list[Route]:
    return list(world.runtime.get_format(format).routes().routes)


def url_of(world: World, route: Route, format: str, feed: str) -> str:
    values = {**FILL, "filename": world.paths[format]}
    rule = re.sub(r"<(?:[^<>]*:)?(\w+)>", lambda found: values[found[1]], route.rule)
    return f"/{world.runtime.get_format(format).prefix}/{feed}{rule}"


def ask(world: World, who: Who, method: str, url: str) -> TestResponse:
    return world.app.test_client().open(url, method=method, headers=world.credentials(who), data=b"")


def expected(who: Who, needs: Permission, rights: frozenset[Permission]) -> int | None:
    """Give the status of a refusal, or None where somebody may."""
    if needs in rights:
        return None
    return 403 if who.known else 401


@pytest.mark.parametrize("format", FORMATS)
def test_every_route_of_a_format_asks_for_the_right_it_declares(world: World, format: str) -> None:
    faults = []
    for route in routes(world, format):
        if route.needs is None:
            continue
        for feed, place in ((here(format), "here"), (there(format), "elsewhere")):
            for method in route.methods:
                for who in EVERYBODY:
                    want = expected(who, route.needs, getattr(who, place))
                    answer = ask(world, who, method, url_of(world, route, format, feed))
                    got = answer.status_code if answer.status_code in (401, 403) else None
                    if want is None and (answer.status_code == 501 or route.rule in REFUSED_TO_ALL):
                        continue
                    if got != want or answer.status_code >= 500:
                        faults.append(
                            f"{method} {route.rule} on {feed} by {who.name}: {answer.status_code}, not {want}"
                        )
                    if method != "GET" and answer.status_code < 400:
                        world.renew()
    assert faults == []


# Questions that npm sends as a POST.
ASKING = {f"/-/npm/v1/security/{rest}" for rest in ("advisories/bulk", "audits", "audits/quick")}


@pytest.mark.parametrize("format", FORMATS)
def test_whatever_changes_something_asks_for_more_than_reading(world: World, format: str) -> None:
    for route in routes(world, format):
        if set(route.methods) != {"GET"} and route.needs is not None and route.rule not in ASKING:
            assert route.needs not in READ, route.rule


# What asks for nothing: signing in, and what says who one is.
OPEN = {
    "npm": {"/-/ping", "/-/whoami", "/-/npm/v1/user", "/-/v1/login", "/-/user/token/<token>"}
    | {f"/-/user/org.couchdb.user:<user_name>{rest}" for rest in ("", "/-rev/<rev>")},
    "nuget": set(),
    "rubygems": {"/api/v1/api_key"},
    "universal": set(),
}


@pytest.mark.parametrize("format", FORMATS)
def test_only_signing_in_asks_for_no_right(world: World, format: str) -> None:
    assert {route.rule for route in routes(world, format) if route.needs is None} == OPEN[format]


@pytest.mark.parametrize("format", FORMATS)
def test_an_unseen_feed_answers_like_none(world: World, format: str) -> None:
    """Nothing tells whether a feed exists that one may not see: neither status nor headers nor words."""
    faults = []
    for who in EVERYBODY:
        if Permission.VIEW_FEED in who.elsewhere:
            continue
        for route in routes(world, format):
            if route.needs is None:
                continue
            for method in route.methods:
                told = []
                for feed in (there(format), f"{format}-where"):
                    answer = ask(world, who, method, url_of(world, route, format, feed))
                    words = answer.text.replace(feed, "*")
                    told.append((answer.status_code, words, sorted(name for name, _ in answer.headers)))
                if told[0] != told[1]:
                    faults.append(f"{method} {route.rule} by {who.name}: {told}")
    assert faults == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_path_that_no_format_has_tells_nothing_either(world: World, format: str) -> None:
    prefix = world.runtime.get_format(format).prefix
    for who in EVERYBODY:
        if Permission.VIEW_FEED not in who.elsewhere:
            answer = ask(world, who, "GET", f"/{prefix}/{there(format)}/no/such/path/at/all/here")
            assert answer.status_code == (403 if who.known else 401), who.name
    assert ask(world, NOBODY, "GET", f"/{prefix}/{here(format)}/no/such/path").status_code == 401


def statements(world: World, who: Who, url: str) -> list[str]:
    """Give the SQL that a request runs: what takes time, without a clock."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = world.runtime.database.reader
    event.listen(engine, "before_cursor_execute", note)
    try:
        ask(world, who, "GET", url)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return seen


@pytest.mark.parametrize("format", FORMATS)
def test_an_unseen_feed_costs_what_none_costs(world: World, format: str) -> None:
    """Nor does the time tell: both run the same statements."""
    prefix = world.runtime.get_format(format).prefix
    for who in EVERYBODY:
        if Permission.VIEW_FEED not in who.elsewhere and who.name != "key-wrong-feed":
            unseen, absent = (
                statements(world, who, f"/{prefix}/{feed}/left") for feed in (there(format), f"{format}-where")
            )
            assert unseen == absent, who.name
            assert unseen
