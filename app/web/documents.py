"""Answer with documents and files: cached bytes, ETags, 304, ranges, compression, caching headers."""

from __future__ import annotations

import gzip
import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cachetools import LRUCache
from flask import Request, Response
from werkzeug.wsgi import wrap_file

from app.plugin.blobs import BlobStore
from app.plugin.records import FileRecord
from app.plugin.web import attachment

_CACHE_BYTES = 32 * 1024 * 1024
_COMPRESS_FROM = 1400
_SMALL_FILE = 64 * 1024
_BLOCK = 256 * 1024
_PACKED = ("application/octet-stream", "application/gzip")
DocumentKey = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Hold a built document's bytes, the digest of its identity form (hex), and its SHA-256 where it is sent."""

    body: bytes
    digest: str
    sha256: bytes = b""


class DocumentCache:
    """Keep built documents by their key, whose serial makes an outdated one unfindable; bounded by bytes."""

    def __init__(self, limit: int = _CACHE_BYTES) -> None:
        self._documents: LRUCache[DocumentKey, Document] = LRUCache(limit, getsizeof=lambda d: len(d.body) + 200)
        self._lock = Lock()

    def get(
        self, key: DocumentKey, build: Callable[[], bytes], algorithm: str = "sha256", *, repr_digest: bool = False
    ) -> Document:
        """Give the document of a key, building it where it is not kept."""
        with self._lock:
            found = self._documents.get(key)
        if found is not None:
            return found
        body = build()
        digest = hashlib.new(algorithm, body, usedforsecurity=False).hexdigest()
        made = Document(body, digest, hashlib.sha256(body).digest() if repr_digest else b"")
        with self._lock:
            if len(body) < self._documents.maxsize // 4:
                self._documents[key] = made
        return made

    def compressed(self, key: DocumentKey, document: Document) -> Document:
        """Give the gzip form of a document, kept beside it."""
        return self.get((*key, "gzip"), lambda: gzip.compress(document.body, 5, mtime=0))


def answer_document(
    request: Request,
    cache: DocumentCache,
    key: DocumentKey,
    document: Document,
    content_type: str,
    *,
    private: bool,
    vary: Sequence[str] = (),
) -> Response:
    """Answer with an index document: revalidated each time, 304 where the client has it, gzip where it can.

    Each coding has an ETag of its own, so that both are strong.
    """
    body, etag = document.body, document.digest
    response = Response(content_type=content_type)
    ranged = "Range" in request.headers
    if (
        len(body) >= _COMPRESS_FROM
        and content_type not in _PACKED
        and not ranged
        and request.accept_encodings.quality("gzip") > 0
    ):
        body, etag = cache.compressed(key, document).body, f"{etag}-gzip"
        response.headers["Content-Encoding"] = "gzip"
    response.set_data(body)
    response.set_etag(etag)
    response.vary.update(["Accept-Encoding", "Authorization", *vary])
    response.cache_control.no_cache = True
    if private:
        response.cache_control.private = True
    if document.sha256:
        value = b64encode(document.sha256).decode()
        # Of the whole document, on every answer (RFC 9530 section 3); the second form is that of RFC 3230.
        response.headers["Repr-Digest"], response.headers["Digest"] = f"sha-256=:{value}:", f"sha-256={value}"
    response.make_conditional(request.environ, accept_ranges=True, complete_length=len(body))
    return response


def answer_file(
    request: Request, blobs: BlobStore, file: FileRecord, content_type: str, download_name: str | None, *, private: bool
) -> Response:
    """Answer with a stored file: immutable, ranges, never a content coding."""
    size, sha256 = file.digests.size, file.digests.sha256
    stream = blobs.open(sha256)
    response = Response(content_type=content_type)
    if size <= _SMALL_FILE:
        with stream:
            response.set_data(stream.read())
    else:
        response.direct_passthrough = True
        response.response = wrap_file(request.environ, stream, _BLOCK)
        response.content_length = size
    response.headers["Content-Disposition"] = attachment(download_name or file.filename)
    response.set_etag(sha256)
    response.cache_control.max_age = 31_536_000
    response.cache_control.immutable = True
    if private:
        response.cache_control.private = True
    else:
        response.cache_control.public = True
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.make_conditional(request.environ, accept_ranges=True, complete_length=size)
    return response


def stream_of(environ: dict[str, Any], blobs: BlobStore, sha256: str) -> Iterable[bytes]:
    """Give a stored file as a body that the server sends in its best way."""
    return wrap_file(environ, blobs.open(sha256), _BLOCK)
