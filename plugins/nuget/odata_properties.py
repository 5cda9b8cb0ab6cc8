"""The properties of a package in V2, in the order of the protocol, with their types (EDM)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

TYPES: Mapping[str, str] = {
    "Id": "String",
    "Version": "String",
    "NormalizedVersion": "String",
    "Authors": "String",
    "Copyright": "String",
    "Created": "DateTime",
    "Dependencies": "String",
    "Description": "String",
    "DownloadCount": "Int32",
    "GalleryDetailsUrl": "String",
    "IconUrl": "String",
    "IsLatestVersion": "Boolean",
    "IsAbsoluteLatestVersion": "Boolean",
    "IsPrerelease": "Boolean",
    "Language": "String",
    "LastEdited": "DateTime",
    "LicenseUrl": "String",
    "MinClientVersion": "String",
    "PackageHash": "String",
    "PackageHashAlgorithm": "String",
    "PackageSize": "Int64",
    "ProjectUrl": "String",
    "Published": "DateTime",
    "ReleaseNotes": "String",
    "ReportAbuseUrl": "String",
    "RequireLicenseAcceptance": "Boolean",
    "Summary": "String",
    "Tags": "String",
    "Title": "String",
    "VersionDownloadCount": "Int32",
}
PROPERTIES = frozenset(TYPES) | {"Listed"}
"""What ``$filter`` and ``$orderby`` may name."""
VERSIONS = frozenset({"Version", "NormalizedVersion"})
_NEEDED = frozenset(
    {"Id", "Version", "Created", "Published", "DownloadCount", "PackageSize", "VersionDownloadCount"}
    | {name for name, type in TYPES.items() if type == "Boolean"}
)
_NAMESPACE = "NuGetGallery"
_FUNCTIONS: Mapping[str, Mapping[str, str]] = {
    "Search": {"searchTerm": "String", "targetFramework": "String", "includePrerelease": "Boolean"},
    "FindPackagesById": {"id": "String"},
    "GetUpdates": {
        "packageIds": "String",
        "versions": "String",
        "includePrerelease": "Boolean",
        "includeAllVersions": "Boolean",
        "targetFrameworks": "String",
        "versionConstraints": "String",
    },
}


def as_text(value: Any) -> str:
    """Give a value as Atom writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return str(value)


def metadata_document() -> str:
    """Give the description of the service (EDMX 1.0): one type of entity, one set of them, three functions."""
    properties = "".join(
        f'<Property Name="{name}" Type="Edm.{type}" Nullable="{"false" if name in _NEEDED else "true"}"/>'
        for name, type in TYPES.items()
    )
    functions = "".join(
        f'<FunctionImport Name="{name}" ReturnType="Collection({_NAMESPACE}.V2FeedPackage)" EntitySet="Packages" '
        f'm:HttpMethod="GET">'
        + "".join(f'<Parameter Name="{each}" Type="Edm.{type}"/>' for each, type in parameters.items())
        + "</FunctionImport>"
        for name, parameters in _FUNCTIONS.items()
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">'
        '<edmx:DataServices m:DataServiceVersion="2.0" '
        'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
        f'<Schema Namespace="{_NAMESPACE}" xmlns="http://schemas.microsoft.com/ado/2006/04/edm">'
        '<EntityType Name="V2FeedPackage" m:HasStream="true">'
        '<Key><PropertyRef Name="Id"/><PropertyRef Name="Version"/></Key>'
        f"{properties}</EntityType>"
        '<EntityContainer Name="V2FeedContext" m:IsDefaultEntityContainer="true">'
        f'<EntitySet Name="Packages" EntityType="{_NAMESPACE}.V2FeedPackage"/>{functions}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    )
