"""Ruby's Marshal, as written here and read back by Ruby."""

from __future__ import annotations

import gzip
import random
import zlib
from base64 import b64encode
from datetime import date

import pytest

from app.plugin import FileLine
from plugins.rubygems import old_index
from plugins.rubygems.gemspec import read_gemspec
from plugins.rubygems.packing import gemspec_yaml
from plugins.rubygems.requirements import parse
from plugins.rubygems.ruby_marshal import Dumped, Instance, Packed, Symbol, dump, write_number
from plugins.rubygems.versions import is_prerelease
from tests.clients.ruby import ask_ruby

LOAD = "values = input.map { |t| Marshal.load(t.unpack1('m')) }; "


def encoded(*documents: bytes) -> list[str]:
    return [b64encode(document).decode() for document in documents]


def line(name: str, version: str, platform: str = "", *, listed: bool = True) -> FileLine:
    return FileLine(name, version, version, is_prerelease(version), listed, platform, f"{name}-{version}.gem")


def test_values_come_back_in_ruby() -> None:
    numbers = [0, 1, 5, 122, 123, 124, 255, 256, 65_535, 65_536, 2**24 - 1, 2**24, 2**30 - 1]
    values = [None, True, *numbers, "", "\u00e4\u20ac", "x" * 300, [], [["a"], "a"], {"a": "b", "c": ["d"]}]
    script = LOAD + "values.first"
    assert ask_ruby(script, encoded(dump(values))) == values


def test_no_is_not_nought_which_ruby_would_take_for_yes() -> None:
    assert ask_ruby(LOAD + "values.first.map { |each| each.class.to_s }", encoded(dump([True, False, 0]))) == [
        "TrueClass",
        "FalseClass",
        "Integer",
    ]


@pytest.mark.parametrize("number", [-1, 2**30])
def test_a_number_that_does_not_fit_is_an_error(number: int) -> None:
    with pytest.raises(ValueError, match="fit"):
        write_number(number)


def test_what_has_no_way_to_be_written_is_an_error() -> None:
    with pytest.raises(TypeError, match="object"):
        dump(object())


def test_objects_come_back_in_ruby() -> None:
    documents = [
        dump(Dumped("Gem::Version", ["1.2.a"])),
        dump(old_index.gem_requirement("~> 1.2, != 1.2.5")),
        dump(Instance("Gem::Platform", {"@cpu": "x86", "@os": "mswin32", "@version": None})),
        dump(date(2026, 11, 23)),
        dump([Symbol("a"), Symbol("b"), Symbol("a"), "x", Symbol("b")]),
        dump(Packed("Time", bytes(8))),
    ]
    script = """
      require 'time'
      platform = values[2].to_a
      [values[0].to_s, values[1].requirements.map { |o, v| [o, v.to_s] }, platform,
                      values[3].iso8601, values[4].map { |each| [each.class.to_s, each.to_s] }]"""
    assert ask_ruby(LOAD + script, encoded(*documents)) == [
        "1.2.a",
        [["~>", "1.2"], ["!=", "1.2.5"]],
        ["x86", "mswin32", None],
        "2026-11-23T00:00:00Z",
        [["Symbol", "a"], ["Symbol", "b"], ["Symbol", "a"], ["String", "x"], ["Symbol", "b"]],
    ]


SPECS = [
    gemspec_yaml("left", "1.0"),
    gemspec_yaml("right", "2.0.0.rc1", platform="java", ruby=">= 2.5, < 4", rubygems="> 3"),
    gemspec_yaml("\u0061b", "0", platform="x86-mswin32-60"),
    gemspec_yaml(
        "many", "10.2", needs=[(f"n{n}", f">= {n}, != {n}.5", ("runtime", "development")[n % 2]) for n in range(90)]
    ),
    gemspec_yaml("plain", "1")
    .replace("email:\n- ada@example.org", "email:")
    .replace("homepage: https://example.org/", "homepage:"),
    gemspec_yaml("long", "1").replace("Sample long", "\u00e4 \U0001f48e " * 20_000),
]


def test_quick_gemspecs_are_what_ruby_makes_of_the_yaml() -> None:
    # Licences are written, and put by Gem::Specification._load where nothing looks for them.
    script = """
      def all(s)
        needs = s.dependencies.map { |d| [d.name, d.requirement.to_s, d.type, d.prerelease? ? 'pre' : ''] }
        [s.name, s.version.to_s, s.platform.class.to_s, s.platform.to_s, s.original_platform.to_s, s.summary,
         s.description.to_s, s.authors, [s.email].flatten.compact, s.homepage, s.metadata, s.date.to_i,
         s.required_ruby_version.to_s, s.required_rubygems_version.to_s, s.rubygems_version.to_s,
         s.specification_version, needs, s.full_name, s.files, s.executables]
      end
      input.map { |quick, yaml|
        read = Marshal.load(Zlib::Inflate.inflate(quick.unpack1('m')))
        spec = Gem::Specification.from_yaml(yaml)
        spec.files = []
        [all(read), all(spec)]
      }"""
    manifests = [read_gemspec(text.encode()) for text in SPECS]
    pairs = [[*encoded(old_index.quick_gemspec(m)), text] for m, text in zip(manifests, SPECS, strict=True)]
    for quick, whole in ask_ruby("require 'zlib'; require 'rubygems/specification';" + script, pairs):
        assert quick == whole


def test_lists_come_back_in_ruby_whatever_gems_they_are_made_of() -> None:
    dice = random.Random(3)
    gems: dict[str, list[FileLine]] = {}
    for n in range(400):
        name = f"gem-{n:03}" + "x" * dice.randrange(60)
        versions = [
            f"{dice.randrange(300)}.{dice.randrange(9)}{dice.choice(['', '', '.rc1'])}"
            for _ in range(dice.randrange(4))
        ]
        platforms = ["", *dice.sample(["java", "x86_64-linux", "x86-mingw32"], dice.randrange(3))]
        gems[name] = [line(name, v, p, listed=dice.random() < 0.9) for v in dict.fromkeys(versions) for p in platforms]
    script = (
        "input.map { |t| Marshal.load(Zlib.gunzip(t.unpack1('m')))"
        ".map { |n, v, p| [n, v.is_a?(Gem::Version) && v.to_s, p] } }"
    )
    kinds = (old_index.releases, old_index.latest, old_index.prereleases)
    documents = [old_index.join(kind(lines) for lines in gems.values()) for kind in kinds]
    releases, latest, prereleases = ask_ruby("require 'zlib';" + script, encoded(*documents))
    shown = [each for lines in gems.values() for each in lines if each.listed]
    assert releases == [[e.name, e.version, e.variant or "ruby"] for e in shown if not e.prerelease]
    assert prereleases == [[e.name, e.version, e.variant or "ruby"] for e in shown if e.prerelease]
    assert {(name, platform) for name, _, platform in latest} == {(name, platform) for name, _, platform in releases}


def test_latest_is_the_highest_release_of_each_platform() -> None:
    lines = [
        line("a", "1.9"),
        line("a", "1.10"),
        line("a", "1.10", "java"),
        line("a", "1.11", "java", listed=False),
        line("a", "2.0.rc1"),
        line("a", "1.2", "x86_64-linux"),
    ]
    script = "require 'zlib'; Marshal.load(Zlib.gunzip(input[0].unpack1('m'))).map { |n, v, p| [v.to_s, p] }"
    found = ask_ruby(script, encoded(old_index.join([old_index.latest(lines)])))
    assert sorted(found) == [["1.10", "java"], ["1.10", "ruby"], ["1.2", "x86_64-linux"]]


def test_an_empty_list_is_an_empty_array() -> None:
    assert gzip.decompress(old_index.join([])) == b"\x04\x08[\x00"
    assert gzip.decompress(old_index.join([b"", b""])) == b"\x04\x08[\x00"


def test_the_same_list_has_the_same_bytes() -> None:
    piece = old_index.releases([line("a", "1")])
    assert old_index.join([piece]) == old_index.join([piece])
    assert zlib.decompress(old_index.quick_gemspec(read_gemspec(SPECS[0].encode())))[:2] == b"\x04\x08"


def test_every_requirement_keeps_its_order() -> None:
    assert [str(part) for part in parse("< 2, >= 1")] == ["< 2", ">= 1"]
