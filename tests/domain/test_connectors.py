"""Which names connectors may fill."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.connectors import Names, check_patterns, matches, passes
from app.domain.errors import Invalid


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("left-pad", "left-pad", True),
        ("left-pad", "left-pad2", False),
        ("left-pad", "xleft-pad", False),
        ("Acme.*", "acme.core", True),
        ("acme.*", "ACME.Core", True),
        ("acme.*", "acmeXcore", False),
        ("acme.*", "acme.", True),
        ("@acme/*", "@acme/core", True),
        ("@acme/*", "@acme2/core", False),
        ("*", "anything", True),
        ("*-types", "node-types", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a+b", "a+b", True),
        ("a+b", "aab", False),
        ("[ab]", "a", False),
        ("straße", "STRASSE", True),
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "acb", False),
    ],
)
def test_a_pattern_fits_whole_names_in_any_case(pattern: str, name: str, fits: bool) -> None:
    assert matches(pattern, name) is fits


@given(st.text(alphabet="ab*?", max_size=12), st.text(alphabet="ab", max_size=10))
def test_patterns_are_what_wildcards_say(pattern: str, name: str) -> None:
    said = "".join({"*": "[ab]*", "?": "[ab]"}.get(letter, letter) for letter in pattern)
    assert matches(pattern, name) is (re.fullmatch(said, name) is not None)


def test_a_pattern_of_many_stars_is_no_trap() -> None:
    assert not matches("*a" * 200 + "b", "a" * 500)


@pytest.mark.parametrize(
    ("filters", "name", "through"),
    [
        ([], "a", True),
        (["!a*"], "abc", False),
        (["!a*"], "bcd", True),
        (["a*"], "abc", True),
        (["a*"], "bcd", False),
        (["a*", "!abc"], "abc", False),
        (["a*", "!abc"], "abd", True),
        (["abc", "!a*"], "abc", False),
        (["@acme/*", "left-pad"], "left-pad", True),
    ],
)
def test_a_block_wins_and_where_any_allows_the_rest_is_out(filters: list[str], name: str, through: bool) -> None:
    assert passes(filters, name) is through


@pytest.mark.parametrize("text", ["!", "!!a", "a b", "a\x00", "x" * 501])
def test_a_pattern_that_can_match_nothing_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="pattern"):
        check_patterns([text])


def test_patterns_are_trimmed_and_each_is_kept_once() -> None:
    assert check_patterns([" a* ", "", "a*", "!b"]) == ["a*", "!b"]


def test_a_name_of_the_feeds_own_is_kept_unless_the_feed_allows_it() -> None:
    names = Names(("acme.*", "@acme/*"), ("acme.public",))
    assert "reserved" in names.kept("acme.core", own=False)
    assert "reserved" in names.kept("@acme/new", own=False)
    assert names.kept("acme.public", own=True) == ""
    assert "its own" in names.kept("left-pad", own=True)
    assert names.kept("left-pad", own=False) == ""
