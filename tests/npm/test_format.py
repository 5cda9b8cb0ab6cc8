"""What the npm format makes of names, package.json files, tarballs, remote registries; and what it tells people."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.plugin import FeedAddress, Invalid, InvalidPackage, NotFound, UpstreamFailed
from app.testing.fakes import FakeHttp
from plugins.npm.format import NpmFormat
from plugins.npm.kit import make, make_tarball, pack
from plugins.npm.names import canonical_path, check_new_name, name_of_segment, version_of_tarball
from plugins.npm.package_json import authors, license_text, links, person
from plugins.npm.search import Query, read_query

FORMAT = NpmFormat()
ADDRESS = FeedAddress("prod", "http://localhost:8624/npm/prod", "http://prod.localhost:8624")


def read(package: Mapping[str, Any], **files: bytes) -> Any:
    """Read a tarball with this package.json (name and version are added)."""
    content = json.dumps({"name": "left", "version": "1.0.0", **package}).encode()
    return FORMAT.read(io.BytesIO(make_tarball({"package.json": content, **files})), "x.tgz")


def kept(package: Mapping[str, Any], **files: bytes) -> dict[str, Any]:
    found: dict[str, Any] = read(package, **files).data["package"]
    return found


# Names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["s", "@s", "%40s"])
def test_a_scope_joins_a_name_in_every_spelling(group: str) -> None:
    assert FORMAT.join_name(group, "n") == "@s/n"


@pytest.mark.parametrize(("group", "name"), [("", "@s/n"), ("@s", "@s/n"), ("s", "%40s/n"), ("", "%40s%2Fn")])
def test_a_name_may_bring_its_scope(group: str, name: str) -> None:
    assert FORMAT.join_name(group, name) == "@s/n"


def test_names_split_into_scope_and_name() -> None:
    assert FORMAT.split_name("@s/n") == ("@s", "n")
    assert FORMAT.split_name("n") == ("", "n")


@pytest.mark.parametrize("name", ["JSONStream", "left.js", "a", "9", "~x", "@a/b", "@-a/b", "@a.b_c/d~e", "a" * 214])
def test_names_that_npm_ever_gave_are_accepted(name: str) -> None:
    assert FORMAT.name_key(name) == name


@pytest.mark.parametrize(
    "name", ["@a/" + "b" * 212, "Node_Modules", "@a/.b", "@.a/b", "a\n", "a/b", "@a", "a%2fb", "-a"]
)
def test_names_that_npm_never_gave_are_refused(name: str) -> None:
    with pytest.raises(InvalidPackage):
        FORMAT.name_key(name)


def test_names_differ_by_case_and_are_easily_confused() -> None:
    assert FORMAT.name_key("Left") != FORMAT.name_key("left")
    assert len({FORMAT.confusable_key(name) for name in ("left-pad", "LeftPad", "left_pad", "left.pad")}) == 1


@pytest.mark.parametrize("name", ["JSONStream", "fs", "@Acme/left"])
def test_new_names_are_small_letters_and_none_of_node_s_own(name: str) -> None:
    with pytest.raises(Invalid):
        check_new_name(name)


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("left/1.0.0", "left/1.0.0"),
        ("@s/n", "@s%2fn"),
        ("@s/n/-/n-1.0.0.tgz/-rev/1-a", "@s%2fn/-/n-1.0.0.tgz/-rev/1-a"),
        ("-/package/@s/n/dist-tags/beta", "-/package/@s%2fn/dist-tags/beta"),
        ("-/npm/v1/attestations/@s/n@1.0.0", "-/npm/v1/attestations/@s%2fn@1.0.0"),
        ("@s", "@s"),
        ("@s%2fn", "@s%252fn"),
        ("@s/n%2f", "@s%2fn%252f"),
        ("-/user/@s/n", "-/user/@s/n"),
        ("x/@s/n", "x/@s/n"),
        ("", ""),
    ],
)
def test_a_scoped_name_becomes_one_segment_of_the_path(path: str, canonical: str) -> None:
    assert FORMAT.canonical_path(path) == canonical == canonical_path(path)


@pytest.mark.parametrize("name", ["@s/n", "@s%2fn", "left", "a%b", "@s/%"])
def test_the_segment_stands_for_the_name_and_for_no_other(name: str) -> None:
    assert name_of_segment(canonical_path(name)) == name


def test_file_names_leave_the_scope_out() -> None:
    manifest = FORMAT.read(io.BytesIO(make("@acme/left", "1.0.0-rc.1+build").content), "")
    assert FORMAT.filename(manifest) == "left-1.0.0-rc.1.tgz"
    assert version_of_tarball("@acme/left", "left-1.0.0-rc.1.tgz") == "1.0.0-rc.1"
    assert version_of_tarball("left", "right-1.0.0.tgz") is None


# package.json -------------------------------------------------------------------------------------------


def test_only_known_keys_are_kept() -> None:
    package = {"main": "x.js", "exports": {".": "./x.js"}, "jest": {}, "_id": "evil", "dist": {}, "deprecated": "x"}
    assert kept(package) == {"main": "x.js", "exports": {".": "./x.js"}}


@pytest.mark.parametrize(
    ("package", "files", "found"),
    [
        ({"bin": "./cli.js"}, {}, {"left": "cli.js"}),
        ({"bin": {"a": "./b/c.js", "d": 1, "../e": "f"}}, {}, {"a": "b/c.js", "e": "f"}),
        ({"bin": ["tools/a.js"]}, {}, {"a.js": "tools/a.js"}),
        ({"bin": {"a": "../../etc/passwd"}}, {}, {"a": "etc/passwd"}),
        ({"directories": {"bin": "./bin"}}, {"bin/a": b"", "bin/.b": b"", "lib/c": b""}, {"a": "bin/a"}),
        ({"bin": 7}, {}, None),
        ({"bin": {"": ""}}, {}, None),
    ],
)
def test_commands_are_a_map_as_npm_makes_it(
    package: dict[str, Any], files: dict[str, bytes], found: dict[str, str] | None
) -> None:
    assert kept(package, **files).get("bin") == found


def test_a_scoped_package_s_command_has_the_bare_name() -> None:
    assert kept({"name": "@acme/left", "bin": "x.js"})["bin"] == {"left": "x.js"}


def test_dependencies_come_in_groups_and_bundled_ones_travel_inside() -> None:
    manifest = read(
        {
            "dependencies": {"a": "^1", "both": "^1", "packed": "*", "bad": 1},
            "optionalDependencies": {"both": "^2"},
            "peerDependencies": {"react": ">=18", "vue": "*"},
            "peerDependenciesMeta": {"vue": {"optional": True}, "react": {"optional": "no"}},
            "devDependencies": {"mocha": "*"},
            "bundledDependencies": ["packed"],
        }
    )
    found = {d.name: (d.range, d.group, d.runtime, d.optional) for d in manifest.dependencies}
    assert len(found) == len(manifest.dependencies)
    assert found == {
        "a": ("^1", "runtime", True, False),
        "packed": ("*", "bundled", False, False),
        "both": ("^2", "optional", True, True),
        "react": (">=18", "peer", True, False),
        "vue": ("*", "peer", False, True),
        "mocha": ("*", "dev", False, False),
    }
    assert manifest.data["package"]["bundleDependencies"] == ["packed"]


def test_bundling_everything_bundles_the_runtime_dependencies() -> None:
    assert [d.group for d in read({"dependencies": {"a": "1"}, "bundleDependencies": True}).dependencies] == ["bundled"]
    assert "bundleDependencies" not in kept({"dependencies": {"a": "1"}, "bundleDependencies": False})


@pytest.mark.parametrize("broken", [[], "a", 1, None, True, {"a": {}}])
def test_malformed_maps_are_left_out(broken: object) -> None:
    keys = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "scripts", "engines")
    assert kept(dict.fromkeys(keys, broken)) == {}
    assert read({"peerDependenciesMeta": broken, "peerDependencies": {"a": "1"}}).dependencies[0].runtime is True


@pytest.mark.parametrize(
    ("package", "files", "runs"),
    [
        ({}, {}, False),
        ({"scripts": {"test": "x"}}, {}, False),
        ({"scripts": {"preinstall": "x"}}, {}, True),
        ({"scripts": {"install": "x"}}, {}, True),
        ({"scripts": {"postinstall": "x"}}, {}, True),
        ({"scripts": {"install": ""}}, {}, False),
        ({}, {"binding.gyp": b"{}"}, True),
        ({"gypfile": False}, {"binding.gyp": b"{}"}, False),
        ({"gypfile": False, "scripts": {"install": "x"}}, {"binding.gyp": b"{}"}, True),
        ({}, {"src/binding.gyp": b"{}"}, False),
    ],
)
def test_whether_installing_runs_code(package: dict[str, Any], files: dict[str, bytes], runs: bool) -> None:
    assert read(package, **files).data["hasInstallScript"] is runs


def test_native_code_is_built_by_node_gyp() -> None:
    package = kept({"scripts": {"test": "x"}}, **{"binding.gyp": b"{}"})
    assert package["scripts"] == {"test": "x", "install": "node-gyp rebuild"}
    assert package["gypfile"] is True


@pytest.mark.parametrize("own", ["install", "preinstall"])
def test_native_code_with_a_script_of_its_own_is_built_by_that(own: str) -> None:
    assert kept({"scripts": {own: "make"}}, **{"binding.gyp": b"{}"}) == {"scripts": {own: "make"}}


@pytest.mark.parametrize(
    ("package", "text"),
    [
        ({"license": "MIT"}, "MIT"),
        ({"license": {"type": "MIT", "url": "x"}}, "MIT"),
        ({"licenses": [{"type": "MIT"}, {"type": "Apache-2.0"}]}, "(MIT OR Apache-2.0)"),
        ({"licenses": [{"type": "MIT"}]}, "MIT"),
        ({"licenses": ["MIT", "ISC"]}, "(MIT OR ISC)"),
        ({"licenses": "MIT"}, "MIT"),
        ({"license": ["MIT", "ISC"]}, "(MIT OR ISC)"),
        ({"license": "", "licenses": ["ISC"]}, "ISC"),
        ({"license": 1}, ""),
        ({"licenses": [1, None, {}]}, ""),
        ({}, ""),
    ],
)
def test_licences_are_read_in_every_form(package: dict[str, Any], text: str) -> None:
    assert license_text(package) == text


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Ann B <ann@example.org> (https://ann.example)", {"name": "Ann B", "email": "ann@example.org", "url": "https://ann.example"}),
        ("Ann", {"name": "Ann"}),
        ("<ann@example.org>", {"email": "ann@example.org"}),
        ({"name": "Ann", "email": 1}, {"name": "Ann"}),
        (["Ann"], {}),
        (None, {}),
        ("", {}),
        ("<" * 2_000, {}),
    ],
)  # fmt: skip
def test_people_are_read_in_both_forms(written: object, found: dict[str, str]) -> None:
    assert person(written) == found


def test_authors_are_the_author_and_the_contributors() -> None:
    assert authors({"author": "Ann <a@b>", "contributors": [{"name": "Bob"}, "Ann", 3]}) == "Ann, Bob"
    assert authors({"contributors": "nobody"}) == ""


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://example.org/x", "https://example.org/x"),
        ({"type": "git", "url": "git+https://example.org/u/r.git"}, "https://example.org/u/r"),
        ("git://example.org/u/r.git", "https://example.org/u/r"),
        ("git+ssh://git@example.org/u/r.git", "https://example.org/u/r"),
        ("git@example.org:u/r.git", "https://example.org/u/r"),
        ("u/r", "https://github.com/u/r"),
        ("gitlab:u/r", "https://gitlab.com/u/r"),
        ("javascript:alert(1)", None),
        ("https:// x", None),
        (7, None),
        ("x" * 3_000, None),
    ],
)
def test_links_lead_to_the_web_or_nowhere(written: object, url: str | None) -> None:
    assert links({"repository": written}).get("repository") == url


def test_keywords_may_be_one_text() -> None:
    assert read({"keywords": "pad, left  right"}).keywords == ("pad", "left", "right")
    assert read({"keywords": ["pad", 1]}).keywords == ("pad",)


# Tarballs -----------------------------------------------------------------------------------------------


def test_every_real_package_is_read(samples: Path) -> None:
    files = sorted((samples / "npm").glob("*.tgz"))
    assert len(files) > 30
    for path in files:
        with path.open("rb") as file:
            manifest = FORMAT.read(file, path.name)
            entries = FORMAT.entries(file)
        scope, bare = FORMAT.split_name(manifest.name)
        assert path.name == f"{scope.removeprefix('@')}-{bare}-{manifest.version}.tgz".removeprefix("-")
        assert manifest.license
        assert manifest.data["fileCount"] == len(entries)
        assert manifest.data["unpackedSize"] == sum(entry.size for entry in entries)


def test_the_first_folder_may_have_any_name() -> None:
    package = b'{"name":"left","version":"1.0.0"}'
    assert FORMAT.read(io.BytesIO(make_tarball({"package.json": package}, folder="left-1.0.0")), "").name == "left"


def test_a_byte_order_mark_is_no_obstacle() -> None:
    content = b'\xef\xbb\xbf{"name":"left","version":"1.0.0"}'
    manifest = FORMAT.read(io.BytesIO(make_tarball({"package.json": content, "README": b"\xef\xbb\xbfhi\0\xff"})), "")
    assert (manifest.name, manifest.readme) == ("left", "hi\ufffd\ufffd")


def test_markdown_is_the_readme_of_choice_and_is_cut_at_64_kib() -> None:
    files = {"README.txt": b"text", "README.md": b"x" * 100_000, "readme": b"plain", "docs/README.md": b"deep"}
    manifest = read({}, **files)
    assert (manifest.data["readmeFilename"], len(manifest.readme)) == ("README.md", 65_536)


def test_a_readme_may_speak_of_zero_characters() -> None:
    assert "\\u0000" in read({}, **{"README.md": b"write \\u0000 for zero"}).readme


def test_what_lies_beside_the_package_and_links_do_not_count() -> None:
    link = tarfile.TarInfo("package/link")
    link.type, link.linkname = tarfile.SYMTYPE, "package.json"
    fine = (tarfile.TarInfo("package/package.json"), b'{"name":"left","version":"1.0.0"}')
    content = pack([fine, (tarfile.TarInfo("beside"), b"x"), (link, b"")])
    assert [entry.path for entry in FORMAT.entries(io.BytesIO(content))] == ["package.json"]


def test_a_shrinkwrap_is_noticed() -> None:
    assert read({}, **{"npm-shrinkwrap.json": b"{}"}).data["_hasShrinkwrap"] is True


def test_files_are_listed_and_read_by_their_path_in_the_package() -> None:
    content = io.BytesIO(make("left", "1.0.0").content)
    assert [entry.path for entry in FORMAT.entries(content)] == ["package.json", "README.md", "index.js"]
    assert FORMAT.read_entry(content, "README.md", 6) == b"# left"
    with pytest.raises(NotFound):
        FORMAT.read_entry(content, "package/README.md", 6)


# Remote registries --------------------------------------------------------------------------------------


def remote(document: object) -> Any:
    upstream = FORMAT.upstream("https://upstream.example/npm/", FakeHttp({"/npm/@s/n": json.dumps(document).encode()}))
    assert upstream is not None
    return upstream.versions("@s/n")


def test_a_remote_version_says_where_its_bytes_are_and_what_they_must_be() -> None:
    dist = {"tarball": "https://cdn.example/n.tgz", "shasum": "AB" * 20, "integrity": "sha512-AAEC sha1-AQID?x"}
    document = {
        "name": "@s/n",
        "versions": {"2.0.0": {"dist": dist}, "1.0.0": {"dist": {**dist, "tarball": "n.tgz"}, "deprecated": "old"}},
        "time": {"1.0.0": "2020-01-01T00:00:00.000Z"},
    }
    first, second = remote(document)
    assert (first.version, first.deprecated, first.published) == ("1.0.0", "old", "2020-01-01T00:00:00.000Z")
    assert (second.version, second.deprecated, second.published) == ("2.0.0", "", None)
    assert second.files[0].url == "https://cdn.example/n.tgz"
    assert second.files[0].filename == "n-2.0.0.tgz"
    assert second.files[0].digests == {"sha1": "010203", "sha512": "000102"}
    assert first.files[0].url == "https://upstream.example/npm/n.tgz"


def test_malformed_remote_versions_are_left_out() -> None:
    fine = {"dist": {"tarball": "n.tgz"}}
    broken = {"1.0": fine, "1.0.1": {}, "1.0.2": {"dist": {"tarball": 1}}, "1.0.3": None}
    broken["1.0.4"] = {"dist": {"tarball": "n.tgz", "integrity": "sha512-!"}}
    assert [v.version for v in remote({"name": "@s/n", "versions": {**broken, "1.1.0": fine}})] == ["1.1.0"]


@pytest.mark.parametrize("document", [[], {}, {"name": "other", "versions": {}}, 7])
def test_something_else_than_the_packument_is_a_failure_of_the_source(document: object) -> None:
    with pytest.raises(UpstreamFailed):
        remote(document)


# Search and snippets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("http client", Query("http client")),
        ("scope:acme http", Query("http", "@acme")),
        ("scope:@acme", Query("", "@acme")),
        ("keywords:a,b not:unstable author:x", Query("a b")),
        ("", Query("")),
        (":", Query("")),
    ],
)
def test_qualifiers_of_a_search(text: str, query: Query) -> None:
    assert read_query(text) == query


def test_every_client_is_pointed_at_the_feed_s_own_host() -> None:
    snippets = FORMAT.setup_snippets(ADDRESS)
    assert {snippet.tool for snippet in snippets} == {"npm", "pnpm", "Yarn 1", "Yarn Berry"}
    for snippet in snippets:
        assert ADDRESS.host_url in snippet.text
    berry = next(snippet.text for snippet in snippets if snippet.tool == "Yarn Berry")
    for needed in (
        'npmRegistryServer: "http://prod.localhost:8624"',
        "npmMinimalAgeGate",
        "unsafeHttpWhitelist",
        "npmAlwaysAuth",
    ):
        assert needed in berry
    npmrc = next(snippet.text for snippet in snippets if snippet.filename == ".npmrc")
    assert "registry=http://prod.localhost:8624/\n//prod.localhost:8624/:_authToken=${NPM_TOKEN}\n" in npmrc


def test_a_shared_host_is_warned_of_and_https_needs_no_exception() -> None:
    address = FeedAddress("prod", "https://packages.example/npm/prod", "")
    snippets = FORMAT.setup_snippets(address)
    assert all("caches" in s.text or "by host" in s.text for s in snippets if s.filename)
    assert not any("unsafeHttpWhitelist" in snippet.text for snippet in snippets)
    assert any("//packages.example/npm/prod/:_authToken=" in snippet.text for snippet in snippets)


def test_installing_says_which_version_from_which_feed() -> None:
    texts = [snippet.text for snippet in FORMAT.install_snippets(ADDRESS, "@acme/left", "1.0.0")]
    assert "npm install @acme/left@1.0.0 --registry=http://prod.localhost:8624/" in texts
    assert "http://prod.localhost:8624/@acme/left/-/left-1.0.0.tgz" in texts
