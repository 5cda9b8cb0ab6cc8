"""Reading packages and symbol packages: what a nuspec says, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.plugin import Dependency, InvalidPackage, Manifest
from app.testing.hostile import hostile_zips, lying_zips
from plugins.nuget.format import NuGetFormat
from plugins.nuget.frameworks import short_name
from plugins.nuget.hostile import nuspec, symbols_nuspec
from plugins.nuget.kit import make, make_pdb, make_signature, make_symbols, packed
from plugins.nuget.portable_pdb import asked_for

FORMAT = NuGetFormat()


def read(content: bytes) -> Manifest:
    return FORMAT.read(io.BytesIO(content), "upload.nupkg")


def with_metadata(more: str, version: str = "1.0.0", **files: bytes) -> Manifest:
    return read(packed({"a.nuspec": nuspec("a", version, more), "lib/a.dll": b"MZ", **files}))


def test_a_nuspec_is_read_whole() -> None:
    manifest = with_metadata(
        "<title>The A</title><summary>short</summary><tags>one two, three</tags><copyright>me</copyright>"
        '<license type="expression">MIT OR Apache-2.0</license><projectUrl>https://example.org/a</projectUrl>'
        '<repository type="git" url="https://example.org/a.git" commit="abc" branch="main"/>'
        "<readme>docs\\README.md</readme><icon>icon.png</icon><releaseNotes>all new</releaseNotes>"
        "<requireLicenseAcceptance>true</requireLicenseAcceptance><language>en</language>"
        '<packageTypes><packageType name="DotnetTool" version="1.0"/></packageTypes>',
        **{"docs/README.md": "\ufeff# A\n".encode(), "icon.png": b"x"},
    )
    assert (manifest.name, manifest.version, manifest.license) == ("a", "1.0.0", "MIT OR Apache-2.0")
    assert manifest.keywords == ("one", "two", "three")
    assert manifest.readme == "# A\n"
    assert manifest.links == {"Project": "https://example.org/a", "Repository": "https://example.org/a"}
    assert manifest.facets == ("type=dotnettool",)
    assert manifest.data["repository"] == {
        "type": "git",
        "url": "https://example.org/a.git",
        "branch": "main",
        "commit": "abc",
    }
    assert manifest.data["requireLicenseAcceptance"] is True
    assert manifest.data["releaseNotes"] == "all new"
    assert manifest.data["packageTypes"] == [{"name": "DotnetTool", "version": "1.0"}]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('<license type="expression">MIT</license>', "MIT"),
        ('<license type="file">LICENSE.txt</license>', "SEE LICENSE IN LICENSE.txt"),
        ("<licenseUrl>https://example.org/license</licenseUrl>", "https://example.org/license"),
        ('<license type="expression">MIT</license><licenseUrl>https://example.org</licenseUrl>', "MIT"),
        ("", ""),
    ],
)
def test_a_licence_is_an_expression_a_file_or_an_address(more: str, expected: str) -> None:
    assert with_metadata(more).license == expected


def test_dependencies_are_grouped_by_framework() -> None:
    manifest = with_metadata(
        '<dependencies><dependency id="ignored" version="1.0"/>'
        '<group targetFramework=".NETStandard2.0"><dependency id="b" version="1.0"/></group>'
        '<group targetFramework=".NETFramework4.5"><dependency id="c"/><dependency id="d" version="[1,2)"/></group>'
        '<group targetFramework="net8.0"/><group><dependency id="e" version=" "/></group></dependencies>'
    )
    assert manifest.dependencies == (
        Dependency("b", "1.0", "netstandard2.0"),
        Dependency("c", "", "net45"),
        Dependency("d", "[1,2)", "net45"),
        Dependency("e", "", "any framework"),
    )
    frameworks = [group.get("targetFramework") for group in manifest.data["dependencyGroups"]]
    assert frameworks == [".NETStandard2.0", ".NETFramework4.5", "net8.0", None]


def test_dependencies_without_groups_are_for_any_framework() -> None:
    manifest = with_metadata('<dependencies><dependency id="b" version="1.0"/></dependencies>')
    assert manifest.dependencies == (Dependency("b", "1.0", "any framework"),)
    assert with_metadata("<dependencies/>").dependencies == ()


@pytest.mark.parametrize(
    ("version", "more", "semver2"),
    [
        ("1.0.0", "", False),
        ("1.0.0-rc", "", False),
        ("1.0.0-rc.1", "", True),
        ("1.0.0+build", "", True),
        ("1.0.0", '<dependencies><dependency id="b" version="[1.0-a.b,2)"/></dependencies>', True),
        ("1.0.0", '<dependencies><group><dependency id="b" version="(,2-x.1]"/></group></dependencies>', True),
        ("1.0.0", '<dependencies><dependency id="b" version="1.0-rc"/></dependencies>', False),
    ],
)
def test_a_version_or_a_bound_of_a_dependency_makes_a_package_semver2(version: str, more: str, semver2: bool) -> None:
    manifest = with_metadata(more, version)
    assert manifest.data["semver2"] is semver2
    assert ("semver2" in manifest.facets) is semver2


def test_every_schema_or_none_is_read_and_utf_16_too() -> None:
    plain = "<package><metadata><id>a</id><version>1.0</version></metadata></package>"
    for content in (plain.encode(), plain.encode("utf-16"), b"\xef\xbb\xbf" + plain.encode()):
        assert read(packed({"x.nuspec": content})).version == "1.0"
    prefixed = '<n:package xmlns:n="urn:x"><n:metadata minClientVersion="2.12"><n:id>a</n:id><n:version>1</n:version>'
    manifest = read(packed({"x.NuSpec": f"{prefixed}</n:metadata></n:package>".encode()}))
    assert manifest.data["minClientVersion"] == "2.12"


def test_a_signature_is_noticed() -> None:
    assert with_metadata("", **{".signature.p7s": b"x"}).data["signed"] is True
    assert with_metadata("").data["signed"] is False


def test_a_readme_that_is_not_there_is_none() -> None:
    assert with_metadata("<readme>nowhere.md</readme>").readme == ""
    assert with_metadata("<readme>My File.md</readme>", **{"my%20file.md": b"hello"}).readme == "hello"


def test_symbols_are_a_variant_with_the_signatures_of_their_pdbs() -> None:
    manifest = read(make_symbols("Left.Pad", "1.0.0").content)
    guid = make_signature("Left.Pad", "1.0.0").hex
    assert (manifest.name, manifest.version, manifest.variant) == ("Left.Pad", "1.0.0", "symbols")
    assert manifest.handles == (f"left.pad.pdb/{guid}",)
    assert FORMAT.filename(manifest) == "Left.Pad.1.0.0.snupkg"
    assert FORMAT.qualifier("symbols") == ""


def test_a_debugger_s_age_and_case_do_not_count() -> None:
    guid = make_signature("a", "1.0.0").hex
    for key in (f"{guid}ffffffff", f"{guid.upper()}FFFFFFFF", f"{guid}1"):
        assert asked_for("A.pdb", key) == f"a.pdb/{guid}"
    for key in ("", guid, f"{guid}fffffffff", "x" * 40):
        assert asked_for("a.pdb", key) is None


def test_two_pdbs_of_one_package_are_both_found() -> None:
    files = {"lib/a/x.pdb": make_pdb("x", "1"), "lib/b/x.pdb": make_pdb("x", "2")}
    manifest = read(packed({"x.nuspec": symbols_nuspec("x"), **files}))
    assert len(manifest.handles) == 2
    assert [each["path"] for each in manifest.data["pdbs"]] == list(files)


def test_every_hostile_zip_is_refused() -> None:
    files = {"a.nuspec": nuspec(), "lib/a.dll": b"MZ" * 100, "readme.txt": b"hello" * 10}
    for what, content in {**hostile_zips(files), **lying_zips(files)}.items():
        with pytest.raises(InvalidPackage):
            pytest.fail(f"{what} was taken as {read(content)!r:.100}")


@pytest.mark.parametrize(
    ("long", "short"),
    [
        (".NETStandard2.0", "netstandard2.0"),
        (".NETFramework4.5", "net45"),
        (".NETFramework4.7.2", "net472"),
        (".NETFramework4.0", "net40"),
        (".NETCoreApp3.1", "netcoreapp3.1"),
        (".NETCoreApp,Version=v3.1", "netcoreapp3.1"),
        ("net5.0", "net5.0"),
        (".NETCoreApp5.0", "net5.0"),
        ("net6.0-windows7.0", "net6.0-windows7.0"),
        ("netstandard2.1", "netstandard2.1"),
        ("net45", "net45"),
        (".NETPortable0.0-Profile259", ".NETPortable0.0-Profile259"),
        ("MonoAndroid10", "monoandroid10"),
        ("UAP10.0", "uap10.0"),
        ("something else", "something else"),
    ],
)
def test_frameworks_have_short_names(long: str, short: str) -> None:
    assert short_name(long) == short


def test_real_packages_are_read(samples: Path) -> None:
    paths = [*(samples / "nupkg").glob("*.nupkg"), *(samples / "nupkg-built").glob("*nupkg")]
    assert len(paths) >= 15
    for path in paths:
        manifest = read(path.read_bytes())
        assert FORMAT.filename(manifest).lower() == path.name.lower()
        assert manifest.data["signed"] is (path.parent.name == "nupkg")


def test_a_real_symbol_package_has_its_signature(samples: Path) -> None:
    manifest = read((samples / "nupkg-built" / "Demo.Lib.1.0.0.snupkg").read_bytes())
    assert len(manifest.handles) == 1
    assert manifest.handles[0].startswith("demo.lib.pdb/")


def test_looking_into_a_package() -> None:
    content = make("a", "1.0.0").content
    assert "README.md" in [entry.path for entry in FORMAT.entries(io.BytesIO(content))]
    assert FORMAT.read_entry(io.BytesIO(content), "README.md", 3) == b"# a"
