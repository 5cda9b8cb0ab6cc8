"""Run the contract suite on every format that loads: built-in ones, the samples of these tests, dropped-in ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.plugin import FeedFormat
from app.plugin.loading import load_plugins
from app.testing import FormatContract, ServerContract
from app.testing.stage import Stage

HERE = Path(__file__).resolve().parent
DROPPED_IN = [Path(part) for part in os.environ.get("PROMONTORY_PLUGINS", "").split(os.pathsep) if part]
PLUGINS = load_plugins([HERE.parent.parent / "plugins", HERE.parent / "plugins", *DROPPED_IN])


def test_every_plugin_loads() -> None:
    failures = {source.name: source.failure for source in PLUGINS.sources if source.failure}
    assert failures == {}


class TestEveryFormat(FormatContract):
    """The whole contract, for each format."""

    @pytest.fixture(scope="class", params=PLUGINS.formats.values(), ids=list(PLUGINS.formats))
    @classmethod
    def format(cls, request: pytest.FixtureRequest) -> FeedFormat:
        return request.param


@pytest.mark.postgres
class TestEveryFormatOnPostgreSQL(ServerContract):
    """What a client sees, for each format, on the other database."""

    @pytest.fixture(scope="class", params=PLUGINS.formats.values(), ids=list(PLUGINS.formats))
    @classmethod
    def format(cls, request: pytest.FixtureRequest) -> FeedFormat:
        return request.param

    @pytest.fixture(scope="class")
    @classmethod
    def stage(
        cls, format: FeedFormat, tmp_path_factory: pytest.TempPathFactory, postgres: Callable[[], str]
    ) -> Iterator[Stage]:
        made = Stage(format, tmp_path_factory.mktemp(format.key), postgres())
        yield made
        made.close()
