"""The NuGet format: packages of .NET, served to dotnet, NuGet, Chocolatey and PowerShell."""

from __future__ import annotations

from collections.abc import Iterable

from app.plugin import FeedFormat, hookimpl

from .format import NuGetFormat


@hookimpl
def register_formats() -> Iterable[FeedFormat]:
    """Bring the NuGet format."""
    return [NuGetFormat()]
