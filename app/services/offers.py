"""What a feed's connectors offer of a package, and the feed's own versions together with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import select

from app.domain.connectors import Names, RemoteUse
from app.domain.errors import InvalidPackage, UpstreamFailed
from app.plugin.blobs import BlobDigests
from app.plugin.format import FeedFormat, Manifest
from app.plugin.records import FileRecord, PackageRecord, State, VersionRecord
from app.plugin.upstream import RemoteFile, RemoteVersion
from app.services import packages
from app.services.runtime import Runtime, Work
from app.services.sources import Answer, Link, Reach
from app.storage.models import Feed, Package, Version

OWN_ORIGINS = ("published", "promoted")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_SERIAL = -1


@dataclass(frozen=True, slots=True)
class Offered:
    """Hold one version that a connector offers."""

    link: Link
    version: RemoteVersion
    key: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Hold what all connectors of a feed offer of one package, each version from the first that has it.

    ``kept`` says why nothing is taken: the name is the feed's own. ``failures`` are (connector, what happened).
    """

    name: str
    versions: Mapping[str, Offered]
    tags: Mapping[str, str]
    readme: str = ""
    kept: str = ""
    failures: tuple[tuple[str, str], ...] = ()
    stale_since: datetime | None = None
    stamp: tuple[int, ...] = ()


def is_own(work: Work, feed: Feed, name_key: str) -> bool:
    """Tell whether somebody published or promoted a package into a feed, so that its name is the feed's own."""
    found = select(Version.id).join(Package, Package.id == Version.package_id)
    mine = found.where(Package.feed_id == feed.id, Package.key == name_key, Version.origin.in_(OWN_ORIGINS))
    return work.session.scalar(mine.limit(1)) is not None


def own_keys(work: Work, feed: Feed) -> set[str]:
    """Give the keys of the packages whose names are a feed's own and not allowed to be filled."""
    names = Names(tuple(feed.reserved_names), tuple(feed.allowed_names))
    found = select(Package.key, Package.name).join(Version, Version.package_id == Package.id).distinct()
    rows = work.session.execute(found.where(Package.feed_id == feed.id, Version.origin.in_(OWN_ORIGINS)))
    return {row.key for row in rows if names.kept(row.name, own=True)}


def ask(runtime: Runtime, reach: Reach, name: str, *, own: bool, fresh: bool = False) -> Offer:
    """Give what a feed's connectors offer of a package; never raises, and needs no transaction.

    A name that the feed keeps for itself is not even asked for: a source must not learn the names of our own.
    """
    kept = reach.names.kept(name, own=own) if reach.links else ""
    if kept or reach.use is RemoteUse.OFF:
        return Offer(name, {}, {}, kept=kept)
    links = [link for link in reach.links if link.passes(name)]
    sources = runtime.sources
    answers = [sources.package(runtime, reach.format, link, name, fresh=fresh) for link in links]
    return combine(reach.format, name, answers)


def combine(format: FeedFormat, name: str, answers: Sequence[Answer]) -> Offer:
    """Put the answers of several connectors together, in their order."""
    found: dict[str, Offered] = {}
    tags: dict[str, str] = {}
    spelled, readme = "", ""
    for answer in answers:
        if answer.package is None:
            continue
        for key, version in _usable(format, name, answer.package.versions):
            found.setdefault(key, Offered(answer.link, version, key))
        for tag, version_text in answer.package.tags.items():
            tags.setdefault(tag, version_text)
        spelled, readme = spelled or answer.package.name, readme or answer.package.readme
    return Offer(
        spelled or name,
        dict(sorted(found.items())),
        tags,
        readme,
        failures=tuple((answer.link.name, answer.failure) for answer in answers if answer.failure),
        stale_since=min((a.stale_since for a in answers if a.stale_since is not None), default=None),
        stamp=tuple(answer.number for answer in answers),
    )


def _usable(format: FeedFormat, name: str, versions: Sequence[RemoteVersion]) -> Iterator[tuple[str, RemoteVersion]]:
    """Give the versions that speak of the package that was asked for and can be one, by their keys."""
    wanted = format.name_key(name)
    for version in versions:
        try:
            if version.files and format.name_key(version.name) == wanted and len(version.version) <= 256:
                yield format.version_key(version.version), version
        except InvalidPackage:
            continue


def offer_for(work: Work, feed: Feed, reach: Reach, name: str, *, fresh: bool = False) -> Offer:
    """Give what a feed's connectors offer; the reading transaction ends before any source is asked."""
    try:
        key = reach.format.name_key(name)
    except InvalidPackage:
        return Offer(name, {}, {})
    if not reach.links:
        return Offer(name, {}, {})
    own = is_own(work, feed, key)
    work.session.commit()
    return ask(work.runtime, reach, name, own=own, fresh=fresh)


def merge(format: FeedFormat, held: PackageRecord | None, offer: Offer) -> PackageRecord | None:
    """Give a package with its own and its remote versions; None where there is neither.

    What the feed holds wins; tags that somebody set here win over the source's.
    """
    if not offer.versions:
        return held
    here = {version.key: version for version in held.versions} if held is not None else {}
    fresh = {k: remote_record(format, each) for k, each in offer.versions.items() if k not in here}
    versions = [v for _, v in sorted({**fresh, **here}.items())]
    known = {version.version for version in versions}
    tags = {tag: version for tag, version in offer.tags.items() if version in known}
    key, name = format.name_key(offer.name), held.name if held is not None else offer.name
    serial = held.serial if held is not None else _NO_SERIAL
    return packages.summarised(name, key, serial, versions, {**tags, **(held.tags if held is not None else {})})


def remote_record(format: FeedFormat, offered: Offered) -> VersionRecord:
    """Give a version that a source offers in the shape of one that a feed holds; its origin is ``remote``."""
    version = offered.version
    published = moment(version.published) or _EPOCH
    files = tuple(remote_file(version, file) for file in version.files)
    return VersionRecord(
        version.name,
        version.version,
        format.normalize(version.version),
        offered.key,
        format.is_prerelease(version.version),
        version.listed,
        version.deprecated,
        State.REMOTE.value,
        published,
        "",
        published,
        sum(file.digests.size for file in files),
        0,
        files,
        offered.link.name,
    )


def remote_file(version: RemoteVersion, file: RemoteFile) -> FileRecord:
    """Give a file that a source offers in the shape of one that a feed holds."""
    digests = {name: file.digests.get(name, "") for name in ("sha256", "sha512", "sha1", "md5")}
    manifest = file.manifest or Manifest(version.name, version.version, file.variant)
    size = BlobDigests(**digests, size=file.size or 0)
    return FileRecord(file.filename, file.variant, size, manifest, version.listed, 0, remote=True)


def moment(text: str | None) -> datetime | None:
    """Give a moment that a source wrote in ISO 8601, or None for what is none."""
    try:
        found = datetime.fromisoformat((text or "")[:40])
    except ValueError:
        return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return found if found.year > 1900 else None


def of_feed(work: Work, feed: Feed, reach: Reach, name: str) -> tuple[PackageRecord | None, Offer]:
    """Give a package as a feed's clients and people see it, with what the connectors said."""
    offer = offer_for(work, feed, reach, name)
    return merge(reach.format, packages.find_package(work, feed, name), offer), offer


def with_readme(version: VersionRecord, readme: str) -> VersionRecord:
    """Give a remote version whose main file's manifest has a readme that the source gave for the whole package."""
    main = version.files[0]
    if main.manifest.readme or not readme:
        return version
    shown = replace(main, manifest=replace(main.manifest, readme=readme))
    return replace(version, files=(shown, *version.files[1:]))


def unreachable(name: str, said: str) -> UpstreamFailed:
    """Give the error for a package that the feed lacks, while a connector that may have it cannot be asked."""
    return UpstreamFailed(f"{name} is not in the feed, and it could not be looked for: {said}", code="upstream-failed")
