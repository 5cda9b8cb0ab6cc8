"""A server with pairs of feeds, and projects for the real clients to build."""

from __future__ import annotations

import json
from pathlib import Path

from app.plugin.records import PackageRecord
from app.services import access, packages
from tests.clients import world as clients_world
from tests.clients.world import SAM


class World(clients_world.World):
    """Be a server with pairs of NuGet feeds."""

    format = "nuget"

    def v3(self, feed: str) -> str:
        """Give the address of a feed's service index."""
        return f"{self.server.url}/nuget/{feed}/v3/index.json"

    def v2(self, feed: str) -> str:
        """Give the address of a feed for clients of V2."""
        return f"{self.server.url}/nuget/{feed}/v2"

    def package(self, feed: str, name: str) -> PackageRecord | None:
        """Give what a feed holds of a package."""
        with self.runtime.reading(SAM) as work:
            return packages.find_package(work, access.get_feed(work, feed), name)

    def digest(self, feed: str, name: str, version: str) -> str:
        """Give the SHA-512 of a version's package file, in hex."""
        with self.runtime.reading(SAM) as work:
            found = packages.get_version(work, access.get_feed(work, feed), name, version)
        return found.main.digests.sha512


def library(folder: Path, name: str, version: str, more: str = "") -> Path:
    """Make a project of a class library that can be packed."""
    folder.mkdir(parents=True)
    (folder / f"{name}.csproj").write_text(
        '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>netcoreapp3.1</TargetFramework>'
        f"<PackageId>{name}</PackageId><Version>{version}</Version><Authors>tests</Authors>"
        "<Description>A library of the tests</Description><PackageLicenseExpression>MIT</PackageLicenseExpression>"
        f"</PropertyGroup>{more}</Project>"
    )
    word = name.replace(".", "")
    code = f'namespace {word} {{ public static class It {{ public static string Is => "{name} {version}"; }} }}\n'
    (folder / "It.cs").write_text(code)
    return folder


def program(folder: Path, references: dict[str, str], code: str = 'System.Console.WriteLine("hello");') -> Path:
    """Make a project of a program that references packages."""
    folder.mkdir(parents=True)
    lines = "".join(f'<PackageReference Include="{id}" Version="{range}" />' for id, range in references.items())
    (folder / "app.csproj").write_text(
        '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>'
        "<TargetFramework>netcoreapp3.1</TargetFramework><UseAppHost>false</UseAppHost></PropertyGroup>"
        f"<ItemGroup>{lines}</ItemGroup></Project>"
    )
    (folder / "Program.cs").write_text(f"static class Program {{ static void Main() {{ {code} }} }}\n")
    return folder


def restored(project: Path) -> dict[str, str]:
    """Give the versions that a restore chose, by id."""
    assets = json.loads((project / "obj" / "project.assets.json").read_text())
    pairs = (entry.split("/") for entry, facts in assets["libraries"].items() if facts["type"] == "package")
    return {each[0]: each[1] for each in pairs}


def content_hashes(project: Path) -> dict[str, str]:
    """Give the SHA-512 (base64) that a restore has written down, by id."""
    assets = json.loads((project / "obj" / "project.assets.json").read_text())
    return {entry.split("/")[0]: facts["sha512"] for entry, facts in assets["libraries"].items() if "sha512" in facts}
