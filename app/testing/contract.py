"""The contract suite: everything that a format must do, as one pytest class.

Subclass it and give the format; this is all that a plugin's author writes::

    class TestPlain(FormatContract):
        @pytest.fixture(scope="class")
        @classmethod
        def format(cls) -> FeedFormat:
            return PlainFormat()
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from app.plugin import FeedFormat, FormatKit, Sample
from app.testing.access import AccessContract
from app.testing.completeness import CompletenessContract
from app.testing.conditions import is_about
from app.testing.features import FeatureContract
from app.testing.hygiene import HygieneContract, SnippetContract
from app.testing.identity import IdentityContract, OrderContract, RangeContract
from app.testing.promoting import NoPromotionContract, PromotionContract
from app.testing.pulling import UpstreamContract
from app.testing.reading import ReadingContract
from app.testing.serving import DownloadContract, ImmutabilityContract, ServingContract, publish
from app.testing.specimens import one_sample

if TYPE_CHECKING:
    from app.testing.stage import Place, Stage


class GivenFormat:
    """Hold the format under test."""

    @pytest.fixture(scope="class")
    @classmethod
    def format(cls) -> FeedFormat:
        """Give the format under test."""
        raise NotImplementedError("a subclass of the contract gives its format in a fixture called 'format'")

    @pytest.fixture(autouse=True)
    def left_out_where_it_says_nothing(self, request: pytest.FixtureRequest, format: FeedFormat) -> None:
        """Skip what is not about the format; with the pytest plugin such tests are not even collected."""
        if not is_about(request.function, format):
            pytest.skip(f"says nothing about {format.key}")

    @pytest.fixture(scope="class")
    @classmethod
    def kit(cls, format: FeedFormat) -> FormatKit:
        """Give the format's sample data."""
        return format.kit()


class RuleContract(
    CompletenessContract,
    IdentityContract,
    OrderContract,
    RangeContract,
    ReadingContract,
    UpstreamContract,
    SnippetContract,
    GivenFormat,
):
    """Test what needs no server: names, versions, ranges, files, remote sources, snippets."""


class ServerContract(
    ServingContract,
    DownloadContract,
    ImmutabilityContract,
    AccessContract,
    PromotionContract,
    NoPromotionContract,
    FeatureContract,
    HygieneContract,
    GivenFormat,
):
    """Test what a client sees: publishing, downloading, rights, promotion, features, every route."""

    @pytest.fixture(scope="class")
    @classmethod
    def stage(cls, format: FeedFormat, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
        """Give an installation that knows the format."""
        from app.testing.stage import Stage  # noqa: PLC0415 - the whole application, for these tests only

        made = Stage(format, tmp_path_factory.mktemp(format.key))
        yield made
        made.close()

    @pytest.fixture
    def feed(self, stage: Stage) -> Place:
        """Give a new feed; it is the source where something is promoted."""
        return stage.new_feed()

    @pytest.fixture
    def other_feed(self, stage: Stage) -> Place:
        """Give another new feed; it is the target where something is promoted."""
        return stage.new_feed()

    @pytest.fixture
    def public_feed(self, stage: Stage) -> Place:
        """Give a new feed that everybody may read."""
        return stage.new_feed(public=True)

    @pytest.fixture
    def published(self, feed: Place, format: FeedFormat, kit: FormatKit) -> Sample:
        """Publish one release to the feed as a client does."""
        return publish(feed, kit, one_sample(format, kit))


class FormatContract(RuleContract, ServerContract):
    """Prove a format: subclass it and give the format in a fixture of class scope called ``format``."""
