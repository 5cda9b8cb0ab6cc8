"""The ``promontory`` command: its subcommands are loaded only when one is asked for, so that help is quick."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from app import __version__
from app.domain.errors import AppError, Conflict

UNEXPECTED, REFUSED, CONFLICT = 1, 2, 3

# By name: where the command is, and what it does. The help of the whole needs no module of these.
COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("app.cli.serving:serve", "Serve until stopped."),
    "user": ("app.cli.users:user", "Create, list and change users."),
    "group": ("app.cli.groups:group", "Create, list and change groups of users."),
    "grant": ("app.cli.grants:grant", "Grant tasks to people, and restrict them."),
    "key": ("app.cli.keys:key", "Create, list and delete API keys."),
    "feed": ("app.cli.feeds:feed", "Create, list and change feeds."),
    "feed-group": ("app.cli.feedgroups:feed_group", "Create, list, rename and delete feed groups."),
    "package": ("app.cli.packages:package", "List, upload, download and delete packages."),
    "promote": ("app.cli.promote:promote", "Promote versions from one feed to another, all or none."),
    "connector": ("app.cli.connectors:connector", "Create, list, change and check connectors."),
    "pull": ("app.cli.pull:pull", "Pull a version from a feed's connectors into the feed."),
    "import": ("app.cli.imports:import_", "Import a folder of package files, or packages of a connector, into a feed."),
    "job": ("app.cli.jobs:job", "List, show, cancel and retry jobs."),
    "history": ("app.cli.history:history", "Show who promoted what, newest first."),
    "formats": ("app.cli.plugins:formats", "List the formats, and the plugins that failed to load."),
    "check-plugin": ("app.cli.plugins:check_plugin", "Run the contract suite on a plugin folder."),
    "config": ("app.cli.config:config", "Write people and rights into a file, and bring them to it."),
    "worker": ("app.cli.jobs:worker", "Work on jobs and on what is scheduled, until stopped."),
    "db": ("app.cli.installation:db", "Look after the database."),
    "fsck": ("app.cli.installation:fsck", "Check that rows, bytes and history agree."),
    "audit": ("app.cli.installation:audit", "Check the event log."),
    "settings": ("app.cli.installation:settings", "List every setting with its value and where it comes from."),
}

EPILOG = """\b
Exit codes:
  0  done
  1  something unexpected, or a check found damage
  2  refused: the message says why and what to do
  3  conflict: something else is there already, or a plan is stale

\b
Examples:
  promontory                                   open the window
  promontory serve --data /srv/promontory      serve without a window
  promontory feed create npm-dev --format npm
  promontory pull express latest --feed npm-dev --with-dependencies
  promontory promote express 5.3.0 --from npm-dev --to npm-prod --comments "reviewed"
"""


class Refusal(click.ClickException):
    """End a command with one line on stderr."""

    exit_code = REFUSED

    def show(self, file: Any = None) -> None:
        """Print the line."""
        click.echo(f"error: {self.format_message()}", err=True)


class Collision(Refusal):
    """End a command because something else is there already."""

    exit_code = CONFLICT


class Failure(Refusal):
    """End a command because the machine failed it."""

    exit_code = UNEXPECTED


class Commands(click.Group):
    """Load subcommands by name, and end on a refusal of the application with its message alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the subcommands in the order of their table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        found = load(COMMANDS[cmd_name][0])
        assert isinstance(found, click.Command)  # noqa: S101 - the table above says so
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run, turning the application's refusals into messages and exit codes."""
        try:
            return super().invoke(ctx)
        except AppError as error:
            ended = Collision if isinstance(error, Conflict) else Refusal
            raise ended(printable(error.message)) from error


def load(target: str) -> Any:
    """Import ``module:name`` and give what it names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def printable(text: str) -> str:
    """Give text that cannot steer a terminal: names and comments are other people's."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


@click.group(cls=Commands, invoke_without_command=True, epilog=EPILOG)
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data directory [PROMONTORY_DATA].")
@click.version_option(__version__, prog_name="promontory")
@click.pass_context
def cli(context: click.Context, data: Path | None) -> None:
    """Curate approved package feeds: publish, promote, record who let what in.

    Alone, it opens the window. The commands work on the data directory itself, also beside a running server, and
    act with every right as "CLI: <your account>". Commands that give data take --json.
    """
    context.obj = data
    if context.invoked_subcommand is None:
        settings = load("app.cli.console:settings_of")(data)
        context.exit(load("app.desktop.window:open_window")(settings))


def main() -> None:
    """Run the command line."""
    cli(prog_name="promontory")
