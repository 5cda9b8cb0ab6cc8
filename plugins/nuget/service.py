"""The service index: which resources a feed has, under every name by which some client looks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .addresses import GZIPPED, PLAIN, SEMVER2

_SEARCH = ("", "/3.0.0-beta", "/3.0.0-rc", "/3.4.0", "/3.5.0")
_AUTOCOMPLETE = ("", "/3.0.0-beta", "/3.0.0-rc", "/3.5.0")
_VERSIONED = {"clientVersion": "4.3.0-alpha"}
"""Without this resource NuGet 5 takes the registrations without SemVer 2."""


def service_index(feed: str) -> dict[str, Any]:
    """Give the service index of a feed at an address (NuGet's V3 protocol, Service index)."""
    return {"version": "3.0.0", "resources": list(_resources(feed))}


def _resources(feed: str) -> Iterator[dict[str, str]]:
    yield _resource(f"{feed}/v3/flat/", "PackageBaseAddress/3.0.0", "Versions and contents of packages")
    yield _resource(f"{feed}/api/v2/package", "PackagePublish/2.0.0", "Push, unlist and relist packages")
    yield _resource(f"{feed}/api/v2/symbolpackage", "SymbolPackagePublish/4.9.0", "Push symbol packages")
    for suffix in _SEARCH:
        yield _resource(f"{feed}/v3/query", f"SearchQueryService{suffix}", "Search packages")
    for suffix in _AUTOCOMPLETE:
        yield _resource(f"{feed}/v3/autocomplete", f"SearchAutocompleteService{suffix}", "Complete ids and versions")
    for suffix in ("", "/3.0.0-beta", "/3.0.0-rc"):
        yield _resource(f"{feed}/v3/{PLAIN}/", f"RegistrationsBaseUrl{suffix}", "Metadata without SemVer 2")
    yield _resource(f"{feed}/v3/{GZIPPED}/", "RegistrationsBaseUrl/3.4.0", "Metadata without SemVer 2, compressed")
    yield _resource(f"{feed}/v3/{SEMVER2}/", "RegistrationsBaseUrl/3.6.0", "All metadata, compressed")
    everything = _resource(f"{feed}/v3/{SEMVER2}/", "RegistrationsBaseUrl/Versioned", "All metadata, compressed")
    yield {**everything, **_VERSIONED}
    readme = f"{feed}/v3/flat/{{lower_id}}/{{lower_version}}/readme"
    yield _resource(readme, "ReadmeUriTemplate/6.13.0", "Readme files")
    yield _resource(f"{feed}/v2", "LegacyGallery/2.0.0", "The V2 protocol")


def _resource(address: str, type: str, comment: str) -> dict[str, str]:
    return {"@id": address, "@type": type, "comment": comment}
