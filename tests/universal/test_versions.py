"""Universal versions: the client's order, its ranges, and how it reads a dependency."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin import InvalidPackage, SpecKind
from plugins.universal.versions import (
    choose,
    classify,
    full_key,
    is_prerelease,
    normalize,
    parse_dependency,
    parse_range,
    satisfies,
    version_key,
)

CHAIN = (
    "0.0.0-0 0.0.0 0.0.1 0.1.0--10 0.1.0--9 0.1.0-0 0.1.0-9 0.1.0-10 0.1.0-18446744073709551616 0.1.0-10a 0.1.0-A "
    "0.1.0-A.-1 0.1.0-A.0 0.1.0-Z 0.1.0-a 0.1.0-a.a 0.1.0-a-a 0.1.0-b 0.1.0 0.9.0 0.10.0 1.0.0 "
    "18446744073709551616.0.0"
)
BUILDS = "1.0.0-a 1.0.0+-1 1.0.0+0 1.0.0+9 1.0.0+10 1.0.0+A 1.0.0+a 1.0.0+a.1 1.0.0+b 1.0.0 1.0.1+a 1.0.1"

numbers = st.integers(0, 20) | st.just(2**64)
labels = st.lists(st.sampled_from(("0", "1", "2", "10", "-1", "-10", "a", "A", "b", "a-b", "1a")), max_size=3)
builds = st.sampled_from(("", "+a", "+B", "+1", "+10", "+2"))


@st.composite
def versions(draw: st.DrawFn) -> str:
    core = ".".join(str(draw(numbers)) for _ in range(3))
    found = draw(labels)
    return core + (f"-{'.'.join(found)}" if found else "") + draw(builds)


def compare(one: str, other: str) -> int:
    """Compare two slots as the vendor's library does: labels as big signed numbers, else as text by case."""

    def parts(text: str) -> tuple[list[int], list[str]]:
        core, _, rest = text.partition("+")[0].partition("-")
        return [int(n) for n in core.split(".")], rest.split(".") if rest else []

    def value(label: str) -> int | None:
        digits = label.removeprefix("-")
        return int(label) if digits.isdigit() else None

    (core, mine), (other_core, others) = parts(one), parts(other)
    if core != other_core or not mine or not others:
        return (core > other_core) - (core < other_core) or bool(others) - bool(mine)
    for left, right in zip(mine, others, strict=False):
        a, b = value(left), value(right)
        if a is not None and b is not None:
            if a != b:
                return -1 if a < b else 1
        elif a is not None or b is not None:
            return -1 if a is not None else 1
        elif left != right:
            return -1 if left < right else 1
    return (len(mine) > len(others)) - (len(mine) < len(others))


def test_keys_ascend_along_the_chain() -> None:
    assert len(CHAIN.split()) >= 15
    for older, newer in pairwise(CHAIN.split()):
        assert version_key(older).encode() < version_key(newer).encode(), f"{older} is below {newer}"
        assert full_key(older).encode() < full_key(newer).encode(), f"{older} is below {newer}"


def test_build_metadata_takes_part_in_the_whole_order_only() -> None:
    assert len({version_key(version) for version in BUILDS.split()}) == 3
    for older, newer in pairwise(BUILDS.split()):
        assert full_key(older).encode() < full_key(newer).encode(), f"{older} is below {newer}"


@given(versions(), versions())
def test_the_order_of_keys_is_the_client_s_order(one: str, other: str) -> None:
    left, right = version_key(one), version_key(other)
    assert (left > right) - (left < right) == compare(one, other)


@given(versions(), versions())
def test_the_whole_order_refines_the_order_of_slots(one: str, other: str) -> None:
    if version_key(one) < version_key(other):
        assert full_key(one) < full_key(other)
    if full_key(one) == full_key(other):
        assert version_key(one) == version_key(other)


@given(versions())
def test_the_normal_form_is_the_text_itself(version: str) -> None:
    assert normalize(version) == version
    assert is_prerelease(version) == ("-" in version.partition("+")[0])
    assert len(full_key(version)) <= 1000


@pytest.mark.parametrize(
    "text", ["", "1.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "v1.0.0", "*", "1.0.0 ", "1" * 300]
)
def test_what_is_no_strict_version_is_refused(text: str) -> None:
    for read in (version_key, full_key, normalize, is_prerelease):
        with pytest.raises(InvalidPackage):
            read(text)


@pytest.mark.parametrize(
    ("version", "range", "inside"),
    [
        ("1.0.0", "*", True),
        ("1.0.0-rc", "*", True),
        ("1.0.0", "1.0.0", True),
        ("1.0.0", " 1.0.0 ", True),
        ("1.0.1", "1.0.0", False),
        ("1.0.0+a", "1.0.0", False),
        ("1.0.0+a", "1.0.0+a", True),
        ("1.0.0", "[1.0.0,2.0.0)", True),
        ("2.0.0", "[1.0.0,2.0.0)", False),
        ("2.0.0+a", "[1.0.0,2.0.0)", True),
        ("2.0.0-rc", "[1.0.0,2.0.0)", True),
        ("1.0.0-rc", "[1.0.0,2.0.0)", False),
        ("1.0.0", "(1.0.0,2.0.0]", False),
        ("2.0.0", "(1.0.0,2.0.0]", True),
        ("9.0.0", "[1.0.0,]", True),
        ("0.9.0", "[1.0.0,]", False),
        ("0.9.0", "(,1.0.0)", True),
        ("1.0.0", "(,1.0.0)", False),
        ("1.0.0", "[,]", True),
        ("nonsense", "*", False),
    ],
)
def test_versions_lie_within_ranges_as_the_client_sees_it(version: str, range: str, inside: bool) -> None:
    assert satisfies(version, range) is inside


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "[",
        "(",
        "[]",
        "[1.0.0]",
        "[1.0.0",
        "1.0.0]",
        "[1.0.0, 2.0.0)",
        "[a,b]",
        "^1.0.0",
        "1.*",
        "[1.0.0,2.0.0,3.0.0]",
        "[1.0,2.0]",
        "*" * 1025,
        "[,1.0.0" + " " * 2000,
    ],
)
def test_what_is_no_range_is_satisfied_by_nothing(text: str) -> None:
    assert parse_range(text) is None
    assert not satisfies("1.0.0", text)


@given(st.text(max_size=20))
def test_classifying_and_asking_never_fail(text: str) -> None:
    assert classify(text).kind in (SpecKind.RANGE, SpecKind.UNRESOLVABLE)
    assert satisfies("1.0.0", text) in (True, False)
    assert satisfies(text, "*") in (True, False)


@pytest.mark.parametrize(
    ("candidates", "range", "chosen"),
    [
        (["1.0.0", "1.10.0", "1.9.0"], "*", "1.10.0"),
        (["1.0.0", "2.0.0-rc"], "*", "1.0.0"),
        (["2.0.0-rc", "2.0.0-beta"], "*", "2.0.0-rc"),
        (["1.0.0+a", "1.0.0"], "*", "1.0.0"),
        (["1.0.0", "nonsense"], "*", "1.0.0"),
        (["1.0.0"], "[2.0.0,]", None),
        ([], "*", None),
    ],
)
def test_the_highest_release_is_chosen_else_the_highest(candidates: list[str], range: str, chosen: str | None) -> None:
    assert choose(candidates, range) == choose(candidates[::-1], range) == chosen


@pytest.mark.parametrize(
    ("text", "name", "range"),
    [
        ("left", "left", "*"),
        ("tools/left", "tools/left", "*"),
        ("a/b/left", "a/b/left", "*"),
        ("left:*", "left", "*"),
        ("left:1.0.0", "left", "1.0.0"),
        ("tools/left:[1.0.0,2.0.0)", "tools/left", "[1.0.0,2.0.0)"),
        ("tools:left", "tools/left", "*"),
        ("a/b:left:[3.0.0,]", "a/b/left", "[3.0.0,]"),
        ("tools:left:*", "tools/left", "*"),
        ("x:1.0.0", "x", "1.0.0"),
        ("left:1.0.0:0123456789abcdef", "left", "1.0.0"),
        ("tools:left:1.0.0:0123456789abcdef", "tools/left", "1.0.0"),
    ],
)
def test_dependencies_are_split_as_the_client_splits_them(text: str, name: str, range: str) -> None:
    assert parse_dependency(text) == (name, range)


@pytest.mark.parametrize("text", ["", ":", ":a", "a:", "a:b:", "a:b:[1.0.0", "a:b:c:d:e", "a:b:nonsense", "a" * 2000])
def test_dependencies_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(InvalidPackage):
        parse_dependency(text)
