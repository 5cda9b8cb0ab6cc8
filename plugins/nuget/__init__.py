"""The NuGet format: packages of .NET, PowerShell and Chocolatey, served to their clients over V3 and V2."""

from __future__ import annotations

from collections.abc import Iterable

from app.plugin import FeedFormat, hookimpl

from .format import NuGetFormat


@hookimpl
def register_formats() -> Iterable[FeedFormat]:
    """Bring the NuGet format."""
    return [NuGetFormat()]
