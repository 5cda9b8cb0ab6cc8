"""Migrations: both databases come to the models' schema, and an older file is copied before it is upgraded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.services.runtime import Runtime
from app.storage import migrate
from app.storage.engine import open_database
from app.storage.models import Base

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def config() -> Config:
    """Give Alembic's view of our migrations."""
    found = Config()
    found.set_main_option("script_location", str(migrate.SCRIPTS))
    return found


def test_the_newest_migration_is_alembics_head() -> None:
    assert migrate.newest_revision() == ScriptDirectory.from_config(config()).get_current_head()


def test_migrations_lead_to_the_models(runtime: Runtime) -> None:
    with runtime.database.reader.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []


def test_an_older_file_is_copied_before_it_is_upgraded(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'promontory.db'}")
    first = config()
    with database.writer.begin() as connection:
        first.attributes["connection"] = connection
        command.upgrade(first, "0001")
    copy = migrate.upgrade(database, NOW)
    assert copy is not None
    old = open_database(f"sqlite:///{copy}")
    assert (migrate.revision(old), migrate.revision(database)) == ("0001", migrate.newest_revision())
    assert migrate.upgrade(database, NOW) is None
    old.close()
    database.close()
