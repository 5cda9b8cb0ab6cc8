"""What the tests of the npm format share: an installation in memory of this process, and its feeds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.testing.stage import Place, Stage
from plugins.npm.format import NpmFormat


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give an installation that knows npm."""
    made = Stage(NpmFormat(), tmp_path_factory.mktemp("npm"))
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
