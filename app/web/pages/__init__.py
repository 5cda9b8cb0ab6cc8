"""The pages that people see."""

from flask import Flask


def install(app: Flask) -> None:
    """Mount the pages."""
