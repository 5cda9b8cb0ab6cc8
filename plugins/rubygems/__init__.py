"""The RubyGems format: gems, served to gem and Bundler."""

from __future__ import annotations

from collections.abc import Iterable

from app.plugin import FeedFormat, hookimpl

from .format import RubyGemsFormat


@hookimpl
def register_formats() -> Iterable[FeedFormat]:
    """Bring the RubyGems format."""
    return [RubyGemsFormat()]
