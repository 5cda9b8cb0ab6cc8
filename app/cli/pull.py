"""``promontory pull``: what connectors offer, brought into a feed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.text import Text
from rich.tree import Tree

from app.cli import console
from app.cli.commands import Refusal, printable
from app.cli.jobs import ended, follow
from app.services import pullplans, pulls
from app.services.plans import Wanted
from app.services.pullplans import PullNode, PullOutcome, PullPlan

_WORDS = {
    PullOutcome.PULL: ("", "green"),
    PullOutcome.HELD: ("there already", "dim"),
    PullOutcome.KEPT: ("kept out", "bold red"),
    PullOutcome.MISSING: ("missing", "bold red"),
    PullOutcome.ELSEWHERE: ("not from a feed", "yellow"),
}


@click.command(
    epilog=console.examples(
        "promontory pull express latest --feed npm-unapproved --with-dependencies --dry-run",
        "promontory pull express 5.1.0 --feed npm-unapproved --with-dependencies",
        "promontory pull express 5.1.0 --feed npm-dev --promote-to npm-prod --comments reviewed",
    )
)
@click.argument("name")
@click.argument("version", default="latest")
@click.option("--feed", "feed_name", required=True, help="The feed that gets it.")
@click.option("--with-dependencies", is_flag=True, help="With everything that installing it takes.")
@click.option("--promote-to", "target", default="", metavar="FEED", help="Promote it there once everything is here.")
@click.option("--comments", default="", help="Why; the promotion's history shows it.")
@click.option("--partial", is_flag=True, help="Pull the rest though something that it takes is missing.")
@click.option("--dry-run", is_flag=True, help="Show what would come and do nothing.")
@console.json_option
@console.data_option
def pull(
    *,
    name: str,
    version: str,
    feed_name: str,
    with_dependencies: bool,
    target: str,
    comments: str,
    partial: bool,
    dry_run: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Pull a version from a feed's connectors into the feed.

    VERSION is a version, latest or latest-stable. Each version comes whole or not at all, verified against what its
    source declares. Ctrl+C stops; what is here stays, and pulling again fetches only what is missing.
    """
    wanted = (Wanted(name, version),)
    with console.opened(data) as runtime:
        plan = pullplans.plan(runtime, console.me(), feed_name, wanted, with_dependencies=with_dependencies)
        if dry_run:
            _show(plan, as_json=as_json)
        _refuse(plan, partial=partial)
        if dry_run:
            return
        if not plan.items:
            _nothing(plan, as_json=as_json)
            return
        asked = [Wanted(node.name, node.version) for node in plan.nodes if node.parent is None]
        request = pulls.request_for(plan, asked, target, comments)
        with runtime.writing(console.me()) as work:
            number = pulls.start(work, request).id
        ended(runtime, follow(runtime, number), as_json=as_json)


def _refuse(plan: PullPlan, *, partial: bool) -> None:
    """Raise Refusal where what was asked for, or something that it takes, can be had nowhere."""
    obstacles = [node for node in plan.obstacles if node.parent is None or not partial]
    if obstacles:
        more = f" ({len(obstacles) - 1:,} more; --dry-run shows all.)" if len(obstacles) > 1 else ""
        hint = " Say --partial to pull the rest all the same." if obstacles[0].parent is not None else ""
        raise Refusal(printable(obstacles[0].reason + more + hint))


def _nothing(plan: PullPlan, *, as_json: bool) -> None:
    if as_json:
        console.show_json(plan_shape(plan))
    else:
        console.say(f"Nothing to do: everything is in {plan.feed} already.")


def _show(plan: PullPlan, *, as_json: bool) -> None:
    if as_json:
        console.show_json(plan_shape(plan))
        return
    size = f", {console.bytes_text(plan.size)}" if plan.size else ""
    top = Tree(Text(f"{plan.feed}: {console.count(len(plan.items), 'version')} to pull{size}", style="bold"))
    branches: list[Tree] = []
    for node in plan.nodes:
        parent = top if node.parent is None else branches[node.parent]
        branches.append(parent.add(_line(node)))
    console.show(top)
    for name, said in plan.failures:
        console.note(f"{name}: {said}")


def _line(node: PullNode) -> Text:
    words, style = _WORDS[node.outcome]
    asked = f" ({node.range})" if node.range and node.range != node.version else ""
    more = ", ".join(each for each in (words, "see above" if node.again else "", node.reason) if each)
    return Text(printable(f"{node.name} {node.version}{asked}{': ' + more if more else ''}"), style=style)


def plan_shape(plan: PullPlan) -> dict[str, Any]:
    """Give the plan of a pull as JSON."""
    return {
        "feed": plan.feed,
        "versions": len(plan.items),
        "obstacles": len(plan.obstacles),
        "size": plan.size,
        "nodes": [
            {
                "package": node.name,
                "version": node.version,
                "outcome": str(node.outcome),
                "parent": node.parent,
                "range": node.range,
                "optional": node.optional,
                "again": node.again,
                "size": node.size,
                "connector": node.connector,
                "reason": node.reason,
            }
            for node in plan.nodes
        ],
        "failures": [{"connector": name, "failure": said} for name, said in plan.failures],
    }
