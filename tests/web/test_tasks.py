"""Customize Tasks: built-in ones stay, custom ones are made, copied, changed and deleted; what looks wrong is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.permissions import LABELS, Permission
from app.services import grants, tasks
from app.services.grants import GrantRequest
from app.services.runtime import Runtime, owner
from app.web.pages.security.words import EXPLAINED, GROUPS, grouped

Visitor = Any
Visit = Callable[[str], Visitor]
TASKS, NEW = "/administration/tasks", "/administration/new-task"
VIEW, ACCEPT, ADD = "Feeds_ViewFeed", "Feeds_AcceptPackagePromotions", "Feeds_AddPackage"


def held(runtime: Runtime, name: str) -> set[str]:
    with runtime.reading(owner("x")) as work:
        return {permission.value for permission in tasks.attributes_of(tasks.get_task(work, name))}


def test_every_attribute_stands_in_one_group_and_is_explained() -> None:
    shown = [attribute.permission for held in grouped().values() for attribute in held]
    assert sorted(shown) == sorted(Permission)
    assert set(EXPLAINED) == set(LABELS) == set(Permission)
    assert list(grouped()) == list(GROUPS.values())


def test_built_in_tasks_are_marked_and_only_shown(sam_visits: Visitor) -> None:
    listed = sam_visits.get(TASKS).text
    assert listed.count("built in") == 6
    assert "All 21 rights" in listed
    page = sam_visits.get(f"{TASKS}/Promote%20Packages").text
    assert page.count('type="checkbox"') - page.count("data-keys-switch") == page.count(" disabled>") == 21
    assert "Save</button>" not in page
    assert "Permission by proxy" in page
    changed = sam_visits.send(f"{TASKS}/Promote%20Packages", name="Mine", attributes=[VIEW])
    assert changed.status_code == 409
    assert sam_visits.send(f"{TASKS}/Promote%20Packages/delete", confirm="Promote Packages").status_code == 409


def test_a_task_is_created_changed_and_deleted(sam_visits: Visitor, office: Runtime) -> None:
    page = sam_visits.send(NEW, name="Approve", description="Let in what is good", attributes=[VIEW, ACCEPT]).text
    assert "Approve is there" in page
    assert "Let in what is good" in page
    assert held(office, "Approve") == {VIEW, ACCEPT}
    assert sam_visits.get(TASKS).text.count("custom") > 1
    page = sam_visits.send(f"{TASKS}/Approve", name="Approve all", description="", attributes=[VIEW]).text
    assert "Approve all is saved" in page
    assert held(office, "Approve all") == {VIEW}
    with office.writing(owner("x")) as work:
        grants.grant(work, GrantRequest("Approve all", group="Developers", feed="npm-prod"))
        grants.grant(work, GrantRequest("Approve all", user="bob", deny=True))
    asked = sam_visits.get(f"{TASKS}/Approve%20all/delete").text
    assert "the permission for group Developers, feed npm-prod" in asked
    assert "the restriction for user bob, everywhere" in asked
    assert sam_visits.send(f"{TASKS}/Approve%20all/delete", confirm="no").status_code == 400
    gone = sam_visits.send(f"{TASKS}/Approve%20all/delete", confirm="Approve all").text
    assert "is deleted, and with it 2 grants" in gone
    assert sam_visits.get(f"{TASKS}/Approve%20all").status_code == 404


def test_a_task_is_copied_from_a_built_in_one(sam_visits: Visitor, office: Runtime) -> None:
    page = sam_visits.get(NEW, copy="Promote Packages").text
    checked = set(re.findall(r'value="([^"]+)" checked', page))
    assert checked == held(office, "Promote Packages")
    assert 'value="Promote Packages (copy)"' in page
    saved = sam_visits.send(f"{NEW}?copy=Promote+Packages", name="Just promote", attributes=[*checked - {ADD}]).text
    assert "Just promote is there" in saved
    assert "Permission by proxy" not in saved
    assert held(office, "Just promote") == checked - {ADD}


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ([VIEW, "Admin_ManageFeed"], "stands for every attribute of a feed"),
        ([VIEW, "Admin_ConfigureProGet"], "whoever has it may do everything"),
        ([VIEW, ACCEPT, ADD], "can also publish straight into the feed"),
        (["Feeds_DeletePackage"], "useless unless another task gives that too"),
        (["Admin_ManageScheduledTasks"], "without View Scheduled Tasks"),
    ],
)
def test_what_looks_wrong_is_said_in_words_and_saved_all_the_same(
    sam_visits: Visitor, office: Runtime, attributes: list[str], said: str
) -> None:
    page = sam_visits.send(NEW, name="Odd", attributes=attributes).text
    assert "Odd is there" in page
    assert said in page
    assert held(office, "Odd") == set(attributes)
    assert said in sam_visits.get(TASKS).text


@pytest.mark.parametrize(
    ("form", "said", "beside"),
    [
        ({"name": "administer", "attributes": [VIEW]}, "There is a task", "name-error"),
        ({"name": "a:b", "attributes": [VIEW]}, "is not possible", "name-error"),
        ({"name": "", "attributes": [VIEW]}, "Choose a name.", "name-error"),
        ({"name": "Empty"}, "at least one attribute", "attributes-error"),
        ({"name": "Strange", "attributes": ["Nonsense"]}, "not a valid choice", "attributes-error"),
    ],
)
def test_a_task_that_cannot_be_says_why_and_keeps_what_was_chosen(
    sam_visits: Visitor, form: dict[str, object], said: str, beside: str
) -> None:
    answer = sam_visits.send(NEW, **{"description": "What I typed", **form})
    assert said in answer.text
    assert f'id="{beside}"' in answer.text
    assert "What I typed" in answer.text
    if form.get("attributes") == [VIEW]:
        assert f'value="{VIEW}" checked' in answer.text


@pytest.mark.parametrize("path", [TASKS, NEW, f"{TASKS}/Administer", f"{TASKS}/Administer/delete"])
def test_only_administrators_customize_tasks(visit: Visit, path: str) -> None:
    assert visit("sam").get(path).status_code == 200
    assert visit("wes").get(path).status_code == 403
    assert visit("").get(path).status_code == 302
    assert visit("wes").send(path, name="Mine", attributes=[VIEW], confirm="Administer").status_code in (403, 405)


def test_tasks_are_searched(sam_visits: Visitor) -> None:
    page = sam_visits.get(TASKS, q="PROMOTE").text
    assert "Promote Packages" in page
    assert "Publish Packages" not in page
    assert "No task matches" in sam_visits.get(TASKS, q="nothing like it").text
    assert sam_visits.get(f"{TASKS}/Nothing").status_code == 404
    assert sam_visits.get(NEW, copy="Nothing").status_code == 404
