"""The checks, the database and the settings by command."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from app.settings import Settings
from tests.cli.conftest import Promontory


def test_a_sound_installation_is_well(stocked: Promontory) -> None:
    assert stocked("fsck", "--deep") == "All is well.\n"
    assert stocked.json("fsck", "--repair") == {
        "ok": True,
        "findings": [],
        "swept": {"blobs": 0, "size": 0, "incoming": 0},
    }


def test_damage_ends_with_code_1_and_says_what_to_restore(stocked: Promontory) -> None:
    stocked.blobs()[0].unlink()
    result = stocked.run("fsck")
    assert (result.exit_code, "blob-missing" in result.stdout, "backup" in result.stdout) == (1, True, True)
    assert stocked.run("fsck", "--json").exit_code == 1


def test_a_repair_frees_what_no_feed_holds(stocked: Promontory) -> None:
    stocked("package", "delete", "one", "1.0.0", "--feed", "npm-dev", "--yes")
    assert "0 damaged, 1 harmless" in stocked("fsck")
    assert "1 harmless" in stocked("fsck", "--repair"), "it may just be coming in"
    for path in stocked.blobs():
        os.utime(path, (0, 0))
    with closing(sqlite3.connect(stocked.data / "promontory.db")) as database:
        database.execute("UPDATE blob SET added = '2000-01-01 00:00:00.000000'")
        database.commit()
    text = stocked("fsck", "--repair")
    assert "in 1 blob, and 0 broken uploads" in text
    assert text.endswith("All is well.\n")


def test_the_event_log_is_verified(stocked: Promontory) -> None:
    shown = stocked.json("audit", "verify")
    whole = f"The event log is whole: {shown['entries']} entries, ending in {shown['hash']}.\n"
    assert (shown["entries"] > 3, stocked("audit", "verify")) == (True, whole)
    assert (shown["ok"], shown["event"], shown["reason"]) == (True, None, None)
    with closing(sqlite3.connect(stocked.data / "promontory.db")) as database:
        database.execute("UPDATE event SET actor = 'nobody' WHERE id = 3")
        database.commit()
    result = stocked.run("audit", "verify")
    assert (result.exit_code, "from number 3 on" in result.stdout) == (1, True)


def test_the_database_is_made_and_upgraded(promontory: Promontory) -> None:
    assert "this program's schema" in promontory("db", "upgrade")
    assert "Copied" not in promontory("db", "upgrade")
    assert promontory.json("user", "list") == []


def test_every_setting_is_listed_with_its_help(promontory: Promontory) -> None:
    listed = {setting["name"]: setting for setting in promontory.json("settings")}
    assert set(listed) == set(Settings.model_fields)
    assert all(setting["help"] for setting in listed.values())
    assert listed["data"]["source"] == "--data"


def test_each_setting_says_where_it_comes_from(promontory: Promontory, monkeypatch: pytest.MonkeyPatch) -> None:
    promontory.data.mkdir()
    (promontory.data / "promontory.toml").write_text("threads = 7\nport = 9000\n")
    monkeypatch.setenv("PROMONTORY_PORT", "9001")
    listed = {s["name"]: (s["value"], s["source"]) for s in promontory.json("settings")}
    assert listed["threads"] == (7, "promontory.toml")
    assert listed["port"] == (9001, "environment")
    assert listed["host"] == ("127.0.0.1", "default")
    assert "PROMONTORY_THREADS" in promontory("settings")


def test_no_secret_is_shown(promontory: Promontory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMONTORY_DATABASE", "postgresql+psycopg://me:s3cr3t@localhost/x")
    monkeypatch.setenv("PROMONTORY_SECRET_KEY", "k3y")
    shown = promontory("settings", "--json")
    assert "s3cr3t" not in shown
    assert "k3y" not in shown
