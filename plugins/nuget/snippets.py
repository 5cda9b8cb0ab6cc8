"""What to copy to point a client at a feed, and to install from it."""

from __future__ import annotations

from collections.abc import Sequence

from app.plugin import FeedAddress, Snippet


def setup_snippets(feed: FeedAddress) -> Sequence[Snippet]:
    """Say how dotnet, Visual Studio, nuget.exe, PowerShell and Chocolatey are pointed at a feed."""
    index, v2 = f"{feed.url}/v3/index.json", f"{feed.url}/v2/"
    plain = ' allowInsecureConnections="true"' if feed.url.startswith("http://") else ""
    config = (
        '<?xml version="1.0" encoding="utf-8"?>\n<configuration>\n  <packageSources>\n    <clear />\n'
        f'    <add key="{feed.name}" value="{index}" protocolVersion="3"{plain} />\n  </packageSources>\n'
        f"  <packageSourceCredentials>\n    <{feed.name}>\n"
        '      <add key="Username" value="api" />\n      <add key="ClearTextPassword" value="%PROMONTORY_KEY%" />\n'
        f"    </{feed.name}>\n  </packageSourceCredentials>\n</configuration>\n"
    )
    return (
        Snippet("dotnet", "Use the feed alone in a project", config, "nuget.config"),
        Snippet(
            "dotnet",
            "Add the feed as a source",
            f"dotnet nuget add source {index} --name {feed.name} --username api --password $PROMONTORY_KEY "
            "--store-password-in-clear-text",
        ),
        Snippet("dotnet", "Publish", f"dotnet nuget push NAME.nupkg --source {index} --api-key $PROMONTORY_KEY"),
        Snippet("nuget.exe", "Publish", f"nuget push NAME.nupkg $PROMONTORY_KEY -Source {index}"),
        Snippet(
            "PowerShell",
            "Register the feed",
            f"Register-PSResourceRepository -Name {feed.name} -Uri {index} -ApiVersion V3 -Trusted",
        ),
        Snippet("Chocolatey", "Add the feed", f"choco source add --name={feed.name} --source={v2}"),
    )


def install_snippets(feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
    """Say how each client installs one version from a feed."""
    index = f"{feed.url}/v3/index.json"
    return (
        Snippet("dotnet", "Add to a project", f"dotnet add package {name} --version {version} --source {index}"),
        Snippet("project", "Reference it", f'<PackageReference Include="{name}" Version="{version}" />', "*.csproj"),
        Snippet("dotnet", "Install as a tool", f"dotnet tool install {name} --version {version} --add-source {index}"),
        Snippet(
            "Visual Studio", "Package Manager Console", f"Install-Package {name} -Version {version} -Source {feed.name}"
        ),
        Snippet("nuget.exe", "Install", f"nuget install {name} -Version {version} -Source {index}"),
        Snippet("PowerShell", "Install", f"Install-PSResource {name} -Version {version} -Repository {feed.name}"),
        Snippet("Chocolatey", "Install", f"choco install {name} --version={version} --source={feed.url}/v2/"),
    )
