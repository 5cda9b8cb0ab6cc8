"""Name whoever runs this process."""

from __future__ import annotations

import getpass
import os


def account() -> str:
    """Give the operating system's name of whoever runs this, or their number where they have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container's user need not have a name.
        return str(os.getuid()) if hasattr(os, "getuid") else "somebody"
