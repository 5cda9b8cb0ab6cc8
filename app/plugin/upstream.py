"""How a format describes a remote source: what is where. The core moves and verifies the bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class HttpClient(Protocol):
    """Fetch small documents from a remote source under the core's guard."""

    def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> object:
        """Give a JSON document; raises NotFound or UpstreamFailed."""

    def get_bytes(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Give a small document; raises NotFound or UpstreamFailed."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """Say where one file of a remote version is and which digests its source declares (hex, by name)."""

    url: str
    filename: str
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """Describe one version that a remote source offers."""

    name: str
    version: str
    files: tuple[RemoteFile, ...] = ()
    published: str | None = None
    deprecated: str = ""


class Upstream(ABC):
    """Say what a remote source offers."""

    @abstractmethod
    def versions(self, name: str) -> Sequence[RemoteVersion]:
        """Give every version of a package, oldest first; raise NotFound for an unknown package."""
