"""Versions and ranges against NuGet.Versioning, the library inside NuGet's own clients: thousands of made cases."""

from __future__ import annotations

from random import Random

import pytest

from app.plugin import InvalidPackage
from plugins.nuget.ranges import choose, classify, parse_range, satisfies
from plugins.nuget.tables import CHOICES, ORDER, RANGES
from plugins.nuget.versions import parse_version
from tests.nuget.versioning import ask

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
CASES = 6_000
NEWER_THAN_5_4 = ("*-*", "1.*-*")
"""Floating forms that the library reads from NuGet 5.6 on."""
NOT_READ_ANY_MORE = ("(1.0)", "[2.0,1.0]", "(1.0,1.0]")
"""Ranges in which nothing can lie; NuGet 5.4 reads them, NuGet of today does not."""


@pytest.fixture
def dice() -> Random:
    """Give the same cases each time."""
    return Random(20261123)


def a_number(dice: Random) -> str:
    plain = str(dice.choice([0, 0, 1, 1, 2, 3, 9, 10, 11, 100, 2147483647]))
    return dice.choice(
        [plain, plain, plain, plain, "0" + plain, "00", "2147483648", "-1", "", "a", " 1"][
            : dice.choice([4, 4, 4, 6, 11])
        ]
    )


def a_label(dice: Random) -> str:
    usual = ["0", "1", "2", "10", "a", "A", "alpha", "beta", "Beta", "rc", "rc1", "x-y", "-", "--", "-1", "-5", "1a"]
    odd = [
        "01",
        "007",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "9999999999",
        "-0",
        "a_b",
        "",
        "\u00e4",
    ]
    return dice.choice(usual if dice.random() < 0.85 else odd)


def a_version(dice: Random) -> str:
    text = ".".join(
        a_number(dice) for _ in range(dice.choice([1, 2, 3, 3, 3, 3, 4, 4, 5 if dice.random() < 0.3 else 3]))
    )
    if dice.random() < 0.5:
        text += "-" + ".".join(a_label(dice) for _ in range(dice.choice([1, 1, 2, 3])))
    if dice.random() < 0.15:
        text += "+" + ".".join(a_label(dice) for _ in range(dice.choice([1, 2])))
    return dice.choice(["", "", "", "", "", " "]) + text


def a_good_version(dice: Random) -> str:
    while True:
        text = a_version(dice).strip()
        try:
            parse_version(text)
        except InvalidPackage:
            continue
        return text


def a_small_version(dice: Random) -> str:
    text = ".".join(str(dice.randint(0, 2)) for _ in range(dice.choice([1, 2, 3, 3, 4])))
    return text + dice.choice(["", "", "-a", "-b", "-a.1", "-A.2", "-rc", "-0", "-1", "+m"])


def a_range(dice: Random) -> str:
    low, high = a_small_version(dice), a_small_version(dice)
    star = dice.choice(
        ["*", "0.*", "1.*", "1.0.*", "1.2.*", "1.1.1.*", "1.0.0-*", "1.0.0-a*", "1.0.0-a.*", "1.1.0-r*", "2.0-*"]
    )
    if dice.random() < 0.08:
        return dice.choice(
            [
                "",
                "[",
                "]",
                "[]",
                "()",
                "(,)",
                "[,]",
                "[1",
                "1]",
                "(1.0)",
                "[1.0)",
                "(1.0]",
                "[1,2,3]",
                "a",
                "[a,b]",
                "1.*.0",
                "**",
                "[*",
                "[ ]",
                "( , )",
                "[1.0-,2.0]",
                "[1.0,*]",
                "^1.0",
                "(*,)",
                "[,1.*]",
            ]
        )
    if dice.random() < 0.25:
        return dice.choice([star, star, f"[{star},{high})", f"({star},)", f"[{star}]"])
    blank = dice.choice(["", "", " "])
    inside = dice.choice([f"{low},{blank}{high}", f"{low}{blank},", f",{high}", low])
    return dice.choice([low, f"[{inside}]", f"[{inside})", f"({inside}]", f"({inside})"])


def ours(text: str) -> str:
    try:
        version = parse_version(text)
    except InvalidPackage:
        return "invalid"
    return f"{version.normalized} {version.full} {bool(version.labels)} {version.is_semver2}"


def differences(questions: list[tuple[str, ...]], mine: list[str]) -> list[tuple[str, ...]]:
    theirs = ask(questions)
    return [(*q, f"ours: {a}", f"theirs: {b}") for q, a, b in zip(questions, mine, theirs, strict=True) if a != b]


def test_versions_are_read_and_written_alike(dice: Random) -> None:
    texts = [a_version(dice) for _ in range(CASES)]
    assert differences([("version", text) for text in texts], [ours(text) for text in texts]) == []


def test_keys_are_in_the_library_s_order(dice: Random) -> None:
    pairs = [(a_good_version(dice), a_good_version(dice)) for _ in range(CASES)]
    pairs += [(a_small_version(dice), a_small_version(dice)) for _ in range(CASES)]
    pairs += [(one, other) for one in ORDER for other in ORDER]
    keys = [(parse_version(one).key, parse_version(other).key) for one, other in pairs]
    mine = [str((one > other) - (one < other)) for one, other in keys]
    assert differences([("compare", *pair) for pair in pairs], mine) == []


def test_ranges_are_read_and_written_alike(dice: Random) -> None:
    texts = sorted({text for text in (a_range(dice) for _ in range(CASES)) if len(text) > 1})
    mine = [str(parse_range(text)) if classify(text).range else "invalid" for text in texts]
    found = differences([("range", text) for text in texts], mine)
    assert [each for each in found if not _holds_nothing(each)] == []


def _holds_nothing(difference: tuple[str, ...]) -> bool:
    """Tell whether a range that only NuGet 5.4 reads is one in which nothing can lie."""
    _, _, mine, theirs = difference
    low, _, high = theirs.removeprefix("theirs: ").replace("*", "0").strip("[]()").partition(", ")
    return mine == "ours: invalid" and bool(low and high) and parse_version(low).key >= parse_version(high).key


def test_versions_satisfy_ranges_alike(dice: Random) -> None:
    cases = [(text, a_small_version(dice)) for _ in range(CASES) if _readable(text := a_range(dice))]
    other = (*NEWER_THAN_5_4, *NOT_READ_ANY_MORE)
    cases += [(range, version) for version, range, _ in RANGES if len(range) > 1 and range not in other]
    mine = [str(satisfies(version, range)) if classify(range).range else "invalid" for range, version in cases]
    assert differences([("satisfies", *case) for case in cases], mine) == []


def _readable(text: str) -> bool:
    """Tell whether both read a range: a single digit is a range for us, and not for NuGet 5.4."""
    return len(text) > 1 and bool(classify(text).range)


def test_the_same_version_is_chosen(dice: Random) -> None:
    cases = [
        (text, [a_small_version(dice) for _ in range(dice.randint(1, 8))])
        for _ in range(CASES)
        if _readable(text := a_range(dice))
    ]
    cases += [(range, list(given)) for given, range, _ in CHOICES if range and range not in NEWER_THAN_5_4]
    # Of several spellings of one version either will do.
    cases = [(range, list({parse_version(each).key: each for each in given}.values())) for range, given in cases]
    mine = [parse_version(chosen).full if (chosen := choose(given, range)) else "none" for range, given in cases]
    assert differences([("best", range, *given) for range, given in cases], mine) == []
