"""A server with pairs of feeds, and projects for the real clients to build."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from app.bootstrap import open_runtime
from app.plugin.records import PackageRecord
from app.services import access, grants, keys, packages, people, publishing
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from app.web.server import Server
from tests.fixtures import make_feeds, running

SAM = owner("sam")


@dataclass
class World:
    """Be a server with pairs of feeds, where dev is open to publishers and prod takes what is promoted."""

    server: Server
    runtime: Runtime
    key: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new_pair(self) -> tuple[str, str]:
        """Make two feeds."""
        number = next(self._numbers)
        pair = f"dev-{number}", f"prod-{number}"
        make_feeds(self.runtime, "nuget", *pair)
        return pair

    def v3(self, feed: str) -> str:
        """Give the address of a feed's service index."""
        return f"{self.server.url}/nuget/{feed}/v3/index.json"

    def v2(self, feed: str) -> str:
        """Give the address of a feed for clients of V2."""
        return f"{self.server.url}/nuget/{feed}/v2"

    def get(self, path: str) -> bytes:
        """Get something from the server."""
        request = urllib.request.Request(self.server.url + path, headers={"X-ApiKey": self.key})
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
        return body

    def call(self, path: str, body: dict[str, Any]) -> Any:
        """Call the API."""
        headers = {"X-ApiKey": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(self.server.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def promote(self, pair: tuple[str, str], name: str, version: str) -> None:
        """Promote one version."""
        asked = {"fromFeed": pair[0], "toFeed": pair[1], "packageName": name, "version": version}
        self.call("/api/promotions/promote", asked)

    def upload(self, feed: str, *paths: Path) -> None:
        """Publish package files past the protocol."""
        for path in paths:
            self.upload_bytes(feed, path.read_bytes())

    def upload_bytes(self, feed: str, content: bytes) -> None:
        """Publish a package file past the protocol."""
        publishing.publish(self.runtime, SAM, feed, [content], "upload.nupkg")

    def package(self, feed: str, name: str) -> PackageRecord | None:
        """Give what a feed holds of a package."""
        with self.runtime.reading(SAM) as work:
            return packages.find_package(work, access.get_feed(work, feed), name)

    def digest(self, feed: str, name: str, version: str) -> str:
        """Give the SHA-512 of a version's package file, in hex."""
        with self.runtime.reading(SAM) as work:
            found = packages.get_version(work, access.get_feed(work, feed), name, version)
        return found.main.digests.sha512


def open_world(folder: Path) -> Iterator[World]:
    """Give a running server with a user ann and a key for everything."""
    runtime = open_runtime(load_settings(data=folder, port=0))
    with runtime.writing(SAM) as work:
        people.create_user(work, "ann", "correct horse battery")
        grants.grant(work, grants.GrantRequest("Manage Feed", user="ann"))
        key = keys.create_key(work, keys.KeyRequest("personal", "tests", user="ann"))[1]
    with running(runtime) as server:
        yield World(server, runtime, key)
    runtime.database.close()


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
