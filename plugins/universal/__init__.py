"""Universal packages (upack): any files, a manifest, a zip."""

from __future__ import annotations

from collections.abc import Iterable

from app.plugin import FeedFormat, hookimpl

from .format import UniversalFormat


@hookimpl
def register_formats() -> Iterable[FeedFormat]:
    """Bring the Universal format."""
    return [UniversalFormat()]
