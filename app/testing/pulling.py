"""Contract, part 6: what a remote source offers, where the format knows remote sources."""
# ruff: noqa: D102 - the names of tests are sentences

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest

from app.plugin import AppError, Feature, FeedFormat, FormatKit, NotFound, Sample, Upstream
from app.testing.conditions import declares
from app.testing.fakes import FakeHttp
from app.testing.specimens import stable_versions

REMOTE = "https://upstream.example"
GARBAGE = (
    b"",
    b"[",
    b"null",
    b"[]",
    b"{}",
    b"7",
    b'"x"',
    b"<!doctype html>",
    b"[" * 50_000,
    b'[{"name":1}]',
    b"\xff\xfe",
)


class UpstreamContract:
    """Test that a remote source's versions are found, and that a broken source is an error and not a crash."""

    @pytest.fixture
    def offered(self, format: FeedFormat, kit: FormatKit) -> list[Sample]:
        """Give what the remote source offers."""
        return [kit.make(kit.names[0], version) for version in stable_versions(format, kit, 3)]

    def test_only_who_declares_it_knows_remote_sources(self, format: FeedFormat) -> None:
        given = format.upstream(REMOTE, FakeHttp({}))
        assert (given is not None) == (Feature.UPSTREAM in format.features)

    @declares(Feature.UPSTREAM)
    def test_every_version_is_offered_oldest_first(
        self, format: FeedFormat, kit: FormatKit, offered: list[Sample]
    ) -> None:
        found = _upstream(format, kit, list(reversed(offered))).versions(offered[0].name)
        assert [version.version for version in found] == [sample.version for sample in offered]
        keys = [format.version_key(version.version) for version in found]
        assert all(older < newer for older, newer in pairwise(keys))

    @declares(Feature.UPSTREAM)
    def test_files_are_where_the_source_says_and_have_its_digests(
        self, format: FeedFormat, kit: FormatKit, offered: list[Sample]
    ) -> None:
        http = FakeHttp(_remote(kit, offered))
        for version, sample in zip(_upstream(format, kit, offered).versions(offered[0].name), offered, strict=True):
            assert version.files, f"{version.version} has no file"
            body = http.get_bytes(version.files[0].url)
            assert body == sample.content
            for name, digest in version.files[0].digests.items():
                assert hashlib.new(name, body).hexdigest() == digest

    @declares(Feature.UPSTREAM)
    def test_a_slash_after_the_address_does_not_matter(
        self, format: FeedFormat, kit: FormatKit, offered: list[Sample]
    ) -> None:
        with_slash = format.upstream(REMOTE + "/", FakeHttp(_remote(kit, offered)))
        assert with_slash is not None
        assert len(with_slash.versions(offered[0].name)) == len(offered)

    @declares(Feature.UPSTREAM)
    def test_a_package_that_the_source_lacks_is_not_found(
        self, format: FeedFormat, kit: FormatKit, offered: list[Sample]
    ) -> None:
        with pytest.raises(NotFound):
            _upstream(format, kit, offered).versions(kit.names[1])

    @declares(Feature.UPSTREAM)
    def test_a_source_that_talks_garbage_is_an_error_or_offers_nothing(
        self, format: FeedFormat, kit: FormatKit, offered: list[Sample]
    ) -> None:
        for garbage in GARBAGE:
            documents = dict.fromkeys(_remote(kit, offered), garbage)
            upstream = format.upstream(REMOTE, FakeHttp(documents))
            assert upstream is not None
            try:
                found = upstream.versions(offered[0].name)
            except AppError:
                continue
            assert not found, f"{garbage[:20]!r} was taken as {found!r:.200}"


def _remote(kit: FormatKit, offered: list[Sample]) -> dict[str, bytes]:
    assert kit.remote is not None, "a format with Feature.UPSTREAM needs kit.remote"
    return dict(kit.remote(offered))


def _upstream(format: FeedFormat, kit: FormatKit, offered: list[Sample]) -> Upstream:
    found = format.upstream(REMOTE, FakeHttp(_remote(kit, offered)))
    assert found is not None, "a format with Feature.UPSTREAM needs upstream()"
    return found
