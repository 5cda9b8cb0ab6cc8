"""A package in a feed: its versions, how each came here, where else each is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.plugin.records import PackageRecord, VersionRecord
from app.services import access, changes, newest, offers, packages, promotions, provenance
from app.services.offers import Offer
from app.services.runtime import Work
from app.services.sources import reach_of
from app.storage.models import Feed
from app.web.pages.feed import may, page_number
from app.web.pages.locks import locked, locked_promotion
from app.web.pages.session import page_work
from app.web.rendering import Paging

blueprint = Blueprint("package", __name__)
PER_PAGE = 50


@blueprint.get("/feeds/<feed_name>/packages/<path:name>")
def show(feed_name: str, name: str) -> str:
    """Show a package's versions, newest first.

    What the feed holds is shown at once; what its connectors offer beside is asked for by ``remote=yes``, which the
    page itself does, or where the feed holds nothing of that name.
    """
    work, page = page_work(), page_number()
    feed = access.get_feed(work, feed_name)
    package, offer = look(work, feed, name, remote=request.args.get("remote") == "yes")
    versions = package.versions[::-1]
    return render_template(
        "package/show.html",
        feed=feed,
        may=may(work, feed),
        locked=locked(work, feed),
        package=package,
        offer=offer,
        askable=offer is None and bool(reach_of(work, feed).links),
        versions=versions[(page - 1) * PER_PAGE : page * PER_PAGE],
        paging=Paging(page, PER_PAGE, len(versions)),
        shown=versions_shown(package),
        tags=tags_by_version(package),
        arrivals=provenance.arrivals(work, feed, package.key),
        places=provenance.places(work, feed.format, package.key),
        upstream=newest.of_package(work, feed, package.key),
        promotable=can_promote(work, feed),
        promotion_lock=locked_promotion(work, feed, promotions.target_choices(work, feed)),
    )


def look(work: Work, feed: Feed, name: str, *, remote: bool) -> tuple[PackageRecord, Offer | None]:
    """Give a package as people see it, with what connectors offer where that was asked; raise NotFound."""
    held = packages.find_package(work, feed, name)
    if held is not None and not remote:
        return held, None
    reach, feed_id = reach_of(work, feed), feed.id
    if not reach.links:
        return held or packages.get_package(work, feed, name), None
    found, offer = offers.of_feed(work, feed, reach, name)
    changes.note(work.runtime, feed_id, held, offer)
    if found is None:
        if offer.failures:
            raise offers.unreachable(name, " ".join(said for _, said in offer.failures))
        raise packages.unknown_package(feed, name)
    return found, offer


def versions_shown(package: PackageRecord) -> VersionRecord:
    """Give the version whose description stands for the package: the latest."""
    latest = packages.resolve_alias(package, packages.LATEST)
    return next((v for v in package.versions if v.version == latest), package.versions[-1])


def tags_by_version(package: PackageRecord) -> dict[str, list[str]]:
    """Give the tags of each version; the highest stable version is latest where nobody said otherwise."""
    tags = dict(package.tags)
    latest = packages.resolve_alias(package, packages.LATEST)
    if latest is not None:
        tags.setdefault(packages.LATEST, latest)
    found: dict[str, list[str]] = {}
    for tag, version in sorted(tags.items()):
        found.setdefault(version, []).append(tag)
    return found


def can_promote(work: Work, feed: Feed) -> bool:
    """Tell whether whoever looks may promote from a feed to any other."""
    return may(work, feed)["download"] and any(choice.offered for choice in promotions.target_choices(work, feed))


def promote_link(feed: Feed, name: str, version: str, **more: str) -> str:
    """Give the address of the promote dialog for one version."""
    query: dict[str, Any] = {"from": feed.name, "item": f"{name}@{version}", **more}
    return url_for("promote.dialog", **query)
