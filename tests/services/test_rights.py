"""Tasks, grants, restrictions: made, pointed at, explained, and never the last administrator's end."""

import pytest

from app.domain.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from app.domain.permissions import FEED_PERMISSIONS, Permission
from app.services import access, feeds, grants, people, privileges, tasks
from app.services.grants import GrantRequest
from app.services.people import UserChange
from app.services.privileges import Principal
from app.services.runtime import ANONYMOUS, Actor, Runtime
from app.services.tasks import TaskChange

READ = "View & Download Packages"


def somebody(runtime: Runtime, sam: Actor, name: str, *given: GrantRequest) -> Actor:
    """Create a user with grants."""
    with runtime.writing(sam) as work:
        user = people.create_user(work, name)
        for request in given:
            grants.grant(work, request)
        return Actor(name, user_id=user.id)


@pytest.fixture
def house(runtime: Runtime, sam: Actor) -> Runtime:
    """Give an installation with two feeds of a group, one feed beside, and three people."""
    with runtime.writing(sam) as work:
        for name in ("unapproved", "approved"):
            feeds.create_feed(work, name, "npm", feeds.FeedChange(group="team"))
        feeds.create_feed(work, "secret", "npm")
        for name in ("ann", "ben", "cas"):
            people.create_user(work, name)
        people.create_group(work, "Developers", ["ann", "ben"])
        people.create_group(work, "Seniors", ["ben"])
        grants.grant(work, GrantRequest("Administer", user="cas"))
    return runtime


def who(runtime: Runtime, sam: Actor, name: str) -> Actor:
    with runtime.reading(sam) as work:
        return Actor(name, user_id=people.get_user(work, name).id)


def may(runtime: Runtime, actor: Actor, permission: Permission, feed: str) -> bool:
    with runtime.reading(actor) as work:
        return access.allowed(work, permission, access.find_feed(work, feed))


# Tasks ------------------------------------------------------------------------------------------------


def test_a_task_of_ones_own_grants_what_it_holds(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        tasks.create_task(work, "Approve", [Permission.VIEW_FEED, Permission.ACCEPT_PROMOTIONS], "Only approve.")
        grants.grant(work, GrantRequest("approve", group="Seniors", feed="approved"))
    ben = who(house, sam, "ben")
    assert may(house, ben, Permission.ACCEPT_PROMOTIONS, "approved")
    assert not may(house, ben, Permission.ADD_PACKAGE, "approved")
    with house.writing(sam) as work:
        tasks.update_task(work, "Approve", TaskChange(name="Approving", attributes=[Permission.VIEW_FEED]))
    assert not may(house, ben, Permission.ACCEPT_PROMOTIONS, "approved")
    with house.writing(sam) as work:
        assert tasks.delete_task(work, "Approving") == 1
    assert not may(house, ben, Permission.VIEW_FEED, "approved")


@pytest.mark.parametrize("name", ["Administer", "promote packages"])
def test_built_in_tasks_stay(house: Runtime, sam: Actor, name: str) -> None:
    with house.writing(sam) as work:
        with pytest.raises(Conflict, match="built in"):
            tasks.update_task(work, name, TaskChange(description="mine"))
        with pytest.raises(Conflict, match="built in"):
            tasks.delete_task(work, name)


def test_a_task_has_a_name_of_its_own_and_attributes(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        with pytest.raises(Conflict, match="already"):
            tasks.create_task(work, "ADMINISTER", [Permission.VIEW_FEED])
        with pytest.raises(Invalid, match="at least one attribute"):
            tasks.create_task(work, "Empty", [])


# Grants -----------------------------------------------------------------------------------------------


def test_the_same_grant_again_is_the_one_that_is_there(house: Runtime, sam: Actor) -> None:
    request = GrantRequest(READ, group="developers", feed_group="TEAM")
    with house.writing(sam) as work:
        first = grants.grant(work, request).id
        assert grants.grant(work, request).id == first
        assert grants.grant(work, GrantRequest(READ, group="developers", feed_group="team", deny=True)).id != first
        assert grants.grant(work, GrantRequest(READ, group="developers")).id != first


def test_several_grants_are_given_or_none(house: Runtime, sam: Actor) -> None:
    wanted = [GrantRequest(READ, user="ann"), GrantRequest(READ, user="nobody")]
    with pytest.raises(NotFound), house.writing(sam) as work:
        grants.grant_all(work, wanted)
    assert not may(house, who(house, sam, "ann"), Permission.VIEW_FEED, "secret")


def test_a_feed_manager_manages_the_rights_of_that_feed_only(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        grants.grant(work, GrantRequest("Manage Feed", user="ben", feed="approved"))
        elsewhere = grants.grant(work, GrantRequest(READ, user="ann", feed="secret")).id
    ben = who(house, sam, "ben")
    with house.writing(ben) as work:
        made = grants.grant(work, GrantRequest(READ, user="ann", feed="approved"))
        assert {grant.feed.name for grant in grants.list_grants(work) if grant.feed} == {"approved"}
        grants.revoke(work, made.id)
    for refused in (
        GrantRequest(READ, user="ann"),
        GrantRequest(READ, user="ann", feed_group="team"),
        GrantRequest("Administer", user="ben", feed="approved"),
        GrantRequest("Manage Projects", user="ben", feed="approved"),
    ):
        with pytest.raises(Forbidden), house.writing(ben) as work:
            grants.grant(work, refused)
    with pytest.raises(Forbidden), house.writing(ben) as work:
        grants.revoke(work, elsewhere)


def test_whoever_manages_no_feed_sees_no_grants(house: Runtime, sam: Actor) -> None:
    with pytest.raises(Forbidden), house.reading(who(house, sam, "ann")) as work:
        grants.list_grants(work)


# The last administrator ------------------------------------------------------------------------------


def test_nothing_ends_the_last_administrator(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        tasks.create_task(work, "Rule", [Permission.CONFIGURE])
        people.create_group(work, "Rulers", ["cas"])
        grants.grant(work, GrantRequest("Rule", group="Rulers"))
        direct = next(grant.id for grant in grants.list_grants(work) if grant.task.name == "Administer")
        grants.revoke(work, direct)
        by_group = grants.list_grants(work)[-1].id
    changes = [
        lambda work: people.delete_user(work, "cas"),
        lambda work: people.set_active(work, "cas", active=False),
        lambda work: people.set_members(work, "Rulers", ["ann"][:0]),
        lambda work: people.remove_members(work, "Rulers", ["CAS"]),
        lambda work: people.delete_group(work, "Rulers"),
        lambda work: people.update_user(work, "cas", UserChange(groups=[])),
        lambda work: grants.revoke(work, by_group),
        lambda work: grants.grant(work, GrantRequest("Administer", user="cas", deny=True)),
        lambda work: tasks.delete_task(work, "Rule"),
        lambda work: tasks.update_task(work, "Rule", TaskChange(attributes=[Permission.VIEW_FEED])),
    ]
    for change in changes:
        with pytest.raises(Conflict, match="nobody could administer") as refusal, house.writing(sam) as work:
            change(work)
        assert refusal.value.code == "last-administrator"
    with house.reading(sam) as work:
        assert [user.name for user in access.holders(work, Permission.CONFIGURE)] == ["cas"]


def test_one_of_two_administrators_may_go(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        grants.grant(work, GrantRequest("Administer", user="ann"))
        people.delete_user(work, "cas")
        assert [user.name for user in access.holders(work, Permission.CONFIGURE)] == ["ann"]


# Privileges explained ---------------------------------------------------------------------------------


def privileges_of(runtime: Runtime, sam: Actor, principal: Principal, feed: str) -> dict[Permission, tuple[bool, str]]:
    with runtime.reading(sam) as work:
        return {
            found.permission: (
                found.allowed,
                f"{grants.describe_principal(found.grant)}, {grants.describe_scope(found.grant)}"
                if found.grant
                else "",
            )
            for found in privileges.test(work, principal, feed)
        }


def test_privileges_name_the_grant_that_decides(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        grants.grant(work, GrantRequest(READ, principal="everyone", feed="approved"))
        grants.grant(work, GrantRequest("Promote Packages", group="Seniors", feed_group="team"))
        grants.grant(work, GrantRequest("Promote Packages", user="ben", feed="approved", deny=True))
        grants.grant(work, GrantRequest("Manage Feed", user="ann", feed="approved"))
    ben = privileges_of(house, sam, Principal("user", "BEN"), "approved")
    assert ben[Permission.ACCEPT_PROMOTIONS] == (False, "user ben, feed approved")
    assert ben[Permission.DELETE_PACKAGE] == (False, "")
    assert set(ben) == FEED_PERMISSIONS
    seniors = privileges_of(house, sam, Principal("group", "Seniors"), "unapproved")
    assert seniors[Permission.ACCEPT_PROMOTIONS] == (True, "group Seniors, feed group team")
    nobody = privileges_of(house, sam, Principal("anonymous"), "approved")
    assert nobody[Permission.DOWNLOAD_PACKAGE] == (True, "everyone, feed approved")
    with house.reading(sam) as work:
        ann = {found.permission: found for found in privileges.test(work, Principal("user", "ann"), "approved")}
        assert ann[Permission.ADD_PACKAGE].by_proxy is False
        cas = {found.permission: found for found in privileges.test(work, Principal("user", "cas"), "")}
        assert set(cas) == set(Permission)
        assert all(found.allowed for found in cas.values())


def test_a_proxy_is_said_to_be_one(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        tasks.create_task(work, "Rule", [Permission.CONFIGURE])
        grants.grant(work, GrantRequest("Rule", user="ann"))
        found = {each.permission: each for each in privileges.test(work, Principal("user", "ann"), "")}
    assert found[Permission.ADD_PACKAGE].by_proxy
    assert not found[Permission.CONFIGURE].by_proxy


def test_a_disabled_user_may_nothing(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        grants.grant(work, GrantRequest(READ, principal="everyone"))
        people.set_active(work, "ann", active=False)
        found = privileges.test(work, Principal("user", "ann"), "approved")
    assert not any(each.allowed for each in found)


def test_privileges_agree_with_access(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        grants.grant(work, GrantRequest(READ, principal="authenticated"))
        grants.grant(work, GrantRequest("Promote Packages", group="Developers", feed_group="team"))
        grants.grant(work, GrantRequest("Promote Packages", user="ann", feed="unapproved", deny=True))
        grants.grant(work, GrantRequest(READ, group="Seniors", feed="secret", deny=True))
    for name in ("ann", "ben", "cas"):
        for feed in ("unapproved", "approved", "secret"):
            told = privileges_of(house, sam, Principal("user", name), feed)
            actor = who(house, sam, name)
            assert {p: allowed for p, (allowed, _) in told.items()} == {p: may(house, actor, p, feed) for p in told}


def test_privileges_of_a_feed_are_shown_to_its_manager_only(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        grants.grant(work, GrantRequest("Manage Feed", user="ben", feed="approved"))
    with house.reading(who(house, sam, "ben")) as work:
        assert privileges.test(work, Principal("anonymous"), "approved")
        for feed in ("", "secret"):
            with pytest.raises(Forbidden):
                privileges.test(work, Principal("anonymous"), feed)


def test_why_not_tells_what_decided_and_who_can_help(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        grants.grant(work, GrantRequest(READ, group="Developers", feed="approved"))
        tasks.create_task(work, "Accept", [Permission.ACCEPT_PROMOTIONS])
        denied = grants.grant(work, GrantRequest("Accept", user="ann", feed="approved", deny=True)).id
        grants.grant(work, GrantRequest(READ, user="ann", feed="approved"))
    with house.reading(who(house, sam, "ann")) as work:
        why = privileges.why_not(work, Permission.ACCEPT_PROMOTIONS, "approved")
        assert (why.allowed, why.deciding and why.deciding.id, why.granters) == (False, denied, ["cas"])


def test_why_not_says_the_same_of_an_unseen_and_of_no_feed(house: Runtime, sam: Actor) -> None:
    for actor in (who(house, sam, "ann"), ANONYMOUS):
        with house.reading(actor) as work:
            unseen = privileges.why_not(work, Permission.ADD_PACKAGE, "secret")
            absent = privileges.why_not(work, Permission.ADD_PACKAGE, "nothing")
        facts = [(w.allowed, w.deciding, tuple(w.granters)) for w in (unseen, absent)]
        assert facts[0] == facts[1]


@pytest.mark.parametrize("permission", [Permission.VIEW_FEED, Permission.MANAGE_FEED])
def test_an_unseen_feed_is_refused_like_none(house: Runtime, sam: Actor, permission: Permission) -> None:
    for actor in (who(house, sam, "ann"), ANONYMOUS):
        said = []
        for name in ("secret", "nought"):
            with pytest.raises(AppError) as refusal, house.reading(actor) as work:
                access.get_feed(work, name, permission)
            error = refusal.value
            said.append((error.status, error.code, error.message.replace(name, "*")))
        assert said[0] == said[1]


# Lint -------------------------------------------------------------------------------------------------


def test_lint_points_at_proxies_and_at_what_makes_no_sense(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        tasks.create_task(work, "Blind", [Permission.ADD_PACKAGE])
        tasks.create_task(work, "Half", [Permission.MANAGE_FEED])
        tasks.create_task(work, "Fine", [Permission.VIEW_FEED, Permission.ACCEPT_PROMOTIONS])
        found = {(finding.code, finding.task) for finding in grants.lint(work)}
    assert {("nonsensical", "Blind"), ("by-proxy", "Half"), ("by-proxy", "Promote Packages")} <= found
    assert not [task for _, task in found if task in ("Fine", "Administer", "Manage Feed", READ)]


def test_lint_points_at_restrictions_that_also_blind(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        given = grants.grant(work, GrantRequest("Promote Packages", user="ann", feed="approved", deny=True))
        grants.grant(work, GrantRequest(READ, user="ann", feed="secret", deny=True))
        assert [f.grant_id for f in grants.lint(work) if f.code == "restricts-reading"] == [given.id]


def test_lint_points_at_promoters_without_a_source(house: Runtime, sam: Actor) -> None:
    with house.writing(sam) as work:
        given = grants.grant(work, GrantRequest("Promote Packages", group="Seniors", feed="approved"))
        assert [f.grant_id for f in grants.lint(work) if f.code == "no-source"] == [given.id]
        grants.grant(work, GrantRequest(READ, principal="authenticated", feed="unapproved"))
        assert not [f for f in grants.lint(work) if f.code == "no-source"]
