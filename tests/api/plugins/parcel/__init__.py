"""A format with groups and with several files of one version: one line, ``parcel <group/name> <version> [variant]``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import BinaryIO

from app.plugin import (
    DependencySpec,
    Feature,
    FeedFormat,
    FormatKit,
    InvalidPackage,
    Manifest,
    NotFound,
    Request,
    Sample,
    SpecKind,
    hookimpl,
)
from app.plugin.web import Routes, text_error

_LINE = re.compile(rb"parcel ([a-z0-9/-]+) ([0-9.]+(?:-pre)?) ?([a-z]*)\n?")
_VERSION = re.compile(r"([0-9]+)\.([0-9]+)(-pre)?")


class ParcelFormat(FeedFormat):
    """Parcels."""

    key, title, prefix, purl_type, aliases = "parcels", "Parcel", "parcel", "box", ("crate",)
    features = frozenset({Feature.GROUPS, Feature.VARIANTS})

    def name_key(self, name):
        if not re.fullmatch(r"[A-Za-z0-9-]+(/[A-Za-z0-9-]+)*", name):
            raise InvalidPackage(f"{name[:60]!r} is no parcel name; use letters and digits.")
        return name.lower()

    def split_name(self, name):
        group, _, bare = name.rpartition("/")
        return group, bare

    def join_name(self, group, name):
        return f"{group}/{name}" if group else name

    def version_key(self, version):
        found = _VERSION.fullmatch(version)
        if found is None:
            raise InvalidPackage(f"{version[:60]!r} is no parcel version; use two numbers.")
        return f"{int(found[1]):09}.{int(found[2]):09}{0 if found[3] else 1}"

    def normalize(self, version):
        return version

    def is_prerelease(self, version):
        return version.endswith("-pre")

    def satisfies(self, version, range):
        return True

    def classify(self, spec):
        return DependencySpec(SpecKind.RANGE, spec)

    def choose(self, candidates, range, latest=None):
        return max(candidates, key=self.version_key, default=None)

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        found = _LINE.match(file.read(400))
        if found is None:
            raise InvalidPackage("The file is no parcel; its first line must be 'parcel <name> <version>'.")
        return Manifest(found[1].decode(), found[2].decode(), variant=found[3].decode())

    def filename(self, manifest):
        parts = (manifest.name.replace("/", "."), manifest.version, manifest.variant)
        return "-".join(filter(None, parts)) + ".parcel"

    def qualifier(self, variant):
        # As gems do it: every platform is named, also the one that runs everywhere.
        return "" if variant == "notes" else f"platform={variant or 'any'}"

    def entries(self, file):
        return []

    def read_entry(self, file, path, limit):
        raise NotFound("A parcel is one line.")

    def routes(self):
        return Routes(error=text_error)

    def setup_snippets(self, feed):
        return []

    def install_snippets(self, feed, name, version):
        return []

    def kit(self) -> FormatKit:
        return FormatKit(
            make=lambda name, version: Sample("x.parcel", f"parcel {name} {version}\n".encode(), name, version),
            names=("a",), bad_names=(), same_names=(), order=(), prereleases=(), bad_versions=(), same_versions=(),
            ranges=(), choices=(), specs=(), hostile={}, publish=lambda sample: Request("PUT", "/"),
            listing=lambda name: Request("GET", "/"), download=lambda sample: Request("GET", "/"),
            shows=lambda body, version: False,
        )  # fmt: skip


@hookimpl
def register_formats() -> Iterable[FeedFormat]:
    """Bring parcels."""
    return [ParcelFormat()]
