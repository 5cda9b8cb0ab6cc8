"""What the tests of the NuGet format share: an installation in memory of this process, and its feeds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.testing.stage import Place, Stage
from plugins.nuget.format import NuGetFormat


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give an installation that knows NuGet."""
    made = Stage(NuGetFormat(), tmp_path_factory.mktemp("nuget"))
    yield made
    made.close()


@pytest.fixture
def feed(stage: Stage) -> Place:
    """Give a new feed."""
    return stage.new_feed()
