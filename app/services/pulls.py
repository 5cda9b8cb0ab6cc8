"""Pull versions from a feed's connectors into the feed: each whole or not at all, verified, as the feed's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.domain.errors import Conflict, Invalid, NotFound, UpstreamFailed
from app.domain.permissions import Permission
from app.plugin.records import PackageRecord, State, VersionRecord
from app.services import access, fetching, jobs, offers, sources
from app.services.offers import Offer
from app.services.plans import Wanted
from app.services.pullplans import MAX_ITEMS, PullPlan, choose, open_for_pulling, wanted_spec
from app.services.runtime import Actor, Runtime, Work
from app.services.sources import Reach
from app.storage.models import Feed, Job

KIND = "pull"


def pull(
    runtime: Runtime,
    actor: Actor,
    feed_name: str,
    name: str,
    version: str,
    *,
    announce: Callable[[int | None], None] | None = None,
    sink: Callable[[bytes], None] | None = None,
) -> bool:
    """Pull one version into a feed: all its files or nothing; give whether anything was new. Needs Pull Package.

    The right is checked before the first byte and again when it is written down.
    """
    with runtime.reading(actor) as work:
        feed = open_for_pulling(work, feed_name)
        reach = sources.reach_of(work, feed)
        package, offer = offers.of_feed(work, feed, reach, name)
    record = _find(reach, package, offer, name, version)
    if record.state is State.LOCAL:
        return False
    offered = offer.versions.get(record.key)
    if offered is None:
        return _adopt(runtime, actor, feed_name, record)
    files = [
        fetching.fetch(runtime, reach.format, offered, file, announce=announce, sink=sink)
        for file in offered.version.files
    ]
    with runtime.writing(actor) as work:
        feed = open_for_pulling(work, feed_name)
        check_free(work, feed, record.name)
        return fetching.keep(work, feed, reach.format, offered, files, fetching.PULLED)


def _adopt(runtime: Runtime, actor: Actor, feed_name: str, record: VersionRecord) -> bool:
    """Make a cached version the feed's own though no source offers it now: its bytes are here, and were verified."""
    with runtime.writing(actor) as work:
        feed = open_for_pulling(work, feed_name)
        check_free(work, feed, record.name)
        return fetching.adopt(work, feed, record)


def _find(reach: Reach, package: PackageRecord | None, offer: Offer, name: str, version: str) -> VersionRecord:
    spec = wanted_spec(Wanted(name, version))
    found = choose(reach.format, package, spec)
    if found is not None:
        return found
    if offer.kept:
        raise _kept(reach.feed_name, name, offer.kept)
    if offer.failures:
        said = " ".join(message for _, message in offer.failures)
        raise UpstreamFailed(f"{name} {version} could not be looked for: {said}", code="upstream-failed")
    if package is None:
        raise NotFound(
            f"No connector of {reach.feed_name} offers a package {name!r}; check its spelling and their filters.",
            code="unknown-package",
        )
    newest = ", ".join(each.version for each in package.versions[-5:])
    raise NotFound(
        f"No connector of {reach.feed_name} offers {name} {version}; the newest versions are {newest}.",
        code="unknown-version",
    )


def check_free(work: Work, feed: Feed, name: str) -> None:
    """Raise Conflict where a feed keeps a name for itself, maybe only since the bytes were asked for."""
    own = offers.is_own(work, feed, work.get_format(feed.format).name_key(name))
    kept = sources.reach_of(work, feed).names.kept(name, own=own)
    if kept:
        raise _kept(feed.name, name, kept)


def _kept(feed_name: str, name: str, why: str) -> Conflict:
    return Conflict(
        f"{name} is not filled from connectors of {feed_name}: {why}. "
        "Whoever manages the feed can allow the name in its settings.",
        code="name-kept",
        name=name,
    )


# As a job -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PullRequest:
    """Hold what somebody wants pulled; with a target, ``promote`` is promoted there once everything is here.

    ``with_dependencies`` leaves it to the job to find what else it takes.
    """

    feed: str
    items: tuple[Wanted, ...]
    target: str = ""
    promote: tuple[Wanted, ...] = ()
    comments: str = ""
    with_dependencies: bool = False


def request_for(plan: PullPlan, asked: Iterable[Wanted], target: str = "", comments: str = "") -> PullRequest:
    """Give the request that carries a plan out; what was asked for and its dependencies are promoted together."""
    items = tuple(Wanted(node.name, node.version) for node in plan.items)
    if not items:
        raise Invalid(f"Everything that can be pulled is in {plan.feed} already.", code="nothing-to-pull")
    promote = tuple(dict.fromkeys((*asked, *items))) if target else ()
    return PullRequest(plan.feed, items, target, promote, comments)


def start(work: Work, request: PullRequest) -> Job:
    """Begin pulling as a job, whose row is written before anything is done; needs Pull Package.

    To promote afterwards needs what promoting needs, asked now so that nobody waits for a refusal, and again then.
    """
    feed = open_for_pulling(work, request.feed)
    if not 0 < len(request.items) <= MAX_ITEMS:
        raise Invalid(f"A pull holds 1 to {MAX_ITEMS:,} versions, not {len(request.items):,}.", code="too-many")
    first = request.items[0]
    what = f"{first.name} {first.version}" if len(request.items) == 1 else f"{len(request.items):,} versions"
    title = f"Pull {what} into {feed.name}"
    data: dict[str, object] = {}
    if request.target:
        _check_target(work, request)
        title = f"Pull {what} into {feed.name} and promote to {request.target}"
        promote = [[item.name, item.version] for item in request.promote]
        data = {"target": request.target, "comments": request.comments, "promote": promote}
    if request.with_dependencies:
        data["withDependencies"] = True
    items = [jobs.NewItem(item.name, item.version) for item in request.items]
    return jobs.create(work, KIND, title, feed=feed, data=data, items=items)


def _check_target(work: Work, request: PullRequest) -> None:
    target = access.find_feed(work, request.target)
    if target is None:
        access.get_feed(work, request.target)
    access.require(work, Permission.ACCEPT_PROMOTIONS, target)
    if target is not None and target.comments_required and not request.comments.strip():
        raise Invalid(f"{target.name} asks for comments with every promotion; say why.", code="comments-required")
