"""How a format serves its clients: a table of routes, and the feed that each handler receives.

This file and ``app.web`` are the only ones that know Flask.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Protocol
from urllib.parse import quote

from flask import Request, Response
from werkzeug.sansio.multipart import Data, Epilogue, MultipartDecoder, NeedData

from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.plugin.blobs import BlobDigests
from app.plugin.format import FeedFormat, Manifest
from app.plugin.records import FileLine, FileRecord, PackageRecord, PackageSummary, Page, Published, VersionRecord

__all__ = [
    "FileLine",
    "FileRecord",
    "Handler",
    "PackageRecord",
    "PackageSummary",
    "Page",
    "Published",
    "Request",
    "Response",
    "Route",
    "Routes",
    "ServedFeed",
    "VersionRecord",
    "attachment",
    "first_part",
    "json_error",
    "json_response",
    "text_error",
    "text_response",
]

Handler = Callable[..., Response]
_CHUNK = 256 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9._+~-]+")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9@._+ ()-]")


@dataclass(frozen=True, slots=True)
class Route:
    """Hold one route: a Werkzeug rule below the feed, its methods, the right it needs, its handler.

    ``needs`` None means that the route is open to everybody who reaches the feed's address (a ping, a
    login); ``harmless`` says why a route that is not a GET may need no more than reading.
    """

    rule: str
    methods: tuple[str, ...]
    needs: Permission | None
    handler: Handler
    harmless: str = ""
    accepts_gzip: bool = False


@dataclass(slots=True)
class Routes:
    """Collect a format's routes; ``error`` shapes a refusal as the protocol's clients read it.

    >>> routes = Routes(error=text_error)
    >>> @routes.get("/-/ping", needs=None)
    ... def ping(feed): ...
    """

    error: Callable[[int, str, str], Response]
    routes: list[Route] = field(default_factory=list)

    def get(self, rule: str, needs: Permission | None = Permission.VIEW_FEED) -> Callable[[Handler], Handler]:
        """Register a GET (and HEAD) handler; it needs View Feed unless said otherwise."""
        return self.route(rule, ("GET",), needs)

    def route(
        self,
        rule: str,
        methods: Sequence[str],
        needs: Permission | None,
        *,
        harmless: str = "",
        accepts_gzip: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register a handler for some methods.

        Raises ValueError where a route that is not a GET needs only reading and gives no ``harmless`` reason.
        """
        reading = needs in (None, Permission.VIEW_FEED, Permission.DOWNLOAD_PACKAGE)
        if reading and set(methods) - {"GET", "HEAD"} and not harmless:
            raise ValueError(f"{methods} {rule} needs only {needs}; say why that is harmless, or name its right")

        def register(handler: Handler) -> Handler:
            self.routes.append(Route(rule, tuple(methods), needs, handler, harmless, accepts_gzip))
            return handler

        return register


class ServedFeed(Protocol):
    """Be the feed that a route's handler receives: found, authenticated, permitted for what the route needs."""

    name: str
    format: FeedFormat
    serial: int
    created: datetime
    url: str
    """Absolute address of the feed as this client addresses it, without a slash at the end."""
    request: Request
    user_name: str | None
    """Who is speaking; None for nobody."""

    @property
    def journal_begun(self) -> datetime:
        """When the feed's journal was begun: with the feed, or when it was last written anew."""

    @property
    def test_hooks(self) -> bool:
        """Whether the setting is on under which requests are answered that only conformance suites send."""

    def set_clock(self, moment: datetime) -> None:
        """Stop the installation's clock at a moment; raise NotOffered without ``test_hooks``; needs Manage Feed."""

    def can(self, permission: Permission) -> bool:
        """Tell whether the caller holds a further right on this feed."""

    def require(self, permission: Permission) -> None:
        """Raise Unauthenticated or Forbidden unless the caller holds a further right on this feed."""

    def package(self, name: str) -> PackageRecord | None:
        """Give a package with all its versions, or None."""

    def get_package(self, name: str) -> PackageRecord:
        """Give a package with all its versions; raise NotFound."""

    def packages(self, names: Iterable[str]) -> Sequence[PackageRecord]:
        """Give packages with all their versions, in the order of the names; those that are not there are left out.

        A few queries, however many the names.
        """

    def holds(self, name: str, version: str) -> tuple[bool, bool]:
        """Tell whether the feed holds a package, and whether it holds one version of it; cheap."""

    def get_version(self, name: str, version: str) -> VersionRecord:
        """Give one version (or ``latest``, ``latest-stable``); raise NotFound."""

    def find(self, handle: str) -> tuple[VersionRecord, FileRecord] | None:
        """Give the file that goes by one of its manifest's handles, with its version; unlisted ones too."""

    def search(
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
        """Give packages whose name, description or keywords contain the text, by name.

        ``group`` keeps one group (an empty text: packages without one). Versions count that carry all of ``facets``
        and none of ``without``; the newest of those is ``latest``.
        """

    def counts(self) -> tuple[int, int]:
        """Give the number of packages and of versions."""

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
        """Answer with an index document, built at most once per serial and address.

        ``key`` names the document and its variant; ``package`` (a name) ties it to that package's serial
        instead of the feed's. Handles ETag, 304, HEAD, gzip, Range and caching headers. ``digest`` names the ETag's
        algorithm; ``repr_digest`` adds Repr-Digest (RFC 9530) and Digest.
        """

    def collected(
        self,
        key: str,
        piece: Callable[[Sequence[FileLine]], bytes],
        join: Callable[[Iterable[bytes]], bytes],
        *,
        content_type: str,
        digest: str = "sha256",
        repr_digest: bool = False,
    ) -> Response:
        """Answer with a document of the whole feed, made of one piece for each package, in the order of their keys.

        After a change only the pieces of changed packages are made anew, so no piece may depend on the address.
        ``piece`` gets all files of a package, unlisted ones too, versions ascending.
        """

    def journal(self, head: bytes, *, content_type: str) -> Response:
        """Answer with a head and every line of the feed's journal; what was sent once is only ever added to.

        The ETag is the MD5 of the whole; Range and Repr-Digest are for clients that hold a beginning.
        """

    def rewrite_journal(self, lines: Callable[[PackageRecord], Sequence[str]]) -> None:
        """Begin the journal anew with the lines of each package, packages by key; needs Manage Feed."""

    def send(self, file: FileRecord, content_type: str, download_name: str | None = None) -> Response:
        """Answer with a stored file's bytes: ETag, Range, HEAD, immutable caching; needs Download Package."""

    def fetch(self, file: FileRecord) -> FileRecord:
        """Give a file with its bytes kept here and read: a remote one is fetched first; needs Download Package then."""

    def open(self, file: FileRecord) -> BinaryIO:
        """Open a stored file's bytes (seekable)."""

    def store(self, chunks: Iterable[bytes]) -> BlobDigests:
        """Stream bytes into the blob store, bounded by the feed's limit, for ``publish_stored``."""

    def publish(self, stream: BinaryIO | Iterable[bytes], filename: str, *, tags: Sequence[str] = ()) -> Published:
        """Publish a package file; raise InvalidPackage, Conflict (other bytes are there) or Forbidden.

        ``tags`` are set on the version as part of the same transaction.
        """

    def publish_stored(
        self,
        blob: BlobDigests,
        filename: str,
        *,
        tags: Sequence[str] = (),
        expect: Callable[[Manifest], None] | None = None,
    ) -> Published:
        """Publish a file that ``store`` already took; ``expect`` may raise Invalid after the file was read."""

    def set_tag(self, name: str, tag: str, version: str) -> None:
        """Point a tag at a version; raise NotFound."""

    def remove_tag(self, name: str, tag: str) -> None:
        """Remove a tag; raise NotFound."""

    def set_listed(self, name: str, version: str, *, listed: bool, variant: str | None = None) -> None:
        """List or unlist a version, or one file of it; raise NotFound."""

    def set_deprecated(self, name: str, messages: Mapping[str, str]) -> None:
        """Set the deprecation message by version; an empty message takes it back."""

    def delete_versions(self, name: str, versions: Sequence[str] | None = None) -> int:
        """Delete versions of a package, or all; give how many went; raise NotFound."""

    def log_in(self, user_name: str, password: str) -> str:
        """Check a password and give a new personal key; raise Unauthenticated."""

    def log_out(self) -> None:
        """Revoke the personal key that this request was sent with."""

    def json_body(self, limit: int = 1_000_000) -> Any:
        """Give the request's body as JSON values; raise Invalid or TooLarge."""


def first_part(request: Request) -> Iterator[bytes]:
    """Give the content of a multipart body's first part in pieces, whatever the part is called; raise Invalid.

    Nothing is kept: a part may be as large as whoever takes the pieces allows.
    """
    boundary = request.mimetype_params.get("boundary", "").encode()
    # What is held at once is bounded, so that headers without an end fill no memory.
    decoder = MultipartDecoder(boundary, 2 * _CHUNK)
    try:
        if not boundary:
            raise ValueError("it names no boundary")
        while True:
            event = decoder.next_event()
            if isinstance(event, NeedData):
                decoder.receive_data(request.stream.read(_CHUNK) or None)
            elif isinstance(event, Data):
                yield event.data
                if not event.more_data:
                    return
            elif isinstance(event, Epilogue):
                break
    except ValueError as error:
        raise Invalid(f"The body is no multipart form ({error}); send one file as its first part.") from None
    raise Invalid("The multipart form has no part; send one file as its first part.")


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return Response(body, status, headers, content_type="application/json")


def text_response(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with plain text."""
    return Response(text, status, headers, content_type="text/plain; charset=utf-8")


def attachment(filename: str) -> str:
    """Give the Content-Disposition that saves under any name (RFC 6266).

    A plain name stands unquoted, because some clients take quotes for a part of it; any other comes in a plain
    form for old clients and exactly for the rest.
    """
    if _TOKEN.fullmatch(filename):
        return f"attachment; filename={filename}"
    plain = _NOT_PLAIN.sub("_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def json_error(status: int, code: str, message: str) -> Response:
    """Shape a refusal as ``{"error": message, "code": code}``."""
    return json_response({"error": message, "code": code}, status)


def text_error(status: int, code: str, message: str) -> Response:
    """Shape a refusal as one line of plain text."""
    return text_response(message, status)
