"""Test privileges says who may what and which entry decides; Why can't I? says it to whoever may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.permissions import FEED_PERMISSIONS, Permission
from app.services import feeds, grants, people
from app.services.grants import GrantRequest
from app.services.runtime import Runtime, owner
from tests.fixtures import publish_sample

Visitor = Any
Visit = Callable[[str], Visitor]
TEST = "/administration/privileges"
ROW = re.compile(
    r'<th scope="row"[^>]*>([^<]+?) <span class="mono small dim">([\w<>]+)</span></th>\s*'
    r"<td>.*?(Allowed|Denied)</span></td>\s*<td>(.*?)</td>",
    re.DOTALL,
)


def decided(page: str) -> dict[str, tuple[str, str]]:
    """Give for each attribute's code whether it is allowed, and the words about it."""
    words = re.compile(r"<svg.*?</svg>|<[^>]+>", re.DOTALL)
    rows = [(words.sub("", code), state, words.sub("", cell)) for _, code, state, cell in ROW.findall(page)]
    return {code: (state, " ".join(cell.split())) for code, state, cell in rows}


def test_every_attribute_of_a_feed_is_shown_with_the_entry_that_decides(sam_visits: Visitor) -> None:
    page = sam_visits.get(TEST, kind="user", name="bob", feed="npm-dev")
    found = decided(page.text)
    assert set(found) == {permission.value for permission in FEED_PERMISSIONS}
    restriction = "Restriction Publish Packages against the user bob on the feed npm-dev"
    assert found["Feeds_AddPackage"] == ("Denied", restriction)
    assert found["Feeds_ViewFeed"] == ("Denied", restriction)
    assert found["Feeds_DeletePackage"] == ("Denied", "nothing grants it")
    assert "0 of 10 allowed" in page.text
    ann = decided(sam_visits.get(TEST, kind="user", name="ann", feed="npm-prod").text)
    reading = "Permission View & Download Packages for the group Developers on the feed group Web".replace("&", "&amp;")
    assert ann["Feeds_ViewFeed"] == ("Allowed", reading)
    assert ann["Feeds_AddPackage"] == ("Denied", "nothing grants it")


def test_the_deciding_entry_is_one_click_away(sam_visits: Visitor) -> None:
    page = sam_visits.get(TEST, kind="user", name="bob", feed="npm-dev").text
    link = re.search(r'class="entry no" href="(/administration/permissions\?grant=(\d+)#grant-\d+)"', page)
    assert link
    table = sam_visits.get(link[1].partition("#")[0]).text
    assert f'class="chip no on" id="grant-{link[2]}"' in table


def test_what_stands_for_another_right_is_said_to_be_by_proxy(sam_visits: Visitor, office: Runtime) -> None:
    with office.writing(owner("x")) as work:
        grants.tasks.create_task(work, "Lead", [Permission.MANAGE_FEED])
        grants.grant(work, GrantRequest("Lead", user="ann", feed="npm-other"))
    found = decided(sam_visits.get(TEST, kind="user", name="ann", feed="npm-other").text)
    words = "Permission Lead for the user ann on the feed npm-other"
    assert found["Admin_ManageFeed"] == ("Allowed", words)
    assert found["Feeds_AddPackage"] == ("Allowed", f"{words} by proxy: Lead stands for it")


@pytest.mark.parametrize("kind", ["everyone", "authenticated", "anonymous"])
def test_everybody_of_a_kind_is_tested(sam_visits: Visitor, office: Runtime, kind: str) -> None:
    with office.writing(owner("x")) as work:
        grants.grant(work, GrantRequest("View & Download Packages", principal="anonymous", feed="npm-prod"))
    found = decided(sam_visits.get(TEST, kind=kind, name="ignored", feed="npm-prod").text)
    assert found["Feeds_ViewFeed"][0] == ("Allowed" if kind == "anonymous" else "Denied")


def test_a_group_and_the_installation_are_tested(sam_visits: Visitor) -> None:
    group = decided(sam_visits.get(TEST, kind="group", name="developers", feed="npm-dev").text)
    assert group["Feeds_AddPackage"][0] == "Allowed"
    everything = decided(sam_visits.get(TEST, kind="user", name="sam").text)
    assert set(everything) == {permission.value for permission in Permission}
    assert {state for state, _ in everything.values()} == {"Allowed"}


def test_a_disabled_user_may_do_nothing_and_that_is_said(sam_visits: Visitor, office: Runtime) -> None:
    with office.writing(owner("x")) as work:
        people.set_active(work, "ann", active=False)
    page = sam_visits.get(TEST, kind="user", name="ann", feed="npm-dev").text
    assert "disabled people may do nothing" in page
    assert {state for state, _ in decided(page).values()} == {"Denied"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Name a user or a group"),
        ({"kind": "user", "name": "nobody"}, "There is no user"),
        ({"kind": "group", "name": "None"}, "There is no group"),
        ({"kind": "user", "name": "ann", "feed": "none"}, "There is no feed"),
        ({"kind": "nonsense"}, "There is no principal"),
    ],
)
def test_what_cannot_be_tested_says_why(sam_visits: Visitor, asked: dict[str, str], said: str) -> None:
    page = sam_visits.get(TEST, **asked)
    assert page.status_code == 200
    assert said in page.text
    assert decided(page.text) == {}


def test_a_feeds_manager_tests_on_their_feeds_only(visit: Visit) -> None:
    wes = visit("wes")
    page = wes.get(TEST).text
    assert "npm-dev" in page
    assert "npm-prod" not in page
    assert "The installation" not in page
    assert decided(wes.get(TEST, kind="user", name="ann", feed="npm-dev").text)["Feeds_AddPackage"][0] == "Allowed"
    assert wes.get(TEST, kind="user", name="ann", feed="npm-prod").status_code == 403
    assert decided(wes.get(TEST, kind="user", name="ann").text) == {}
    assert visit("ann").get(TEST).status_code == 403
    assert visit("").get(TEST).status_code == 302


# Why can't I? -----------------------------------------------------------------------------------------


def test_whoever_may_not_reads_which_right_on_which_feed_and_whom_to_ask(visit: Visit) -> None:
    page = visit("ann").get("/why", permission="Feeds_AcceptPackagePromotions", feed="npm-prod").text
    for said in (
        "Why can&#39;t I?",
        "Accept Package Promotions",
        "Feeds_AcceptPackagePromotions",
        "npm-prod",
        "nothing:",
    ):
        assert said in page
    assert "Sam Person" in page.split("<dt>Ask</dt>")[1]


def test_the_restriction_that_decides_is_named_but_not_linked_for_others(visit: Visit, office: Runtime) -> None:
    with office.writing(owner("x")) as work:
        grants.tasks.create_task(work, "Deliver", [Permission.ADD_PACKAGE])
        grants.grant(work, GrantRequest("Deliver", group="Developers", feed="npm-prod", deny=True))
    page = visit("ann").get("/why", permission="Feeds_AddPackage", feed="npm-prod").text
    assert "Restriction <b>Deliver</b> against the group <b>Developers</b> on the feed <b>npm-prod</b>" in page
    assert "/administration/permissions?grant" not in page
    assert "You may do this" in visit("wes").get("/why", permission="Feeds_AddPackage", feed="npm-dev").text


def test_a_feed_unseen_is_explained_like_one_that_does_not_exist(visit: Visit) -> None:
    def page(feed: str) -> str:
        text = visit("ann").get("/why", permission="Feeds_AddPackage", feed=feed).text
        return re.sub(r'csrf_token" value="[^"]+"', "", text).replace(feed, "FEED")

    assert page("npm-other") == page("npm-nothing")
    nobody = visit("").get("/why", permission="Feeds_ViewFeed", feed="npm-dev")
    assert nobody.status_code == 200
    assert "sign in first" in nobody.text
    assert "Sam Person" not in nobody.text


def test_nonsense_is_refused(visit: Visit) -> None:
    assert visit("ann").get("/why").status_code == 400
    assert visit("ann").get("/why", permission="<script>", feed="x").status_code == 400


def test_actions_that_a_right_bars_stand_locked_with_the_reason_one_click_away(visit: Visit, office: Runtime) -> None:
    publish_sample(office, "npm-dev", "left", "1.0.0")
    publish_sample(office, "npm-prod", "left", "1.0.0")
    ann = visit("ann")

    def locks(path: str) -> set[tuple[str, str]]:
        found = re.findall(r'href="/why\?permission=(\w+)(?:&amp;feed=([\w-]+))?"', ann.get(path).text)
        return set(found)

    assert locks("/feeds/npm-prod") == {("Feeds_AddPackage", "npm-prod"), ("Admin_ManageFeed", "npm-prod")}
    assert locks("/feeds/npm-dev") == {("Admin_ManageFeed", "npm-dev")}
    assert locks("/feeds/npm-dev/packages/left") == {("Feeds_AcceptPackagePromotions", "npm-prod")}
    assert locks("/feeds/npm-dev/versions/1.0.0/left") == {
        ("Feeds_AcceptPackagePromotions", "npm-prod"),
        ("Feeds_UnlistPackage", "npm-dev"),
        ("Feeds_DeletePackage", "npm-dev"),
    }
    assert ("Feeds_AcceptPackagePromotions", "npm-prod") in locks("/promote?from=npm-dev&item=left@1.0.0")
    assert locks("/feeds/npm-dev/settings") == {("Admin_ManageFeed", "npm-dev")}
    for path in ("/feeds/npm-dev", "/feeds/npm-dev/versions/1.0.0/left", "/feeds/npm-dev/packages/left"):
        assert "/why?" not in visit("sam").get(path).text


def test_visitors_see_locks_too_and_are_asked_to_sign_in(visit: Visit, office: Runtime) -> None:
    with office.writing(owner("x")) as work:
        grants.grant(work, GrantRequest("View & Download Packages", principal="anonymous", feed="npm-prod"))
    page = visit("").get("/feeds/npm-prod").text
    assert "permission=Feeds_AddPackage&amp;feed=npm-prod" in page
    reason = visit("").get("/why", permission="Feeds_AddPackage", feed="npm-prod").text
    assert "nobody signed in" in reason
    assert "Sign in</a>" in reason
    assert "Sam Person" not in reason


def test_what_the_feed_itself_rules_out_is_not_said_to_be_about_rights(visit: Visit, office: Runtime) -> None:
    with office.writing(owner("x")) as work:
        feeds.update_feed(work, "npm-prod", feeds.FeedChange(active=False))
    page = visit("ann").get("/feeds/npm-prod").text
    assert "permission=Feeds_AddPackage" not in page
