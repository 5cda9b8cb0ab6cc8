"""``promontory promote``: plan and apply a promotion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.text import Text
from rich.tree import Tree

from app.cli import console
from app.cli.commands import printable
from app.cli.jobs import ended, follow
from app.cli.packages import named
from app.domain.errors import AppError, Invalid
from app.domain.promotion import Outcome, Plan, PlanItem
from app.plugin.format import FeedFormat
from app.services import promotions, pulls
from app.services.promotions import PlanStale, PromotionRequest, PromotionResult, Wanted
from app.services.runtime import Runtime
from app.storage.models import Promotion

_SHOWN = 50
# In the order in which they matter to whoever looks at a plan.
_WORDS = {
    Outcome.CONFLICT: ("in conflict", "bold red"),
    Outcome.REFUSED: ("refused", "bold red"),
    Outcome.MISSING: ("missing", "bold red"),
    Outcome.REMOTE: ("to be pulled first", "yellow"),
    Outcome.ADD: ("to add", "green"),
    Outcome.UNCHANGED: ("there already", "dim"),
}


@click.command(
    epilog=console.examples(
        'promontory promote express 5.3.0 --from npm-dev --to npm-prod --comments "reviewed"',
        "promontory promote express latest --also @scope/ui@1.2.0 --from npm-dev --to npm-prod --dry-run",
        "promontory promote express latest --from npm-dev --to npm-prod --pull",
    )
)
@click.argument("name", required=False)
@click.argument("version", required=False)
@click.option("--from", "source", required=True, metavar="FEED", help="The feed that holds the versions.")
@click.option("--to", "target", required=True, metavar="FEED", help="The feed that gets them.")
@click.option("--comments", default="", help="Why; history shows it.")
@click.option("--also", multiple=True, metavar="NAME@VERSION", help="A further version; may be repeated.")
@click.option("--items-from", type=click.File(), help="A file of lines 'NAME VERSION'; - is stdin.")
@click.option("--pull", is_flag=True, help="Pull what only a connector of the source has, then promote all.")
@click.option("--dry-run", is_flag=True, help="Show the plan and do nothing.")
@click.option("--fingerprint", help="Only if the plan is still the one with this fingerprint.")
@click.option("--idempotency-key", help="Any text: the same one again gives the first answer again.")
@console.json_option
@console.data_option
def promote(
    *,
    name: str | None,
    version: str | None,
    source: str,
    target: str,
    comments: str,
    also: tuple[str, ...],
    items_from: Iterable[str] | None,
    pull: bool,
    dry_run: bool,
    fingerprint: str | None,
    idempotency_key: str | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Promote versions from one feed to another, all or none.

    VERSION is a version, latest or latest-stable. What is in the target with the same bytes is left alone; what is
    there with other bytes is a conflict, and never overwritten.
    """
    items = tuple(_items(name, version, also, items_from))
    wanted = PromotionRequest(source, target, items, comments, fingerprint, idempotency_key)
    with console.opened(data) as runtime:
        show = _Answer(runtime, as_json=as_json)
        if dry_run:
            show.plan(_plan(runtime, wanted), refuse=True)
            return
        if pull and _pull(runtime, wanted, as_json=as_json):
            return
        try:
            result = promotions.promote(runtime, console.me(), wanted)
        except AppError as error:
            show.refused(error, wanted)
            raise
        show.done(result)


def _pull(runtime: Runtime, wanted: PromotionRequest, *, as_json: bool) -> bool:
    """Pull what a promotion lacks and promote all of it, as one job; give False where nothing is to be pulled."""
    drawn = _plan(runtime, wanted)
    lacking = tuple(Wanted(item.name, item.version) for item in drawn.items if item.outcome is Outcome.REMOTE)
    if not lacking:
        return False
    promote = tuple(Wanted(item.name, item.version) for item in drawn.items)
    with runtime.writing(console.me()) as work:
        request = pulls.PullRequest(wanted.source, lacking, wanted.target, promote, wanted.comments)
        number = pulls.start(work, request).id
    ended(runtime, follow(runtime, number), as_json=as_json)
    return True


def _items(name: str | None, version: str | None, also: Iterable[str], lines: Iterable[str] | None) -> Iterator[Wanted]:
    if name is not None:
        if version is None:
            raise click.UsageError("Name a version: NAME VERSION, where VERSION may be latest.")
        yield Wanted(name, version)
    elif lines is None:
        raise click.UsageError("Name what to promote: NAME VERSION, or --items-from FILE.")
    for text in also:
        bare, _, wanted = text.rpartition("@")
        yield Wanted(*_both(text, (bare, wanted)))
    for line in lines or ():
        if line.strip() and not line.startswith("#"):
            yield Wanted(*_both(line.strip(), line.split()))


def _both(text: str, parts: Iterable[str]) -> tuple[str, str]:
    found = [part for part in parts if part]
    if len(found) != 2:
        raise Invalid(f"{text!r} is not a name and a version; write --also NAME@VERSION, or lines 'NAME VERSION'.")
    return found[0], found[1]


def _plan(runtime: Runtime, wanted: PromotionRequest) -> Plan:
    with runtime.reading(console.me()) as work:
        return promotions.plan(work, wanted)


class _Answer:
    """Show plans and results, as a tree for people or as JSON."""

    def __init__(self, runtime: Runtime, *, as_json: bool) -> None:
        self._runtime, self._as_json = runtime, as_json

    def plan(self, drawn: Plan, *, refuse: bool = False) -> None:
        """Show a plan; raise what applying it would be refused with."""
        if self._as_json:
            console.show_json(plan_shape(self._runtime.get_format(drawn.source.format), drawn))
        else:
            console.show(tree(drawn))
            console.say(f"Fingerprint {drawn.fingerprint}")
        error = promotions.refusal(drawn)
        if refuse and error is not None:
            raise error

    def refused(self, error: AppError, wanted: PromotionRequest) -> None:
        """Show the plan behind a refusal, where there is one."""
        if isinstance(error, PlanStale):
            self.plan(error.plan)
            return
        try:
            drawn = _plan(self._runtime, wanted)
        except AppError:
            return
        if not drawn.applicable:
            self.plan(drawn)

    def done(self, result: PromotionResult) -> None:
        """Show what was done."""
        if self._as_json:
            console.show_json(self._shape(result))
            return
        if result.plan is not None:
            console.show(tree(result.plan))
        if result.promotion is None:
            console.say("Nothing to do: everything is there already.")
        else:
            words = "Answered before" if result.repeated else "Promoted"
            console.say(
                f"{words}: promotion {result.promotion.id}, {console.count(result.promotion.item_count, 'version')}."
            )

    def _shape(self, result: PromotionResult) -> dict[str, Any]:
        about = record_shape(result.promotion) if result.promotion is not None else {"id": None}
        if result.plan is not None:
            drawn = plan_shape(self._runtime.get_format(result.plan.source.format), result.plan)
            return {**drawn, **about, "repeated": result.repeated}
        return {**about, "repeated": result.repeated}


def tree(drawn: Plan) -> Tree:
    """Draw a plan: outcomes, and the versions of each."""
    top = Tree(Text(f"{drawn.source.name} -> {drawn.target.name}", style="bold"))
    for objection in drawn.objections:
        top.add(Text(printable(objection.reason), style="bold red"))
    for outcome, (words, style) in _WORDS.items():
        items = [item for item in drawn.items if item.outcome is outcome]
        if items:
            size = f", {console.bytes_text(drawn.size)}" if outcome is Outcome.ADD else ""
            _grow(top.add(Text(f"{len(items):,} {words}{size}", style=style)), items)
    return top


def _grow(branch: Tree, items: list[PlanItem]) -> None:
    for item in items[:_SHOWN]:
        digest = f"  {item.digest[:12]}" if item.digest else ""
        leaf = branch.add(Text(printable(f"{item.name} {item.version}{digest}")))
        if item.reason:
            leaf.add(Text(printable(item.reason), style="dim"))
    if len(items) > _SHOWN:
        branch.add(Text(f"and {len(items) - _SHOWN:,} more", style="dim"))


def plan_shape(format: FeedFormat, drawn: Plan) -> dict[str, Any]:
    """Give a plan as the API does."""
    return {
        "fromFeed": drawn.source.name,
        "toFeed": drawn.target.name,
        "applicable": drawn.applicable,
        "fingerprint": drawn.fingerprint,
        "size": drawn.size,
        "counts": {str(outcome): drawn.count(outcome) for outcome in Outcome},
        "items": [_item_shape(format, item) for item in drawn.items],
        "objections": [{"code": each.code, "reason": each.reason} for each in drawn.objections],
    }


def _item_shape(format: FeedFormat, item: PlanItem) -> dict[str, Any]:
    more = {"digest": item.digest, "targetDigest": item.target_digest, "code": item.code, "reason": item.reason}
    return {
        **named(format, item.name),
        "version": item.version,
        "outcome": str(item.outcome),
        "size": item.size,
        **{name: value for name, value in more.items() if value},
    }


def record_shape(promotion: Promotion) -> dict[str, Any]:
    """Give a promotion's record as the API does."""
    return {
        "id": promotion.id,
        "fromFeed": promotion.source_name,
        "toFeed": promotion.target_name,
        "date": console.moment(promotion.at),
        "user": promotion.actor,
        "comments": promotion.comments,
    }
