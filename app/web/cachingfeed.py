"""The feed that handlers receive where its connectors' packages are served along with its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import BinaryIO

from flask import Request, Response

from app.domain.errors import AppError, InvalidPackage, NotFound
from app.domain.permissions import Permission
from app.net.transfer import Flight
from app.plugin.blobs import BlobDigests
from app.plugin.format import Manifest
from app.plugin.records import FileRecord, PackageRecord, PackageSummary, Page, VersionRecord
from app.plugin.upstream import RemoteLine
from app.plugin.web import attachment
from app.services import caching, changes, offers, packages, remotesearch
from app.services.offers import Offer
from app.services.runtime import Work
from app.services.sources import Journal, Reach
from app.storage.models import Feed
from app.web.serving import RequestedFeed, Serving

_MOST_REMOTE = 100


class CachingFeed(RequestedFeed):
    """Be a feed that serves what it holds and what its connectors offer; it fetches and keeps what it is asked for."""

    def __init__(
        self,
        serving: Serving,
        work: Work,
        feed: Feed,
        request: Request,
        url: str,
        expires: datetime | None,
        reach: Reach,
    ) -> None:
        super().__init__(serving, work, feed, request, url, expires)
        self._reach = reach
        self._offers: dict[str, Offer] = {}

    # Reading --------------------------------------------------------------------------------------

    def package(self, name: str) -> PackageRecord | None:
        """Give a package with its remote versions, or None."""
        offer = self._offer(name)
        held = super().package(name)
        changes.note(self._serving.runtime, self._reach.feed_id, held, offer)
        return offers.merge(self.format, held, offer)

    def get_package(self, name: str) -> PackageRecord:
        """Give a package with its remote versions; raise NotFound, or UpstreamFailed where that cannot be known."""
        found = self.package(name)
        if found is None:
            raise self._unknown(name)
        return found

    def packages(self, names: Iterable[str]) -> Sequence[PackageRecord]:
        """Give several packages with their remote versions."""
        keyed = {self.format.name_key(name): name for name in names}
        found = (self.package(name) for name in keyed.values())
        return [package for package in found if package is not None]

    def holds(self, name: str, version: str) -> tuple[bool, bool]:
        """Tell whether the feed or its connectors have a package, and one version of it."""
        here = super().holds(name, version)
        if all(here):
            return here
        offer = self._offer(name)
        return here[0] or bool(offer.versions), here[1] or self.format.version_key(version) in offer.versions

    def get_version(self, name: str, version: str) -> VersionRecord:
        """Give one version, held or remote; raise NotFound."""
        if version not in packages.ALIASES:
            try:
                return super().get_version(name, version)
            except NotFound:
                pass
        package = self.get_package(name)
        wanted = packages.resolve_alias(package, version) or version
        try:
            found = package.version(self.format.version_key(wanted))
        except InvalidPackage:
            found = None
        if found is None:
            raise packages.unknown_version(self._feed, package, version)
        return found

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
        """Give a page of packages: what the feed holds first, then what its connectors find for a text."""
        page = super().search(
            text,
            prerelease=prerelease,
            unlisted=unlisted,
            with_versions=with_versions,
            group=group,
            facets=facets,
            without=without,
            offset=offset,
            limit=limit,
        )
        room = min(limit - len(page.items), _MOST_REMOTE)
        if not text.strip() or group or facets or room <= 0:
            return page
        found = list(self._found(text, prerelease=prerelease, offset=max(offset - page.total, 0), limit=room))
        return Page((*page.items, *found), page.total + len(found))

    def _found(self, text: str, *, prerelease: bool, offset: int, limit: int) -> Iterator[PackageSummary]:
        self._end_reading()
        lines = remotesearch.search(
            self._serving.runtime, self._reach, text, prerelease=prerelease, offset=offset, limit=limit
        )
        for line in lines:
            held = super().package(line.name)
            if held is None:
                yield _summary(line)

    def _offer(self, name: str) -> Offer:
        try:
            key = self.format.name_key(name)
        except InvalidPackage:
            return Offer(name, {}, {})
        if key not in self._offers:
            self._offers[key] = offers.offer_for(self._work, self._feed, self._reach, name)
        return self._offers[key]

    def _unknown(self, name: str) -> AppError:
        offer = self._offer(name)
        if offer.failures:
            said = " ".join(message for _, message in offer.failures)
            return offers.unreachable(name, said)
        return packages.unknown_package(self._feed, name)

    def _serial_of(self, package: str) -> object:
        offer = self._offer(package)
        try:
            return super()._serial_of(package), offer.stamp
        except NotFound:
            if not offer.versions:
                raise self._unknown(package) from None
            return None, offer.stamp

    # Bytes ----------------------------------------------------------------------------------------

    def send(self, file: FileRecord, content_type: str, download_name: str | None = None) -> Response:
        """Answer with a file's bytes; a remote one streams while it is fetched, verified and kept."""
        if not file.remote:
            return super().send(file, content_type, download_name)
        self.require(Permission.DOWNLOAD_PACKAGE)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if download_name is not None:
            headers["Content-Disposition"] = attachment(download_name)
        if self.request.method == "HEAD":
            return Response(b"", 200, headers, content_type=content_type)
        flight = self._fly(file)
        size = flight.size()
        if size is not None:
            headers["Content-Length"] = str(size)
        chunks = flight.chunks()
        first = next(chunks, b"")  # What goes wrong before the first bytes can still be answered as an error.
        self._serving.downloads.count(self._counted(file))
        return Response(chain((first,), chunks), 200, headers, content_type=content_type, direct_passthrough=True)

    def fetch(self, file: FileRecord) -> FileRecord:
        """Give a file with its bytes kept here and read: a remote one is fetched first."""
        if not file.remote:
            return file
        self.require(Permission.DOWNLOAD_PACKAGE)
        name, version = file.manifest.name, file.manifest.version
        self._fly(file).result()
        found = packages.get_version(self._work, self._feed, name, version)
        return next(each for each in found.files if each.variant == file.variant)

    def open(self, file: FileRecord) -> BinaryIO:
        """Open a file's bytes; those of a remote one are fetched first."""
        return super().open(self.fetch(file))

    def _fly(self, file: FileRecord) -> Flight[BlobDigests]:
        offered = self._offer(file.manifest.name).versions[self.format.version_key(file.manifest.version)]
        self._end_reading()
        return caching.fly(self._serving.runtime, self._work.actor, self._reach, offered, file.variant)

    # Journals -------------------------------------------------------------------------------------

    def journal(self, head: bytes, *, content_type: str) -> Response:
        """Answer with the sources' journals before the feed's own: clients look there for what there is at all.

        The names that the feed keeps for itself are left out of theirs. What it becomes is not only added to, so
        clients compare its digest and take it whole when it does not fit.
        """
        own = self._serving.growing.journal(self._work, self._feed, head)
        kept = offers.own_keys(self._work, self._feed)
        self._end_reading()
        foreign = self._serving.runtime.sources.journals(self._serving.runtime, self._reach)
        key = (self._feed.id, "journal", own.digest, self.serial, *(number for _, _, number in foreign))

        def build() -> bytes:
            return b"".join((head, *self._foreign_lines(foreign, kept), own.body[len(head) :]))

        document = self._serving.documents.get(key, build, "md5", repr_digest=True)
        return self._answer(key, document, content_type)

    def _foreign_lines(self, foreign: Sequence[Journal], kept: set[str]) -> Iterator[bytes]:
        seen = set(kept)
        for link, lines, _ in foreign:
            names = set[str]()
            for name, line in lines:
                if name not in seen and link.passes(name) and not self._reach.names.kept(name, own=False):
                    names.add(name)
                    yield line.encode()
            seen |= names


def _summary(line: RemoteLine) -> PackageSummary:
    manifest = Manifest(line.name, line.latest, description=line.description)
    published = offers.moment(line.published) or datetime(1970, 1, 1, tzinfo=UTC)
    return PackageSummary(line.name, line.latest, line.description, 1, 0, published, manifest, (line.latest,))
