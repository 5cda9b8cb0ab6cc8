"""Any file of people and rights: an export applied elsewhere is exported the same, and twice changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bootstrap import open_runtime
from app.domain.errors import Conflict
from app.domain.names import fold
from app.domain.permissions import BUILT_IN_TASKS, Permission
from app.services import config, configfile, grants, people, tasks
from app.services.config import Change
from app.services.configfile import Config
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from tests.fixtures import make_feeds

OWNER = owner("sam")


def exported(runtime: Runtime) -> str:
    with runtime.reading(OWNER) as work:
        return configfile.write(config.export(work))


def apply(runtime: Runtime, text: str, *, prune: bool = False) -> list[Change]:
    with runtime.writing(OWNER) as work:
        return config.apply(work, configfile.read(text.encode()), prune=prune)


NAME = st.from_regex(
    re.compile(r"[^\x00-\x20:/\\\ud800-\udfff]([^\x00-\x1f:/\\\ud800-\udfff]{0,6}[^\x00-\x20:/\\\ud800-\udfff])?"),
    fullmatch=True,
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
EMAIL = st.sampled_from(["", "a@b"])
WORD = st.text("ab", min_size=1, max_size=3)
BUILT_IN = [task.name for task in BUILT_IN_TASKS]


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Draw a file that can be applied to an installation with the feeds prod and team (in Team)."""
    names = draw(st.lists(NAME, max_size=4, unique_by=fold))
    users = [
        {
            "name": name,
            "displayName": draw(TEXT),
            "email": draw(st.sampled_from(["", "a@b"])),
            "active": draw(st.booleans()),
        }
        for name in names
    ]
    groups = [
        {"name": name, "members": draw(st.lists(st.sampled_from(names), unique=True)) if names else []}
        for name in draw(st.lists(NAME, max_size=3, unique_by=fold))
    ]
    own = draw(st.lists(WORD, max_size=3, unique_by=fold))
    codes = st.lists(st.sampled_from([str(each) for each in Permission]), min_size=1, max_size=4)
    tasks_ = [{"name": name, "description": draw(TEXT), "attributes": draw(codes)} for name in own]
    whom = [{"principal": each} for each in grants.EVERYBODY] + [{"user": name} for name in names]
    whom += [{"group": group["name"]} for group in groups]
    entry = st.builds(
        lambda task, principal, scope: {"task": task, **principal, **scope},
        st.sampled_from([*BUILT_IN, *own]),
        st.sampled_from(whom),
        st.sampled_from([{}, {"feed": "prod"}, {"feed": "team"}, {"feedGroup": "Team"}]),
    )
    entries = st.lists(entry, max_size=5, unique_by=lambda each: tuple(sorted((k, fold(v)) for k, v in each.items())))
    return Config.model_validate(
        {
            "promontory": 1,
            "users": users,
            "groups": groups,
            "tasks": tasks_,
            "grants": draw(entries),
            "restrictions": draw(entries),
        }
    )


@contextmanager
def installation(directory: Path) -> Iterator[Runtime]:
    opened = open_runtime(load_settings(data=directory, port=0))
    try:
        yield opened
    finally:
        opened.database.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Runtime]]:
    """Give two installations with the same feeds."""
    with installation(tmp_path_factory.mktemp("one")) as one, installation(tmp_path_factory.mktemp("two")) as two:
        for runtime in (one, two):
            make_feeds(runtime, "npm", "prod")
            make_feeds(runtime, "npm", "team", group="Team")
        yield [one, two]


def empty(runtime: Runtime) -> None:
    """Take everybody out, last administrators too."""
    with runtime.writing(OWNER) as work:
        for row in (*grants.list_grants(work), *people.list_groups(work), *people.list_users(work)):
            work.session.delete(row)
        for task in tasks.list_tasks(work):
            if not task.built_in:
                work.session.delete(task)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(wanted=configs())
def test_an_export_applied_to_an_empty_installation_is_exported_the_same(pair: list[Runtime], wanted: Config) -> None:
    one, two = pair
    for runtime in pair:
        empty(runtime)
    try:
        apply(one, configfile.write(wanted))
    except Conflict:
        return  # It would lock out the administrator whom it makes.
    text = exported(one)
    assert configfile.read(text.encode()).config.model_dump() == configured(wanted)
    assert apply(one, text, prune=True) == []
    apply(two, text)
    assert exported(two) == text
    assert apply(two, text, prune=True) == []


def configured(wanted: Config) -> dict[str, Any]:
    """Give a configuration as an export orders it, worked out in another way."""
    dumped = wanted.model_dump()
    for section in ("users", "groups", "tasks"):
        dumped[section].sort(key=lambda each: fold(each["name"]))
    for group in dumped["groups"]:
        group["members"].sort(key=fold)
    for task in dumped["tasks"]:
        task["attributes"] = sorted(set(task["attributes"]))
    for section in ("grants", "restrictions"):
        order = ("task", "principal", "group", "user", "feed_group", "feed")
        dumped[section].sort(key=lambda each: [fold(each[name]) for name in order])
    return dumped


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(first=configs(), second=configs())
def test_pruned_an_installation_becomes_what_any_file_says(pair: list[Runtime], first: Config, second: Config) -> None:
    runtime = pair[0]
    empty(runtime)
    try:
        apply(runtime, configfile.write(first))
        planned = config.rehearse(runtime, OWNER, configfile.read(configfile.write(second).encode()), prune=True)
        done = apply(runtime, configfile.write(second), prune=True)
    except Conflict:
        return
    assert planned == done
    names = {fold(user.name): user.name for user in first.users or ()}
    if not any(names.get(fold(user.name), user.name) != user.name for user in second.users or ()):
        found = configfile.read(exported(runtime).encode()).config
        assert [user.name for user in found.users or ()] == sorted((user.name for user in second.users or ()), key=fold)
        assert len(found.grants or ()) == len(second.grants or ())
    assert apply(runtime, configfile.write(second), prune=True) == []
