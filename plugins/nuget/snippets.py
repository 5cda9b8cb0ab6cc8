"""What people copy to use a NuGet feed: settings for its clients, and the command that installs one version."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from app.plugin import FeedAddress, Snippet

KEY = "YOUR-API-KEY"


def setup_snippets(feed: FeedAddress) -> Sequence[Snippet]:
    """Say how dotnet, nuget.exe, PowerShell and Chocolatey are pointed at a feed, and publish to it."""
    index, plain = f"{feed.url}/v3/index.json", _is_plain_http(feed.url)
    insecure = " --allow-insecure-connections" if plain else ""
    login = f"--username api --password {KEY} --store-password-in-clear-text"
    return (
        Snippet("nuget.config", "Use this feed and no other", _config(feed.name, index, plain=plain), "nuget.config"),
        Snippet("dotnet", "Add the feed", f"dotnet nuget add source {index} --name {feed.name} {login}{insecure}"),
        Snippet(
            "dotnet",
            "Publish a package and its symbols",
            f"dotnet pack -c Release --include-symbols -p:SymbolPackageFormat=snupkg\n"
            f"dotnet nuget push bin/Release/*.nupkg --source {feed.name} --api-key {KEY}",
        ),
        Snippet(
            "nuget.exe",
            "Add the feed",
            f"nuget sources add -Name {feed.name} -Source {index} -UserName api -Password {KEY}",
        ),
        Snippet(
            "nuget.exe",
            "Publish a package",
            f"nuget push Your.Package.1.0.0.nupkg -Source {feed.name} -ApiKey {KEY}",
        ),
        Snippet(
            "PowerShell",
            "Register the feed (PSResourceGet)",
            f"Register-PSResourceRepository -Name {feed.name} -Uri {index} -Trusted",
        ),
        Snippet(
            "PowerShell",
            "Register the feed (PowerShellGet 2)",
            f"Register-PSRepository -Name {feed.name} -SourceLocation {feed.url}/v2 "
            f"-PublishLocation {feed.url}/v2/package -InstallationPolicy Trusted",
        ),
        Snippet(
            "Chocolatey",
            "Add the feed",
            f"choco source add --name={feed.name} --source={feed.url}/v2 --user=api --password={KEY}",
        ),
        Snippet("Visual Studio", "Load symbols: Tools > Options > Debugging > Symbols", f"{feed.url}/symbols"),
    )


def _config(name: str, index: str, *, plain: bool) -> str:
    """Give a nuget.config; NuGet of SDK 9 takes plain http only where the source says so (NU1302)."""
    insecure = ' allowInsecureConnections="true"' if plain else ""
    # A source's name is an element's name among the credentials, where it cannot begin with a digit.
    key = name if name[:1].isalpha() else f"feed-{name}"
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        "<configuration>\n"
        "  <packageSources>\n"
        "    <clear />\n"
        f'    <add key={quoteattr(key)} value={quoteattr(index)} protocolVersion="3"{insecure} />\n'
        "  </packageSources>\n"
        "  <packageSourceCredentials>\n"
        f"    <{key}>\n"
        '      <add key="Username" value="api" />\n'
        '      <add key="ClearTextPassword" value="%NUGET_API_KEY%" />\n'
        f"    </{key}>\n"
        "  </packageSourceCredentials>\n"
        "</configuration>\n"
    )


def _is_plain_http(url: str) -> bool:
    return urlsplit(url).scheme == "http"


def install_snippets(feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
    """Say how one version is installed or downloaded."""
    index = f"{feed.url}/v3/index.json"
    file = f"{name}.{version}.nupkg"
    return (
        Snippet("dotnet", "Add to a project", f"dotnet add package {name} --version {version} --source {index}"),
        Snippet(
            "PackageReference",
            "Reference in a project file",
            f"<PackageReference Include={quoteattr(name)} Version={quoteattr(version)} />",
        ),
        Snippet(
            "dotnet tool", "Install a tool", f"dotnet tool install {name} --version {version} --add-source {index}"
        ),
        Snippet(
            "Package Manager", "Install in Visual Studio", f"Install-Package {name} -Version {version} -Source {index}"
        ),
        Snippet("nuget.exe", "Install", f"nuget install {name} -Version {version} -Source {index}"),
        Snippet(
            "PowerShell", "Install a module", f"Install-PSResource {name} -Version {version} -Repository {feed.name}"
        ),
        Snippet("Chocolatey", "Install", f"choco install {name} --version={version} --source={feed.url}/v2"),
        Snippet(
            "curl",
            "Download",
            f'curl --user "api:{KEY}" -o {file} "{feed.url}/v2/package/{name}/{version}"',
        ),
    )
