"""The world of the matrix: four feeds of each format, and everybody who could ask for something.

What each may is written down here by hand, from the words of the rights; nothing of it is computed by the
application.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from app.bootstrap import open_runtime
from app.domain.permissions import Permission
from app.services import connectors, grants, jobs, keys, people, promotions, publishing, sessions, tasks
from app.services.connectors import ConnectorChange
from app.services.grants import GrantRequest
from app.services.promotions import PromotionRequest, Wanted
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from app.web import create_app
from tests.fixtures import make_feeds

SAM = owner("sam")
FORMATS = ("npm", "nuget", "rubygems", "universal")
NAME, VERSION = "left", "1.0.0"

READ = frozenset({Permission.VIEW_FEED, Permission.DOWNLOAD_PACKAGE})
PUBLISH = READ | {Permission.ADD_PACKAGE, Permission.PULL_PACKAGE}
PROMOTE = READ | {Permission.ADD_PACKAGE, Permission.ACCEPT_PROMOTIONS}
MANAGE = PROMOTE | {
    *(Permission.PULL_PACKAGE, Permission.DELETE_PACKAGE, Permission.OVERWRITE_PACKAGE, Permission.UNLIST_PACKAGE),
    *(Permission.MANAGE_CONNECTORS, Permission.MANAGE_FEED),
}
EVERYTHING = frozenset(Permission)
NOTHING: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True)
class Who:
    """Be one row of the matrix: what they may on the feeds called here, on all others, on the installation.

    ``person`` signs in to pages; everybody but the anonymous sends credentials to clients' addresses.
    ``known`` is false for nobody, and for keys that no longer work.
    """

    name: str
    here: frozenset[Permission] = NOTHING
    elsewhere: frozenset[Permission] = NOTHING
    installation: frozenset[Permission] = NOTHING
    person: bool = False
    known: bool = True
    feed_key: bool = False


PEOPLE = (
    Who("stranger", person=True),
    Who("reader", READ, person=True),
    Who("publisher", PUBLISH, person=True),
    Who("promoter", PROMOTE, person=True),
    Who("manager", MANAGE, person=True),
    Who("administrator", EVERYTHING, EVERYTHING, EVERYTHING, person=True),
)
KEYS = (
    Who("key-system", EVERYTHING, EVERYTHING, EVERYTHING),
    Who("key-feeds", MANAGE, MANAGE, MANAGE),
    Who("key-view", READ, feed_key=True),
    Who("key-add", PUBLISH, feed_key=True),
    Who("key-promote", READ | {Permission.ACCEPT_PROMOTIONS}, feed_key=True),
    Who(
        "key-delete",
        READ | {Permission.DELETE_PACKAGE, Permission.OVERWRITE_PACKAGE, Permission.UNLIST_PACKAGE},
        feed_key=True,
    ),
    Who("key-personal", READ),
    Who("key-wrong-feed", feed_key=True),
    Who("key-expired", known=False),
    Who("key-disabled", known=False),
    Who("key-of-disabled", known=False),
)
NOBODY = Who("nobody", known=False, person=True)
EVERYBODY = (NOBODY, *PEOPLE, *KEYS)

_FEED_KEYS: Mapping[str, tuple[str, ...]] = {
    "key-view": ("view",),
    "key-add": ("view", "add"),
    "key-promote": ("view", "promote"),
    "key-delete": ("view", "delete"),
    "key-expired": ("view", "add", "promote", "delete"),
    "key-disabled": ("view", "add", "promote", "delete"),
}


def here(format: str) -> str:
    """Give the feed of a format on which people have the rights of their row."""
    return f"{format}-here"


def there(format: str) -> str:
    """Give the feed of a format on which only those have rights who have them everywhere."""
    return f"{format}-there"


class World:
    """Be an installation that is made once and copied whenever a request may have changed it."""

    def __init__(self, directory: Path) -> None:
        self._template, self._directory, self._copies = directory / "template", directory, 0
        self.secrets: dict[str, str] = {}
        self.cookies: dict[str, tuple[str, int]] = {}
        self.paths: dict[str, str] = {}
        runtime = open_runtime(load_settings(data=self._template, port=0, test_hooks=True))
        self._fill(runtime)
        runtime.database.close()
        self.app: Flask
        self._runtime: Runtime | None = None
        self.renew()

    def renew(self) -> None:
        """Begin anew with what the world was like."""
        if self._runtime is not None:
            self._runtime.database.close()
            shutil.rmtree(self._runtime.settings.data)
        self._copies += 1
        data = Path(shutil.copytree(self._template, self._directory / f"copy{self._copies}"))
        self._runtime = open_runtime(load_settings(data=data, port=0, test_hooks=True))
        self.app = create_app(self._runtime)
        self.app.config["WTF_CSRF_ENABLED"] = False  # Forms are refused by their rights here, not by their tokens.

    @property
    def runtime(self) -> Runtime:
        """Give the runtime."""
        assert self._runtime is not None
        return self._runtime

    def browser(self, who: Who) -> FlaskClient:
        """Give a browser in which somebody is signed in."""
        client = self.app.test_client()
        if who.known:
            secret, user_id = self.cookies[who.name]
            with client.session_transaction() as session:
                session.update({"session": secret, "_user_id": str(user_id), "_fresh": 1})
        return client

    def credentials(self, who: Who) -> dict[str, str]:
        """Give the headers with which somebody's client or script speaks."""
        if who is NOBODY:
            return {}
        pair = base64.b64encode(f"api:{self.secrets[who.name]}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def _fill(self, runtime: Runtime) -> None:
        for format in FORMATS:
            make_feeds(runtime, format, here(format), there(format), f"{format}-other")
            sample = runtime.get_format(format).kit().make(NAME, VERSION)
            for feed in (here(format), there(format)):
                publishing.publish(runtime, SAM, feed, [sample.content], sample.filename)
            self.paths[format] = sample.filename
        with runtime.writing(SAM) as work:
            connectors.create_connector(work, "public", "npm", ConnectorChange(feed="npm-other"))
            connectors.attach(work, here("npm"), ["public"])
            connectors.attach(work, there("npm"), ["public"])
            jobs.create(work, "pull", "A job of somebody else's", items=[jobs.NewItem("left", "1.0.0")])
        self._people(runtime)
        self._keys(runtime)
        wanted = PromotionRequest(there("npm"), "npm-other", (Wanted(NAME, VERSION),), "a hidden reason")
        promotions.promote(runtime, SAM, wanted)

    def _people(self, runtime: Runtime) -> None:
        given = {
            "reader": "View & Download Packages",
            "publisher": "Publish Packages",
            "promoter": "Promote Packages",
            "manager": "Manage Feed",
        }
        with runtime.writing(SAM) as work:
            for who in (*PEOPLE, Who("gone")):
                user = people.create_user(work, who.name)
                for format in FORMATS if who.name in given else ():
                    grants.grant(work, GrantRequest(given[who.name], user=user.name, feed=here(format)))
            grants.grant(work, GrantRequest("Administer", user="administrator"))
            people.create_group(work, "crew", ["reader"])
            tasks.create_task(work, "own", [Permission.VIEW_FEED])
            for who in PEOPLE:
                self.cookies[who.name] = sessions.begin(work, who.name), people.get_user(work, who.name).id

    def _keys(self, runtime: Runtime) -> None:
        with runtime.writing(SAM) as work:
            # Number 1 belongs to somebody else for everybody but the administrator.
            self._key(work, keys.KeyRequest("system", "key-system"))
            self._key(work, keys.KeyRequest("system", "key-feeds", rights=["feeds"]))
            for name, rights in _FEED_KEYS.items():
                expires = datetime.now(UTC) - timedelta(hours=1) if name == "key-expired" else None
                feeds = [here(format) for format in FORMATS]
                self._key(work, keys.KeyRequest("feed", name, feeds=feeds, rights=rights, expires=expires))
            self._key(work, keys.KeyRequest("feed", "key-wrong-feed", feeds=["npm-other"], rights=["view", "add"]))
            self._key(work, keys.KeyRequest("personal", "key-personal", user="reader"))
            self._key(work, keys.KeyRequest("personal", "key-of-disabled", user="gone"))
            for who in PEOPLE:
                self._key(work, keys.KeyRequest("personal", who.name, user=who.name))
            disabled = next(key for key in keys.list_keys(work) if key.name == "key-disabled")
            keys.update_key(work, disabled.id, keys.KeyChange(enabled=False))
            people.set_active(work, "gone", active=False)

    def _key(self, work: object, request: keys.KeyRequest) -> None:
        self.secrets[request.name] = keys.create_key(work, request)[1]  # type: ignore[arg-type]
