"""Another feed of this installation as a source: its rows are read, no request is made, no byte is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.domain.errors import NotFound
from app.plugin.records import FileRecord, PackageRecord, State, VersionRecord
from app.plugin.upstream import RemoteFile, RemoteLine, RemotePackage, RemotePage, RemoteVersion, Upstream
from app.services import journal, listings, packages
from app.services.runtime import Runtime, Work, owner
from app.storage.models import Feed

SCHEME = "blob:"


class FeedSource(Upstream):
    """Offer what a feed holds itself; what it could fetch from its own connectors is left out, so no circle closes.

    Whoever set the connector up could download from the feed; from then on the feeds that use it offer its packages to
    whoever may see them.
    """

    def __init__(self, runtime: Runtime, feed_id: int, feed_name: str) -> None:
        self._runtime, self._feed_id, self._name = runtime, feed_id, feed_name

    def package(self, name: str) -> RemotePackage:
        """Give a package; raise NotFound."""
        return self.package_at(name)[0]

    def package_at(self, name: str) -> tuple[RemotePackage, int]:
        """Give a package and the serial of its last change; raise NotFound."""
        with self._runtime.reading(owner("SYSTEM")) as work:
            found = packages.find_package(work, self._feed(work), name)
        if found is None or not _own(found):
            raise NotFound(f"The feed {self._name} offers no package {name!r}; check the name.", code="unknown-package")
        tags = {tag: version for tag, version in found.tags.items() if any(v.version == version for v in _own(found))}
        return RemotePackage(found.name, tuple(_remote(version) for version in _own(found)), tags), found.serial

    def search(self, text: str, *, prerelease: bool = True, offset: int = 0, limit: int = 20) -> RemotePage:
        """Give a page of the feed's packages by name."""
        wanted = listings.Listing(text, prerelease, offset=offset, limit=limit)
        with self._runtime.reading(owner("SYSTEM")) as work:
            lines, total = listings.list_packages(work, self._feed(work), wanted)
        items = (
            RemoteLine(line.name, line.latest, line.description, line.published.isoformat(), line.downloads)
            for line in lines
        )
        return RemotePage(tuple(items), total)

    def names(self) -> Iterator[str]:
        """Give the name of every package."""
        with self._runtime.reading(owner("SYSTEM")) as work:
            wanted = listings.Listing(unlisted=True, limit=None)
            lines, _ = listings.list_packages(work, self._feed(work), wanted)
        yield from (line.name for line in lines)

    def journal(self) -> Iterator[tuple[str, str]]:
        """Give a line of the format's journal for each file that the feed offers, as if it were written anew."""
        with self._runtime.reading(owner("SYSTEM")) as work:
            feed = self._feed(work)
            format = work.get_format(feed.format)
            for batch in packages.in_batches(work, feed):
                for package in batch:
                    own = replace(package, versions=tuple(_own(package)))
                    if own.versions:
                        yield from ((own.name, line) for line in format.journal(own, journal.everything(own)))

    def serial(self) -> int:
        """Give the number of the feed's last change; raise NotFound."""
        with self._runtime.reading(owner("SYSTEM")) as work:
            return self._feed(work).serial

    def probe(self) -> str:
        """Say what it is; raise NotFound where the feed is gone."""
        with self._runtime.reading(owner("SYSTEM")) as work:
            feed = self._feed(work)
        return f"the feed {feed.name} of this installation"

    def _feed(self, work: Work) -> Feed:
        feed = work.session.get(Feed, self._feed_id)
        if feed is None or not feed.active:
            raise NotFound(f"The feed {self._name} is not in use any more; detach the connector.", code="unknown-feed")
        return feed


def _own(package: PackageRecord) -> list[VersionRecord]:
    return [version for version in package.versions if version.state is State.LOCAL]


def _remote(version: VersionRecord) -> RemoteVersion:
    files = tuple(_file(file) for file in version.files)
    published = version.published.isoformat()
    return RemoteVersion(version.name, version.version, files, published, version.deprecated, version.listed)


def _file(file: FileRecord) -> RemoteFile:
    digests = {name: getattr(file.digests, name) for name in ("sha512", "sha256", "sha1", "md5")}
    address = SCHEME + file.digests.sha256
    return RemoteFile(address, file.filename, digests, file.variant, file.digests.size, file.manifest)
