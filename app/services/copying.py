"""Copy versions from feed to feed as rows: each statement is built once and takes a plan's items as one parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import Integer, String, Table, and_, bindparam, delete, func, literal, select, update

from app.domain.promotion import Plan, PlanItem
from app.services import packages
from app.services.runtime import Work
from app.storage.engine import json_table
from app.storage.models import File, Package, Promotion, PromotionItem, Tag, Version

_packages, _versions, _files, _tags, _items = (
    cast("Table", model.__table__) for model in (Package, Version, File, Tag, PromotionItem)
)
# Parameters; none may be called like a column that a statement sets.
_SOURCE, _FEED, _PROMOTION, _SERIAL = (
    bindparam(name, type_=Integer()) for name in ("from_feed", "to_feed", "of_promotion", "new_serial")
)
_ACTOR, _MOMENT = bindparam("by_actor", type_=String()), bindparam("at_moment", type_=_versions.c.added.type)
_CARRIED = ("key", "version", "normalized", "prerelease", "digest", "size", "listed", "deprecated")
_ITEM = ("name_key", "version_key", "name", "version", "digest", "outcome")


def _new_items() -> Any:
    rows = json_table("items", "position", *_ITEM)
    values = select(_PROMOTION, rows.c.position.cast(Integer), *(rows.c[name] for name in _ITEM))
    return _items.insert().from_select(("promotion_id", "position", *_ITEM), values)


def _new_packages() -> Any:
    rows, source, target = _added(), _packages.alias("source"), _packages.alias("target")
    absent = ~select(target.c.id).where(target.c.feed_id == _FEED, target.c.key == rows.c.name_key).exists()
    values = (
        select(_FEED, source.c.key, source.c.confusable, source.c.name, _SERIAL)
        .select_from(rows)
        .join(source, and_(source.c.feed_id == _SOURCE, source.c.key == rows.c.name_key))
        .where(absent)
        .distinct()
    )
    return _packages.insert().from_select(("feed_id", "key", "confusable", "name", "serial"), values)


def _new_versions() -> Any:
    rows, held = _added(), _versions.alias("held")
    decided = (literal("promoted"), held.c.published, held.c.published_by, _MOMENT, _ACTOR, literal(0))
    values = (
        select(_packages.c.id, *(held.c[name] for name in _CARRIED), *decided)
        .select_from(rows)
        .join(held, held.c.id == rows.c.version_id.cast(Integer))
        .join(_packages, and_(_packages.c.feed_id == _FEED, _packages.c.key == rows.c.name_key))
    )
    columns = ("package_id", *_CARRIED, "origin", "published", "published_by", "added", "added_by", "downloads")
    return _versions.insert().from_select(columns, values)


def _new_files() -> Any:
    rows, held = _added(), _files.alias("held")
    carried = ("variant", "filename", "blob", "manifest_id", "listed")
    values = (
        select(_versions.c.id, *(held.c[name] for name in carried))
        .select_from(rows)
        .join(_packages, and_(_packages.c.feed_id == _FEED, _packages.c.key == rows.c.name_key))
        .join(_versions, and_(_versions.c.package_id == _packages.c.id, _versions.c.key == rows.c.version_key))
        .join(held, held.c.version_id == rows.c.version_id.cast(Integer))
    )
    return _files.insert().from_select(("version_id", *carried), values)


def _touched() -> Any:
    return and_(_packages.c.feed_id == _FEED, _packages.c.key.in_(select(_added().c.name_key)))


def _added() -> Any:
    return json_table("added", "name_key", "version_key", "version_id")


def _arrived() -> Any:
    files = select(func.count(_files.c.id)).where(_files.c.version_id == _versions.c.id).scalar_subquery()
    return (
        select(func.count())
        .select_from(_items)
        .join(_packages, and_(_packages.c.feed_id == _FEED, _packages.c.key == _items.c.name_key))
        .join(_versions, and_(_versions.c.package_id == _packages.c.id, _versions.c.key == _items.c.version_key))
        .where(_items.c.promotion_id == _PROMOTION, _versions.c.digest == _items.c.digest, files > 0)
    )


def _held_files() -> Any:
    rows = _added()
    mine = _files.c.version_id == rows.c.version_id.cast(Integer)
    listed = select(_files.c.version_id, _files.c.variant).select_from(rows).join(_files, mine).where(_files.c.listed)
    return listed.order_by(_files.c.version_id, _files.c.variant)


_NEW_ITEMS, _ARRIVED, _HELD_FILES = _new_items(), _arrived(), _held_files()
_COPIES = (
    update(_packages).where(_touched()).values(serial=_SERIAL),
    _new_packages(),
    _new_versions(),
    _new_files(),
    # What publishing called latest by the way gives way to the highest stable version; what somebody set stays.
    delete(_tags).where(
        _tags.c.name == packages.LATEST,
        ~_tags.c.explicit,
        _tags.c.package_id.in_(select(_packages.c.id).where(_touched())),
    ),
)


def record_items(work: Work, drawn: Plan, promotion: Promotion) -> None:
    """Write the plan's items down in one statement, whatever their number."""
    rows = [(n, i.name_key, i.version_key, i.name, i.version, i.digest, i.outcome) for n, i in enumerate(drawn.items)]
    work.session.execute(_NEW_ITEMS, {"of_promotion": promotion.id, "items": _as_json(rows)})


def copy(work: Work, drawn: Plan, promotion: Promotion, serial: int) -> None:
    """Copy what a plan adds: rows, not bytes, by a few statements, whatever the number of versions."""
    values = {
        "added": _as_json([(i.name_key, i.version_key, i.source_version_id) for i in drawn.additions]),
        "from_feed": drawn.source.id,
        "to_feed": drawn.target.id,
        "new_serial": serial,
        "by_actor": promotion.actor,
        "at_moment": promotion.at,
    }
    for statement in _COPIES:
        work.session.execute(statement, values)


def arrived(work: Work, promotion: Promotion) -> int:
    """Count the versions of a promotion that its target holds with the bytes that were planned."""
    return work.session.scalar(_ARRIVED, {"of_promotion": promotion.id, "to_feed": promotion.target_id}) or 0


def files_of(work: Work, items: Iterable[PlanItem]) -> dict[int | None, list[str]]:
    """Give the variants of the listed files of planned versions, by the id of the version in the source."""
    rows = work.session.execute(_HELD_FILES, {"added": _as_json([("", "", i.source_version_id) for i in items])})
    held: dict[int | None, list[str]] = {}
    for version_id, variant in rows:
        held.setdefault(version_id, []).append(variant)
    return held


def _as_json(rows: list[Any]) -> str:
    return json.dumps(rows, separators=(",", ":"))
