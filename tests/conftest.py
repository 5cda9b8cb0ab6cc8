"""What every test gets: no network but loopback, samples, no skips in CI."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from app.services import passwords

pytest_plugins = ["tests.fixtures"]

hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("hunt", deadline=None, print_blob=True, max_examples=1_000_000)
hypothesis.settings.load_profile("default")

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.", "localhost", "::1")


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Refuse every connection that is not to this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host and not str(host).startswith(LOOPBACK):
            raise AssertionError(f"a test wanted to reach {host!r}; tests reach this machine only")
        connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    # Clients that a test starts do not inherit a proxy or a token of whoever runs the tests.
    for name in [n for n in os.environ if n.lower().endswith("_proxy") or n.lower().startswith("npm_config_")]:
        patch.delenv(name)
    for name in [n for n in os.environ if n.startswith("PROMONTORY_") and n != "PROMONTORY_SAMPLES"]:
        patch.delenv(name)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _cheap_passwords() -> Iterator[None]:
    """Hash passwords cheaply: a test makes many users, and a fifth of a second for each adds up to minutes."""
    patch = pytest.MonkeyPatch()
    patch.setattr(passwords, "METHOD", "scrypt:1024:8:1")
    yield
    patch.undo()


@pytest.fixture(scope="session")
def samples() -> Path:
    """Give the folder of real packages; a test that needs it cannot run without."""
    folder = Path(os.environ.get("PROMONTORY_SAMPLES", ROOT.parent / "shared" / "samples"))
    if not folder.is_dir():
        pytest.skip(f"no sample packages at {folder}; set PROMONTORY_SAMPLES")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Turn every skip into a failure in CI: what must be shown there must run there."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {report.longrepr}"
    return report
