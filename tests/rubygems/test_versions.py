"""Versions and requirements of gems: a table by hand, rules for any version, and real Ruby as the judge."""

from __future__ import annotations

import random
from functools import cmp_to_key
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin import InvalidPackage, SpecKind
from plugins.rubygems.kit import ORDER, RANGES
from plugins.rubygems.requirements import choose, classify, parse, satisfies
from plugins.rubygems.versions import bump, canonical, is_prerelease, normalize, release, segments, version_key
from tests.clients.ruby import ask_ruby

CASES = (
    # (version, requirement, satisfied): one operator each
    ("1.0", "= 1.0", True),
    ("1.0.0", "= 1", True),
    ("1.0.0.0.0", "1.0", True),
    ("1.0.1", "= 1.0", False),
    ("1.0.a", "= 1.0", False),
    ("1.0.pre.1", "= 1.0.0-1", True),
    ("1.0", "!= 1.0.0", False),
    ("1.0.1", "!= 1.0.0", True),
    ("2", "> 1", True),
    ("1.0", "> 1", False),
    ("1.0.0.1", "> 1", True),
    ("1.1.a", "> 1", True),
    ("1.a", "> 1", False),
    ("1", "< 2", True),
    ("2.a", "< 2", True),
    ("2", "< 2.0.0", False),
    ("2.0", "<= 2", True),
    ("2.0.1", "<= 2", False),
    ("2.rc1", "<= 2", True),
    ("2", ">= 2.0.0", True),
    ("1.9.9", ">= 2", False),
    ("2.rc1", ">= 2", False),
    ("2.rc1", ">= 2.a", True),
    # the pessimistic one
    ("1", "~> 1", True),
    ("1.9.9", "~> 1", True),
    ("2", "~> 1", False),
    ("0.9", "~> 1", False),
    ("1.2", "~> 1.2", True),
    ("1.3", "~> 1.2", True),
    ("1.10", "~> 1.2", True),
    ("2.0", "~> 1.2", False),
    ("1.1.9", "~> 1.2", False),
    ("1.2.3", "~> 1.2.3", True),
    ("1.2.10", "~> 1.2.3", True),
    ("1.3", "~> 1.2.3", False),
    ("1.2.2", "~> 1.2.3", False),
    ("1.2.0.9", "~> 1.2.0", True),
    ("1.2.3.4", "~> 1.2.3.4", True),
    ("1.2.4", "~> 1.2.3.4", False),
    ("0.0.9", "~> 0.0.1", True),
    ("0.1", "~> 0.0.1", False),
    ("1.4.a", "~> 1.3", True),
    ("2.a", "~> 1.3", False),
    ("1.3.a", "~> 1.3", False),
    ("1.3.b", "~> 1.3.a", True),
    ("1.9", "~> 1.3.a", True),
    ("2.0", "~> 1.3.a", False),
    ("2.0.rc2", "~> 2.0.0.rc1", True),
    ("2.0.9", "~> 2.0.0.rc1", True),
    ("2.1.0", "~> 2.0.0.rc1", False),
    ("2.0.0.beta", "~> 2.0.0.rc1", False),
    # several
    ("1.5", ">= 1, < 2", True),
    ("2.0", ">= 1, < 2", False),
    ("1.5", ">= 1, < 2, != 1.5", False),
    ("1.5.1", "~> 1.5, >= 1.5.1", True),
    ("1.5.0", "~> 1.5, >= 1.5.1", False),
    ("1.5", "> 1.5, < 1.5", False),
    ("3", "!= 1, != 2", True),
    # blanks, and what is no requirement
    ("1.2", "~>1.2", True),
    ("1.2", "  >=   1.2 ,<2 ", True),
    ("1.2", "", True),
    ("1.2", " ", True),
    ("1.2", ">= 1.2,", False),
    ("1.2", "^1.2", False),
    ("1.2", "=> 1.2", False),
    ("1.2", "1.2 || 1.3", False),
    ("1.2", ">=", False),
    ("1.2", "latest", False),
    ("nonsense", ">= 0", False),
)
RUBY_REQUIREMENTS = "input.map { |v, r| Gem::Requirement.new(r.split(',')).satisfied_by?(Gem::Version.new(v)) }"
RUBY_ORDER = "input.map { |a, b| Gem::Version.new(a) <=> Gem::Version.new(b) }"
RUBY_FACTS = """input.map { |each|
  version = Gem::Version.new(each)
  [version.to_s, version.prerelease?, version.release.to_s, version.bump.to_s, version.canonical_segments]
}"""
RUBY_CORRECT = "input.map { |each| Gem::Version.correct?(each) ? true : false }"

numbers = st.sampled_from(["0", "00", "1", "2", "9", "10", "010", "99", "18446744073709551616"])
words = st.sampled_from(["a", "A", "b", "Z", "pre", "rc", "alpha", "a1", "b2c", "0a", "rc10"])
dotted = st.lists(st.one_of(numbers, words), max_size=5)
versions = st.builds(lambda first, rest: ".".join([first, *rest]), numbers, dotted)


def pieces(rng: random.Random) -> str:
    """Give a version of few different parts, so that many are nearly equal."""
    parts = [str(rng.choice([0, 0, 1, 2, 10]))]
    parts += [rng.choice(["0", "0", "1", "2", "10", "a", "b", "a1", "rc1", "A", "0a"]) for _ in range(rng.randrange(5))]
    dash = rng.choice(["", "", "", "-1", "-rc.1", "-a-b"])
    return ".".join(parts) + dash


def requirement(rng: random.Random) -> str:
    operators = ["=", "!=", ">", "<", ">=", "<=", "~>", "~>"]
    return ",".join(f"{rng.choice(operators)} {pieces(rng)}" for _ in range(rng.choice([1, 1, 1, 2, 3])))


# By hand ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "wanted", "satisfied"), CASES)
def test_a_requirement_decides_as_gem_does(version: str, wanted: str, satisfied: bool) -> None:
    assert satisfies(version, wanted) is satisfied


def test_the_table_is_long_and_has_no_line_twice() -> None:
    assert len(CASES) == len(set(CASES)) >= 60


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("1.0", "1.0"),
        (" 1.0 ", "1.0"),
        ("1.0\n", "1.0"),
        ("1.0-1", "1.0.pre.1"),
        ("1.0-rc.1-x", "1.0.pre.rc.1.pre.x"),
        ("01.010", "01.010"),
    ],
)
def test_a_version_is_written_as_rubygems_writes_it(text: str, normal: str) -> None:
    assert normalize(text) == normal


@pytest.mark.parametrize(
    "text", ["", " ", "a", "1.", ".1", "1..2", "1.0-", "1_0", "1.0+x", "v1", "1 2", "1\u0660", "9" * 200]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidPackage):
        version_key(text)


@pytest.mark.parametrize(
    ("text", "parts", "counting"),
    [
        ("1.0", [1, 0], [1]),
        ("1.0.a", [1, 0, "a"], [1, "a"]),
        ("1.0.a.0.0", [1, 0, "a", 0, 0], [1, "a"]),
        ("1.0.0.a10b", [1, 0, 0, "a", 10, "b"], [1, "a", 10, "b"]),
        ("0.0", [0, 0], []),
    ],
)
def test_zeros_before_the_first_letter_and_at_the_end_do_not_count(text: str, parts: list, counting: list) -> None:
    assert (segments(text), canonical(text)) == (parts, counting)


@pytest.mark.parametrize(
    ("text", "released", "bumped"), [("1.2.a3", "1.2", "2"), ("1.2.3", "1.2.3", "1.3"), ("7", "7", "8")]
)
def test_release_and_bump(text: str, released: str, bumped: str) -> None:
    assert (release(text), bump(text)) == (released, bumped)


def test_the_chain_ascends() -> None:
    keys = [version_key(version) for version in ORDER]
    assert len(ORDER) >= 15
    assert all(older < newer for older, newer in pairwise(keys))


@pytest.mark.parametrize(
    ("spec", "kind"), [("~> 1.0", SpecKind.RANGE), ("", SpecKind.RANGE), ("*", SpecKind.UNRESOLVABLE)]
)
def test_a_dependency_s_text_is_a_requirement_or_nothing(spec: str, kind: SpecKind) -> None:
    assert classify(spec).kind is kind


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("", "2.0"),
        (">= 0", "2.0"),
        ("< 2", "1.10"),
        ("~> 1.9.0", "1.9"),
        (">= 2.1.a", "2.1.rc1"),
        ("= 2.1.rc1", "2.1.rc1"),
        ("> 2", None),
        ("nonsense", None),
    ],
)
def test_the_highest_that_satisfies_is_chosen_and_a_prerelease_only_where_one_is_named(
    wanted: str, chosen: str | None
) -> None:
    assert choose(["1.9", "2.1.rc1", "1.10", "2.0", "1.2"], wanted) == chosen


def test_a_requirement_of_any_length_is_read_or_refused_at_once() -> None:
    assert not satisfies("1", ">= 1," * 100_000 + ">= 1")
    assert len(parse(", ".join([">= 1"] * 50))) == 50


# For any version ----------------------------------------------------------------------------------------


@given(versions, versions)
def test_keys_order_as_the_rules_of_gem_version_compare(one: str, other: str) -> None:
    keys = version_key(one), version_key(other)
    assert (keys[0] > keys[1]) - (keys[0] < keys[1]) == compared(one, other)


def compared(one: str, other: str) -> int:
    """Compare as ``Gem::Version#<=>`` does, segment by segment."""
    left, right = canonical(one), canonical(other)
    for at in range(max(len(left), len(right))):
        a, b = (side[at] if at < len(side) else 0 for side in (left, right))
        if a == b:
            continue
        if isinstance(a, str) != isinstance(b, str):
            return -1 if isinstance(a, str) else 1
        return -1 if a < b else 1  # type: ignore[operator]
    return 0


@given(st.lists(versions, max_size=20))
def test_sorting_by_keys_is_sorting_by_comparison(some: list[str]) -> None:
    by_key = sorted(some, key=version_key)
    assert [version_key(v) for v in by_key] == [version_key(v) for v in sorted(some, key=cmp_to_key(compared))]


@given(versions)
def test_a_version_is_normal_once_and_for_all(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)
    assert version_key(text).isascii()
    assert len(version_key(text)) <= 1000


@given(st.text(max_size=200))
def test_any_text_is_a_version_or_refused(text: str) -> None:
    try:
        version_key(text)
    except InvalidPackage:
        return
    assert normalize(text)


# As real Ruby says --------------------------------------------------------------------------------------


def test_ruby_agrees_about_requirements() -> None:
    rng = random.Random(20261123)
    questions = [(pieces(rng), requirement(rng)) for _ in range(10_000)]
    answers = ask_ruby(RUBY_REQUIREMENTS, questions)
    assert [q for q, a in zip(questions, answers, strict=True) if satisfies(*q) is not a] == []
    assert 1_000 < sum(answers) < 9_000


def test_ruby_agrees_about_the_tables() -> None:
    readable = [
        (v, r.strip()) for v, r, _ in (*CASES, *RANGES) if classify(r).kind is SpecKind.RANGE and v[0].isdigit()
    ]
    assert [satisfies(*each) for each in readable] == ask_ruby(RUBY_REQUIREMENTS, readable)


def test_ruby_agrees_about_order() -> None:
    rng = random.Random(20261124)
    pairs = [(pieces(rng), pieces(rng)) for _ in range(10_000)]
    keys = [(version_key(a), version_key(b)) for a, b in pairs]
    ours = [(a > b) - (a < b) for a, b in keys]
    wrong = [
        (pair, mine) for pair, mine, ruby in zip(pairs, ours, ask_ruby(RUBY_ORDER, pairs), strict=True) if mine != ruby
    ]
    assert wrong == []


def test_ruby_agrees_about_what_a_version_is_made_of() -> None:
    rng = random.Random(20261125)
    texts = sorted({pieces(rng) for _ in range(5_000)})
    for text, (spelled, letters, released, bumped, counting) in zip(texts, ask_ruby(RUBY_FACTS, texts), strict=True):
        assert (normalize(text), is_prerelease(text)) == (spelled, letters), text
        assert (release(text), canonical(text)) == (released, counting), text
        assert version_key(bump(text)) == version_key(bumped), text


def test_ruby_takes_for_a_version_what_we_do() -> None:
    rng = random.Random(20261126)
    texts = ["".join(rng.choice("01a.-Z \n_+") for _ in range(rng.randrange(1, 8))) for _ in range(5_000)]

    def is_one(text: str) -> bool:
        try:
            return bool(version_key(text))
        except InvalidPackage:
            return False

    # RubyGems takes blanks for the version 0; a file needs more than that.
    filled = [text for text in texts if text.strip()]
    assert [is_one(text) for text in filled] == ask_ruby(RUBY_CORRECT, filled)
