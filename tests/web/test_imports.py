"""Importing by page, looking for newer versions, and what the user's own clients are set to."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.errors import AppError
from app.jobs.runner import Runner
from app.plugin import clients
from app.services import access, connectors, imports, jobs, packages, pulls
from app.services.connectors import ConnectorChange
from app.services.plans import Wanted
from app.services.runtime import Runtime, owner
from app.storage.models import Job
from tests.fixtures import publish_sample
from tests.web.conftest import Visitor

SAM = owner("sam")
PAGE, OTHER = "/feeds/npm-dev/import", "npm-other"


@pytest.fixture
def connected(office: Runtime) -> Runtime:
    """Give the office with a feed npm-dev that asks npm-other."""
    for name, version in (("left", "1.0.0"), ("left", "1.1.0"), ("right", "1.0.0")):
        publish_sample(office, OTHER, name, version)
    publish_sample(office, "npm-dev", "own", "1.0.0")
    with office.writing(SAM) as work:
        connectors.create_connector(work, "other", "npm", ConnectorChange(feed=OTHER))
        connectors.attach(work, "npm-dev", ["other"])
    return office


def run(runtime: Runtime, number: int) -> Job:
    runner = Runner(runtime, only=number, beat=0.05)
    runner.start()
    try:
        for _ in range(600):
            with runtime.reading(SAM) as work:
                job = jobs.get_job(work, number)
                if job.state not in jobs.OPEN:
                    return job
            time.sleep(0.05)
    finally:
        runner.stop()
    raise AssertionError("the job does not end")


def held(runtime: Runtime) -> list[str]:
    with runtime.reading(SAM) as work:
        return sorted(packages.keys(work, access.get_feed(work, "npm-dev")))


def last_job(runtime: Runtime) -> int:
    with runtime.reading(SAM) as work:
        found, _ = jobs.find(work, jobs.JobFilter(limit=1))
        return found[0].id


def test_what_an_import_would_bring_is_shown_and_nothing_done(
    connected: Runtime, visit: Callable[..., Visitor]
) -> None:
    page = visit("sam").send(PAGE, what="packages", connector="other", names="l*\nown", take="all", act="plan").text
    assert "What would come" in page
    assert "2 to import" in page
    assert "1.1.0" in page
    assert held(connected) == ["own"]
    with connected.reading(SAM) as work:
        assert jobs.find(work, jobs.JobFilter())[1] == 0


def test_a_connectors_packages_are_imported(connected: Runtime, visit: Callable[..., Visitor]) -> None:
    page = visit("sam").send(PAGE, what="packages", connector="other", names="", take="latest", act="start").text
    assert "Import all packages of other into npm-dev" in page
    job = run(connected, last_job(connected))
    assert (job.state, job.done, job.failed) == ("done", 2, 0)
    assert held(connected) == ["left", "own", "right"]


def test_a_folder_is_imported_by_who_may_configure_only(
    connected: Runtime, visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    kit = connected.get_format("npm").kit()
    (folder / "new-1.0.0.tgz").write_bytes(kit.make("new", "1.0.0").content)
    (folder / ".hidden-1.0.0.tgz").write_bytes(kit.make("hidden", "1.0.0").content)
    outside = tmp_path / "outside.tgz"
    outside.write_bytes(kit.make("outside", "1.0.0").content)
    (folder / "link.tgz").symlink_to(outside)
    assert "folder of the server" not in visit("wes").get(PAGE).text
    refused = visit("wes").send(PAGE, what="folder", folder=str(folder), act="start")
    assert refused.status_code == 403
    assert "folder of the server" in visit("sam").get(PAGE).text
    assert "1 to import" in visit("sam").send(PAGE, what="folder", folder=str(folder), act="plan").text
    visit("sam").send(PAGE, what="folder", folder=str(folder), act="start")
    assert run(connected, last_job(connected)).state == "done"
    assert held(connected) == ["new", "own"]


@pytest.mark.parametrize(("folder", "words"), [("relative", "whole path"), ("/nowhere/at/all", "no folder")])
def test_a_wrong_folder_is_said_beside_the_field(
    connected: Runtime, visit: Callable[..., Visitor], folder: str, words: str
) -> None:
    page = visit("sam").send(PAGE, what="folder", folder=folder, act="start")
    assert page.status_code in (400, 404)
    assert words in page.text
    assert 'id="folder-error"' in page.text


def test_newer_versions_are_looked_for_by_button_and_shown(connected: Runtime, visit: Callable[..., Visitor]) -> None:
    with connected.writing(SAM) as work:
        number = pulls.start(work, pulls.PullRequest("npm-dev", (Wanted("left", "1.0.0"),))).id
    assert run(connected, number).state == "done"
    sam = visit("sam")
    assert "not looked for yet" in sam.get("/feeds/npm-dev").text
    sam.send("/feeds/npm-dev/newest")
    job = run(connected, last_job(connected))
    assert job.result == "Asked about 2 packages: 1 are behind upstream."
    assert "1.1.0 upstream" in sam.get("/feeds/npm-dev").text
    assert "1.1.0 upstream" in sam.get("/feeds/npm-dev/packages/left").text
    behind = sam.get("/feeds/npm-dev", behind="yes").text
    assert re.findall(r'class="name" href="[^"]*/packages/([^"]+)"', behind) == ["left"]


def test_an_import_from_a_feed_without_connectors_is_refused(connected: Runtime) -> None:
    with pytest.raises(AppError, match="no connectors in use"), connected.writing(SAM) as work:
        imports.start_packages(work, imports.PackagesRequest("npm-prod"))


# What the user's own clients are set to -------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home of its own, and a folder of clients that say what the tests want."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("APPDATA", raising=False)
    clients.ask_client.cache_clear()
    return tmp_path


def client(home: Path, name: str, script: str) -> None:
    path = home / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def sources(runtime: Runtime, format_key: str) -> list[str]:
    return [source.url for source in runtime.get_format(format_key).client_sources()]


def test_presets_come_from_the_clients_own_settings(sqlite_runtime: Runtime, home: Path) -> None:
    client(home, "npm", 'test "$*" = "config get registry" && echo https://me:secret@npm.example/all/')
    client(home, "gem", "printf '*** CURRENT SOURCES ***\\n\\nhttps://gems.example/\\nhttp://other.example/\\n'")
    settings = home / ".nuget" / "NuGet" / "NuGet.Config"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        '<configuration><packageSources><add key="a" value="https://nuget.example/v3/index.json" />'
        '<add key="b" value="https://off.example/" /><add key="c" value="/a/folder" /></packageSources>'
        '<disabledPackageSources><add key="b" value="true" /></disabledPackageSources></configuration>'
    )
    assert sources(sqlite_runtime, "npm") == ["https://npm.example/all/"]
    assert sources(sqlite_runtime, "rubygems") == ["https://gems.example/", "http://other.example/"]
    assert sources(sqlite_runtime, "nuget") == ["https://nuget.example/v3/index.json"]
    assert sources(sqlite_runtime, "universal") == []


@pytest.mark.parametrize("script", ["exit 1", "echo undefined", "echo ftp://x/; echo https://", "echo 'http://[x'"])
def test_a_client_that_says_nothing_of_use_offers_nothing(sqlite_runtime: Runtime, home: Path, script: str) -> None:
    client(home, "npm", script)
    assert sources(sqlite_runtime, "npm") == []


def test_unreadable_settings_offer_nothing(sqlite_runtime: Runtime, home: Path) -> None:
    settings = home / ".config" / "NuGet" / "NuGet.Config"
    settings.parent.mkdir(parents=True)
    settings.write_text("<configuration><packageSources>")
    assert sources(sqlite_runtime, "nuget") == []


def test_presets_are_offered_on_the_page(office: Runtime, visit: Callable[..., Visitor], home: Path) -> None:
    client(home, "npm", "echo https://npm.example/all/")
    page = visit("sam").get("/connectors/new").text
    assert "https://npm.example/all/" in page
    assert "npm config get registry" in page
