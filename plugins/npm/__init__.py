"""The npm format: packages of Node.js, served to npm, pnpm and Yarn."""

from __future__ import annotations

from collections.abc import Iterable

from app.plugin import FeedFormat, hookimpl

from .format import NpmFormat


@hookimpl
def register_formats() -> Iterable[FeedFormat]:
    """Bring the npm format."""
    return [NpmFormat()]
