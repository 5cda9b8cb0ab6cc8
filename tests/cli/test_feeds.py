"""Feeds by command."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Promontory


def test_a_feed_is_created_with_its_settings(promontory: Promontory) -> None:
    promontory(
        "feed", "create", "prod", "--format", "npm", "--promotions-only", "--require-comments", "--allow-overwrite"
    )
    made = promontory.json(
        "feed", "create", "dev", "--format", "NPM", "--group", "Team", "--description", "d", "--promote-to", "prod"
    )
    assert made == {
        "name": "dev",
        "feedType": "npm",
        "description": "d",
        "active": True,
        "feedGroup": "Team",
        "acceptsPromotionsOnly": False,
        "promoteToFeed": ["prod"],
        "promotionDisabled": False,
        "allowOverwrite": False,
        "commentsRequired": False,
        "connectors": [],
        "remote": "browse",
        "reservedNames": [],
        "allowedNames": [],
        "packages": 0,
        "versions": 0,
        "downloads": 0,
    }
    shown = promontory.json("feed", "show", "PROD")
    assert (shown["acceptsPromotionsOnly"], shown["commentsRequired"], shown["allowOverwrite"]) == (True, True, True)
    assert "promotions only; overwriting allowed; comments required" in promontory("feed", "show", "prod")


def test_what_is_not_named_stays(promontory: Promontory) -> None:
    promontory("feed", "create", "dev", "--format", "npm", "--group", "Team", "--promotions-only", "--no-promotion")
    before = promontory.json("feed", "show", "dev")
    assert promontory.json("feed", "set", "dev", "--description", "new") == {**before, "description": "new"}


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (("--name", "other"), {"name": "other"}),
        (("--group", ""), {"feedGroup": None}),
        (("--inactive",), {"active": False}),
        (("--accept-anything",), {"acceptsPromotionsOnly": False}),
        (("--promote-anywhere",), {"promotionDisabled": False}),
        (("--promote-to", "prod"), {"promotionDisabled": False, "promoteToFeed": ["prod"]}),
        (("--allow-overwrite",), {"allowOverwrite": True}),
        (("--require-comments",), {"commentsRequired": True}),
    ],
)
def test_each_setting_changes_alone(promontory: Promontory, words: tuple[str, ...], changed: dict[str, object]) -> None:
    promontory("feed", "create", "prod", "--format", "npm")
    promontory("feed", "create", "dev", "--format", "npm", "--group", "Team", "--promotions-only", "--no-promotion")
    before = promontory.json("feed", "show", "dev")
    assert promontory.json("feed", "set", "dev", *words) == {**before, **changed}


def test_two_rules_of_promotion_at_once_are_refused(promontory: Promontory) -> None:
    promontory("feed", "create", "dev", "--format", "npm")
    assert "Say one of" in promontory.refused("feed", "set", "dev", "--no-promotion", "--promote-anywhere")


def test_a_feed_of_an_unknown_format_is_refused(promontory: Promontory) -> None:
    assert "no format 'cobol'" in promontory.refused("feed", "create", "dev", "--format", "cobol")


def test_a_feed_with_an_impossible_name_is_refused(promontory: Promontory) -> None:
    assert "not possible" in promontory.refused("feed", "create", "a/b", "--format", "npm")


def test_a_feed_is_deleted_with_what_it_holds(stocked: Promontory) -> None:
    assert "with 3 versions" in stocked("feed", "delete", "npm-dev", "--yes")
    assert [feed["name"] for feed in stocked.json("feed", "list")] == ["npm-prod"]


def test_feed_groups_are_made_renamed_and_deleted(promontory: Promontory) -> None:
    promontory("feed-group", "create", "Payments")
    promontory("feed", "create", "dev", "--format", "npm", "--group", "Payments")
    promontory("feed-group", "rename", "Payments", "Billing")
    assert promontory.json("feed-group", "list") == [{"name": "Billing", "feeds": ["dev"]}]
    assert "1 feeds" in promontory.refused("feed-group", "delete", "Billing")
    promontory("feed-group", "delete", "Billing", "--yes")
    assert promontory.json("feed-group", "list") == []
    assert promontory.json("feed", "show", "dev")["feedGroup"] is None
