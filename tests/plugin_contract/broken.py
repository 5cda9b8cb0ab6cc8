"""Formats with one fault each, and the tests of the contract that must find it.

Each is the plain sample format with one thing done as people are tempted to do it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from app.plugin import (
    Feature,
    FeedFormat,
    FormatKit,
    HttpClient,
    Manifest,
    Permission,
    RemotePackage,
    RemoteVersion,
    Upstream,
)
from app.plugin.loading import load_folder
from app.plugin.web import Response, Route, Routes, ServedFeed, text_error, text_response

PLAIN = load_folder(Path(__file__).resolve().parent.parent / "plugins" / "plain")
PlainFormat: Any = PLAIN.PlainFormat
GOOD_ROUTES: Routes = sys.modules[f"{PLAIN.__name__}.views"].routes

Handler = Callable[..., Response]
SOUND = "PlainFormat"
BROKEN: dict[str, tuple[FeedFormat, tuple[str, ...]]] = {SOUND: (PlainFormat(), ())}


def must_fail(*tests: str) -> Callable[[Any], Any]:
    """Register a broken format with the tests that must find its fault."""

    def register(broken: Any) -> Any:
        BROKEN[broken.__name__] = (broken(), tests)
        return broken

    return register


def with_route(rule: str, methods: tuple[str, ...], needs: Permission | None, handler: Handler) -> Routes:
    """Give the plain routes with one of them replaced."""
    kept = [route for route in GOOD_ROUTES.routes if (route.rule, route.methods) != (rule, methods)]
    return Routes(text_error, [*kept, Route(rule, methods, needs, handler)])


def with_kit(**changes: Any) -> Callable[[Any], FormatKit]:
    """Give a kit that is the plain one but for some fields."""
    return lambda self: replace(PlainFormat.kit(self), **changes)


@must_fail("test_keys_ascend_along_the_chain")
class ComparesVersionsAsText(PlainFormat):
    """1.9 above 1.10."""

    def version_key(self, version: str) -> str:
        PlainFormat.version_key(self, version)
        return version


@must_fail("test_spellings_of_one_version_share_a_key", "test_other_bytes_under_one_version_are_refused")
class TellsSpellingsApart(PlainFormat):
    """1.0 and 1.0.0 are two versions."""

    def version_key(self, version: str) -> str:
        return f"{PlainFormat.version_key(self, version)} {version.count('.')}"


@must_fail("test_any_text_is_a_version_or_is_refused", "test_bad_versions_are_refused")
class CrashesOnStrangeVersions(PlainFormat):
    """ValueError instead of a refusal."""

    def version_key(self, version: str) -> str:
        numbers = [f"{int(number):09}" for number in version.removesuffix("-pre").split(".")]
        return ".".join([*numbers, *["0" * 9] * (4 - len(numbers))]) + ("0" if version.endswith("-pre") else "1")


@must_fail("test_bad_names_are_refused")
class TakesAnyName(PlainFormat):
    """Paths as names."""

    def name_key(self, name: str) -> str:
        return name or "-"


@must_fail("test_hostile_files_are_refused", "test_foreign_files_are_refused")
class ReadsEverything(PlainFormat):
    """Any bytes are a package."""

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        words = [*file.read(200).split(), b"", b"hello", b"1.0"]
        return Manifest(words[1].decode(errors="replace"), words[2].decode(errors="replace"))


@must_fail("test_a_cut_file_is_refused_or_read_and_nothing_else", "test_foreign_files_are_refused")
class CrashesOnDamage(PlainFormat):
    """IndexError instead of a refusal."""

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        words = file.read(200).split()
        return Manifest(words[1].decode(), words[2].decode())


@must_fail("test_a_file_is_known_by_its_bytes_and_not_by_its_file_name")
class BelievesTheFileName(PlainFormat):
    """The name of the upload decides."""

    def read(self, file: BinaryIO, filename: str) -> Manifest:
        found = PlainFormat.read(self, file, filename)
        return replace(found, name=filename.rpartition("-")[0] or "unnamed")


@must_fail("test_versions_satisfy_ranges_as_the_client_decides")
class LetsEverythingSatisfy(PlainFormat):
    """Ranges are not read."""

    def satisfies(self, version: str, range: str) -> bool:
        return True


@must_fail("test_the_same_bytes_come_back", "test_bytes_and_manifest_arrive_as_they_were")
class RewritesWhatItServes(PlainFormat):
    """A stamp in every download."""

    def routes(self) -> Routes:
        def download(feed: ServedFeed, name: str, version: str) -> Response:
            with feed.open(feed.get_version(name, version).main) as file:
                return text_response(file.read().decode() + f"served by {feed.name}\n")

        return with_route("/<name>/<version>", ("GET",), Permission.DOWNLOAD_PACKAGE, download)


@must_fail(
    "test_a_known_etag_is_answered_without_bytes", "test_a_part_can_be_asked_for", "test_parts_and_caching_are_offered"
)
class ServesBytesItself(PlainFormat):
    """No ETag, no ranges."""

    def routes(self) -> Routes:
        def download(feed: ServedFeed, name: str, version: str) -> Response:
            with feed.open(feed.get_version(name, version).main) as file:
                return text_response(file.read().decode())

        return with_route("/<name>/<version>", ("GET",), Permission.DOWNLOAD_PACKAGE, download)


@must_fail("test_the_target_lists_what_was_promoted_and_nothing_else")
class KeepsItsOwnIndex(PlainFormat):
    """The list is what the publish handler remembers; a promotion never reaches it."""

    def routes(self) -> Routes:
        index: dict[tuple[str, str], list[str]] = {}

        def publish(feed: ServedFeed, name: str) -> Response:
            done = feed.publish(feed.request.stream, f"{name}.txt")
            index.setdefault((feed.name, name), []).append(done.version)
            return text_response("published\n", 201)

        def listing(feed: ServedFeed, name: str) -> Response:
            text = "\n".join(index.get((feed.name, name), ()))
            return feed.document(text, text.encode, content_type="text/plain")

        routes = with_route("/<name>", ("GET",), Permission.VIEW_FEED, listing)
        kept = [route for route in routes.routes if route.methods != ("PUT",)]
        return Routes(text_error, [*kept, Route("/<name>", ("PUT",), Permission.ADD_PACKAGE, publish)])


@must_fail("test_a_second_version_appears_at_once", "test_two_feeds_never_share_an_etag_of_different_listings")
class CachesForEver(PlainFormat):
    """One listing for a name, whatever the feed and the time."""

    def routes(self) -> Routes:
        cache: dict[str, str] = {}

        def listing(feed: ServedFeed, name: str) -> Response:
            package = feed.get_package(name)
            text = cache.setdefault(name, "".join(f"{v.version}\n" for v in package.versions))
            return feed.document(f"for ever {name}", text.encode, content_type="text/plain")

        return with_route("/<name>", ("GET",), Permission.VIEW_FEED, listing)


@must_fail("test_a_private_feed_asks_everybody_unknown_for_credentials", "test_a_key_of_another_feed_opens_nothing")
class LetsEverybodyList(PlainFormat):
    """The listing needs no right."""

    def routes(self) -> Routes:
        listing = next(route.handler for route in GOOD_ROUTES.routes if route.rule == "/<name>")
        return with_route("/<name>", ("GET",), None, listing)


@must_fail("test_routes_that_change_something_need_a_right_to_change_something")
class WritesForReaders(PlainFormat):
    """A PUT that needs only reading."""

    def routes(self) -> Routes:
        publish = next(route.handler for route in GOOD_ROUTES.routes if route.methods == ("PUT",))
        return with_route("/<name>", ("PUT",), Permission.VIEW_FEED, publish)


@must_fail("test_no_route_fails_or_shows_a_page", "test_an_unknown_path_is_not_found_in_the_format_s_own_words")
class AnswersWithPages(PlainFormat):
    """Errors for browsers."""

    def routes(self) -> Routes:
        def page(status: int, code: str, message: str) -> Response:
            return Response(f"<h1>{status}</h1>", status, content_type="text/html")

        return Routes(page, GOOD_ROUTES.routes)


@must_fail("test_no_route_fails_or_shows_a_page", "test_what_was_never_published_is_not_found")
class FailsOnTheUnknown(PlainFormat):
    """A KeyError for what is not there."""

    def routes(self) -> Routes:
        def listing(feed: ServedFeed, name: str) -> Response:
            package = {name: feed.package(name)}[name]
            return text_response("".join(f"{v.version}\n" for v in package.versions))

        return with_route("/<name>", ("GET",), Permission.VIEW_FEED, listing)


@must_fail("test_nothing_that_writes_is_redirected")
class RedirectsWrites(PlainFormat):
    """A PUT that is sent on."""

    def routes(self) -> Routes:
        def publish(feed: ServedFeed, name: str) -> Response:
            return text_response("", 308, {"Location": f"{feed.url}/{name}/upload"})

        return with_route("/<name>", ("PUT",), Permission.ADD_PACKAGE, publish)


@must_fail("test_other_bytes_under_one_version_are_refused")
class Overwrites(PlainFormat):
    """Whoever publishes last is right."""

    def routes(self) -> Routes:
        def publish(feed: ServedFeed, name: str) -> Response:
            if feed.package(name) is not None and feed.can(Permission.DELETE_PACKAGE):
                feed.delete_versions(name)
            feed.publish(feed.request.stream, f"{name}.txt")
            return text_response("published\n", 201)

        return with_route("/<name>", ("PUT",), Permission.ADD_PACKAGE, publish)


@must_fail("test_every_declared_feature_has_its_sample_data")
class PromisesWithoutProof(PlainFormat):
    """A feature, and nothing to test it with."""

    features = frozenset({Feature.SEARCH, Feature.TAGS})


@must_fail("test_a_tag_names_a_version")
class TagsNothing(PlainFormat):
    """A tag that is accepted and forgotten."""

    features = frozenset({Feature.TAGS})

    def kit(self) -> FormatKit:
        kit = PlainFormat.kit(self)
        return replace(kit, tag=lambda sample, tag: kit.listing(sample.name))


@must_fail("test_the_pure_rules_have_sample_data", "test_there_are_hostile_files_of_the_format_s_own_kind")
class HasAnEmptyKit(PlainFormat):
    """Nothing to test with passes nothing."""

    kit = with_kit(ranges=(), choices=(), hostile={})


@must_fail("test_the_chain_is_long_enough_to_prove_an_order")
class ShowsAShortChain(PlainFormat):
    """Two versions prove no order."""

    kit = with_kit(order=("1.0", "2.0"))


@must_fail("test_what_is_not_promotable_says_why")
class RefusesPromotionSilently(PlainFormat):
    """Not promotable, and no word about it."""

    promotable = False


class _TrustingUpstream(Upstream):
    def __init__(self, url: str, http: HttpClient) -> None:
        self._url, self._http = url, http

    def package(self, name: str) -> RemotePackage:
        found: Any = self._http.get_json(f"{self._url}/{name}")
        return RemotePackage(name, tuple(RemoteVersion(name, item["version"]) for item in found["versions"]))

    def probe(self) -> str:
        return "anything"


@must_fail("test_a_source_that_talks_garbage_is_an_error_or_offers_nothing")
class TrustsItsSource(PlainFormat):
    """A KeyError for a source that answers with something else."""

    features = frozenset({Feature.UPSTREAM})

    def upstream(self, url: str, http: HttpClient) -> Upstream:
        return _TrustingUpstream(url, http)

    def kit(self) -> FormatKit:
        return replace(PlainFormat.kit(self), remote=_remote)


def _remote(samples: Sequence[Any]) -> Mapping[str, bytes]:
    return {f"/{samples[0].name}": b'{"versions": []}'}
