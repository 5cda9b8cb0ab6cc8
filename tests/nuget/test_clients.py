"""Real dotnet (NuGet 5.4), nuget.exe 3.4 and nuget 2.8 against a real server: publish, promote, restore."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plugins.nuget.kit import make
from tests.clients.dotnet import DotnetHome, write_config
from tests.nuget.world import World, content_hashes, library, program, restored

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
GRAPH = {
    "NuGet.Protocol": "5.4.0-preview2",
    "NuGet.Packaging": "5.4.0",
    "NuGet.Configuration": "5.4.0",
    "NuGet.Common": "5.4.0",
    "NuGet.Frameworks": "5.4.0",
    "NuGet.Versioning": "5.4.0",
    "Newtonsoft.Json": "9.0.1",
}
"""What NuGet.Protocol brings along."""


@pytest.fixture
def home(tmp_path: Path) -> DotnetHome:
    """Give a home whose settings know no source."""
    made = DotnetHome(tmp_path / "home")
    write_config(tmp_path, {})
    return made


def use(folder: Path, world: World, *feeds: str, v2: bool = False) -> None:
    """Point the clients in a folder at some feeds and at nothing else."""
    address = world.v2 if v2 else world.v3
    write_config(folder, {name: address(name) for name in feeds}, world.key)


def test_pack_push_restore_build_and_run(home: DotnetHome, world: World, pair: tuple[str, str], tmp_path: Path) -> None:
    use(tmp_path, world, pair[0])
    project = library(tmp_path / "lib", "Acme.Greeter", "1.0.0")
    home.dotnet("pack", "-c", "Release", "--include-symbols", "-p:SymbolPackageFormat=snupkg", cwd=project)
    built = project / "bin" / "Release" / "Acme.Greeter.1.0.0.nupkg"
    home.dotnet("nuget", "push", str(built), "-s", pair[0], "-k", world.key, cwd=project)
    record = world.package(pair[0], "acme.greeter")
    assert record is not None
    assert [file.variant for file in record.versions[0].files] == ["", "symbols"]

    again = home.dotnet("nuget", "push", str(built), "-s", pair[0], "-k", world.key, cwd=project, check=False)
    assert again.returncode != 0
    assert "409" in again.stdout
    assert "already published" in again.stdout
    # NuGet 5.4 forgets to skip symbols that are there.
    skipped = ("nuget", "push", str(built), "-s", pair[0], "-k", world.key, "--skip-duplicate", "--no-symbols", "true")
    home.dotnet(*skipped, cwd=project)

    world.promote(pair, ("Acme.Greeter", "1.0.0"))
    home.forget()
    use(tmp_path, world, pair[1])
    app = program(tmp_path / "app", {"Acme.Greeter": "1.0.0"}, "System.Console.WriteLine(AcmeGreeter.It.Is);")
    home.dotnet("build", "--nologo", "-c", "Release", cwd=app)
    said = home.dotnet("bin/Release/netcoreapp3.1/app.dll", cwd=app)
    assert said.stdout.strip() == "Acme.Greeter 1.0.0"


def test_symbols_are_found_by_their_signature(
    home: DotnetHome, world: World, pair: tuple[str, str], samples: Path
) -> None:
    world.upload(pair[0], *(samples / "nupkg-built" / f"Demo.Lib.1.0.0.{ending}" for ending in ("nupkg", "snupkg")))
    world.promote(pair, ("Demo.Lib", "1.0.0"))
    record = world.package(pair[1], "Demo.Lib")
    assert record is not None
    signature = record.versions[0].files[1].manifest.data["pdbs"][0]["signature"]
    key = f"{signature.upper()}FFFFFFFF"
    assert world.get(f"/nuget/{pair[1]}/symbols/Demo.Lib.pdb/{key}/Demo.Lib.pdb").startswith(b"BSJB")


def test_a_graph_of_packages_restores_and_builds_from_dev_and_then_from_prod_alone(
    home: DotnetHome, world: World, pair: tuple[str, str], samples: Path, tmp_path: Path
) -> None:
    files = [samples / "nupkg-built" / f"{id}.{version}.nupkg" for id, version in GRAPH.items()]
    world.upload(pair[0], *files)
    reference = {"NuGet.Protocol": GRAPH["NuGet.Protocol"]}
    code = 'System.Console.WriteLine(NuGet.Versioning.NuGetVersion.Parse("1.0").ToNormalizedString());'
    hashes = []
    for feed in pair:
        home.forget()
        use(tmp_path, world, feed)
        app = program(tmp_path / feed, reference, code)
        if feed == pair[1]:
            assert home.dotnet("restore", cwd=app, check=False).returncode != 0
            for id, version in GRAPH.items():
                world.promote(pair, (id, version))
        home.dotnet("build", "--nologo", cwd=app)
        assert {id: version for id, version in restored(app).items() if id in GRAPH} == GRAPH
        assert len(restored(app)) >= 7
        hashes.append(content_hashes(app))
        said = home.dotnet("bin/Debug/netcoreapp3.1/app.dll", cwd=app)
        assert said.stdout.strip() == "1.0.0"
    assert hashes[0] == hashes[1]
    for id, version in GRAPH.items():
        assert world.digest(pair[0], id, version) == world.digest(pair[1], id, version)


def pushed(home: DotnetHome, world: World, feed: str, folder: Path, name: str, *versions: str) -> None:
    """Pack a library in some versions and push them."""
    project = library(folder / name, name, "0.0.1")
    for version in versions:
        home.dotnet("pack", "--nologo", f"-p:PackageVersion={version}", "-o", str(project / "out"), cwd=project)
    for path in sorted((project / "out").glob("*.nupkg")):
        home.dotnet("nuget", "push", str(path), "-s", feed, "-k", world.key, "-n", "true", cwd=project)


def test_outdated_add_package_floating_and_delete(
    home: DotnetHome, world: World, pair: tuple[str, str], tmp_path: Path
) -> None:
    dev = pair[0]
    use(tmp_path, world, dev)
    pushed(home, world, dev, tmp_path, "Acme.Tool", "1.0.0", "1.1.0", "2.0.0-rc.1")
    app = program(tmp_path / "app", {"Acme.Tool": "1.0.0"})
    home.dotnet("restore", cwd=app)
    outdated = home.dotnet("list", "package", "--outdated", cwd=app).stdout
    assert re.search(r"Acme\.Tool\s+1\.0\.0\s+1\.0\.0\s+1\.1\.0", outdated), outdated
    outdated = home.dotnet("list", "package", "--outdated", "--include-prerelease", cwd=app).stdout
    assert "2.0.0-rc.1" in outdated, outdated

    home.dotnet("add", "package", "Acme.Tool", cwd=app)
    assert restored(app)["Acme.Tool"] == "1.1.0"

    home.dotnet("nuget", "delete", "Acme.Tool", "1.1.0", "-s", dev, "-k", world.key, "--non-interactive", cwd=app)
    record = world.package(dev, "Acme.Tool")
    assert record is not None
    assert [version.listed for version in record.versions] == [True, False, True]
    home.forget()
    exact = program(tmp_path / "exact", {"Acme.Tool": "[1.1.0]"})
    home.dotnet("restore", cwd=exact)
    old = program(tmp_path / "old", {"Acme.Tool": "1.0.0"})
    home.dotnet("restore", cwd=old)
    assert "1.1.0" not in home.dotnet("list", "package", "--outdated", cwd=old).stdout
    floating = program(tmp_path / "floating", {"Acme.Tool": "2.0.0-*"})
    home.dotnet("restore", cwd=floating)
    assert restored(floating)["Acme.Tool"] == "2.0.0-rc.1"


def test_signed_packages_go_through_unchanged(
    home: DotnetHome, world: World, pair: tuple[str, str], samples: Path, tmp_path: Path
) -> None:
    use(tmp_path, world, pair[0])
    path = samples / "nupkg" / "microsoft.dotnet.common.itemtemplates.3.1.2.nupkg"
    home.dotnet("nuget", "push", str(path), "-s", pair[0], "-k", world.key, cwd=tmp_path)
    id, version = "Microsoft.DotNet.Common.ItemTemplates", "3.1.2"
    record = world.package(pair[0], id)
    assert record is not None
    assert record.versions[0].main.manifest.data["signed"] is True
    world.promote(pair, (id, version))
    for feed in pair:
        at = f"/nuget/{feed}/v3/flat/{id.lower()}/{version}/{id.lower()}.{version}.nupkg"
        assert world.get(at) == path.read_bytes()
    home.dotnet("new", "-i", f"{id}::{version}", "--nuget-source", world.v3(pair[1]), cwd=tmp_path)


def test_nuget_3_4_pushes_installs_a_graph_and_deletes(
    home: DotnetHome, world: World, pair: tuple[str, str], samples: Path, tmp_path: Path
) -> None:
    use(tmp_path, world, pair[0])
    for id, version in GRAPH.items():
        path = samples / "nupkg-built" / f"{id}.{version}.nupkg"
        home.nuget_3("push", str(path), "-Source", pair[0], "-ApiKey", world.key, cwd=tmp_path)
    for id, version in GRAPH.items():
        world.promote(pair, (id, version))
    for feed in pair:
        home.forget()
        use(tmp_path, world, feed)
        folder = tmp_path / f"out-{feed}"
        asked = ("install", "NuGet.Packaging", "-Version", "5.4.0", "-Source", feed, "-OutputDirectory", str(folder))
        home.nuget_3(*asked, cwd=tmp_path)
        found = {each.name for each in folder.iterdir()}
        assert {f"{id}.{GRAPH[id]}" for id in GRAPH if id != "NuGet.Protocol"} == found
    use(tmp_path, world, pair[0])
    home.nuget_3("delete", "NuGet.Common", "5.4.0", "-Source", pair[0], "-ApiKey", world.key, cwd=tmp_path)
    record = world.package(pair[0], "NuGet.Common")
    assert record is not None
    assert record.versions[0].listed is False


def test_dotnet_restores_over_v2(
    home: DotnetHome, world: World, pair: tuple[str, str], samples: Path, tmp_path: Path
) -> None:
    world.upload(pair[0], *(samples / "nupkg-built" / f"{id}.{version}.nupkg" for id, version in GRAPH.items()))
    use(tmp_path, world, pair[0], v2=True)
    app = program(tmp_path / "app", {"NuGet.Protocol": GRAPH["NuGet.Protocol"]})
    home.dotnet("restore", cwd=app)
    assert restored(app) == GRAPH


def test_nuget_2_8_lists_pushes_installs_a_graph_and_deletes(
    home: DotnetHome, world: World, pair: tuple[str, str], samples: Path, tmp_path: Path
) -> None:
    dev = pair[0]
    use(tmp_path, world, dev, v2=True)
    for id, version in GRAPH.items():
        name = f"{id}.{version}.nupkg"
        (tmp_path / name).write_bytes((samples / "nupkg-built" / name).read_bytes())
        # On mono it takes an absolute path for a relative one.
        home.nuget_2("push", name, "-Source", dev, "-ApiKey", world.key, cwd=tmp_path)
    # One version of SemVer 2 among the others made this client give up the whole list.
    world.upload_bytes(dev, make("Acme.New", "1.0.0-rc.1").content)
    for id, version in GRAPH.items():
        world.promote(pair, (id, version))
    for feed in pair:
        home.forget()
        use(tmp_path, world, feed, v2=True)
        listed = home.nuget_2("list", "-Prerelease", "-Source", feed, cwd=tmp_path).stdout
        assert "Acme.New" not in listed
        assert {f"{id} {version}" for id, version in GRAPH.items()} <= set(listed.splitlines())
        found = home.nuget_2("list", "packaging", "-Source", feed, cwd=tmp_path).stdout
        assert "NuGet.Packaging 5.4.0" in found
        assert "Newtonsoft" not in found
        folder = tmp_path / f"out-{feed}"
        asked = ("install", "NuGet.Packaging", "-Version", "5.4.0", "-Source", feed, "-OutputDirectory", str(folder))
        home.nuget_2(*asked, cwd=tmp_path)
        assert {f"{id}.{GRAPH[id]}" for id in GRAPH if id != "NuGet.Protocol"} == {e.name for e in folder.iterdir()}
    use(tmp_path, world, dev, v2=True)
    home.nuget_2("delete", "NuGet.Common", "5.4.0", "-Source", dev, "-ApiKey", world.key, cwd=tmp_path)
    record = world.package(dev, "NuGet.Common")
    assert record is not None
    assert record.versions[0].listed is False
    assert "NuGet.Common" not in home.nuget_2("list", "-Source", dev, cwd=tmp_path).stdout


def test_a_graph_of_packages_is_restored_through_a_connector(
    home: DotnetHome, world: World, pair: tuple[str, str], samples: Path, tmp_path: Path
) -> None:
    world.upload(pair[0], *(samples / "nupkg-built" / f"{id}.{version}.nupkg" for id, version in GRAPH.items()))
    feed = world.through(pair[0])
    use(tmp_path, world, feed)
    app = program(tmp_path / "app", {"NuGet.Protocol": GRAPH["NuGet.Protocol"]})
    home.dotnet("restore", cwd=app)
    assert restored(app)["NuGet.Protocol"] == GRAPH["NuGet.Protocol"]
    record = world.package(feed, "NuGet.Protocol")
    assert record is not None
    assert (record.versions[0].state.value, record.versions[0].connector) == ("cached", feed)
