"""What a store for bytes must do: content-addressed, visible only when complete."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class BlobDigests:
    """Hold a blob's size in bytes and its digests in lower-case hex; ``sha256`` is its address."""

    sha256: str
    sha512: str
    sha1: str
    md5: str
    size: int


class BlobStore(ABC):
    """Keep blobs by their SHA-256. Safe for many threads and processes."""

    @abstractmethod
    def add(self, chunks: Iterable[bytes], limit: int | None = None) -> BlobDigests:
        """Store a stream durably and give its digests; raise TooLarge past ``limit`` bytes, keeping nothing."""

    @abstractmethod
    def open(self, sha256: str) -> BinaryIO:
        """Open a blob for reading (seekable); raise NotFound."""

    @abstractmethod
    def size(self, sha256: str) -> int | None:
        """Give a blob's size in bytes, or None where it is not stored."""

    @abstractmethod
    def remove(self, sha256: str) -> None:
        """Forget a blob; forgetting one that is not there is fine."""

    @abstractmethod
    def list(self) -> Iterator[str]:
        """Give the SHA-256 of every stored blob, in no order."""


@dataclass(frozen=True, slots=True)
class BlobStoreFactory:
    """Make a kind of blob store from its address (``file:///...``, ``s3://...``)."""

    scheme: str
    open: Callable[[str], BlobStore]
