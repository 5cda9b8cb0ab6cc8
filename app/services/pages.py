"""Read long lists a page at a time, each page beginning after the last one's end: a few queries, whatever the place."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.domain.permissions import Permission
from app.plugin.records import VersionRecord
from app.services import access, keys, packages
from app.services.runtime import Work
from app.storage.models import Feed, FeedConnector, KeyUse, Package, User, Version


def feeds(work: Work, wanted: Sequence[Feed]) -> Sequence[Feed]:
    """Give feeds, by their keys, with their groups and targets read along."""
    related = (
        *(selectinload(Feed.targets), joinedload(Feed.group)),
        selectinload(Feed.links).joinedload(FeedConnector.connector),
    )
    query = select(Feed).where(Feed.id.in_([feed.id for feed in wanted])).options(*related).order_by(Feed.key)
    return work.session.scalars(query.execution_options(populate_existing=True)).all()


def versions(work: Work, feed: Feed, name: str, after: str, limit: int) -> list[VersionRecord]:
    """Give the versions of a package from a version key on, ascending; raise NotFound for an unknown package."""
    key = work.get_format(feed.format).name_key(name)
    package_id = work.session.scalar(select(Package.id).where(Package.feed_id == feed.id, Package.key == key))
    if package_id is None:
        raise packages.unknown_package(feed, name)
    page = select(Version.id).where(Version.package_id == package_id, Version.key > after).order_by(Version.key)
    ids = list(work.session.scalars(page.limit(limit)))
    return packages.versions_where(work, Version.id.in_(ids))


def users(work: Work, text: str, after: str, limit: int) -> Sequence[User]:
    """Give users from a key on, with their groups, whose name, display name or e-mail holds a text; needs Configure."""
    access.require(work, Permission.CONFIGURE)
    columns = (User.name, User.display_name, User.email)
    holds = or_(*(func.lower(column).contains(text.lower(), autoescape=True) for column in columns))
    query = select(User).where(User.key > after, holds).options(selectinload(User.groups)).order_by(User.key)
    return work.session.scalars(query.limit(limit)).all()


def key_uses(work: Work, key_id: int, before: int | None, limit: int) -> Sequence[KeyUse]:
    """Give the uses of an API key below a number, the newest first; needs what deleting the key needs."""
    key = keys.get_key(work, key_id)
    query = select(KeyUse).where(KeyUse.api_key_id == key.id).order_by(KeyUse.id.desc()).limit(limit)
    if before is not None:
        query = query.where(KeyUse.id < before)
    return work.session.scalars(query).all()
