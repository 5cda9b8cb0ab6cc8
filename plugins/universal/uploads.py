"""What a client uploads: a finished package, or plain contents with a manifest in parameters."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from app.plugin import Invalid, InvalidPackage, Manifest, NotOffered, TooLarge
from app.plugin.archives import open_zip
from app.plugin.records import Published
from app.plugin.web import Request, ServedFeed

from .manifest import FILE, members
from .names import name_key
from .payload import CHUNK, pack
from .versions import version_key

BODY_LIMIT = 32 * 1024 * 1024
FIELD_LIMIT = 200
_ZIP = b"PK\x03\x04"
_BETWEEN_DEPENDENCIES = re.compile(r",(?![^\[(]*[\])])")
_CREDENTIALS = frozenset({"key", "API_Key"})

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """Hold what a request brings: what it says about the package, and its bytes."""

    parameters: Parameters
    chunks: Iterable[bytes]


def take_upload(feed: ServedFeed, in_path: Mapping[str, str]) -> Published:
    """Publish what a request brings; raises Invalid, InvalidPackage, TooLarge, Conflict, NotOffered.

    A file with ``upack.json`` at its root is published as it is, and parameters have to agree with it; any other
    zip becomes the payload of a new package, whose manifest the parameters are.
    """
    upload = _read(feed, in_path)
    if not upload.parameters:
        return feed.publish_stored(feed.store(upload.chunks), "upload.upack")
    with TemporaryFile() as copy:
        blob = feed.store(_copied(upload.chunks, copy))
        copy.seek(0)
        archive = open_zip(copy)
        if archive.find(FILE) is not None:
            return feed.publish_stored(blob, "upload.upack", expect=_agreement(upload.parameters))
        with pack(archive, _manifest(upload.parameters)) as made:
            return feed.publish(made, "upload.upack")


def _read(feed: ServedFeed, in_path: Mapping[str, str]) -> Upload:
    request = feed.request
    parameters: Parameters = {}
    _add(parameters, in_path.items())
    _add(parameters, ((k, v) for k, v in request.args.items(multi=True) if k not in _CREDENTIALS))
    if request.mimetype == "application/json":
        return _with_contents(parameters, _json_members(feed))
    if request.mimetype.startswith("multipart/"):
        raise Invalid(
            "A multipart form is not read here; send the file as the body, with Content-Type application/zip."
        )
    start = request.stream.read(len(_ZIP))
    if request.mimetype == "application/x-www-form-urlencoded" and start != _ZIP:
        return _with_contents(parameters, _form_fields(request, start))
    return Upload(parameters, chain([start], _chunks(request)))


def _add(parameters: Parameters, given: Iterable[tuple[str, Any]]) -> None:
    for key, value in given:
        if parameters.setdefault(key, value) != value:
            raise Invalid(f"The parameter {key!r} is given twice, with different values; give it once.")


def _json_members(feed: ServedFeed) -> Iterable[tuple[str, Any]]:
    body = feed.json_body(BODY_LIMIT)
    if not isinstance(body, dict):
        raise Invalid("The body is no JSON object; send name, version and content-b64 as its members.")
    return ((key, value) for key, value in body.items() if key not in _CREDENTIALS)


def _form_fields(request: Request, start: bytes) -> Iterable[tuple[str, Any]]:
    body = start + request.stream.read(BODY_LIMIT + 1)
    if len(body) > BODY_LIMIT:
        raise TooLarge(f"The form passes {BODY_LIMIT:,} bytes; send the file as the body, as application/zip.")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELD_LIMIT, errors="strict")
    except ValueError:
        raise Invalid("The body is no form; send the file as the body, with Content-Type application/zip.") from None
    return ((key, value) for key, value in fields if key not in _CREDENTIALS)


def _with_contents(parameters: Parameters, given: Iterable[tuple[str, Any]]) -> Upload:
    _add(parameters, given)
    if "content-url" in parameters:
        raise NotOffered("content-url is not offered: this server fetches nothing on a client's word; send the bytes.")
    contents = parameters.pop("content-b64", None)
    if not isinstance(contents, str):
        raise Invalid("There is no content-b64; send the zip archive in it, as base64 text.")
    try:
        return Upload(parameters, [base64.b64decode(contents, validate=True)])
    except (binascii.Error, ValueError):
        raise Invalid("content-b64 is no base64 text; encode the zip archive again.") from None


def _chunks(request: Request) -> Iterator[bytes]:
    while chunk := request.stream.read(CHUNK):
        yield chunk


def _copied(chunks: Iterable[bytes], copy: BinaryIO) -> Iterator[bytes]:
    for chunk in chunks:
        copy.write(chunk)
        yield chunk


def _manifest(parameters: Parameters) -> Parameters:
    missing = [member for member in ("name", "version") if not parameters.get(member)]
    if missing:
        raise Invalid(
            f"The file has no {FILE} at its root, and the request gives no {' and no '.join(missing)}; "
            "send a finished package, or name and version as parameters."
        )
    made = dict(parameters)
    for member, split in (("dependencies", _BETWEEN_DEPENDENCIES.split), ("tags", re.compile(",").split)):
        if isinstance(made.get(member), str):
            made[member] = [part.strip() for part in split(made[member]) if part.strip()]
    return made


def _agreement(parameters: Parameters) -> Callable[[Manifest], None]:
    def check(manifest: Manifest) -> None:
        raw = members(manifest)
        for member, given in parameters.items():
            held = raw.get(member) or ""
            if not _agrees(member, given, held):
                raise Invalid(
                    f"The package says {member} {held!r}, the request {given!r}; a finished package is never changed: "
                    "leave the parameter out, or build the package anew."
                )

    return check


def _agrees(member: str, given: object, held: object) -> bool:
    if given == held:
        return True
    if not isinstance(given, str) or not isinstance(held, str):
        return False
    try:
        if member == "version":
            return version_key(given) == version_key(held) and given.partition("+")[2] in ("", held.partition("+")[2])
        if member in ("group", "name"):
            return name_key(given) == name_key(held)
    except InvalidPackage:
        return False
    return False
