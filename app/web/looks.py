"""What states, outcomes and formats look like: a hue, an icon and a word each, never colour alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Look:
    """Hold how one state is shown: a hue of app.css (ok, warn, bad, info, early, calm), an icon, a word."""

    hue: str
    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class Tile:
    """Hold the small mark of a format: its label of at most three letters, its title, its hue in app.css."""

    label: str
    title: str
    hue: str


STATES: Mapping[str, Look] = MappingProxyType(
    {
        # plain hues
        "ok": Look("ok", "circle-check", "Fine"),
        "warn": Look("warn", "alert-triangle", "Attention"),
        "bad": Look("bad", "ban", "Failed"),
        "info": Look("info", "info-circle", "Note"),
        "early": Look("early", "flask", "Early"),
        "calm": Look("calm", "point", "Neutral"),
        # of a version
        "local": Look("calm", "database", "local"),
        "cached": Look("calm", "cloud-check", "cached"),
        "remote": Look("calm", "cloud", "remote"),
        "latest": Look("info", "tag", "latest"),
        "tag": Look("info", "tag", "tag"),
        "prerelease": Look("early", "flask", "prerelease"),
        "unlisted": Look("warn", "eye-off", "unlisted"),
        "deprecated": Look("warn", "alert-triangle", "deprecated"),
        "newer": Look("early", "cloud-down", "newer"),
        "satisfied": Look("ok", "circle-check", "in this feed"),
        "next-stage": Look("info", "stairs-up", "in the next stage"),
        "absent": Look("bad", "help-circle", "missing"),
        # of a feed or a connector
        "promotions-only": Look("calm", "shield-lock", "Promotions only"),
        "deactivated": Look("warn", "power", "deactivated"),
        "ahead": Look("info", "arrow-up-right", "ahead"),
        "behind": Look("warn", "clock-pause", "behind"),
        "same": Look("calm", "equal", "same"),
        "healthy": Look("ok", "plug-connected", "healthy"),
        "failing": Look("bad", "plug-connected-x", "failing"),
        "unknown": Look("calm", "help-circle", "not asked yet"),
        "changed": Look("bad", "alert-triangle", "changed upstream"),
        # of a version in a pull
        "pull": Look("info", "cloud-down", "Pull"),
        "held": Look("dim", "equal", "Already here"),
        "kept": Look("bad", "shield-lock", "Name kept"),
        "missing": Look("bad", "help-circle", "Missing"),
        "elsewhere": Look("calm", "link", "From elsewhere"),
        # of a promotion record
        "promoted": Look("ok", "circle-check", "Promoted"),
        "undo": Look("warn", "arrow-back-up", "Undo"),
        "undone": Look("calm", "arrow-back-up", "Undone"),
        "verified": Look("ok", "link", "history chain verified"),
        # of a plugin, a key, a job, a user, a task
        "loaded": Look("ok", "circle-check", "loaded"),
        "skipped": Look("bad", "plug-connected-x", "skipped"),
        "built-in": Look("calm", "package", "built in"),
        "custom": Look("calm", "pencil", "custom"),
        "expired": Look("warn", "hourglass", "expired"),
        "active": Look("ok", "circle-check", "active"),
        "disabled": Look("warn", "power", "disabled"),
        "granted": Look("ok", "circle-check", "granted"),
        "restricted": Look("bad", "ban", "restricted"),
        "running": Look("info", "loader-2", "running"),
        "waiting": Look("calm", "hourglass", "waiting"),
        "done": Look("ok", "circle-check", "done"),
        "failed": Look("bad", "alert-triangle", "failed"),
        "cancelled": Look("calm", "x", "cancelled"),
        "allowed": Look("ok", "circle-check", "Allowed"),
        "denied": Look("bad", "ban", "Denied"),
    }
)

OUTCOMES: Mapping[str, Look] = MappingProxyType(
    {
        "add": Look("ok", "circle-plus", "Add"),
        "unchanged": Look("dim", "equal", "Already there"),
        "conflict": Look("bad", "git-compare", "Conflict"),
        "remote": Look("warn", "cloud-down", "Remote"),
        "missing": Look("bad", "help-circle", "Missing"),
        "refused": Look("bad", "ban", "Refused"),
    }
)

_TROUBLE_FIRST = ("conflict", "refused", "missing", "remote", "add", "unchanged")

_TILES: Mapping[str, Tile] = MappingProxyType(
    {
        "npm": Tile("npm", "npm", "orange"),
        "nuget": Tile("Nu", "NuGet", "blue"),
        "rubygems": Tile("gem", "RubyGems", "rose"),
        "gem": Tile("gem", "RubyGems", "rose"),
        "universal": Tile("up", "Universal", "teal"),
        "upack": Tile("up", "Universal", "teal"),
    }
)

_SPARE_HUES = ("violet", "olive", "slate", "teal", "blue", "rose", "orange")


def look_of(state: str) -> Look:
    """Give the look of a state; an unknown one is shown calmly under its own name."""
    return STATES.get(state) or Look("calm", "point", state)


def outcome_look(outcome: str) -> Look:
    """Give the look of a plan item's outcome (``app.domain.promotion.Outcome``)."""
    return OUTCOMES.get(str(outcome)) or Look("calm", "point", str(outcome))


def format_tile(key: str, title: str = "") -> Tile:
    """Give the tile of a format; one that is not built in gets its first letters and a steady hue of its own."""
    known = _TILES.get(key.lower())
    if known is not None:
        return known
    steady = hashlib.sha256(key.encode()).digest()[0] % len(_SPARE_HUES)
    return Tile(key[:3].lower() or "?", title or key, _SPARE_HUES[steady])


class HasOutcome(Protocol):
    """Be an item of a plan, as far as its order on the page is concerned."""

    @property
    def outcome(self) -> str:
        """Give the outcome's name."""


Item = TypeVar("Item", bound=HasOutcome)


def trouble_first(items: Iterable[Item]) -> list[Item]:
    """Order plan items as a lead reads them: trouble, then additions, then what is already there."""
    rank = {name: number for number, name in enumerate(_TROUBLE_FIRST)}
    return sorted(items, key=lambda item: rank.get(str(item.outcome), len(rank)))
