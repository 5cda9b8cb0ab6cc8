"""Marshal documents and platforms, read back by real Ruby; gemspecs in the forms that Ruby has written."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest

from app.plugin import FileLine, InvalidPackage, Manifest
from plugins.rubygems import archive, specs
from plugins.rubygems.kit import gem, metadata
from plugins.rubygems.marshal import dumps, integer
from plugins.rubygems.names import parse_platform
from plugins.rubygems.yaml_events import load
from tests.clients.ruby import RubyHome

PLATFORMS = [
    "java",
    "x86_64-linux",
    "x86_64-linux-gnu",
    "x86_64-linux-musl",
    "aarch64-linux-gnu",
    "arm-linux-gnueabihf",
    "x86-mingw32",
    "x64-mingw32",
    "x64-mingw-ucrt",
    "x86_64-darwin-20",
    "arm64-darwin",
    "x86-mswin32-60",
    "i386-mswin32",
    "universal-darwin-19",
    "x86-linux",
    "i686-linux",
    "mswin32",
    "java-1.8",
    "x86-solaris-2.8",
    "powerpc-aix-5",
    "x86-cygwin",
    "jruby",
    "dalvik",
    "dotnet-2.0",
    "x86_64-openbsd6.0",
    "wasm",
]


def read(content: bytes) -> Manifest:
    """Read a gem."""
    return archive.read(io.BytesIO(content))


@pytest.fixture
def ruby(tmp_path: Path) -> RubyHome:
    """Give Ruby in an empty home."""
    return RubyHome(tmp_path)


@pytest.mark.clients
def test_ruby_reads_numbers_and_values(ruby: RubyHome) -> None:
    numbers = [0, 1, 122, 123, 255, 256, 65_535, 65_536, 2**30 - 1, -1, -123, -124, -129, -256, -257, -(2**30)]
    values = [numbers, "text \u00e4", None, True, False, {"a": ["b"]}]
    (ruby.home / "x").write_bytes(dumps(values))
    said = ruby.run("ruby", "-rjson", "-e", "puts JSON.dump(Marshal.load(File.binread('x')))")
    assert json.loads(said) == values


def test_a_number_that_marshal_cannot_hold_is_refused() -> None:
    with pytest.raises((OverflowError, StopIteration)):
        integer(2**40)


@pytest.mark.clients
def test_ruby_reads_the_lists_of_all_gems(ruby: RubyHome) -> None:
    def line(name: str, version: str, variant: str = "", *, early: bool = False, listed: bool = True) -> FileLine:
        return FileLine(name, version, version, early, listed, variant, "")

    lines = [
        [line("a", "1.0"), line("a", "1.1"), line("a", "1.1", "java"), line("a", "2.0.pre", early=True)],
        [line("b", "1.0", listed=False)],
        [line("c", "3.0", "java"), line("c", "4.0")],
    ]
    for name, chosen in specs.LISTS.items():
        (ruby.home / name).write_bytes(specs.join(map(specs.piece_of(chosen), lines)))
    script = (
        "%w[specs latest_specs prerelease_specs].each { |n| "
        "found = Marshal.load(Gem::Util.gunzip(File.binread(n))); "
        "puts found.map { |g, v, p| [g, v.class, v, p].join(' ') }.join(',') }"
    )
    said = ruby.run("ruby", "-rrubygems/util", "-e", script).splitlines()
    version = "Gem::Version"
    assert said == [
        f"a {version} 1.0 ruby,a {version} 1.1 ruby,a {version} 1.1 java,c {version} 3.0 java,c {version} 4.0 ruby",
        f"a {version} 1.1 ruby,a {version} 1.1 java,c {version} 3.0 java,c {version} 4.0 ruby",
        f"a {version} 2.0.pre ruby",
    ]


@pytest.mark.clients
def test_ruby_reads_the_specification_as_it_was_built(ruby: RubyHome, samples: Path) -> None:
    files = [*sorted((samples / "gem").glob("*.gem"))]
    java = ruby.home / "java.gem"
    # Ruby itself reads a version without quotes as a number, and then fails.
    java.write_bytes(gem(metadata("jay", "1.0", platform="java").replace("version: 1.0", "version: '1.0'")))
    for number, path in enumerate([*files, java]):
        (ruby.home / f"{number}.rz").write_bytes(specs.quick(read(path.read_bytes())))
        (ruby.home / f"{number}.gem").write_bytes(path.read_bytes())
    script = (
        f'(0..{len(files)}).each {{ |n| a = Marshal.load(Gem::Util.inflate(File.binread("#{{n}}.rz"))); '
        'b = Gem::Package.new("#{n}.gem").spec; b.sanitize; '
        "fields = %i[name version summary description authors email homepage metadata dependencies "
        "required_ruby_version required_rubygems_version platform original_platform full_name]; "
        'fields.each { |f| x, y = a.send(f), b.send(f); puts "#{b.full_name} #{f}: #{x.inspect} #{y.inspect}" '
        "unless x == y } }; puts 'done'"
    )
    assert ruby.run("ruby", "-rrubygems/package", "-rrubygems/util", "-e", script) == "done\n"


@pytest.mark.clients
def test_platforms_are_read_as_ruby_reads_them(ruby: RubyHome) -> None:
    script = "puts ARGV.map { |t| p = Gem::Platform.new(t); [p.cpu, p.os, p.version].map(&:to_s).join('/') }"
    real = ruby.run("ruby", "-e", script, *PLATFORMS).splitlines()
    ours = [parse_platform(text) for text in PLATFORMS]
    assert [f"{each.cpu or ''}/{each.os}/{each.version or ''}" for each in ours] == real


def test_a_version_without_quotes_stays_text() -> None:
    assert read(gem(metadata("a", "1").replace("version: '1'", "version: 1.10"))).version == "1.10"


def test_the_original_platform_names_the_file() -> None:
    manifest = read(gem(metadata("a", "1", platform="x86-linux", more="original_platform: i686-linux\n")))
    assert manifest.variant == "i686-linux"
    assert manifest.handles == ("a-1-i686-linux", "a-1-x86-linux")


def test_a_platform_may_be_an_object() -> None:
    told = "!ruby/object:Gem::Platform\n  cpu: x86\n  os: mingw32\n  version:\noriginal_platform: "
    assert read(gem(metadata("a", "1", platform=told))).variant == "x86-mingw32"


def test_old_spellings_of_requirements_are_read() -> None:
    old = (
        metadata("a", "1")
        .replace(
            "requirement: !ruby/object:Gem::Requirement", "version_requirements: !ruby/object:Gem::Version::Requirement"
        )
        .replace("type: :runtime", "type: !ruby/sym runtime")
    )
    assert read(gem(old)).dependencies[0].range == ">= 1.0, < 3"


def test_aliases_are_read() -> None:
    twice = metadata("a", "1", more="executables: &id001\n- run\nextra: *id001\n")
    assert read(gem(twice)).data["executables"] == ["run"]


def test_checksums_are_checked() -> None:
    with pytest.raises(InvalidPackage, match=r"metadata\.gz is not what its checksums say"):
        read(gem(metadata("a", "1"), checksums=gzip.compress(b"---\nSHA512:\n  metadata.gz: '00'\n")))


def test_the_readme_and_the_files_are_those_that_the_gem_installs() -> None:
    content = gem(metadata("a", "1"), {"README.rdoc": b"plain", "readme.md": b"# Hi\n", "lib/a.rb": b"x"})
    assert read(content).readme == "# Hi\n"
    assert [entry.path for entry in archive.entries(io.BytesIO(content))] == ["README.rdoc", "readme.md", "lib/a.rb"]
    assert archive.read_entry(io.BytesIO(content), "lib/a.rb", 10) == b"x"


@pytest.mark.parametrize("depth", [20, 100, 100_000])
def test_nesting_never_ends_the_process(depth: int) -> None:
    if depth < 32:
        assert load(b"[" * depth + b"]" * depth) is not None
        return
    with pytest.raises(InvalidPackage):
        load(b"[" * depth)
