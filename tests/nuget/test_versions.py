"""NuGet's versions, ranges and ids: tables, and rules that hold for all of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin import InvalidPackage, SpecKind
from plugins.nuget.names import check_id, file_name, id_key
from plugins.nuget.ranges import choose, classify, parse_range, satisfies
from plugins.nuget.tables import CHOICES, ORDER, RANGES
from plugins.nuget.versions import NuGetVersion, in_address, is_prerelease, normalize, parse_version, version_key

LABELS = st.from_regex(r"[0-9A-Za-z-]{1,12}", fullmatch=True).filter(
    lambda text: not (len(text) > 1 and text[0] == "0" and text.isdigit())
)
NUMBERS = st.one_of(st.integers(0, 3), st.integers(0, 2**31 - 1))
VERSIONS = st.builds(
    NuGetVersion,
    st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.lists(LABELS, max_size=3).map(tuple),
    st.sampled_from(["", "build.5"]),
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("1", "1.0.0"),
        ("1.0", "1.0.0"),
        ("1.01", "1.1.0"),
        ("1.0.0.0", "1.0.0"),
        ("1.0.0.5+x", "1.0.0.5"),
        ("01.02.03.04", "1.2.3.4"),
        ("1.0.0-RC.1+meta", "1.0.0-RC.1"),
        ("  1.2.3  ", "1.2.3"),
        ("1. 2 .3", "1.2.3"),
        ("2147483647.0.0", "2147483647.0.0"),
        ("1.0.0-0", "1.0.0-0"),
        ("1.0.0--", "1.0.0--"),
        ("1.0.0-a-b.c", "1.0.0-a-b.c"),
    ],
)
def test_a_version_has_a_normal_text(text: str, normal: str) -> None:
    assert normalize(text) == normal
    assert in_address(text) == normal.lower()


NO_VERSIONS = (
    "", " ", "v1", "1.", ".1", "1..2", "1.2.3.4.5", "-1", "1.0-", "1.0+", "1.0-a..b", "1.0-.a", "1.0-01", "1.0-a_b",
    "1.0+a..b", "2147483648", "1.0.0-\u00e4", "\uff11.0", "1,0", "1.0-a b", "1" * 300, "1.0-" + "a" * 300,
)  # fmt: skip


@pytest.mark.parametrize("text", NO_VERSIONS)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidPackage, match="no NuGet version"):
        parse_version(text)


def test_the_chain_ascends() -> None:
    for older, newer in pairwise(ORDER):
        assert version_key(older) < version_key(newer), f"{older} is below {newer}"


def compared(one: NuGetVersion, other: NuGetVersion) -> int:
    """Compare as NuGet.Versioning does, step by step."""
    if one.numbers != other.numbers:
        return -1 if one.numbers < other.numbers else 1
    if not one.labels or not other.labels:
        return bool(other.labels) - bool(one.labels)
    for mine, theirs in zip(one.labels, other.labels, strict=False):
        found = compared_labels(mine, theirs)
        if found:
            return found
    return (len(one.labels) > len(other.labels)) - (len(one.labels) < len(other.labels))


def compared_labels(one: str, other: str) -> int:
    numbers = [as_number(one), as_number(other)]
    if None not in numbers:
        return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])  # type: ignore[operator]
    if numbers != [None, None]:
        return -1 if numbers[0] is not None else 1
    return (one.upper() > other.upper()) - (one.upper() < other.upper())


def as_number(label: str) -> int | None:
    try:
        value = int(label) if label.lstrip("-") != "" and label.count("-") <= 1 else None
    except ValueError:
        return None
    return value if value is not None and -(2**31) <= value < 2**31 else None


@given(VERSIONS, VERSIONS)
def test_the_order_of_keys_is_the_order_of_versions(one: NuGetVersion, other: NuGetVersion) -> None:
    assert (one.key > other.key) - (one.key < other.key) == compared(one, other)


@given(VERSIONS)
def test_the_normal_text_is_the_same_version(version: NuGetVersion) -> None:
    again = parse_version(version.normalized)
    assert (again.key, again.normalized) == (version.key, version.normalized)
    assert parse_version(version.full) == version
    assert is_prerelease(version.full) == bool(version.labels)


@pytest.mark.parametrize(
    ("text", "semver2"), [("1.0.0-rc", False), ("1.0.0-rc.1", True), ("1.0.0+x", True), ("1.0.0.1-a-b", False)]
)
def test_dotted_labels_and_build_metadata_are_semver2(text: str, semver2: bool) -> None:
    assert parse_version(text).is_semver2 is semver2


# Ranges -------------------------------------------------------------------------------------------------


def test_the_table_of_ranges_is_long_enough() -> None:
    assert len(RANGES) >= 60


@pytest.mark.parametrize(("version", "range", "satisfied"), RANGES)
def test_a_version_lies_in_a_range_or_not(version: str, range: str, satisfied: bool) -> None:
    assert satisfies(version, range) is satisfied


@pytest.mark.parametrize(("candidates", "range", "chosen"), CHOICES)
def test_a_restore_s_choice_is_made(candidates: tuple[str, ...], range: str, chosen: str | None) -> None:
    assert choose(candidates, range) == chosen
    assert chosen is None or satisfies(chosen, range)


@pytest.mark.parametrize(
    ("range", "normal"),
    [
        ("1.0", "[1.0.0, )"),
        ("", "(, )"),
        ("[1]", "[1.0.0, 1.0.0]"),
        ("[1.0,2.0)", "[1.0.0, 2.0.0)"),
        ("(,1.0]", "(, 1.0.0]"),
        ("[1.0,]", "[1.0.0, )"),
        ("1.*", "[1.*, )"),
        ("[1.*, 2)", "[1.*, 2.0.0)"),
        ("1.0-rc.*", "[1.0.0-rc.*, )"),
        ("*", "[*, )"),
        ("*-*", "[*-*, )"),
        ("1.0.0+x", "[1.0.0, )"),
    ],
)
def test_a_range_has_a_normal_form_that_means_the_same(range: str, normal: str) -> None:
    assert str(parse_range(range)) == normal
    for version in ORDER:
        if range not in ("*", "*-*"):
            assert satisfies(version, normal) == satisfies(version, range)


@pytest.mark.parametrize(
    ("range", "semver2"), [("1.0", False), ("[1.0-rc.1,2)", True), ("(,2.0-a.b]", True), ("1.0-rc", False), ("", False)]
)
def test_a_bound_makes_a_range_semver2(range: str, semver2: bool) -> None:
    assert parse_range(range).is_semver2 is semver2


@pytest.mark.parametrize("text", ["^1.0", "latest", "(1.0)", "[1.0", "1.*.*", "x" * 2000, "[" * 5000, "git+ssh://x"])
def test_what_is_no_range_says_so(text: str) -> None:
    found = classify(text)
    assert found.kind is SpecKind.UNRESOLVABLE
    assert "no NuGet version range" in found.reason


@given(VERSIONS, VERSIONS)
def test_a_choice_satisfies_and_nothing_that_could_be_chosen_is_passed_over(
    one: NuGetVersion, other: NuGetVersion
) -> None:
    range = f"[{one.normalized},)"
    chosen = choose([one.full, other.full], range)
    assert chosen is not None
    assert satisfies(chosen, range)
    assert parse_version(chosen).key == one.key


# Ids ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["A", "a.b", "a-b", "A_b.C-d", "_", "1", "a" * 100, "x.1.0"])
def test_what_is_an_id(id: str) -> None:
    assert check_id(id) == id
    assert id_key(id) == id.lower()


@pytest.mark.parametrize(
    "id", ["", "a.", ".a", "a..b", "a--b", "a b", "a/b", "\u0430", "a" * 101, "a\n", "a+b", "../x"]
)
def test_what_is_no_id(id: str) -> None:
    with pytest.raises(InvalidPackage, match="no NuGet package id"):
        check_id(id)


def test_file_names_carry_the_normal_version() -> None:
    assert file_name("Foo.Bar", "1.0+x") == "Foo.Bar.1.0.0.nupkg"
