"""Contract, part 3: what a client publishes is listed and downloaded again, byte for byte and for ever."""
# ruff: noqa: D102 - the names of tests are sentences

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.plugin import FeedFormat, FormatKit, Request, Sample
from app.testing.specimens import one_sample, stable_versions, two_files_of_one_version

if TYPE_CHECKING:
    from app.testing.stage import Place

REFUSALS = (400, 403, 409, 413, 415, 422)


def publish(feed: Place, kit: FormatKit, sample: Sample) -> Sample:
    """Publish a sample as a client does and demand success."""
    request = kit.publish(sample)
    response = feed.send(request)
    assert response.status_code in request.expect, response.text[:300]
    return sample


class ServingContract:
    """Test publishing, listing and downloading as a native client does them."""

    def test_what_was_published_is_listed(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        request = kit.listing(published.name)
        response = feed.send(request)
        assert response.status_code in request.expect, response.text[:300]
        assert kit.shows(response.data, published.version)

    def test_a_listing_shows_nothing_that_is_not_there(
        self, feed: Place, format: FeedFormat, kit: FormatKit, published: Sample
    ) -> None:
        body = feed.send(kit.listing(published.name)).data
        for version in stable_versions(format, kit, 3)[1:]:
            assert not kit.shows(body, version)

    def test_every_name_can_be_published_listed_and_downloaded(
        self, feed: Place, format: FeedFormat, kit: FormatKit
    ) -> None:
        for name in kit.names:
            sample = publish(feed, kit, one_sample(format, kit, name))
            assert kit.shows(feed.send(kit.listing(name)).data, sample.version), name
            assert feed.send(kit.download(sample)).data == sample.content, name

    def test_every_version_can_be_published_listed_and_downloaded(self, feed: Place, kit: FormatKit) -> None:
        for version in kit.order:
            sample = publish(feed, kit, kit.make(kit.names[0], version))
            assert feed.send(kit.download(sample)).data == sample.content, version
        body = feed.send(kit.listing(kit.names[0])).data
        assert [version for version in kit.order if not kit.shows(body, version)] == []

    def test_a_name_is_found_by_each_of_its_spellings(self, feed: Place, format: FeedFormat, kit: FormatKit) -> None:
        for one, other in kit.same_names:
            sample = publish(feed, kit, one_sample(format, kit, one))
            assert kit.shows(feed.send(kit.listing(other)).data, sample.version)

    def test_what_was_never_published_is_not_found(self, feed: Place, format: FeedFormat, kit: FormatKit) -> None:
        sample = one_sample(format, kit)
        assert feed.send(kit.download(sample)).status_code == 404
        listing = feed.send(kit.listing(sample.name))
        assert listing.status_code in (200, 404)
        assert listing.status_code == 404 or not kit.shows(listing.data, sample.version)

    def test_a_second_version_appears_at_once(
        self, feed: Place, format: FeedFormat, kit: FormatKit, published: Sample
    ) -> None:
        before = feed.send(kit.listing(published.name))
        second = publish(feed, kit, kit.make(published.name, stable_versions(format, kit, 2)[1]))
        after = feed.send(kit.listing(published.name))
        assert [kit.shows(after.data, sample.version) for sample in (published, second)] == [True, True]
        assert after.headers["ETag"] != before.headers["ETag"]

    def test_listings_are_confirmed_by_their_etag(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        request = kit.listing(published.name)
        first = feed.send(request)
        again = feed.send(request, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert feed.send(request, headers={"If-None-Match": '"another"'}).status_code == first.status_code

    def test_two_feeds_never_share_an_etag_of_different_listings(
        self, feed: Place, other_feed: Place, format: FeedFormat, kit: FormatKit, published: Sample
    ) -> None:
        publish(other_feed, kit, kit.make(published.name, stable_versions(format, kit, 2)[1]))
        here, there = (each.send(kit.listing(published.name)) for each in (feed, other_feed))
        assert here.headers["ETag"] != there.headers["ETag"]


class DownloadContract:
    """Test how a package file is sent."""

    def test_the_same_bytes_come_back(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        response = feed.send(kit.download(published))
        assert response.status_code == 200
        assert response.data == published.content
        assert response.headers["Content-Length"] == str(len(published.content))
        assert "Content-Encoding" not in response.headers
        assert "html" not in (response.mimetype or "")

    def test_head_says_what_get_says(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        request = kit.download(published)
        got, head = feed.send(request), feed.send(_as_head(request))
        assert (head.status_code, head.data) == (200, b"")
        for name in ("Content-Length", "Content-Type", "ETag"):
            assert head.headers[name] == got.headers[name]

    def test_a_known_etag_is_answered_without_bytes(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        request = kit.download(published)
        etag = feed.send(request).headers["ETag"]
        again = feed.send(request, headers={"If-None-Match": etag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)

    @pytest.mark.parametrize(
        ("asked", "part"), [("0-9", slice(0, 10)), ("5-", slice(5, None)), ("-7", slice(-7, None))]
    )
    def test_a_part_can_be_asked_for(
        self, feed: Place, kit: FormatKit, published: Sample, asked: str, part: slice[int, int | None, None]
    ) -> None:
        response = feed.send(kit.download(published), headers={"Range": f"bytes={asked}"})
        assert response.status_code == 206
        assert response.data == published.content[part]
        assert response.headers["Content-Range"].endswith(f"/{len(published.content)}")

    def test_a_part_beyond_the_end_is_refused(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        beyond = {"Range": f"bytes={len(published.content)}-"}
        assert feed.send(kit.download(published), headers=beyond).status_code == 416

    def test_parts_and_caching_are_offered(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        headers = feed.send(kit.download(published)).headers
        assert headers["Accept-Ranges"] == "bytes"
        assert "immutable" in headers["Cache-Control"]


class ImmutabilityContract:
    """Test that a version, once published, stays what it is."""

    def test_other_bytes_under_one_version_are_refused(self, feed: Place, format: FeedFormat, kit: FormatKit) -> None:
        first, second = two_files_of_one_version(format, kit)
        publish(feed, kit, first)
        assert feed.send(kit.publish(second)).status_code in REFUSALS
        assert feed.send(kit.download(first)).data == first.content
        assert len(feed.get_package(first.name).versions) == 1

    def test_the_same_bytes_again_change_nothing(self, feed: Place, format: FeedFormat, kit: FormatKit) -> None:
        sample = publish(feed, kit, one_sample(format, kit))
        before = feed.get_package(sample.name).versions
        request = kit.publish(sample)
        assert feed.send(request).status_code in (*request.expect, *REFUSALS)
        assert feed.get_package(sample.name).versions == before

    def test_hostile_files_are_refused_and_leave_nothing(self, feed: Place, format: FeedFormat, kit: FormatKit) -> None:
        good, before = one_sample(format, kit), feed.serial()
        for what, content in kit.hostile.items():
            request = kit.publish(Sample(good.filename, content, good.name, good.version))
            response = feed.send(request)
            assert response.status_code in REFUSALS, f"{what!r}: {response.status_code} {response.text[:200]}"
        assert feed.package(good.name) is None
        assert feed.serial() == before


def _as_head(request: Request) -> Request:
    return replace(request, method="HEAD")
