"""Contract, part 8: what a format says it can do beyond publishing and downloading, it does."""
# ruff: noqa: D102 - the names of tests are sentences

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from app.plugin import Feature, FeedFormat, FormatKit, Request, Sample
from app.plugin.records import VersionRecord
from app.testing.conditions import declares, only_where
from app.testing.serving import publish
from app.testing.specimens import one_sample, stable_versions

if TYPE_CHECKING:
    from app.testing.stage import Place, Stage

Given = TypeVar("Given")
_SECRET = re.compile(r"prm_[A-Za-z0-9_-]{20,}")


def _deletes(format: FeedFormat) -> bool:
    return format.kit().delete is not None


class FeatureContract:
    """Test every declared feature through the requests of a native client."""

    @declares(Feature.TAGS)
    def test_a_tag_names_a_version(self, feed: Place, format: FeedFormat, kit: FormatKit, published: Sample) -> None:
        tag = _given(kit.tag)
        _accepted(feed, tag(published, "tested"))
        assert feed.get_package(published.name).tags["tested"] == published.version

    @declares(Feature.DEPRECATE)
    def test_a_version_is_deprecated_with_a_message(
        self, feed: Place, format: FeedFormat, kit: FormatKit, published: Sample
    ) -> None:
        deprecate = _given(kit.deprecate)
        for request in deprecate(published, "use another one"):
            _accepted(feed, request)
        assert _only_version(feed, published).deprecated == "use another one"

    @declares(Feature.UNLIST)
    def test_an_unlisted_version_can_still_be_downloaded(
        self, feed: Place, format: FeedFormat, kit: FormatKit, published: Sample
    ) -> None:
        unlist = _given(kit.unlist)
        _accepted(feed, unlist(published))
        assert _only_version(feed, published).listed is False
        assert feed.send(kit.download(published)).data == published.content

    @declares(Feature.YANK)
    def test_a_yanked_version_is_kept_and_served_to_nobody(
        self, feed: Place, format: FeedFormat, kit: FormatKit, published: Sample
    ) -> None:
        yank = _given(kit.yank)
        _accepted(feed, yank(published))
        assert _only_version(feed, published).listed is False
        assert feed.send(kit.download(published)).status_code in (403, 404)
        listing = feed.send(kit.listing(published.name))
        assert listing.status_code == 404 or not kit.shows(listing.data, published.version)

    @declares(Feature.SEARCH)
    def test_searching_finds_what_there_is_and_nothing_else(
        self, feed: Place, format: FeedFormat, kit: FormatKit, published: Sample
    ) -> None:
        search = _given(kit.search)
        word = re.split(r"[^A-Za-z0-9]", published.name)[-1]
        found, missed = feed.send(search(word)), feed.send(search("zzznothingzzz"))
        assert found.status_code == missed.status_code == 200
        assert word.lower() in found.text.lower()
        assert word.lower() not in missed.text.lower()

    @declares(Feature.SEARCH)
    def test_any_text_can_be_searched_for(
        self, feed: Place, format: FeedFormat, kit: FormatKit, published: Sample
    ) -> None:
        search = _given(kit.search)
        for text in ("", "%", "_", "'", '"', "\\", "a" * 5000, "\u00e4", "%00", "*", "&", "#"):
            assert feed.send(search(text)).status_code < 500, text[:20]

    @declares(Feature.VARIANTS)
    def test_the_files_of_one_version_stand_side_by_side(self, feed: Place, format: FeedFormat, kit: FormatKit) -> None:
        variants = _given(kit.variants)
        files = variants(kit.names[0], stable_versions(format, kit, 1)[0])
        assert len(files) >= 2
        for variant in files:
            publish(feed, kit, variant)
        for variant in files:
            assert feed.send(kit.download(variant)).data == variant.content
        assert len(_only_version(feed, files[0]).files) == len(files)

    @declares(Feature.CLIENT_LOGIN)
    def test_a_client_signs_in_and_gets_a_key(
        self, stage: Stage, feed: Place, format: FeedFormat, kit: FormatKit
    ) -> None:
        login = _given(kit.login)
        name, password = f"ada-{feed.name}", "correct horse battery"
        stage.new_user(feed.name, name, password)
        request = login(name, password)
        response = feed.send(request, "anonymous")
        assert response.status_code in request.expect, response.text[:200]
        secret = _SECRET.search(response.text)
        assert secret is not None, "signing in gives no key"
        feed.publish(one_sample(format, kit))
        listing = feed.send(kit.listing(kit.names[0]), "anonymous", {"X-ApiKey": secret[0]})
        assert listing.status_code == 200

    @declares(Feature.CLIENT_LOGIN)
    def test_a_wrong_password_gets_no_key(self, stage: Stage, feed: Place, format: FeedFormat, kit: FormatKit) -> None:
        login = _given(kit.login)
        stage.new_user(feed.name, f"bob-{feed.name}", "correct horse battery")
        response = feed.send(login(f"bob-{feed.name}", "wrong horse battery"), "anonymous")
        assert response.status_code in (401, 403)
        assert _SECRET.search(response.text) is None

    @only_where(_deletes)
    def test_a_deleted_version_is_gone(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        for request in _given(kit.delete)(published):
            _accepted(feed, request)
        listing = feed.send(kit.listing(published.name))
        assert listing.status_code == 404 or not kit.shows(listing.data, published.version)
        assert feed.send(kit.download(published)).status_code in (403, 404)

    @only_where(_deletes)
    def test_a_reader_deletes_nothing(self, feed: Place, kit: FormatKit, published: Sample) -> None:
        last = _given(kit.delete)(published)[-1]
        assert feed.send(last, "reader").status_code == 403
        assert feed.digest(published) is not None


def _given(request: Given | None) -> Given:
    assert request is not None, "a feature is declared, and the kit has nothing to test it with"
    return request


def _accepted(feed: Place, request: Request) -> None:
    response = feed.send(request)
    assert response.status_code in request.expect, response.text[:300]


def _only_version(feed: Place, sample: Sample) -> VersionRecord:
    versions = feed.get_package(sample.name).versions
    assert len(versions) == 1
    return versions[0]
