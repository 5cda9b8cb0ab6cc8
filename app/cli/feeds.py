"""``promontory feed``: feeds and their settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app.cli import console
from app.domain.connectors import RemoteUse
from app.domain.errors import Invalid
from app.domain.promotion import Accepts, PromoteTo
from app.services import access, feeds, listings
from app.services.feeds import FeedChange
from app.services.runtime import Work
from app.storage.models import Feed


@click.group()
def feed() -> None:
    """Create, list and change feeds."""


def _remote_options(command: Any) -> Any:
    """Give a command the options that say what a feed's connectors are for."""
    for option in (
        click.option(
            "--allow", "allowed", multiple=True, metavar="PATTERN", help="Names filled though they are its own."
        ),
        click.option("--reserve", "reserved", multiple=True, metavar="PATTERN", help="Names never filled, as acme.*."),
        click.option(
            "--remote",
            type=click.Choice([str(use) for use in RemoteUse]),
            help="What remote packages are for: cache serves them to clients too.",
        ),
        click.option(
            "--connector", "connectors", multiple=True, help="A connector it asks; may be repeated, in order."
        ),
    ):
        command = option(command)
    return command


def _remote(
    *, remote: str | None, connectors: Sequence[str], reserved: Sequence[str], allowed: Sequence[str]
) -> dict[str, Any]:
    return {
        "remote": RemoteUse(remote) if remote is not None else None,
        "connectors": _listed(connectors),
        "reserved_names": _listed(reserved),
        "allowed_names": _listed(allowed),
    }


def _listed(texts: Sequence[str]) -> list[str] | None:
    """Give what a repeated option says: None for nothing, and no items for one empty text."""
    return [text for text in texts if text] if texts else None


def _change(
    promote_to: Sequence[str], *, promote_anywhere: bool, no_promotion: bool, promotions_only: bool | None, **more: Any
) -> FeedChange:
    if sum(map(bool, (promote_to, promote_anywhere, no_promotion))) > 1:
        raise Invalid("Say one of --promote-to, --promote-anywhere and --no-promotion.")
    rule = PromoteTo.ANY if promote_anywhere else PromoteTo.DISABLED if no_promotion else None
    accepts = None if promotions_only is None else Accepts.PROMOTIONS if promotions_only else Accepts.ANYTHING
    targets = list(promote_to) or (None if rule is None else [])
    return FeedChange(promote_to=rule, targets=targets, accepts=accepts, **more)


@feed.command(
    epilog=console.examples(
        "promontory feed create npm-prod --format npm --promotions-only --require-comments",
        "promontory feed create npm-dev --format npm --promote-to npm-prod",
    )
)
@click.argument("name")
@click.option("--format", "format_key", required=True, help="npm, universal, ...: see 'promontory formats'.")
@click.option("--group", default=None, help="The feed group that it belongs to.")
@click.option("--description", default=None, help="What the feed is for.")
@click.option("--promotions-only", is_flag=True, default=None, help="Take nothing but promotions.")
@click.option("--promote-to", multiple=True, metavar="FEED", help="Promote to this feed only; may be repeated.")
@click.option("--no-promotion", is_flag=True, help="Promote to no feed.")
@click.option("--allow-overwrite", is_flag=True, default=None, help="Let who may overwrite do it.")
@click.option("--require-comments", is_flag=True, default=None, help="Want a comment with every promotion into it.")
@_remote_options
@console.json_option
@console.data_option
def create(
    *,
    name: str,
    format_key: str,
    group: str | None,
    description: str | None,
    promotions_only: bool | None,
    promote_to: tuple[str, ...],
    no_promotion: bool,
    allow_overwrite: bool | None,
    require_comments: bool | None,
    as_json: bool,
    data: Path | None,
    **remote: Any,
) -> None:
    """Create a feed."""
    change = _change(
        promote_to,
        promote_anywhere=False,
        no_promotion=no_promotion,
        promotions_only=promotions_only,
        description=description,
        group=group,
        allow_overwrite=allow_overwrite,
        comments_required=require_comments,
        **_remote(**remote),
    )
    with console.opened(data, create=True) as runtime, runtime.writing(console.me()) as work:
        shape = _shape(work, feeds.create_feed(work, name, format_key, change))
    _done(shape, f"Created the {shape['feedType']} feed {name}.", as_json=as_json)


@feed.command(
    "set",
    epilog=console.examples(
        "promontory feed set npm-prod --promotions-only --require-comments",
        "promontory feed set npm-dev --connector public --reserve '@acme/*' --remote cache",
        "promontory feed set npm-dev --connector ''",
    ),
)
@click.argument("name")
@click.option("--name", "new_name", default=None, help="A new name; addresses change with it.")
@click.option("--group", default=None, help="Its feed group; an empty text takes it out.")
@click.option("--description", default=None, help="What the feed is for.")
@click.option("--active/--inactive", default=None, help="Serve it, or not.")
@click.option("--promotions-only/--accept-anything", default=None, help="Take nothing but promotions, or all.")
@click.option("--promote-to", multiple=True, metavar="FEED", help="Promote to this feed only; may be repeated.")
@click.option("--promote-anywhere", is_flag=True, help="Promote to any feed of the format.")
@click.option("--no-promotion", is_flag=True, help="Promote to no feed.")
@click.option("--allow-overwrite/--no-overwrite", default=None, help="Let who may overwrite do it, or nobody.")
@click.option("--require-comments/--no-require-comments", default=None, help="Want a comment with every promotion.")
@_remote_options
@console.json_option
@console.data_option
def set_(
    *,
    name: str,
    new_name: str | None,
    group: str | None,
    description: str | None,
    active: bool | None,
    promotions_only: bool | None,
    promote_to: tuple[str, ...],
    promote_anywhere: bool,
    no_promotion: bool,
    allow_overwrite: bool | None,
    require_comments: bool | None,
    as_json: bool,
    data: Path | None,
    **remote: Any,
) -> None:
    """Change a feed's settings; what is not named stays.

    Connectors and patterns that are named replace those that the feed has; one empty text drops them all.
    """
    change = _change(
        promote_to,
        promote_anywhere=promote_anywhere,
        no_promotion=no_promotion,
        promotions_only=promotions_only,
        name=new_name,
        group=group,
        description=description,
        active=active,
        allow_overwrite=allow_overwrite,
        comments_required=require_comments,
        **_remote(**remote),
    )
    with console.opened(data) as runtime, runtime.writing(console.me()) as work:
        shape = _shape(work, feeds.update_feed(work, name, change))
    _done(shape, f"Changed the feed {shape['name']}.", as_json=as_json)


def _done(shape: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        console.show_json(shape)
    else:
        console.say(words)


@feed.command("list")
@console.json_option
@console.data_option
def list_(*, as_json: bool, data: Path | None) -> None:
    """List the feeds with what they hold."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        shapes = [_shape(work, each) for each in access.visible_feeds(work)]
    if as_json:
        console.show_json(shapes)
        return
    rows = (
        (s["name"], s["feedType"], s["feedGroup"] or "", s["packages"], s["versions"], _rules(s), s["description"])
        for s in shapes
    )
    columns = ("Name", "Format", "Group", "Packages", "Versions", "Rules", "Description")
    console.show_table(columns, rows, right=("Packages", "Versions"))


@feed.command()
@click.argument("name")
@console.json_option
@console.data_option
def show(*, name: str, as_json: bool, data: Path | None) -> None:
    """Show one feed's settings."""
    with console.opened(data) as runtime, runtime.reading(console.me()) as work:
        shape = _shape(work, access.get_feed(work, name))
    if as_json:
        console.show_json(shape)
        return
    facts = {
        "Name": shape["name"],
        "Format": shape["feedType"],
        "Group": shape["feedGroup"] or "",
        "Description": shape["description"],
        "Rules": _rules(shape),
        "Packages": shape["packages"],
        "Versions": shape["versions"],
        "Downloads": shape["downloads"],
    }
    console.show_table(("Setting", "Value"), facts.items())


@feed.command()
@click.argument("name")
@console.yes_option
@console.data_option
def delete(*, name: str, yes: bool, data: Path | None) -> None:
    """Delete a feed with all that it holds; history keeps its name."""
    with console.opened(data) as runtime:
        with runtime.reading(console.me()) as work:
            shape = _shape(work, access.get_feed(work, name))
        console.confirm(
            f"Delete the feed {shape['name']} with its {console.count(shape['versions'], 'version')}?", yes=yes
        )
        with runtime.writing(console.me()) as work:
            number = feeds.delete_feed(work, name)
    console.say(f"Deleted the feed {shape['name']} with {console.count(number, 'version')}.")


def _rules(shape: dict[str, Any]) -> str:
    rules = [
        ("inactive", not shape["active"]),
        ("promotions only", shape["acceptsPromotionsOnly"]),
        ("promotes to " + ", ".join(shape["promoteToFeed"]), bool(shape["promoteToFeed"])),
        ("promotes nowhere", shape["promotionDisabled"]),
        ("overwriting allowed", shape["allowOverwrite"]),
        ("comments required", shape["commentsRequired"]),
        ("asks " + ", ".join(shape["connectors"]), bool(shape["connectors"])),
        ("serves and caches remote packages", bool(shape["connectors"]) and shape["remote"] == RemoteUse.CACHE),
    ]
    return "; ".join(words for words, holds in rules if holds)


def _shape(work: Work, feed: Feed) -> dict[str, Any]:
    held = listings.counts(work, [feed.id]).get(feed.id, (0, 0, 0))
    return {
        "name": feed.name,
        "feedType": feed.format,
        "description": feed.description,
        "active": feed.active,
        "feedGroup": feed.group.name if feed.group else None,
        "acceptsPromotionsOnly": feed.accepts == Accepts.PROMOTIONS,
        "promoteToFeed": [target.name for target in feed.targets],
        "promotionDisabled": feed.promote_to == PromoteTo.DISABLED,
        "allowOverwrite": feed.allow_overwrite,
        "commentsRequired": feed.comments_required,
        "connectors": [link.connector.name for link in feed.links],
        "remote": str(feed.remote),
        "reservedNames": list(feed.reserved_names),
        "allowedNames": list(feed.allowed_names),
        "packages": held[0],
        "versions": held[1],
        "downloads": held[2],
    }
