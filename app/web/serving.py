"""The feed that a format's handlers receive: found, authenticated, permitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, cast

from flask import Request, Response, g

from app.domain.errors import Unauthenticated
from app.domain.names import fold
from app.domain.permissions import Permission
from app.plugin.blobs import BlobDigests
from app.plugin.format import FeedFormat, Manifest
from app.plugin.records import FileRecord, PackageRecord, Page, Published, VersionRecord
from app.services import access, journal, keys, listings, packages, publishing
from app.services.clock import set_clock
from app.services.runtime import Runtime, Work
from app.storage.models import Feed
from app.web.bodies import chunks_of, read_json
from app.web.documents import Document, DocumentCache, DocumentKey, answer_document, answer_file, stream_of
from app.web.downloads import DownloadCounter, DownloadKey
from app.web.growing import GrowingDocuments, Join, Piece
from app.web.hot import REPEATABLE, Repeatable
from app.web.identity import Gatekeeper
from app.web.keyuses import KeyUses


@dataclass(frozen=True, slots=True)
class Serving:
    """Hold what the process keeps for serving feeds."""

    runtime: Runtime
    documents: DocumentCache
    growing: GrowingDocuments
    downloads: DownloadCounter
    key_uses: KeyUses
    gatekeeper: Gatekeeper

    def flush(self) -> None:
        """Write what was counted and noted in memory into the database."""
        self.downloads.flush()
        self.key_uses.flush()


class RequestedFeed:
    """Be ``app.plugin.web.ServedFeed`` for one request."""

    def __init__(
        self, serving: Serving, work: Work, feed: Feed, request: Request, url: str, expires: datetime | None
    ) -> None:
        self._serving, self._work, self._feed, self._expires = serving, work, feed, expires
        self.name, self.serial, self.created = feed.name, feed.serial, feed.created
        self.format: FeedFormat = work.get_format(feed.format)
        self.request, self.url = request, url
        self.inflate = False

    @property
    def user_name(self) -> str | None:
        """Give who is speaking, or None."""
        return None if self._work.actor.anonymous else self._work.actor.name

    @property
    def journal_begun(self) -> datetime:
        """Give when the feed's journal was begun."""
        return journal.begun(self._feed)

    @property
    def test_hooks(self) -> bool:
        """Tell whether requests are answered that only conformance suites send."""
        return self._serving.runtime.settings.test_hooks

    def set_clock(self, moment: datetime) -> None:
        """Stop the installation's clock at a moment, for a conformance suite."""
        self.require(Permission.MANAGE_FEED)
        set_clock(self._serving.runtime, moment)

    # Rights ---------------------------------------------------------------------------------------

    def can(self, permission: Permission) -> bool:
        """Tell whether the caller holds a further right here."""
        return access.allowed(self._work, permission, self._feed)

    def require(self, permission: Permission) -> None:
        """Raise unless the caller holds a further right here."""
        access.require(self._work, permission, self._feed)

    # Reading --------------------------------------------------------------------------------------

    def package(self, name: str) -> PackageRecord | None:
        """Give a package, or None."""
        return packages.find_package(self._work, self._feed, name)

    def get_package(self, name: str) -> PackageRecord:
        """Give a package; raise NotFound."""
        return packages.get_package(self._work, self._feed, name)

    def packages(self, names: Iterable[str]) -> Sequence[PackageRecord]:
        """Give several packages."""
        keys = [self.format.name_key(name) for name in names]
        found = {record.key: record for record in packages.by_keys(self._work, self._feed, keys)}
        return [found[key] for key in dict.fromkeys(keys) if key in found]

    def holds(self, name: str, version: str) -> tuple[bool, bool]:
        """Tell whether the feed holds a package, and one version of it."""
        return packages.holds(self._work, self._feed, name, version)

    def get_version(self, name: str, version: str) -> VersionRecord:
        """Give one version; raise NotFound."""
        return packages.get_version(self._work, self._feed, name, version)

    def find(self, handle: str) -> tuple[VersionRecord, FileRecord] | None:
        """Give the file that goes by a handle."""
        return packages.find_file(self._work, self._feed, handle)

    def search(  # noqa: PLR0913 - the plugin API's
        self,
        text: str = "",
        *,
        prerelease: bool = True,
        unlisted: bool = False,
        with_versions: bool = False,
        group: str | None = None,
        facets: Sequence[str] = (),
        without: Sequence[str] = (),
        offset: int = 0,
        limit: int = 20,
    ) -> Page:
        """Give a page of packages."""
        narrowed = (text, prerelease, unlisted, group, tuple(facets), tuple(without))
        listing = listings.Listing(*narrowed, offset=max(offset, 0), limit=max(limit, 0))
        return listings.search(self._work, self._feed, listing, with_versions=with_versions)

    def counts(self) -> tuple[int, int]:
        """Give the number of packages and of versions."""
        found = listings.counts(self._work, [self._feed.id]).get(self._feed.id, (0, 0, 0))
        return found[0], found[1]

    def document(
        self,
        key: str,
        build: Callable[[], bytes],
        *,
        content_type: str,
        package: str | None = None,
        vary: Sequence[str] = (),
        digest: str = "sha256",
        repr_digest: bool = False,
    ) -> Response:
        """Answer with an index document, built at most once per serial and address."""
        serial = self.serial if package is None else self._serial_of(package)
        full_key = (self._feed.id, serial, self.url, key, package, digest)
        document = self._serving.documents.get(full_key, build, digest, repr_digest=repr_digest)
        return self._answer(full_key, document, content_type, vary)

    def _serial_of(self, package: str) -> object:
        """Give what changes with a package; raise NotFound."""
        return packages.serial_of(self._work, self._feed, package)

    def collected(
        self,
        key: str,
        piece: Piece,
        join: Join,
        *,
        content_type: str,
        digest: str = "sha256",
        repr_digest: bool = False,
    ) -> Response:
        """Answer with a document of the whole feed, made of one piece for each package."""
        full_key = (self._feed.id, self.serial, "collected", key, digest)

        def build() -> bytes:
            return self._serving.growing.collected(self._work, self._feed, key, piece, join)

        document = self._serving.documents.get(full_key, build, digest, repr_digest=repr_digest)
        return self._answer(full_key, document, content_type)

    def journal(self, head: bytes, *, content_type: str) -> Response:
        """Answer with a head and the feed's journal."""
        document = self._serving.growing.journal(self._work, self._feed, head)
        return self._answer((self._feed.id, "journal", document.digest), document, content_type)

    def rewrite_journal(self, lines: Callable[[PackageRecord], Sequence[str]]) -> None:
        """Begin the feed's journal anew."""
        with self._writing() as work:
            journal.rewrite(work, self.name, lines)

    def _answer(self, key: DocumentKey, document: Document, content_type: str, vary: Sequence[str] = ()) -> Response:
        cache = self._serving.documents
        response = answer_document(self.request, cache, key, document, content_type, private=self._private(), vary=vary)
        self._repeatable(None)
        return response

    def send(self, file: FileRecord, content_type: str, download_name: str | None = None) -> Response:
        """Answer with a stored file, and count the download."""
        self.require(Permission.DOWNLOAD_PACKAGE)
        counted = self._counted(file)
        response = answer_file(
            self.request, self._serving.runtime.blobs, file, content_type, download_name, private=self._private()
        )
        if self.request.method == "GET" and response.status_code == 200:
            self._serving.downloads.count(counted)
            blobs, sha256 = self._serving.runtime.blobs, file.digests.sha256
            reopen = (lambda environ: stream_of(environ, blobs, sha256)) if response.direct_passthrough else None
            self._repeatable(counted, reopen)
        return response

    def _counted(self, file: FileRecord) -> DownloadKey:
        name, version = file.manifest.name, file.manifest.version
        return fold(self.name), self.format.name_key(name), self.format.version_key(version)

    def _private(self) -> bool:
        return not self._work.actor.anonymous

    def _repeatable(
        self,
        counted: DownloadKey | None,
        reopen: Callable[[dict[str, Any]], Iterable[bytes]] | None = None,
    ) -> None:
        until = None if self._expires is None else self._expires.timestamp()
        serving, key = self._serving, g.get("used_key")

        def repeated(environ: dict[str, Any], status: int) -> None:
            if counted is not None and status == 200:
                serving.downloads.count(counted)
            if key is not None:
                serving.key_uses.note(key, environ, status)

        needed = counted is not None or key is not None
        self.request.environ[REPEATABLE] = Repeatable(until, repeated if needed else None, reopen)

    def fetch(self, file: FileRecord) -> FileRecord:
        """Give the file as it is: this feed serves what it holds."""
        return file

    def open(self, file: FileRecord) -> BinaryIO:
        """Open a stored file's bytes."""
        self.require(Permission.DOWNLOAD_PACKAGE)
        return self._serving.runtime.blobs.open(file.digests.sha256)

    # Writing --------------------------------------------------------------------------------------

    def store(self, chunks: Iterable[bytes]) -> BlobDigests:
        """Stream bytes into the blob store."""
        self._end_reading()
        return publishing.store(self._serving.runtime, self._work.actor, self.name, chunks)

    def publish(self, stream: BinaryIO | Iterable[bytes], filename: str, *, tags: Sequence[str] = ()) -> Published:
        """Publish a package file."""
        chunks = chunks_of(cast(BinaryIO, stream)) if hasattr(stream, "read") else stream
        return self.publish_stored(self.store(chunks), filename, tags=tags)

    def publish_stored(
        self,
        blob: BlobDigests,
        filename: str,
        *,
        tags: Sequence[str] = (),
        expect: Callable[[Manifest], None] | None = None,
    ) -> Published:
        """Publish a file that is in the blob store."""
        self._end_reading()
        runtime, actor = self._serving.runtime, self._work.actor
        return publishing.publish_stored(
            runtime, actor, self.name, blob, filename, tags=tags, expect=expect, format=self.format
        )

    def set_tag(self, name: str, tag: str, version: str) -> None:
        """Point a tag at a version."""
        with self._writing() as work:
            publishing.set_tag(work, self.name, name, tag, version)

    def remove_tag(self, name: str, tag: str) -> None:
        """Remove a tag."""
        with self._writing() as work:
            publishing.remove_tag(work, self.name, name, tag)

    def set_listed(self, name: str, version: str, *, listed: bool, variant: str | None = None) -> None:
        """List or unlist a version, or one file of it."""
        with self._writing() as work:
            publishing.set_listed(work, self.name, name, version, listed=listed, variant=variant)

    def set_deprecated(self, name: str, messages: Mapping[str, str]) -> None:
        """Set deprecation messages."""
        with self._writing() as work:
            publishing.set_deprecated(work, self.name, name, messages)

    def delete_versions(self, name: str, versions: Sequence[str] | None = None) -> int:
        """Delete versions, or all."""
        with self._writing() as work:
            return publishing.delete_versions(work, self.name, name, versions)

    def _writing(self) -> Any:
        self._end_reading()
        return self._serving.runtime.writing(self._work.actor)

    def _end_reading(self) -> None:
        # A reader that goes on to write would otherwise hold its old state of the database all along.
        self._work.session.rollback()
        self._work.cache.clear()

    # Signing in -----------------------------------------------------------------------------------

    def log_in(self, user_name: str, password: str) -> str:
        """Check a password and give a new personal key."""
        self._end_reading()
        address = self.request.remote_addr or ""
        actor = self._serving.gatekeeper.check_password(self._work, user_name, password, address)
        self._end_reading()
        with self._serving.runtime.writing(actor) as work:
            wanted = keys.KeyRequest("personal", f"{self.format.key} login", user=actor.name)
            return keys.create_key(work, wanted)[1]

    def log_out(self) -> None:
        """Revoke the personal key that this request was sent with."""
        actor = self._work.actor
        if actor.key_id is None or actor.user_id is None:
            raise Unauthenticated("Only a personal key can be revoked by logging out; send it as the credentials.")
        with self._writing() as work:
            keys.delete_key(work, actor.key_id)

    def json_body(self, limit: int = 1_000_000) -> Any:
        """Give the request's body as JSON values."""
        return read_json(self.request, limit, inflate=self.inflate)
