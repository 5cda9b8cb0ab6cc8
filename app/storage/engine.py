"""Open the database: the only file that knows SQLite from PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import CTE, URL, Connection, Engine, String, Table, bindparam, create_engine, event, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

_READER_CACHE_KB = 8_192
_WRITER_CACHE_KB = 65_536
_CHECKPOINT_PAGES = 16_000
_BUSY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Database:
    """Hold the two ways into one database.

    ``reader`` serves consistent reads. ``writer`` begins every transaction as a writer; on SQLite it has one
    connection, so that this process's writers queue in turn instead of polling for the lock.
    """

    url: URL
    reader: Engine
    writer: Engine
    watches: list[Watch] = field(default_factory=list, compare=False, repr=False)

    @property
    def path(self) -> Path | None:
        """Give the database's file, where it is one."""
        return Path(self.url.database) if self.embedded and self.url.database else None

    @property
    def embedded(self) -> bool:
        """Tell whether the database is a file of ours."""
        return self.url.get_backend_name() == "sqlite"

    def watch(self) -> Watch:
        """Give a watch that tells whether anything was committed since."""
        query = "PRAGMA data_version" if self.embedded else "SELECT pg_current_snapshot()::text"
        self.watches.append(Watch(self.reader, query))
        return self.watches[-1]

    def checkpoint(self, *, truncate: bool = False) -> None:
        """Move the write-ahead log into the database file, so that no commit has to."""
        if not self.embedded:
            return
        raw = self.reader.raw_connection()
        try:
            raw.cursor().execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if truncate else 'PASSIVE'})")
        finally:
            raw.close()

    def integrity(self) -> Sequence[str]:
        """Give what the database itself finds wrong with its file."""
        if not self.embedded:
            return ()
        with self.reader.connect() as connection:
            rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        return [row for row in rows if row != "ok"] + [f"broken reference: {tuple(row)}" for row in broken]

    def close(self) -> None:
        """Close every connection."""
        self.checkpoint(truncate=True)
        for watch in self.watches:
            watch.close()
        self.reader.dispose()
        self.writer.dispose()


class Watch:
    """Tell cheaply whether anything was committed, by this process or another; safe for many threads.

    It keeps one connection, because SQLite's data version means something on one connection only.
    """

    def __init__(self, engine: Engine, query: str) -> None:
        self._engine, self._query = engine, query
        self._lock = Lock()
        self._connection: Any = None
        self._cursor: DBAPICursor | None = None

    def stamp(self) -> object:
        """Give a value that is equal to an earlier one only if nothing was committed between."""
        with self._lock:
            try:
                return self._ask()
            except Exception:  # noqa: BLE001 - whatever broke the connection, a new stamp is the safe answer
                self._drop()
                return object()

    def close(self) -> None:
        """Let go of the connection; the next stamp takes a new one."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._cursor = None

    def _ask(self) -> object:
        if self._cursor is None:
            raw = self._engine.raw_connection()
            connection: Any = raw.driver_connection
            raw.detach()
            if hasattr(connection, "autocommit") and self._engine.dialect.name != "sqlite":
                connection.autocommit = True
            self._connection, self._cursor = connection, connection.cursor()
        self._cursor.execute(self._query)
        row = self._cursor.fetchone()
        return None if row is None else row[0]


def open_database(url: str) -> Database:
    """Open a database by its SQLAlchemy URL (``sqlite:///file`` or ``postgresql+psycopg://...``)."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Database(parsed, _sqlite(parsed, writer=False), _sqlite(parsed, writer=True))
    reader = create_engine(parsed, pool_size=8, max_overflow=8, pool_pre_ping=True)
    return Database(parsed, reader, reader)


def _sqlite(url: URL, *, writer: bool) -> Engine:
    pool: dict[str, Any] = (
        {"pool_size": 1, "max_overflow": 0, "pool_timeout": _BUSY_MS / 1000}
        if writer
        else {"pool_size": 8, "max_overflow": 24}
    )
    engine = create_engine(url, **pool)
    begin = "BEGIN IMMEDIATE" if writer else "BEGIN"
    cache = _WRITER_CACHE_KB if writer else _READER_CACHE_KB

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:  # noqa: ARG001 - the event passes both
        # The driver must not begin transactions by itself: it would begin them as readers.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"cache_size=-{cache}",
            f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        ):
            connection.cursor().execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def insert_unless_there(session: Session, model: type[Any], row: Mapping[str, Any]) -> None:
    """Insert a row unless one with the same key is there, also where somebody else inserts it at the same moment."""
    session.execute(_insert_unless_there(session.get_bind().dialect.name, model.__table__), row)


@cache
def _insert_unless_there(dialect: str, table: Table) -> Any:
    dialects: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return dialects[dialect](table).on_conflict_do_nothing()


class json_rows(GenericFunction[Any]):  # noqa: N801 - its name is the SQL function's
    """Read one JSON parameter, an array of arrays, as rows: the table ``value`` of a set-based query.

    Call ``json_rows(text).table_valued("value")`` and take fields by ``json_field(rows.c.value, n)``.
    """

    inherit_cache = True


@compiles(json_rows, "sqlite")
def _json_rows_sqlite(element: json_rows, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(json_rows, "postgresql")
def _json_rows_postgresql(element: json_rows, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_elements(CAST({compiler.process(element.clauses, **kw)} AS JSON))"


class json_field(GenericFunction[str]):  # noqa: N801 - the same
    """Take the n-th field (from 0) of a row of ``json_rows`` as text."""

    type = String()
    inherit_cache = True


def json_table(name: str, *columns: str) -> CTE:
    """Give a table whose rows come as one parameter, ``name``: a JSON array of arrays, as text.

    It is materialized, because its columns are used several times and each use would read the JSON again.
    """
    value = json_rows(bindparam(name, type_=String())).table_valued("value").c.value
    fields = (json_field(value, number).label(column) for number, column in enumerate(columns))
    return select(*fields).cte(f"{name}_rows").prefix_with("MATERIALIZED")


@compiles(json_field, "sqlite")
def _json_field_sqlite(element: json_field, compiler: SQLCompiler, **kw: Any) -> str:
    value, number = element.clauses
    return f"({compiler.process(value, **kw)} ->> {compiler.process(number, **kw)})"


@compiles(json_field, "postgresql")
def _json_field_postgresql(element: json_field, compiler: SQLCompiler, **kw: Any) -> str:
    value, number = element.clauses
    return f"({compiler.process(value, **kw)} ->> CAST({compiler.process(number, **kw)} AS INTEGER))"
