"""What people copy to use a Universal feed: the upack tool, curl, PowerShell."""

from __future__ import annotations

from collections.abc import Sequence

from app.plugin import FeedAddress, Snippet

from .names import file_name

KEY = "YOUR-API-KEY"


def setup(feed: FeedAddress) -> Sequence[Snippet]:
    """Say how clients are pointed at a feed, and how they publish to it."""
    header = f'-H "X-ApiKey: {KEY}" -H "Content-Type: application/zip"'
    return (
        Snippet("upack", "Use the feed (Linux, macOS)", f"export UPACK_FEED={feed.url}\nexport UPACK_USER=api:{KEY}"),
        Snippet("upack", "Use the feed (PowerShell)", f'$env:UPACK_FEED = "{feed.url}"\n$env:UPACK_USER = "api:{KEY}"'),
        Snippet("upack", "Publish a package", f"upack push hello.1.0.0.upack {feed.url} --user=api:{KEY}"),
        Snippet("curl", "Publish a package", f"curl {header} --upload-file hello.1.0.0.upack {feed.url}/upload"),
        Snippet(
            "curl",
            "Publish the files of a zip as a package",
            f'curl {header} --upload-file files.zip "{feed.url}/upload?group=tools&name=hello&version=1.0.0"',
        ),
        Snippet(
            "PowerShell",
            "Publish a package",
            f'Invoke-RestMethod "{feed.url}/upload" -Method Put -InFile hello.1.0.0.upack `\n'
            f'  -ContentType "application/zip" -Headers @{{ "X-ApiKey" = "{KEY}" }}',
        ),
    )


def install(feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
    """Say how one version is installed or downloaded."""
    address, filename = f"{feed.url}/download/{name}/{version}", file_name(name, version)
    return (
        Snippet("upack", "Install", f"upack install {name} {version} --source={feed.url} --target=. --user=api:{KEY}"),
        Snippet("curl", "Download", f'curl -H "X-ApiKey: {KEY}" -o {filename} "{address}"'),
        Snippet("curl", "Download the files alone", f'curl -H "X-ApiKey: {KEY}" "{address}?contentOnly=tgz" | tar xz'),
        Snippet(
            "PowerShell",
            "Download",
            f'Invoke-WebRequest "{address}" -OutFile "{filename}" -Headers @{{ "X-ApiKey" = "{KEY}" }}',
        ),
    )
