"""What a lead does, in a real browser, with and without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.services.runtime import Runtime
from tests.browser.conftest import sign_in

pytestmark = pytest.mark.browser


def test_a_version_is_found_looked_at_and_promoted(page: Page, scripts: bool, stocked: Runtime) -> None:
    version = "4.1.2" if scripts else "5.6.2"
    sign_in(page)
    page.get_by_role("link", name="npm-dev", exact=True).first.click()
    page.get_by_label("Search", exact=False).nth(1).fill("chalk")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="chalk", exact=True).click()
    page.get_by_role("link", name=version, exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("chalk")
    page.get_by_role("link", name="Promote", exact=True).first.click()
    form = page.locator("#promote-form")
    expect(form).to_contain_text("1 to add")
    form.get_by_label("Comments").fill("needed by the shop")
    form.get_by_role("button", name="Promote 1 version").click()
    expect(page.locator("body")).to_contain_text(f"Promoted chalk {version} to npm-prod")
    table = page.get_by_role("table").filter(has_text="From Feed")
    expect(table.get_by_role("row").nth(1)).to_contain_text("needed by the shop")
    page.get_by_role("link", name="See the record").click()
    expect(page.get_by_role("main")).to_contain_text("chalk")


def test_several_packages_are_selected_and_promoted_at_once(page: Page, scripts: bool) -> None:
    names = ("express", "debug") if scripts else ("left-pad", "chalk")
    sign_in(page)
    page.goto("/feeds/npm-dev")
    for name in names:
        page.get_by_label(f"Select {name}", exact=True).check()
    page.get_by_role("button", name="Promote").click()
    expect(page.locator("#promote-form")).to_contain_text("Promote 2 versions from npm-dev")


def test_a_package_is_uploaded_and_a_broken_one_is_named(
    page: Page, scripts: bool, samples: Path, tmp_path: Path
) -> None:
    sample = "dayjs-1.11.23.tgz" if scripts else "vary-1.1.2.tgz"
    broken = tmp_path / "broken.tgz"
    broken.write_bytes(b"this is no package")
    name = sample.split("-", maxsplit=1)[0]
    sign_in(page)
    page.goto("/feeds/npm-other")
    if scripts:
        page.get_by_role("link", name="Upload").click()
    field = page.locator("input[type=file]:visible, dialog[open] input[type=file]").first
    field.set_input_files([samples / "npm" / sample, broken])
    if not scripts:
        page.get_by_role("button", name="Upload").first.click()
    expect(page.locator("body")).to_contain_text(f"{name} {sample[len(name) + 1 : -4]}")
    expect(page.locator("body")).to_contain_text("broken.tgz")
    page.goto("/feeds/npm-other")
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def test_a_refusal_says_why_and_the_button_stays_shut(page: Page) -> None:
    sign_in(page)
    page.goto("/promote?from=npm-dev&item=nothing@1.0.0")
    form = page.locator("#promote-form")
    expect(form).to_contain_text("nothing 1.0.0 is not in npm-dev")
    expect(form.get_by_role("button", name="Promote")).to_be_disabled()
    expect(form).to_contain_text("npm-other: npm-dev may not be promoted to npm-other")


@pytest.mark.parametrize("scripts", [True], indirect=True)
def test_keys_move_select_and_promote(page: Page) -> None:
    sign_in(page)
    page.goto("/feeds/npm-dev")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    expect(page.get_by_label("Search feeds, packages, promotions")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("body").click(position={"x": 5, "y": 790})
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("tbody input:checked")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.wait_for_url("**/promote?*")


PAGES = {
    "home": "/",
    "feed": "/feeds/npm-dev",
    "settings": "/feeds/npm-dev/settings",
    "new feed": "/feeds/new",
    "package": "/feeds/npm-dev/packages/chalk",
    "version": "/feeds/npm-dev/versions/5.3.0/express",
    "dependencies": "/feeds/npm-dev/versions/5.3.0/express?tab=dependencies",
    "files": "/feeds/npm-dev/versions/5.3.0/express?tab=files",
    "version's promotions": "/feeds/npm-prod/versions/2.1.3/ms?tab=promotions",
    "promote": "/promote?from=npm-dev&item=express@5.3.0&item=ms@2.1.3",
    "feed groups": "/feed-groups",
    "feed group": "/feed-groups/Team",
    "connectors": "/connectors",
    "new connector": "/connectors/new?feed=npm-curated",
    "a connector": "/connectors/from-dev",
    "a connector that fails": "/connectors/company",
    "feed's connectors": "/feeds/npm-curated/connectors",
    "feed with a connector": "/feeds/npm-curated",
    "feed's remote packages": "/feeds/npm-curated?state=remote",
    "remote package": "/feeds/npm-curated/packages/express?remote=yes",
    "package with remote versions": "/feeds/npm-curated/packages/chalk?remote=yes",
    "remote version": "/feeds/npm-curated/versions/5.3.0/express",
    "pull": "/pull?feed=npm-curated&item=express@latest&dependencies=yes",
    "import": "/feeds/npm-curated/import",
    "pull and promote": "/promote?from=npm-curated&item=express@5.3.0&item=chalk@4.1.2",
    "jobs": "/jobs",
    "job": "/jobs/1",
    "promotions": "/promotions/",
    "record": "/promotions/1",
    "search": "/search?q=e",
    "users": "/administration/users",
    "new user": "/administration/new-user",
    "user": "/administration/users/ann",
    "deleting a user": "/administration/users/ann/delete",
    "groups": "/administration/groups",
    "new group": "/administration/new-group",
    "group": "/administration/groups/Leads",
    "deleting a group": "/administration/groups/Leads/delete",
    "permissions": "/administration/permissions?grant=2",
    "permissions, nothing found": "/administration/permissions?q=nothing",
    "add permission": "/administration/permissions/add",
    "add restriction": "/administration/permissions/add?effect=deny&kind=user&name=ann&scope=feed:npm-prod",
    "tasks": "/administration/tasks",
    "new task": "/administration/new-task?copy=Promote+Packages",
    "built-in task": "/administration/tasks/Promote%20Packages",
    "custom task": "/administration/tasks/Odd",
    "deleting a task": "/administration/tasks/Odd/delete",
    "privileges": "/administration/privileges?kind=user&name=ann&feed=npm-prod",
    "privileges of nobody yet": "/administration/privileges",
    "why": "/why?permission=Feeds_AddPackage&feed=npm-prod",
    "administration": "/administration/",
    "plugins": "/administration/plugins",
    "event log": "/administration/events",
    "API": "/api/v1/docs",
    "my account": "/account/",
    "API keys": "/keys/",
    "new API key": "/keys/new",
    "an API key": "/keys/1",
}


@pytest.mark.parametrize("scripts", [True], indirect=True)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_fault_that_axe_finds_nor_scrolls_sideways(page: Page, theme: str) -> None:
    sign_in(page)
    page.context.add_cookies([{"name": "theme", "value": theme, "url": page.url}])
    faults = []
    for name, path in PAGES.items():
        page.set_viewport_size({"width": 1280, "height": 800})
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        found = Axe().run(page).response["violations"]
        faults += [f"{name}: {fault['id']} {fault['nodes'][0]['html'][:120]}" for fault in found]
        for width in (390, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                faults.append(f"{name}: scrolls sideways at {width} px")
    assert faults == []


@pytest.mark.parametrize("scripts", [True], indirect=True)
def test_files_are_dropped_anywhere_onto_a_feed_s_page(page: Page, stocked: Runtime) -> None:
    sign_in(page)
    page.goto("/feeds/npm-other")
    page.locator("html[data-ready]").wait_for()
    kit = stocked.get_format("npm").kit()
    files = [[f"{name}-1.0.0.tgz", list(kit.make(name, "1.0.0").content)] for name in ("dropped", "thrown")]
    transfer = page.evaluate_handle(
        """files => {
          const transfer = new DataTransfer();
          for (const [name, bytes] of files) transfer.items.add(new File([new Uint8Array(bytes)], name));
          return transfer;
        }""",
        files,
    )
    page.dispatch_event("h1", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    page.wait_for_url("**/feeds/npm-other?sort=-published")
    assert page.locator("a.name", has_text="dropped").count() == 1
    assert page.locator("a.name", has_text="thrown").count() == 1
