"""Promote 1, 1,000 and 10,000 versions in one request, on a database that holds 200,000; floor: the same rows, raw."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.machine import dump, request

PACKAGES, VERSIONS = 20_000, 10
TABLES = ("package", "version", "file", "promotion", "promotion_item", "event")
NOW = "2026-11-23 00:00:00.000000"


def seed(database: Path, feed_id: int, version_key: Callable[[str], str]) -> None:
    """Fill a feed with 200,000 versions, each with a file of its own; the bytes themselves are never read."""
    blobs = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(PACKAGES * VERSIONS)]
    data = '{"name": "x", "version": "1.0.0", "data": {}}'
    with sqlite3.connect(database) as db:
        db.executemany("INSERT INTO blob VALUES (?, '', '', '', 10, ?)", ((blob, NOW) for blob in blobs))
        columns = "id, blob, format, description, keywords, license, data"
        db.executemany(
            f"INSERT INTO manifest ({columns}) VALUES (?, ?, 'npm', '', '', '', ?)",
            ((100_000 + n, blob, data) for n, blob in enumerate(blobs)),
        )
        db.executemany(
            "INSERT INTO package (id, feed_id, key, confusable, name, serial) VALUES (?, ?, ?, ?, ?, 1)",
            ((1000 + n, feed_id, name(n), name(n), name(n)) for n in range(PACKAGES)),
        )
        db.executemany(
            "INSERT INTO version (id, package_id, key, version, normalized, prerelease, digest, size, listed,"
            " deprecated, origin, published, published_by, added, added_by, downloads)"
            " VALUES (?, ?, ?, ?, ?, 0, ?, 10, 1, '', 'published', ?, 'bench', ?, 'bench', 0)",
            (
                (
                    100_000 + n * VERSIONS + v,
                    1000 + n,
                    version_key(text(v)),
                    text(v),
                    text(v),
                    f"{n:032}{v:032}",
                    NOW,
                    NOW,
                )
                for n in range(PACKAGES)
                for v in range(VERSIONS)
            ),
        )
        db.executemany(
            "INSERT INTO file (version_id, variant, filename, blob, manifest_id) VALUES (?, '', 'x.tgz', ?, ?)",
            ((100_000 + n, blob, 100_000 + n) for n, blob in enumerate(blobs)),
        )
    db.close()


def name(number: int) -> str:
    """Give a package's name."""
    return f"pkg-{number:06}"


def text(number: int) -> str:
    """Give a version."""
    return f"1.{number}.0"


def promote(url: str, key: str, size: int, source: str, target: str, rng: random.Random) -> float:
    """Promote some versions in one request; give the seconds."""
    version = text(rng.randrange(VERSIONS))
    items = [{"name": name(n), "version": version} for n in rng.sample(range(PACKAGES), size)]
    body = dump({"fromFeed": source, "toFeed": target, "comments": "bench", "items": items})
    headers = {"Content-Type": "application/json", "X-ApiKey": key}
    began = time.perf_counter()
    status, answer = request("POST", f"{url}/api/promotions/promote", body, headers)
    taken = time.perf_counter() - began
    if status != 200:
        raise RuntimeError(f"{status}: {answer[:500]!r}")
    return taken


def state(database: Path) -> dict[str, int]:
    """Give the highest row number of each table that a promotion writes to."""
    with sqlite3.connect(database) as db:
        found = {table: db.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()[0] for table in TABLES}
    db.close()
    return found


def floor(before: Path, after: Path, marks: list[dict[str, int]]) -> list[float]:
    """Insert the rows that promotions added into a copy of the database before them, by executemany.

    ``marks`` is the state before each promotion; gives the seconds of each. One connection does all, as in a
    database that is in use.
    """
    with sqlite3.connect(after) as db:
        ends = [*marks[1:], state(after)]
        added = [{t: _added(db, t, first[t], last[t]) for t in TABLES} for first, last in zip(marks, ends, strict=True)]
    db.close()
    db = sqlite3.connect(before, isolation_level=None)
    # SQLite's own automatic checkpoint belongs to the floor: who does not move it elsewhere pays for it.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "foreign_keys=ON"):
        db.execute(f"PRAGMA {pragma}")
    times = [_insert(db, rows) for rows in added]
    db.close()
    return times


def _added(db: sqlite3.Connection, table: str, first: int, last: int) -> list[tuple[object, ...]]:
    return db.execute(f"SELECT * FROM {table} WHERE rowid > ? AND rowid <= ? ORDER BY rowid", (first, last)).fetchall()


def _insert(db: sqlite3.Connection, rows: dict[str, list[tuple[object, ...]]]) -> float:
    began = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    for table, content in rows.items():
        if content:
            marks = ", ".join("?" * len(content[0]))
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", content)
    db.execute("COMMIT")
    return time.perf_counter() - began


def snapshot(database: Path, to: Path) -> None:
    """Copy a database that is in use."""
    with sqlite3.connect(database) as source, sqlite3.connect(to) as target:
        source.backup(target)
    source.close()
    target.close()
