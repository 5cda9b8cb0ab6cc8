"""Put a process together from its settings: the one place where things are made and joined."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock

from app import resources
from app.net.network import Network
from app.net.transfer import Flights
from app.plugin.loading import Plugins, load_plugins
from app.services import events, tasks
from app.services.clock import StoppableClock, utc_now
from app.services.runtime import Runtime, owner
from app.services.sources import Sources
from app.settings import Settings
from app.storage.blobs import LocalBlobStore
from app.storage.engine import Database, open_database
from app.storage.migrate import upgrade


def plugin_directories(settings: Settings) -> list[Path]:
    """Give where plugins are looked for: built-in ones, PROMONTORY_PLUGINS, the data directory."""
    further = [Path(part) for part in settings.plugins.split(os.pathsep) if part]
    return [resources.find("plugins"), *further, settings.data / "plugins"]


def open_runtime(settings: Settings) -> Runtime:
    """Open an installation: make its directory, upgrade its database, load its plugins."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    plugins = load_plugins(plugin_directories(settings))
    database = open_database(settings.database_url)
    with FileLock(settings.data / ".upgrade.lock", timeout=300):
        upgrade(database, utc_now())
        clock = StoppableClock() if settings.test_hooks else utc_now
        network = Network(settings.data / "upstream", allowed_hosts=settings.upstream_hosts)
        blobs = LocalBlobStore(settings.data / "blobs")
        flights = Flights(settings.data / "uploads", lambda: network.waiting())  # noqa: PLW0108 - the server sets it later
        runtime = Runtime(settings, database, blobs, plugins, clock, network, Sources(network), flights)
        _fill(runtime)
    return runtime


def _fill(runtime: Runtime) -> None:
    with runtime.writing(owner("SYSTEM")) as work:
        events.begin(work)
        tasks.install_built_in_tasks(work)


def open_plugins(settings: Settings) -> Plugins:
    """Load the plugins alone, without touching a database."""
    return load_plugins(plugin_directories(settings))


__all__ = ["Database", "open_plugins", "open_runtime", "plugin_directories", "utc_now"]
