"""Versions and requirements of gems: tables, properties, and the same answers as real Ruby gives."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin import InvalidPackage
from plugins.rubygems import versions
from plugins.rubygems.kit import ORDER
from plugins.rubygems.versions import canonical, choose, is_prerelease, normalize, satisfies, version_key
from tests.clients.ruby import RubyHome

SATISFIED = """
1.0 = 1.0|1.0 = 1|1 1.0.0|1.0.1 != 1.0|1.1 > 1.0|1.0.0.1 > 1.0|0.9 < 1.0|1.0.a < 1.0|1.0 >= 1.0|1.1.a >= 1.0
1.0 <= 1.0|1.0.pre <= 1.0|1.0 ~> 1.0|1.9 ~> 1.0|1.0.9 ~> 1.0.0|1.0.9.1 ~> 1.0.0|2.9 ~> 2|2.0.9 ~> 2.0.3|1.4.4 ~> 1.4.4
2.0.a ~> 2.0.a|2.1 ~> 2.0.a|2.9 ~> 2.0.a|1.5 >= 1, < 2|1.5 ~> 1.0, != 1.6|3.0 >= 0|0 >= 0|0.a >= 0.a
1.0.0.rc1 > 1.0.0.beta9
1.10 > 1.9|1.0-x < 1.0|1.a1 = 1.a.1|5 > 4.9.9.9|1.b > 1.a|1.a > 1.A|2.a < 2|10.0 ~> 10.0|1 >= 1.a|1.2.3.4 ~> 1.2.3.0
"""
UNSATISFIED = """
1.0.1 = 1.0|1.0 != 1.0.0|1.0 > 1.0|1.0.a > 1.0|1.0 < 1.0|0.9 >= 1.0|1.0.0.1 <= 1.0|2.0 ~> 1.0|0.9 ~> 1.0|1.1 ~> 1.0.0
3 ~> 2|2.0.2 ~> 2.0.3|2.1 ~> 2.0.3|3.0 ~> 2.0.a|2.0 >= 1, < 2|1.6 ~> 1.0, != 1.6|1.4.3 ~> 1.4.4|1.5.0 ~> 1.4.4
1.9 > 1.10
1.0 => 1.0|1.0 ^1.0|1.0 ~1.0|1.0 latest|1.0 >= 1.0,|1.0 >= a|2.0.0.rc1 ~> 1.0, >= 3|1.0 1.x.|x >= 0
"""


def cases(table: str) -> list[tuple[str, str]]:
    """Give pairs of a version and a requirement."""
    return [tuple(case.split(" ", 1)) for line in table.strip().splitlines() for case in line.split("|")]  # type: ignore[misc]


@pytest.mark.parametrize(("version", "requirement"), cases(SATISFIED))
def test_a_version_satisfies(version: str, requirement: str) -> None:
    assert satisfies(version, requirement)


@pytest.mark.parametrize(("version", "requirement"), cases(UNSATISFIED))
def test_a_version_does_not_satisfy(version: str, requirement: str) -> None:
    assert not satisfies(version, requirement)


def test_there_are_enough_cases() -> None:
    assert len(cases(SATISFIED)) + len(cases(UNSATISFIED)) >= 60


@pytest.mark.parametrize(
    ("candidates", "requirement", "chosen"),
    [
        ("1.0 1.1 2.0.pre", ">= 0", "1.1"),
        ("1.0 1.1 2.0.pre", ">= 2.0.a", "2.0.pre"),
        ("1.0.a", ">= 0", None),
        ("1.9 1.10", "~> 1.0", "1.10"),
        ("1.0", "nonsense", None),
    ],
)
def test_the_highest_is_chosen(candidates: str, requirement: str, chosen: str | None) -> None:
    assert choose(candidates.split(), requirement) == chosen


@pytest.mark.parametrize(("version", "text"), [("1.0.0", "1"), ("0", "0"), ("0.a", "0.a"), ("1.0-x", "1.pre.x")])
def test_the_normal_form(version: str, text: str) -> None:
    assert normalize(version) == text


def test_prereleases_have_a_letter() -> None:
    assert is_prerelease("1.0.a")
    assert is_prerelease("1.0-1")
    assert not is_prerelease("1.0.1")


def test_an_endless_version_is_refused() -> None:
    with pytest.raises(InvalidPackage, match="too many parts"):
        version_key("1" + ".a1" * 80)


texts = st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3}|\.[a-zA-Z]{1,3}[0-9]{0,2}){0,5}", fullmatch=True)


def compare(one: str, other: str) -> int:
    """Compare two versions run by run, as Ruby does."""
    left, right = canonical(one), canonical(other)
    for a, b in zip(left, right, strict=False):
        if a != b:
            if isinstance(a, str) != isinstance(b, str):
                return -1 if isinstance(a, str) else 1
            return -1 if a < b else 1  # type: ignore[operator]
    longer, sign = (left, 1) if len(left) > len(right) else (right, -1)
    for run in longer[min(len(left), len(right)) :]:
        if isinstance(run, str):
            return -sign
        if run:
            return sign
    return 0


@given(texts, texts)
def test_keys_sort_as_versions_do(one: str, other: str) -> None:
    left, right = version_key(one), version_key(other)
    assert (left > right) - (left < right) == compare(one, other)


def test_the_chain_ascends() -> None:
    assert len(ORDER) >= 15
    assert all(version_key(low) < version_key(high) for low, high in pairwise(ORDER))


@pytest.mark.clients
def test_order_and_requirements_are_those_of_ruby(tmp_path: Path) -> None:
    rng = random.Random(5)

    def version() -> str:
        parts = [rng.choice(["0", "1", "2", "10", "a", "b1", "rc", "pre", "A"]) for _ in range(rng.randrange(5))]
        return ".".join([rng.choice("0012"), *parts]) + rng.choice(["", "", "", "-x", "-1"])

    pairs = [(version(), version()) for _ in range(4000)]
    operators = ["=", "!=", ">", "<", ">=", "<=", "~>"]
    asked = [
        (version(), ", ".join(f"{rng.choice(operators)} {version()}" for _ in range(rng.choice([1, 1, 2]))))
        for _ in range(4000)
    ]
    (tmp_path / "asked.json").write_text(json.dumps({"pairs": pairs, "asked": asked}))
    script = (
        "require 'json'; d = JSON.parse(File.read('asked.json')); v = Gem::Version; "
        "puts JSON.dump({pairs: d['pairs'].map { |a, b| v.new(a) <=> v.new(b) }, "
        "asked: d['asked'].map { |a, r| Gem::Requirement.new(r.split(', ')).satisfied_by?(v.new(a)) }, "
        "pre: d['asked'].map { |a, _| v.new(a).prerelease? }})"
    )
    real = json.loads(RubyHome(tmp_path / "home").run("ruby", "-e", script, cwd=tmp_path))
    ours = [(version_key(a) > version_key(b)) - (version_key(a) < version_key(b)) for a, b in pairs]
    assert [pair for pair, x, y in zip(pairs, ours, real["pairs"], strict=True) if x != y] == []
    assert [a for a, y in zip(asked, real["asked"], strict=True) if satisfies(*a) != y] == []
    assert [a for (a, _), y in zip(asked, real["pre"], strict=True) if is_prerelease(a) != y] == []


def test_a_requirement_of_endless_length_is_refused_before_it_is_read() -> None:
    assert not satisfies("1.0", ">= 1," * 10_000)
    assert versions.classify(">= 1," * 10_000).reason
