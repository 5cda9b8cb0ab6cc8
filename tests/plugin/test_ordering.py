"""Sortable keys: the order of their bytes is the order of versions, in every format that is built from these blocks."""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidPackage
from app.plugin.ordering import (
    END,
    SemVer,
    complement,
    number,
    numeric_label,
    parse_semver,
    semver_is_prerelease,
    semver_key,
    semver_normalize,
    signed,
    text_label,
)

CHAIN = (
    "0.0.0-0 0.0.0-alpha 0.0.0 0.0.1-- 0.0.1 0.0.9 0.0.10 0.1.0 1.0.0--1 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta "
    "1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.2.0 1.10.0-9.9 1.10.0-9.10 1.10.0-9.10.0 1.10.0-A "
    "1.10.0-Z 1.10.0-a 1.10.0-a-b 1.10.0-a0 1.10.0-aa 1.10.0 2.0.0 10.0.0 18446744073709551616.0.0"
)
NO_VERSIONS = (
    "",
    " ",
    "1",
    "1.0",
    "1.0.0.0",
    "v1.0.0",
    "=1.0.0",
    " 1.0.0",
    "1.0.0\n",
    "01.0.0",
    "1.00.0",
    "1.0.0-",
    "1.0.0-01",
    "1.0.0-a..b",
    "1.0.0-a.",
    "1.0.0+",
    "1.0.0+a..b",
    "1.0.0+a+b",
    "1.0.0-\u00e4",
    "\u0661.0.0",
    "1.0.0-a_b",
    "-1.0.0",
    "1.0.0-" + "a" * 251,
    "9" * 100 + ".0.0",
    "1.0.0-" + "9" * 100,
    "1." * 100_000,
)

numbers = st.integers(0, 10**99 - 1) | st.integers(0, 200)
identifiers = numbers.filter(lambda n: n < 10**20).map(str) | st.from_regex(
    re.compile(r"[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,3}"), fullmatch=True
)
versions = st.builds(
    SemVer,
    st.tuples(*[numbers.filter(lambda n: n < 10**20)] * 3),
    st.lists(identifiers, max_size=4).map(tuple),
    st.sampled_from(("", "a", "001", "x.y")),
)


def precedence(one: SemVer, other: SemVer) -> int:
    """Compare by SemVer 2.0.0 section 11, word by word, without any key."""
    if one.core != other.core:
        return -1 if one.core < other.core else 1
    if not one.labels or not other.labels:
        return bool(other.labels) - bool(one.labels)
    for left, right in zip(one.labels, other.labels, strict=False):
        if left == right:
            continue
        if left.isdigit() and right.isdigit():
            return -1 if int(left) < int(right) else 1
        if left.isdigit() or right.isdigit():
            return -1 if left.isdigit() else 1
        return -1 if left < right else 1
    return (len(one.labels) > len(other.labels)) - (len(one.labels) < len(other.labels))


def sign(left: str, right: str) -> int:
    return (left.encode() > right.encode()) - (left.encode() < right.encode())


def test_the_chain_is_long_and_its_keys_ascend() -> None:
    assert len(CHAIN.split()) >= 15
    for older, newer in pairwise(CHAIN.split()):
        assert semver_key(older).encode() < semver_key(newer).encode(), f"{older} is below {newer}"


@given(versions, versions)
def test_the_order_of_keys_is_the_precedence_of_semver(one: SemVer, other: SemVer) -> None:
    assert sign(semver_key(str(one)), semver_key(str(other))) == precedence(one, other)


@given(st.lists(versions, max_size=8))
def test_sorting_by_key_is_sorting_by_precedence(some: list[SemVer]) -> None:
    by_key = sorted(some, key=lambda version: semver_key(str(version)))
    expected = sorted(some, key=cmp_to_key(precedence))
    assert [precedence(*pair) for pair in zip(by_key, expected, strict=True)] == [0] * len(some)


@given(versions)
def test_a_version_comes_out_of_its_text_again(version: SemVer) -> None:
    assert parse_semver(str(version)) == version
    assert semver_is_prerelease(str(version)) == bool(version.labels)


@given(versions)
def test_build_metadata_is_no_part_of_the_key(version: SemVer) -> None:
    text = str(version)
    assert semver_key(semver_normalize(text)) == semver_key(text)
    assert "+" not in semver_normalize(text)


@given(versions)
def test_keys_are_short_printable_ascii(version: SemVer) -> None:
    assert re.fullmatch(r"[!-~]{1,1000}", semver_key(str(version)))


def test_the_longest_version_has_a_key_within_the_limit() -> None:
    assert len(semver_key("0.0.0-" + ".".join("0" * 125))) <= 1000


@pytest.mark.parametrize("text", NO_VERSIONS)
def test_what_is_no_version_is_refused(text: str) -> None:
    for read in (parse_semver, semver_key, semver_normalize, semver_is_prerelease):
        with pytest.raises(InvalidPackage) as refusal:
            read(text)
        assert len(refusal.value.message) < 300


@given(st.text(max_size=30) | st.from_regex(r"[0-9.+a-]{1,12}"))
def test_any_text_is_a_version_or_is_refused(text: str) -> None:
    try:
        assert str(parse_semver(text)) == text
    except InvalidPackage:
        return


@given(numbers, numbers)
def test_numbers_sort_by_value(one: int, other: int) -> None:
    assert sign(number(one), number(other)) == (one > other) - (one < other)
    assert sign(complement(number(one)), complement(number(other))) == (one < other) - (one > other)


@given(numbers, numbers, st.booleans(), st.booleans())
def test_signed_numbers_sort_by_value(one: int, other: int, minus_one: bool, minus_other: bool) -> None:
    left, right = (-one if minus_one else one), (-other if minus_other else other)
    assert sign(signed(left), signed(right)) == (left > right) - (left < right)


@pytest.mark.parametrize("value", [-1, 10**99])
def test_numbers_that_no_key_holds_are_refused(value: int) -> None:
    with pytest.raises(InvalidPackage):
        number(value)


@pytest.mark.parametrize("text", ["a b", "a!", "\u00e4", "a\0", "\x7f"])
def test_labels_that_would_break_the_order_are_refused(text: str) -> None:
    with pytest.raises(InvalidPackage):
        text_label(text)


@given(st.lists(identifiers, max_size=3), st.lists(identifiers, max_size=3))
def test_equal_keys_are_equal_labels(one: list[str], other: list[str]) -> None:
    def key(labels: list[str]) -> str:
        return "".join(numeric_label(int(x)) if x.isdigit() else text_label(x) for x in labels) + END

    assert (key(one) == key(other)) == (one == other)


# The blocks serve formats that are no SemVer: their keys are a few lines each -------------------------------


def four_numbers(text: str) -> str:
    """Key one to four numbers and labels without case, signed 32-bit numbers among them (as NuGet)."""
    core, _, labels = text.partition("-")
    parts = [*map(int, core.split(".")), 0, 0, 0][:4]
    key = "".join(map(number, parts))
    if not labels:
        return key + END
    return key + "".join(
        numeric_label(int(x), negative=True)
        if re.fullmatch(r"-?\d+", x) and -(2**31) <= int(x) < 2**31
        else text_label(x.upper())
        for x in labels.split(".")
    )


def runs(text: str) -> str:
    """Key runs of digits and letters, where zeros at an end do not count and words are older (as RubyGems)."""
    segments = re.findall(r"[0-9]+|[a-z]+", text)
    words = next((at for at, x in enumerate(segments) if x.isalpha()), len(segments))
    release, rest = segments[:words], segments[words:]
    for part in (release, rest):
        while part and part[-1].isdigit() and int(part[-1]) == 0:
            part.pop()
    key, zeros = "", 0
    for segment in release + rest:
        if segment.isdigit() and int(segment) == 0:
            zeros += 1
            continue
        key += (
            f"A{number(zeros)}{segment}!"
            if segment.isalpha()
            else f"C{complement(number(zeros))}{number(int(segment))}"
        )
        zeros = 0
    return key + "B"


FOUR_NUMBERS_CHAIN = (
    "0.1 1.0--2147483648 1.0--5 1.0-0 1.0-2 1.0-10 1.0-2147483647 1.0-2147483648 1.0-a 1.0-A.1 1.0-a.b "
    "1.0-a-b 1.0-rc 1.0 1.0.0.1 1.0.1 1.2 1.10 2.0"
)
RUNS_CHAIN = (
    "0.a 0 0.0.0.1 0.1.a 0.1.a.1 0.1.b 0.1 0.9 0.10 1.a.b 1.a 1.a.0.1 1.a.1 1.0.a.2 1.b 1 1.0.0.1 1.0.1.a 1.0.1 1.1 2"
)


@pytest.mark.parametrize(("key", "chain"), [(four_numbers, FOUR_NUMBERS_CHAIN), (runs, RUNS_CHAIN)])
def test_the_blocks_order_other_formats_too(key: object, chain: str) -> None:
    assert callable(key)
    keys = [key(text) for text in chain.split()]
    assert len(keys) >= 15
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_spellings_of_one_version_have_one_key() -> None:
    assert four_numbers("1") == four_numbers("1.0.0.0")
    assert four_numbers("1.0-Beta") == four_numbers("1.0.0-bETA")
    assert runs("1") == runs("1.0.0")
    assert runs("1.a") == runs("1.0.a") == runs("1.a.0")
