"""Contract, part 5: a promotion copies a version as it is, completely, once, and writes that down."""
# ruff: noqa: D102 - the names of tests are sentences

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.plugin import AppError, Conflict, Feature, FeedFormat, FormatKit, Sample
from app.testing.conditions import declares, only_where
from app.testing.specimens import one_sample, stable_versions, two_files_of_one_version

if TYPE_CHECKING:
    from app.testing.stage import Place, Stage


@only_where(lambda format: format.promotable)
class PromotionContract:
    """Test promotion between two feeds of the format."""

    @pytest.fixture
    def releases(self, format: FeedFormat, kit: FormatKit, feed: Place) -> list[Sample]:
        """Publish three releases of one package to the source, ascending."""
        made = [kit.make(kit.names[0], version) for version in stable_versions(format, kit, 3)]
        for sample in made:
            feed.publish(sample)
        return made

    def test_bytes_and_manifest_arrive_as_they_were(
        self, stage: Stage, kit: FormatKit, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        stage.promote(feed, other_feed, releases[0])
        here, there = (each.get_package(releases[0].name).versions[0] for each in (feed, other_feed))
        assert there.files == here.files
        assert (there.version, there.normalized, there.key) == (here.version, here.normalized, here.key)
        assert other_feed.send(kit.download(releases[0])).data == releases[0].content

    @declares(Feature.VARIANTS)
    def test_every_variant_arrives(
        self, stage: Stage, kit: FormatKit, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        assert kit.variants is not None
        variants = kit.variants(kit.names[1], releases[0].version)
        for variant in variants:
            feed.publish(variant)
        stage.promote(feed, other_feed, variants[0])
        assert len(other_feed.get_package(variants[0].name).versions[0].files) == len(variants)
        for variant in variants:
            assert other_feed.send(kit.download(variant)).data == variant.content

    def test_the_target_lists_what_was_promoted_and_nothing_else(
        self, stage: Stage, kit: FormatKit, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        first, second, third = releases
        request = kit.listing(first.name)
        other_feed.send(request)
        stage.promote(feed, other_feed, second)
        body = other_feed.send(request).data
        assert [kit.shows(body, sample.version) for sample in releases] == [False, True, False]
        stage.promote(feed, other_feed, first, third)
        body = other_feed.send(request).data
        assert [kit.shows(body, sample.version) for sample in releases] == [True, True, True]

    def test_the_source_stays_as_it_was(
        self, stage: Stage, kit: FormatKit, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        request = kit.listing(releases[0].name)
        before = feed.serial(), feed.get_package(releases[0].name), feed.send(request).data
        stage.promote(feed, other_feed, *releases)
        assert (feed.serial(), feed.get_package(releases[0].name), feed.send(request).data) == before

    def test_promoting_again_changes_nothing(
        self, stage: Stage, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        stage.promote(feed, other_feed, *releases)
        before = other_feed.serial(), other_feed.get_package(releases[0].name)
        assert stage.promote(feed, other_feed, *releases).promotion is None
        assert (other_feed.serial(), other_feed.get_package(releases[0].name)) == before

    def test_other_bytes_in_the_target_stay_and_nothing_of_the_promotion_arrives(
        self, stage: Stage, format: FeedFormat, kit: FormatKit, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        mine, theirs = two_files_of_one_version(format, kit, kit.names[1])
        feed.publish(mine)
        other_feed.publish(theirs)
        before = other_feed.serial()
        with pytest.raises(Conflict):
            stage.promote(feed, other_feed, releases[0], mine)
        held = other_feed.digest(theirs)
        assert held is not None
        assert other_feed.read(held) == theirs.content
        assert other_feed.package(releases[0].name) is None
        assert other_feed.serial() == before

    def test_history_says_who_promoted_what_and_why(
        self, stage: Stage, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        stage.promote(feed, other_feed, *releases, comments="tested on stage")
        lines = stage.history(other_feed)
        assert {(line.name, line.version) for line in lines} == {(s.name, s.version) for s in releases}
        for line in lines:
            record = line.promotion
            assert (record.source_name, record.target_name) == (feed.name, other_feed.name)
            assert (record.actor, record.comments) == ("contract suite", "tested on stage")
            assert line.digest

    def test_latest_is_the_newest_release_whatever_came_last(
        self, stage: Stage, format: FeedFormat, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        older, _, newest = releases
        stage.promote(feed, other_feed, newest)
        stage.promote(feed, other_feed, older)
        found = other_feed.get_package(newest.name)
        assert (found.latest, found.latest_stable) == (newest.version, newest.version)

    def test_a_version_can_be_named_in_each_of_its_spellings(
        self, stage: Stage, kit: FormatKit, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        for one, other in kit.same_versions:
            sample = kit.make(kit.names[1], one)
            feed.publish(sample)
            stage.promote(feed, other_feed, Sample(sample.filename, b"", sample.name, other))
            assert other_feed.digest(sample) == feed.digest(sample)
            feed.forget(sample)
            other_feed.forget(sample)

    def test_a_version_that_is_not_there_cannot_be_promoted(
        self, stage: Stage, kit: FormatKit, feed: Place, other_feed: Place, releases: list[Sample]
    ) -> None:
        absent = kit.make(kit.names[1], releases[0].version)
        with pytest.raises(AppError):
            stage.promote(feed, other_feed, releases[0], absent)
        assert other_feed.package(releases[0].name) is None


@only_where(lambda format: not format.promotable)
class NoPromotionContract:
    """Test that a format that cannot be promoted is refused with its reason."""

    def test_what_is_not_promotable_is_refused_with_its_reason(
        self, stage: Stage, format: FeedFormat, kit: FormatKit, feed: Place, other_feed: Place
    ) -> None:
        sample = one_sample(format, kit)
        feed.publish(sample)
        with pytest.raises(AppError) as refusal:
            stage.promote(feed, other_feed, sample)
        assert format.why_not_promotable in refusal.value.message
        assert other_feed.package(sample.name) is None
