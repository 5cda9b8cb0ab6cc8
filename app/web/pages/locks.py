"""What whoever looks may not do for want of a right: pages show it locked, and one click says why."""

from __future__ import annotations

from collections.abc import Iterable

from app.domain.permissions import Permission
from app.domain.promotion import Accepts
from app.services import access
from app.services.plans import TargetChoice
from app.services.runtime import Work
from app.storage.models import Feed

Lock = tuple[str, str]
"""A permission's code and the name of the feed that it is missing on."""

_OF_FEED = {"manage": Permission.MANAGE_FEED, "download": Permission.DOWNLOAD_PACKAGE}
_OF_OPEN_FEED = {
    "upload": Permission.ADD_PACKAGE,
    "unlist": Permission.UNLIST_PACKAGE,
    "delete": Permission.DELETE_PACKAGE,
    "pull": Permission.PULL_PACKAGE,
}


def locked(work: Work, feed: Feed) -> dict[str, Lock]:
    """Give what is locked on a feed, by action; what the feed itself rules out is not about rights."""
    open_ = feed.active and feed.accepts != Accepts.PROMOTIONS
    wanted = _OF_FEED | (_OF_OPEN_FEED if open_ else {})
    return {
        action: (permission.value, feed.name)
        for action, permission in wanted.items()
        if not access.allowed(work, permission, feed)
    }


def locked_promotion(work: Work, feed: Feed, choices: Iterable[TargetChoice]) -> Lock | None:
    """Give what bars promoting from a feed to any other, where a right does: on the source, else on a target.

    No feed is named where whoever looks sees none to promote to.
    """
    if not access.allowed(work, Permission.DOWNLOAD_PACKAGE, feed):
        return Permission.DOWNLOAD_PACKAGE.value, feed.name
    known = list(choices)
    if any(choice.offered for choice in known):
        return None
    if not known:
        return Permission.ACCEPT_PROMOTIONS.value, ""
    targets = (choice.feed.name for choice in known if choice.code == "right")
    return next(((Permission.ACCEPT_PROMOTIONS.value, target) for target in targets), None)
