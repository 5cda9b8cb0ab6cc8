"""Reading gems: gemspecs of every age, archives, checksums, real gems, and what must be refused."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from pathlib import Path

import pytest

from app.plugin import FeedAddress, InvalidPackage, Manifest, NotFound
from app.testing.hostile import hostile_tgzs
from plugins.rubygems.archive import entries, read, read_entry
from plugins.rubygems.format import RubyGemsFormat
from plugins.rubygems.gemspec import read_gemspec
from plugins.rubygems.hostile import hostile_gems
from plugins.rubygems.kit import make
from plugins.rubygems.packing import checksums_yaml, gemspec_yaml, make_gem, make_tar, pack, squeeze
from plugins.rubygems.yaml_events import Record, read_yaml
from tests.clients.ruby import RubyHome, ask_ruby

OLD = """\
--- !ruby/object:Gem::Specification
rubygems_version: 0.8.11
specification_version: 1
name: Old_Gem
version: !ruby/object:Gem::Version
  version: 1.0
date: 2005-07-09 00:00:00 +02:00
summary: Very old.
require_paths:
- lib
email: ada@example.org
homepage: http://example.org/old
description:
has_rdoc: true
required_ruby_version: &id001 !ruby/object:Gem::Version::Requirement
  requirements:
  - - ">"
    - !ruby/object:Gem::Version
      version: 0.0.0
  version:
platform: !ruby/object:Gem::Platform
  cpu: x86
  os: mswin32
  version:
original_platform: mswin32
author: Ada
license: Ruby's
dependencies:
- !ruby/object:Gem::Dependency
  name: rake
  type: !ruby/sym development
  version_requirement:
  version_requirements: *id001
- !ruby/object:Gem::Dependency
  name: rack
  version_requirement:
  version_requirements: !ruby/object:Gem::Version::Requirement
    requirements:
    - - ~>
      - &id002 !ruby/object:Gem::Version
        version: "1.10"
    - - "!="
      - *id002
"""


def manifest_of(content: bytes) -> Manifest:
    return read(io.BytesIO(content))


def test_a_gemspec_of_twenty_years_ago_is_read() -> None:
    found = read_gemspec(OLD.encode())
    assert (found.name, found.version, found.variant) == ("Old_Gem", "1.0", "mswin32")
    assert found.description == "Very old."
    assert found.authors == "Ada"
    assert found.license == "Ruby's"
    assert found.data["ruby"] == "> 0.0.0"
    assert found.data["rubygems"] == ">= 0"
    assert found.data["date"] == "2005-07-09"
    assert found.data["email"] == "ada@example.org"
    assert [(d.name, d.range, d.group, d.runtime) for d in found.dependencies] == [
        ("rake", "> 0.0.0", "development", False),
        ("rack", "~> 1.10, != 1.10", "runtime", True),
    ]
    assert found.handles == ("Old_Gem-1.0-mswin32", "Old_Gem-1.0-x86-mswin32")


@pytest.mark.parametrize("version", ["1.0", "1.10", "1_0 "[:1], "2005", "1e3"[:1], "0.10", "1.0.0-beta"])
def test_a_version_without_quotes_stays_text(version: str) -> None:
    text = gemspec_yaml("left", version).replace(f"version: '{version}'", f"version: {version}", 1)
    assert read_gemspec(text.encode()).version == version.replace("-", ".pre.")


def test_what_a_gem_says_of_itself_is_read() -> None:
    found = manifest_of(make("left", "1.2.0", platform="x86_64-linux", ruby=">= 2.7, < 4").content)
    assert (found.name, found.version, found.variant) == ("left", "1.2.0", "x86_64-linux")
    assert found.license == "MIT"
    assert found.links == {"homepage": "https://example.org/", "source code": "https://example.org/source"}
    assert found.readme.startswith("# left\n")
    assert found.data["ruby"] == ">= 2.7, < 4"
    assert found.data["platform"] == "x86_64-linux"
    assert found.facets == ("platform=x86_64-linux",)
    assert found.data["files"] == 2


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("licenses: []", ""),
        ("licenses:\n- MIT\n- Ruby", "MIT, Ruby"),
        ("licenses: MIT", "MIT"),
        ("licenses:\n- [MIT]\n- GPL", "GPL"),
        ("licenses:\nlicense: BSD", "BSD"),
        ("licenses: &x []\nother: *x", ""),
    ],
)
def test_licences_come_in_many_shapes(given: str, wanted: str) -> None:
    assert read_gemspec(gemspec_yaml("left", "1").replace("licenses:\n- MIT", given).encode()).license == wanted


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    text = gemspec_yaml("left", "1").replace("https://example.org/\n", "javascript:alert(1)\n")
    assert list(read_gemspec(text.encode()).links) == ["source code"]


@pytest.mark.parametrize("platform", ["java", "x86-mingw32", "aarch64-linux-gnu", "universal-darwin-20", "ruby", ""])
def test_the_platform_is_spelled_as_its_author_did(platform: str) -> None:
    found = read_gemspec(gemspec_yaml("left", "1", platform=platform).encode())
    assert found.variant == ("" if platform in ("ruby", "") else platform)
    assert RubyGemsFormat().filename(found) == f"left-1{f'-{found.variant}' if found.variant else ''}.gem"


def test_a_platform_is_an_api_qualifier() -> None:
    assert [RubyGemsFormat().qualifier(each) for each in ("", "java")] == ["platform=ruby", "platform=java"]


@pytest.mark.parametrize(
    ("present", "shown"),
    [
        (("README.txt", "README.md", "README"), "README.md"),
        (("README", "readme.rdoc"), "readme.rdoc"),
        (("README.ja.md", "README.txt"), "README.txt"),
        (("lib/README.md",), ""),
        ((), ""),
    ],
)
def test_the_readme_is_found(present: tuple[str, ...], shown: str) -> None:
    files = {path: path.encode() for path in present} | {"lib/left.rb": b"1"}
    assert manifest_of(make_gem(gemspec_yaml("left", "1"), files)).readme == shown


def test_files_are_listed_and_read() -> None:
    content = make("left", "1").content
    assert [(each.path, each.size) for each in entries(io.BytesIO(content))] == [("README.md", 18), ("lib/left.rb", 14)]
    assert read_entry(io.BytesIO(content), "lib/left.rb", 6) == b"# left"
    for path in ("lib", "left.rb", "metadata.gz", "../lib/left.rb"):
        with pytest.raises(NotFound):
            read_entry(io.BytesIO(content), path, 10)


def test_a_signed_gem_and_one_without_checksums_are_read() -> None:
    metadata, data = squeeze(gemspec_yaml("left", "1")), squeeze(make_tar({"a": b"1"}))
    bare = {"metadata.gz": metadata, "data.tar.gz": data}
    signed = {**bare, "metadata.gz.sig": b"s", "data.tar.gz.sig": b"s", "checksums.yaml.gz.sig": b"s"}
    reversed_members = dict(reversed(bare.items()))
    for members in (bare, signed, reversed_members):
        assert manifest_of(make_tar(members)).name == "left"


def test_a_gem_without_any_file_is_read() -> None:
    assert manifest_of(make_gem(gemspec_yaml("left", "1"), squeeze(b""))).data["files"] == 0


def test_a_link_inside_is_fine_and_not_a_file() -> None:
    link = tarfile.TarInfo("b")
    link.type, link.linkname = tarfile.SYMTYPE, "a"
    content = make_gem(gemspec_yaml("left", "1"), squeeze(pack([(tarfile.TarInfo("a"), b"1"), (link, b"")])))
    assert [each.path for each in entries(io.BytesIO(content))] == ["a"]


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
def test_every_declared_checksum_is_checked(algorithm: str) -> None:
    for member in ("metadata.gz", "data.tar.gz"):
        wrong = f"---\n{algorithm}:\n  {member}: {'0' * 40}\n"
        with pytest.raises(InvalidPackage, match=algorithm):
            manifest_of(make_gem(gemspec_yaml("left", "1"), {"a": b"1"}, wrong))


def test_a_checksum_of_what_is_not_there_or_of_another_kind_is_passed_over() -> None:
    text = "---\nMD5:\n  metadata.gz: 0\nSHA256:\n  other.gz: 0\n"
    assert manifest_of(make_gem(gemspec_yaml("left", "1"), {"a": b"1"}, text)).name == "left"


@pytest.mark.parametrize("what", sorted(hostile_gems()))
def test_hostile_gems_are_refused_quickly(what: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidPackage):
        manifest_of(hostile_gems()[what])
    assert time.process_time() - started < 20


@pytest.mark.parametrize("what", sorted(hostile_tgzs({"package/a": b"{}", "package/b": b"1"})))
def test_what_is_refused_of_any_archive_is_refused_inside_a_gem(what: str) -> None:
    data = hostile_tgzs({"package/a": b"{}", "package/b": b"1"})[what]
    content = make_gem(gemspec_yaml("left", "1"), data)
    if what == "tgz: two folders with one file":  # Only npm takes the first folder off.
        assert manifest_of(content).name == "left"
        return
    with pytest.raises(InvalidPackage):
        manifest_of(content)


def test_a_gemspec_of_a_hundred_thousand_files_is_read_in_seconds() -> None:
    text = gemspec_yaml("left", "1").replace("- README.md\n", "".join(f"- lib/file_{n}.rb\n" for n in range(100_000)))
    started = time.process_time()
    assert read_gemspec(text.encode()).name == "left"
    assert time.process_time() - started < 40


# YAML ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"--- 1.0\n", "1.0"),
        (b"--- ~\n", None),
        (b"---\n", None),
        (b"--- ''\n", ""),
        (b"--- 'null'\n", "null"),
        (b"--- yes\n", "yes"),
        (b"--- :runtime\n", ":runtime"),
        (b"--- !ruby/symbol runtime\n", "runtime"),
        (b"--- 2005-07-09 00:00:00 Z\n", "2005-07-09 00:00:00 Z"),
        (b"--- !binary |\n  w4RkYQ==\n", "\u00c4da"),
        (b"--- [a, &x b, *x]\n", ["a", "b", "b"]),
        (b"", None),
    ],
)
def test_scalars_stay_text(text: bytes, value: object) -> None:
    assert read_yaml(text) == value


def test_a_mapping_knows_its_class() -> None:
    found = read_yaml(b"--- !ruby/object:Gem::Version\nversion: 1\n")
    assert isinstance(found, Record)
    assert (found.kind, dict(found)) == ("Gem::Version", {"version": "1"})


def test_aliases_are_shared_and_never_copied() -> None:
    laughs = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    started = time.process_time()
    read_yaml(laughs.encode())
    read_gemspec(f"{gemspec_yaml('left', '1')}{laughs}".encode())
    assert time.process_time() - started < 10


# Real gems ----------------------------------------------------------------------------------------------


def test_real_gems_are_read_as_ruby_reads_them(samples: Path) -> None:
    paths = sorted(map(str, (samples / "gem").glob("*.gem")))
    assert len(paths) >= 40
    script = """
      require 'rubygems/package'
      input.map { |path|
        s = Gem::Package.new(path).spec
        needs = s.dependencies.map { |d| [d.name, d.requirement.requirements.map { |o, v| "#{o} #{v}" }.sort, d.type] }
        [s.name, s.version.to_s, s.platform.to_s, s.licenses, s.authors.compact, s.required_ruby_version.to_s, needs]
      }"""
    mine = []
    for path in paths:
        with Path(path).open("rb") as file:
            found = RubyGemsFormat().read(file, path)
        needs = [[d.name, sorted(d.range.split(", ")), d.group] for d in found.dependencies]
        data = found.data
        mine.append(
            [found.name, found.version, data["platform"], data["licenses"], data["authors"], data["ruby"], needs]
        )
    theirs = ask_ruby(script, paths)
    for one in (*mine, *theirs):
        one[5] = sorted(one[5].split(", "))
    assert mine == theirs


def test_a_gem_that_ruby_builds_is_read(ruby: RubyHome, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# built\n")
    (tmp_path / "built.gemspec").write_text(
        "Gem::Specification.new do |s|\n"
        "  s.name = 'built'; s.version = '1.0.0-rc.1'; s.summary = 'x'; s.authors = ['\u00c4']; s.email = nil\n"
        "  s.files = ['README.md']; s.platform = 'aarch64-linux-gnu'; s.licenses = ['MIT', 'Ruby']\n"
        "  s.add_runtime_dependency 'rack', '>= 2', '< 4'; s.required_ruby_version = '>= 2.7'\n"
        "  s.metadata = {'rubygems_mfa_required' => 'true'}\n"
        "end\n"
    )
    ruby.run("gem", "build", "built.gemspec", cwd=tmp_path)
    (path,) = tmp_path.glob("*.gem")
    found = manifest_of(path.read_bytes())
    assert (found.version, found.license, found.authors) == ("1.0.0.pre.rc.1", "MIT, Ruby", "\u00c4")
    # Ruby names the file by the platform as it reads it; a client asks for the one and then for the other.
    assert found.variant == "aarch64-linux-gnu"
    assert path.stem in found.handles
    assert [(each.name, each.range) for each in found.dependencies] == [("rack", ">= 2, < 4")]


def test_ruby_installs_a_gem_that_the_kit_makes(ruby: RubyHome, tmp_path: Path) -> None:
    sample = make("left", "1.0.0", needs=())
    (tmp_path / sample.filename).write_bytes(sample.content)
    ruby.run("gem", "install", "--local", "--no-document", sample.filename, cwd=tmp_path)
    assert (ruby.home / "gems/gems/left-1.0.0/lib/left.rb").exists()


def test_checksums_are_written_as_gems_hold_them() -> None:
    text = checksums_yaml({"metadata.gz": gzip.compress(b"x", mtime=0)})
    assert text.startswith("---\nSHA256:\n  metadata.gz: ")


def test_snippets_can_be_copied_as_they_are() -> None:
    feed = FeedAddress("gems", "http://localhost:8624/rubygems/gems", "")
    setup = {(each.tool, each.title): each.text for each in RubyGemsFormat().setup_snippets(feed)}
    assert setup["Bundler", "Use the feed in a project"] == 'source "http://localhost:8624/rubygems/gems/"\n'
    assert "gem push your-1.0.0.gem --host http://localhost:8624/rubygems/gems" in setup["gem", "Publish"]
    install = {(each.tool, each.title): each.text for each in RubyGemsFormat().install_snippets(feed, "rack", "2.0")}
    assert install["gem", "Install"].endswith(
        "--version 2.0 --clear-sources --source http://localhost:8624/rubygems/gems/"
    )
    assert install["file", "Download"] == "http://localhost:8624/rubygems/gems/gems/rack-2.0.gem"


def test_a_version_s_page_names_platforms_and_the_ruby_that_is_asked_for() -> None:
    files = [
        manifest_of(make("left", "1", platform=platform, ruby=ruby).content)
        for platform, ruby in (("", ">= 2.5"), ("java", ">= 2.5"), ("x86_64-linux", ">= 3"))
    ]
    details = RubyGemsFormat().details
    assert details(files[:1]) == {"Platforms": "ruby", "Ruby": ">= 2.5"}
    assert details(files[:2]) == {"Platforms": "ruby, java", "Ruby": ">= 2.5"}
    assert details(files) == {
        "Platforms": "ruby, java, x86_64-linux",
        "Ruby": "ruby: >= 2.5; java: >= 2.5; x86_64-linux: >= 3",
    }
    native = gemspec_yaml("left", "1", rubygems=">= 3").replace("extensions: []", "extensions:\n- ext/extconf.rb")
    shown = details([read_gemspec(native.replace("executables: []", "executables:\n- left").encode())])
    assert shown == {"Platforms": "ruby", "RubyGems": ">= 3", "Commands": "left", "Builds": "ext/extconf.rb"}
