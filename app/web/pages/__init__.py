"""The pages that people see."""

from __future__ import annotations

import logging

from flask import Flask, request, url_for
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from app.domain.permissions import Permission
from app.services import access
from app.services.connectors import may_manage_some
from app.web.pages import (
    account,
    administration,
    connectors,
    feed,
    feedconnectors,
    feedgroups,
    feedimport,
    feeds,
    jobs,
    keys,
    package,
    profile,
    promote,
    promotions,
    pull,
    security,
    session,
    settings,
    version,
)
from app.web.pages.session import page_work
from app.web.rendering import Nav, NavItem

log = logging.getLogger(__name__)
_OF_ONE_FEED = (feed, feedconnectors, feedimport, settings, package, version, promote, pull)
_FEEDS = (feeds, feedgroups, *_OF_ONE_FEED, connectors, promotions)
_PARTS = (account, *_FEEDS, jobs, administration, keys, profile, *security.PARTS)
_OF_FEEDS = ("feed_groups", *(part.blueprint.name for part in _OF_ONE_FEED))


def install(app: Flask) -> None:
    """Mount the pages."""
    session.install(app)
    for part in _PARTS:
        app.register_blueprint(part.blueprint)
    app.context_processor(lambda: {"nav": _nav()})


def _nav() -> Nav:
    signed_in = current_user.is_authenticated
    try:
        admin = access.allowed(page_work(), Permission.CONFIGURE)
        manages = not admin and signed_in and bool(access.visible_feeds(page_work(), Permission.MANAGE_FEED))
        bar = jobs.shown_in_bar(page_work()) if signed_in else None
        connects = admin or (signed_in and may_manage_some(page_work()))
    except SQLAlchemyError:
        # An error page about the database must not fail for the same reason.
        log.exception("the top bar was drawn without asking for rights")
        admin = manages = connects = False
        bar = None
    links = [
        ("Feeds", "feeds.index", ""),
        ("Packages", "feeds.search", "packages"),
        ("Promotions", "promotions.index", ""),
    ]
    if connects:
        links.append(("Connectors", "connectors.index", ""))
    if admin:
        links.append(("Administration", "administration.index", ""))
    elif manages:
        links.append(("Administration", "permissions.index", ""))
    return Nav(
        home=url_for("feeds.index"),
        links=[NavItem(title, url_for(endpoint), _is_current(endpoint)) for title, endpoint, _ in links],
        search=url_for("feeds.search"),
        person=current_user.display_name if signed_in else None,
        menu=[
            NavItem("My account", url_for("profile.show"), icon="user-circle"),
            NavItem("API keys", url_for("keys.index"), icon="key"),
            NavItem("Jobs", url_for("jobs.index"), icon="loader-2"),
        ],
        jobs=bar,
        sign_in=url_for("account.sign_in", next=request.full_path.rstrip("?")),
        sign_out=url_for("account.sign_out"),
    )


def _is_current(endpoint: str) -> bool:
    here = request.endpoint or ""
    if here in ("feeds.search", "feeds.index") or endpoint == "feeds.search":
        return here == endpoint
    part = here.split(".", 1)[0]
    if part in security.NAMES:
        return endpoint in ("administration.index", "permissions.index")
    shown = "feeds" if part in _OF_FEEDS else part
    return shown == endpoint.split(".", 1)[0]
