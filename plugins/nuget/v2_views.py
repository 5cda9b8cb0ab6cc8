"""What V2 clients ask a feed for: OData as far as NuGet 2, Chocolatey and PowerShellGet speak it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import parse_qsl, urlencode

from app.plugin import Invalid, NotFound, Permission
from app.plugin.records import PackageRecord
from app.plugin.web import Response, Routes, ServedFeed, json_response, text_error, text_response

from .odata import Filter, sort_key
from .v2 import ATOM, Row, entry, every_row, feed, metadata, rows, service
from .versions import is_prerelease, normalize, version_key
from .views import BINARY, package_file

PAGE = 100
BATCH = 200
MOST_PACKAGES = 20_000
_KEY = re.compile(r"Packages\(Id='(?P<id>(?:[^']|'')*)',\s*Version='(?P<version>(?:[^']|'')*)'\)")
_XML, _ENTRY = "application/xml;charset=utf-8", "application/atom+xml;type=entry;charset=utf-8"
routes = Routes(text_error)


@routes.get("/v2")
def service_document(asked: ServedFeed) -> Response:
    """Say what there is."""
    return asked.document("v2", lambda: service(f"{asked.url}/v2"), content_type=_XML)


@routes.get("/v2/$metadata")
def description(asked: ServedFeed) -> Response:
    """Describe the data."""
    return asked.document("v2 metadata", metadata, content_type=_XML)


@routes.get("/v2/package/<name>/<version>", needs=Permission.DOWNLOAD_PACKAGE)
@routes.get("/api/v2/package/<name>/<version>", needs=Permission.DOWNLOAD_PACKAGE)
def package(asked: ServedFeed, name: str, version: str) -> Response:
    """Give a package's bytes."""
    return asked.send(package_file(asked.get_version(name, normalize(version))), BINARY)


@routes.get("/v2/package/<name>", needs=Permission.DOWNLOAD_PACKAGE)
@routes.get("/api/v2/package/<name>", needs=Permission.DOWNLOAD_PACKAGE)
def newest_package(asked: ServedFeed, name: str) -> Response:
    """Give the bytes of a package's newest release."""
    return asked.send(package_file(asked.get_version(name, "latest-stable")), BINARY)


@routes.get("/v2/<path:resource>")
def query(asked: ServedFeed, resource: str) -> Response:
    """Answer a question about packages."""
    key = _KEY.fullmatch(resource)
    if key is not None:
        return _one(asked, key["id"].replace("''", "'"), key["version"].replace("''", "'"))
    name, _, tail = resource.partition("/")
    name = name.removesuffix("()")
    if name not in _SOURCES or tail not in ("", "$count"):
        raise NotFound(f"There is no {resource[:100]!r} in a V2 feed; read $metadata.", code="unknown-resource")
    question = asked.request.query_string.decode("utf-8", "replace")
    accept = "json" in asked.request.headers.get("Accept", "") and "atom" not in asked.request.headers.get("Accept", "")
    if accept:
        found, count = _answer(asked, name)
        return json_response({"d": {"results": found, "__count": str(count)}})
    if tail:
        return text_response(str(_answer(asked, name)[1]))

    def build() -> bytes:
        found, count = _answer(asked, name)
        counted = count if asked.request.args.get("$inlinecount") == "allpages" else None
        following = _following(asked, resource, len(found), count)
        return feed(f"{asked.url}/v2", name, found, count=counted, following=following)

    return asked.document(f"v2 {name}?{question[:2000]}", build, content_type=ATOM, vary=("Accept",))


def _one(asked: ServedFeed, name: str, version: str) -> Response:
    held = asked.get_version(name, normalize(version))
    record = asked.get_package(name)
    row = next(
        (
            each
            for each in (*rows(record, semver2=True), *every_row(record))
            if version_key(str(each["Version"])) == held.key
        ),
        None,
    )
    if row is None:
        raise NotFound(f"{held.name} {held.version} has symbols only.", code="unknown-version")
    body = '<?xml version="1.0" encoding="utf-8"?>' + entry(f"{asked.url}/v2", row, alone=True)
    return Response(body, content_type=_ENTRY)


# Questions --------------------------------------------------------------------------------------------


def _answer(asked: ServedFeed, name: str) -> tuple[list[Row], int]:
    """Give a page of rows, and the count of all that pass."""
    arguments = asked.request.args
    wanted = Filter(arguments["$filter"]) if arguments.get("$filter", "").strip() else None
    found = [row for row in _SOURCES[name](asked, wanted) if wanted is None or wanted(row)]
    if order := arguments.get("$orderby", "").strip():
        found = list(sort_key(order)(list(found)))  # type: ignore[arg-type]
    skip, top = _number(asked, "$skip", 0), _number(asked, "$top", PAGE)
    return found[skip : skip + min(top, PAGE)], len(found)


def _number(asked: ServedFeed, name: str, default: int) -> int:
    text = asked.request.args.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(f"{name} is {text[:40]!r}; send a whole number.", code="bad-number")
    return int(text)


def _following(asked: ServedFeed, resource: str, given: int, count: int) -> str | None:
    """Give the address of the next page; never the same one again, which clients would not survive."""
    skip, top = _number(asked, "$skip", 0), _number(asked, "$top", count)
    if not given or skip + given >= count or given >= top:
        return None
    query_ = dict(parse_qsl(asked.request.query_string.decode("utf-8", "replace"), keep_blank_values=True))
    query_["$skip"] = str(skip + given)
    if "$top" in query_:
        query_["$top"] = str(top - given)
    return f"{asked.url}/v2/{resource}?{urlencode(query_)}"


def _semver2(asked: ServedFeed) -> bool:
    return _literal(asked, "semVerLevel").startswith("2")


def _literal(asked: ServedFeed, name: str) -> str:
    """Give a parameter's text, in quotes or not."""
    text = asked.request.args.get(name, "").strip()
    return text[1:-1].replace("''", "'") if len(text) > 1 and text[0] == text[-1] == "'" else text


def _packages(asked: ServedFeed, wanted: Filter | None) -> Iterator[Row]:
    """Give the rows of one package where the filter names it, else of all."""
    if wanted is not None and wanted.id is not None:
        record = asked.package(wanted.id)
        yield from _rows_of([] if record is None else [record], asked)
        return
    yield from _rows_of(_every(asked, ""), asked)


def _search(asked: ServedFeed, wanted: Filter | None) -> Iterator[Row]:  # noqa: ARG001 - one of four
    early = _literal(asked, "includePrerelease").lower() == "true"
    for row in _rows_of(_every(asked, _literal(asked, "searchTerm")), asked):
        if early or not row["IsPrerelease"]:
            yield row


def _by_id(asked: ServedFeed, wanted: Filter | None) -> Iterator[Row]:  # noqa: ARG001 - one of four
    name = _literal(asked, "id")
    if not name:
        raise Invalid("Which package? Send id='NAME'.", code="missing-field")
    record = asked.package(name)
    yield from _rows_of([] if record is None else [record], asked)


def _updates(asked: ServedFeed, wanted: Filter | None) -> Iterator[Row]:  # noqa: ARG001 - one of four
    ids, held = (_literal(asked, name).split("|") for name in ("packageIds", "versions"))
    if len(ids) != len(held):
        raise Invalid(
            "packageIds and versions have different lengths; send one version for each id.", code="bad-updates"
        )
    early, every = (_literal(asked, name).lower() == "true" for name in ("includePrerelease", "includeAllVersions"))
    for name, version in list(zip(ids, held, strict=True))[:PAGE]:
        record = asked.package(name)
        newer = [
            row
            for row in _rows_of([] if record is None else [record], asked)
            if version_key(str(row["Version"])) > version_key(version)
            and (early or not is_prerelease(str(row["Version"])))
        ]
        yield from newer if every else newer[-1:]


def _rows_of(records: Iterable[PackageRecord], asked: ServedFeed) -> Iterator[Row]:
    semver2 = _semver2(asked)
    return (row for record in records for row in rows(record, semver2=semver2))


def _every(asked: ServedFeed, text: str) -> Iterator[PackageRecord]:
    for start in range(0, MOST_PACKAGES, BATCH):
        page = asked.search(text, offset=start, limit=BATCH)
        yield from asked.packages(item.name for item in page.items)
        if start + BATCH >= page.total:
            return


_SOURCES: dict[str, Callable[[ServedFeed, Filter | None], Iterator[Row]]] = {
    "Packages": _packages,
    "Search": _search,
    "FindPackagesById": _by_id,
    "GetUpdates": _updates,
}
