"""npm's versions, ranges and specs; compared with the semver that npm itself brings, over thousands of cases."""

from __future__ import annotations

import random
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin import InvalidPackage, SpecKind
from plugins.npm.versions import choose, classify, is_prerelease, is_range, normalize, satisfies, version_key
from tests.npm.node import ask_node

CHAIN = (
    "0.0.0-0 0.0.0-alpha 0.0.0 0.0.1 0.9.0 0.10.0 1.0.0--- 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta "
    "1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.2.0 1.10.0-2 1.10.0-10 1.10.0-A 1.10.0-a 1.10.0 2.0.0 10.0.0 "
    "9007199254740991.0.0"
)
ASK_NODE = """
const [modules] = process.argv.slice(1);
const semver = require(modules + '/semver');
const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const loose = { loose: true };
console.log(JSON.stringify({
  order: cases.order.map(([a, b]) => semver.compare(a, b)),
  satisfied: cases.ranges.map(([v, r]) => semver.satisfies(v, r, loose)),
  ranges: cases.ranges.map(([, r]) => semver.validRange(r, loose) !== null),
  versions: cases.texts.map((t) => semver.parse(t) !== null && semver.parse(t).raw === t),
  best: cases.choices.map(([vs, r]) => semver.maxSatisfying(vs, r, loose)),
}));
"""
BEST_OF = ("1.0.0", "1.2.3", "1.2.4-rc.1", "1.10.0", "2.0.0-alpha", "2.0.0", "0.2.3", "0.2.9", "0.0.3", "0.3.0-beta.2")


# Against the real one ---------------------------------------------------------------------------------


class Dice:
    """Make versions, ranges and near misses; the same ones for one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, *things: Any) -> Any:
        return self.random.choice(things)

    def number(self) -> str:
        return str(self.pick(0, 0, 0, 1, 1, 2, 3, 9, 10, 11, 20230101))

    def label(self) -> str:
        return str(
            self.pick(
                "0", "1", "2", "10", "a", "A", "b", "alpha", "beta", "rc", "x", "-", "0a", "a-b", "20230101120000"
            )
        )

    def version(self) -> str:
        text = ".".join(self.number() for _ in range(3))
        if self.random.random() < 0.4:
            text += "-" + ".".join(self.label() for _ in range(self.random.randint(1, 3)))
        return text + self.pick("", "", "", "", "+build.1", "+001")

    def partial(self) -> str:
        kind = self.random.randrange(6)
        if kind == 0:
            return str(self.pick("*", "x", "X", ""))
        if kind == 1:
            return self.number()
        if kind == 2:
            return f"{self.number()}.{self.pick('x', '*', self.number())}"
        if kind == 3:
            return f"{self.number()}.{self.number()}.{self.pick('x', 'X', '*')}"
        return str(self.pick("", "", "", "v", "=")) + self.version()

    def comparator(self) -> str:
        return (
            str(self.pick("", "", "^", "^", "~", "~", ">", ">=", "<", "<=", "=", "~>"))
            + self.pick("", "", "", " ")
            + self.partial()
        )

    def range(self) -> str:
        def one() -> str:
            if self.random.random() < 0.15:
                return f"{self.partial()} - {self.partial()}"
            return str(self.pick(" ", " ", "  ")).join(self.comparator() for _ in range(self.random.randint(1, 3)))

        return str(self.pick("||", " || ", " ||")).join(one() for _ in range(self.pick(1, 1, 1, 2, 3)))

    def text(self) -> str:
        """Give a version with, mostly, one wrong character."""
        text = list(self.version())
        for _ in range(self.random.randint(0, 2)):
            at = self.random.randrange(len(text) + 1)
            text[at : at + self.random.randint(0, 1)] = self.pick("", "0", "a", ".", "-", "+", " ", "_", "x", "v")
        return "".join(text)


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Any]]:
    dice = Dice(20261123)
    return {
        "order": [(dice.version(), dice.version()) for _ in range(4000)],
        "ranges": [(dice.version(), dice.range()) for _ in range(8000)],
        "texts": [dice.text() for _ in range(4000)],
        "choices": [(BEST_OF, dice.range()) for _ in range(2000)],
    }


@pytest.fixture(scope="module")
def node(cases: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Give the answers of the semver inside npm's own installation, all from one process."""
    answers: dict[str, list[Any]] = ask_node(ASK_NODE, cases)
    return answers


def test_the_order_is_node_s(cases: dict[str, list[Any]], node: dict[str, list[Any]]) -> None:
    for (one, other), expected in zip(cases["order"], node["order"], strict=True):
        left, right = version_key(one), version_key(other)
        assert (left > right) - (left < right) == expected, f"{one} and {other}"


def test_versions_satisfy_ranges_as_node_says(cases: dict[str, list[Any]], node: dict[str, list[Any]]) -> None:
    wrong = [
        (version, range, expected)
        for (version, range), expected in zip(cases["ranges"], node["satisfied"], strict=True)
        if satisfies(version, range) is not expected
    ]
    assert sum(node["satisfied"]) > 800, "the cases prove little"
    assert not wrong, f"{len(wrong)} differ"


def test_ranges_are_ranges_where_node_says_so(cases: dict[str, list[Any]], node: dict[str, list[Any]]) -> None:
    wrong = [
        (range, expected)
        for (_, range), expected in zip(cases["ranges"], node["ranges"], strict=True)
        if is_range(range) is not expected
    ]
    assert not wrong, f"{len(wrong)} differ"


def test_the_highest_that_satisfies_is_node_s(cases: dict[str, list[Any]], node: dict[str, list[Any]]) -> None:
    wrong = [
        (range, expected)
        for (candidates, range), expected in zip(cases["choices"], node["best"], strict=True)
        if choose(candidates, range) != expected
    ]
    assert not wrong, f"{len(wrong)} differ"


def test_texts_are_versions_where_node_says_so(cases: dict[str, list[Any]], node: dict[str, list[Any]]) -> None:
    def is_version(text: str) -> bool:
        try:
            return bool(version_key(text))
        except InvalidPackage:
            return False

    wrong = [
        (text, expected)
        for text, expected in zip(cases["texts"], node["versions"], strict=True)
        # node-semver is kinder than SemVer 2: it takes off a leading v and space around a version.
        if is_version(text) is not (expected and text == text.strip() and not text.startswith("v"))
    ]
    assert 500 < sum(node["versions"]) < 3500, "the cases prove little"
    assert not wrong, f"{len(wrong)} differ"


# Versions ---------------------------------------------------------------------------------------------


def test_keys_ascend_along_the_chain() -> None:
    assert len(CHAIN.split()) >= 15
    for older, newer in pairwise(CHAIN.split()):
        assert version_key(older).encode() < version_key(newer).encode(), f"{older} is below {newer}"


@pytest.mark.parametrize(
    "text", ["", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-01", "latest", "9007199254740992.0.0", "1.0.0 "]
)
def test_what_npm_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(InvalidPackage):
        version_key(text)


def test_build_metadata_is_dropped_as_npm_drops_it() -> None:
    assert normalize("1.0.0-rc.1+sha.5") == "1.0.0-rc.1"
    assert version_key("1.0.0+a") == version_key("1.0.0+b") == version_key("1.0.0")
    assert is_prerelease("1.0.0-rc.1+x")
    assert not is_prerelease("1.0.0+x-y")


# Ranges -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "range", "inside"),
    [
        ("1.9.9", "^1.2.3", True),
        ("2.0.0", "^1.2.3", False),
        ("0.2.9", "^0.2.3", True),
        ("0.3.0", "^0.2.3", False),
        ("0.0.4", "^0.0.3", False),
        ("0.9.9", "^0", True),
        ("1.9.9", "~1", True),
        ("1.9.9", ">1", False),
        ("2.0.0", ">1", True),
        ("1.5.0", "1.x", True),
        ("1.5.0", "", True),
        ("1.5.0", " ", True),
        ("2.3.9", "1.2 - 2.3", True),
        ("2.4.0", "1.2 - 2.3", False),
        ("1.0.0-rc.2", ">=1.0.0-rc.1", True),
        ("1.1.0-rc.1", ">=1.0.0-rc.1", False),
        ("2.0.0-rc.1", "^1.0.0", False),
        ("1.0.0-rc.1", "*", False),
        ("1.0.0+build", "1.0.0", True),
        ("1.0.0", "=v1.0.0", True),
        ("3.0.0", "<1 || >=3", True),
        ("nonsense", "*", False),
        ("v1.0.0", "*", False),
        ("1.0.0", "next", False),
        ("1.0.0", "1.0.0" + " " * 1020, False),
    ],
)
def test_versions_satisfy_ranges(version: str, range: str, inside: bool) -> None:
    assert satisfies(version, range) is inside


@pytest.mark.parametrize(
    ("candidates", "range", "latest", "chosen"),
    [
        (["1.0.0", "1.10.0", "1.9.0"], "^1.0.0", None, "1.10.0"),
        (["1.0.0", "1.10.0", "1.9.0"], "^1.0.0", "1.9.0", "1.9.0"),
        (["1.0.0", "2.0.0"], "^1.0.0", "2.0.0", "1.0.0"),
        (["1.0.0", "2.0.0-rc"], "*", None, "1.0.0"),
        (["1.0.0", "2.0.0-rc"], "*", "2.0.0-rc", "2.0.0-rc"),
        (["1.0.0", "2.0.0-rc"], "", "2.0.0-rc", "2.0.0-rc"),
        (["2.0.0-rc"], "*", None, None),
        (["1.0.0"], "*", "3.0.0", "1.0.0"),
        (["1.0.0"], "^2.0.0", "1.0.0", None),
        (["1.0.0", "nonsense"], "*", None, "1.0.0"),
        ([], "*", None, None),
    ],
)
def test_latest_is_chosen_where_it_will_do_else_the_highest(
    candidates: list[str], range: str, latest: str | None, chosen: str | None
) -> None:
    assert choose(candidates, range, latest) == choose(candidates[::-1], range, latest) == chosen


@pytest.mark.parametrize(
    "unit", ["1 ", "||", ">", "^ ", "v=", "v ", "1-", "1.2.3-a.", " ", "x", "- ", "~>", "9", "1.1.1--", "||1"]
)
def test_no_range_takes_long(unit: str) -> None:
    started = time.process_time()
    for end in ("", "!", "x"):
        is_range((unit * 1024)[: 1024 - len(end)] + end)
        classify((unit * 1024)[: 1024 - len(end)] + end)
    is_range(unit * 1_000_000)
    assert time.process_time() - started < 10


# Specs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            (text, SpecKind.RANGE)
            for text in ("", " ", "*", "1", "1.2.3", "^1", "=v1.0.0", "1 || 2", "1.x - 2", "latest || 1")
        ),
        *((text, SpecKind.TAG) for text in ("next", "latest", "18-alpha", "canary_1", "x-y")),
        *((text, SpecKind.ALIAS) for text in ("npm:a", "npm:a@1", "npm:@a/b@^1.0.0", "NPM:a@next", "npm:a@")),
        *(
            (text, SpecKind.UNRESOLVABLE)
            for text in (
                "workspace:*",
                "workspace:^",
                "link:../a",
                "file:a",
                "FILE:a",
                "portal:../a",
                "catalog:",
                "patch:a@1#x",
                "./a",
                "../a",
                ".",
                "~/a",
                "/a",
                "C:\\a",
                "a.tgz",
                "git://example.org/a",
                "git+ssh://git@example.org/u/r.git#semver:^1",
                "ssh://git@example.org/u/r",
                "git@example.org:u/r.git",
                "github:u/r#semver:^1",
                "gist:0123",
                "u/r",
                "u/r#main",
                "https://example.org/a.tgz",
                "jsr:@a/b@1",
                "npm:",
                "npm:a@npm:b@1",
                "npm:a@file:b",
                "npm:a@u/r",
                "two words",
                "\u00e4",
                "%",
                "1" * 1025,
            )
        ),
    ],
)
def test_dependency_texts_are_classified(text: str, kind: SpecKind) -> None:
    found = classify(text)
    assert found.kind is kind
    assert bool(found.reason) == (kind is SpecKind.UNRESOLVABLE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file:a", "author's machine"),
        ("a.tgz", "author's machine"),
        ("u/r", "outside every registry"),
        ("git@example.org:u/r.git", "outside every registry"),
        ("https://example.org/a.tgz#x", "outside every registry"),
        ("two words", "neither a range nor a tag"),
        ("npm:a@u/r", "neither a range nor a tag"),
        ("1" * 1025, "1,024 characters"),
    ],
)
def test_what_no_feed_has_is_said_in_plain_words(text: str, words: str) -> None:
    assert words in classify(text).reason


def test_an_alias_tells_what_it_asks_for() -> None:
    found = classify("npm:@a/b@^1.0.0")
    assert (found.name, found.range, found.tag) == ("@a/b", "^1.0.0", None)
    found = classify("npm:b@next")
    assert (found.name, found.range, found.tag) == ("b", "next", "next")
    assert classify("npm:b").range == "*"


@given(st.text(max_size=40) | st.text("npm:@/^~.*x 1|-", max_size=60))
def test_classifying_and_asking_never_fail(text: str) -> None:
    assert isinstance(classify(text).kind, SpecKind)
    assert satisfies("1.0.0", text) in (True, False)
    assert satisfies(text, "*") in (True, False)
    assert choose(["1.0.0"], text) in (None, "1.0.0")
