"""What the tests of the RubyGems format share: an installation in memory of this process, and its feeds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.testing.stage import Place, Stage
from plugins.rubygems.format import RubyGemsFormat


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give an installation that knows RubyGems."""
    made = Stage(RubyGemsFormat(), tmp_path_factory.mktemp("rubygems"))
    yield made
    made.close()


@pytest.fixture
def feed(stage: Stage) -> Place:
    """Give a new feed."""
    return stage.new_feed()
