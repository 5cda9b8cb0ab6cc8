"""Feeds by API: list, describe, create, change and delete them, in the vendor's shape with our settings beside it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import Response, current_app, request

from app.domain.connectors import RemoteUse
from app.domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.domain.permissions import Permission
from app.domain.promotion import Accepts, PromoteTo
from app.plugin.web import json_response, text_response
from app.services import access, feeds
from app.services.feeds import FeedChange
from app.services.runtime import Work
from app.storage.models import Feed
from app.web.addresses import Addresses, KnownFeed
from app.web.api.answers import as_bad_request, make_blueprint
from app.web.api.calls import Fields, receive

blueprint = make_blueprint("feeds", "/api/management/feeds")

# Settings of the contract that do not exist here, as they are answered. Sending them back, or any flag, changes
# nothing; asking for more is refused, because a client that believes in a filter or a rule must not be left to.
_ABSENT: Mapping[str, Any] = MappingProxyType(
    {
        "alternateNames": [],
        "allowedLicenses": [],
        "blockedLicenses": [],
        "vulnerabilitySources": [],
        "retentionRules": [],
        "packageFilters": {},
        "packageAccessRules": {},
        "variables": {},
    }
)
_REFUSED = (*_ABSENT, "dropPath", "packagesPath", "packageStore", "variableDictionary")
_ABSENT_FLAGS = (
    "symbolServerEnabled", "stripSymbols", "stripSource", "restrictPackageStatistics",
    "deploymentRecordsEnabled", "usageRecordsEnabled", "vulnerabilitiesEnabled", "licensesEnabled", "useWithProjects",
    "retentionRulesEnabled",
)  # fmt: skip


# Read -------------------------------------------------------------------------------------------------


@blueprint.get("/list", strict_slashes=False)
def list_feeds() -> Response:
    """Give the feeds that the caller may view; a wrong key views none, which is no error here."""
    try:
        work = receive().work
    except Unauthenticated:
        return json_response([])
    return json_response([_describe(work, feed) for feed in access.visible_feeds(work)])


@blueprint.get("/get/<name>", strict_slashes=False)
def get_feed(name: str) -> Response:
    """Describe one feed."""
    work = receive().work
    return json_response(_describe(work, access.get_feed(work, name)))


def _describe(work: Work, feed: Feed) -> dict[str, Any]:
    can_publish = access.allowed(work, Permission.ADD_PACKAGE, feed) and feed.accepts != Accepts.PROMOTIONS
    return {
        "name": feed.name,
        "feedType": feed.format,
        "description": feed.description,
        "active": feed.active,
        "feedGroup": feed.group.name if feed.group else "",
        "endpointUrl": _endpoint(work, feed),
        "canPublish": can_publish,
        "packageStatisticsEnabled": True,
        "connectors": [link.connector.name for link in feed.links],
        "cacheConnectors": feed.remote == RemoteUse.CACHE,
        **dict.fromkeys(_ABSENT_FLAGS, False),
        **_ABSENT,
        "promoteToFeed": [target.name for target in feed.targets],
        "promotionDisabled": feed.promote_to == PromoteTo.DISABLED,
        "acceptsPromotionsOnly": feed.accepts == Accepts.PROMOTIONS,
        "allowOverwrite": feed.allow_overwrite,
        "commentsRequired": feed.comments_required,
        "remotePackages": str(feed.remote),
        "reservedNames": list(feed.reserved_names),
        "allowedNames": list(feed.allowed_names),
    }


def _endpoint(work: Work, feed: Feed) -> str:
    addresses: Addresses = current_app.extensions["promontory.addresses"]
    format = work.runtime.plugins.formats.get(feed.format)
    known = KnownFeed(feed.name, f"/{format.prefix if format else feed.format}/{feed.name}")
    return addresses.feed_address(known, addresses.server_url(request.scheme, request.host)).url


# Write ------------------------------------------------------------------------------------------------


@blueprint.route("/create", methods=["POST", "PUT"], strict_slashes=False)
def create() -> Response:
    """Create a feed from at least its name and type."""
    call = receive()
    name, kind = call.fields.required("name"), call.fields.required("feedType")
    change = _change(call.fields)
    with as_bad_request(Conflict, NotFound), call.writing() as work:
        feed = feeds.create_feed(work, name, kind, change)
        return json_response(_describe(work, feed))


@blueprint.route("/update/<name>", methods=["POST", "PUT"], strict_slashes=False)
def update(name: str) -> Response:
    """Change what is sent of a feed; what is left out or null stays, a list replaces the list."""
    call = receive()
    with call.writing() as work:
        feed = access.get_feed(work, name, Permission.MANAGE_FEED)
        _check_same_format(work, feed, call.fields)
        change = _change(call.fields, feed)
        with as_bad_request(Conflict, NotFound):
            return json_response(_describe(work, feeds.update_feed(work, name, change)))


@blueprint.route("/delete/<name>", methods=["DELETE", "POST"], strict_slashes=False)
def delete(name: str) -> Response:
    """Delete a feed and all that it holds."""
    with receive().writing() as work:
        feeds.delete_feed(work, name)
    return text_response("")


def _check_same_format(work: Work, feed: Feed, fields: Fields) -> None:
    sent = fields.text("feedType")
    with as_bad_request(NotFound):
        if sent and work.get_format(sent).key != feed.format:
            raise Invalid(f"{feed.name} holds {feed.format} packages; a feed's type stays.", code="feed-type")


def _change(fields: Fields, feed: Feed | None = None) -> FeedChange:
    _check_possible(fields)
    promotions_only = fields.flag("acceptsPromotionsOnly")
    targets = fields.texts("promoteToFeed")
    return FeedChange(
        name=fields.find("name") if feed is not None else None,
        description=fields.find("description"),
        group=fields.find("feedGroup"),
        active=fields.flag("active"),
        accepts=None if promotions_only is None else (Accepts.PROMOTIONS if promotions_only else Accepts.ANYTHING),
        promote_to=_promote_to(fields, targets, feed),
        targets=targets,
        allow_overwrite=fields.flag("allowOverwrite"),
        comments_required=fields.flag("commentsRequired"),
        remote=_remote(fields),
        reserved_names=fields.texts("reservedNames"),
        allowed_names=fields.texts("allowedNames"),
        connectors=fields.texts("connectors"),
    )


def _remote(fields: Fields) -> RemoteUse | None:
    """Read our own word for it, else the vendor's, which knows serving and caching only as a yes or no."""
    text, caching = fields.text("remotePackages"), fields.flag("cacheConnectors")
    if text:
        if text not in list(RemoteUse):
            raise Invalid(f"remotePackages is {text[:40]!r}; send off, browse or cache.", code="unknown-value")
        return RemoteUse(text)
    return None if caching is None else (RemoteUse.CACHE if caching else RemoteUse.BROWSE)


def _promote_to(fields: Fields, targets: list[str] | None, feed: Feed | None) -> PromoteTo | None:
    disabled = fields.flag("promotionDisabled")
    if disabled is None and targets is None:
        return None
    was_disabled = feed is not None and feed.promote_to == PromoteTo.DISABLED
    if disabled or (disabled is None and was_disabled):
        return PromoteTo.DISABLED
    held = feed.targets if feed is not None else []
    return PromoteTo.LIST if (held if targets is None else targets) else PromoteTo.ANY


def _check_possible(fields: Fields) -> None:
    for name in _REFUSED:
        if fields.get(name):
            raise Invalid(f"Feeds have no {name} here; leave it out.", code="not-offered")
