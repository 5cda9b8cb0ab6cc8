"""What a document sent by ``npm publish``, ``npm deprecate`` or ``npm unpublish`` claims, checked and cut down.

Nothing here is believed: a publish document is only compared with the tarball that came with it, and a packument
that comes back is only compared with what the feed holds.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.plugin import BlobDigests, Conflict, Invalid, Manifest, NotFound, SpecKind
from app.plugin.web import PackageRecord

from .packument import dist_tags, find, revision
from .versions import classify, normalize

MAX_MESSAGE = 4_000
MAX_TAG = 100


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold what a publish document says about its tarball; ``dist`` holds declared digests."""

    name: str
    version: str
    tags: tuple[str, ...]
    dist: Mapping[str, Any]

    def check(self, manifest: Manifest) -> None:
        """Raise Invalid unless the package.json inside the tarball has the claimed name and version."""
        inside = (manifest.name, normalize(manifest.version))
        if inside != (self.name, normalize(self.version)):
            raise Invalid(
                f"The document speaks of {self.name}@{self.version}, but the package.json inside the tarball of "
                f"{manifest.name}@{manifest.version}; publish the folder again.",
                code="manifest-confusion",
            )


@dataclass(frozen=True, slots=True)
class Change:
    """Hold what a packument that came back changes: deprecation messages by version, tags, versions left out."""

    messages: Mapping[str, str]
    tags: Mapping[str, str]
    removed: tuple[str, ...]


def read_claim(values: Mapping[str, Any], name: str) -> Claim:
    """Read a publish document for a package; raise Invalid unless everything in it speaks of one version of it."""
    versions = _mapping(values, "versions")
    if len(versions) != 1:
        raise Invalid(f"The document holds {len(versions)} versions; publish exactly one at a time.")
    ((version, package),) = versions.items()
    if not isinstance(package, dict):
        raise Invalid(f"The document's version {version[:100]!r} is no object.")
    named = [values.get("name"), values.get("_id", name), package.get("name")]
    if any(each != name for each in named) or package.get("version") != version:
        raise Invalid(
            f"The document's names do not agree: it was sent to {name!r} and speaks of {named[0]!r}, {named[1]!r} and "
            f"{named[2]!r}@{package.get('version')!r} as {version!r}.",
            code="names-disagree",
        )
    tags = tuple(_mapping(values, "dist-tags") or {"latest": version})
    for tag, target in _mapping(values, "dist-tags").items():
        check_tag(tag)
        if target != version:
            raise Invalid(f"The tag {tag!r} points at {target!r}, but {version!r} is published.")
    return Claim(name, version, tags, _mapping(package, "dist"))


def check_digests(claim: Claim, stored: BlobDigests) -> None:
    """Raise Invalid unless the digests that a client declared are those of the bytes that arrived."""
    actual = {"sha512": stored.sha512, "sha256": stored.sha256, "sha1": stored.sha1, "md5": stored.md5}
    for algorithm, digest in declared_digests(claim.dist):
        if actual.get(algorithm, digest) != digest:
            raise Invalid(
                f"The tarball of {claim.name}@{claim.version} arrived with {algorithm} {actual[algorithm]}, but "
                f"{digest} was declared; send it again.",
                code="integrity-mismatch",
            )


def declared_digests(dist: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give algorithm and lower-case hex digest for every declared one; raise Invalid for one that is none.

    ``integrity`` is a Subresource Integrity text: several ``algorithm-base64?option``, space separated.
    """
    shasum, integrity = dist.get("shasum"), dist.get("integrity")
    if isinstance(shasum, str) and shasum:
        yield "sha1", shasum.lower()
    for part in integrity.split() if isinstance(integrity, str) else ():
        algorithm, _, digest = part.partition("?")[0].partition("-")
        try:
            yield algorithm, base64.b64decode(digest, validate=True).hex()
        except binascii.Error as error:
            raise Invalid(f"The declared integrity {part[:200]!r} is none.") from error


def check_revision(record: PackageRecord, given: object) -> None:
    """Raise Conflict unless a revision is the package's present one; ``*`` stands for whichever it is."""
    if given not in ("*", revision(record)):
        raise Conflict(
            f"{record.name} has changed since revision {str(given)[:100]!r}; read it again and repeat the change.",
            code="stale-revision",
        )


def read_change(values: Mapping[str, Any], record: PackageRecord) -> Change:
    """Compare a packument that a client sends back with what the feed holds; raise Invalid and NotFound.

    Only deprecation, tags and the absence of versions are looked at. A version that the feed does not hold is
    refused: without a tarball there is nothing to publish.
    """
    versions = _mapping(values, "versions")
    known = {each.normalized: each for each in record.versions}
    unknown = [version for version in versions if version not in known]
    if unknown:
        raise NotFound(f"{record.name} has no version {unknown[0][:100]!r} here; a new one needs its tarball.")
    messages = {
        version: message
        for version, package in versions.items()
        if (message := _message(package)) != known[version].deprecated
    }
    return Change(
        messages, _changed_tags(values, record), tuple(version for version in known if version not in versions)
    )


def _changed_tags(values: Mapping[str, Any], record: PackageRecord) -> dict[str, str]:
    present = dist_tags(record)
    wanted = _mapping(values, "dist-tags")
    changed = {tag: version for tag, version in wanted.items() if present.get(tag) != version}
    for tag, version in changed.items():
        check_tag(tag)
        if not isinstance(version, str) or find(record, version) is None:
            raise NotFound(f"{record.name} has no version {version!r} here for the tag {tag!r}.")
    return changed


def _message(package: object) -> str:
    message = package.get("deprecated") if isinstance(package, dict) else None
    if not isinstance(message, str):
        return ""
    if len(message) > MAX_MESSAGE:
        raise Invalid(f"A deprecation message has {len(message)} characters; {MAX_MESSAGE} are the most.")
    return message


def check_tag(tag: str) -> str:
    """Give a tag back when it is one, else raise Invalid: it must be short, printable, and no version range."""
    if 0 < len(tag) <= MAX_TAG and tag.isprintable() and not set(tag) & set("/ ") and _is_no_range(tag):
        return tag
    raise Invalid(
        f"The tag {tag[:MAX_TAG]!r} is not possible; use 1 to {MAX_TAG} characters without blanks and '/', that are "
        "no version or range.",
        code="invalid-tag",
    )


def _is_no_range(tag: str) -> bool:
    return classify(tag).kind is SpecKind.TAG


def _mapping(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = values.get(key, {})
    if value is None or isinstance(value, dict):
        return value or {}
    raise Invalid(f"The document's {key!r} is no object.", code="invalid-document")
