"""People and rights as one file: written in one order, compared, applied whole or not at all, never with a secret."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.errors import AppError, Conflict, Forbidden, Unauthenticated
from app.domain.names import fold
from app.domain.permissions import Permission
from app.services import access, config, configfile, events, grants, keys, people
from app.services.config import Change
from app.services.configfile import Document
from app.services.runtime import Actor, Runtime, owner
from tests.fixtures import make_feeds

OWNER = owner("sam")
PASSWORD = "violet harbour 9 lanterns"
EMPTY = "promontory: 1\nusers: []\ngroups: []\ntasks: []\ngrants: []\nrestrictions: []\n"
WHOLE = """\
promontory: 1
users:
- name: ann
  displayName: Ann Ångström
  email: ann@example.org
- name: bob
  active: false
groups:
- name: Leads
  members:
  - ann
tasks:
- name: Approve
  description: Let packages in
  attributes:
  - Feeds_AcceptPackagePromotions
  - Feeds_ViewFeed
grants:
- task: Administer
  user: ann
- task: Approve
  group: Leads
  feed: prod
- task: View & Download Packages
  principal: everyone
restrictions:
- task: Approve
  user: bob
  feedGroup: Team
"""


def document(text: str) -> Document:
    return configfile.read(text.encode(), "rights.yaml")


def body(text: str) -> str:
    """Leave out the comments."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def exported(runtime: Runtime) -> str:
    with runtime.reading(OWNER) as work:
        return body(configfile.write(config.export(work)))


def apply(runtime: Runtime, text: str, *, prune: bool = False) -> list[Change]:
    with runtime.writing(OWNER) as work:
        return config.apply(work, document(text), prune=prune)


def said(changes: list[Change]) -> list[str]:
    return [f"{change.action} {change.kind} {change.name}" for change in changes]


def refused(runtime: Runtime, text: str, *, prune: bool = False) -> str:
    """Give why a file is refused; the plan says the same as applying does, and neither changes anything."""
    before = exported(runtime)
    with pytest.raises(AppError) as planned:
        config.rehearse(runtime, OWNER, document(text), prune=prune)
    with pytest.raises(AppError) as found:
        apply(runtime, text, prune=prune)
    assert (found.value.message, found.value.code) == (planned.value.message, planned.value.code)
    assert exported(runtime) == before
    return found.value.message


@pytest.fixture
def filled(runtime: Runtime) -> Runtime:
    """Give an installation with feeds prod, and team in the feed group Team."""
    make_feeds(runtime, "npm", "prod")
    make_feeds(runtime, "npm", "team", group="Team")
    return runtime


# Export -----------------------------------------------------------------------------------------------


def test_a_fresh_installation_has_nobody(runtime: Runtime) -> None:
    assert exported(runtime) == EMPTY


def test_what_is_applied_is_exported(filled: Runtime) -> None:
    assert said(apply(filled, WHOLE)) == [
        "add user ann",
        "add user bob",
        "add task Approve",
        "add group Leads",
        "add grant Administer for user ann",
        "add grant Approve for group Leads on feed prod",
        "add grant View & Download Packages for everyone",
        "add restriction Approve for user bob on feed group Team",
    ]
    assert exported(filled) == WHOLE
    assert apply(filled, WHOLE, prune=True) == []


def test_the_order_of_things_does_not_depend_on_how_they_came(filled: Runtime) -> None:
    apply(filled, WHOLE)
    with filled.writing(OWNER) as work:
        for grant in grants.list_grants(work):
            if grant.user is None or grant.task.name != "Administer":
                grants.revoke(work, grant.id)
        people.delete_user(work, "bob")
        people.create_user(work, "bob")
        people.set_active(work, "bob", active=False)
    reordered = configfile.write(
        document(WHOLE).config.model_copy(update={"grants": document(WHOLE).config.grants[::-1]})
    )
    apply(filled, reordered)
    assert exported(filled) == WHOLE


def test_no_secret_leaves(filled: Runtime) -> None:
    apply(filled, WHOLE)
    with filled.writing(OWNER) as work:
        people.set_password(work, "ann", PASSWORD)
        stored = people.get_user(work, "ann").password_hash
        _, secret = keys.create_key(work, keys.KeyRequest("personal", "laptop", user="ann"))
    text = exported(filled)
    assert text == WHOLE
    for kept in (PASSWORD, stored, secret, keys.hash_secret(secret), secret[:10]):
        assert kept not in text


def test_a_value_that_looks_like_another_type_stays_text(runtime: Runtime) -> None:
    names = [
        "no",
        "1",
        "1e3",
        "null",
        "2026-01-01",
        "~",
        "- x",
        "a #b",
        "'",
        '"',
        "é",
        "\U0001f600",
        "=",
        "<<",
        "\x7f",
        "a\u2028b",
    ]
    with runtime.writing(OWNER) as work:
        for name in names:
            people.create_user(work, name, display_name=name)
    text = exported(runtime)
    assert [user.name for user in document(text).config.users or ()] == sorted(names, key=fold)
    assert apply(runtime, text, prune=True) == []


# Apply ------------------------------------------------------------------------------------------------


def test_only_differences_are_changed_and_told(filled: Runtime) -> None:
    apply(filled, WHOLE)
    text = WHOLE.replace("Ann Ångström", "Ann Å.").replace("  - ann\n", "  - BOB\n")
    text = text.replace("Let packages in", "Let in")
    text = text.replace("  active: false\n", "").replace("  feed: prod\n", "")
    changes = apply(filled, text)
    assert said(changes) == [
        "change user ann",
        "change user bob",
        "change group Leads",
        "add grant Approve for group Leads",
        "change task Approve",
    ]
    assert [dict(change.values()) for change in changes[:3]] == [
        {"displayName": ("Ann Ångström", "Ann Å.")},
        {"active": (False, True)},
        {"members": (["ann"], ["BOB"])},
    ]
    assert [change.line for change in changes] == [3, 6, 8, 20, 12]
    assert apply(filled, text) == []
    assert [event.tag for event in recorded(filled)][-5:] == [
        "user-changed", "user-enabled", "group-changed", "grant-added", "task-changed"
    ]  # fmt: skip


def recorded(runtime: Runtime) -> list[Any]:
    with runtime.reading(OWNER) as work:
        return list(work.session.query(events.Event).order_by(events.Event.id))


def test_what_the_file_does_not_name_stays_unless_pruned(filled: Runtime) -> None:
    apply(filled, WHOLE)
    text = "promontory: 1\nusers:\n- name: ann\n  displayName: Ann Ångström\n  email: ann@example.org\n"
    assert apply(filled, text) == []
    assert said(apply(filled, text, prune=True)) == [
        "remove restriction Approve for user bob on feed group Team",
        "remove user bob",
    ]
    assert "Leads" in exported(filled)


def test_a_section_that_is_left_out_is_left_alone(filled: Runtime) -> None:
    apply(filled, WHOLE)
    assert apply(filled, "promontory: 1\n", prune=True) == []
    assert said(apply(filled, "promontory: 1\nrestrictions: []\n", prune=True)) == [
        "remove restriction Approve for user bob on feed group Team"
    ]


def test_what_goes_with_a_task_is_said(filled: Runtime) -> None:
    apply(filled, WHOLE)
    assert said(apply(filled, "promontory: 1\ntasks: []\n", prune=True)) == [
        "remove restriction Approve for user bob on feed group Team",
        "remove grant Approve for group Leads on feed prod",
        "remove task Approve",
    ]


def test_the_case_of_names_is_no_difference(filled: Runtime) -> None:
    apply(filled, WHOLE)
    text = WHOLE.replace("ann\n", "ANN\n").replace("Leads", "LEADS").replace("Approve", "APPROVE")
    text = text.replace("Feeds_", "feeds_").replace("prod", "Prod").replace("Team", "team")
    assert apply(filled, text, prune=True) == []
    assert exported(filled) == WHOLE


def test_a_plan_changes_nothing(filled: Runtime) -> None:
    planned = config.rehearse(filled, OWNER, document(WHOLE), prune=True)
    assert exported(filled) == EMPTY
    assert planned == apply(filled, WHOLE, prune=True)


def test_all_or_nothing(filled: Runtime) -> None:
    message = refused(filled, WHOLE.replace("ann@example.org", "nowhere"))
    assert message.startswith("rights.yaml, line 3: ann: 'nowhere' is no e-mail address")


def test_administration_is_handed_over_in_one_file(filled: Runtime) -> None:
    apply(filled, WHOLE)
    text = "users: [{name: kim}]\ngroups: []\ngrants: [{task: Administer, user: kim}]\nrestrictions: []\n"
    apply(filled, f"promontory: 1\n{text}", prune=True)
    with filled.reading(OWNER) as work:
        assert [user.name for user in access.holders(work, Permission.CONFIGURE)] == ["kim"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("users: []\n", "rights.yaml: Administer for user ann"),
        ("users: [{name: ann, active: false}]\n", "rights.yaml, line 2: ann"),
        ("grants: []\n", "rights.yaml: Administer for user ann"),
        ("restrictions: [{task: Administer, user: ann}]\n", "rights.yaml, line 2: Administer for user ann"),
    ],
)
def test_nobody_locks_the_last_administrator_out(filled: Runtime, text: str, line: str) -> None:
    apply(filled, WHOLE)
    message = refused(filled, f"promontory: 1\n{text}", prune=True)
    assert message.startswith(f"{line}: After this nobody could administer")
    with pytest.raises(Conflict):
        apply(filled, f"promontory: 1\n{text}", prune=True)


@pytest.mark.parametrize(
    "actor", [Actor("Anonymous"), Actor("key", key_id=1, rights=frozenset({Permission.MANAGE_FEED}))]
)
def test_only_who_may_configure_exports_or_applies(filled: Runtime, actor: Actor) -> None:
    with filled.reading(actor) as work, pytest.raises((Forbidden, Unauthenticated)):
        config.export(work)
    with pytest.raises(AppError) as found:
        config.rehearse(filled, actor, document(EMPTY), prune=False)
    assert found.value.status in (401, 403)


# Refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("users: [{name: a}, {name: A}]", "line 2: A stands here twice"),
        ("users: [{name: 'a:b'}]", "line 2: The name 'a:b' is not possible"),
        ("tasks:\n- {name: T, attributes: []}", "line 3: T: A task needs at least one attribute"),
        ("tasks:\n- name: T\n  attributes:\n  - Feeds_ViewFeed\n  - Fly", "line 6: there is no attribute 'Fly'"),
        ("tasks: [{name: manage feed, attributes: [Feeds_ViewFeed]}]", "line 2: manage feed is built in"),
        ("groups:\n- name: G\n  members: [nobody]", "line 4: there is no user 'nobody'"),
        ("grants:\n- {task: Fly, principal: everyone}", "line 3: there is no task 'Fly'"),
        ("grants:\n- {task: Administer, user: nobody}", "line 3: there is no user 'nobody'"),
        ("grants:\n- {task: Administer, group: nobody}", "line 3: there is no group 'nobody'"),
        ("grants:\n- task: Administer\n  principal: everyone\n  feed: nope", "line 5: there is no feed 'nope'"),
        ("grants:\n- {task: Administer, principal: everyone, feedGroup: x}", "line 3: there is no feed group 'x'"),
        ("grants:\n- {task: Administer}", "line 3: Administer names one of"),
        ("grants:\n- {task: Administer, user: a, principal: everyone}", "line 3: Administer names one of"),
        ("grants: [{task: Administer, principal: anonymous, feed: prod, feedGroup: Team}]", "a feed or a feedGroup"),
        ("restrictions: [{task: Administer, user: nobody}]", "line 2: there is no user 'nobody'"),
        ("users: []\ngrants: [{task: Administer, user: ann}]", "line 3: there is no user 'ann'"),
    ],
)
def test_what_makes_no_sense_here_is_refused_by_its_line(filled: Runtime, text: str, message: str) -> None:
    with filled.writing(OWNER) as work:
        people.create_user(work, "ann")
    assert message in refused(filled, f"promontory: 1\n{text}\n", prune=True)
