"""The rules of a plan, without a database."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.history import GENESIS, EventFacts, chain_hash
from app.domain.promotion import (
    Candidate,
    FeedFacts,
    Objection,
    Outcome,
    PromoteTo,
    content_digest,
    decide,
    feed_objections,
    plan,
    reachable,
)

DEV = FeedFacts(1, "dev", "npm", 5)
PROD = FeedFacts(2, "prod", "npm", 9)
UI = Candidate("ui", "1.0.0", "ui", "1", 7, "a" * 64, None, 10)


@pytest.mark.parametrize(
    ("candidate", "outcome"),
    [
        (UI, Outcome.ADD),
        (replace(UI, target_digest="a" * 64), Outcome.UNCHANGED),
        (replace(UI, target_digest="b" * 64), Outcome.CONFLICT),
        (replace(UI, digest=None), Outcome.MISSING),
        (replace(UI, digest=None, target_digest="a" * 64), Outcome.MISSING),
    ],
)
def test_an_outcome_follows_from_both_sides(candidate: Candidate, outcome: Outcome) -> None:
    item = decide(DEV, PROD, candidate)
    assert item.outcome is outcome
    assert bool(item.reason) is (outcome not in (Outcome.ADD, Outcome.UNCHANGED))


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        (DEV, PROD, None),
        (DEV, DEV, "same-feed"),
        (DEV, replace(PROD, format="nuget"), "format-mismatch"),
        (replace(DEV, promote_to=PromoteTo.DISABLED), PROD, "promotion-disabled"),
        (replace(DEV, promote_to=PromoteTo.LIST), PROD, "target-not-allowed"),
        (replace(DEV, promote_to=PromoteTo.LIST, targets=frozenset({2})), PROD, None),
        (PROD, replace(DEV, leads_to=frozenset({2})), "backward"),
        (replace(PROD, targets=frozenset({1})), replace(DEV, leads_to=frozenset({2})), None),
        (replace(DEV, active=False), PROD, "inactive"),
        (DEV, replace(PROD, active=False), "inactive"),
    ],
)
def test_the_feeds_own_rules_object(source: FeedFacts, target: FeedFacts, code: str | None) -> None:
    found = feed_objections(source, target)
    assert [objection.code for objection in found] == ([code] if code else [])


def test_a_pipeline_reaches_all_that_follows_and_may_be_a_circle() -> None:
    stages = {1: [2], 2: [3, 4], 4: [1]}
    assert reachable(2, stages) == {1, 2, 3, 4}
    assert reachable(3, stages) == frozenset()


def test_a_format_that_is_not_promotable_says_why() -> None:
    (objection,) = feed_objections(DEV, PROD, "Maven packages cannot be promoted.")
    assert objection.reason == "Maven packages cannot be promoted."


def test_a_missing_version_names_the_feeds_that_hold_it() -> None:
    item = decide(DEV, PROD, replace(UI, digest=None, elsewhere=("test", "qa")))
    assert "test, qa" in item.reason


def test_a_gate_refuses_the_version_it_names_and_no_other() -> None:
    other = replace(UI, version="2.0.0", version_key="2")
    drawn = plan(DEV, PROD, [UI, other], [Objection("Too young.", "age", "ui", "2.0.0")])
    assert [item.outcome for item in drawn.items] == [Outcome.ADD, Outcome.REFUSED]
    assert not drawn.applicable


def test_a_gate_cannot_turn_a_conflict_into_something_milder() -> None:
    conflict = replace(UI, target_digest="b" * 64)
    drawn = plan(DEV, PROD, [conflict], [Objection("Too young.", "age", "ui", "1.0.0")])
    assert drawn.items[0].outcome is Outcome.CONFLICT


def test_a_plan_counts_what_it_adds() -> None:
    drawn = plan(DEV, PROD, [UI, replace(UI, version_key="2", target_digest="a" * 64)])
    assert (drawn.size, len(drawn.additions), drawn.count(Outcome.UNCHANGED)) == (10, 1, 1)
    assert drawn.applicable


CHANGES = [
    {"source": replace(DEV, serial=6)},
    {"target": replace(PROD, serial=10)},
    {"source": replace(DEV, promote_to=PromoteTo.LIST)},
    {"target": replace(PROD, comments_required=True)},
    {"candidates": [replace(UI, digest="c" * 64)]},
    {"candidates": [replace(UI, target_digest="a" * 64)]},
    {"objections": [Objection("No.")]},
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_fingerprint_changes_with_every_fact_behind_the_plan(change: dict[str, object]) -> None:
    facts: dict[str, object] = {"source": DEV, "target": PROD, "candidates": [UI], "objections": []}
    assert plan(**facts).fingerprint == plan(**facts).fingerprint  # type: ignore[arg-type]
    assert plan(**facts).fingerprint != plan(**{**facts, **change}).fingerprint  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.text(max_size=5), st.text("0123456789abcdef", min_size=4, max_size=4)), max_size=5))
def test_a_content_digest_does_not_depend_on_the_order_of_files(files: list[tuple[str, str]]) -> None:
    assert content_digest(files) == content_digest(reversed(files))


def test_an_events_hash_covers_every_field_and_what_came_before() -> None:
    event = EventFacts("2026-11-23T09:00:00.000000+00:00", "sam", "promoted", "prod", "ui 1.0.0", {"n": 1})
    changed = [
        replace(event, at="x"),
        replace(event, actor="x"),
        replace(event, tag="x"),
        replace(event, feed=None),
        replace(event, subject="x"),
        replace(event, data={"n": 2}),
    ]
    hashes = {chain_hash(GENESIS, each) for each in (event, *changed)} | {chain_hash("1" * 64, event)}
    assert len(hashes) == 8
