"""Package URLs: examples of the specification, and what is written can be read again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Invalid
from app.web.api import purls
from app.web.api.purls import Purl


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("pkg:npm/%40angular/animation@12.3.1", Purl("npm", "@angular", "animation", "12.3.1")),
        ("pkg:npm/@angular/animation@12.3.1", Purl("npm", "@angular", "animation", "12.3.1")),
        ("pkg:npm/JSONStream@1.0.0", Purl("npm", "", "JSONStream", "1.0.0")),
        ("pkg:NuGet/EnterpriseLibrary.Common@6.0.1304", Purl("nuget", "", "EnterpriseLibrary.Common", "6.0.1304")),
        ("pkg:gem/jruby-launcher@1.1.2?Platform=java", Purl("gem", "", "jruby-launcher", "1.1.2", "platform=java")),
        ("PKG://gem/ruby-advisory-db-check@0.12.4", Purl("gem", "", "ruby-advisory-db-check", "0.12.4")),
        ("pkg:upack/a/b//c@1.0.0%2Bbuild", Purl("upack", "a/b", "c", "1.0.0+build")),
        ("pkg:npm/left", Purl("npm", "", "left")),
        ("pkg:npm/left@1.0.0?repository_url=http://x/y&checksum=sha1:0#sub/path", Purl("npm", "", "left", "1.0.0")),
        ("pkg:deb/curl@7.50?distro=jessie&arch=i386", Purl("deb", "", "curl", "7.50", "arch=i386&distro=jessie")),
    ],
)
def test_the_parts_of_a_package_url_are_found(text: str, parts: Purl) -> None:
    assert purls.parse(text) == parts


@pytest.mark.parametrize(
    "text", ["", "left", "pkg:", "pkg:npm", "pkg:npm/", "npm/left@1", "pkg:npm/left@", "http://x/y"]
)
def test_what_is_no_package_url_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no package URL"):
        purls.parse(text)


class Grouped:
    purl_type = "box"

    def split_name(self, name: str) -> tuple[str, str]:
        group, _, bare = name.rpartition("/")
        return group, bare


PART = st.text(st.characters(blacklist_characters="/", blacklist_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda part: part == part.strip()
)


@given(st.lists(PART, min_size=1, max_size=4), PART, st.sampled_from(["", "platform=x86-mingw32", "a=b&c=d e"]))
def test_what_was_written_is_read_again(parts: list[str], version: str, qualifier: str) -> None:
    format: Any = Grouped()
    text = purls.build(format, "/".join(parts), version, qualifier)
    assert purls.parse(text) == Purl("box", "/".join(parts[:-1]), parts[-1], version, qualifier)
    assert text.isascii()
