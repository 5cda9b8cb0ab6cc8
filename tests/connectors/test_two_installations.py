"""One installation looks into another over HTTP, for every format: searched, served and cached, pulled."""

from __future__ import annotations

import hashlib
import urllib.request
from urllib.error import HTTPError

import pytest

from app.domain.connectors import RemoteUse
from app.plugin.kit import Request
from app.plugin.records import State
from app.services import (
    access,
    connectorhealth,
    feeds,
    offers,
    packages,
    publishing,
    pullplans,
    pulls,
    remotesearch,
    sources,
)
from app.services.feeds import FeedChange
from app.services.plans import Wanted
from app.services.runtime import Runtime
from tests.connectors.conftest import SAM, Pair
from tests.fixtures import make_feeds, publish_sample

ADDRESSES = {
    "npm": "/npm/{feed}/",
    "nuget": "/nuget/{feed}/v3/index.json",
    "nuget V2": "/nuget/{feed}/v2/",
    "rubygems": "/rubygems/{feed}/",
    "universal": "/upack/{feed}/",
}


def ask(url: str, request: Request) -> tuple[int, bytes]:
    """Send a client's request."""
    asked = urllib.request.Request(url + request.path, method=request.method, headers=dict(request.headers))
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def state_of(runtime: Runtime, feed: str, name: str, version: str) -> tuple[State, str]:
    with runtime.reading(SAM) as work:
        found = packages.get_version(work, access.get_feed(work, feed), name, version)
        return found.state, found.connector


Needs = set[tuple[str, frozenset[str]]]


def needs_of(pair: Pair, name: str) -> Needs:
    """Give what the plan of a pull follows: what the source's documents say that a version needs."""
    plan = pullplans.plan(pair.near, SAM, "mine", [Wanted(name, "1.1.0")], with_dependencies=True)
    return {(node.name.lower(), _parts(node.range)) for node in plan.nodes if node.parent == 0}


def read_needs(pair: Pair, name: str) -> Needs:
    """Give what reading the file says that the version needs."""
    with pair.far.reading(SAM) as work:
        version = packages.get_version(work, access.get_feed(work, "public"), name, "1.1.0")
    return {(each.name.lower(), _parts(each.range)) for each in version.main.manifest.dependencies if each.runtime}


def _parts(range: str) -> frozenset[str]:
    """Give the conditions of a range; gem servers list them in an order of their own, NuGet's spell a minimum out."""
    return frozenset(range.removeprefix("[").removesuffix(", )").split(", "))


@pytest.mark.parametrize("kind", ADDRESSES)
def test_what_another_installation_offers_is_found_served_cached_and_pulled(pair: Pair, kind: str) -> None:
    format = kind.split(maxsplit=1)[0]
    make_feeds(pair.far, format, "public")
    make_feeds(pair.near, format, "mine")
    pair.open_to_everybody(pair.far)
    pair.open_to_everybody(pair.near)
    kit = pair.near.get_format(format).kit()
    name = kit.names[0]
    for version in ("1.0.0", "1.1.0"):
        publish_sample(pair.far, "public", name, version)
    address = f"{pair.far_server.url}{ADDRESSES[kind].format(feed='public')}"
    pair.connect("mine", address)
    assert connectorhealth.check(pair.near, SAM, "far-mine") == ""
    with pair.near.reading(SAM) as work:
        feed = access.get_feed(work, "mine")
        reach = sources.reach_of(work, feed)
        found, offer = offers.of_feed(work, feed, reach, name)
    assert offer.failures == ()
    assert found is not None
    assert [version.version for version in found.versions] == ["1.0.0", "1.1.0"]
    lines = remotesearch.find(pair.near, reach, name.rpartition("/")[2])
    assert name in [line.name for line, _ in lines.lines], lines

    assert needs_of(pair, name) == read_needs(pair, name)

    prefix = f"{pair.near_server.url}/{pair.near.get_format(format).prefix}/mine"
    status, body = ask(prefix, kit.listing(name))
    assert status != 200 or not kit.shows(body, "1.1.0"), "browse only: clients see what the feed holds"
    with pair.near.writing(SAM) as work:
        feeds.update_feed(work, "mine", FeedChange(remote=RemoteUse.CACHE))
    status, body = ask(prefix, kit.listing(name))
    assert status == 200
    assert kit.shows(body, "1.1.0")
    sample = kit.make(name, "1.1.0")
    status, body = ask(prefix, kit.download(sample))
    assert (status, hashlib.sha256(body).hexdigest()) == (200, hashlib.sha256(sample.content).hexdigest())
    assert state_of(pair.near, "mine", name, "1.1.0") == (State.CACHED, "far-mine")

    assert pulls.pull(pair.near, SAM, "mine", name, "1.1.0")
    assert pulls.pull(pair.near, SAM, "mine", name, "1.0.0")
    assert state_of(pair.near, "mine", name, "1.1.0") == (State.LOCAL, "far-mine")
    with pair.near.reading(SAM) as work:
        here = packages.get_package(work, access.get_feed(work, "mine"), name)
    with pair.far.reading(SAM) as work:
        there = packages.get_package(work, access.get_feed(work, "public"), name)
    assert [v.main.digests for v in here.versions] == [v.main.digests for v in there.versions]


@pytest.mark.parametrize("kind", ADDRESSES)
def test_a_name_of_our_own_is_served_from_here_alone(pair: Pair, kind: str) -> None:
    format = kind.split(maxsplit=1)[0]
    make_feeds(pair.far, format, "public")
    make_feeds(pair.near, format, "mine", remote=RemoteUse.CACHE)
    pair.open_to_everybody(pair.far)
    pair.open_to_everybody(pair.near)
    kit = pair.near.get_format(format).kit()
    name = kit.names[0]
    publish_sample(pair.far, "public", name, "9.0.0")
    pair.connect("mine", f"{pair.far_server.url}{ADDRESSES[kind].format(feed='public')}")
    prefix = f"{pair.near_server.url}/{pair.near.get_format(format).prefix}/mine"
    status, body = ask(prefix, kit.listing(name))
    assert kit.shows(body, "9.0.0"), body
    ask(prefix, kit.download(kit.make(name, "9.0.0")))
    sample = kit.make(name, "1.0.0")
    publishing.publish(pair.near, SAM, "mine", [sample.content], sample.filename)
    status, body = ask(prefix, kit.listing(name))
    assert status == 200
    assert kit.shows(body, "1.0.0")
    assert not kit.shows(body, "9.0.0"), "an attacker's version of our own package reached a client"
    status, _ = ask(prefix, kit.download(kit.make(name, "9.0.0")))
    assert status == 404
