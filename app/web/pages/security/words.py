"""Attributes in plain words, in the groups that people look for them in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.permissions import LABELS, Permission

GROUPS = {
    "Feeds": "Feeds",
    "Admin": "Administration",
    "Credentials": "Credentials",
    "Licenses": "Licenses",
    "Projects": "Projects",
    "Vulnerabilities": "Vulnerabilities",
}
"""The groups by the beginning of an attribute's code, in the order that pages show them."""

EXPLAINED = {
    Permission.VIEW_FEED: "See the feed and its packages.",
    Permission.DOWNLOAD_PACKAGE: "Install packages from the feed, and promote from it.",
    Permission.DELETE_PACKAGE: "Delete packages and versions.",
    Permission.ADD_PACKAGE: "Publish to the feed, upload to it.",
    Permission.PULL_PACKAGE: "Bring packages in through the feed's connectors.",
    Permission.OVERWRITE_PACKAGE: "Replace a version's bytes, where the feed permits it.",
    Permission.ACCEPT_PROMOTIONS: "Promote packages into the feed.",
    Permission.UNLIST_PACKAGE: "Unlist versions and deprecate them.",
    Permission.MANAGE_CONNECTORS: "Set up where feeds fetch from.",
    Permission.MANAGE_FEED: "Change the feed and who may use it; stands for everything on the feed.",
    Permission.CONFIGURE: "Administer all of it; stands for everything, everywhere.",
    Permission.VIEW_SCHEDULED_TASKS: "See what runs at set times.",
    Permission.MANAGE_SCHEDULED_TASKS: "Change what runs at set times.",
    Permission.ASSESS_VULNERABILITIES: "Judge known vulnerabilities.",
    Permission.MANAGE_CREDENTIALS: "Change stored credentials.",
    Permission.VIEW_PASSWORDS: "Read stored passwords.",
    Permission.MANAGE_LICENSES: "Say which licences are accepted.",
    Permission.UPLOAD_SBOM: "Upload bills of materials.",
    Permission.VIEW_PROJECTS: "See projects.",
    Permission.MANAGE_PROJECTS: "Change projects.",
    Permission.RESOLVE_PROJECT_ISSUE: "Resolve issues of projects.",
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """Be one attribute as a page shows it."""

    permission: Permission
    label: str
    explained: str
    checked: bool = False


def group_of(permission: Permission) -> str:
    """Give the group that an attribute stands in."""
    return GROUPS[permission.value.partition("_")[0]]


def grouped(checked: Iterable[str] = ()) -> dict[str, list[Attribute]]:
    """Give every attribute by group, those that are chosen checked."""
    chosen = set(checked)
    found: dict[str, list[Attribute]] = {group: [] for group in GROUPS.values()}
    for permission, label in LABELS.items():
        attribute = Attribute(permission, label, EXPLAINED[permission], permission.value in chosen)
        found[group_of(permission)].append(attribute)
    return found
