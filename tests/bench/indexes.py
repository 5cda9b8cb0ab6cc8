"""Index documents of feeds that hold 100,000 versions: the first answer, the next ones, and after one change."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.plugin import FeedFormat, Manifest
from app.services.runtime import Runtime
from tests.bench.machine import request, seconds
from tests.fixtures import make_feeds

PACKAGES, VERSIONS = 10_000, 10
FEEDS = {"nuget": "many-nuget", "rubygems": "many-gems", "npm": "many-npm", "universal": "many-tools"}
NOW = "2026-11-23 00:00:00.000000"
_FIRST = 10_000_000
_SAMPLE, _SAMPLE_VERSION = "pkg0a", "1.0.7919"


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold the documents that a format's clients ask for: of one package (by its name), and of the whole feed."""

    package: tuple[str, ...]
    feed: tuple[str, ...] = ()


DOCUMENTS: Mapping[str, Asked] = {
    "nuget": Asked(
        ("/v3/flat/{0}/index.json", "/v3/registration-gz-semver2/{0}/index.json", "/v2/FindPackagesById()?id='{0}'")
    ),
    "rubygems": Asked(("/info/{0}",), ("/versions", "/names", "/specs.4.8.gz")),
    "npm": Asked(("/{0}",)),
    "universal": Asked(("/versions?name={0}",)),
}


def name(number: int) -> str:
    """Give a package's name; none is easily taken for another."""
    return f"pkg{number}a"


def seed(runtime: Runtime, database: Path) -> None:
    """Fill a feed of each format with 100,000 versions by raw rows, manifests as the format reads them."""
    for place, (key, feed) in enumerate(FEEDS.items()):
        make_feeds(runtime, key, feed)
        with sqlite3.connect(database) as db:
            feed_id = db.execute("SELECT id FROM feed WHERE name = ?", (feed,)).fetchone()[0]
            _fill(db, runtime.get_format(key), feed_id, _FIRST * (place + 1))
        db.close()


def _fill(db: sqlite3.Connection, format: FeedFormat, feed_id: int, first: int) -> None:
    sample = format.kit().make(_SAMPLE, _SAMPLE_VERSION)
    manifest = format.read(io.BytesIO(sample.content), sample.filename)
    text = json.dumps(manifest.to_json())
    lines: list[str] = []
    for number in range(PACKAGES):
        package = first + number
        key = format.name_key(name(number))
        db.execute(
            "INSERT INTO package (id, feed_id, key, confusable, name, serial) VALUES (?, ?, ?, ?, ?, 1)",
            (package, feed_id, key, key, name(number)),
        )
        for index in range(VERSIONS):
            version = f"1.{index}.0"
            id_ = first + number * VERSIONS + index
            about = text.replace(_SAMPLE_VERSION, version).replace(_SAMPLE, name(number))
            _add_version(db, format, id_, package, version, Manifest.from_json(json.loads(about)), about)
            lines.append(f"{name(number)} {version} {hashlib.md5(about.encode()).hexdigest()}\n")
    if format.key == "rubygems":
        db.executemany("INSERT INTO journal_line (feed_id, text) VALUES (?, ?)", ((feed_id, line) for line in lines))


def _add_version(
    db: sqlite3.Connection, format: FeedFormat, id_: int, package: int, version: str, manifest: Manifest, about: str
) -> None:
    blob = hashlib.sha256(f"{format.key} {id_}".encode()).hexdigest()
    key, normal = format.version_key(version), format.normalize(version)
    db.execute("INSERT INTO blob VALUES (?, ?, '', '', 10, ?)", (blob, "0" * 128, NOW))
    db.execute(
        "INSERT INTO manifest (id, blob, format, description, keywords, license, data, facets)"
        " VALUES (?, ?, ?, '', '', '', ?, '')",
        (id_, blob, format.key, about),
    )
    db.execute(
        "INSERT INTO version (id, package_id, key, version, normalized, prerelease, digest, size, listed, deprecated,"
        " origin, published, published_by, added, added_by, downloads)"
        " VALUES (?, ?, ?, ?, ?, 0, ?, 10, 1, '', 'published', ?, 'bench', ?, 'bench', 0)",
        (id_, package, key, version, normal, blob, NOW, NOW),
    )
    db.execute(
        "INSERT INTO file (id, version_id, variant, filename, blob, manifest_id) VALUES (?, ?, '', ?, ?, ?)",
        (id_, id_, format.filename(manifest), blob, id_),
    )


def measure(runtime: Runtime, url: str, key: str) -> list[tuple[str, float, float, float, float]]:
    """Give a line for each document, in ms: first, again, again after another package changed, after its own changed.

    A document of the whole feed has no package of its own; the last two are the same there.
    """
    found = []
    for format_key, feed in FEEDS.items():
        format = runtime.get_format(format_key)
        base = f"{url}/{format.prefix}/{feed}"
        for number, path in enumerate((*DOCUMENTS[format_key].package, *DOCUMENTS[format_key].feed)):
            own, other = name(100 + number), name(200 + number)
            times = [_get(base + path.format(own), key)]
            times.append(statistics.median(_get(base + path.format(own), key) for _ in range(20)))
            for changed in (other, own):
                _publish(format, url, base, key, feed, changed, f"2.{number}.0")
                times.append(_get(base + path.format(own), key))
            first, again, after_other, after_own = (1000 * each for each in times)
            found.append((f"{format_key} {path.format('NAME')}", first, again, after_other, after_own))
    return found


def _get(address: str, key: str) -> float:
    def send() -> None:
        status, answer = request("GET", address, headers={"X-ApiKey": key, "Accept-Encoding": "gzip"})
        if status != 200:
            raise RuntimeError(f"{address}: {status} {answer[:300]!r}")

    return seconds(send)


def _publish(format: FeedFormat, url: str, base: str, key: str, feed: str, package: str, version: str) -> None:
    wanted = format.kit().publish(format.kit().make(package, version))
    status, answer = request(wanted.method, base + wanted.path, wanted.body, {**wanted.headers, "X-ApiKey": key})
    if status not in wanted.expect:
        raise RuntimeError(f"{url} {feed} {package} {version}: {status} {answer[:300]!r}")


def show(lines: list[tuple[str, float, float, float, float]]) -> None:
    """Print the table."""
    print(f"\n{'documents of feeds with 100,000 versions, ms':58} {'first':>9} {'again':>9} {'other':>9} {'own':>9}")
    for what, *times in lines:
        print(f"{what:58} " + " ".join(f"{each:9.2f}" for each in times))
