"""Other NuGet sources, over V3 and V2: what they offer is found, whatever shape they use."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from app.plugin import NotFound, RemoteVersion, UpstreamFailed
from app.testing.fakes import FakeHttp
from plugins.nuget.upstream import NuGetSource

URL = "https://source.example/nuget"
REG = f"{URL}/reg/"


def as_bytes(documents: dict[str, Any]) -> dict[str, bytes]:
    return {at: body if isinstance(body, bytes) else json.dumps(body).encode() for at, body in documents.items()}


def index(**resources: str) -> dict[str, Any]:
    return {"resources": [{"@id": address, "@type": type.replace("_", "/")} for type, address in resources.items()]}


def leaf(version: str, **entry: Any) -> dict[str, Any]:
    content = f"{URL}/flat/demo/{version}/demo.{version}.nupkg"
    return {"catalogEntry": {"id": "Demo", "version": version, **entry}, "packageContent": content}


def versions(documents: dict[str, Any], url: str = URL, name: str = "demo") -> list[RemoteVersion]:
    return list(NuGetSource(url, FakeHttp(as_bytes(documents))).versions(name))


@pytest.mark.parametrize("url", [URL, f"{URL}/", f"{URL}/v3/index.json"])
def test_registrations_are_read_page_by_page(url: str) -> None:
    found = versions(
        {
            "/nuget/v3/index.json": index(**{"RegistrationsBaseUrl_3.6.0": REG, "RegistrationsBaseUrl": f"{URL}/old/"}),
            "/nuget/reg/demo/index.json": {
                "items": [
                    {"@id": f"{REG}demo/page/2.json"},
                    {"items": [leaf("1.0.0", published="2020-01-02T00:00:00Z")]},
                ]
            },
            "/nuget/reg/demo/page/2.json": {
                "items": [leaf("2.0.0-RC", deprecation={"reasons": ["Legacy"]}, published="1900-01-01T00:00:00Z")]
            },
        },
        url,
    )
    assert [(each.name, each.version, each.published, each.deprecated) for each in found] == [
        ("Demo", "1.0.0", "2020-01-02T00:00:00Z", ""),
        ("Demo", "2.0.0-RC", None, "Legacy"),
    ]
    assert found[0].files[0].url == f"{URL}/flat/demo/1.0.0/demo.1.0.0.nupkg"
    assert found[0].files[0].filename == "Demo.1.0.0.nupkg"


def test_the_best_registrations_are_taken() -> None:
    document = {
        "resources": [
            {"@id": REG, "@type": ["RegistrationsBaseUrl/Versioned", "x"]},
            {"@id": "/no", "@type": "RegistrationsBaseUrl"},
        ]
    }
    found = versions(
        {"/nuget/v3/index.json": document, "/nuget/reg/demo/index.json": {"items": [{"items": [leaf("1.0.0")]}]}}
    )
    assert [each.version for each in found] == ["1.0.0"]


def test_a_source_without_registrations_lists_its_versions() -> None:
    found = versions(
        {
            "/nuget/v3/index.json": index(**{"PackageBaseAddress_3.0.0": f"{URL}/flat"}),
            "/nuget/flat/demo/index.json": {"versions": ["2.0.0", "1.0.0-RC", "nonsense", 7]},
        }
    )
    assert [each.version for each in found] == ["1.0.0-RC", "2.0.0"]
    assert found[0].files[0].url == f"{URL}/flat/demo/1.0.0-rc/demo.1.0.0-rc.nupkg"


def test_malformed_leaves_are_left_out_and_a_version_counts_once() -> None:
    odd = [
        None,
        7,
        {},
        {"catalogEntry": "http://x"},
        {"catalogEntry": {"version": "1.0"}},
        leaf("nonsense"),
        leaf("1.0"),
        leaf("1.0.0"),
    ]
    found = versions(
        {
            "/nuget/v3/index.json": index(RegistrationsBaseUrl=REG),
            "/nuget/reg/demo/index.json": {"items": [{"items": odd}, {"items": 7}, None]},
        }
    )
    assert [each.version for each in found] == ["1.0"]


@pytest.mark.parametrize("document", [{}, {"resources": []}, [], None, index(Other=URL)])
def test_what_is_no_service_index_is_a_failure(document: object) -> None:
    with pytest.raises(UpstreamFailed):
        versions({"/nuget/v3/index.json": document})


def test_a_package_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        versions({"/nuget/v3/index.json": index(RegistrationsBaseUrl=REG)})
    with pytest.raises(NotFound):
        versions({"/nuget/v3/index.json": index(RegistrationsBaseUrl=REG), "/nuget/reg/demo/index.json": {"items": []}})


def atom(*rows: str, following: str = "") -> bytes:
    link = f'<link rel="next" href="{following}"/>' if following else ""
    namespaces = 'xmlns="http://www.w3.org/2005/Atom" xmlns:d="urn:d" xmlns:m="urn:m"'
    return f"<feed {namespaces}>{''.join(rows)}{link}</feed>".encode()


def entry(version: str, digest: str = "") -> str:
    return (
        f'<entry><title>Demo</title><content type="application/zip" src="{URL}/package/Demo/{version}"/><m:properties>'
        f"<d:Version>{version}</d:Version><d:PackageHash>{digest}</d:PackageHash>"
        "<d:PackageHashAlgorithm>SHA512</d:PackageHashAlgorithm><d:Published>2020-01-02T00:00:00</d:Published>"
        "</m:properties></entry>"
    )


FIRST = "/nuget/FindPackagesById()?id='demo'&semVerLevel=2.0.0"


def test_a_source_of_v2_is_read_page_by_page() -> None:
    digest = hashlib.sha512(b"x").digest()
    found = versions(
        {
            FIRST: atom(entry("2.0.0", base64.b64encode(digest).decode()), following=f"{URL}/more?x=1"),
            "/nuget/more?x=1": atom(entry("1.0.0", "no base64"), following=f"{URL}/more?x=1"),
        }
    )
    assert [(each.name, each.version, each.published) for each in found] == [
        ("Demo", "1.0.0", "2020-01-02T00:00:00"),
        ("Demo", "2.0.0", "2020-01-02T00:00:00"),
    ]
    assert found[0].files[0].digests == {}
    assert found[1].files[0].digests == {"sha512": digest.hex()}
    assert found[1].files[0].url == f"{URL}/package/Demo/2.0.0"


@pytest.mark.parametrize("body", [b"", b"<html/>", b"<feed", b"<!DOCTYPE x><feed/>", b"{}"])
def test_what_is_no_list_of_v2_is_a_failure(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        versions({FIRST: body})
