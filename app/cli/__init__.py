"""The command line: ``promontory``."""

from app.cli.commands import main

__all__ = ["main"]
