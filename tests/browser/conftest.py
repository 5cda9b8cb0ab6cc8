"""A real Chromium against a real server with real packages."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.bootstrap import open_runtime
from app.domain.permissions import Permission
from app.jobs.runner import Runner
from app.services import (
    connectorhealth,
    connectors,
    grants,
    installation,
    jobs,
    keys,
    newest,
    people,
    promotions,
    publishing,
    pulls,
    tasks,
)
from app.services.grants import GrantRequest
from app.services.promotions import PromotionRequest, Wanted
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from app.web.server import Server
from tests.fixtures import make_feeds, make_key, running

PASSWORD = "a long password"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Give Debian's Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium here; install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Runtime]:
    """Give an installation with a pipeline, real packages and a short history."""
    runtime = open_runtime(load_settings(data=tmp_path_factory.mktemp("stocked"), port=0))
    installation.create_first_administrator(runtime, "sam", PASSWORD)
    make_feeds(runtime, "npm", "npm-prod", "npm-other")
    make_feeds(runtime, "npm", "npm-dev", targets=["npm-prod"])
    make_feeds(runtime, "universal", "tools")
    for name in ("express-5.3.0", "debug-4.4.3", "ms-2.1.3", "left-pad-1.3.0", "chalk-4.1.2", "chalk-5.6.2"):
        content = (samples / "npm" / f"{name}.tgz").read_bytes()
        publishing.publish(runtime, owner("mei"), "npm-dev", [content], f"{name}.tgz")
    wanted = PromotionRequest("npm-dev", "npm-prod", (Wanted("ms", "2.1.3"),), "small and good")
    promotions.promote(runtime, owner("mei"), wanted)
    _employ(runtime)
    make_key(
        runtime, "feed", "build server", feeds=["npm-dev"], rights=["view", "add"], description="Publishes nightly"
    )
    with runtime.writing(owner("SYSTEM")) as work:
        use = keys.Use(1, runtime.clock(), "PUT", "/npm/npm-dev/express", 201, "192.0.2.7")
        keys.record_uses(work, [use, replace(use, method="GET", path="/npm/npm-prod/express", status=403)])
    _connect(runtime)
    yield runtime
    runtime.database.close()


def _connect(runtime: Runtime) -> None:
    """Let a feed look into another, with a version that was pulled, one that failed, and a source that is down."""
    sam = owner("sam")
    make_feeds(runtime, "npm", "npm-curated", group="Team")
    with runtime.writing(sam) as work:
        for name, change in (
            ("from-dev", connectors.ConnectorChange(feed="npm-dev", filters=["!left-pad"])),
            ("company", connectors.ConnectorChange(url="https://localhost:9/npm/", username="ci", secret="words")),
        ):
            connectors.create_connector(work, name, "npm", change)
        connectors.attach(work, "npm-curated", ["from-dev"])
        wanted = (Wanted("chalk", "4.1.2"), Wanted("left-pad", "1.3.0"))
        number = pulls.start(work, pulls.PullRequest("npm-curated", wanted)).id
    for name in ("from-dev", "company"):
        connectorhealth.check(runtime, sam, name)
    runner = Runner(runtime, only=number, beat=0.05)
    runner.start()
    for _ in range(400):
        with runtime.reading(sam) as work:
            if jobs.get_job(work, number).state not in jobs.OPEN:
                break
        time.sleep(0.05)
    runner.stop()
    newest.refresh(runtime, sam, "npm-curated")


def _employ(runtime: Runtime) -> None:
    """Let a few people in, with a permission, a restriction and a task of the installation's own that looks wrong."""
    with runtime.writing(owner("sam")) as work:
        people.create_user(work, "ann", PASSWORD, display_name="Ann Example", email="ann@example.org")
        people.create_group(work, "Leads", ["ann"])
        tasks.create_task(work, "Odd", [Permission.ACCEPT_PROMOTIONS, Permission.ADD_PACKAGE])
        grants.grant(work, GrantRequest("Promote Packages", group="Leads", feed="npm-prod"))
        grants.grant(work, GrantRequest("Odd", user="ann", feed="npm-prod", deny=True))
        grants.grant(work, GrantRequest("View & Download Packages", principal="authenticated", feed="npm-other"))
        people.create_group(work, "Partners")
        grants.grant(work, GrantRequest("Promote Packages", group="Partners", feed="npm-other"))


@pytest.fixture(scope="module")
def site(stocked: Runtime) -> Iterator[Server]:
    """Serve it."""
    with running(stocked) as server:
        yield server


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Say whether the browser runs scripts: everything works without them too."""
    return bool(request.param)


@pytest.fixture
def page(chromium: Browser, site: Server, scripts: bool) -> Iterator[Page]:
    """Give a page of a new visitor; what the browser complains about fails the test."""
    context = chromium.new_context(
        base_url=site.url, viewport={"width": 1280, "height": 800}, java_script_enabled=scripts
    )
    context.set_default_timeout(10_000)
    complaints: list[str] = []
    made = context.new_page()
    made.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    made.on("pageerror", lambda e: complaints.append(str(e)))
    yield made
    context.close()
    # An answer that refuses is an error to the console, not to us.
    assert [c for c in complaints if not re.match(r"Failed to load resource.*(40\d|409|422)", c)] == []


def sign_in(page: Page) -> None:
    """Sign in as the administrator."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill("sam")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
