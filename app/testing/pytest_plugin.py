"""The pytest plugin of the contract suite: ``pytest --promontory-plugin DIR`` names the plugin folder under test."""

from __future__ import annotations

import pytest

from app.plugin import FeedFormat
from app.testing.conditions import is_about

OPTION = "--promontory-plugin"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the folder of a plugin."""
    parser.getgroup("promontory").addoption(
        OPTION, metavar="DIR", default=None, help="folder of a Promontory plugin to run the contract suite on"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of the contract that say nothing about the format they would run on."""
    kept = [item for item in items if _says_something(item)]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if not _says_something(item)])
        items[:] = kept


def _says_something(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    format = parameters.get("format")
    return not isinstance(format, FeedFormat) or is_about(getattr(item, "function", None), format)
