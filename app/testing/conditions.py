"""Say which formats a test of the contract is about; for the others it is left out, not skipped in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.plugin import Feature, FeedFormat

Applies = Callable[[FeedFormat], bool]
Tests = TypeVar("Tests", bound=Callable[..., object])
_MARK = "_promontory_applies"


def only_where(applies: Applies) -> Callable[[Tests], Tests]:
    """Mark a test, or every test of a class, as being about some formats only."""

    def mark(tests: Tests) -> Tests:
        functions: list[Any] = [tests]
        if isinstance(tests, type):
            functions = [value for name, value in vars(tests).items() if name.startswith("test_")]
        for function in functions:
            before: tuple[Applies, ...] = getattr(function, _MARK, ())
            setattr(function, _MARK, (*before, applies))
        return tests

    return mark


def declares(feature: Feature) -> Callable[[Tests], Tests]:
    """Mark a test as being about formats that declare a feature."""
    return only_where(lambda format: feature in format.features)


def is_about(test: object, format: FeedFormat) -> bool:
    """Tell whether a test function is about a format."""
    return all(applies(format) for applies in getattr(test, _MARK, ()))
