"""A newcomer sets up who may do what, clicks alone; then the installation obeys, and Test privileges says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Locator, Page, expect

from app.bootstrap import open_runtime
from app.services import installation
from app.services.runtime import Runtime
from app.settings import load_settings
from app.web.server import Server
from tests.browser.conftest import PASSWORD, sign_in
from tests.fixtures import running

pytestmark = pytest.mark.browser
PUBLIC, UNAPPROVED, APPROVED = "public-tools", "unapproved-tools", "approved-tools"
VIEW, ADD, ACCEPT = "Feeds_ViewFeed", "Feeds_AddPackage", "Feeds_AcceptPackagePromotions"


@pytest.fixture
def stocked(tmp_path: Path) -> Iterator[Runtime]:
    """Give an installation as it is after the first sign-in: an administrator, nothing else."""
    runtime = open_runtime(load_settings(data=tmp_path / "fresh", port=0))
    installation.create_first_administrator(runtime, "sam", PASSWORD)
    yield runtime
    runtime.database.close()


@pytest.fixture
def site(stocked: Runtime) -> Iterator[Server]:
    """Serve it."""
    with running(stocked) as server:
        yield server


def open_tab(page: Page, *names: str) -> None:
    """Go to a tab of Users & Tasks by its links, from wherever one is."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Administration").click()
    main = page.get_by_role("main")
    for name in names:
        main.get_by_role("link", name=name, exact=True).first.click()


def create_feed(page: Page, name: str) -> None:
    page.goto("/feeds/new")
    page.get_by_label("Universal").check()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def create_user(page: Page, name: str) -> None:
    open_tab(page, "Users")
    page.get_by_role("link", name="New user").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Create the user").click()
    expect(page.locator("body")).to_contain_text(f"{name} is there")


def create_group(page: Page, name: str, members: str) -> None:
    open_tab(page, "Groups")
    page.get_by_role("link", name="New group").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Members").fill(members)
    page.get_by_role("button", name="Create the group").click()
    expect(page.locator("body")).to_contain_text(f"The group {name} is there")


def give(page: Page, kind: str, name: str, feed: str, *tasks: str, deny: bool = False) -> None:
    """Add a permission or a restriction."""
    word = "restriction" if deny else "permission"
    open_tab(page, "Tasks & permissions", f"Add {word}")
    page.get_by_role("radio", name=kind, exact=True).check()
    if name:
        page.get_by_label("Name of the group or user").fill(name)
    page.get_by_label("Where?").select_option(label=f"Feed {feed}")
    for task in tasks:
        page.get_by_role("checkbox", name=task).check()
    page.get_by_role("button", name=f"Add the {word}").click()
    expect(page.locator("body")).to_contain_text("restricted for" if deny else "granted for")


def create_task(page: Page, name: str, *rights: str) -> None:
    open_tab(page, "Users", "Customize Tasks", "New task")
    page.get_by_label("Name", exact=True).fill(name)
    for right in rights:
        page.get_by_role("checkbox", name=right).check()
    page.get_by_role("button", name="Create the task").click()
    expect(page.locator("body")).to_contain_text(f"{name} is there")


def create_key(page: Page, name: str, feed: str, *rights: str) -> str:
    """Create a key for a feed, and give its text."""
    open_tab(page, "Users", "API keys")
    page.get_by_role("link", name="New API key").or_(page.get_by_role("link", name="New key")).first.click()
    page.get_by_role("radio", name="Feed:").check()
    page.get_by_label("Name", exact=True).fill(name)
    for choice in (feed, *rights):
        page.get_by_role("checkbox", name=choice).check()
    page.get_by_role("button", name="Create the key").click()
    return page.locator(".cmd code").first.inner_text()


def chip(page: Page, feed: str, name: str) -> Locator:
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=feed, exact=True))
    return row.locator(".chip").filter(has_text=name).first


def decided(page: Page, kind: str, name: str, feed: str, code: str) -> str:
    """Ask Test privileges, and give what it says of one attribute: allowed or not, and by what."""
    open_tab(page, "Test privileges")
    select(page, "Kind", kind)
    page.get_by_label("Name of the user or group").fill(name)
    select(page, "Feed", feed)
    page.get_by_role("button", name="Test").click()
    row = page.get_by_role("row").filter(has_text=code)
    expect(row).to_have_count(1)
    return " ".join(row.inner_text().split())


def select(page: Page, label: str, choice: str) -> None:
    """Choose in a list that sends its form by itself where scripts run."""
    field = page.get_by_label(label, exact=True)
    if field.evaluate("e => e.selectedOptions[0].label") == choice:
        return
    if not page.evaluate("document.documentElement.classList.contains('js')"):
        field.select_option(label=choice)
        return
    with page.expect_navigation():
        field.select_option(label=choice)


def ask(site: Server, feed: str, path: str, key: str = "", body: bytes | None = None) -> int:
    """Give the status that a client gets."""
    request = Request(f"{site.url.rstrip('/')}/upack/{feed}{path}", data=body, method="PUT" if body else "GET")
    if key:
        request.add_header("X-ApiKey", key)
    try:
        with urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def enter(page: Page, name: str) -> None:
    """Sign in as somebody else."""
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def test_a_newcomer_lets_seniors_promote_and_the_build_server_publish(
    page: Page, site: Server, stocked: Runtime
) -> None:
    page.context.set_default_timeout(20_000)
    sign_in(page)
    for feed in (PUBLIC, UNAPPROVED, APPROVED):
        create_feed(page, feed)
    for name in ("dana", "devi", "sena", "sten"):
        create_user(page, name)
    create_group(page, "Developers", "dana, devi, sena, sten")
    create_group(page, "Senior Developers", "sena, sten")
    give(page, "Everyone", "", PUBLIC, "View & Download Packages")
    for feed in (UNAPPROVED, APPROVED):
        give(page, "Group", "Developers", feed, "View & Download Packages")
    give(page, "Group", "Senior Developers", APPROVED, "Promote Packages")

    # The build server publishes by its key, and by nothing else.
    key = create_key(page, "build server", UNAPPROVED, "View and download", "Publish and upload")
    sample = stocked.get_format("universal").kit().make("hello", "1.0.0").content
    assert ask(site, UNAPPROVED, "/upload", key, sample) == 201
    assert ask(site, APPROVED, "/upload", key, sample) in (401, 403)
    assert ask(site, UNAPPROVED, "/upload", "", sample) == 401
    assert [ask(site, feed, "/packages") for feed in (PUBLIC, UNAPPROVED, APPROVED)] == [200, 401, 401]

    # A developer sees it and reads why they may not promote; a senior promotes.
    enter(page, "dana")
    page.goto(f"/feeds/{UNAPPROVED}/versions/1.0.0/hello")
    page.get_by_role("link", name="Promote: why can't I?").click()
    reason = page.get_by_role("main")
    for said in ("Accept Package Promotions", APPROVED, "nothing", "sam"):
        expect(reason).to_contain_text(said)
    enter(page, "sena")
    page.goto(f"/feeds/{UNAPPROVED}/versions/1.0.0/hello")
    page.get_by_role("link", name="Promote", exact=True).first.click()
    form = page.locator("#promote-form")
    expect(form).to_contain_text("1 to add")
    form.get_by_role("button", name="Promote 1 version").click()
    expect(page.locator("body")).to_contain_text(f"Promoted hello 1.0.0 to {APPROVED}")

    # Then nobody of the seniors, except one person.
    enter(page, "sam")
    create_task(page, "Just promote", "Accept Package Promotions")
    give(page, "Group", "Senior Developers", APPROVED, "Just promote", deny=True)
    give(page, "User", "sten", APPROVED, "Promote Packages")
    open_tab(page, "Tasks & permissions")
    expect(chip(page, APPROVED, "restricted")).to_contain_text("Senior Developers")
    reading = f"Permission View & Download Packages for the group Developers on the feed {APPROVED}"
    restricted = f"Restriction Just promote against the group Senior Developers on the feed {APPROVED}"
    excepted = f"Permission Promote Packages for the user sten on the feed {APPROVED}"
    expected = {
        ("User", "dana", APPROVED, VIEW): f"Allowed {reading}",
        ("User", "dana", APPROVED, ACCEPT): "Denied nothing grants it",
        ("User", "sena", APPROVED, ACCEPT): f"Denied {restricted}",
        ("User", "sten", APPROVED, ACCEPT): f"Allowed {excepted}",
        ("User", "sten", APPROVED, ADD): f"Allowed {excepted}",
        ("User", "sena", APPROVED, VIEW): f"Allowed {reading}",
        ("Group", "Senior Developers", APPROVED, ACCEPT): f"Denied {restricted}",
        ("Anonymous", "", UNAPPROVED, VIEW): "Denied nothing grants it",
        (
            "Anonymous",
            "",
            PUBLIC,
            VIEW,
        ): f"Allowed Permission View & Download Packages for Everyone on the feed {PUBLIC}",
    }
    for asked, words in expected.items():
        assert decided(page, *asked).endswith(f"{asked[3]} {words}"), asked

    # One click leads to the entry that decides; taking it away and bringing it back are one click each.
    decided(page, "User", "sena", APPROVED, ACCEPT)
    page.get_by_role("row").filter(has_text=ACCEPT).get_by_role("link").click()
    expect(page.locator(".chip.on")).to_contain_text("Senior Developers")
    page.get_by_role("button", name="Remove the restriction against Senior Developers").click()
    expect(page.locator("body")).to_contain_text("is gone.")
    expect(page.locator(".chip.no")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".chip.no")).to_have_count(1)

    # And so it is.
    for name, may in (("sena", False), ("sten", True)):
        enter(page, name)
        page.goto(f"/promote?from={UNAPPROVED}&item=hello@1.0.0")
        offered = page.locator("#promote-to option").all_inner_texts()
        assert (APPROVED in offered) is may, name
        expect(page.locator("#promote-form .reasons")).to_contain_text(PUBLIC if may else APPROVED)


def test_a_task_of_ones_own_is_made_from_a_built_in_one_and_granted(page: Page) -> None:
    sign_in(page)
    create_user(page, "rene")
    open_tab(page, "Customize Tasks")
    page.get_by_role("link", name="Copy Promote Packages").click()
    page.get_by_label("Name", exact=True).fill("Just promote")
    expect(page.get_by_role("checkbox", name="Add Package")).to_be_checked()
    page.get_by_role("button", name="Create the task").click()
    expect(page.get_by_role("main")).to_contain_text("Permission by proxy.")
    page.get_by_role("checkbox", name="Add Package").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("main")).not_to_contain_text("Permission by proxy.")
    page.get_by_role("link", name="Add permission").first.click()
    expect(page.get_by_role("checkbox", name="Just promote")).to_be_checked()
    page.get_by_role("radio", name="User", exact=True).check()
    page.get_by_label("Name of the group or user").fill("rene")
    page.get_by_role("button", name="Add the permission").click()
    expect(page.locator(".chip.on")).to_contain_text("rene")
    page.goto("/administration/tasks/Just%20promote/delete")
    expect(page.get_by_role("main")).to_contain_text("the permission for user rene, everywhere")
    page.get_by_label("Type Just promote to confirm").fill("Just promote")
    page.get_by_role("button", name="Delete the task").click()
    expect(page.locator("body")).to_contain_text("and with it 1 grant")


# By keyboard alone ------------------------------------------------------------------------------------


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus, and see that it shows."""
    called = """() => {
        const e = document.activeElement, label = e.labels && e.labels[0];
        const name = e.getAttribute('aria-label') || (label ? label.innerText : e.innerText || '');
        return name.trim().split('\\n')[0];
    }"""
    for _ in range(120):
        page.keyboard.press("Tab")
        if str(page.evaluate(called)).startswith(name):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"{name} does not show that it has the focus"
            return
    raise AssertionError(f"Tab never reached {name!r} on {page.url}")


def go(page: Page, *names: str) -> None:
    """Follow links and press buttons, one after the other."""
    for name in names:
        tab_to(page, name)
        enter_key(page)


def enter_key(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("scripts", [True], indirect=True)
def test_rights_are_given_tested_and_taken_by_keyboard_alone(page: Page) -> None:
    page.goto("/sign-in")
    tab_to(page, "Name")
    page.keyboard.type("sam")
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    enter_key(page)
    go(page, "Administration", "Groups", "New group")
    tab_to(page, "Name")
    page.keyboard.type("Seniors")
    enter_key(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Seniors")
    go(page, "Tasks & permissions", "Add restriction")
    tab_to(page, "A restriction")
    page.keyboard.press("ArrowLeft")  # After all a permission.
    tab_to(page, "Group")
    tab_to(page, "Name of the group or user")
    page.keyboard.type("Seniors")
    tab_to(page, "Publish Packages")
    page.keyboard.press("Space")
    go(page, "Add the")
    expect(page.locator(".chip.on")).to_contain_text("Seniors")
    expect(page.locator(".chip.no")).to_have_count(0)
    go(page, "Test privileges")
    tab_to(page, "Kind")
    with page.expect_navigation():
        page.keyboard.press("ArrowDown")
    tab_to(page, "Name of the user or group")
    page.keyboard.type("Seniors")
    enter_key(page)
    expect(page.get_by_role("row").filter(has_text=ADD)).to_contain_text("Allowed")
    go(page, "Permission Publish Packages")
    expect(page.locator(".chip.on")).to_contain_text("Seniors")
    go(page, "Remove the permission of Seniors: Publish Packages")
    expect(page.locator("body")).to_contain_text("is gone.")
    expect(page.locator(".chip").filter(has_text="Seniors")).to_have_count(0)
    go(page, "Undo")
    expect(page.locator(".chip.on")).to_contain_text("Seniors")
