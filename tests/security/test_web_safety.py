"""What every page and answer keeps to, whatever it shows: headers, cookies, tokens, hosts, secrets."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from werkzeug.routing import Rule

from app.bootstrap import open_runtime
from app.services import events, keys, people
from app.settings import load_settings
from app.web import create_app
from tests.fixtures import make_key, running
from tests.security.actors import NAME, NOBODY, PEOPLE, SAM, VERSION, World, here
from tests.security.test_routes import PAGES, methods_of, rules, url_of

ROOT = Path(__file__).parent.parent.parent
ADMINISTRATOR = PEOPLE[-1]
SHOWN = [
    "/", "/search?q=left", f"/feeds/{here('npm')}", f"/feeds/{here('npm')}/settings", "/feeds/new", "/promotions/",
    f"/feeds/{here('npm')}/versions/{VERSION}/{NAME}", f"/feeds/{here('nuget')}/versions/{VERSION}/{NAME}",
    "/administration/", "/administration/users", "/administration/permissions", "/administration/tasks",
    "/administration/privileges", "/administration/events", "/keys/", "/keys/new", "/keys/1", "/account/",
    "/feeds/nowhere", "/no/such/page",
]  # fmt: skip


# Headers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*SHOWN, "/sign-in"])
def test_every_page_forbids_inline_script_framing_and_sniffing(world: World, path: str) -> None:
    who = NOBODY if path == "/sign-in" else ADMINISTRATOR
    answer = world.browser(who).get(path, headers={"Accept": "text/html"})
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert (policy["frame-ancestors"], policy["object-src"], policy["base-uri"]) == ("'none'", "'none'", "'none'")
    assert policy["form-action"] == "'self'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", SHOWN)
def test_no_page_needs_what_the_policy_forbids(world: World, path: str) -> None:
    page = world.browser(ADMINISTRATOR).get(path, headers={"Accept": "text/html"}).text
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page) == []
    assert re.findall(r"<style\b|\sstyle=|\son\w+=|javascript:|<base\b", page, re.IGNORECASE) == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"[^>]*rel="stylesheet"', page) == []


# Cookies and forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("public_url", "secure"), [("", False), ("https://packages.example", True)])
def test_the_session_cookie_is_out_of_reach(data: Path, public_url: str, secure: bool) -> None:
    runtime = open_runtime(load_settings(data=data, port=0, public_url=public_url))
    with runtime.writing(SAM) as work:
        people.create_user(work, "ann", "an orchard of plums")
    client = create_app(runtime).test_client()
    page = client.get("/sign-in", base_url=public_url or "http://localhost")
    cookie = page.headers["Set-Cookie"]
    runtime.database.close()
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) is secure


def posting(world: World) -> list[tuple[str, Rule, str]]:
    found = [(rule.endpoint, rule, method) for rule in rules(world, PAGES) for method in methods_of(rule)]
    return [each for each in found if each[2] != "GET"]


def test_every_form_wants_its_token(world: World) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = True
    before = snapshot(world)
    for endpoint, rule, method in posting(world):
        needs = PAGES[endpoint][0]
        answer = world.browser(ADMINISTRATOR).open(url_of(world, rule, method, needs), method=method, data=needs.form)
        told = answer.status_code in (400, 403) or "too old" in answer.text or "token" in answer.text.lower()
        assert told, (endpoint, answer.status_code)
    assert snapshot(world) == before


def snapshot(world: World) -> list[object]:
    """Give what forms could have changed."""
    with world.runtime.reading(SAM) as work:
        connection = work.session.connection()
        tables = ("user", "group", "membership", "task", "task_attribute", "grant", "api_key", "feed", "version", "tag")
        return [
            tuple(map(tuple, connection.exec_driver_sql(f'SELECT * FROM "{table}" ORDER BY 1, 2').all()))
            for table in tables
        ]


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(world: World, to: str) -> None:
    with world.runtime.writing(SAM) as work:
        people.set_password(work, "reader", "an orchard of plums")
    form = {"name": "reader", "password": "an orchard of plums"}
    answer = world.app.test_client().post("/sign-in", query_string={"next": to}, data=form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


# Hosts and proxies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/sign-in", "/health", "/api/management/feeds/list", f"/npm/{here('npm')}/left"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8624"])
def test_a_name_that_is_not_ours_is_refused(world: World, path: str, host: str) -> None:
    """A page of somebody else that makes its own name point here (DNS rebinding) gets nothing."""
    answer = world.app.test_client().get(path, headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "feed" not in answer.text.lower() or "host" in answer.text.lower()


@pytest.mark.parametrize(("trust", "address"), [(False, "127.0.0.1"), (True, "203.0.113.9")])
def test_a_proxy_is_believed_only_when_told_so(data: Path, trust: bool, address: str) -> None:
    runtime = open_runtime(load_settings(data=data, port=0, trust_proxy=trust))
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-ApiKey": "ann:wrong password"}
    with running(runtime) as server:
        request = Request(f"{server.url}/api/promotions/list", headers=headers)
        with pytest.raises(HTTPError, match="403"):
            urlopen(request, timeout=30)
    with runtime.reading(SAM) as work:
        entry = events.find(work, events.EventFilter(tag="sign-in-failed"))[0][0]
    runtime.database.close()
    assert entry.data["address"] == address


# Secrets ----------------------------------------------------------------------------------------------


def test_no_secret_is_kept_readable_anywhere(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    runtime = open_runtime(load_settings(data=data, port=0))
    with runtime.writing(SAM) as work:
        people.create_user(work, "ann", "an orchard of plums")
    key = make_key(runtime, "personal", "laptop", user="ann")
    client = create_app(runtime).test_client()
    client.get("/api/promotions/list", headers={"X-ApiKey": key})
    client.get(f"/api/promotions/list?key={key}")
    client.get("/api/promotions/list", headers={"X-ApiKey": "ann:an orchard of plums"})
    client.get("/api/promotions/list", headers={"X-ApiKey": "ann:my other password"})
    client.application.extensions["promontory.serving"].flush()
    runtime.database.close()
    kept = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    for secret in (key, "an orchard of plums", "my other password"):
        assert secret.encode() not in kept
        assert secret not in caplog.text


def test_typed_text_of_a_key_is_hard_to_guess(world: World) -> None:
    for text in ("short", "a" * 30, "abcabcabcabcabcabcabcabcabc", "with space " * 4, "user:password-of-length-24"):
        with pytest.raises(Exception, match="text of a key"), world.runtime.writing(SAM) as work:
            keys.create_key(work, keys.KeyRequest("system", "typed", secret=text))


# The document -----------------------------------------------------------------------------------------


def test_every_claim_of_the_threat_model_names_a_test_that_exists() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    claims = re.findall(r"`((?:tests|app/testing)/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(claims) > 25
    for path, name in claims:
        source = (ROOT / path).read_text()
        assert not name or f"def {name}(" in source, f"{path}::{name}"


def test_every_row_of_the_threat_model_has_a_test() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    rows = [
        line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| claim", "| threat"))
    ]
    bare = [row for row in rows if "`tests/" not in row and "`app/testing/" not in row]
    assert bare == []
