"""The contract suite itself: no test hides another."""

from __future__ import annotations

from collections import Counter

from app.testing import FormatContract


def test_no_test_or_fixture_of_the_contract_hides_another() -> None:
    names = Counter(name for part in FormatContract.__mro__[:-1] for name in vars(part) if not name.startswith("__"))
    assert [name for name, number in names.items() if number > 1] == []
