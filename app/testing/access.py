"""Contract, part 4: who may do what, on every route that the format has."""
# ruff: noqa: D102 - the names of tests are sentences

from __future__ import annotations

from typing import TYPE_CHECKING

from app.plugin import FeedFormat, FormatKit, Permission, Request, Sample
from app.plugin.web import Route
from app.testing.hygiene import filled
from app.testing.specimens import stable_versions

if TYPE_CHECKING:
    from app.testing.stage import Place

READING = (None, Permission.VIEW_FEED, Permission.DOWNLOAD_PACKAGE)
DENIED = (401, 403, 404)


class AccessContract:
    """Test that nobody gets further than their rights."""

    def test_a_private_feed_asks_everybody_unknown_for_credentials(
        self, feed: Place, kit: FormatKit, published: Sample
    ) -> None:
        for request in (kit.listing(published.name), kit.download(published), kit.publish(published)):
            response = feed.send(request, "anonymous")
            assert response.status_code == 401, f"{request.method} {request.path}"
            assert response.headers["WWW-Authenticate"].startswith("Basic ")
            assert published.content not in response.data

    def test_a_private_feed_does_not_say_what_it_does_not_hold(
        self, feed: Place, format: FeedFormat, kit: FormatKit
    ) -> None:
        absent = kit.make(kit.names[0], stable_versions(format, kit, 1)[0])
        for request in (kit.listing(absent.name), kit.download(absent), Request("GET", "/no/such/path")):
            assert feed.send(request, "anonymous").status_code == 401, request.path

    def test_a_wrong_key_opens_nothing(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        for request in (kit.listing(published.name), kit.download(published), kit.publish(published)):
            response = feed.send(request, "anonymous", {"X-ApiKey": "prm_wrong"})
            assert response.status_code in (401, 403)

    def test_a_reader_reads(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        assert kit.shows(feed.send(kit.listing(published.name), "reader").data, published.version)
        assert feed.send(kit.download(published), "reader").data == published.content

    def test_a_reader_publishes_nothing(self, feed: Place, format: FeedFormat, kit: FormatKit) -> None:
        sample = kit.make(kit.names[0], stable_versions(format, kit, 1)[0])
        assert feed.send(kit.publish(sample), "reader").status_code == 403
        assert feed.package(sample.name) is None

    def test_a_key_of_another_feed_opens_nothing(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        for request in (kit.listing(published.name), kit.download(published), kit.publish(published)):
            response = feed.send(request, "stranger")
            assert response.status_code in DENIED, f"{request.method} {request.path}"
            assert published.content not in response.data

    def test_a_public_feed_is_read_by_everybody_and_written_by_nobody(
        self, public_feed: Place, format: FeedFormat, kit: FormatKit
    ) -> None:
        sample = kit.make(kit.names[0], stable_versions(format, kit, 1)[0])
        assert public_feed.send(kit.publish(sample), "anonymous").status_code == 401
        public_feed.publish(sample)
        assert kit.shows(public_feed.send(kit.listing(sample.name), "anonymous").data, sample.version)
        assert public_feed.send(kit.download(sample), "anonymous").data == sample.content

    def test_every_route_of_a_private_feed_is_closed_to_nobody_known(self, feed: Place, format: FeedFormat) -> None:
        for method, route in _requests(format):
            if route.needs is None:
                continue
            response = feed.send(Request(method, filled(route.rule)), "anonymous")
            assert response.status_code == 401, f"{method} {route.rule}"

    def test_every_route_that_changes_something_is_closed_to_readers(self, feed: Place, format: FeedFormat) -> None:
        before = feed.serial()
        for method, route in _requests(format):
            if route.needs in READING:
                continue
            response = feed.send(Request(method, filled(route.rule)), "reader")
            assert response.status_code == 403, f"{method} {route.rule}"
        assert feed.serial() == before

    def test_every_route_is_closed_to_the_key_of_another_feed(self, feed: Place, format: FeedFormat) -> None:
        for method, route in _requests(format):
            if route.needs is None:
                continue
            response = feed.send(Request(method, filled(route.rule)), "stranger")
            assert response.status_code in DENIED, f"{method} {route.rule}"


def _requests(format: FeedFormat) -> list[tuple[str, Route]]:
    return [(method, route) for route in format.routes().routes for method in route.methods]
