"""Bring a database to the current schema: Alembic, the same migrations on both databases."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect, text

from app.storage.engine import Database

log = logging.getLogger(__name__)
SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database: Database, now: datetime) -> Path | None:
    """Run the missing migrations; give the copy that was made of an existing SQLite file first, if any."""
    current = revision(database)
    if current == newest_revision():
        return None
    # Only here, because it takes a tenth of a start's time and memory.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    copy = _copy(database, now) if current is not None else None
    with database.writer.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return copy


def revision(database: Database) -> str | None:
    """Give the migration that a database is at, or None for an empty one."""
    with database.reader.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def newest_revision() -> str:
    """Give the last migration: the files are named by their revision, which is a number."""
    return max(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*.py"))


def _copy(database: Database, now: datetime) -> Path | None:
    path = database.path
    if path is None or not path.exists():
        return None
    copy = path.with_name(f"{path.stem}-before-upgrade-{now:%Y%m%d-%H%M%S}{path.suffix}")
    if shutil.disk_usage(path.parent).free < 2 * path.stat().st_size:
        raise OSError(f"not enough space to copy {path} before its upgrade; make room first")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    log.info("copied %s to %s before its upgrade", path, copy)
    return copy
