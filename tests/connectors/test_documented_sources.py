"""Sources of every format as their documents are described, from a real HTTP server, well and badly."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import open_runtime
from app.domain.errors import AppError
from app.net.network import Network
from app.plugin import Sample
from app.services import access, connectors, offers, packages, pulls, sources
from app.services.connectors import ConnectorChange
from app.services.offers import Offer
from app.services.runtime import Runtime
from app.services.sources import Sources
from app.settings import load_settings
from app.testing.pulling import REMOTE
from tests.connectors.conftest import SAM
from tests.fixtures import make_feeds
from tests.net.conftest import Clock
from tests.net.faults import FaultServer

FORMATS = ("npm", "nuget", "rubygems", "universal")
VERSIONS = ("1.0.0", "1.1.0", "2.0.0")


@dataclass
class Offering:
    """Hold an installation whose feed looks into a source that offers some versions of a package."""

    runtime: Runtime
    server: FaultServer
    clock: Clock
    samples: list[Sample]
    documents: dict[str, bytes]

    def serve(self, **faults: Any) -> None:
        """Answer every address of the source from now on, with whatever goes wrong."""
        for path, body in self.documents.items():
            self.server.replace(path, body, **faults)

    def offer(self) -> Offer:
        """Ask the source anew."""
        self.clock.passed += 7200
        with self.runtime.reading(SAM) as work:
            feed = access.get_feed(work, "mine")
            reach = sources.reach_of(work, feed)
            return offers.offer_for(work, feed, reach, self.samples[0].name, fresh=True)

    def pull(self, version: str) -> bool:
        """Pull a version."""
        return pulls.pull(self.runtime, SAM, "mine", self.samples[0].name, version)

    def held(self) -> list[str]:
        """Give the versions that the feed holds."""
        with self.runtime.reading(SAM) as work:
            found = packages.find_package(work, access.get_feed(work, "mine"), self.samples[0].name)
        return [version.version for version in found.versions] if found is not None else []


@pytest.fixture(params=FORMATS)
def offering(
    request: pytest.FixtureRequest, tmp_path: Path, _fresh_installation: Path, fault_server: FaultServer
) -> Iterator[Offering]:
    """Give a source of each format, on a clock that nobody waits for."""
    data, clock = Path(shutil.copytree(_fresh_installation, tmp_path / "near")), Clock()
    opened = open_runtime(load_settings(data=data, port=0))
    network = Network(data / "upstream", allowed_hosts=(fault_server.host,), timing=clock.timing)
    runtime = replace(opened, network=network, sources=Sources(network, clock.monotonic))
    make_feeds(runtime, request.param, "mine")
    with runtime.writing(SAM) as work:
        change = ConnectorChange(url=f"{fault_server.url}/", timeout=2, cache_minutes=0)
        connectors.create_connector(work, "far", request.param, change)
        connectors.attach(work, "mine", ["far"])
    kit = runtime.get_format(request.param).kit()
    samples = [kit.make(kit.names[0], version) for version in VERSIONS]
    assert kit.remote is not None
    here = fault_server.url.encode()
    # The server of faults answers by path alone.
    offered = {path.partition("?")[0]: body for path, body in kit.remote(samples).items()}
    documents = {path: body.replace(REMOTE.encode(), here) for path, body in offered.items()}
    made = Offering(runtime, fault_server, clock, samples, documents)
    made.serve()
    yield made
    network.close()
    opened.database.close()


def test_what_it_offers_is_found_and_pulled_whole(offering: Offering) -> None:
    found = offering.offer()
    assert [each.version.version for each in found.versions.values()] == list(VERSIONS)
    assert offering.pull("1.1.0")
    assert not offering.pull("1.1.0")
    assert offering.held() == ["1.1.0"]
    sha256 = offering.runtime.blobs.list()
    assert len(list(sha256)) == 1


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429, "headers": {"Retry-After": "60"}}, {"cut": 3}])
def test_while_it_is_down_what_it_said_goes_on(offering: Offering, fault: dict[str, Any]) -> None:
    offering.offer()
    offering.serve(**fault)
    found = offering.offer()
    assert [each.version.version for each in found.versions.values()] == list(VERSIONS)
    assert found.stale_since is not None or found.failures
    with pytest.raises(AppError, match="far"):
        offering.pull("1.0.0")
    assert offering.held() == []
    offering.serve()
    offering.clock.passed += 3600
    assert offering.pull("1.0.0")
    assert offering.offer().failures == ()


def test_another_package_under_its_address_is_refused(offering: Offering) -> None:
    by_content = {body: path for path, body in offering.documents.items()}
    place = by_content[offering.samples[0].content]
    for body in (offering.samples[1].content, offering.samples[0].content[:-40], b"<html>sign in</html>"):
        offering.server.replace(place, body)
        with pytest.raises(AppError) as refused:
            offering.pull("1.0.0")
        assert "Traceback" not in refused.value.message
        assert offering.held() == []
    offering.server.replace(place, offering.samples[0].content)
    assert offering.pull("1.0.0")
