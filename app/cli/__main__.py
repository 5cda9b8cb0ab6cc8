"""Run the command line as ``python -m app.cli``."""

from app.cli.commands import main

main()
