"""The V2 protocol, reading: the service, its functions, and package files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from app.plugin import InvalidPackage, NotFound, Permission
from app.plugin.web import Response, Routes, ServedFeed

from . import odata_atom as atom
from .addresses import Addresses
from .errors import error
from .names import id_key
from .odata_filter import conjuncts, flag, wanted_id
from .odata_properties import metadata_document
from .odata_question import Answer, Question, answer, flag_argument, next_page, read_name, read_question, text_argument
from .odata_rows import Row, all_listed, completed, newest, of_package, updates
from .releases import release
from .search import Query, read_query
from .views import BYTES, find_release, known

MAX_ASKED = 200
"""Installed packages whose updates can be asked for at once."""

routes = Routes(error=error)


@routes.get("/v2")
def service(feed: ServedFeed) -> Response:
    """Answer with the service document."""
    return feed.document(
        "v2", lambda: atom.service_document(_root(feed)), content_type="application/xml; charset=utf-8"
    )


@routes.get("/v2/$metadata")
def metadata(feed: ServedFeed) -> Response:
    """Answer with the description of the service, without which old clients do nothing."""
    content_type = "application/xml; charset=utf-8"
    return feed.document("v2:$metadata", lambda: metadata_document().encode(), content_type=content_type)


@routes.get("/v2/package/<id>/<version>", Permission.DOWNLOAD_PACKAGE)
def download(feed: ServedFeed, id: str, version: str) -> Response:
    """Answer with a package file."""
    return feed.send(find_release(feed, id, version).file, BYTES)


@routes.get("/v2/package/<id>", Permission.DOWNLOAD_PACKAGE)
def download_latest(feed: ServedFeed, id: str) -> Response:
    """Answer with the newest release, or with the newest version where there is no release."""
    package = feed.get_package(known(id))
    wanted = package.latest_stable or package.latest
    return feed.send(release(feed.get_version(package.name, wanted or "latest")).file, BYTES)


@routes.get("/v2/<name>")
def ask(feed: ServedFeed, name: str) -> Response:
    """Answer a question: ``Packages``, ``FindPackagesById``, ``Search`` or ``GetUpdates``, with OData's options."""
    function, key = read_name(name)
    arguments = feed.request.args.to_dict()
    as_json = _wants_json(feed, arguments)
    if key:
        return _one(feed, function, key, as_json=as_json)
    question, rows = read_question(arguments), _rows(feed, function, arguments)

    def build() -> bytes:
        found = answer(rows(), question, _values(feed))
        listing = _listing(feed, f"{function}()", arguments, question, found)
        return atom.json_document(listing) if as_json else atom.feed_document(listing)

    return _document(
        feed, f"{function}:{sorted(arguments.items())}:{as_json}", build, atom.JSON if as_json else atom.ATOM
    )


@routes.get("/v2/<name>/$count")
def count(feed: ServedFeed, name: str) -> Response:
    """Answer with the number of packages that a question finds."""
    function, _ = read_name(name)
    arguments = feed.request.args.to_dict()
    question, rows = read_question(arguments), _rows(feed, function, arguments)

    def build() -> bytes:
        found = answer(rows(), replace(question, counted=True, order=()), _values(feed)).count or 0
        rest = max(found - question.skip, 0)
        return str(rest if question.top is None else min(rest, question.top)).encode()

    return _document(feed, f"{function}/$count:{sorted(arguments.items())}", build, "text/plain; charset=utf-8")


def _document(feed: ServedFeed, key: str, build: Callable[[], bytes], content_type: str) -> Response:
    response = feed.document(f"v2:{key}", build, content_type=content_type, vary=("Accept",))
    response.headers["DataServiceVersion"] = "2.0;"
    return response


def _root(feed: ServedFeed) -> str:
    return f"{feed.url}/v2"


def _wants_json(feed: ServedFeed, arguments: Mapping[str, str]) -> bool:
    if "$format" in arguments:
        return arguments["$format"].lower() == "json"
    # Parameters, like odata=verbose, do not count.
    accepted = [(value.partition(";")[0].strip(), quality) for value, quality in feed.request.accept_mimetypes]
    as_json = max((quality for value, quality in accepted if value == "application/json"), default=0)
    return as_json > max((quality for value, quality in accepted if value.endswith("xml")), default=0)


def _values(feed: ServedFeed) -> Callable[[Row], dict[str, Any]]:
    addresses = Addresses(feed.url)
    return lambda row: row.values(addresses)


def _listing(
    feed: ServedFeed, name: str, arguments: Mapping[str, str], question: Question, found: Answer
) -> atom.Listing:
    values = _values(feed)
    packages = [values(row) for row in completed(feed, found.rows)]
    following = next_page(_root(feed), name, arguments, question) if found.more else None
    moment = max((each["Created"] for each in packages), default=feed.created)
    return atom.Listing(_root(feed), name, packages, found.count, following, moment)


def _one(feed: ServedFeed, function: str, key: Mapping[str, str], *, as_json: bool) -> Response:
    """Answer with one version; whoever names it exactly may see it, be it of SemVer 2."""
    if function != "Packages" or set(key) != {"Id", "Version"}:
        raise NotFound(f"{function} has no such key; ask for Packages(Id='x',Version='1.0.0').", code="unknown-path")
    found = find_release(feed, key["Id"], key["Version"])

    def build() -> bytes:
        rows = of_package(feed, found.id, semver2=True)
        row = next(each for each in rows if each.version == found.record.version)
        write = atom.json_entry_document if as_json else atom.entry_document
        return write(_root(feed), _values(feed)(row))

    return _document(feed, f"one:{found.id}:{found.record.key}:{as_json}", build, atom.JSON if as_json else atom.ENTRY)


# Which rows a function is about ---------------------------------------------------------------------------


def _rows(feed: ServedFeed, function: str, arguments: Mapping[str, str]) -> Callable[[], Iterable[Row]]:
    """Give a function's rows, to be drawn when the answer is built."""
    question = read_question(arguments)
    if function == "FindPackagesById":
        return lambda: _by_id(feed, text_argument(arguments, "id"), question)
    if function == "GetUpdates":
        return lambda: _updates(feed, arguments, question)
    if function == "Search":
        query = read_query({"q": text_argument(arguments, "searchTerm")})
        return lambda: _found(feed, query, question, prerelease=flag_argument(arguments, "includePrerelease"))
    if function == "Packages":
        return lambda: _found(feed, Query(), question, prerelease=True)
    raise NotFound(f"There is nothing called {function[:80]!r} in this protocol.", code="unknown-path")


def _by_id(feed: ServedFeed, id: str, question: Question) -> Iterable[Row]:
    try:
        return of_package(feed, id_key(id), semver2=question.semver2)
    except InvalidPackage:
        return ()


def _found(feed: ServedFeed, query: Query, question: Question, *, prerelease: bool) -> Iterable[Row]:
    """Give what a search finds; the filter may narrow it to one id, or to the newest version of each package."""
    query = replace(query, semver2=question.semver2, prerelease=True)
    parts = list(conjuncts(question.filter)) if question.filter is not None else []
    id = next((each for each in map(wanted_id, parts) if each is not None), None)
    flags = {each for each in map(flag, parts) if each is not None}
    if id is not None and not query.words and not query.fields:
        rows: Iterable[Row] = _by_id(feed, id, question)
    elif "IsLatestVersion" in flags:
        rows = newest(feed, query, stable=True)
    elif "IsAbsoluteLatestVersion" in flags:
        rows = newest(feed, query, stable=False)
    else:
        rows = all_listed(feed, query)
    return rows if prerelease else (row for row in rows if "-" not in row.version.partition("+")[0])


def _updates(feed: ServedFeed, arguments: Mapping[str, str], question: Question) -> Iterable[Row]:
    names = ("packageIds", "versions", "versionConstraints")
    ids, versions, ranges = (text_argument(arguments, name).split("|") for name in names)
    ranges += [""] * (len(ids) - len(ranges))
    prerelease = flag_argument(arguments, "includePrerelease")
    for installed in islice(zip(ids, versions, ranges, strict=False), MAX_ASKED):
        found = list(updates(feed, [installed], semver2=question.semver2))
        if not prerelease:
            found = [row for row in found if "-" not in row.version.partition("+")[0]]
        yield from found if flag_argument(arguments, "includeAllVersions") else found[-1:]
