"""A whole installation with one format on it, made for a test and thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from app.bootstrap import open_runtime
from app.plugin import FeedFormat, NotFound, Request, Sample, hooks
from app.plugin.loading import Plugins
from app.plugin.records import PackageRecord, Published
from app.services import access, feeds, grants, history, keys, packages, people, promotions, publishing
from app.services.history import HistoryFilter, HistoryLine
from app.services.promotions import PromotionRequest, PromotionResult, Wanted
from app.services.runtime import Runtime, owner
from app.settings import load_settings
from app.web import create_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

OWNER = owner("contract suite")
ANONYMOUS, READER, WRITER, STRANGER = "anonymous", "reader", "writer", "stranger"
HOST = "http://localhost:8624"
_numbers = count(1)


class Stage:
    """Hold an installation that knows one format only; feeds are made on it."""

    def __init__(self, format: FeedFormat, directory: Path, database: str = "") -> None:
        manager = pluggy.PluginManager(hooks.PROJECT)
        manager.add_hookspecs(hooks)
        opened = open_runtime(load_settings(data=directory, database=database))
        self.format = format
        self.runtime: Runtime = replace(opened, plugins=Plugins(manager, {format.key: format}))
        self.client: FlaskClient = create_app(self.runtime).test_client(use_cookies=False)

    def close(self) -> None:
        """Let go of the database."""
        self.runtime.database.close()

    def new_feed(self, *, public: bool = False) -> Place:
        """Make a feed with keys for a reader, a writer and a stranger; a public one may be read by everybody."""
        number = next(_numbers)
        name, other = f"feed-{number}", f"other-{number}"
        with self.runtime.writing(OWNER) as work:
            feeds.create_feed(work, name, self.format.key)
            feeds.create_feed(work, other, self.format.key)
            if public:
                reading = grants.GrantRequest("View & Download Packages", principal="anonymous", feed=name)
                grants.grant(work, reading)
            secrets = {
                who: keys.create_key(work, keys.KeyRequest("feed", f"{who} {number}", feeds=(at,), rights=rights))[1]
                for who, at, rights in (
                    (READER, name, ("view",)),
                    (WRITER, name, ("view", "add", "delete")),
                    (STRANGER, other, ("view", "add", "delete")),
                )
            }
        return Place(self, name, secrets)

    def new_user(self, feed: str, name: str, password: str) -> None:
        """Make a person who may publish to a feed."""
        with self.runtime.writing(OWNER) as work:
            people.create_user(work, name, password)
            grants.grant(work, grants.GrantRequest("Publish Packages", user=name, feed=feed))

    def promote(self, source: Place, target: Place, *samples: Sample, comments: str = "") -> PromotionResult:
        """Promote versions between two feeds."""
        items = tuple(Wanted(sample.name, sample.version) for sample in samples)
        request = PromotionRequest(source.name, target.name, items, comments)
        return promotions.promote(self.runtime, OWNER, request)

    def history(self, target: Place) -> list[HistoryLine]:
        """Give what history says was promoted to a feed."""
        with self.runtime.reading(OWNER) as work:
            return history.versions(work, HistoryFilter(target=target.name))[0]


@dataclass(frozen=True, slots=True)
class Place:
    """Be one feed on a stage: what clients send to it, and what it holds."""

    stage: Stage
    name: str
    secrets: Mapping[str, str]

    @property
    def path(self) -> str:
        """Give the feed's path."""
        return f"/{self.stage.format.prefix}/{self.name}"

    def send(self, request: Request, who: str = WRITER, headers: Mapping[str, str] | None = None) -> TestResponse:
        """Send a client's request as somebody; redirects are not followed."""
        sent = {**request.headers, **(headers or {})}
        if who != ANONYMOUS:
            sent["X-ApiKey"] = self.secrets[who]
        address = self.path + request.path
        # Buffered: the answer is read and closed at once, as a client's connection would be.
        return self.stage.client.open(
            address, HOST, method=request.method, headers=sent, data=request.body, buffered=True
        )

    def get(self, path: str, who: str = WRITER, headers: Mapping[str, str] | None = None) -> TestResponse:
        """Send a GET."""
        return self.send(Request("GET", path), who, headers)

    def publish(self, sample: Sample) -> Published:
        """Publish a file past every protocol."""
        return publishing.publish(self.stage.runtime, OWNER, self.name, [sample.content], sample.filename)

    def package(self, name: str) -> PackageRecord | None:
        """Give what the feed holds of a package."""
        with self.stage.runtime.reading(OWNER) as work:
            return packages.find_package(work, access.get_feed(work, self.name), name)

    def get_package(self, name: str) -> PackageRecord:
        """Give what the feed holds of a package; raise NotFound."""
        found = self.package(name)
        if found is None:
            raise NotFound(f"There is no package {name} in {self.name}.")
        return found

    def digest(self, sample: Sample) -> str | None:
        """Give the SHA-256 of the file that the feed holds under a sample's version."""
        package = self.package(sample.name)
        version = package.version(self.stage.format.version_key(sample.version)) if package is not None else None
        return version.main.digests.sha256 if version is not None else None

    def forget(self, sample: Sample) -> None:
        """Delete a version past every protocol."""
        with self.stage.runtime.writing(OWNER) as work:
            publishing.delete_versions(work, self.name, sample.name, [sample.version])

    def serial(self) -> int:
        """Give the feed's serial."""
        with self.stage.runtime.reading(OWNER) as work:
            return access.get_feed(work, self.name).serial

    def read(self, sha256: str) -> bytes:
        """Give stored bytes."""
        with self.stage.runtime.blobs.open(sha256) as file:
            return file.read()
