"""Answers of V2 in Atom, and in JSON for who asks for it (OData 2.0, Atom Format and JSON Format)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from .odata_properties import TYPES, as_text

ATOM = "application/atom+xml; type=feed; charset=utf-8"
ENTRY = "application/atom+xml; type=entry; charset=utf-8"
JSON = "application/json; charset=utf-8"
_SCHEMES = "http://schemas.microsoft.com/ado/2007/08/dataservices"
_NAMESPACES = f'xmlns="http://www.w3.org/2005/Atom" xmlns:d="{_SCHEMES}" xmlns:m="{_SCHEMES}/metadata"'
_TYPE = "NuGetGallery.V2FeedPackage"
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """Hold a page to be written; ``root`` is the address of the service, ``moment`` when it last changed."""

    root: str
    name: str
    packages: Sequence[Values]
    count: int | None
    next: str | None
    moment: datetime


def feed_document(listing: Listing) -> bytes:
    """Give a page as an Atom feed."""
    address = f"{listing.root}/{listing.name}"
    count = "" if listing.count is None else f"<m:count>{listing.count}</m:count>"
    following = f'<link rel="next" href={quoteattr(listing.next)}/>' if listing.next else ""
    entries = "".join(_entry(listing.root, each, "") for each in listing.packages)
    return (
        f"{_DECLARATION}<feed xml:base={quoteattr(listing.root + '/')} {_NAMESPACES}>{count}"
        f'<id>{escape(address)}</id><title type="text">{escape(listing.name)}</title>'
        f"<updated>{as_text(listing.moment)}Z</updated>"
        f'<link rel="self" title={quoteattr(listing.name)} href={quoteattr(listing.name)}/>'
        f"<author><name/></author>{entries}{following}</feed>"
    ).encode()


def entry_document(root: str, package: Values) -> bytes:
    """Give one package as an Atom entry."""
    return (_DECLARATION + _entry(root, package, f" xml:base={quoteattr(root + '/')} {_NAMESPACES}")).encode()


def _entry(root: str, package: Values, attributes: str) -> str:
    key, content = entry_key(package), content_address(root, package)
    properties = "".join(_property(name, package.get(name)) for name in TYPES)
    return (
        f"<entry{attributes}><id>{escape(f'{root}/{key}')}</id>"
        f'<category term="{_TYPE}" scheme="{_SCHEMES}/scheme"/>'
        f'<link rel="edit" title="V2FeedPackage" href={quoteattr(key)}/>'
        f'<title type="text">{escape(package["Id"])}</title>'
        f'<summary type="text">{escape(package.get("Summary") or "")}</summary>'
        f"<updated>{as_text(package['Created'])}Z</updated>"
        f"<author><name>{escape(package.get('Authors') or '')}</name></author>"
        f'<content type="application/zip" src={quoteattr(content)}/>'
        f"<m:properties>{properties}</m:properties></entry>"
    )


def _property(name: str, value: Any) -> str:
    type = "" if TYPES[name] == "String" else f' m:type="Edm.{TYPES[name]}"'
    if value is None:
        return f'<d:{name}{type} m:null="true"/>'
    return f"<d:{name}{type}>{escape(as_text(value))}</d:{name}>"


def entry_key(package: Values) -> str:
    """Give the key of a package: ``Packages(Id='x',Version='1.0.0')``."""
    return f"Packages(Id='{package['Id']}',Version='{quote(package['Version'], safe='')}')"


def content_address(root: str, package: Values) -> str:
    """Give where a package's file is."""
    return f"{root}/package/{quote(package['Id'])}/{quote(package['NormalizedVersion'])}"


def json_document(listing: Listing) -> bytes:
    """Give a page as verbose JSON."""
    results = [_json_entry(listing.root, each) for each in listing.packages]
    body: dict[str, Any] = {"results": results}
    if listing.count is not None:
        body["__count"] = str(listing.count)
    if listing.next:
        body["__next"] = listing.next
    return json.dumps({"d": body}, ensure_ascii=False).encode()


def json_entry_document(root: str, package: Values) -> bytes:
    """Give one package as verbose JSON."""
    return json.dumps({"d": _json_entry(root, package)}, ensure_ascii=False).encode()


def _json_entry(root: str, package: Values) -> dict[str, Any]:
    address = f"{root}/{entry_key(package)}"
    metadata = {"id": address, "uri": address, "type": _TYPE, "content_type": "application/zip"}
    metadata["media_src"] = content_address(root, package)
    return {"__metadata": metadata, **{name: _json_value(name, package.get(name)) for name in TYPES}}


def _json_value(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return f"/Date({int(value.timestamp() * 1000)})/"
    # 64 bits do not fit a number of JavaScript.
    return str(value) if TYPES[name] == "Int64" and value is not None else value


def service_document(root: str) -> bytes:
    """Give the list of what the service has: one collection (AtomPub)."""
    return (
        f'{_DECLARATION}<service xml:base={quoteattr(root + "/")} xmlns="http://www.w3.org/2007/app" '
        'xmlns:atom="http://www.w3.org/2005/Atom"><workspace><atom:title>Default</atom:title>'
        '<collection href="Packages"><atom:title>Packages</atom:title></collection></workspace></service>'
    ).encode()
