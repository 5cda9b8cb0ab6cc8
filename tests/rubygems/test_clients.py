"""Real gem and Bundler against a real server: push, install, yank, promote, install what was promoted."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.services import access, packages
from plugins.rubygems.kit import make
from tests.clients import world as clients_world
from tests.clients.ruby import RubyHome, ask_ruby
from tests.clients.world import PASSWORD, SAM

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

STAND_INS = {
    "erubi": "1.12.0",
    "ffi": "1.15.5",
    "method_source": "1.0.0",
    "nokogiri": "1.13.10",
    "rack-protection": "3.0.5",
    "rack-test": "2.0.2",
    "rails-dom-testing": "2.0.3",
    "rake": "13.0.6",
    "rexml": "3.2.5",
    "ruby2_keywords": "0.0.5",
    "thor": "1.2.1",
    "zeitwerk": "2.6.0",
}
"""Gems that real ones need and that are not among the samples: made here, without content."""


class World(clients_world.World):
    """Be a server with pairs of feeds of gems, which only a key opens."""

    format = "rubygems"

    def make(self, feed: str, name: str, version: str, platform: str = "") -> None:
        """Make and publish a gem that needs nothing."""
        sample = make(name, version, platform=platform, needs=())
        self.upload_bytes(feed, sample.content, sample.filename)

    def held(self, feed: str) -> list[tuple[str, str]]:
        """Give name and newest version of every gem in a feed."""
        with self.runtime.reading(SAM) as work:
            records = [r for batch in packages.in_batches(work, access.get_feed(work, feed)) for r in batch]
            return [(record.name, record.versions[-1].version) for record in records]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a running server with a user ann and a key for everything."""
    yield from World.open(tmp_path_factory.mktemp("world"))


@pytest.fixture
def pair(world: World) -> tuple[str, str]:
    """Give a dev and a prod feed."""
    return world.new_pair()


@dataclass
class Clients:
    """Be gem and Bundler of one person, pointed at a feed with a key."""

    home: RubyHome
    url: str
    key: str

    @property
    def source(self) -> str:
        """Give the feed's address with the key in it."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://api:{self.key}@{rest}/"

    def gem(
        self, command: str, *words: str, check: bool = True, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of gem that reads the feed and nothing else."""
        only = ("--clear-sources", "--source", self.source)
        return self.home.run("gem", command, *words, *only, check=check, cwd=cwd)

    def push(self, content: bytes, filename: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Push a gem."""
        path = self.home.home / "built" / filename  # Where gem runs, it would install this file and ask nobody.
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return self.home.run("gem", "push", str(path), "--host", self.url, check=check)

    def bundle(self, folder: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Bundler in a project."""
        return self.home.run("bundle", *words, cwd=folder, check=check)

    def project(self, name: str, *lines: str) -> Path:
        """Make a project whose Gemfile has the feed as its only source."""
        folder = self.home.home / name
        folder.mkdir()
        (folder / "Gemfile").write_text("\n".join([f'source "{self.url}/"', *lines]) + "\n")
        self.bundle(folder, "config", "set", "--local", f"{self.url}/", f"api:{self.key}")
        self.bundle(folder, "config", "set", "--local", "path", "vendor")
        return folder

    def installed(self, folder: Path | None = None) -> set[str]:
        """Give the full names of what is installed, by gem or in a project."""
        root = self.home.home / "gems" if folder is None else next(folder.glob("vendor/ruby/*"), folder)
        return {path.stem for path in root.glob("specifications/*.gemspec")}


@pytest.fixture
def clients(world: World, pair: tuple[str, str], tmp_path: Path) -> Clients:
    """Give gem and Bundler, pointed at the dev feed."""
    return pointed(world, pair[0], tmp_path / "home")


def pointed(world: World, feed: str, home: Path) -> Clients:
    return Clients(RubyHome(home, {"GEM_HOST_API_KEY": world.key}), f"{world.server.url}/rubygems/{feed}", world.key)


def local_platform() -> str:
    platform: str = ask_ruby("require 'rubygems'; [Gem::Platform.local.cpu, Gem::Platform.local.os].join('-')", [])
    return platform


def test_gem_pushes_searches_lists_fetches_installs_and_yanks(clients: Clients, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0.rc1"):
        sample = make("left", version, needs=())
        assert "Successfully registered gem: left" in clients.push(sample.content, sample.filename).stdout
    assert "left (1.1.0)" in clients.gem("list", "-r").stdout
    assert "left (1.1.0, 1.0.0)" in clients.gem("list", "-r", "--all").stdout
    assert "left (2.0.0.rc1)" in clients.gem("list", "-r", "--prerelease").stdout
    assert "left (1.1.0)" in clients.gem("search", "lef").stdout
    clients.gem("fetch", "left", "--version", "1.0.0", cwd=tmp_path)
    assert (tmp_path / "left-1.0.0.gem").read_bytes() == make("left", "1.0.0", needs=()).content
    clients.gem("install", "left")
    assert clients.installed() == {"left-1.1.0"}
    clients.gem("install", "left", "--version", "2.0.0.rc1")
    assert clients.installed() == {"left-1.1.0", "left-2.0.0.rc1"}

    said = clients.home.run("gem", "yank", "left", "--version", "1.1.0", "--host", clients.url).stdout
    assert "Successfully deleted gem: left-1.1.0" in said
    assert "left (1.0.0)" in clients.gem("list", "-r").stdout
    clients.home = RubyHome(tmp_path / "another home")
    assert clients.gem("install", "left", "--version", "1.1.0", check=False).returncode != 0
    clients.gem("install", "left")
    assert clients.installed() == {"left-1.0.0"}


def test_what_is_pushed_stays_what_it_is(clients: Clients) -> None:
    first, other = make("left", "1.0.0"), make("left", "1.0.0", more="x_note: other bytes\n")
    clients.push(first.content, first.filename)
    assert "already pushed" in clients.push(first.content, first.filename).stdout
    refused = clients.push(other.content, first.filename, check=False)
    assert refused.returncode != 0
    assert "already holds left 1.0.0 with other bytes" in refused.stdout
    equal = make("left", "1.0")
    assert clients.push(equal.content, equal.filename, check=False).returncode != 0
    clients.home.run("gem", "yank", "left", "--version", "1.0.0", "--host", clients.url)
    again = clients.push(first.content, first.filename, check=False)
    assert again.returncode != 0
    assert "was yanked" in again.stdout


def test_a_push_to_an_address_with_a_slash_at_its_end_arrives(clients: Clients) -> None:
    sample = make("left", "1.0.0", needs=())
    clients.url += "/"
    assert "Successfully registered" in clients.push(sample.content, sample.filename).stdout


def test_gem_signs_in_with_a_password_and_pushes_with_the_key(
    world: World, pair: tuple[str, str], tmp_path: Path
) -> None:
    clients = pointed(world, pair[0], tmp_path / "home")
    clients.home.extra = {"RUBYGEMS_HOST": clients.url}
    answers = {"Email:": "ann", "Password:": PASSWORD, "API Key name": "laptop"}
    scopes = ("index_rubygems", "push_rubygem", "yank_rubygem", "add_owner", "remove_owner", "access_webhooks")
    answers |= {f"{scope} [": "y" for scope in (*scopes, "show_dashboard")}
    said = clients.home.converse(["gem", "signin"], answers)
    assert "Signed in with API key" in said
    (credentials,) = clients.home.home.rglob("credentials")
    assert re.search(r"prm_[A-Za-z0-9_-]{20,}", credentials.read_text())
    sample = make("left", "1.0.0", needs=())
    assert "Successfully registered" in clients.push(sample.content, sample.filename).stdout
    assert "Owners for gem: left\n- ann" in clients.home.run("gem", "owner", "left", "--host", clients.url).stdout


def test_nobody_gets_in_without_a_key(clients: Clients) -> None:
    sample = make("left", "1.0.0", needs=())
    clients.push(sample.content, sample.filename)
    url = urlsplit(clients.url)
    for source in (f"{clients.url}/", f"http://api:prm_wrong@{url.netloc}{url.path}/"):
        tried = clients.home.run(
            "gem", "install", "left", "--clear-sources", "--source", source, "-i", "nowhere", check=False
        )
        assert tried.returncode != 0
    clients.home.extra["GEM_HOST_API_KEY"] = "prm_wrong"
    assert clients.push(sample.content, sample.filename, check=False).returncode != 0


@pytest.mark.parametrize("full_index", [False, True], ids=["compact index", "older index"])
def test_bundler_installs_what_is_locked_and_updates(
    clients: Clients, world: World, pair: tuple[str, str], full_index: bool
) -> None:
    how = ["--full-index"] if full_index else []
    world.make(pair[0], "left", "1.0.0")
    needing = make("right", "1.0.0", needs=(("left", "~> 1.0", "runtime"), ("rspec", ">= 3", "development")))
    clients.push(needing.content, needing.filename)
    app = clients.project("app", 'gem "right"')
    clients.bundle(app, "install", *how)
    assert clients.installed(app) == {"left-1.0.0", "right-1.0.0"}
    lock = (app / "Gemfile.lock").read_text()
    assert "left (~> 1.0)" in lock

    world.make(pair[0], "left", "1.1.0")
    world.make(pair[0], "left", "2.0.0")
    clients.bundle(app, "install", *how)
    assert (app / "Gemfile.lock").read_text() == lock
    clients.bundle(app, "update", *how)
    assert "left (1.1.0)" in (app / "Gemfile.lock").read_text()
    assert "left-1.1.0" in clients.installed(app)

    clients.home.run("gem", "yank", "left", "--version", "1.1.0", "--host", clients.url)
    anew = clients.project("anew", 'gem "right"')
    clients.bundle(anew, "install", *how)
    assert clients.installed(anew) == {"left-1.0.0", "right-1.0.0"}


def test_the_gem_for_this_machine_s_platform_is_taken(
    clients: Clients, world: World, pair: tuple[str, str], tmp_path: Path
) -> None:
    here = local_platform()
    for platform in ("", "java", here):
        world.make(pair[0], "native", "1.0.0", platform)
    clients.gem("install", "native")
    assert clients.installed() == {f"native-1.0.0-{here}"}
    clients.gem("install", "native", "--platform", "ruby", "-i", str(tmp_path / "pure"))
    assert (tmp_path / "pure" / "gems" / "native-1.0.0").is_dir()
    app = clients.project("app", 'gem "native"')
    clients.bundle(app, "install")
    assert clients.installed(app) == {f"native-1.0.0-{here}"}

    clients.home.run("gem", "yank", "native", "-v", "1.0.0", "--platform", here, "--host", clients.url)
    anew = clients.project("anew", 'gem "native"')
    clients.bundle(anew, "install")
    assert clients.installed(anew) == {"native-1.0.0"}


def test_forty_real_gems_install_update_and_install_again_from_prod_alone(
    clients: Clients, world: World, pair: tuple[str, str], samples: Path, tmp_path: Path
) -> None:
    real = sorted((samples / "gem").glob("*.gem"))
    assert len(real) >= 40
    for path in real:
        world.upload(pair[0], path)
    for name, version in STAND_INS.items():
        world.make(pair[0], name, version)
    everything = world.held(pair[0])
    lines = [f'gem "{name}"' for name, _ in everything if name not in STAND_INS]
    app = clients.project("app", *lines)
    clients.bundle(app, "install")
    assert {path.stem for path in real} <= clients.installed(app)
    world.make(pair[0], "rake", "13.1.0")
    clients.bundle(app, "update")
    assert "rake (13.1.0)" in (app / "Gemfile.lock").read_text()

    world.promote(pair, *everything)
    approved = pointed(world, pair[1], tmp_path / "prod")
    again = approved.project("app", *lines)
    approved.bundle(again, "install")
    lock = (again / "Gemfile.lock").read_text()
    assert [each for each in everything if "{} ({})".format(*each) not in lock] == []
    assert {path.stem for path in real} <= approved.installed(again)


def test_prod_has_what_was_promoted_and_nothing_else(
    clients: Clients, world: World, pair: tuple[str, str], tmp_path: Path
) -> None:
    for version in ("1.0.0", "2.0.0"):
        world.make(pair[0], "left", version)
    world.make(pair[0], "left", "1.0.0", "java")
    approved = pointed(world, pair[1], tmp_path / "prod")
    empty = approved.project("empty", 'gem "left"')
    assert approved.bundle(empty, "install", check=False).returncode != 0
    world.promote(pair, ("left", "1.0.0"))
    approved.bundle(empty, "install")
    assert approved.installed(empty) == {"left-1.0.0"}
    assert "left (1.0.0 ruby java)" in approved.gem("list", "-r", "--all").stdout
    assert approved.gem("install", "left", "-v", "2.0.0", check=False).returncode != 0


def test_bundler_stays_with_the_compact_index_and_asks_for_what_is_new_only(
    clients: Clients, world: World, pair: tuple[str, str]
) -> None:
    """A wrong ETag or digest makes Bundler fall back to the lists of all gems without a word, so look at the wire."""
    names = [f"gem-{number:03}" for number in range(60)]
    for name in names:
        world.make(pair[0], name, "1.0.0")
    app = clients.project("app", *(f'gem "{name}"' for name in names[:3]))
    first = asked(clients.bundle(app, "install", "--verbose").stdout)
    assert {path for path, _ in first} == {"versions", *(f"info/{name}" for name in names[:3])}
    world.make(pair[0], names[0], "1.1.0")
    again = asked(clients.bundle(app, "update", "--verbose").stdout)
    assert again == [("versions", "206"), (f"info/{names[0]}", "206")]
    assert f"{names[0]}-1.1.0" in clients.installed(app)
    assert asked(clients.bundle(app, "update", "--verbose").stdout) == [("versions", "304")]


def asked(said: str) -> list[tuple[str, str]]:
    """Give the paths of the index that Bundler asked for, with the status of each answer; gems it fetches unseen."""
    found = re.findall(r"HTTP GET http://\S+?/rubygems/[^/]+/(\S+)|HTTP (\d{3}) ", said)
    paths = [path for path, _ in found if path]
    return list(zip(paths, [status for _, status in found if status], strict=False))


def test_gems_come_through_a_connector(world: World, pair: tuple[str, str], tmp_path: Path) -> None:
    for version in ("1.0.0", "1.1.0"):
        world.make(pair[0], "left", version)
    sample = make("top", "1.0.0", needs=(("left", "~> 1.0", "runtime"),))
    world.upload_bytes(pair[0], sample.content, sample.filename)
    feed = world.through(pair[0])
    world.make(feed, "own", "1.0.0")
    clients = pointed(world, feed, tmp_path / "home")
    project = clients.project("app", 'gem "top"', 'gem "own"')
    clients.bundle(project, "install")
    assert clients.installed(project) == {"left-1.1.0", "own-1.0.0", "top-1.0.0"}
    assert sorted(world.held(feed)) == [("left", "1.1.0"), ("own", "1.0.0"), ("top", "1.0.0")]
    world.make(pair[0], "left", "1.2.0")
    world.make(pair[0], "own", "9.0.0")  # Of a name that is the feed's own nothing comes from outside.
    world.runtime.sources.forget(feed)
    clients.bundle(project, "update")
    assert {"left-1.2.0", "own-1.0.0"} <= clients.installed(project)
    assert "own-9.0.0" not in clients.installed(project)
    assert "left (1.2.0)" in clients.gem("search", "left").stdout
