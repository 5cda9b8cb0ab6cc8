"""The real .NET SDK, nuget.exe 3.4.4 and nuget 2.8.7 against a real server: push, restore, promote, restore again."""

from __future__ import annotations

import hashlib
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from app.bootstrap import open_runtime
from app.services import grants, keys, people, promotions, publishing
from app.services.promotions import PromotionRequest, Wanted
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from app.web.server import Server
from plugins.nuget.kit import nuspec, package
from tests.clients.dotnet import DotnetHome, free_of
from tests.fixtures import make_feeds, running

pytestmark = [pytest.mark.clients, pytest.mark.timeout(900)]
SAM = owner("sam")
GRAPH = (
    ("NuGet.Frameworks", "5.4.0"),
    ("NuGet.Common", "5.4.0"),
    ("NuGet.Configuration", "5.4.0"),
    ("Newtonsoft.Json", "9.0.1"),
    ("NuGet.Versioning", "5.4.0"),
    ("NuGet.Packaging", "5.4.0"),
    ("NuGet.Protocol", "5.4.0-preview2"),
)


@dataclass
class World:
    """Be a server with pairs of feeds and a user with a key."""

    server: Server
    runtime: Runtime
    key: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new_pair(self) -> tuple[str, str]:
        """Make two feeds."""
        number = next(self._numbers)
        pair = f"nuget-dev-{number}", f"nuget-prod-{number}"
        make_feeds(self.runtime, "nuget", *pair)
        return pair

    def v3(self, feed: str) -> str:
        """Give a feed's service index."""
        return f"{self.server.url}/nuget/{feed}/v3/index.json"

    def v2(self, feed: str) -> str:
        """Give a feed's V2 address."""
        return f"{self.server.url}/nuget/{feed}/v2/"

    def upload(self, feed: str, *paths: Path) -> None:
        """Publish packages past the protocol."""
        for path in paths:
            publishing.publish(self.runtime, SAM, feed, [path.read_bytes()], path.name)

    def promote(self, pair: tuple[str, str], *items: tuple[str, str]) -> None:
        """Promote versions."""
        wanted = tuple(Wanted(*item) for item in items)
        promotions.promote(self.runtime, SAM, PromotionRequest(*pair, wanted))

    def get(self, feed: str, path: str) -> bytes:
        """Fetch a document."""
        url = f"{self.server.url}/nuget/{feed}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"X-ApiKey": self.key}), timeout=30) as answer:
            return bytes(answer.read())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a running server with a user ann and a key for everything."""
    runtime = open_runtime(load_settings(data=tmp_path_factory.mktemp("world"), port=0))
    with runtime.writing(SAM) as work:
        people.create_user(work, "ann", "correct horse battery")
        grants.grant(work, grants.GrantRequest("Manage Feed", user="ann"))
        key = keys.create_key(work, keys.KeyRequest("personal", "tests", user="ann"))[1]
    with running(runtime) as server:
        yield World(server, runtime, key)
    runtime.database.close()


@pytest.fixture
def home(tmp_path: Path) -> DotnetHome:
    """Give an empty home."""
    return DotnetHome(tmp_path / "home")


def project(home: DotnetHome, name: str, *needs: tuple[str, str], program: bool = False, more: str = "") -> Path:
    """Make a project that references packages."""
    folder = home.home / name
    folder.mkdir()
    references = "".join(f'<PackageReference Include="{each}" Version="{version}" />' for each, version in needs)
    kind = "<OutputType>Exe</OutputType>" if program else ""
    (folder / f"{name}.csproj").write_text(
        f'<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>netcoreapp3.1</TargetFramework>{kind}{more}'
        f"</PropertyGroup><ItemGroup>{references}</ItemGroup></Project>"
    )
    body = "class P { static void Main() { System.Console.WriteLine(typeof(%s).FullName); } }"
    code = (
        body % "NuGet.Protocol.Core.Types.Repository"
        if program
        else "namespace N { public class C { public int X = 1; } }"
    )
    (folder / "Code.cs").write_text(code)
    return folder


def restored(home: DotnetHome, name: str, version: str) -> bytes:
    """Give the bytes of a package that a restore fetched."""
    name = name.lower()
    return (home.home / "packages" / name / version / f"{name}.{version}.nupkg").read_bytes()


def test_dotnet_packs_pushes_with_symbols_restores_builds_and_deletes(world: World, home: DotnetHome) -> None:
    dev, _ = world.new_pair()
    empty = home.home / "empty"
    empty.mkdir()
    library = project(home, "Lib.One", more="<Authors>ann</Authors><Description>It is one.</Description>")
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        home.dotnet(
            *("pack", "-c", "Release", "--source", str(empty), f"-p:PackageVersion={version}"),
            *("--include-symbols", "-p:SymbolPackageFormat=snupkg", "-o", str(home.home / "out")),
            cwd=library,
        )
    home.sources(home.home, "dev", world.v3(dev), world.key)
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        path = home.home / "out" / f"Lib.One.{version}.nupkg"
        said = home.dotnet("nuget", "push", str(path), "-s", "dev", "-k", world.key)
        assert said.count("Your package was pushed") == 2, said
    said = home.dotnet(
        "nuget", "push", str(home.home / "out" / "Lib.One.1.0.0.nupkg"), "-s", "dev", "-k", world.key, check=False
    )
    assert "409" in said
    said = home.dotnet(
        *(
            "nuget",
            "push",
            str(home.home / "out" / "Lib.One.1.0.0.nupkg"),
            "-s",
            "dev",
            "-k",
            world.key,
            "--skip-duplicate",
        )
    )
    user = project(home, "User", ("Lib.One", "1.0.0"))
    home.dotnet("build", cwd=user)
    assert restored(home, "Lib.One", "1.0.0") == (home.home / "out" / "Lib.One.1.0.0.nupkg").read_bytes()
    assert "1.1.0" in home.dotnet("list", "package", "--outdated", cwd=user)
    assert "2.0.0-rc.1" in home.dotnet("list", "package", "--outdated", "--include-prerelease", cwd=user)
    home.dotnet("nuget", "delete", "Lib.One", "1.1.0", "-s", "dev", "-k", world.key, "--non-interactive")
    assert b'"1.1.0"' in world.get(dev, "/v3/flat/lib.one/index.json")
    free_of(home.home / "http-cache")
    assert "1.1.0" not in home.dotnet("list", "package", "--outdated", cwd=user)
    home.dotnet("add", "package", "Lib.One", "--version", "2.0.0-rc.1", cwd=user)
    home.dotnet("build", cwd=user)


def test_symbols_are_found_by_a_debuggers_request_also_after_promotion(
    world: World, home: DotnetHome, samples: Path
) -> None:
    pair = world.new_pair()
    folder = samples / "nupkg-built"
    home.sources(home.home, "dev", world.v3(pair[0]), world.key)
    home.dotnet("nuget", "push", str(folder / "Demo.Lib.1.0.0.nupkg"), "-s", "dev", "-k", world.key)
    world.promote(pair, ("Demo.Lib", "1.0.0"))
    path = "/symbols/Demo.Lib.pdb/E65C461130944008A179E0680A2B1A43ffffffff/Demo.Lib.pdb"
    assert world.get(pair[0], path)[:4] == b"BSJB"
    assert world.get(pair[1], path) == world.get(pair[0], path)


def test_a_graph_of_seven_is_promoted_and_restored_from_prod_alone(
    world: World, home: DotnetHome, samples: Path
) -> None:
    pair = world.new_pair()
    home.sources(home.home, "feed", world.v3(pair[0]), world.key)
    for name, version in GRAPH:
        path = samples / "nupkg-built" / f"{name}.{version}.nupkg"
        home.dotnet("nuget", "push", str(path), "-s", "feed", "-k", world.key)
    user = project(home, "User", ("NuGet.Protocol", "5.4.0-preview2"), program=True)
    home.dotnet("build", cwd=user)
    assert "NuGet.Protocol.Core.Types.Repository" in home.dotnet("run", "--no-build", cwd=user)

    for folder in ("packages", "http-cache"):
        free_of(home.home / folder)
    home.sources(home.home, "feed", world.v3(pair[1]), world.key)
    said = home.dotnet("restore", "--force", cwd=user, check=False)
    assert "Unable to find package NuGet.Protocol" in said
    world.promote(pair, *GRAPH)
    free_of(home.home / "http-cache")
    home.dotnet("restore", "--force", cwd=user)
    home.dotnet("build", "--no-restore", cwd=user)
    for name, version in GRAPH:
        original = samples / "nupkg-built" / f"{name}.{version}.nupkg"
        assert restored(home, name, version) == original.read_bytes()


def test_signed_packages_go_through_as_they_are(world: World, home: DotnetHome, samples: Path) -> None:
    pair = world.new_pair()
    home.sources(home.home, "dev", world.v3(pair[0]), world.key)
    for path in sorted((samples / "nupkg").glob("*.nupkg")):
        home.dotnet("nuget", "push", str(path), "-s", "dev", "-k", world.key)
    world.promote(pair, ("Microsoft.DotNet.Common.ItemTemplates", "3.1.2"))
    name = "microsoft.dotnet.common.itemtemplates"
    given = world.get(pair[1], f"/v3/flat/{name}/3.1.2/{name}.3.1.2.nupkg")
    original = samples / "nupkg" / f"{name}.3.1.2.nupkg"
    assert hashlib.sha512(given).digest() == hashlib.sha512(original.read_bytes()).digest()


def test_nuget_3_pushes_installs_and_deletes_by_v3(world: World, home: DotnetHome, samples: Path) -> None:
    pair = world.new_pair()
    home.sources(home.home, "feed", world.v3(pair[0]), world.key)
    config = ("-ConfigFile", str(home.home / "nuget.config"))
    for name, version in GRAPH[:3]:
        path = samples / "nupkg-built" / f"{name}.{version}.nupkg"
        said = home.nuget3("push", str(path), world.key, "-Source", world.v3(pair[0]), *config)
        assert "pushed" in said
    home.nuget3("install", "NuGet.Configuration", "-Version", "5.4.0", "-OutputDirectory", "out", *config)
    assert (home.home / "out" / "NuGet.Frameworks.5.4.0" / "NuGet.Frameworks.5.4.0.nupkg").exists()
    world.promote(pair, *GRAPH[:3])
    home.nuget3("delete", "NuGet.Configuration", "5.4.0", world.key, "-Source", world.v3(pair[0]), *config)
    home.sources(home.home, "feed", world.v3(pair[1]), world.key)
    free_of(home.home / ".local")
    free_of(home.home / ".nuget")
    home.nuget3("install", "NuGet.Configuration", "-OutputDirectory", "prod", "-NoCache", *config)
    assert (home.home / "prod" / "NuGet.Common.5.4.0" / "NuGet.Common.5.4.0.nupkg").exists()


def test_nuget_2_lists_pushes_and_installs_by_v2(world: World, home: DotnetHome, samples: Path) -> None:
    pair = world.new_pair()
    home.sources(home.home, "feed", world.v2(pair[0]), world.key)
    # On mono it takes a path that begins with a slash for one below the current folder.
    config = ("-ConfigFile", "nuget.config")
    for name, version in GRAPH[:3]:
        path = shutil.copy(samples / "nupkg-built" / f"{name}.{version}.nupkg", home.home)
        home.nuget2("push", Path(path).name, world.key, "-Source", world.v2(pair[0]), *config)
    odd = home.home / "odd.nupkg"
    odd.write_bytes(package(nuspec("Odd.One", "1.0.0-rc.1", dependencies="")))
    world.upload(pair[0], odd)
    said = home.nuget2("list", "-Source", world.v2(pair[0]), *config)
    for name, version in GRAPH[:3]:
        assert f"{name} {version}" in said
    assert "Odd" not in home.nuget2("list", "-Prerelease", "-AllVersions", "-Source", world.v2(pair[0]), *config)
    assert "NuGet.Common 5.4.0" in home.nuget2("list", "common", "-Source", world.v2(pair[0]), *config)
    world.promote(pair, *GRAPH[:3])
    home.nuget2("delete", "NuGet.Common", "5.4.0", world.key, "-Source", world.v2(pair[0]), *config)
    assert "NuGet.Common" not in home.nuget2("list", "-Source", world.v2(pair[0]), *config)
    home.sources(home.home, "feed", world.v2(pair[1]), world.key)
    home.nuget2("install", "NuGet.Configuration", "-OutputDirectory", "out", "-NoCache", *config)
    for name, version in GRAPH[:3]:
        original = samples / "nupkg-built" / f"{name}.{version}.nupkg"
        fetched = home.home / "out" / f"{name}.{version}" / f"{name}.{version}.nupkg"
        assert fetched.read_bytes() == original.read_bytes()


def test_a_wrong_key_is_told_so(world: World, home: DotnetHome, samples: Path) -> None:
    dev, _ = world.new_pair()
    home.sources(home.home, "dev", world.v3(dev), "prm_wrong")
    path = samples / "nupkg-built" / "NuGet.Common.5.4.0.nupkg"
    said = home.dotnet("nuget", "push", str(path), "-s", "dev", "-k", "prm_wrong", check=False)
    assert "401" in said
