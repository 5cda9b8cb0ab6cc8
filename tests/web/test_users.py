"""Users and groups: found, created, changed, disabled and deleted by their pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.services import grants, keys, people
from app.services.grants import GrantRequest
from app.services.runtime import Runtime, owner

Visitor = Any
Visit = Callable[[str], Visitor]
LONG = "seven purple walruses"
PAGES = (
    "/administration/users",
    "/administration/new-user",
    "/administration/users/ann",
    "/administration/users/ann/delete",
    "/administration/groups",
    "/administration/new-group",
    "/administration/groups/Developers",
    "/administration/groups/Developers/delete",
)


@pytest.mark.parametrize("path", PAGES)
def test_only_administrators_see_people(visit: Visit, path: str) -> None:
    assert visit("sam").get(path).status_code == 200
    assert visit("wes").get(path).status_code == 403
    assert visit("ann").get(path).status_code == 403
    assert visit("").get(path).headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/administration/new-user", {"name": "eve"}),
        ("/administration/users/ann", {"display_name": "Eve"}),
        ("/administration/users/ann/password", {"password": LONG, "repeat": LONG}),
        ("/administration/users/ann/state", {"active": "no"}),
        ("/administration/users/sam/delete", {"confirm": "sam"}),
        ("/administration/new-group", {"name": "Eves"}),
        ("/administration/groups/Developers/rename", {"name": "Eves"}),
        ("/administration/groups/Developers/members", {"members": "wes"}),
        ("/administration/groups/Developers/members/remove", {"member": "ann"}),
        ("/administration/groups/Developers/delete", {"confirm": "Developers"}),
    ],
)
def test_nobody_else_changes_people(visit: Visit, office: Runtime, path: str, form: dict[str, str]) -> None:
    before = _state(office)
    assert visit("wes").send(path, **form).status_code == 403
    answer = visit("").client.post(path, data=form)
    assert answer.status_code in (302, 401, 403)
    assert visit("sam").client.post(path, data=form).status_code != 302  # Its token is missing.
    assert _state(office) == before


def _state(runtime: Runtime) -> object:
    with runtime.reading(owner("x")) as work:
        users = [(user.name, user.display_name, user.active, user.password_hash) for user in people.list_users(work)]
        return users, [(group.name, [user.name for user in group.users]) for group in people.list_groups(work)]


def test_users_are_searched_filtered_and_sorted_by_the_address(sam_visits: Visitor) -> None:
    page = sam_visits.get("/administration/users").text
    for said in ("Sam Person", "sam@example.org", "Developers", "active"):
        assert said in page
    assert "/users/wes" not in sam_visits.get("/administration/users", q="SAM@").text
    members = sam_visits.get("/administration/users", group="Developers", sort="-name").text
    assert members.index("/users/bob") < members.index("/users/ann")
    assert "No user matches" in sam_visits.get("/administration/users", state="disabled").text
    for sort in ("display", "email", "seen", "-seen", "nonsense"):
        assert "/users/ann" in sam_visits.get("/administration/users", sort=sort).text


def test_a_user_is_created_with_groups_and_can_sign_in(sam_visits: Visitor, visit: Visit) -> None:
    form = {"name": " eve ", "display_name": "Eve", "email": "eve@example.org", "groups": ["Developers"]}
    page = sam_visits.send("/administration/new-user", **form, password=LONG, repeat=LONG).text
    assert "eve is there" in page
    assert "eve@example.org" in page
    assert "Publish Packages" in page
    signed_in = visit("").client
    token = signed_in.get("/sign-in").text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    answer = signed_in.post("/sign-in", data={"name": "eve", "password": LONG, "csrf_token": token})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("form", "said", "beside"),
    [
        ({"name": "ann"}, "There is a user", "name"),
        ({"name": "a:b"}, "is not possible", "name"),
        ({"name": ""}, "Choose a name.", "name"),
        ({"name": "eve", "email": "nonsense"}, "is no e-mail address", "email"),
        ({"name": "eve", "password": "short", "repeat": "short"}, "between 10 and", "password"),
        ({"name": "eve", "password": "password12", "repeat": "password12"}, "easily guessed", "password"),
        ({"name": "eve", "password": LONG, "repeat": "another"}, "The two passwords differ.", "repeat"),
        ({"name": "eve", "groups": "Nobodies"}, "There is no group", "groups"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(
    sam_visits: Visitor, form: dict[str, str], said: str, beside: str
) -> None:
    answer = sam_visits.send("/administration/new-user", **{"display_name": "Somebody new", **form})
    assert said in answer.text
    assert f'id="{beside}-error"' in answer.text
    assert "Somebody new" in answer.text
    assert '/users/eve"' not in sam_visits.get("/administration/users").text


def test_a_user_is_changed_and_keeps_what_is_not_asked(sam_visits: Visitor, office: Runtime) -> None:
    page = sam_visits.send("/administration/users/ann", display_name="Ann", email="", groups=[]).text
    assert "ann is saved" in page
    with office.reading(owner("x")) as work:
        ann = people.get_user(work, "ann")
        assert (ann.display_name, [group.name for group in ann.groups], ann.active) == ("Ann", [], True)
    wrong = sam_visits.send("/administration/users/ann", display_name="Ann", email="no")
    assert wrong.status_code == 400
    assert 'id="email-error"' in wrong.text


def test_a_password_is_set_and_ends_the_sessions(sam_visits: Visitor, visit: Visit) -> None:
    ann = visit("ann")
    assert ann.get("/").status_code == 200
    differing = sam_visits.send("/administration/users/ann/password", password=LONG, repeat="other")
    assert "The two passwords differ." in differing.text
    weak = sam_visits.send("/administration/users/ann/password", password="aaaaaaaaaaaa", repeat="aaaaaaaaaaaa")
    assert "easily guessed" in weak.text
    assert ann.get("/").status_code == 200
    assert (
        "ann has the new password"
        in sam_visits.send("/administration/users/ann/password", password=LONG, repeat=LONG).text
    )
    assert ann.get("/").status_code == 302


def test_disabling_is_undone_by_enabling(sam_visits: Visitor, visit: Visit) -> None:
    ann = visit("ann")
    page = sam_visits.send("/administration/users/ann/state", active="no").text
    assert "ann is disabled" in page
    assert ">Enable</button>" in page
    assert ann.get("/").status_code == 302
    assert "/users/ann" in sam_visits.get("/administration/users", state="disabled").text
    assert "ann may sign in again" in sam_visits.send("/administration/users/ann/state", active="yes").text


def test_the_last_administrator_stays(sam_visits: Visitor) -> None:
    for path, form in (("state", {"active": "no"}), ("delete", {"confirm": "sam"})):
        page = sam_visits.send(f"/administration/users/sam/{path}", **form)
        assert "nobody could administer" in page.text
    assert sam_visits.get("/administration/users").status_code == 200


def test_deleting_a_user_says_what_goes_with_them_and_wants_their_name(sam_visits: Visitor, office: Runtime) -> None:
    with office.writing(owner("x")) as work:
        keys.create_key(work, keys.KeyRequest("personal", "bob's laptop", user="bob"))
        grants.grant(work, GrantRequest("Promote Packages", user="bob", feed="npm-prod"))
    page = sam_visits.get("/administration/users/bob/delete").text
    for said in (
        "bob&#39;s laptop",
        "the permission Promote Packages, feed npm-prod",
        "the restriction Publish Packages, feed npm-dev",
        "the group Developers",
    ):
        assert said in page
    wrong = sam_visits.send("/administration/users/bob/delete", confirm="bop")
    assert wrong.status_code == 400
    assert "type their name: bob" in wrong.text
    assert "bob is deleted" in sam_visits.send("/administration/users/bob/delete", confirm="bob").text
    assert sam_visits.get("/administration/users/bob").status_code == 404


def test_a_group_is_created_renamed_filled_and_deleted(sam_visits: Visitor, office: Runtime) -> None:
    page = sam_visits.send("/administration/new-group", name="Senior Developers", members="ann, wes").text
    assert "The group Senior Developers is there" in page
    here = "/administration/groups/Senior%20Developers"
    assert "In Senior Developers now: bob." in sam_visits.send(f"{here}/members", members="bob").text
    assert "wes is no longer in Senior Developers" in sam_visits.send(f"{here}/members/remove", member="wes").text
    assert "called Seniors now" in sam_visits.send(f"{here}/rename", name="Seniors").text
    with office.writing(owner("x")) as work:
        assert [user.name for user in people.get_group(work, "Seniors").users] == ["ann", "bob"]
        grants.grant(work, GrantRequest("Promote Packages", group="Seniors", feed="npm-prod"))
    listed = sam_visits.get("/administration/groups", q="seniors").text
    assert "Seniors" in listed
    assert "Developers" not in listed
    asked = sam_visits.get("/administration/groups/Seniors/delete").text
    assert "the permission Promote Packages, feed npm-prod" in asked
    assert "2 members" in asked
    assert sam_visits.send("/administration/groups/Seniors/delete", confirm="seniors").status_code == 400
    assert "Seniors is deleted" in sam_visits.send("/administration/groups/Seniors/delete", confirm="Seniors").text


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/administration/new-group", {"name": "developers"}, "There is a group"),
        ("/administration/new-group", {"name": "New", "members": "ann, nobody"}, "There is no user"),
        ("/administration/groups/Developers/members", {"members": "nobody"}, "There is no user"),
        ("/administration/groups/Developers/members", {"members": ""}, "Name somebody."),
        ("/administration/groups/Developers/rename", {"name": "a/b"}, "is not possible"),
        ("/administration/groups/Developers/rename", {"name": ""}, "Choose a name."),
    ],
)
def test_a_group_that_cannot_be_says_why_beside_the_field(
    sam_visits: Visitor, path: str, form: dict[str, str], said: str
) -> None:
    answer = sam_visits.send(path, **form)
    assert said in answer.text
    assert "-error" in answer.text
    assert "is there" not in answer.text


def test_who_is_unknown_is_not_found(sam_visits: Visitor) -> None:
    for path in ("users/nobody", "users/nobody/delete", "groups/None", "groups/None/delete"):
        assert sam_visits.get(f"/administration/{path}").status_code == 404


def test_names_of_people_are_text_on_every_page(sam_visits: Visitor) -> None:
    name = '"><script>alert(1)'
    sam_visits.send("/administration/new-user", name="eve", display_name=name)
    sam_visits.send("/administration/new-group", name=name, members="eve")
    for path in ("users", "users/eve", "groups", "groups/%22%3E%3Cscript%3Ealert(1)", "permissions", "permissions/add"):
        page = sam_visits.get(f"/administration/{path}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text
