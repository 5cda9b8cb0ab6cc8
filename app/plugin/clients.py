"""What the package clients of this machine's user are set to."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

_SECONDS = 5
_LONGEST = 100_000


@cache
def ask_client(program: str, *words: str) -> str:
    """Give what a client on this machine prints of its own settings; empty where it is missing or slow.

    It is asked once in a process, in the user's home, so that no project's settings count.
    """
    path = shutil.which(program)
    if path is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - a client that is installed here, with words of a plugin
            [path, *words], cwd=Path.home(), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return done.stdout[:_LONGEST] if done.returncode == 0 else ""


def addresses(texts: Iterable[str]) -> list[str]:
    """Give the texts that are addresses of servers, each once, without names and passwords."""
    found: dict[str, None] = {}
    for text in texts:
        try:
            parts = urlsplit(text.strip())
            host = parts.hostname
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and host and len(text) < 2000:
            found[parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()] = None
    return list(found)
