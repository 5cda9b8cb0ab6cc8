"""Decide what a promotion would do: pure functions over facts that a service fetched."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Name what happens to one version when a plan is applied."""

    ADD = "add"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    REMOTE = "remote"
    MISSING = "missing"
    REFUSED = "refused"


class PromoteTo(StrEnum):
    """Say which feeds a feed's versions may be promoted to."""

    ANY = "any"
    DISABLED = "disabled"
    LIST = "list"


class Accepts(StrEnum):
    """Say how versions may enter a feed."""

    ANYTHING = "anything"
    PROMOTIONS = "promotions"


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """Hold what the rules need to know of a feed.

    ``targets`` are the feeds that its Promote to lists, ``leads_to`` all that its pipeline reaches; ``connected``
    says that it has connectors in use.
    """

    id: int
    name: str
    format: str
    serial: int
    promote_to: PromoteTo = PromoteTo.ANY
    targets: frozenset[int] = frozenset()
    leads_to: frozenset[int] = frozenset()
    accepts: Accepts = Accepts.ANYTHING
    active: bool = True
    comments_required: bool = False
    connected: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold what is known of one wanted version on both sides; digests name a version's whole content.

    ``digest`` is None when the source does not hold the version; ``elsewhere`` then lists feeds that do. ``remote``
    names the connector where the source could get it, or has no more than a cached copy from it.
    """

    name: str
    version: str
    name_key: str
    version_key: str
    source_version_id: int | None = None
    digest: str | None = None
    target_digest: str | None = None
    size: int = 0
    elsewhere: tuple[str, ...] = ()
    remote: str = ""


@dataclass(frozen=True, slots=True)
class Objection:
    """Hold one reason against a promotion: a sentence that says what to do about it.

    Without a name it speaks of the whole promotion.
    """

    reason: str
    code: str = "refused"
    name: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class PlanItem:
    """Say what happens to one version, and why not where it does not."""

    name: str
    version: str
    outcome: Outcome
    name_key: str
    version_key: str
    digest: str | None = None
    target_digest: str | None = None
    size: int = 0
    reason: str = ""
    code: str = ""
    source_version_id: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Say everything a promotion would do, before it is done."""

    source: FeedFacts
    target: FeedFacts
    items: tuple[PlanItem, ...]
    objections: tuple[Objection, ...]
    fingerprint: str

    def count(self, outcome: Outcome) -> int:
        """Count the items of one outcome."""
        return Counter(item.outcome for item in self.items)[outcome]

    @property
    def applicable(self) -> bool:
        """Tell whether the plan can be applied: nothing in it is in conflict, missing, remote or refused."""
        fine = (Outcome.ADD, Outcome.UNCHANGED)
        return not self.objections and all(item.outcome in fine for item in self.items)

    @property
    def additions(self) -> tuple[PlanItem, ...]:
        """Give the items that the promotion would add."""
        return tuple(item for item in self.items if item.outcome is Outcome.ADD)

    @property
    def size(self) -> int:
        """Give the bytes that the promotion would add."""
        return sum(item.size for item in self.additions)


def feed_objections(
    source: FeedFacts, target: FeedFacts, why_not_promotable: str | None = None
) -> tuple[Objection, ...]:
    """List the rules of the two feeds that stand against promoting anything between them."""
    found: list[Objection] = []
    if source.id == target.id:
        found.append(Objection(f"{source.name} is both source and target; choose another target feed.", "same-feed"))
    if source.format != target.format:
        found.append(
            Objection(
                f"{source.name} holds {source.format} packages and {target.name} holds {target.format} packages; "
                f"choose a target feed of the format {source.format}.",
                "format-mismatch",
            )
        )
    if why_not_promotable is not None:
        found.append(Objection(why_not_promotable, "not-promotable"))
    found.extend(
        Objection(f"The feed {feed.name} is deactivated; activate it in its settings first.", "inactive")
        for feed in (source, target)
        if not feed.active
    )
    return (*found, *_promote_to_objections(source, target))


def _promote_to_objections(source: FeedFacts, target: FeedFacts) -> tuple[Objection, ...]:
    if source.promote_to is PromoteTo.DISABLED:
        reason = f"Promotion from {source.name} is disabled; change Promote to in its settings."
        return (Objection(reason, "promotion-disabled"),)
    if source.promote_to is PromoteTo.LIST and target.id not in source.targets:
        reason = f"{source.name} may not be promoted to {target.name}; add it to Promote to in its settings."
        return (Objection(reason, "target-not-allowed"),)
    if source.id in target.leads_to and target.id not in source.targets:
        reason = f"{target.name} is an earlier stage than {source.name}; packages are promoted forward only."
        return (Objection(reason, "backward"),)
    return ()


def reachable(start: int, targets: Mapping[int, Iterable[int]]) -> frozenset[int]:
    """Give every feed that a pipeline reaches from one feed, by the ids that each feed's Promote to lists."""
    found: set[int] = set()
    waiting = list(targets.get(start, ()))
    while waiting:
        feed = waiting.pop()
        if feed not in found:
            found.add(feed)
            waiting.extend(targets.get(feed, ()))
    return frozenset(found)


def decide(source: FeedFacts, target: FeedFacts, candidate: Candidate) -> PlanItem:
    """Decide the outcome of one version.

    Same bytes are left alone; other bytes under the same version are never overwritten, for nobody.
    """
    outcome, reason, code = Outcome.ADD, "", ""
    if candidate.remote:
        outcome, code = Outcome.REMOTE, "remote"
        reason = (
            f"{candidate.name} {candidate.version} is not in {source.name} itself, only its connector "
            f"{candidate.remote} offers it: pull it first, or pull and promote in one go."
        )
    elif candidate.digest is None:
        outcome, code = Outcome.MISSING, "missing"
        reason = _missing(source, candidate)
    elif candidate.target_digest == candidate.digest:
        outcome = Outcome.UNCHANGED
    elif candidate.target_digest is not None:
        outcome, code = Outcome.CONFLICT, "conflict"
        reason = (
            f"{target.name} already holds {candidate.name} {candidate.version} with other bytes "
            f"({candidate.target_digest[:12]}, here {candidate.digest[:12]}); a promotion never overwrites: "
            f"publish a new version, or delete the one in {target.name} first."
        )
    return PlanItem(
        candidate.name,
        candidate.version,
        outcome,
        candidate.name_key,
        candidate.version_key,
        candidate.digest,
        candidate.target_digest,
        candidate.size,
        reason,
        code,
        candidate.source_version_id,
    )


def _missing(source: FeedFacts, candidate: Candidate) -> str:
    thing = f"{candidate.name} {candidate.version}".strip()
    if candidate.elsewhere:
        feeds = ", ".join(candidate.elsewhere)
        return f"{thing} is not in {source.name}, but it is in {feeds}; promote it from there."
    if source.connected:
        return f"{thing} is not in {source.name} itself; check the spelling, or pull it there from a connector first."
    return f"{thing} is not in {source.name}; check the spelling, or publish it there first."


def plan(
    source: FeedFacts,
    target: FeedFacts,
    candidates: Sequence[Candidate],
    objections: Iterable[Objection] = (),
) -> Plan:
    """Make the plan of a promotion from facts and objections; objections that name a version refuse that item.

    The fingerprint covers item digests on both sides, both feeds' serials and the rules in force.
    """
    raised = tuple(objections)
    against = {(o.name, o.version): o for o in raised if o.name is not None}
    items = tuple(
        _refuse(item, against.get((item.name, item.version)))
        for item in (decide(source, target, candidate) for candidate in candidates)
    )
    general = tuple(o for o in raised if o.name is None)
    return Plan(source, target, items, general, fingerprint(source, target, items, raised))


def _refuse(item: PlanItem, objection: Objection | None) -> PlanItem:
    if objection is None or item.outcome is not Outcome.ADD:
        return item
    return PlanItem(
        item.name,
        item.version,
        Outcome.REFUSED,
        item.name_key,
        item.version_key,
        item.digest,
        item.target_digest,
        item.size,
        objection.reason,
        objection.code,
        item.source_version_id,
    )


def fingerprint(
    source: FeedFacts, target: FeedFacts, items: Iterable[PlanItem], objections: Iterable[Objection]
) -> str:
    """Give the SHA-256 (hex) that changes whenever a fact behind a plan changes."""
    facts = {
        "source": [source.id, source.serial, source.promote_to, sorted(source.targets), source.active],
        "target": [target.id, target.serial, target.accepts, target.comments_required, target.active],
        "items": [[i.name_key, i.version_key, i.outcome, i.digest, i.target_digest] for i in items],
        "objections": [[o.code, o.reason, o.name, o.version] for o in objections],
    }
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


def content_digest(files: Iterable[tuple[str, str]]) -> str:
    """Give the digest (SHA-256 hex) of a version's whole content from its (variant, file SHA-256) pairs."""
    lines = "".join(f"{variant}\0{sha256}\n" for variant, sha256 in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()
