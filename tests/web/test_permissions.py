"""Tasks and permissions: the table, adding and removing, what a feed's manager sees of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from app.services import feeds, grants
from app.services.grants import GrantRequest, describe_principal, describe_scope
from app.services.runtime import Runtime, owner

Visitor = Any
Visit = Callable[[str], Visitor]
TABLE, ADD = "/administration/permissions", "/administration/permissions/add"


def entries(runtime: Runtime) -> set[tuple[str, str, str, bool]]:
    with runtime.reading(owner("x")) as work:
        return {(g.task.name, describe_principal(g), describe_scope(g), g.deny) for g in grants.list_grants(work)}


def number(runtime: Runtime, task: str, *, deny: bool = False) -> int:
    with runtime.reading(owner("x")) as work:
        return next(g.id for g in grants.list_grants(work) if g.task.name == task and g.deny == deny)


def chips(page: str) -> set[str]:
    return set(re.findall(r'aria-label="Remove the ([^"]+)"', page))


def test_the_table_shows_who_has_what_where_and_restrictions_by_a_word(sam_visits: Visitor) -> None:
    page = sam_visits.get(TABLE)
    assert page.status_code == 200
    assert chips(page.text) == {
        "permission of sam: Administer",
        "permission of wes: Manage Feed",
        "permission of Developers: Publish Packages",
        "permission of Developers: View &amp; Download Packages",
        "restriction against bob: Publish Packages",
    }
    assert page.text.count("<span>restricted</span>") == 1
    assert "<s " in page.text
    assert "<i>everywhere</i>" in page.text
    assert "Nobody has it yet" in page.text


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"q": "bob"}, {"bob"}),
        ({"q": "publish"}, {"bob", "Developers"}),
        ({"task": "Manage Feed"}, {"wes"}),
        ({"effect": "deny"}, {"bob"}),
        ({"effect": "allow", "task": "Publish Packages"}, {"Developers"}),
        ({"who": "group:Developers", "scope": "group:Web"}, {"Developers"}),
        ({"who": "user:wes"}, {"wes"}),
        ({"scope": "everywhere"}, {"sam"}),
        ({"scope": "feed:npm-prod"}, {"sam", "Developers"}),
        ({"scope": "feed:npm-other"}, {"sam"}),
        ({"scope": "feed:none"}, set()),
    ],
)
def test_the_table_is_filtered_by_the_address(sam_visits: Visitor, asked: dict[str, str], shown: set[str]) -> None:
    page = sam_visits.get(TABLE, **asked).text
    assert {re.split(" of | against ", chip)[1].partition(":")[0] for chip in chips(page)} == shown


def test_a_grant_of_the_address_is_marked(sam_visits: Visitor, office: Runtime) -> None:
    wanted = number(office, "Publish Packages", deny=True)
    page = sam_visits.get(TABLE, grant=wanted).text
    assert re.search(rf'class="chip no on" id="grant-{wanted}"', page)
    assert page.count('<tr class="on">') == 1
    assert '<tr class="on">' not in sam_visits.get(TABLE, grant="nonsense").text


def test_several_tasks_are_granted_at_once(sam_visits: Visitor, office: Runtime) -> None:
    form = {"effect": "allow", "kind": "user", "name": "ann", "scope": "feed:npm-prod"}
    page = sam_visits.send(ADD, **form, tasks=["Promote Packages", "View & Download Packages"])
    assert "granted for user ann" in page.text
    assert page.text.count('<tr class="on">') == 2
    assert {
        ("Promote Packages", "user ann", "feed npm-prod", False),
        ("View & Download Packages", "user ann", "feed npm-prod", False),
    } <= entries(office)


@pytest.mark.parametrize("kind", ["everyone", "authenticated", "anonymous"])
@pytest.mark.parametrize(("scope", "where"), [("everywhere", "everywhere"), ("group:Web", "feed group Web")])
def test_everybody_of_a_kind_is_restricted(
    sam_visits: Visitor, office: Runtime, kind: str, scope: str, where: str
) -> None:
    form = {"effect": "deny", "kind": kind, "name": "", "scope": scope, "tasks": "Publish Packages"}
    assert f"restricted for {kind}" in sam_visits.send(ADD, **form).text
    assert ("Publish Packages", kind, where, True) in entries(office)


@pytest.mark.parametrize(
    ("change", "said", "beside"),
    [
        ({"name": ""}, "Name the group.", "name"),
        ({"name": "Nobodies"}, "There is no group", "name"),
        ({"kind": "user", "name": "nobody"}, "There is no user", "name"),
        ({"tasks": []}, "Choose at least one task.", "tasks"),
        ({"scope": "feed:none"}, "Not a valid choice", "scope"),
        ({"tasks": ["Publish Packages", "Nonsense"]}, "not a valid choice", "tasks"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    sam_visits: Visitor, office: Runtime, change: dict[str, object], said: str, beside: str
) -> None:
    before = entries(office)
    form = {"effect": "allow", "kind": "group", "name": "Developers", "scope": "everywhere", "tasks": ["Administer"]}
    answer = sam_visits.send(ADD, **{**form, **change})
    assert answer.status_code in (400, 404)
    assert said.lower() in answer.text.lower()
    assert f'id="{beside}-error"' in answer.text
    assert entries(office) == before


def test_the_form_is_filled_from_the_address(sam_visits: Visitor) -> None:
    page = sam_visits.get(
        ADD, effect="deny", kind="user", name="ann", scope="feed:npm-prod", task="Promote Packages"
    ).text
    assert "Add restriction" in page
    for checked in ('value="deny"', 'value="user"', 'value="Promote Packages"'):
        assert re.search(rf"<input checked[^>]*{re.escape(checked)}", page), checked
    assert '<option selected value="feed:npm-prod">' in page
    assert 'value="ann"' in page


def test_what_is_removed_is_named_and_comes_back_by_undo(sam_visits: Visitor, office: Runtime) -> None:
    before = entries(office)
    gone = number(office, "Publish Packages", deny=True)
    there = f"{TABLE}?q=bob"
    answer = sam_visits.send(f"{TABLE}/{gone}/remove", next=there, follow=False)
    assert answer.headers["Location"] == there
    page = sam_visits.get(TABLE).text
    assert "The restriction Publish Packages for user bob, feed npm-dev, is gone." in page
    assert entries(office) == before - {("Publish Packages", "user bob", "feed npm-dev", True)}
    undo = page.split(f'action="{TABLE}/restore"')[1].split("</form>")[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', undo))
    fields.pop("csrf_token")
    assert "Publish Packages for user bob is back" in sam_visits.send(f"{TABLE}/restore", **fields).text
    assert entries(office) == before


def test_removing_twice_says_that_it_was_gone(sam_visits: Visitor, office: Runtime) -> None:
    gone = number(office, "Manage Feed")
    sam_visits.send(f"{TABLE}/{gone}/remove")
    assert "already gone" in sam_visits.send(f"{TABLE}/{gone}/remove", next="//evil.example").text


def test_undo_after_the_feed_is_gone_says_so(sam_visits: Visitor, office: Runtime) -> None:
    with office.writing(owner("x")) as work:
        feeds.delete_feed(work, "npm-dev")
    form = {"effect": "deny", "kind": "user", "name": "bob", "scope": "feed:npm-dev", "tasks": "Publish Packages"}
    assert "cannot be brought back" in sam_visits.send(f"{TABLE}/restore", **form).text


def test_the_last_administrators_permission_stays(sam_visits: Visitor, office: Runtime) -> None:
    page = sam_visits.send(f"{TABLE}/{number(office, 'Administer')}/remove")
    assert "nobody could administer" in page.text
    form = {"effect": "deny", "kind": "user", "name": "sam", "scope": "everywhere", "tasks": "Administer"}
    assert sam_visits.send(ADD, **form).status_code == 409
    assert ("Administer", "user sam", "everywhere", False) in entries(office)


def test_whoever_may_promote_but_sees_no_source_is_warned_of_with_the_way_out(
    sam_visits: Visitor, office: Runtime
) -> None:
    with office.writing(owner("x")) as work:
        grants.grant(work, GrantRequest("Promote Packages", user="wes", feed="npm-prod"))
        grants.grant(work, GrantRequest("Promote Packages", principal="authenticated", feed="npm-other"))
    page = sam_visits.get(TABLE).text
    assert 'class="chip lint"' in page
    assert "Authenticated may promote into feed npm-other" in page
    assert f"{ADD}?kind=authenticated&amp;task=View+%26+Download+Packages" in page


def test_a_restriction_that_takes_reading_away_as_well_is_pointed_out(sam_visits: Visitor, office: Runtime) -> None:
    page = sam_visits.get(TABLE).text
    assert "The restriction of Publish Packages for user bob, feed npm-dev, also takes away viewing" in page
    assert f"{TABLE}?grant={number(office, 'Publish Packages', deny=True)}#grant-" in page
    with office.writing(owner("x")) as work:
        for principal in ("everyone", "authenticated", "anonymous"):
            grants.grant(work, GrantRequest("Promote Packages", principal=principal, feed="npm-dev", deny=True))
    assert re.search(r"\d more warnings", sam_visits.get(TABLE).text)


# A feed's manager -------------------------------------------------------------------------------------


def test_a_feeds_manager_sees_their_feeds_part(visit: Visit) -> None:
    wes = visit("wes")
    page = wes.get(TABLE).text
    assert chips(page) == {
        "permission of wes: Manage Feed",
        "permission of Developers: Publish Packages",
        "restriction against bob: Publish Packages",
    }
    for hidden in ("npm-prod", "npm-other", "Feed group", "Administer", "Customize Tasks", "/administration/users"):
        assert hidden not in page
    assert f'href="{TABLE}"' in wes.get("/").text
    form = wes.get(ADD).text
    assert "Everywhere" not in form
    assert "<option" in form
    assert "ann" not in form.split("<datalist")[1].split("</datalist>")[0]


def test_a_feeds_manager_grants_on_their_feed_only(visit: Visit, office: Runtime) -> None:
    wes = visit("wes")
    form = {"effect": "allow", "kind": "user", "name": "ann", "scope": "feed:npm-dev", "tasks": "Promote Packages"}
    assert "granted for user ann" in wes.send(ADD, **form).text
    before = entries(office)
    for change in (
        {"scope": "feed:npm-prod"},
        {"scope": "everywhere"},
        {"scope": "group:Web"},
        {"tasks": "Administer"},
    ):
        assert wes.send(ADD, **{**form, **change}).status_code == 400
    wes.send(f"{TABLE}/{number(office, 'Administer')}/remove")
    wes.send(f"{TABLE}/{number(office, 'View & Download Packages')}/remove")
    assert entries(office) == before
    wes.send(f"{TABLE}/{number(office, 'Publish Packages', deny=True)}/remove")
    assert len(entries(office)) == len(before) - 1


@pytest.mark.parametrize("path", [TABLE, ADD])
def test_others_see_nothing(visit: Visit, path: str) -> None:
    assert visit("ann").get(path).status_code == 403
    assert visit("").get(path).status_code == 302
    assert 'href="/administration' not in visit("ann").get("/").text


def test_nobody_else_changes_permissions(visit: Visit, office: Runtime) -> None:
    before = entries(office)
    ann = visit("ann")
    form = {"effect": "allow", "kind": "user", "name": "ann", "scope": "everywhere", "tasks": "Administer"}
    assert ann.send(ADD, **form).status_code == 403
    assert ann.send(f"{TABLE}/restore", **form).status_code == 403
    assert ann.send(f"{TABLE}/{number(office, 'Publish Packages', deny=True)}/remove").status_code == 403
    assert visit("sam").client.post(f"{TABLE}/{number(office, 'Manage Feed')}/remove").status_code != 302
    assert entries(office) == before
