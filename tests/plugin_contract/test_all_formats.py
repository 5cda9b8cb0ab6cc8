"""Run the contract suite on every format that loads: built-in ones, the samples of these tests, dropped-in ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.plugin import FeedFormat
from app.plugin.loading import load_plugins
from app.testing import FormatContract

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
