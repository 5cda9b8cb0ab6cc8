"""Real npm, pnpm, Yarn 1 and Yarn Berry against a real server: publish, change, promote, install."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.permissions import Permission
from app.services import grants, people, tasks
from app.services.grants import GrantRequest
from tests.clients import world as clients_world
from tests.clients.world import PASSWORD, SAM
from tests.fixtures import make_key
from tests.npm.clients import CLIENTS, Client, installed

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


class World(clients_world.World):
    """Be a server with pairs of npm feeds."""

    format = "npm"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a running server with a user ann and a key for everything."""
    yield from World.open(tmp_path_factory.mktemp("world"))


@pytest.fixture
def pair(world: World) -> tuple[str, str]:
    """Give a dev and a prod feed."""
    return world.new_pair()


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, world: World, pair: tuple[str, str], tmp_path: Path) -> Client:
    """Give each client, pointed at the dev feed with a key."""
    return Client(request.param, tmp_path / "home", world.by_host(pair[0]), world.key)


def feed_versions(world: World, feed: str, name: str) -> dict[str, str]:
    """Give the versions of a package in a feed with their deprecation messages."""
    from app.services import access, packages

    with world.runtime.reading(SAM) as work:
        found = packages.find_package(work, access.get_feed(work, feed), name)
        return {each.version: each.deprecated for each in found.versions} if found else {}


def publish(client: Client, name: str, version: str, **package: object) -> None:
    """Publish a small package with a client."""
    folder = client.package(name, version, **package)
    if client.name == "berry":
        client.run("install", cwd=folder)
    client("publish", cwd=folder, version=version)


def test_publish_view_install_and_install_again_from_the_lock_file(client: Client) -> None:
    publish(client, "left", "1.0.0")
    publish(client, "@acme/right", "1.2.0", dependencies={"left": "^1.0.0"}, bin="index.js")
    publish(client, "left", "1.1.0")
    shown = client("view", "left").stdout
    assert "1.1.0" in shown
    project = client.project("app")
    client("add", "@acme/right@^1.0.0", cwd=project)
    assert installed(project, "@acme/right") == "1.2.0"
    if client.name != "pnpm":
        assert installed(project, "left") == "1.1.0"
    _check_lock(client, project)
    client("reinstall", cwd=project)
    client("add", "left@1.0.0", cwd=project)
    assert installed(project, "left") == "1.0.0"


def _check_lock(client: Client, project: Path) -> None:
    """Check that the lock file pins digests, and that no address but the conventional one got into it."""
    names = {"npm": "package-lock.json", "pnpm": "pnpm-lock.yaml"}
    lock = (project / names.get(client.name, "yarn.lock")).read_text()
    assert "sha512-" in lock or "checksum: " in lock
    assert "__archiveUrl" not in lock
    if client.name in ("npm", "yarn"):
        assert f"{client.url}/@acme/right/-/right-1.2.0.tgz" in lock


def test_a_version_is_not_published_twice(client: Client, world: World, pair: tuple[str, str]) -> None:
    publish(client, "left", "1.0.0")
    folder = client.home / "left@1.0.0"
    (folder / "index.js").write_text("module.exports = 'something else'\n")
    again = client("publish", cwd=folder, version="1.0.0", check=False)
    assert again.returncode != 0
    assert len(feed_versions(world, pair[0], "left")) == 1


def test_tags_are_added_listed_and_removed(client: Client) -> None:
    publish(client, "@acme/left", "1.0.0")
    publish(client, "@acme/left", "1.1.0")
    client("tag add", "@acme/left@1.0.0", "stable")
    listed = client("tag ls", "@acme/left").stdout
    assert re.search(r"stable.*1\.0\.0", listed)
    assert re.search(r"latest.*1\.1\.0", listed)
    project = client.project("app")
    client("add", "@acme/left@stable", cwd=project)
    assert installed(project, "@acme/left") == "1.0.0"
    client("tag rm", "@acme/left", "stable")
    assert "stable" not in client("tag ls", "@acme/left").stdout


@pytest.mark.parametrize("client", ["npm", "pnpm", "berry"], indirect=True)
def test_whoami_names_the_owner_of_the_key(client: Client) -> None:
    assert "ann" in client("whoami").stdout


@pytest.mark.parametrize("client", ["npm", "pnpm", "berry"], indirect=True)
def test_an_audit_of_what_is_installed_finds_nothing(client: Client) -> None:
    publish(client, "left", "1.0.0")
    project = client.project("app")
    client("add", "left", cwd=project)
    client("audit", cwd=project)


@pytest.mark.parametrize("name", ["npm", "berry"])
def test_logging_in_with_a_password_gives_a_key(world: World, pair: tuple[str, str], tmp_path: Path, name: str) -> None:
    client = Client(name, tmp_path / "home", world.by_host(pair[0]))
    settings = client.log_in("ann", PASSWORD)
    assert re.search(r"prm_[A-Za-z0-9_-]{20,}", settings)
    assert "ann" in client("whoami").stdout


def test_npm_logs_out_pings_searches_deprecates_and_unpublishes(
    world: World, pair: tuple[str, str], tmp_path: Path
) -> None:
    npm = Client("npm", tmp_path / "home", world.by_host(pair[0]))
    npm.log_in("ann", PASSWORD)
    assert "PONG" in npm.run("ping").stderr
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        publish(npm, "@acme/left", version, keywords=["padding"])
    found = json.loads(npm.run("search", "padding", "--json").stdout)
    assert [(each["name"], each["version"]) for each in found] == [("@acme/left", "2.0.0")]
    assert "@acme/left" in npm.run("search", "padding").stdout

    npm.run("deprecate", "@acme/left@1.x", "use 2")
    assert feed_versions(world, pair[0], "@acme/left") == {"1.0.0": "use 2", "1.1.0": "use 2", "2.0.0": ""}
    npm.run("undeprecate", "@acme/left@1.1.0")
    assert feed_versions(world, pair[0], "@acme/left")["1.1.0"] == ""

    npm.run("unpublish", "@acme/left@2.0.0")
    assert list(feed_versions(world, pair[0], "@acme/left")) == ["1.0.0", "1.1.0"]
    assert '"1.1.0"' in npm.run("view", "@acme/left", "dist-tags.latest", "--json").stdout
    npm.run("unpublish", "@acme/left", "--force")
    assert feed_versions(world, pair[0], "@acme/left") == {}

    npm.run("logout")
    assert npm.run("whoami", check=False).returncode != 0


def test_what_was_promoted_installs_from_the_approved_feed_alone(
    client: Client, world: World, pair: tuple[str, str]
) -> None:
    publish(client, "left", "1.0.0")
    publish(client, "left", "2.0.0")
    publish(client, "@acme/right", "1.0.0", dependencies={"left": ">=1"})
    before = client.project("before")
    client("add", "@acme/right", cwd=before)
    assert installed(before, "@acme/right") == "1.0.0"

    client.point_at(world.by_host(pair[1]))
    empty = client.project("empty")
    assert client("add", "left", cwd=empty, check=False).returncode != 0

    world.promote(pair, ("left", "1.0.0"))
    world.promote(pair, ("@acme/right", "1.0.0"))
    approved = client.project("approved")
    client("add", "@acme/right", cwd=approved)
    assert installed(approved, "@acme/right") == "1.0.0"
    client("add", "left", cwd=approved)
    assert installed(approved, "left") == "1.0.0"
    for absent in ("left@2.0.0", "nothing"):
        assert client("add", absent, cwd=client.project(f"no-{absent}"), check=False).returncode != 0
    assert _integrity(world, pair[0], "left", "1.0.0") == _integrity(world, pair[1], "left", "1.0.0")


def _integrity(world: World, feed: str, name: str, version: str) -> str:
    request = urllib.request.Request(f"{world.by_path(feed)}/{name}/{version}", headers={"X-ApiKey": world.key})
    with urllib.request.urlopen(request, timeout=30) as answer:
        integrity: str = json.loads(answer.read())["dist"]["integrity"]
    assert len(base64.b64decode(integrity.removeprefix("sha512-"))) == 64
    return integrity


def test_real_packages_install_with_their_dependencies(
    client: Client, world: World, pair: tuple[str, str], samples: Path
) -> None:
    for name in ("once-1.4.0", "wrappy-1.0.2", "is-odd-3.0.1", "angular-core-21.2.26", "debug-4.4.3", "ms-2.1.3"):
        world.upload(pair[0], samples / "npm" / f"{name}.tgz")
    project = client.project("app")
    client("add", "once", cwd=project)
    client("add", "debug", cwd=project)
    assert installed(project, "once") == "1.4.0"
    assert installed(project, "debug") == "4.4.3"


@pytest.mark.parametrize("name", ["pnpm", "berry"])
def test_a_feed_of_its_own_host_name_cannot_be_mixed_up_and_a_path_can(world: World, tmp_path: Path, name: str) -> None:
    """Show why feeds have host names: these clients keep metadata by host, whatever the path."""
    outcome = {}
    for how in (world.by_path, world.by_host):
        dev, prod = world.new_pair()
        client = Client(name, tmp_path / how.__name__, how(dev), world.key)
        publish(client, "left", "1.0.0")
        publish(client, "left", "2.0.0")
        world.promote((dev, prod), ("left", "1.0.0"))
        client("add", "left@2.0.0", cwd=client.project("dev"))
        client.point_at(how(prod))
        project = client.project("prod")
        client("add", "left@2.0.0", cwd=project, check=False)
        outcome[how.__name__] = installed(project, "left")
    assert outcome == {"by_path": "2.0.0", "by_host": None}


def test_npm_obeys_grants_a_restriction_and_a_personal_exception(
    world: World, pair: tuple[str, str], tmp_path: Path
) -> None:
    """Developers read, seniors promote into prod, the build server publishes; then seniors may not, but one may."""
    dev, prod = pair
    with world.runtime.writing(SAM) as work:
        for name in ("dana", "sena", "sten"):
            people.create_user(work, f"{name}-{dev}")
        developers, seniors = f"Developers {dev}", f"Seniors {dev}"
        people.create_group(work, developers, [f"{name}-{dev}" for name in ("dana", "sena", "sten")])
        people.create_group(work, seniors, [f"sena-{dev}", f"sten-{dev}"])
        for feed in pair:
            grants.grant(work, GrantRequest("View & Download Packages", group=developers, feed=feed))
        grants.grant(work, GrantRequest("Promote Packages", group=seniors, feed=prod))
    build = make_key(world.runtime, "feed", "build", feeds=[dev], rights=["view", "add"])
    own = {name: make_key(world.runtime, "personal", name, user=f"{name}-{dev}") for name in ("dana", "sena", "sten")}

    npm = Client("npm", tmp_path / "build", world.by_host(dev), build)
    publish(npm, "left", "1.0.0")
    npm.point_at(world.by_host(prod))
    folder = npm.package("left", "2.0.0")
    assert "403" in npm("publish", cwd=folder, check=False).stderr

    def promotes(name: str) -> int:
        body = {"fromFeed": dev, "toFeed": prod, "name": "left", "version": "1.0.0", "comments": name}
        headers = {"X-ApiKey": own[name], "Content-Type": "application/json"}
        address = f"{world.server.url}/api/promotions/promote"
        try:
            with urllib.request.urlopen(
                urllib.request.Request(address, json.dumps(body).encode(), headers), timeout=30
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def installs(name: str, feed: str, key: str) -> bool:
        client = Client("npm", tmp_path / f"{name}-{feed}-{len(list(tmp_path.iterdir()))}", world.by_host(feed), key)
        return client("add", "left", cwd=client.project("app"), check=False).returncode == 0

    assert installs("dana", dev, own["dana"])
    assert not installs("dana", prod, own["dana"])
    assert not installs("nobody", dev, "")
    assert promotes("dana") == 403
    assert promotes("sena") == 200
    assert installs("dana", prod, own["dana"])

    with world.runtime.writing(SAM) as work:
        tasks.create_task(work, f"Just promote {dev}", [Permission.ACCEPT_PROMOTIONS])
        grants.grant(work, GrantRequest(f"Just promote {dev}", group=seniors, feed=prod, deny=True))
        grants.grant(work, GrantRequest("Promote Packages", user=f"sten-{dev}", feed=prod))
    assert [promotes(name) for name in ("dana", "sena", "sten")] == [403, 403, 200]
    assert installs("sena", prod, own["sena"])
    sten = Client("npm", tmp_path / "sten", world.by_host(prod), own["sten"])
    publish(sten, "left", "3.0.0")
