"""Plan a pull: what it would bring into a feed, as a tree, before anything is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.domain.connectors import RemoteUse
from app.domain.errors import AppError, Invalid, InvalidPackage
from app.domain.permissions import Permission
from app.plugin.format import Dependency, DependencySpec, FeedFormat, SpecKind
from app.plugin.records import PackageRecord, State, VersionRecord
from app.services import offers, packages, publishing, sources
from app.services.offers import Offer, Offered
from app.services.plans import Wanted
from app.services.runtime import Actor, Runtime, Work
from app.services.sources import Reach
from app.storage.models import Feed

MAX_ITEMS = 5000
_MAX_NODES = 20_000
_AT_ONCE = 6
ALIASES = (packages.LATEST, packages.LATEST_STABLE)


class PullOutcome(StrEnum):
    """Say what a pull does about one version."""

    PULL = "pull"
    HELD = "held"
    KEPT = "kept"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class PullNode:
    """Hold one version in the tree of a pull, parents before children.

    ``parent`` is the position of what asked for it (None: the lead did), ``range`` what that wrote. A version that
    stands in the tree already is named again without its children (``again``). ``optional`` may be missing.
    """

    name: str
    version: str
    outcome: PullOutcome
    parent: int | None = None
    depth: int = 0
    range: str = ""
    group: str = ""
    optional: bool = False
    again: bool = False
    size: int = 0
    connector: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PullPlan:
    """Say what a pull would bring into a feed; ``failures`` are (connector, what happened)."""

    feed: str
    nodes: tuple[PullNode, ...]
    failures: tuple[tuple[str, str], ...] = ()

    @property
    def items(self) -> tuple[PullNode, ...]:
        """Give what would be pulled, each version once."""
        return tuple(node for node in self.nodes if node.outcome is PullOutcome.PULL and not node.again)

    @property
    def obstacles(self) -> tuple[PullNode, ...]:
        """Give what is needed and can be had nowhere."""
        bad = (PullOutcome.KEPT, PullOutcome.MISSING)
        return tuple(node for node in self.nodes if node.outcome in bad and not node.optional and not node.again)

    @property
    def size(self) -> int:
        """Give the bytes that would come, as far as the sources say."""
        return sum(node.size for node in self.items)


def open_for_pulling(work: Work, feed_name: str) -> Feed:
    """Give a feed that the actor may pull into; raise Forbidden, or Invalid where it has no connectors in use."""
    feed = publishing.open_for_writing(work, feed_name, Permission.PULL_PACKAGE)
    if feed.remote == RemoteUse.OFF or not feed.links:
        raise Invalid(
            f"The feed {feed.name} has no connectors in use; attach one on its Connectors page first.",
            code="no-connectors",
            feed=feed.name,
        )
    return feed


def plan(
    runtime: Runtime, actor: Actor, feed_name: str, wanted: Sequence[Wanted], *, with_dependencies: bool = False
) -> PullPlan:
    """Say what a pull would bring, and write nothing; needs Pull Package.

    With dependencies it is everything that installing the wanted versions takes, each in the version that the format's
    client would choose from what the feed holds and its connectors offer.
    """
    if not 0 < len(wanted) <= MAX_ITEMS:
        raise Invalid(f"A pull holds 1 to {MAX_ITEMS:,} versions, not {len(wanted):,}.", code="too-many")
    with runtime.reading(actor) as work:
        feed = open_for_pulling(work, feed_name)
        reach = sources.reach_of(work, feed)
    return _Planner(runtime, actor, reach).plan(wanted, with_dependencies=with_dependencies)


@dataclass(frozen=True, slots=True)
class _Ask:
    name: str
    spec: DependencySpec
    parent: int | None = None
    depth: int = 0
    range: str = ""
    group: str = ""
    optional: bool = False


@dataclass(slots=True)
class _Planner:
    """Walk the dependencies level by level, so that the sources are asked for a whole level at once."""

    runtime: Runtime
    actor: Actor
    reach: Reach
    nodes: list[PullNode] = field(default_factory=list)
    known: dict[str, tuple[PackageRecord | None, Offer]] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)

    @property
    def format(self) -> FeedFormat:
        return self.reach.format

    def plan(self, wanted: Sequence[Wanted], *, with_dependencies: bool) -> PullPlan:
        level = [_Ask(each.name, wanted_spec(each), range=each.version) for each in wanted]
        while level:
            self._learn({ask.name for ask in level})
            following: list[_Ask] = []
            for ask in level:
                version = self._place(ask)
                if version is not None and with_dependencies:
                    following += self._needs(version, len(self.nodes) - 1, ask.depth + 1)
            if len(self.nodes) + len(following) > _MAX_NODES:
                raise Invalid(
                    f"This pull would pass {_MAX_NODES:,} dependencies; pull in smaller steps.", code="too-many"
                )
            level = following
        failures = dict(failure for _, offer in self.known.values() for failure in offer.failures)
        return PullPlan(self.reach.feed_name, tuple(_as_tree(self.nodes)), tuple(sorted(failures.items())))

    def _learn(self, names: Iterable[str]) -> None:
        new = sorted({self._key(name): name for name in names if self._key(name) not in self.known}.items())
        with ThreadPoolExecutor(_AT_ONCE, "pull-plan") as pool:
            for (key, _), found in zip(new, pool.map(self._look, (name for _, name in new)), strict=True):
                self.known[key] = found

    def _key(self, name: str) -> str:
        try:
            return self.format.name_key(name)
        except InvalidPackage:
            return name

    def _look(self, name: str) -> tuple[PackageRecord | None, Offer]:
        with self.runtime.reading(self.actor) as work:
            feed = work.session.get_one(Feed, self.reach.feed_id)
            return offers.of_feed(work, feed, self.reach, name)

    def _place(self, ask: _Ask) -> VersionRecord | None:
        """Put one wanted version into the tree; give it where its own dependencies are still to be followed."""
        node = PullNode(
            ask.name, "", PullOutcome.MISSING, ask.parent, ask.depth, ask.range, ask.group, optional=ask.optional
        )
        if ask.spec.kind is SpecKind.UNRESOLVABLE:
            reason, outcome = ask.spec.reason, PullOutcome.ELSEWHERE
            self.nodes.append(replace(node, outcome=outcome, optional=True, reason=reason))
            return None
        package, offer = self.known[self._key(ask.name)]
        version = choose(self.format, package, ask.spec)
        if package is None or version is None:
            outcome = PullOutcome.KEPT if offer.kept else PullOutcome.MISSING
            self.nodes.append(replace(node, outcome=outcome, reason=self._why_missing(ask, package, offer)))
            return None
        return self._add(replace(node, name=version.name, version=version.version), package.key, version)

    def _add(self, node: PullNode, key: str, version: VersionRecord) -> VersionRecord | None:
        again = (key, version.key) in self.seen
        self.seen.add((key, version.key))
        outcome = PullOutcome.HELD if version.state is State.LOCAL else PullOutcome.PULL
        self.nodes.append(replace(node, outcome=outcome, again=again, size=version.size, connector=version.connector))
        return None if again else version

    def _why_missing(self, ask: _Ask, package: PackageRecord | None, offer: Offer) -> str:
        feed = self.reach.feed_name
        if offer.kept:
            return f"{ask.name} is not filled from connectors of {feed}: {offer.kept}."
        if package is None:
            answered = " that answered" if offer.failures else ""
            return f"Neither {feed} nor its connectors{answered} have a package {ask.name}."
        newest = ", ".join(version.version for version in package.versions[-3:])
        return f"No version of {ask.name} satisfies {ask.range or 'that'}; the newest are {newest}."

    def _needs(self, version: VersionRecord, parent: int, depth: int) -> Iterator[_Ask]:
        dependencies: dict[tuple[str, str], Dependency] = {}
        for file in self._detailed(version).files:
            for each in file.manifest.dependencies:
                if each.runtime or (each.optional and each.group == "optional"):
                    dependencies.setdefault((each.name, each.range), each)
        for each in dependencies.values():
            spec = self.format.classify(each.range)
            name = spec.name or each.name
            yield _Ask(name, spec, parent, depth, each.range, each.group, each.optional)

    def _detailed(self, version: VersionRecord) -> VersionRecord:
        """Give a version with what its source says only when asked further."""
        if version.state is not State.REMOTE:
            return version
        _, offer = self.known[self._key(version.name)]
        offered = offer.versions[version.key]
        if offered.version.manifest is not None:
            return version
        try:
            source = self.runtime.sources.upstream(self.runtime, self.format, offered.link)
            found = source.details(offered.version)
        except AppError:
            return version
        return offers.remote_record(self.format, Offered(offered.link, found, offered.key))


def wanted_spec(wanted: Wanted) -> DependencySpec:
    """Give what somebody wants in the shape of a dependency: an exact version's text, or the latest."""
    if wanted.version in ALIASES:
        return DependencySpec(SpecKind.TAG, tag=packages.LATEST)
    return DependencySpec(SpecKind.TAG, tag=f"={wanted.version}")


def choose(format: FeedFormat, package: PackageRecord | None, spec: DependencySpec) -> VersionRecord | None:
    """Give the version that the format's client would take of a package as the feed shows it, or None."""
    if package is None:
        return None
    if spec.kind is SpecKind.TAG:
        return _tagged(format, package, spec.tag or "")
    by_text = {version.version: version for version in package.versions}
    latest = package.tags.get(packages.LATEST)
    for listed in (True, False):
        texts = [text for text, version in by_text.items() if version.listed is listed]
        chosen = format.choose(texts, spec.range, latest if latest in texts else None)
        if chosen is not None:
            return by_text[chosen]
    return None


def _tagged(format: FeedFormat, package: PackageRecord, tag: str) -> VersionRecord | None:
    text = tag[1:] if tag.startswith("=") else package.tags.get(tag)
    if text is None and tag == packages.LATEST:
        text = packages.resolve_alias(package, tag)
    try:
        return package.version(format.version_key(text)) if text else None
    except InvalidPackage:
        return None


def _as_tree(nodes: Sequence[PullNode]) -> Iterator[PullNode]:
    """Give nodes that were found level by level as a tree: each followed by its children, at their new positions."""
    children: dict[int | None, list[int]] = {}
    for position, node in enumerate(nodes):
        children.setdefault(node.parent, []).append(position)
    moved: dict[int | None, int | None] = {None: None}
    waiting = list(reversed(children.get(None, [])))
    count = 0
    while waiting:
        position = waiting.pop()
        node, moved[position] = nodes[position], count
        count += 1
        yield replace(node, parent=moved[node.parent])
        waiting += reversed(children.get(position, []))
