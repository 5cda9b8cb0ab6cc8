"""What the tests of the NuGet format share: an installation in this process, and a server for real clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.testing.stage import Place, Stage
from plugins.nuget.format import NuGetFormat
from tests.nuget.world import World


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


@pytest.fixture
def other_feed(stage: Stage) -> Place:
    """Give another new feed."""
    return stage.new_feed()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a running server."""
    yield from World.open(tmp_path_factory.mktemp("world"))


@pytest.fixture
def pair(world: World) -> tuple[str, str]:
    """Give a dev and a prod feed."""
    return world.new_pair()
