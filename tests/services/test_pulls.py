"""Pull versions from another feed of the installation, for every format: planned, whole, and told in the history."""

from __future__ import annotations

import pytest

from app.domain.errors import AppError, Conflict, Forbidden, Invalid, NotFound, Refused
from app.domain.promotion import Outcome
from app.plugin.records import State
from app.services import (
    access,
    changes,
    connectors,
    events,
    feeds,
    offers,
    packages,
    promotions,
    publishing,
    pullplans,
    pulls,
    sources,
)
from app.services.connectors import ConnectorChange
from app.services.feeds import FeedChange
from app.services.plans import PromotionRequest, Wanted
from app.services.pullplans import PullOutcome
from app.services.runtime import Actor, Runtime
from tests.fixtures import make_feeds, publish_sample
from tests.services.npm_graph import publish

FORMATS = ["npm", "nuget", "rubygems", "universal"]


def connect(runtime: Runtime, sam: Actor, feed: str, source: str, **change: object) -> None:
    with runtime.writing(sam) as work:
        connectors.create_connector(
            work,
            f"from-{source}",
            access.get_feed(work, source).format,
            ConnectorChange(feed=source, **change),  # type: ignore[arg-type]
        )
        connectors.attach(work, feed, [f"from-{source}"])


def names(runtime: Runtime, format: str) -> list[str]:
    return list(runtime.get_format(format).kit().names)


@pytest.mark.parametrize("format", FORMATS)
def test_a_version_is_pulled_promoted_and_its_history_says_both(runtime: Runtime, sam: Actor, format: str) -> None:
    make_feeds(runtime, format, "public", "unapproved", "approved")
    name = names(runtime, format)[0]
    publish_sample(runtime, "public", name, "1.0.0")
    connect(runtime, sam, "unapproved", "public")
    asked = PromotionRequest("unapproved", "approved", (Wanted(name, "1.0.0"),))
    with runtime.reading(sam) as work:
        plan = promotions.plan(work, asked)
        assert [item.outcome for item in plan.items] == [Outcome.REMOTE]
    with pytest.raises(Refused, match="pull it first") as refused:
        promotions.promote(runtime, sam, asked)
    assert refused.value.code == "remote"
    assert pulls.pull(runtime, sam, "unapproved", name, "1.0.0")
    assert not pulls.pull(runtime, sam, "unapproved", name, "1.0.0")
    promotions.promote(runtime, sam, asked)
    with runtime.reading(sam) as work:
        here = packages.get_version(work, access.get_feed(work, "unapproved"), name, "1.0.0")
        there = packages.get_version(work, access.get_feed(work, "approved"), name, "1.0.0")
        assert (here.origin, here.connector, here.state) == ("pulled", "from-public", State.LOCAL)
        assert there.main.digests == here.main.digests
        recorded, _ = events.find(work, events.EventFilter(text=name))
        tags = [event.tag for event in recorded]
        assert tags.index("promoted") < tags.index("package-pulled")
        assert recorded[tags.index("package-pulled")].data["connector"] == "from-public"


def test_remote_versions_stand_beside_held_ones(runtime: Runtime, sam: Actor) -> None:
    make_feeds(runtime, "npm", "public", "mine")
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        publish_sample(runtime, "public", "left-pad", version)
    connect(runtime, sam, "mine", "public")
    pulls.pull(runtime, sam, "mine", "left-pad", "1.1.0")
    with runtime.reading(sam) as work:
        feed = access.get_feed(work, "mine")
        found, offer = offers.of_feed(work, feed, sources.reach_of(work, feed), "left-pad")
    assert found is not None
    assert [(v.version, v.state) for v in found.versions] == [
        ("1.0.0", State.REMOTE),
        ("1.1.0", State.LOCAL),
        ("2.0.0", State.REMOTE),
    ]
    assert offer.failures == ()


@pytest.mark.parametrize("format", FORMATS)
def test_a_name_of_our_own_is_never_filled_unless_the_feed_allows_it(runtime: Runtime, sam: Actor, format: str) -> None:
    make_feeds(runtime, format, "public", "mine")
    name, other = names(runtime, format)[:2]
    publish_sample(runtime, "mine", name, "1.0.0")
    publish_sample(runtime, "public", name, "9.0.0")
    publish_sample(runtime, "public", other, "1.0.0")
    connect(runtime, sam, "mine", "public")
    with pytest.raises(Conflict, match="its own"):
        pulls.pull(runtime, sam, "mine", name, "9.0.0")
    with runtime.reading(sam) as work:
        feed = access.get_feed(work, "mine")
        found, offer = offers.of_feed(work, feed, sources.reach_of(work, feed), name)
    assert found is not None
    assert [v.version for v in found.versions] == ["1.0.0"]
    assert "its own" in offer.kept
    with runtime.writing(sam) as work:
        feeds.update_feed(work, "mine", FeedChange(reserved_names=[other], allowed_names=[name]))
    with pytest.raises(Conflict, match="reserved"):
        pulls.pull(runtime, sam, "mine", other, "1.0.0")
    assert pulls.pull(runtime, sam, "mine", name, "9.0.0")


def test_filters_hold_names_back(runtime: Runtime, sam: Actor) -> None:
    make_feeds(runtime, "npm", "public", "mine")
    publish_sample(runtime, "public", "left-pad", "1.0.0")
    connect(runtime, sam, "mine", "public", filters=["!left-*"])
    with pytest.raises(NotFound, match="No connector"):
        pulls.pull(runtime, sam, "mine", "left-pad", "1.0.0")


def test_pulling_needs_its_right_and_a_feed_that_takes_it(runtime: Runtime, sam: Actor) -> None:
    make_feeds(runtime, "npm", "public", "mine")
    publish_sample(runtime, "public", "left-pad", "1.0.0")
    with pytest.raises(Invalid, match="no connectors"):
        pulls.pull(runtime, sam, "mine", "left-pad", "1.0.0")
    connect(runtime, sam, "mine", "public")
    reader = Actor("rita", rights=frozenset({access.Permission.VIEW_FEED, access.Permission.ADD_PACKAGE}))
    with pytest.raises(Forbidden, match="Pull"):
        pulls.pull(runtime, reader, "mine", "left-pad", "1.0.0")
    with runtime.writing(sam) as work:
        feeds.update_feed(work, "mine", FeedChange(accepts=promotions_only()))
    with pytest.raises(Forbidden, match="promotions only"):
        pulls.pull(runtime, sam, "mine", "left-pad", "1.0.0")


def promotions_only() -> feeds.Accepts:
    return feeds.Accepts.PROMOTIONS


def test_a_plan_is_a_tree_that_names_each_version_once(runtime: Runtime, sam: Actor) -> None:
    make_feeds(runtime, "npm", "public", "mine")
    publish(runtime, "public", "app", "1.0.0", {"left": "^1.0.0", "right": "*", "gone": "^1.0.0"})
    publish(runtime, "public", "left", "1.0.0", {"base": "^1.0.0"})
    publish(runtime, "public", "left", "1.2.0", {"base": "^1.0.0"})
    publish(runtime, "public", "left", "2.0.0", {})
    publish(runtime, "public", "right", "3.0.0", {"base": "^2.0.0", "app": "*"})
    publish(runtime, "public", "base", "1.5.0", {})
    publish(runtime, "public", "base", "2.5.0", {})
    connect(runtime, sam, "mine", "public")
    pulls.pull(runtime, sam, "mine", "base", "1.5.0")
    plan = pullplans.plan(runtime, sam, "mine", [Wanted("app", "1.0.0")], with_dependencies=True)
    shown = [(n.depth, n.name, n.version, n.outcome.value, n.again) for n in plan.nodes]
    assert shown == [
        (0, "app", "1.0.0", "pull", False),
        (1, "left", "1.2.0", "pull", False),
        (2, "base", "1.5.0", "held", False),
        (1, "right", "3.0.0", "pull", False),
        (2, "base", "2.5.0", "pull", False),
        (2, "app", "1.0.0", "pull", True),
        (1, "gone", "", "missing", False),
    ]
    assert [plan.nodes[n.parent].name for n in plan.nodes if n.parent is not None] == [
        "app",
        "left",
        "app",
        "right",
        "right",
        "app",
    ]
    assert [n.name for n in plan.items] == ["app", "left", "right", "base"]
    assert [n.outcome for n in plan.obstacles] == [PullOutcome.MISSING]
    assert "have a package gone" in plan.obstacles[0].reason


def test_a_changed_digest_is_told_once_and_the_bytes_stay(runtime: Runtime, sam: Actor) -> None:
    make_feeds(runtime, "npm", "public", "mine")
    name = "left-pad"
    publish(runtime, "public", name, "1.0.0", {})
    connect(runtime, sam, "mine", "public")
    pulls.pull(runtime, sam, "mine", name, "1.0.0")
    with runtime.writing(sam) as work:
        publishing.delete_versions(work, "public", name)
    publish(runtime, "public", name, "1.0.0", {}, description="Somebody else's.")
    with runtime.reading(sam) as work:
        feed = access.get_feed(work, "mine")
        found, offer = offers.of_feed(work, feed, sources.reach_of(work, feed), name)
        feed_id = feed.id
    assert changes.note(runtime, feed_id, found, offer) == 1
    with runtime.reading(sam) as work:
        again, offer = offers.of_feed(work, access.get_feed(work, "mine"), sources.reach_of(work, feed), name)
        recorded, _ = events.find(work, events.EventFilter(tag="upstream-changed"))
    assert changes.note(runtime, feed_id, again, offer) == 0
    assert len(recorded) == 1
    assert again is not None
    assert found is not None
    assert again.versions[0].main.digests == found.versions[0].main.digests
    assert again.versions[0].changed_upstream.startswith("sha512:")


def test_an_unknown_version_names_the_newest(runtime: Runtime, sam: Actor) -> None:
    make_feeds(runtime, "npm", "public", "mine")
    publish_sample(runtime, "public", "left-pad", "1.0.0")
    connect(runtime, sam, "mine", "public")
    with pytest.raises(AppError, match=r"newest versions are 1\.0\.0"):
        pulls.pull(runtime, sam, "mine", "left-pad", "7.0.0")
