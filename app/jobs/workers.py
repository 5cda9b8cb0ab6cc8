"""Know which workers live, so that the jobs of dead ones go on."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from filelock import FileLock, Timeout

_FOLDER = "workers"


class Badge:
    """Be held by a worker for as long as it lives: the system lets go of the lock even when the process is killed."""

    def __init__(self, data: Path) -> None:
        folder = data / _FOLDER
        folder.mkdir(exist_ok=True)
        self.name = f"{socket.gethostname()[:60]}/{os.getpid()}-{secrets.token_hex(4)}"
        self._lock = FileLock(_path(data, self.name))
        self._lock.acquire(timeout=10)

    def lay_down(self) -> None:
        """End."""
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)


def is_dead(data: Path, name: str) -> bool | None:
    """Tell whether a worker is dead; None where that cannot be known here, because it runs elsewhere."""
    if name.partition("/")[0] != socket.gethostname()[:60]:
        return None
    path = _path(data, name)
    if not path.exists():
        return True
    try:
        with FileLock(path, timeout=0):
            pass
    except Timeout:
        return False
    path.unlink(missing_ok=True)
    return True


def _path(data: Path, name: str) -> Path:
    return data / _FOLDER / f"{name.rpartition('/')[2]}.lock"
