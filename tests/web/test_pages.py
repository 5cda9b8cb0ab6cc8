"""The pages without a browser: who sees what, what is refused, the whole journey without JavaScript."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.promotion import Accepts
from app.services import feeds, grants, installation, people
from app.services.runtime import Actor, Runtime
from app.storage.models import UserSession
from app.web import create_app
from app.web.tokens import OneTimeTokens
from tests.fixtures import make_feeds, make_key, publish_sample

PASSWORD = "a long password"


@pytest.fixture
def app(sqlite_runtime: Runtime) -> Flask:
    installation.create_first_administrator(sqlite_runtime, "sam", PASSWORD)
    make_feeds(sqlite_runtime, "npm", "npm-dev", "npm-prod")
    publish_sample(sqlite_runtime, "npm-dev", "@acme/ui", "1.0.0")
    publish_sample(sqlite_runtime, "npm-dev", "left", "1.0.0")
    return create_app(sqlite_runtime)


@pytest.fixture
def sam_browser(app: Flask) -> FlaskClient:
    return signed_in(app, "sam")


def token_of(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found, page.text[:500]
    return found[1]


def signed_in(app: Flask, name: str) -> FlaskClient:
    browser = app.test_client()
    form = {"name": name, "password": PASSWORD, "csrf_token": token_of(browser.get("/sign-in"))}
    assert browser.post("/sign-in", data=form).status_code == 302
    return browser


def person(runtime: Runtime, sam: Actor, name: str, *tasks: tuple[str, str]) -> None:
    with runtime.writing(sam) as work:
        people.create_user(work, name, PASSWORD)
        for task, feed in tasks:
            grants.grant(work, grants.GrantRequest(task, user=name, feed=feed))


PAGES = [
    "/",
    "/feeds/npm-dev",
    "/feeds/npm-dev?q=acme&sort=-published&prerelease=without&listed=all&page=1",
    "/feeds/npm-dev/promotions",
    "/feeds/npm-dev/settings",
    "/feeds/new",
    "/search?q=ui",
    "/promotions/",
    "/promote?from=npm-dev&item=@acme/ui@1.0.0",
    "/administration/",
    "/administration/plugins",
    "/administration/events",
    "/administration/events?q=left&tag=package-published&feed=npm-dev&person=sam&since=2020-01-01&until=2100-01-01",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_for_an_administrator_under_a_strict_policy(sam_browser: FlaskClient, path: str) -> None:
    page = sam_browser.get(path)
    assert page.status_code == 200, page.text[:300]
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", page.text)


@pytest.mark.parametrize("path", PAGES)
def test_nobody_known_is_led_to_sign_in_and_back(app: Flask, path: str) -> None:
    page = app.test_client().get(path, headers={"Accept": "text/html"})
    assert page.status_code == 302
    assert page.headers["Location"].startswith("/sign-in?next=")


def test_a_reader_sees_a_feed_and_is_told_what_is_missing_for_its_settings(
    app: Flask, sqlite_runtime: Runtime, sam: Actor
) -> None:
    person(sqlite_runtime, sam, "ann", ("View & Download Packages", "npm-dev"))
    browser = signed_in(app, "ann")
    page = browser.get("/feeds/npm-dev")
    assert page.status_code == 200
    assert "Settings</a>" not in page.text
    assert "data-upload" not in page.text
    refused = browser.get("/feeds/npm-dev/settings", headers={"Accept": "text/html"})
    assert refused.status_code == 403
    for said in ("Admin_ManageFeed", "npm-dev", "sam"):
        assert said in refused.text
    assert browser.get("/feeds/npm-prod", headers={"Accept": "text/html"}).status_code == 403
    assert "npm-prod" not in browser.get("/").text


def test_a_wrong_password_says_so_and_guessing_is_throttled(app: Flask) -> None:
    browser = app.test_client()
    form = {"name": "sam", "password": "wrong", "csrf_token": token_of(browser.get("/sign-in"))}
    answers = [browser.post("/sign-in", data=form).status_code for _ in range(12)]
    assert answers[0] == 401
    assert answers[-1] == 429
    right = {**form, "password": PASSWORD}
    assert browser.post("/sign-in", data=right, environ_base={"REMOTE_ADDR": "127.0.0.9"}).status_code == 302


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_elsewhere(app: Flask, target: str) -> None:
    browser = app.test_client()
    form = {"name": "sam", "password": PASSWORD, "csrf_token": token_of(browser.get("/sign-in"))}
    assert browser.post("/sign-in", query_string={"next": target}, data=form).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/promote", {"from": "npm-dev", "to": "npm-prod", "item": "left@1.0.0"}),
        ("/feeds/new", {"name": "other", "format": "npm"}),
        ("/feeds/samples", {}),
        ("/feeds/npm-dev/settings", {"name": "renamed"}),
        ("/feeds/npm-dev/delete", {"confirm": "npm-dev"}),
        ("/feeds/npm-dev/upload", {}),
        ("/sign-out", {}),
    ],
)
def test_a_form_without_its_token_changes_nothing(
    app: Flask, sam_browser: FlaskClient, path: str, form: dict[str, str]
) -> None:
    before = sam_browser.get("/").text
    answer = sam_browser.post(path, data=form)
    assert answer.status_code in (200, 403)
    assert re.sub("csrf.*", "", sam_browser.get("/").text) == re.sub("csrf.*", "", before)


def test_a_session_cookie_never_authorises_the_api_or_a_feed(sam_browser: FlaskClient) -> None:
    assert sam_browser.get("/npm/npm-dev/left").status_code == 401
    body = {"fromFeed": "npm-dev", "toFeed": "npm-prod", "name": "left", "version": "1.0.0"}
    assert sam_browser.post("/api/promotions/promote", json=body).status_code in (401, 403)
    assert json.loads(sam_browser.get("/api/management/feeds/list").text) == []


def test_a_session_ends_when_the_password_changes(
    app: Flask, sam_browser: FlaskClient, sqlite_runtime: Runtime, sam: Actor
) -> None:
    assert sam_browser.get("/").status_code == 200
    with sqlite_runtime.writing(sam) as work:
        people.set_password(work, "sam", "another long password")
    assert sam_browser.get("/", headers={"Accept": "text/html"}).status_code == 302


def test_a_session_ends_after_its_idle_time(sam_browser: FlaskClient, sqlite_runtime: Runtime, sam: Actor) -> None:
    assert sam_browser.get("/", headers={"Accept": "text/html"}).status_code == 200
    with sqlite_runtime.writing(sam) as work:
        work.session.query(UserSession).one().seen -= timedelta(hours=73)
    assert sam_browser.get("/", headers={"Accept": "text/html"}).status_code == 302


def promote_form(browser: FlaskClient, *items: str, to: str = "npm-prod") -> dict[str, object]:
    page = browser.get("/promote", query_string={"from": "npm-dev", "to": to, "item": list(items)})
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return {**hidden, "item": list(items), "to": to, "comments": "tried for a week"}


def test_a_version_is_promoted_without_any_script_and_the_history_says_who_and_why(sam_browser: FlaskClient) -> None:
    form = promote_form(sam_browser, "@acme/ui@1.0.0")
    assert form["fingerprint"]
    done = sam_browser.post("/promote", data=form)
    assert done.status_code == 302
    assert "Promoted @acme/ui 1.0.0 to npm-prod" in sam_browser.get("/promotions/").text
    page = sam_browser.get("/promotions/")
    for said in ("@acme/ui", "npm-dev", "npm-prod", "sam", "tried for a week"):
        assert said in page.text
    assert "tried for a week" in sam_browser.get("/promotions/1").text


def test_pressing_promote_twice_promotes_once(sam_browser: FlaskClient) -> None:
    form = promote_form(sam_browser, "left@1.0.0")
    assert [sam_browser.post("/promote", data=form).status_code for _ in range(2)] == [302, 302]
    assert len(json.loads(sam_browser.get("/promotions/export.json").text)) == 1


def test_a_stale_plan_comes_back_fresh_with_the_comments_kept(
    sam_browser: FlaskClient, sqlite_runtime: Runtime
) -> None:
    form = promote_form(sam_browser, "left@1.0.0")
    publish_sample(sqlite_runtime, "npm-prod", "something", "1.0.0")
    answer = sam_browser.post("/promote", data=form)
    assert answer.status_code == 409
    assert "look at the new plan" in answer.text
    assert "tried for a week" in answer.text
    fresh = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    assert fresh["fingerprint"] != form["fingerprint"]


def test_who_may_not_promote_reads_why_beside_the_feed(app: Flask, sqlite_runtime: Runtime, sam: Actor) -> None:
    person(
        sqlite_runtime, sam, "ann", ("View & Download Packages", "npm-dev"), ("View & Download Packages", "npm-prod")
    )
    browser = signed_in(app, "ann")
    page = browser.get("/promote?from=npm-dev&item=left@1.0.0")
    assert "Feeds_AcceptPackagePromotions" in page.text
    assert "no feed is offered" in page.text
    form = {**promote_form(browser, "left@1.0.0"), "csrf_token": token_of(page)}
    assert browser.post("/promote", data=form, headers={"Accept": "text/html"}).status_code == 403


@pytest.mark.parametrize(
    ("item", "said"), [("left@9.9.9", "is not in npm-dev"), ("nothing@1.0.0", "is not in npm-dev")]
)
def test_what_cannot_be_promoted_is_shown_with_the_way_out(sam_browser: FlaskClient, item: str, said: str) -> None:
    page = sam_browser.get("/promote", query_string={"from": "npm-dev", "to": "npm-prod", "item": item})
    assert said in page.text
    assert re.search(r"<button[^>]*type=\"submit\" disabled", page.text)


def test_an_item_that_names_nothing_is_a_clear_error(sam_browser: FlaskClient) -> None:
    for query in ("/promote", "/promote?from=npm-dev", "/promote?from=npm-dev&item=left"):
        assert sam_browser.get(query, headers={"Accept": "text/html"}).status_code == 400


def test_a_feed_is_created_changed_and_deleted_by_its_forms(sam_browser: FlaskClient) -> None:
    token = token_of(sam_browser.get("/feeds/new"))
    new = {"csrf_token": token, "name": "npm-new", "format": "npm", "usage": "validated", "group": "Web", "target": ""}
    assert sam_browser.post("/feeds/new", data=new).headers["Location"] == "/feeds/npm-new"
    assert "Promotions only" in sam_browser.get("/feeds/npm-new").text
    again = sam_browser.post("/feeds/new", data=new)
    assert again.status_code == 409
    assert "choose another name" in again.text
    change = {
        "csrf_token": token,
        "name": "npm-newer",
        "promote_to": "list",
        "targets": "npm-dev",
        "accepts": "anything",
        "active": "y",
    }
    assert sam_browser.post("/feeds/npm-new/settings", data=change).headers["Location"] == "/feeds/npm-newer/settings"
    wrong = sam_browser.post("/feeds/npm-newer/delete", data={"csrf_token": token, "confirm": "no"})
    assert wrong.status_code == 400
    sam_browser.post("/feeds/npm-newer/delete", data={"csrf_token": token, "confirm": "npm-newer"})
    assert sam_browser.get("/feeds/npm-newer", headers={"Accept": "text/html"}).status_code == 404


def test_files_are_uploaded_by_a_form_and_refused_by_name(sam_browser: FlaskClient, sqlite_runtime: Runtime) -> None:
    sample = sqlite_runtime.get_format("npm").kit().make("fresh", "1.0.0")
    token = token_of(sam_browser.get("/feeds/npm-dev"))
    files = [(io.BytesIO(sample.content), sample.filename), (io.BytesIO(b"no package"), "junk.tgz")]
    answer = sam_browser.post("/feeds/npm-dev/upload", data={"csrf_token": token, "file": files})
    assert answer.status_code == 302
    page = sam_browser.get("/feeds/npm-dev")
    assert "Published fresh 1.0.0" in page.text
    assert "junk.tgz:" in page.text
    one = {"csrf_token": token, "file": (io.BytesIO(b"no package"), "junk.tgz")}
    refused = sam_browser.post("/feeds/npm-dev/upload", data=one, headers={"Accept": "application/json"})
    assert refused.status_code == 400
    assert "junk.tgz" in refused.json["detail"]


def test_a_promotions_only_feed_takes_no_upload_from_the_page(
    sam_browser: FlaskClient, sqlite_runtime: Runtime, sam: Actor
) -> None:
    with sqlite_runtime.writing(sam) as work:
        feeds.update_feed(work, "npm-prod", feeds.FeedChange(accepts=Accepts.PROMOTIONS))
    sample = sqlite_runtime.get_format("npm").kit().make("fresh", "1.0.0")
    page = sam_browser.get("/feeds/npm-prod")
    assert "data-upload" not in page.text
    token = token_of(sam_browser.get("/feeds/npm-dev"))
    form = {"csrf_token": token, "file": (io.BytesIO(sample.content), sample.filename)}
    refused = sam_browser.post("/feeds/npm-prod/upload", data=form, headers={"Accept": "application/json"})
    assert refused.status_code == 403
    assert "promotions only" in refused.json["detail"]


def test_the_history_is_exported_as_csv_that_no_spreadsheet_runs(sam_browser: FlaskClient) -> None:
    form = {**promote_form(sam_browser, "left@1.0.0", "@acme/ui@1.0.0"), "comments": "=1+1"}
    sam_browser.post("/promote", data=form)
    rows = list(csv.reader(io.StringIO(sam_browser.get("/promotions/export.csv").text)))
    assert rows[0][:5] == ["No.", "Date", "From Feed", "To Feed", "User"]
    assert {row[6] for row in rows[1:]} == {"left", "'@acme/ui"}
    assert {row[-1] for row in rows[1:]} == {"'=1+1"}
    filtered = json.loads(sam_browser.get("/promotions/export.json?q=left&person=sam").text)
    assert [line["package"] for line in filtered] == ["left"]


def test_the_first_administrator_comes_by_a_link_that_works_once(sqlite_runtime: Runtime) -> None:
    app = create_app(sqlite_runtime)
    tokens: OneTimeTokens = app.extensions["promontory.tokens"]
    link, browser = f"/set-up/{tokens.issue()}", app.test_client()
    assert "promontory serve" in browser.get("/sign-in").text
    token = token_of(browser.get(link))
    weak = browser.post(link, data={"csrf_token": token, "name": "sam", "password": "short", "repeat": "short"})
    assert weak.status_code == 200
    form = {"csrf_token": token, "name": "sam", "password": PASSWORD, "repeat": PASSWORD}
    assert browser.post(link, data=form).status_code == 302
    assert "Create sample feeds" in browser.get("/").text
    assert app.test_client().get(link).status_code == 404
    samples = browser.post("/feeds/samples", data={"csrf_token": token_of(browser.get("/"))})
    assert samples.status_code == 302
    page = browser.get("/").text
    assert page.index("npm-dev") < page.index("npm-test") < page.index("npm-prod")


def test_the_windows_link_signs_in_once(app: Flask) -> None:
    tokens: OneTimeTokens = app.extensions["promontory.tokens"]
    link, browser = f"/enter/{tokens.issue(1)}", app.test_client()
    assert browser.get(link).status_code == 302
    assert "npm-dev" in browser.get("/").text
    assert app.test_client().get(link).status_code == 404


def test_a_key_does_not_open_pages(app: Flask, sqlite_runtime: Runtime) -> None:
    key = make_key(sqlite_runtime, "system", "ci")
    page = app.test_client().get("/", headers={"X-ApiKey": key, "Accept": "text/html"})
    assert page.status_code == 302


# The event log ----------------------------------------------------------------------------------------


def test_the_event_log_shows_what_was_done_and_filters_it(sam_browser: FlaskClient) -> None:
    everything = sam_browser.get("/administration/events").text
    assert "package published" in everything
    assert "@acme/ui 1.0.0" in everything
    left = sam_browser.get("/administration/events?q=left").text
    assert "left 1.0.0" in left
    assert "@acme/ui 1.0.0" not in left
    assert "No event matches" in sam_browser.get("/administration/events?until=2000-01-01").text
    assert "@acme/ui 1.0.0" in sam_browser.get("/administration/events?tag=package-published&since=2020-01-01").text


def test_the_event_log_is_exported_whole_newest_first(sam_browser: FlaskClient) -> None:
    rows = list(csv.reader(io.StringIO(sam_browser.get("/administration/events.csv").text)))
    assert rows[0] == ["No.", "Date", "User", "Event", "Feed", "Subject", "Detail", "Hash"]
    numbers = [int(row[0]) for row in rows[1:]]
    assert numbers == list(range(len(numbers), 0, -1))
    lines = json.loads(sam_browser.get("/administration/events.json?q=left").text)
    assert [(line["event"], line["subject"]) for line in lines] == [("package-published", "left 1.0.0")]
    assert json.loads(lines[0]["detail"])["size"] > 0
    assert sam_browser.get("/administration/events.json?q=nothing-like-it").text == "[]"


@pytest.mark.parametrize(
    "path", ["/administration/events", "/administration/events.csv", "/administration/events.json"]
)
def test_the_event_log_is_for_administrators(app: Flask, sqlite_runtime: Runtime, sam: Actor, path: str) -> None:
    person(sqlite_runtime, sam, "ada", ("Manage Feed", "npm-dev"))
    assert signed_in(app, "ada").get(path).status_code == 403


@pytest.mark.parametrize("path", ["/promotions/{}", "/keys/{}", "/api/v1/promotions/{}"])
@pytest.mark.parametrize("number", [2**31, 2**63, 10**40])
def test_a_number_that_no_database_gives_is_not_found(sam_browser: FlaskClient, path: str, number: int) -> None:
    assert sam_browser.get(path.format(number)).status_code == 404
