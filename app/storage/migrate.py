"""Bring a database to the current schema: Alembic, the same migrations on both databases."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.storage.engine import Database

log = logging.getLogger(__name__)
SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database: Database, now: datetime) -> Path | None:
    """Run the missing migrations; give the copy that was made of an existing SQLite file first, if any."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with database.writer.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == ScriptDirectory.from_config(config).get_current_head():
        return None
    copy = _copy(database, now) if current is not None else None
    with database.writer.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return copy


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
