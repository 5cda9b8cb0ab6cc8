"""Search and autocomplete of the V3 protocol (Search; Autocomplete)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.plugin import InvalidPackage, NotFound
from app.plugin.web import PackageSummary, Response, Routes, ServedFeed

from .addresses import SEMVER2, Addresses
from .errors import error
from .nuspec import DEFAULT_TYPE
from .registration import content_addresses, deprecation
from .releases import Release, releases
from .versions import parse_version
from .views import JSON, known, to_json

MOST, DEFAULT = 1_000, 20
MAX_SKIP = 3_000
MAX_TEXT = 500
SEMVER2_FACET = "semver2"
BATCH = 200
_TERM = re.compile(r'(?:(?P<field>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))')
_TYPE = re.compile(r"\S{1,100}")
_WORD = re.compile(r"[^\w]+")
_SEMVER2_LEVEL = parse_version("2.0.0")

routes = Routes(error=error)


@dataclass(frozen=True, slots=True)
class Query:
    """Hold what a search asks for; ``fields`` are pairs of a field and what it must hold, in small letters."""

    words: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    prerelease: bool = False
    semver2: bool = False
    type: str = ""

    def facets(self) -> tuple[str, ...]:
        """Give the facet of the wanted package type."""
        return (f"type={self.type.lower()}",) if self.type else ()

    def without(self) -> tuple[str, ...]:
        """Give the facets of versions that the client cannot read."""
        return () if self.semver2 else (SEMVER2_FACET,)


@dataclass(frozen=True, slots=True)
class Hit:
    """Hold a package that was found: its versions that count, ascending, at least one."""

    releases: Sequence[Release]

    @property
    def newest(self) -> Release:
        """Give the newest version, which may be a prerelease where those count."""
        return self.releases[-1]


def read_query(arguments: Mapping[str, str]) -> Query:
    """Read a search's parameters; a field that is not known is a word like any other.

    >>> read_query({"q": 'http tags:"client"', "semVerLevel": "2.0.0"})
    Query(words='http', fields=(('tags', 'client'),), prerelease=False, semver2=True, type='')
    """
    words, fields = [], []
    for term in _TERM.finditer(arguments.get("q", "")[:MAX_TEXT].replace("\0", " ")):
        value = term["quoted"] if term["quoted"] is not None else term["bare"]
        if (term["field"] or "").lower() in _FIELDS:
            fields.append((term["field"].lower(), value.lower()))
        else:
            words.append(f"{term['field']}:{value}" if term["field"] else value)
    prerelease = arguments.get("prerelease", "").lower() == "true"
    type = arguments.get("packageType") or arguments.get("packageTypeFilter") or ""
    return Query(" ".join(words), tuple(fields), prerelease, reads_semver2(arguments), type)


def reads_semver2(arguments: Mapping[str, str]) -> bool:
    """Tell whether a client says that it reads versions of SemVer 2."""
    try:
        return parse_version(arguments.get("semVerLevel", "")).key >= _SEMVER2_LEVEL.key
    except InvalidPackage:
        return False


def count_argument(arguments: Mapping[str, str], name: str, default: int, most: int) -> int:
    """Give a count from the parameters, within its bounds; what is no number is the default."""
    text = arguments.get(name, "")
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 10 else default


# Finding ------------------------------------------------------------------------------------------------


def find(feed: ServedFeed, query: Query, skip: int, take: int) -> tuple[list[PackageSummary], int]:
    """Give a page of packages and the count of all."""
    if query.type and not _TYPE.fullmatch(query.type):
        return [], 0
    if not query.fields:
        page = _page(feed, query, query.words, skip, take)
        return list(page.items), page.total
    found = [each for each in every(feed, query) if matches(each, query)]
    return found[skip : skip + take], len(found)


def _page(feed: ServedFeed, query: Query, text: str, skip: int, take: int) -> Any:
    return feed.search(
        text,
        prerelease=query.prerelease,
        with_versions=True,
        facets=query.facets(),
        without=query.without(),
        offset=skip,
        limit=take,
    )


def every(feed: ServedFeed, query: Query) -> Iterator[PackageSummary]:
    """Give all packages that the words of a query find, some hundred at a time."""
    skip = 0
    while True:
        items = _page(feed, query, query.words, skip, BATCH).items
        yield from items
        if len(items) < BATCH:
            return
        skip += BATCH


_FIELDS: Mapping[str, Callable[[PackageSummary, str], bool]] = {
    "id": lambda each, value: value in each.name.lower(),
    "packageid": lambda each, value: value == each.name.lower(),
    "version": lambda each, value: _has_version(each.versions, value),
    "title": lambda each, value: value in each.manifest.data.get("title", each.name).lower(),
    "tags": lambda each, value: value in [tag.lower() for tag in each.manifest.keywords],
    "tag": lambda each, value: value in [tag.lower() for tag in each.manifest.keywords],
    "author": lambda each, value: value in each.manifest.authors.lower(),
    "authors": lambda each, value: value in each.manifest.authors.lower(),
    "description": lambda each, value: value in each.description.lower(),
    "summary": lambda each, value: value in each.manifest.data.get("summary", "").lower(),
    "owner": lambda each, value: value in each.manifest.data.get("owners", "").lower(),
    "owners": lambda each, value: value in each.manifest.data.get("owners", "").lower(),
}
"""How a package matches what is asked of a field."""


def matches(summary: PackageSummary, query: Query) -> bool:
    """Tell whether a package has what a query asks of its fields."""
    return all(_FIELDS[field](summary, value) for field, value in query.fields)


def _has_version(versions: Sequence[str], asked: str) -> bool:
    try:
        wanted = parse_version(asked).key
    except InvalidPackage:
        return False
    return any(parse_version(each).key == wanted for each in versions)


def hits(feed: ServedFeed, found: Sequence[PackageSummary], query: Query) -> Iterator[Hit]:
    """Give what was found with everything that is known of it; a few queries, however many there are."""
    for package in feed.packages(each.name for each in found):
        counting = [each for each in releases(package, semver2=query.semver2) if _counts(each, query)]
        if counting:
            yield Hit(counting)


def _counts(each: Release, query: Query) -> bool:
    facets = each.file.manifest.facets
    early = each.record.prerelease and not query.prerelease
    return each.listed and not early and all(facet in facets for facet in query.facets())


# Answering ----------------------------------------------------------------------------------------------


@routes.get("/v3/query")
def search(feed: ServedFeed) -> Response:
    """Answer with packages; ``take`` at most 1,000, ``skip`` at most 3,000."""
    arguments = feed.request.args
    query = read_query(arguments)
    skip, take = count_argument(arguments, "skip", 0, MAX_SKIP), count_argument(arguments, "take", DEFAULT, MOST)

    def build() -> bytes:
        found, total = find(feed, query, skip, take)
        addresses = Addresses(feed.url)
        data = [found_object(hit, addresses) for hit in hits(feed, found, query)]
        return to_json({"totalHits": total, "data": data})

    return feed.document(f"query:{query}:{skip}:{take}", build, content_type=JSON)


def found_object(hit: Hit, addresses: Addresses) -> dict[str, Any]:
    """Give one line of an answer."""
    newest = hit.newest
    id, data, manifest = newest.id, newest.data, newest.file.manifest
    types = data.get("packageTypes") or [{"name": DEFAULT_TYPE}]
    return {
        "@id": addresses.index(SEMVER2, id),
        "@type": "Package",
        "registration": addresses.index(SEMVER2, id),
        "id": id,
        "version": newest.version.full,
        "description": manifest.description,
        "summary": data.get("summary", ""),
        "title": data.get("title", id),
        "authors": [each.strip() for each in manifest.authors.split(",") if each.strip()],
        "owners": [],
        "tags": list(manifest.keywords),
        **content_addresses(data, addresses, id, newest.record.version),
        **({"projectUrl": data["projectUrl"]} if "projectUrl" in data else {}),
        "totalDownloads": sum(each.record.downloads for each in hit.releases),
        "verified": False,
        "packageTypes": [{"name": each["name"]} for each in types],
        "versions": [_line(each, addresses) for each in hit.releases],
        **deprecation(newest),
    }


def _line(each: Release, addresses: Addresses) -> dict[str, Any]:
    address = addresses.leaf(SEMVER2, each.id, each.record.version)
    return {"@id": address, "version": each.version.full, "downloads": each.record.downloads}


@routes.get("/v3/autocomplete")
def autocomplete(feed: ServedFeed) -> Response:
    """Answer with ids that hold a text, or with the listed versions of one id."""
    arguments = feed.request.args
    query = read_query(arguments)
    if "id" in arguments:
        return _complete_versions(feed, arguments["id"], query)
    text = arguments.get("q", "")[:MAX_TEXT].strip().lower()
    skip, take = count_argument(arguments, "skip", 0, MAX_SKIP), count_argument(arguments, "take", DEFAULT, MOST)

    def build() -> bytes:
        wanted = replace(query, words=" ".join(_WORD.split(text)), fields=())
        found = [each.name for each in every(feed, wanted) if text in each.name.lower()]
        found.sort(key=lambda name: (not name.lower().startswith(text), name.lower()))
        return to_json({"totalHits": len(found), "data": found[skip : skip + take]})

    return feed.document(f"autocomplete:{query}:{text}:{skip}:{take}", build, content_type=JSON)


def _complete_versions(feed: ServedFeed, id: str, query: Query) -> Response:
    def build() -> bytes:
        try:
            package = feed.package(known(id))
        except NotFound:
            package = None
        found = releases(package, semver2=query.semver2) if package is not None else ()
        wanted = [each for each in found if each.listed and (query.prerelease or not each.record.prerelease)]
        return to_json({"data": [each.version.normalized for each in wanted]})

    return feed.document(f"complete:{query}:{id.lower()[:200]}", build, content_type=JSON)
