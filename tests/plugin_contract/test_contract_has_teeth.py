"""The contract suite itself: it fails formats that are broken, and no test of it hides another."""

from __future__ import annotations

from collections import Counter

import pytest

from app.testing import FormatContract
from tests.plugin_contract.broken import BROKEN, SOUND

pytest_plugins = ("pytester",)

SUITE = """
import pytest
from app.testing import FormatContract
from tests.plugin_contract.broken import BROKEN

class TestBroken(FormatContract):
    @pytest.fixture(scope="class")
    @classmethod
    def format(cls):
        return BROKEN[{name!r}][0]
"""


def outcomes(pytester: pytest.Pytester, name: str, tests: tuple[str, ...]) -> dict[str, set[str]]:
    """Run some tests of the contract on a registered format; give how each ended."""
    path = pytester.makepyfile(test_broken=SUITE.format(name=name))
    names = [f"{path}::TestBroken::{test}" for test in tests]
    run = pytester.inline_run("-p", "no:randomly", "-p", "no:playwright", "-q", *names)
    found: dict[str, set[str]] = {}
    for report in run.getreports("pytest_runtest_logreport"):
        if report.when == "call" or report.outcome != "passed":
            ending = report.outcome if report.when == "call" else "error"
            found.setdefault(report.nodeid.rpartition("::")[2].partition("[")[0], set()).add(ending)
    return found


@pytest.mark.parametrize("name", sorted(set(BROKEN) - {SOUND}))
def test_a_broken_format_fails_the_contract(pytester: pytest.Pytester, name: str) -> None:
    tests = BROKEN[name][1]
    assert outcomes(pytester, name, tests) == {test: {"failed"} for test in tests}


def test_the_sound_format_passes_the_same_tests(pytester: pytest.Pytester) -> None:
    about_others = {"test_a_tag_names_a_version", "test_a_source_that_talks_garbage_is_an_error_or_offers_nothing"}
    tests = tuple(sorted({test for _, tests in BROKEN.values() for test in tests} - about_others))
    assert outcomes(pytester, SOUND, tests) == {test: {"passed"} for test in tests}


def test_no_test_or_fixture_of_the_contract_hides_another() -> None:
    names = Counter(name for part in FormatContract.__mro__[:-1] for name in vars(part) if not name.startswith("__"))
    assert [name for name, number in names.items() if number > 1] == []
