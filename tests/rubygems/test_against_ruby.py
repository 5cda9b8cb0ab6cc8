"""Versions and requirements of gems, by tables, by Hypothesis, and against Ruby's own."""

from __future__ import annotations

import random
from functools import cmp_to_key
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.plugin import InvalidPackage
from plugins.rubygems import requirements, versions
from plugins.rubygems.kit import ORDER, RANGES
from plugins.rubygems.platforms import parse_platform
from tests.clients.ruby import ask_ruby

numbers = st.one_of(st.integers(0, 12), st.sampled_from([0, 0, 99, 100, 20261123, 10**30])).map(str)
words = st.sampled_from(["a", "A", "b", "alpha", "beta", "pre", "rc", "z", "Z", "a1", "rc10", "1a", "0a0"])
texts = st.lists(st.one_of(numbers, numbers, words), min_size=0, max_size=5)
dashes = st.sampled_from(["", "", "", "-1", "-beta", "-rc.1", "-a-b"])


@st.composite
def version_texts(draw: st.DrawFn) -> str:
    return ".".join([draw(numbers), *draw(texts)]) + draw(dashes)


requirement_texts = st.lists(
    st.tuples(st.sampled_from(["=", "!=", ">", "<", ">=", "<=", "~>", ""]), version_texts()), min_size=1, max_size=3
).map(lambda parts: ", ".join(f"{operator} {version}".strip() for operator, version in parts))


def compare(one: str, other: str) -> int:
    """Compare as Gem::Version does, step by step: the rule that keys are held against."""
    mine, theirs = versions.canonical(one), versions.canonical(other)
    for left, right in zip(mine, theirs, strict=False):
        if left == right:
            continue
        if isinstance(left, str) != isinstance(right, str):
            return -1 if isinstance(left, str) else 1
        return -1 if left < right else 1  # type: ignore[operator]
    if len(mine) == len(theirs):
        return 0
    longer, sign = (mine, 1) if len(mine) > len(theirs) else (theirs, -1)
    for segment in longer[min(len(mine), len(theirs)) :]:
        if isinstance(segment, str):
            return -sign
        if segment != 0:
            return sign
    return 0


@given(version_texts(), version_texts())
@example("1.0.0.a", "1.0.a")
@example("1", "1.0.0.0")
@example("1.0.0.1", "1.0.1")
@example("1.0.a.0.1", "1.0.a.1")
@example("1.0.a.0.b", "1.0.a.b")
def test_the_order_of_keys_is_the_order_of_versions(one: str, other: str) -> None:
    keys = versions.version_key(one), versions.version_key(other)
    assert (keys[0] > keys[1]) - (keys[0] < keys[1]) == compare(one, other)


@given(st.lists(version_texts(), max_size=20))
def test_sorting_by_key_is_sorting_by_comparison(found: list[str]) -> None:
    by_key = sorted(found, key=versions.version_key)
    by_comparison = sorted(found, key=cmp_to_key(compare))
    assert list(map(versions.version_key, by_key)) == list(map(versions.version_key, by_comparison))


@given(st.text(max_size=60))
def test_any_text_is_a_version_or_is_refused(text: str) -> None:
    try:
        key = versions.version_key(text)
    except InvalidPackage:
        return
    assert key.isascii()
    assert len(key) <= 1000
    assert versions.version_key(versions.normalize(text)) == key


@pytest.mark.parametrize("text", ["9" * 64, "1." * 63 + "1", "1" + ".a" * 63, "1." + "a1" * 63])
def test_the_longest_versions_have_keys_that_fit(text: str) -> None:
    assert len(versions.version_key(text)) <= 1000


@pytest.mark.parametrize(
    ("version", "release", "bump"),
    [
        ("1.2.3", "1.2.3", "1.3"),
        ("1.2", "1.2", "2"),
        ("1", "1", "2"),
        ("1.2.3.a", "1.2.3", "1.3"),
        ("1.2.a.3", "1.2", "2"),
        ("5.3.1.b.2", "5.3.1", "5.4"),
        ("1.a", "1", "2"),
        ("1.2-rc", "1.2", "2"),
    ],
)
def test_releases_and_bumps(version: str, release: str, bump: str) -> None:
    assert (versions.release(version), versions.bump(version)) == (release, bump)


MORE_RANGES = (
    ("1.0.0.beta1", "~> 1.0.0.beta1", True),
    ("1.0.0.beta2", "~> 1.0.0.beta1", True),
    ("1.0.0.alpha", "~> 1.0.0.beta1", False),
    ("1.0.0", "~> 1.0.0.beta1", True),
    ("1.0.9", "~> 1.0.0.beta1", True),
    ("1.1.0", "~> 1.0.0.beta1", False),
    ("1.1.0.a", "~> 1.0.0", False),
    ("1.0.1.a", "~> 1.0.0", True),
    ("1.4.4", "~> 1.4.4", True),
    ("1.4.5", "~> 1.4.4", True),
    ("1.5", "~> 1.4.4", False),
    ("1.4.3.9", "~> 1.4.4", False),
    ("2", "~> 1.4", False),
    ("1.99", "~> 1.4", True),
    ("1.0", "~> 0", False),
    ("0.9", "~> 0", True),
    ("0.0.9", "~> 0.0.5", True),
    ("0.1", "~> 0.0.5", False),
    ("1.0", "=1.0.0", True),
    ("1.0", "=  1", True),
    ("1.0", ">1.0", False),
    ("1.0.0.1", ">1.0", True),
    ("1.0.a", "> 0.9", True),
    ("1.0.a", ">= 1.0.a", True),
    ("1.0.b", "<= 1.0.a", False),
    ("1.0.A", "< 1.0.a", True),
    ("1.0.2", "> 1.0.10", False),
    ("1.0.rc10", "> 1.0.rc2", True),
    ("2.0.0-rc", "= 2.0.0.pre.rc", True),
    ("2.0.0-rc", "< 2", True),
    ("1.5", ">= 1.2,< 2,!= 1.3", True),
    ("1.3.0", ">= 1.2,< 2,!= 1.3", False),
    ("3", "!= 1, != 2", True),
    ("20261123", ">= 1", True),
    ("1", ">= 0.a", True),
    ("0", ">= 0", True),
)


@pytest.mark.parametrize(("version", "requirement", "satisfied"), RANGES + MORE_RANGES)
def test_requirements_admit_what_gem_admits(version: str, requirement: str, satisfied: bool) -> None:
    assert requirements.satisfies(version, requirement) is satisfied


def test_there_are_enough_requirements_to_prove_something() -> None:
    assert len(set(RANGES + MORE_RANGES)) >= 60


@pytest.mark.parametrize(
    ("candidates", "requirement", "chosen"),
    [
        (("1.0.a", "0.9"), ">= 0", "0.9"),
        (("1.0.a", "0.9"), ">= 0.a", "1.0.a"),
        (("1.0", "1.0.1.rc1"), "~> 1.0, != 1.0.2.a", "1.0.1.rc1"),
        (("1.9", "1.10"), "", "1.10"),
        (("1.9",), "nonsense", None),
    ],
)
def test_a_prerelease_is_taken_only_where_one_is_named(
    candidates: tuple[str, ...], requirement: str, chosen: str | None
) -> None:
    assert requirements.choose(candidates, requirement) == chosen


@given(requirement_texts)
def test_a_requirement_reads_the_same_after_it_was_written(text: str) -> None:
    parts = requirements.parse(text)
    assert requirements.parse(", ".join(map(str, parts))) == parts


# Against Ruby -------------------------------------------------------------------------------------------

# fmt: off
PLATFORMS = [
    "java", "jruby", "x86_64-linux", "x86_64-linux-gnu", "x86_64-linux-musl", "aarch64-linux", "aarch64-linux-gnu",
    "arm-linux-gnueabihf", "arm-linux-eabi", "x86-linux", "x86-mingw32", "x64-mingw32", "x64-mingw-ucrt",
    "x86-mswin32", "x86-mswin32-60", "x64-mswin64-140", "mswin32", "mswin32_80", "i386-mswin32", "i686-linux",
    "x86-darwin-8", "universal-darwin-20", "x86_64-darwin-19", "arm64-darwin", "arm64-darwin23", "x86-freebsd",
    "x86_64-freebsd-13", "sparc-solaris2.8", "x86-solaris2.10", "x86_64-openbsd6.9", "powerpc-aix7", "x86-cygwin",
    "java-1.8", "dalvik", "dotnet", "dotnet-2.0", "macruby", "hal-9000", "some_platform", "other_platform1",
    "x86-unknown", "powerpc-darwin8", "x86_64-netbsdelf", "hppa2.0w-hpux11.31", "a-b-c", "a-b-c-d", "a-1-2",
]
# fmt: on


def _some(count: int) -> list[str]:
    dice = random.Random(20261123)
    pieces = ["0", "0", "1", "2", "10", "a", "b", "A", "rc", "rc1", "pre", "1a", "00", "01", "0b0", "99999999999"]
    return [
        ".".join([dice.choice(["0", "1", "2", "10"]), *dice.choices(pieces, k=dice.randrange(5))])
        + dice.choice(["", "", "", "", "-1", "-rc1", "-a-b"])
        for _ in range(count)
    ]


def test_versions_are_ordered_as_ruby_orders_them() -> None:
    found = [*ORDER, *_some(3000)]
    script = "v = input.map { |t| Gem::Version.new(t) }; v.each_cons(2).map { |a, b| a <=> b }"
    keys = [versions.version_key(version) for version in found]
    assert [(a > b) - (a < b) for a, b in pairwise(keys)] == ask_ruby(script, found)


def test_releases_bumps_and_texts_are_those_of_ruby() -> None:
    found = _some(1000)
    script = "input.map { |t| v = Gem::Version.new(t); [v.to_s, v.prerelease?, v.release.to_s, v.bump.to_s] }"
    mine = [[versions.normalize(v), versions.is_prerelease(v), versions.release(v), versions.bump(v)] for v in found]
    assert mine == ask_ruby(script, found)


def test_requirements_are_satisfied_as_ruby_satisfies_them() -> None:
    dice = random.Random(7)
    found = _some(6000)
    operators = ["=", "!=", ">", "<", ">=", "<=", "~>", "~>", ""]
    cases = []
    for version in found[:4000]:
        parts = [f"{dice.choice(operators)} {dice.choice(found)}".strip() for _ in range(dice.choice([1, 1, 2]))]
        cases.append((version, parts))
    cases += [(version, [f"~> {version}"]) for version in found[4000:]]
    script = "input.map { |v, r| q = Gem::Requirement.new(*r); [q.satisfied_by?(Gem::Version.new(v)), q.prerelease?] }"
    mine = [
        [requirements.satisfies(v, ", ".join(parts)), requirements.asks_for_prereleases(", ".join(parts))]
        for v, parts in cases
    ]
    assert mine == ask_ruby(script, cases)


def test_the_same_texts_are_versions_as_in_ruby() -> None:
    dice = random.Random(11)
    found = ["".join(dice.choices("01a.-+ _Z\n", k=dice.randrange(1, 7))) for _ in range(3000)]
    known = ask_ruby("input.map { |t| Gem::Version.correct?(t) ? true : false }", found)
    for text, correct in zip(found, known, strict=True):
        # Ruby takes no text at all for 0; a gem's version is never that.
        assert _is_version(text) is (correct and bool(text.strip())), repr(text)


def _is_version(text: str) -> bool:
    try:
        return bool(versions.version_key(text))
    except InvalidPackage:
        return False


def test_platforms_are_read_as_ruby_reads_them() -> None:
    script = "input.map { |t| p = Gem::Platform.new(t); [p.cpu, p.os, p.version] }"
    assert [list(parse_platform(platform)) for platform in PLATFORMS] == ask_ruby(script, PLATFORMS)
