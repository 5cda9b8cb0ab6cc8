"""My account and API keys as pages: passwords, sessions, keys shown once, their uses."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services import grants, keys, people
from app.services.runtime import Actor, Runtime
from app.web import create_app
from tests.fixtures import make_feeds, make_key

PASSWORD = "an orchard of plums"
NEW = "a field of barley"


@pytest.fixture
def app(sqlite_runtime: Runtime) -> Flask:
    made = create_app(sqlite_runtime)
    made.testing = True
    return made


@pytest.fixture
def house(sqlite_runtime: Runtime, sam: Actor) -> Runtime:
    make_feeds(sqlite_runtime, "npm", "dev", "prod")
    with sqlite_runtime.writing(sam) as work:
        for name in ("ann", "ben", "cas"):
            people.create_user(work, name, PASSWORD)
        grants.grant(work, grants.GrantRequest("Administer", user="cas"))
        grants.grant(work, grants.GrantRequest("Manage Feed", user="ben", feed="dev"))
    return sqlite_runtime


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


def sign_in(app: Flask, name: str, password: str = PASSWORD, agent: str = "A browser") -> FlaskClient:
    browser = app.test_client()
    browser.environ_base["HTTP_USER_AGENT"] = agent
    form = {"name": name, "password": password, "csrf_token": token_of(browser.get("/sign-in").text)}
    assert browser.post("/sign-in", data=form).status_code == 302
    return browser


def post(browser: FlaskClient, path: str, page: str = "/account/", **fields: object) -> tuple[int, str]:
    answer = browser.post(path, data={"csrf_token": token_of(browser.get(page).text), **fields})
    return answer.status_code, answer.text


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/account/", headers={"Accept": "text/html"}).status_code == 200


# Passwords and sessions -------------------------------------------------------------------------------


def test_changing_the_password_keeps_this_browser_and_signs_out_the_others(app: Flask, house: Runtime) -> None:
    here, there = sign_in(app, "ann"), sign_in(app, "ann")
    assert post(here, "/account/password", old=PASSWORD, new=NEW, repeat=NEW)[0] == 302
    assert (is_in(here), is_in(there)) == (True, False)
    assert is_in(sign_in(app, "ann", NEW))


@pytest.mark.parametrize(
    ("old", "new", "repeat", "says"),
    [
        ("wrong password", NEW, NEW, "This is not your password"),
        (PASSWORD, "short", "short", "between 10 and"),
        (PASSWORD, NEW, "another one", "differ"),
        (PASSWORD, "password123", "password123", "easily guessed"),
    ],
)
def test_a_password_is_not_changed_by_a_bad_form(
    app: Flask, house: Runtime, old: str, new: str, repeat: str, says: str
) -> None:
    here = sign_in(app, "ann")
    status, page = post(here, "/account/password", old=old, new=new, repeat=repeat)
    assert (status, says in page) == (400, True)
    assert old not in page
    assert is_in(sign_in(app, "ann"))


def test_sessions_are_listed_and_ended_one_by_one_or_all(app: Flask, house: Runtime) -> None:
    here, there, third = (sign_in(app, "ann", agent=agent) for agent in ("Here", "There", "Third"))
    page = here.get("/account/").text
    assert all(agent in page for agent in ("Here", "There", "Third", "this one"))
    numbers = [int(number) for number in re.findall(r"/account/sessions/(\d+)/end", page)]
    other = min(set(numbers) - {max(numbers)} - {min(numbers)})
    assert post(here, f"/account/sessions/{other}/end")[0] == 302
    assert (is_in(here), is_in(there), is_in(third)) == (True, False, True)
    assert post(here, "/account/sessions/end-others")[0] == 302
    assert (is_in(here), is_in(third)) == (True, False)
    assert post(here, f"/account/sessions/{min(numbers)}/end")[0] == 302
    assert not is_in(here)


def test_nobody_ends_a_session_of_somebody_else(app: Flask, house: Runtime) -> None:
    ann, ben = sign_in(app, "ann"), sign_in(app, "ben")
    number = re.findall(r"/account/sessions/(\d+)/end", ann.get("/account/").text)[0]
    assert post(ben, f"/account/sessions/{number}/end")[0] == 403
    assert is_in(ann)


def test_a_copied_cookie_is_worth_nothing_after_signing_out(app: Flask, house: Runtime) -> None:
    ann = sign_in(app, "ann")
    cookie = ann.get_cookie("promontory")
    assert cookie is not None
    assert post(ann, "/sign-out")[0] == 302
    thief = app.test_client()
    thief.set_cookie("promontory", cookie.value)
    assert not is_in(thief)


# Keys -------------------------------------------------------------------------------------------------


def made_key(page: str) -> str:
    found = re.search(r"<code>(prm_[\w-]+)</code>", page)
    assert found, page[-2000:]
    return found[1]


def test_a_personal_key_is_shown_once_and_works(app: Flask, house: Runtime) -> None:
    ben = sign_in(app, "ben")
    status, page = post(ben, "/keys/new", page="/keys/new", kind="personal", name="laptop", user="ben")
    assert status == 201
    secret = made_key(page)
    assert app.test_client().get("/npm/dev/-/whoami", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    for path in ("/account/", "/keys/", "/keys/1"):
        assert secret not in ben.get(path).text
        assert "laptop" in ben.get(path).text


def test_a_feed_key_has_what_was_chosen(app: Flask, house: Runtime, sam: Actor) -> None:
    ben = sign_in(app, "ben")
    choice = {"kind": "feed", "name": "build", "feeds": ["dev"], "rights": ["view", "add"], "expires": "2999-01-31"}
    status, _ = post(ben, "/keys/new", page="/keys/new?type=feed", **choice)
    assert status == 201
    with house.reading(sam) as work:
        key = keys.list_keys(work)[0]
        assert (key.kind, key.rights, [feed.name for feed in key.feeds]) == ("feed", ["add", "view"], ["dev"])
        assert key.expires == datetime(2999, 1, 31, 23, 59, 59, 999999, UTC)


@pytest.mark.parametrize(
    ("name", "choice", "status"),
    [
        ("ann", {"kind": "feed", "feeds": ["dev"], "rights": ["view"]}, 400),
        ("ben", {"kind": "feed", "feeds": ["prod"], "rights": ["view"]}, 403),
        ("ben", {"kind": "feed", "feeds": ["dev"], "rights": []}, 400),
        ("ben", {"kind": "system"}, 400),
        ("ben", {"kind": "personal", "user": "cas"}, 403),
    ],
)
def test_nobody_makes_a_key_that_may_more_than_they(
    app: Flask, house: Runtime, sam: Actor, name: str, choice: dict[str, object], status: int
) -> None:
    assert post(sign_in(app, name), "/keys/new", page="/keys/new", name="k", **choice)[0] == status
    with house.reading(sam) as work:
        assert keys.list_keys(work) == []


def test_a_key_is_disabled_enabled_and_deleted(app: Flask, house: Runtime) -> None:
    cas = sign_in(app, "cas")
    secret = make_key(house, "feed", "build", feeds=["dev"], rights=["view"])

    def works() -> bool:
        return app.test_client().get("/api/packages/dev/versions", headers={"X-ApiKey": secret}).status_code == 200

    assert works()
    assert post(cas, "/keys/1", page="/keys/1", name="build", rights=["view"])[0] == 302
    assert not works()
    assert post(cas, "/keys/1", page="/keys/1", name="build 2", rights=["view"], enabled="y")[0] == 302
    assert works()
    assert post(cas, "/keys/1", page="/keys/1", name="build 2", rights=[], enabled="y")[0] == 400
    assert "build 2" in cas.get("/keys/1").text
    assert post(cas, "/keys/1/delete", page="/keys/1")[0] == 302
    assert not works()


def test_the_uses_of_a_key_are_on_its_page(app: Flask, house: Runtime) -> None:
    secret = make_key(house, "feed", "build", feeds=["dev"], rights=["view"])
    app.test_client().get("/npm/prod/left", headers={"Authorization": f"Bearer {secret}"})
    app.extensions["promontory.serving"].flush()
    page = sign_in(app, "cas").get("/keys/1").text
    assert "GET /npm/prod/left" in page
    assert "403" in page
    assert secret not in page


def test_people_see_their_own_keys_and_those_of_feeds_they_manage(app: Flask, house: Runtime, sam: Actor) -> None:
    for kind, name, fields in (
        ("system", "k-system", {}),
        ("feed", "k-dev", {"feeds": ["dev"], "rights": ["view"]}),
        ("feed", "k-both", {"feeds": ["dev", "prod"], "rights": ["view"]}),
        ("personal", "k-ann", {"user": "ann"}),
        ("personal", "k-ben", {"user": "ben"}),
    ):
        make_key(house, kind, name, **fields)
    seen = {
        name: set(re.findall(r">(k-\w+)<", sign_in(app, name).get("/keys/").text)) for name in ("ann", "ben", "cas")
    }
    assert seen == {
        "ann": {"k-ann"},
        "ben": {"k-dev", "k-ben"},
        "cas": {"k-system", "k-dev", "k-both", "k-ann", "k-ben"},
    }
    with house.reading(sam) as work:
        numbers = {key.name: key.id for key in keys.list_keys(work)}
    ben = sign_in(app, "ben")
    for name in ("k-system", "k-both", "k-ann"):
        assert ben.get(f"/keys/{numbers[name]}").status_code == 403
        assert post(ben, f"/keys/{numbers[name]}/delete")[0] == 403
    assert ben.get("/keys/999").status_code == 403


def test_expired_and_disabled_keys_say_so(app: Flask, house: Runtime, sam: Actor) -> None:
    make_key(house, "personal", "old", user="ann", expires=datetime.now(UTC) - timedelta(days=1))
    with house.writing(sam) as work:
        number = keys.list_keys(work)[0].id
    ann = sign_in(app, "ann")
    assert "expired" in ann.get("/account/").text
    with house.writing(sam) as work:
        keys.update_key(work, number, keys.KeyChange(enabled=False))
    assert "disabled" in ann.get("/keys/").text


def test_a_stranger_is_asked_to_sign_in(app: Flask, house: Runtime) -> None:
    for path in ("/account/", "/keys/", "/keys/new", "/keys/1"):
        assert app.test_client().get(path, headers={"Accept": "text/html"}).status_code == 302


def test_anonymous_rights_do_not_open_the_keys(app: Flask, house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        grants.grant(work, grants.GrantRequest("Administer", principal="anonymous"))
    assert app.test_client().get("/keys/", headers={"Accept": "text/html"}).status_code == 302
