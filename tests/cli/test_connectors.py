"""Connectors, pulls, imports and jobs by command: two feeds of one installation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Pack, Promontory

INTO = ("--feed", "npm-new")


def held(promontory: Promontory, feed: str = "npm-new") -> list[str]:
    return [line["name"] for line in promontory.json("package", "list", "--feed", feed)]


@pytest.fixture
def connected(promontory: Promontory, npm_kit: Any, tmp_path: Path) -> Promontory:
    """Give an installation whose feed npm-new asks npm-old: top needs middle, middle needs leaf, odd needs nothing."""
    for feed in ("npm-old", "npm-new", "npm-prod"):
        promontory("feed", "create", feed, "--format", "npm")
    needs = {"top": {"middle": "^1.0.0"}, "middle": {"leaf": "*"}, "leaf": {}, "odd": {}, "broken": {"nowhere": "1"}}
    for name, dependencies in needs.items():
        for version in ("1.0.0", "1.1.0"):
            path = tmp_path / f"{name}-{version}.tgz"
            path.write_bytes(npm_kit.make(name, version, dependencies=dependencies).content)
            promontory("package", "upload", path, "--feed", "npm-old")
    promontory("connector", "create", "old", "--format", "npm", "--from-feed", "npm-old")
    promontory("feed", "set", "npm-new", "--connector", "old")
    return promontory


def test_connectors_are_listed_shown_changed_and_deleted(connected: Promontory) -> None:
    (line,) = connected.json("connector", "list")
    assert (line["name"], line["source"], line["feeds"]) == ("old", "the feed npm-old", ["npm-new"])
    changed = connected.json("connector", "set", "old", "--timeout", 20, "--filter", "top", "--filter", "!odd")
    assert (changed["timeout"], changed["filters"]) == (20, ["top", "!odd"])
    assert connected.json("connector", "set", "old", "--timeout", 21)["filters"] == ["top", "!odd"]
    assert connected.json("connector", "set", "old", "--no-filter", "--disable")["filters"] == []
    assert "disabled" in connected("connector", "list")
    assert "--yes" in connected.refused("connector", "delete", "old")
    connected("connector", "delete", "old", "--yes")
    assert connected.json("connector", "list") == []
    assert connected.json("feed", "show", "npm-new")["connectors"] == []


def test_a_secret_comes_by_stdin_and_is_never_shown(promontory: Promontory) -> None:
    made = promontory(
        *("connector", "create", "team", "--format", "npm", "--url", "https://localhost/npm/"),
        *("--username", "ann", "--secret-stdin", "--json"),
        stdin="s3cr3t words\n",
    )
    assert '"secretSet": true' in made
    assert '"credential": "basic"' in made
    for words in (
        ("connector", "show", "team"),
        ("connector", "list", "--json"),
        ("connector", "show", "team", "--json"),
    ):
        assert "s3cr3t" not in promontory(*words)


def test_a_source_is_asked_whether_it_is_there(connected: Promontory) -> None:
    assert "old is there" in connected("connector", "check", "old")
    connected("connector", "create", "gone", "--format", "npm", "--url", "https://localhost:9/npm/")
    assert "localhost" in connected.refused("connector", "check", "gone")


def test_a_feeds_connectors_and_names_are_set(connected: Promontory) -> None:
    set_ = connected.json("feed", "set", "npm-new", "--remote", "cache", "--reserve", "@acme/*", "--allow", "@acme/x")
    assert (set_["remote"], set_["reservedNames"], set_["allowedNames"]) == ("cache", ["@acme/*"], ["@acme/x"])
    assert "asks old; serves and caches remote packages" in connected("feed", "show", "npm-new")
    assert connected.json("feed", "set", "npm-new", "--connector", "", "--reserve", "")["connectors"] == []
    assert connected.json("feed", "show", "npm-new")["reservedNames"] == []


# Pulls --------------------------------------------------------------------------------------------------


def test_a_version_is_pulled_alone(connected: Promontory) -> None:
    assert "1 done" in connected("pull", "top", "1.0.0", *INTO)
    assert held(connected) == ["top"]
    assert "Nothing to do" in connected("pull", "top", "1.0.0", *INTO)


def test_a_version_is_pulled_with_what_it_takes(connected: Promontory) -> None:
    plan = connected.json("pull", "top", *INTO, "--with-dependencies", "--dry-run")
    assert [(n["package"], n["version"], n["parent"]) for n in plan["nodes"]] == [
        ("top", "1.1.0", None), ("middle", "1.1.0", 0), ("leaf", "1.1.0", 1),
    ]  # fmt: skip
    assert held(connected) == []
    assert "leaf 1.1.0 (*)" in connected("pull", "top", *INTO, "--with-dependencies", "--dry-run")
    done = connected.json("pull", "top", *INTO, "--with-dependencies")
    assert (done["state"], done["done"], done["failures"]) == ("done", 3, [])
    assert held(connected) == ["leaf", "middle", "top"]


def test_a_pull_that_lacks_something_is_refused_unless_partial(connected: Promontory) -> None:
    said = connected.refused("pull", "broken", *INTO, "--with-dependencies")
    assert "nowhere" in said
    assert "--partial" in said
    assert held(connected) == []
    connected("pull", "broken", *INTO, "--with-dependencies", "--partial")
    assert held(connected) == ["broken"]


def test_what_no_connector_has_is_refused(connected: Promontory) -> None:
    assert "have a package missing" in connected.refused("pull", "missing", *INTO)
    assert "9.9.9" in connected.refused("pull", "top", "9.9.9", *INTO)
    assert "no connectors in use" in connected.refused("pull", "top", "--feed", "npm-prod")


def test_a_promotion_pulls_what_it_lacks_when_told_to(connected: Promontory) -> None:
    way = ("--from", "npm-new", "--to", "npm-prod")
    assert "pull it first" in connected.refused("promote", "top", "1.0.0", *way)
    assert held(connected, "npm-prod") == []
    assert "Promoted to npm-prod" in connected("promote", "top", "1.0.0", *way, "--pull", "--comments", "tried")
    assert held(connected, "npm-prod") == ["top"]
    (line,) = connected.json("history")
    assert (line["name"], line["comments"]) == ("top", "tried")
    assert "there already" in connected("promote", "top", "1.0.0", *way, "--pull")


# Imports ------------------------------------------------------------------------------------------------


def test_a_folder_is_imported_and_what_is_bad_fails_alone(connected: Promontory, pack: Pack, tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    (folder / "deep").mkdir(parents=True)
    for name, where in (("one", folder), ("two", folder / "deep"), ("three", folder)):
        pack(name, "1.0.0").rename(where / f"{name}-1.0.0.tgz")
    (folder / "notes.txt").write_text("not a package")
    connected("package", "upload", folder / "three-1.0.0.tgz", *INTO)
    plan = {line["source"]: line["found"] for line in connected.json("import", folder, *INTO, "--dry-run")}
    assert plan == {
        "deep/two-1.0.0.tgz": "new", "notes.txt": "refused", "one-1.0.0.tgz": "new", "three-1.0.0.tgz": "held",
    }  # fmt: skip
    assert held(connected) == ["three"]
    result = connected.run("import", folder, *INTO)
    assert result.exit_code == 2
    assert "notes.txt" in result.stderr
    assert held(connected) == ["one", "three", "two"]
    (job,) = connected.json("job", "list")
    assert (job["done"], job["skipped"], job["failed"], job["state"]) == (2, 1, 1, "failed")


def test_a_connectors_packages_are_imported(connected: Promontory) -> None:
    asked = ("import", *INTO, "--connector", "old")
    plan = connected.json(*asked, "--name", "*d*", "--dry-run")
    assert [(line["name"], line["version"], line["found"]) for line in plan] == [
        ("middle", "1.1.0", "new"), ("odd", "1.1.0", "new"),
    ]  # fmt: skip
    assert "2 done" in connected(*asked, "--name", "*d*")
    assert held(connected) == ["middle", "odd"]
    assert "there already" in connected(*asked, "--name", "odd", "--dry-run")
    connected(*asked, "--all", "--versions", "all")
    assert held(connected) == held(connected, "npm-old")
    assert len(connected.json("package", "versions", "leaf", *INTO)) == 2


def test_an_import_says_what_it_wants(connected: Promontory, tmp_path: Path) -> None:
    for words in (
        (),
        (tmp_path, "--connector", "old"),
        ("--connector", "old"),
        ("--connector", "old", "--all", "--name", "x"),
    ):
        assert connected.run("import", *words, *INTO).exit_code == 2
    assert "uses no connector" in connected.refused("import", *INTO, "--connector", "other", "--all")


# Jobs ---------------------------------------------------------------------------------------------------


def test_jobs_are_listed_and_shown(connected: Promontory) -> None:
    connected("pull", "top", "1.0.0", *INTO)
    (line,) = connected.json("job", "list", "--state", "done")
    shown = connected.json("job", "show", line["id"])
    assert shown["items"] == [{"name": "top", "version": "1.0.0", "state": "done", "message": "Pulled."}]
    assert "Pull top 1.0.0 into npm-new" in connected("job", "show", line["id"])
    assert "nothing to cancel" in connected.refused("job", "cancel", line["id"], code=3)
    assert "only a failed" in connected.refused("job", "retry", line["id"], code=3)
    assert "no job 99" in connected.refused("job", "show", 99)


def test_a_worker_does_what_waits_and_ends_when_told(connected: Promontory, tmp_path: Path) -> None:
    from app.bootstrap import open_runtime
    from app.services import jobs, pulls
    from app.services.plans import Wanted
    from app.services.runtime import owner
    from app.settings import load_settings

    runtime = open_runtime(load_settings(data=connected.data))
    with runtime.writing(owner("sam")) as work:
        number = pulls.start(work, pulls.PullRequest("npm-new", (Wanted("odd", "1.0.0"),))).id
    command = [sys.executable, "-m", "app.cli", "worker", "--data", str(connected.data)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})

    def done() -> bool:
        with runtime.reading(owner("sam")) as work:
            return jobs.get_job(work, number).state == jobs.JobState.DONE

    try:
        deadline = time.monotonic() + 30
        while not done() and time.monotonic() < deadline:
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=20)
    finally:
        worker.kill()
        runtime.database.close()
    assert worker.returncode == 0
    assert "jobs at once" in said
    assert held(connected) == ["odd"]
