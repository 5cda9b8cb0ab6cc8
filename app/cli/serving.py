"""``promontory serve``: serve until stopped."""

from __future__ import annotations

import errno
import logging
import signal
from pathlib import Path
from threading import Thread
from types import FrameType

import click

from app import __version__
from app.bootstrap import open_runtime
from app.cli import console
from app.cli.commands import Refusal, printable
from app.settings import Settings
from app.web.server import Server

_TAKEN = (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL)


@click.command(
    epilog=console.examples(
        "promontory serve --data /srv/promontory --host 0.0.0.0 --port 8624",
    )
)
@click.option("--host", help="Address to listen on.  [127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.  [8624]")
@console.data_option
def serve(*, host: str | None, port: int | None, data: Path | None) -> None:
    """Serve until stopped.

    Ctrl+C and SIGTERM stop it, after the requests that run are answered.

    While there is no user, it prints a link that makes the first administrator, once.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("alembic", "waitress.queue"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    settings = console.settings_of(data, host=host, port=port)
    with console.explained():
        server = _start(settings)
        _stop_by_signal(server)
        _announce(server)
        server.run()


def _start(settings: Settings) -> Server:
    runtime = open_runtime(settings)
    try:
        return Server(runtime)
    except OSError as error:
        runtime.database.close()
        if error.errno not in _TAKEN:
            raise
        raise Refusal(
            f"Port {settings.port} of {settings.host} is not to be had ({error.strerror}); stop what uses it, or "
            "choose another with --port."
        ) from error


def _announce(server: Server) -> None:
    click.echo(f"Promontory {__version__} serves {server.url}")
    click.echo(printable(f"Data: {server.runtime.settings.data}"))
    link = server.set_up_link()
    if link is not None:
        click.echo(f"Nobody can sign in yet. Make the first administrator at: {link}")


def _stop_by_signal(server: Server) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        # Not in the handler itself, which interrupts the very loop that it is to end.
        Thread(target=server.stop, name="stop", daemon=True).start()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
