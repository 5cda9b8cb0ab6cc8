"""What the tests of the RubyGems format share: an installation in memory of this process, its feeds, real Ruby."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.testing.stage import Place, Stage
from plugins.rubygems.format import RubyGemsFormat
from tests.clients.ruby import RubyHome


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give an installation that knows gems."""
    made = Stage(RubyGemsFormat(), tmp_path_factory.mktemp("rubygems"))
    yield made
    made.close()


@pytest.fixture
def feed(stage: Stage) -> Place:
    """Give a new feed."""
    return stage.new_feed()


@pytest.fixture
def other_feed(stage: Stage) -> Place:
    """Give another new feed."""
    return stage.new_feed()


@pytest.fixture
def ruby(tmp_path: Path) -> RubyHome:
    """Give a home for gem and Bundler."""
    return RubyHome(tmp_path / "ruby")
