"""Platforms, with real Ruby as the judge."""

from __future__ import annotations

import pytest

from app.plugin import InvalidPackage
from plugins.rubygems.platforms import check_platform, parse_platform
from tests.clients.ruby import ask_ruby

# fmt: off
PLATFORMS = [
    "java", "jruby", "x86_64-linux", "x86_64-linux-gnu", "x86_64-linux-musl", "aarch64-linux", "aarch64-linux-gnu",
    "arm-linux-gnueabihf", "arm-linux-eabi", "x86-linux", "x86-mingw32", "x64-mingw32", "x64-mingw-ucrt",
    "x86-mswin32", "x86-mswin32-60", "x64-mswin64-140", "mswin32", "mswin32_80", "i386-mswin32", "i686-linux",
    "x86-darwin-8", "universal-darwin-20", "x86_64-darwin-19", "arm64-darwin", "arm64-darwin23", "x86-freebsd",
    "x86_64-freebsd-13", "sparc-solaris2.8", "x86-solaris2.10", "x86_64-openbsd6.9", "powerpc-aix7", "x86-cygwin",
    "java-1.8", "dalvik", "dotnet", "dotnet-2.0", "macruby", "hal-9000", "some_platform", "other_platform1",
    "x86-unknown", "powerpc-darwin8", "x86_64-netbsdelf", "hppa2.0w-hpux11.31", "a-b-c", "a-b-c-d", "a-1-2",
]
# fmt: on


def test_platforms_are_read_as_ruby_reads_them() -> None:
    script = "input.map { |t| p = Gem::Platform.new(t); [p.cpu, p.os, p.version] }"
    assert [list(parse_platform(platform)) for platform in PLATFORMS] == ask_ruby(script, PLATFORMS)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_ruby_reads_may_be_part_of_a_file_name(platform: str) -> None:
    assert check_platform(platform) == platform


@pytest.mark.parametrize(
    "text", ["", "-", "java-", "-java", "ja va", "java\n", "../java", "a/b", "j\u00e4va", "x" * 61]
)
def test_what_could_lead_elsewhere_is_no_platform(text: str) -> None:
    with pytest.raises(InvalidPackage):
        check_platform(text)
