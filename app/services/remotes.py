"""Find what a promotion's source lacks and its connectors offer, so that a plan can say: pull it first."""

from __future__ import annotations

from collections.abc import Iterable

from app.domain.errors import InvalidPackage
from app.domain.promotion import Outcome, Plan
from app.plugin.format import FeedFormat
from app.plugin.records import State
from app.services import access, offers, packages, plans, sources
from app.services.plans import PromotionRequest, Remote, Wanted
from app.services.pullplans import choose, wanted_spec
from app.services.runtime import Work
from app.services.sources import Reach

_MOST = 200
"""Packages asked for; a plan of more missing ones is told apart by pulling them."""


def plan(work: Work, request: PromotionRequest) -> Plan:
    """Say what a promotion would do; what the source's connectors offer is told from what is nowhere.

    Needs View and Download on the source. No transaction is open while a connector is asked.
    """
    drawn = plans.plan(work, request)
    offered = offered_of(work, request, drawn)
    return plans.plan(work, request, offered) if offered else drawn


def offered_of(work: Work, request: PromotionRequest, drawn: Plan) -> Remote:
    """Give what a plan calls missing and a connector of its source offers."""
    missing = [item for item in drawn.items if item.outcome is Outcome.MISSING]
    if not missing:
        return {}
    reach = sources.reach_of(work, access.get_feed(work, request.source))
    if not reach.links:
        return {}
    names = {item.name_key for item in missing}
    wanted = [item for item in request.items if _key(reach.format, item.name) in names]
    return dict(_look(work, reach, wanted[:_MOST]))


def _key(format: FeedFormat, name: str) -> str:
    try:
        return format.name_key(name)
    except InvalidPackage:
        return ""


def _look(work: Work, reach: Reach, wanted: Iterable[Wanted]) -> Iterable[tuple[tuple[str, str], tuple[str, str]]]:
    for item in wanted:
        feed = access.get_feed(work, reach.feed_name)
        package, _ = offers.of_feed(work, feed, reach, item.name)
        version = choose(reach.format, package, wanted_spec(item))
        if version is not None and version.state is not State.LOCAL:
            alias = f"({item.version})" if item.version in packages.ALIASES else version.key
            yield (reach.format.name_key(item.name), alias), (version.version, version.connector)
