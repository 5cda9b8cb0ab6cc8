"""Real gem and Bundler against a real server: push, install by both indexes, yank, promote, install again."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.bootstrap import open_runtime
from app.services import grants, keys, people, promotions, publishing
from app.services.promotions import PromotionRequest, Wanted
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from app.web.server import Server
from plugins.rubygems.kit import gem, make, metadata
from tests.clients.ruby import RubyHome
from tests.fixtures import make_feeds, running

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
SAM = owner("sam")
PASSWORD = "correct horse battery"
STAND_INS = (
    ("erubi", "1.10.0"),
    ("ffi", "1.15.5"),
    ("method_source", "1.0.0"),
    ("nokogiri", "1.13.10"),
    ("rack-protection", "3.0.5"),
    ("rack-test", "1.1.0"),
    ("rails-dom-testing", "2.0.3"),
    ("rake", "13.0.6"),
    ("rexml", "3.2.5"),
    ("ruby2_keywords", "0.0.5"),
    ("thor", "1.2.1"),
    ("zeitwerk", "2.6.6"),
)
"""What the sample gems need and the samples do not hold: empty gems of those names."""


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
        pair = f"gems-dev-{number}", f"gems-prod-{number}"
        make_feeds(self.runtime, "rubygems", *pair)
        return pair

    def url(self, feed: str) -> str:
        """Give a feed's address."""
        return f"{self.server.url}/rubygems/{feed}"

    def signed_in(self, feed: str) -> str:
        """Give a feed's address with the key in it, as gem takes it."""
        return self.url(feed).replace("://", f"://api:{self.key}@") + "/"

    def upload(self, feed: str, *paths: Path) -> None:
        """Publish gems past the protocol."""
        for path in paths:
            publishing.publish(self.runtime, SAM, feed, [path.read_bytes()], path.name)

    def promote(self, pair: tuple[str, str], *items: tuple[str, str]) -> None:
        """Promote versions."""
        wanted = tuple(Wanted(*item) for item in items)
        promotions.promote(self.runtime, SAM, PromotionRequest(*pair, wanted))

    def get(self, feed: str, path: str) -> bytes:
        """Fetch a document."""
        request = urllib.request.Request(f"{self.url(feed)}{path}", headers={"X-ApiKey": self.key})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a running server with a user ann and a key for everything."""
    runtime = open_runtime(load_settings(data=tmp_path_factory.mktemp("world"), port=0))
    with runtime.writing(SAM) as work:
        people.create_user(work, "ann", PASSWORD)
        grants.grant(work, grants.GrantRequest("Manage Feed", user="ann"))
        key = keys.create_key(work, keys.KeyRequest("personal", "tests", user="ann"))[1]
    with running(runtime) as server:
        yield World(server, runtime, key)
    runtime.database.close()


@pytest.fixture
def home(world: World, tmp_path: Path) -> RubyHome:
    """Give an empty home whose gem knows the key."""
    return RubyHome(tmp_path / "home", {"GEM_HOST_API_KEY": world.key})


def gemfile(home: RubyHome, url: str, *gems: str) -> Path:
    """Make a project that needs some gems of one feed."""
    project = home.home / "project"
    project.mkdir(exist_ok=True)
    lines = [f'source "{url}"', *(f"gem {each}" for each in gems)]
    (project / "Gemfile").write_text("\n".join(lines) + "\n")
    return project


def sign_in(home: RubyHome, world: World, feed: str) -> None:
    """Tell Bundler the key of a feed."""
    home.run("bundle", "config", "set", "--global", f"{world.url(feed)}/", f"api:{world.key}")


def save(home: RubyHome, name: str, content: bytes) -> Path:
    """Write a gem's file."""
    path = home.home / name
    path.write_bytes(content)
    return path


def build(home: RubyHome, name: str, version: str, *needs: str, platform: str = "ruby") -> Path:
    """Build a gem with the real 'gem build'."""
    folder = home.home / f"{name}-{version}-{platform}"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / f"{name}.rb").write_text(f"puts '{name} {version} {platform}'\n")
    lines = [
        "Gem::Specification.new do |s|",
        f"  s.name, s.version, s.platform = '{name}', '{version}', '{platform}'",
        "  s.summary, s.authors, s.licenses = 'sample', ['ann'], ['MIT']",
        "  s.homepage = 'https://example.com/'",
        "  s.description = 'A sample gem of the tests'",
        "  s.files = Dir['lib/*.rb']",
        *(f"  s.add_runtime_dependency {need}" for need in needs),
        "end",
    ]
    (folder / "it.gemspec").write_text("\n".join(lines))
    home.run("gem", "build", "it.gemspec", "--output", "it.gem", cwd=folder)
    return folder / "it.gem"


def test_gem_pushes_installs_fetches_and_lists(world: World, home: RubyHome) -> None:
    dev, _ = world.new_pair()
    for file in (
        build(home, "base", "1.0.0"),
        build(home, "base", "1.1.0.pre"),
        build(home, "top", "2.0", "'base', '~> 1.0'"),
    ):
        said = home.run("gem", "push", str(file), "--host", world.url(dev))
        assert "Successfully registered gem" in said
    source = ("--clear-sources", "--source", world.signed_in(dev))
    said = home.run("gem", "install", "top", "--no-document", *source)
    assert "Successfully installed base-1.0.0" in said
    assert "Successfully installed top-2.0" in said
    assert "top 2.0 ruby" in home.run("ruby", "-e", "gem 'top'; require 'top'")
    home.run("gem", "fetch", "base", "--version", "1.0.0", *source)
    assert (home.home / "base-1.0.0.gem").read_bytes() == (home.home / "base-1.0.0-ruby" / "it.gem").read_bytes()
    said = home.run("gem", "list", "--remote", *source)
    assert "base (1.0.0)" in said
    assert "top (2.0)" in said
    assert "base (1.1.0.pre, 1.0.0)" in home.run("gem", "list", "--remote", "--all", "--prerelease", *source)
    assert "top (2.0)" in home.run("gem", "search", "to", *source)
    assert "base (1.1.0.pre)" in home.run("gem", "search", "base", "--prerelease", *source)


def test_the_same_gem_again_is_fine_and_other_bytes_are_not(world: World, home: RubyHome) -> None:
    dev, _ = world.new_pair()
    first = build(home, "once", "1.0")
    home.run("gem", "push", str(first), "--host", world.url(dev))
    assert "Already pushed" in home.run("gem", "push", str(first), "--host", world.url(dev))
    other = save(home, "other.gem", make("once", "1.0").content)
    said = home.run("gem", "push", str(other), "--host", world.url(dev), check=False)
    assert "already holds once 1.0 with other bytes" in said
    same_version = save(home, "same.gem", make("once", "1.0.0").content)
    said = home.run("gem", "push", str(same_version), "--host", world.url(dev), check=False)
    assert "with other bytes" in said


def test_a_host_with_a_slash_and_a_wrong_key(world: World, home: RubyHome) -> None:
    dev, _ = world.new_pair()
    file = build(home, "slash", "1.0")
    assert "Successfully" in home.run("gem", "push", str(file), "--host", world.url(dev) + "/")
    home.extra["GEM_HOST_API_KEY"] = "wrong"
    said = home.run("gem", "push", str(file), "--host", world.url(dev), check=False)
    assert "The API key is unknown" in said


def test_gem_signs_in_with_name_and_password(world: World, home: RubyHome) -> None:
    dev, _ = world.new_pair()
    del home.extra["GEM_HOST_API_KEY"]
    script = (
        "require 'rubygems/command'; require 'rubygems/gemcutter_utilities'; "
        "c = Class.new(Gem::Command) { include Gem::GemcutterUtilities; def initialize; super('x'); end }.new; "
        f"c.instance_variable_set(:@host, '{world.url(dev)}'); "
        f"r = c.rubygems_api_request(:get, 'api/v1/api_key') {{ |q| q.basic_auth('ann', '{PASSWORD}') }}; "
        "print r.code, ' ', r.body"
    )
    said = home.run("ruby", "-e", script)
    assert said.startswith("200 prm_")
    home.extra["GEM_HOST_API_KEY"] = said.split()[1]
    assert "Successfully" in home.run("gem", "push", str(build(home, "signed", "1")), "--host", world.url(dev))


def test_yanking_takes_a_gem_out_of_every_index(world: World, home: RubyHome) -> None:
    dev, _ = world.new_pair()
    for version in ("1.0", "1.1"):
        home.run("gem", "push", str(build(home, "gone", version)), "--host", world.url(dev))
    before = world.get(dev, "/versions")
    assert "Successfully deleted gem: gone-1.1" in home.run(
        "gem", "yank", "gone", "--version", "1.1", "--host", world.url(dev)
    )
    source = ("--clear-sources", "--source", world.signed_in(dev))
    assert "gone (1.0)" in home.run("gem", "list", "--remote", "--all", *source)
    home.run("gem", "install", "gone", "--version", "1.1", "--no-document", *source, check=False)
    home.run("gem", "install", "gone", "--no-document", *source)
    after = world.get(dev, "/versions")
    digest = hashlib.md5(world.get(dev, "/info/gone")).hexdigest()
    assert after == before + f"gone -1.1 {digest}\n".encode()
    again = home.home / "gone-1.1-ruby" / "it.gem"
    assert "was yanked" in home.run("gem", "push", str(again), "--host", world.url(dev), check=False)


def test_the_older_index_alone_is_enough(world: World, home: RubyHome) -> None:
    dev, _ = world.new_pair()
    world.upload(dev, build(home, "base", "1.0"), build(home, "old", "1.0", "'base', '>= 1'"))
    script = (
        "require 'rubygems/remote_fetcher'; require 'rubygems/spec_fetcher'; "
        f"s = Gem::Source.new(URI('{world.signed_in(dev)}')); "
        "n = s.load_specs(:released).map(&:full_name); p n.sort; "
        "puts s.fetch_spec(s.load_specs(:latest).find { |t| t.name == 'old' }).dependencies.inspect"
    )
    said = home.run("ruby", "-e", script)
    assert '["base-1.0", "old-1.0"]' in said
    assert 'type=:runtime name="base" requirements=">= 1"' in said


def test_bundler_installs_and_updates(world: World, home: RubyHome) -> None:
    dev, _ = world.new_pair()
    world.upload(dev, build(home, "base", "1.0.0"), build(home, "top", "1.0", "'base', '~> 1.0'"))
    sign_in(home, world, dev)
    project = gemfile(home, world.url(dev) + "/", "'top'")
    home.run("bundle", "install", cwd=project)
    assert "base (1.0.0)" in (project / "Gemfile.lock").read_text()
    world.upload(dev, build(home, "base", "1.2.0"), build(home, "base", "2.0.0"), build(home, "base", "1.3.0.rc1"))
    home.run("bundle", "update", cwd=project)
    lock = (project / "Gemfile.lock").read_text()
    assert "base (1.2.0)" in lock
    assert "top 1.0 ruby" in home.run("bundle", "exec", "ruby", "-e", "require 'top'", cwd=project)


def test_bundler_never_falls_back_to_the_older_index(world: World, home: RubyHome) -> None:
    dev, _ = world.new_pair()
    world.upload(dev, build(home, "solo", "1.0"))
    sign_in(home, world, dev)
    project = gemfile(home, world.url(dev) + "/", "'solo'")
    home.extra["DEBUG"] = "1"
    said = home.run("bundle", "install", "--verbose", cwd=project)
    assert "/versions" in said, said
    assert "specs.4.8" not in said
    assert "api/v1/dependencies" not in said


def test_a_native_gem_stands_beside_the_ruby_one(world: World, home: RubyHome) -> None:
    pair = world.new_pair()
    platform = home.run("ruby", "-e", "print Gem::Platform.local").replace("-gnu", "")
    world.upload(
        pair[0],
        build(home, "native", "1.0"),
        build(home, "native", "1.0", platform=platform),
        build(home, "native", "1.0", platform="java"),
    )
    world.promote(pair, ("native", "1.0"))
    source = ("--clear-sources", "--source", world.signed_in(pair[1]))
    home.run("gem", "install", "native", "--no-document", *source)
    assert f"native 1.0 {platform}" in home.run("ruby", "-e", "gem 'native'; require 'native'")
    sign_in(home, world, pair[1])
    project = gemfile(home, world.url(pair[1]) + "/", "'native'")
    home.run("bundle", "install", cwd=project)
    assert f"native 1.0 {platform}" in home.run("bundle", "exec", "ruby", "-e", "require 'native'", cwd=project)
    home.extra["BUNDLE_PATH"] = str(home.home / "forced")
    home.run("bundle", "config", "set", "--local", "force_ruby_platform", "true", cwd=project)
    (project / "Gemfile.lock").unlink()
    home.run("bundle", "install", cwd=project)
    assert "native 1.0 ruby" in home.run("bundle", "exec", "ruby", "-e", "require 'native'", cwd=project)
    home.run("gem", "yank", "native", "--version", "1.0", "--platform", "java", "--host", world.url(pair[0]))
    info = world.get(pair[0], "/info/native").decode()
    assert "1.0-java" not in info
    assert f"1.0-{platform} " in info
    assert "1.0-java" in world.get(pair[1], "/info/native").decode()


def test_more_than_forty_real_gems_are_promoted_and_installed_from_prod_alone(
    world: World, home: RubyHome, samples: Path
) -> None:
    pair = world.new_pair()
    files = sorted((samples / "gem").glob("*.gem"))
    world.upload(pair[0], *files, *(build(home, *each) for each in STAND_INS))
    chosen = [str(path.stem).rsplit("-", 1) for path in files]
    assert len(chosen) >= 40
    world.promote(pair, *((name, version) for name, version in [*chosen, *STAND_INS]))
    sign_in(home, world, pair[1])
    project = gemfile(home, world.url(pair[1]) + "/", *(f"'{name}', '{version}'" for name, version in chosen))
    home.run("bundle", "install", cwd=project)
    lock = (project / "Gemfile.lock").read_text()
    cached = {path.name: path for path in (home.home / "bundle").rglob("cache/*.gem")}
    for path, (name, version) in zip(files, chosen, strict=True):
        assert f"{name} ({version})" in lock
        assert cached[path.name].read_bytes() == path.read_bytes()
    assert "Bundle updated!" in home.run("bundle", "update", "--all", cwd=project)


def test_a_java_gem_goes_by_its_platform(world: World, home: RubyHome) -> None:
    dev, _ = world.new_pair()
    file = save(home, "j.gem", gem(metadata("jay", "1.0", platform="java")))
    world.upload(dev, file)
    source = ("--clear-sources", "--source", world.signed_in(dev))
    home.run("gem", "fetch", "jay", "--platform", "java", *source)
    assert (home.home / "jay-1.0-java.gem").read_bytes() == file.read_bytes()
    assert urlsplit(world.url(dev)).path.endswith(dev)
