"""What people copy names the feed, the package and what their client needs."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from app.plugin import FeedAddress
from plugins.nuget.snippets import install_snippets, setup_snippets

PLAIN = FeedAddress("dev", "http://127.0.0.1:8624/nuget/dev", "http://dev.localhost:8624")
SAFE = FeedAddress("1st", "https://packages.example/nuget/1st", "")


@pytest.mark.parametrize(("feed", "insecure"), [(PLAIN, "true"), (SAFE, None)])
def test_the_settings_are_xml_that_says_where_plain_http_is_meant(feed: FeedAddress, insecure: str | None) -> None:
    snippet = next(each for each in setup_snippets(feed) if each.filename == "nuget.config")
    root = ET.fromstring(snippet.text)
    source = root.find("packageSources/add")
    assert source is not None
    assert source.get("value") == f"{feed.url}/v3/index.json"
    assert source.get("protocolVersion") == "3"
    assert source.get("allowInsecureConnections") == insecure
    credentials = root.find(f"packageSourceCredentials/{source.get('key')}")
    assert credentials is not None


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("dotnet", "dotnet add package Acme.Http --version 1.0.0"),
        ("PackageReference", '<PackageReference Include="Acme.Http" Version="1.0.0" />'),
        ("Package Manager", "Install-Package Acme.Http -Version 1.0.0"),
        ("nuget.exe", "nuget install Acme.Http -Version 1.0.0"),
        ("PowerShell", "Install-PSResource Acme.Http -Version 1.0.0"),
        ("Chocolatey", "choco install Acme.Http --version=1.0.0"),
        ("curl", "/v2/package/Acme.Http/1.0.0"),
    ],
)
def test_every_client_installs_one_version(tool: str, text: str) -> None:
    assert any(each.tool == tool and text in each.text for each in install_snippets(PLAIN, "Acme.Http", "1.0.0"))
