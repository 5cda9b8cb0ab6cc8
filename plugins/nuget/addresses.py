"""Where everything of a feed lies: the addresses that its documents hold."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from .names import PACKAGE
from .versions import in_address

PLAIN, GZIPPED, SEMVER2 = "registration", "registration-gz", "registration-gz-semver2"
"""The three hives of registrations: for the oldest clients, for those that inflate, for those of SemVer 2."""
HIVES = (PLAIN, GZIPPED, SEMVER2)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Build addresses below a feed's own, which has no slash at its end."""

    feed: str

    def content(self, id: str, version: str, what: str) -> str:
        """Give the address of something in a package's content: ``readme``, ``icon``, ``license``."""
        return f"{self.feed}/v3/flat/{quote(id.lower())}/{in_address(version)}/{what}"

    def package(self, id: str, version: str) -> str:
        """Give the address of a package file."""
        return self.content(id, version, f"{quote(id.lower())}.{in_address(version)}{PACKAGE}")

    def index(self, hive: str, id: str) -> str:
        """Give the address of a registration index."""
        return f"{self.feed}/v3/{hive}/{quote(id.lower())}/index.json"

    def page(self, hive: str, id: str, lower: str, upper: str) -> str:
        """Give the address of a page of a registration index; its bounds are normal versions."""
        return f"{self.feed}/v3/{hive}/{quote(id.lower())}/page/{lower.lower()}/{upper.lower()}.json"

    def leaf(self, hive: str, id: str, version: str) -> str:
        """Give the address of one version's registration."""
        return f"{self.feed}/v3/{hive}/{quote(id.lower())}/{in_address(version)}.json"
