"""Contract, part 0: the kit holds enough to prove something; an empty kit is a failure, not a pass."""
# ruff: noqa: D102 - the names of tests are sentences

from __future__ import annotations

from app.plugin import Feature, FeedFormat, FormatKit

NEEDED = {
    Feature.TAGS: "tag",
    Feature.DEPRECATE: "deprecate",
    Feature.UNLIST: "unlist",
    Feature.YANK: "yank",
    Feature.SEARCH: "search",
    Feature.UPSTREAM: "remote",
    Feature.VARIANTS: "variants",
    Feature.CLIENT_LOGIN: "login",
}


class CompletenessContract:
    """Test the kit itself, so that no other test passes for want of data."""

    def test_every_declared_feature_has_its_sample_data(self, format: FeedFormat, kit: FormatKit) -> None:
        missing = [field for feature, field in NEEDED.items() if feature in format.features and not getattr(kit, field)]
        assert not missing, f"{format.key} declares a feature whose kit data is empty: {missing}"

    def test_sample_data_of_a_feature_comes_with_its_declaration(self, format: FeedFormat, kit: FormatKit) -> None:
        silent = [field for feature, field in NEEDED.items() if getattr(kit, field) and feature not in format.features]
        assert not silent, f"{format.key} has kit data for a feature that it does not declare: {silent}"

    def test_the_pure_rules_have_sample_data(self, kit: FormatKit) -> None:
        for field in ("names", "bad_names", "bad_versions", "same_versions", "ranges", "choices", "specs"):
            assert getattr(kit, field), f"kit.{field} is empty"
        assert len(kit.names) >= 2
        assert {satisfied for _, _, satisfied in kit.ranges} == {True, False}

    def test_names_are_not_easily_taken_for_each_other(self, format: FeedFormat, kit: FormatKit) -> None:
        folded = {format.confusable_key(name) for name in kit.names}
        assert len(folded) == len(kit.names), "a feed refuses look-alikes of what it holds, so the kit needs others"

    def test_there_are_hostile_files_of_the_format_s_own_kind(self, kit: FormatKit) -> None:
        assert len(kit.hostile) >= 3

    def test_two_files_of_different_versions_differ(self, format: FeedFormat, kit: FormatKit) -> None:
        contents = {kit.make(kit.names[0], version).content for version in kit.order}
        assert len(contents) == len(kit.order)
