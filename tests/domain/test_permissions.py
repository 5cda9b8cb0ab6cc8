"""The vendor's order of grants and restrictions, as a table."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.permissions import (
    BUILT_IN_TASKS,
    FEED_PERMISSIONS,
    KEY_RIGHTS,
    LABELS,
    Entry,
    KeyRight,
    Kinship,
    Permission,
    Reach,
    covers,
    decide,
    resolve,
)

VIEW = frozenset({Permission.VIEW_FEED})


def allow(kinship: Kinship, reach: Reach, attributes: frozenset[Permission] = VIEW) -> Entry:
    return Entry(attributes, kinship, reach, deny=False)


def deny(kinship: Kinship, reach: Reach, attributes: frozenset[Permission] = VIEW) -> Entry:
    return Entry(attributes, kinship, reach, deny=True)


USER, GROUP, EVERYONE = Kinship.USER, Kinship.GROUP, Kinship.EVERYONE
FEED, FEEDS, WIDE = Reach.FEED, Reach.FEED_GROUP, Reach.EVERYWHERE

TABLE: list[tuple[str, Sequence[Entry], bool]] = [
    ("silence denies", [], False),
    ("one grant allows", [allow(GROUP, WIDE)], True),
    ("one restriction denies", [deny(GROUP, WIDE)], False),
    ("at equal closeness the restriction wins", [allow(GROUP, WIDE), deny(GROUP, WIDE)], False),
    ("a user's grant beats a group's restriction", [allow(USER, WIDE), deny(GROUP, WIDE)], True),
    ("even one on the feed", [allow(USER, WIDE), deny(GROUP, FEED)], True),
    ("a user's restriction beats a group's grant", [deny(USER, WIDE), allow(GROUP, FEED)], False),
    ("a feed's restriction beats a wide grant", [allow(GROUP, WIDE), deny(GROUP, FEED)], False),
    ("a feed's grant beats a wide restriction", [deny(GROUP, WIDE), allow(GROUP, FEED)], True),
    ("a feed beats its feed group", [deny(GROUP, FEEDS), allow(GROUP, FEED)], True),
    ("a feed group beats everywhere", [allow(GROUP, FEEDS), deny(GROUP, WIDE)], True),
    ("a group beats everyone", [allow(GROUP, WIDE), deny(EVERYONE, FEED)], True),
    ("everyone may be granted", [allow(EVERYONE, WIDE)], True),
    ("everyone may be restricted", [deny(EVERYONE, FEED), allow(EVERYONE, WIDE)], False),
    ("another attribute says nothing", [allow(USER, FEED, frozenset({Permission.ADD_PACKAGE}))], False),
    ("configuring stands for all", [allow(USER, WIDE, frozenset({Permission.CONFIGURE}))], True),
    ("managing the feed stands for its attributes", [allow(USER, FEED, frozenset({Permission.MANAGE_FEED}))], True),
    ("a proxy can be restricted too", [deny(USER, FEED, frozenset({Permission.MANAGE_FEED}))], False),
]


@pytest.mark.parametrize(("entries", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_closest_entry_decides(entries: Sequence[Entry], expected: bool) -> None:
    assert resolve(entries, Permission.VIEW_FEED) is expected
    assert resolve(list(reversed(entries)), Permission.VIEW_FEED) is expected


entry = st.builds(
    Entry,
    st.frozensets(st.sampled_from(Permission), min_size=1, max_size=3),
    st.sampled_from(Kinship),
    st.sampled_from(Reach),
    st.booleans(),
)


@given(st.lists(entry, max_size=8), st.sampled_from(Permission))
def test_a_further_restriction_never_allows(entries: list[Entry], wanted: Permission) -> None:
    for one in entries:
        more = [*entries, Entry(frozenset({wanted}), one.kinship, one.reach, deny=True)]
        assert resolve(entries, wanted) or not resolve(more, wanted)


@given(st.lists(entry, max_size=8), st.sampled_from(Permission))
def test_the_deciding_entry_is_one_of_those_given_and_speaks_of_the_right(
    entries: list[Entry], wanted: Permission
) -> None:
    found = decide(entries, wanted)
    assert found is None or (found in entries and covers(found.attributes, wanted))


def test_managing_a_feed_does_not_stand_for_the_installation() -> None:
    assert not covers(frozenset({Permission.MANAGE_FEED}), Permission.CONFIGURE)
    assert not covers(frozenset({Permission.MANAGE_FEED}), Permission.MANAGE_LICENSES)


def test_there_are_the_vendors_21_attributes_each_with_a_label() -> None:
    assert len(Permission) == 21
    assert set(LABELS) == set(Permission)
    assert len(FEED_PERMISSIONS) == 10


def test_built_in_tasks_are_the_vendors() -> None:
    tasks = {task.name: task.attributes for task in BUILT_IN_TASKS}
    assert tasks["Administer"] == frozenset(Permission)
    assert tasks["Promote Packages"] == {
        Permission.VIEW_FEED,
        Permission.DOWNLOAD_PACKAGE,
        Permission.ADD_PACKAGE,
        Permission.ACCEPT_PROMOTIONS,
    }
    assert tasks["View & Download Packages"] == {Permission.VIEW_FEED, Permission.DOWNLOAD_PACKAGE}


def test_a_key_that_may_promote_may_not_publish() -> None:
    assert KEY_RIGHTS[KeyRight.PROMOTE] == {Permission.ACCEPT_PROMOTIONS}


# Against an independent model -------------------------------------------------------------------------


def brute_force(grants: list[tuple[int, int, bool, frozenset[Permission]]], wanted: Permission) -> bool:
    """Decide as the vendor's text reads, level by level; written without a look at the resolver.

    Each grant is (kinship 0-2, reach 0-2, deny, attributes).
    """
    for kinship in (0, 1, 2):
        for reach in (0, 1, 2):
            here = [
                denies
                for of, over, denies, attributes in grants
                if (of, over) == (kinship, reach)
                and (
                    wanted in attributes
                    or Permission.CONFIGURE in attributes
                    or (Permission.MANAGE_FEED in attributes and wanted in FEED_PERMISSIONS)
                )
            ]
            if here:
                return not any(here)
    return False


def test_a_million_random_grant_sets_resolve_as_the_model_says() -> None:
    """A generator of our own, because Hypothesis takes hours for a million; a failure names its seed."""
    chance = random.Random(20261123)
    attributes = [frozenset(task.attributes) for task in BUILT_IN_TASKS]
    attributes += [frozenset({permission}) for permission in Permission]
    attributes += [frozenset(chance.sample(list(Permission), size)) for size in (2, 3, 5, 8) for _ in range(8)]
    permissions = list(Permission)
    for number in range(1_000_000):
        grants = [
            (chance.randrange(3), chance.randrange(3), chance.random() < 0.4, chance.choice(attributes))
            for _ in range(chance.randrange(7))
        ]
        wanted = chance.choice(permissions)
        entries = [Entry(held, Kinship(of), Reach(over), deny) for of, over, deny, held in grants]
        assert resolve(entries, wanted) == brute_force(grants, wanted), (number, grants, wanted)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 2), st.booleans(), st.frozensets(st.sampled_from(Permission), min_size=1)
        ),
        max_size=8,
    ),
    st.sampled_from(Permission),
)
def test_resolving_agrees_with_the_model(
    grants: list[tuple[int, int, bool, frozenset[Permission]]], wanted: Permission
) -> None:
    entries = [Entry(held, Kinship(of), Reach(over), deny) for of, over, deny, held in grants]
    assert resolve(entries, wanted) == brute_force(grants, wanted)
