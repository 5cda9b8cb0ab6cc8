"""``promontory formats`` and ``promontory check-plugin``: what plugins bring, and whether they keep the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.bootstrap import open_plugins
from app.cli import console
from app.cli.commands import UNEXPECTED, Refusal, load
from app.plugin.format import FeedFormat
from app.plugin.loading import Plugins


@click.command()
@console.json_option
@console.data_option
def formats(*, as_json: bool, data: Path | None) -> None:
    """List the formats, and the plugins that failed to load."""
    plugins = open_plugins(console.settings_of(data))
    failures = [source for source in plugins.sources if source.failure]
    if as_json:
        broken = [{"name": each.name, "origin": each.origin, "failure": each.failure} for each in failures]
        console.show_json({"formats": [_shape(plugins, each) for each in _sorted(plugins)], "failures": broken})
        return
    rows = ((e.key, e.title, f"/{e.prefix}/", _features(e), _origin(plugins, e)) for e in _sorted(plugins))
    console.show_table(("Key", "Title", "Address", "Features", "From"), rows)
    for each in failures:
        console.note(f"The plugin {each.name} ({each.origin}) failed to load: {each.failure}")


def _sorted(plugins: Plugins) -> list[FeedFormat]:
    return sorted(plugins.formats.values(), key=lambda format: format.key)


def _features(format: FeedFormat) -> str:
    promotes = () if format.promotable else ("not promotable",)
    return ", ".join([*sorted(format.features), *promotes])


def _origin(plugins: Plugins, format: FeedFormat) -> str:
    return next((source.origin for source in plugins.sources if format.key in source.formats), "")


def _shape(plugins: Plugins, format: FeedFormat) -> dict[str, Any]:
    return {
        "key": format.key,
        "title": format.title,
        "prefix": format.prefix,
        "packageType": format.purl_type,
        "aliases": list(format.aliases),
        "features": sorted(format.features),
        "promotable": format.promotable,
        "whyNotPromotable": format.why_not_promotable,
        "origin": _origin(plugins, format),
    }


@click.command(
    "check-plugin",
    epilog=console.examples(
        "promontory check-plugin ~/plugins/conan",
    ),
)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@console.json_option
def check_plugin(*, directory: Path, as_json: bool) -> None:
    """Run the contract suite on a plugin folder."""
    # By name: the suite is above this layer, and its libraries are not everybody's.
    try:
        check = load("app.testing.check:check_plugin")
    except ModuleNotFoundError as missing:
        raise Refusal(f"The contract suite needs {missing.name}; pip install 'promontory[dev]'.") from missing
    report = check(directory)
    if as_json:
        findings = [{"rule": each.rule, "message": each.message} for each in report.findings]
        facts = {"directory": report.directory, "formats": list(report.formats), "passed": report.passed}
        console.show_json({**facts, "ok": report.ok, "findings": findings})
    else:
        for line in report.lines():
            console.say(line)
    if not report.ok:
        raise click.exceptions.Exit(UNEXPECTED)
