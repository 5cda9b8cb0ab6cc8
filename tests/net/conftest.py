"""What the tests of the network share: a server of faults, a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from app.net.network import Network, Source
from app.net.timing import Timing
from tests.net.faults import FaultServer, fault_server

__all__ = ["fault_server"]


class Clock:
    """Be a clock that moves only when somebody sleeps, or is told to."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []
        self.step = 0.0

    def monotonic(self) -> float:
        self.passed += self.step
        return self.passed

    def wall(self) -> float:
        return 1_790_000_000 + self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    @property
    def timing(self) -> Timing:
        return Timing(self.monotonic, self.wall, self.sleep)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_network(tmp_path: Path, clock: Clock, fault_server: FaultServer) -> Iterator[Callable[..., Network]]:
    with ExitStack() as stack:

        def make(**given: Any) -> Network:
            options = {"allowed_hosts": [fault_server.host], "timing": clock.timing, **given}
            return stack.enter_context(closing(Network(tmp_path / "net", **options)))

        yield make


@pytest.fixture
def network(make_network: Callable[..., Network]) -> Network:
    return make_network()


@pytest.fixture
def source(fault_server: FaultServer) -> Source:
    return Source("upstream-a", fault_server.url, timeout=5)
