"""Contract, part 1: a format knows itself, its names and the order of its versions."""
# ruff: noqa: D102 - the names of tests are sentences

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations, pairwise

import pytest

from app.plugin import AppError, Feature, FeedFormat, FormatKit, InvalidPackage, SpecKind
from app.testing.specimens import NASTY_TEXTS

LONGEST_KEY = 1000
_WORD = re.compile(r"[a-z][a-z0-9-]{0,29}")


class IdentityContract:
    """Test what a format is called, and when two names are one package."""

    def test_key_prefix_and_purl_type_are_plain_words(self, format: FeedFormat) -> None:
        for word in (format.key, format.prefix, format.purl_type):
            assert _WORD.fullmatch(word), f"{word!r} goes into addresses: use small letters, digits and '-'"

    def test_the_title_and_the_class_are_written_for_people(self, format: FeedFormat) -> None:
        assert format.title.strip()
        assert (type(format).__doc__ or "").strip(), "the format's class needs a docstring: it is shown to people"

    def test_aliases_do_not_repeat_the_key(self, format: FeedFormat) -> None:
        assert format.key not in format.aliases
        assert len(set(format.aliases)) == len(format.aliases)

    def test_what_is_not_promotable_says_why(self, format: FeedFormat) -> None:
        assert format.promotable or len(format.why_not_promotable) > 20

    def test_every_good_name_has_a_key(self, format: FeedFormat, kit: FormatKit) -> None:
        for name in kit.names:
            assert format.name_key(name)
            assert len(format.name_key(name)) <= LONGEST_KEY

    def test_different_names_have_different_keys(self, format: FeedFormat, kit: FormatKit) -> None:
        same = {frozenset(pair) for pair in kit.same_names}
        for one, other in combinations(kit.names, 2):
            if frozenset((one, other)) not in same:
                assert format.name_key(one) != format.name_key(other), f"{one!r} and {other!r} are two packages"

    def test_spellings_of_one_name_share_both_keys(self, format: FeedFormat, kit: FormatKit) -> None:
        for one, other in kit.same_names:
            assert format.name_key(one) == format.name_key(other)
            assert format.confusable_key(one) == format.confusable_key(other)

    def test_bad_names_are_refused(self, format: FeedFormat, kit: FormatKit) -> None:
        for name in kit.bad_names:
            with pytest.raises(InvalidPackage):
                pytest.fail(f"{name!r} was taken as {format.name_key(name)!r}")

    def test_any_text_is_a_name_or_is_refused(self, format: FeedFormat) -> None:
        for text in NASTY_TEXTS:
            _key_or_refusal(format.name_key, text)

    def test_a_split_name_can_be_joined_again(self, format: FeedFormat, kit: FormatKit) -> None:
        for name in kit.names:
            assert format.join_name(*format.split_name(name)) == name

    def test_groups_are_shown_where_they_are_declared(self, format: FeedFormat, kit: FormatKit) -> None:
        grouped = [name for name in kit.names if format.split_name(name)[0]]
        assert bool(grouped) == (Feature.GROUPS in format.features), "declare Feature.GROUPS, and show it in kit.names"


class OrderContract:
    """Test that ``version_key`` is the order of versions and their identity."""

    def test_the_chain_is_long_enough_to_prove_an_order(self, kit: FormatKit) -> None:
        assert len(kit.order) >= 15
        assert len(set(kit.order)) == len(kit.order)

    def test_keys_ascend_along_the_chain(self, format: FeedFormat, kit: FormatKit) -> None:
        for older, newer in pairwise(kit.order):
            assert format.version_key(older).encode() < format.version_key(newer).encode(), f"{older} is below {newer}"

    def test_keys_are_short_ascii(self, format: FeedFormat, kit: FormatKit) -> None:
        for version in kit.order:
            key = format.version_key(version)
            assert re.fullmatch(r"[\x20-\x7e]+", key), f"the key {key!r} is no printable ASCII"
            assert len(key) <= LONGEST_KEY

    def test_spellings_of_one_version_share_a_key(self, format: FeedFormat, kit: FormatKit) -> None:
        for one, other in kit.same_versions:
            assert one != other
            assert format.version_key(one) == format.version_key(other), f"{one} and {other} are one version"

    def test_the_normal_form_is_the_same_version_and_stays_as_it_is(self, format: FeedFormat, kit: FormatKit) -> None:
        for version in (*kit.order, *(v for pair in kit.same_versions for v in pair)):
            normal = format.normalize(version)
            assert format.normalize(normal) == normal
            assert format.version_key(normal) == format.version_key(version)

    def test_prereleases_are_told_from_releases(self, format: FeedFormat, kit: FormatKit) -> None:
        for version in kit.prereleases:
            assert format.is_prerelease(version) is True, version
        assert any(format.is_prerelease(version) is False for version in kit.order)

    def test_bad_versions_are_refused(self, format: FeedFormat, kit: FormatKit) -> None:
        for version in kit.bad_versions:
            with pytest.raises(InvalidPackage):
                pytest.fail(f"{version!r} was taken as {format.version_key(version)!r}")

    def test_any_text_is_a_version_or_is_refused(self, format: FeedFormat) -> None:
        for text in NASTY_TEXTS:
            _key_or_refusal(format.version_key, text)


class RangeContract:
    """Test that ranges mean what the format's client takes them to mean."""

    def test_versions_satisfy_ranges_as_the_client_decides(self, format: FeedFormat, kit: FormatKit) -> None:
        for version, range, satisfied in kit.ranges:
            assert format.satisfies(version, range) is satisfied, f"{version} in {range!r}"

    def test_the_client_s_choice_is_made(self, format: FeedFormat, kit: FormatKit) -> None:
        for candidates, range, chosen in kit.choices:
            assert format.choose(candidates, range) == chosen, f"of {candidates} for {range!r}"

    def test_nothing_is_chosen_from_nothing(self, format: FeedFormat, kit: FormatKit) -> None:
        for _, range, _ in kit.choices:
            assert format.choose([], range) is None

    def test_the_choice_does_not_hang_on_the_order_of_candidates(self, format: FeedFormat, kit: FormatKit) -> None:
        for candidates, range, chosen in kit.choices:
            assert format.choose(list(reversed(candidates)), range) == chosen

    def test_dependency_texts_are_classified(self, format: FeedFormat, kit: FormatKit) -> None:
        for text, kind in kit.specs:
            spec = format.classify(text)
            assert spec.kind is kind, f"{text!r} is a {kind}"
            assert spec.kind is not SpecKind.UNRESOLVABLE or spec.reason, f"say why {text!r} cannot be resolved"

    def test_classifying_never_fails(self, format: FeedFormat) -> None:
        for text in NASTY_TEXTS:
            assert isinstance(format.classify(text).kind, SpecKind)

    def test_any_text_is_a_range_or_is_refused(self, format: FeedFormat, kit: FormatKit) -> None:
        for text in NASTY_TEXTS:
            try:
                assert format.satisfies(kit.order[-1], text) in (True, False)
            except AppError:
                continue


def _key_or_refusal(make: Callable[[str], str], text: str) -> None:
    try:
        key = make(text)
    except InvalidPackage:
        return
    assert 0 < len(key) <= LONGEST_KEY, f"{text[:60]!r} has the key {key[:60]!r}"
