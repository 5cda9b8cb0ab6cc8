"""The world of the matrix, made once for the whole run."""

from __future__ import annotations

import pytest

from tests.security.actors import World


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("matrix"))


@pytest.fixture
def world(_world: World) -> World:
    """Give the world as it was made."""
    _world.renew()
    return _world
