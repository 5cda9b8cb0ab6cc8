"""Gemspecs of other years and platforms, and YAML that no gemspec needs."""

from __future__ import annotations

import pytest

from app.plugin import InvalidPackage, Manifest
from plugins.rubygems.format import RubyGemsFormat
from plugins.rubygems.gemspec import read_gemspec
from plugins.rubygems.packing import gemspec_yaml
from plugins.rubygems.yaml_events import MAX_EVENTS, read_yaml

FORMAT = RubyGemsFormat()
FINE = gemspec_yaml("left", "1.0")

SHARED = """\
--- !ruby/object:Gem::Specification
name: shared
version: !ruby/object:Gem::Version
  version: 1.0
  prerelease:
platform: ruby
authors: [Ada]
date: 2012-02-30
dependencies:
- !ruby/object:Gem::Dependency
  name: rake
  requirement: &70 !ruby/object:Gem::Requirement
    none: false
    requirements:
    - - ! '>='
      - !ruby/object:Gem::Version
        version: 0
  type: :development
  prerelease: false
  version_requirements: *70
- !ruby/object:Gem::Dependency
  name: rack
  requirement: &80 !ruby/object:Gem::Requirement
    none: false
    requirements:
    - - ~>
      - !ruby/object:Gem::Version
        version: 1.10
    - - '!='
      - !ruby/object:Gem::Version
        version: 1.10.2
  type: !ruby/sym runtime
  prerelease: false
  version_requirements: *80
summary: !binary |-
  w6Rw
required_ruby_version: !ruby/object:Gem::Requirement
  none: false
  requirements: &90
  - - ! '>='
    - &a !ruby/object:Gem::Version
      version: '0'
      segments:
      - 0
      hash: 2
required_rubygems_version: !ruby/object:Gem::Requirement
  none: false
  requirements: *90
"""


def spec(text: str) -> Manifest:
    return read_gemspec(text.encode())


def test_a_gemspec_of_2012_with_aliases_and_numbers_without_quotes_is_read() -> None:
    found = spec(SHARED)
    assert found.version == "1.0"
    assert [(d.name, d.range, d.group) for d in found.dependencies] == [
        ("rake", ">= 0", "development"),
        ("rack", "~> 1.10, != 1.10.2", "runtime"),
    ]
    assert (found.data["ruby"], found.data["rubygems"]) == (">= 0", ">= 0")
    assert found.data["summary"] == "\u00e4p"
    assert found.data["date"] == "1980-01-02"  # There is no thirtieth of February.


@pytest.mark.parametrize(
    ("lines", "variant", "handles"),
    [
        ("platform: ruby", "", ("left-1.0",)),
        ("platform: java", "java", ("left-1.0-java",)),
        ("platform: x86_64-linux", "x86_64-linux", ("left-1.0-x86_64-linux",)),
        ("platform: i386-mswin32", "i386-mswin32", ("left-1.0-i386-mswin32", "left-1.0-x86-mswin32")),
        (
            "platform: !ruby/object:Gem::Platform\n  cpu: x86\n  os: mingw32\n  version:",
            "x86-mingw32",
            ("left-1.0-x86-mingw32",),
        ),
        (
            "platform: !ruby/object:Gem::Platform {cpu: x86, os: x}\noriginal_platform: x86-mswin32-60",
            "x86-mswin32-60",
            ("left-1.0-x86-mswin32-60",),
        ),
        ("platform: ''", "", ("left-1.0",)),
        ("platform:", "", ("left-1.0",)),
    ],
)
def test_a_file_is_named_by_the_platform_that_its_author_wrote(
    lines: str, variant: str, handles: tuple[str, ...]
) -> None:
    found = spec(FINE.replace("platform: ruby", lines))
    assert (found.variant, found.handles) == (variant, handles)
    assert FORMAT.filename(found) == f"{handles[0]}.gem"
    assert FORMAT.qualifier(found.variant) == f"platform={variant or 'ruby'}"


def test_what_cannot_be_stored_is_taken_out() -> None:
    found = spec(FINE.replace("summary: Sample left", 'summary: "a\\0b"'))
    assert found.data["summary"] == "a\ufffdb"


def test_a_gem_with_extensions_can_be_found_by_that() -> None:
    found = spec(FINE.replace("extensions: []", "extensions:\n- ext/extconf.rb"))
    assert set(found.facets) == {"platform=ruby", "native"}


@pytest.mark.parametrize("name", ["left", "Left", "9a", "a-1.0", "a_b.c", "a" * 200])
def test_names_that_gems_have(name: str) -> None:
    assert FORMAT.name_key(name) == name


def test_names_differ_by_case_and_are_easily_confused() -> None:
    assert FORMAT.name_key("Left") != FORMAT.name_key("left")
    assert len({FORMAT.confusable_key(name) for name in ("left-pad", "LeftPad", "left_pad", "left.pad")}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "--- !ruby/object:Gem::Installer\ni: x\n",
        "--- !ruby/object:Object {}\n",
        "--- !ruby/struct:X {}\n",
        "--- !ruby/exception:X {}\n",
        "--- !ruby/array:Gem::X []\n",
        "--- !!python/name:os.system\n",
        "--- !ruby/regexp /x/\n",
        "--- !ruby/range 1..2\n",
        "--- !!float 1\n",
        "a: &a [*a]\n",
        "? [a]\n: b\n",
        "a: 1\na: 2\n",
        "<<: {a: 1}\n",
        "*a : 1\n",
        "[" * 100 + "]" * 100,
        "a: [" + "x, " * (MAX_EVENTS + 1) + "]",
        "a\n--- b\n",
        "a: \x07\n",
        "%YAML 9.9\n--- a\n",
        "'",
    ],
)
def test_yaml_that_no_gem_needs_is_refused(text: str) -> None:
    with pytest.raises(InvalidPackage):
        read_yaml(text.encode())
