"""The contract suite on one plugin folder, as ``app.testing.check`` runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.plugin import FeedFormat
from app.plugin.loading import load_one
from app.testing.contract import FormatContract
from app.testing.pytest_plugin import OPTION


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the class once for each format of the folder."""
    if "format" in metafunc.fixturenames:
        folder = Path(metafunc.config.getoption(OPTION))
        found = load_one(folder).formats
        metafunc.parametrize("format", found.values(), ids=list(found), indirect=True, scope="class")


class TestPlugin(FormatContract):
    """The whole contract, for each format of the folder."""

    @pytest.fixture(scope="class")
    @classmethod
    def format(cls, request: pytest.FixtureRequest) -> FeedFormat:
        """Give the format under test."""
        found: FeedFormat = request.param
        return found
