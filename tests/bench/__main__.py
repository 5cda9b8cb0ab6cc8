"""``make bench``: measure, print a table of ratios with their targets, write ``bench.json``."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

from app.bootstrap import open_runtime
from app.settings import load_settings
from tests.bench import connectors, indexes, peers, promotion, registry
from tests.bench.machine import (
    Running,
    download_rate,
    free_port,
    have,
    peak_memory,
    request,
    requests_per_second,
    seconds,
)
from tests.bench.serving import start_ours
from tests.fixtures import make_feeds, make_key

ROOT = Path(__file__).resolve().parent.parent.parent
UNIVERSAL = 500_000_000


@dataclass
class Row:
    """Hold one target: our figure, the denominator, their ratio, and what is wanted of it."""

    id: str
    what: str
    ours: float
    floor: float
    must: str
    good: str

    @property
    def ratio(self) -> float:
        """Give ours over the floor."""
        return self.ours / self.floor if self.floor else float("nan")

    @property
    def verdict(self) -> str:
        """Say whether the target is met."""
        sign, value = self.must.split()
        met = self.ratio <= float(value) if sign == "<=" else self.ratio >= float(value)
        sign, value = self.good.split()
        better = self.ratio <= float(value) if sign == "<=" else self.ratio >= float(value)
        return "good" if better else "met" if met else "MISSED"


def prepare(home: Path) -> str:
    """Make an installation with feeds; give a system key."""
    runtime = open_runtime(load_settings(data=home))
    make_feeds(runtime, "npm", "npm-dev", "npm-test", "bulk", "bulk-target", "bulk-other")
    make_feeds(runtime, "universal", "tools", "tools-prod")
    key = make_key(runtime, "system", "bench")
    runtime.database.close()
    return key


def bench_promotions(home: Path, url: str, key: str) -> list[Row]:
    """Measure P1, P2, P5."""
    rng, rows = random.Random(1), []
    database = home / "promontory.db"
    for _ in range(3):
        promotion.promote(url, key, 1, "bulk", "bulk-target", rng)
    for id_, size, must, good in (
        ("P5", 1, "<= 1000", "<= 1000"),
        ("P1", 1000, "<= 4", "<= 2"),
        ("P2", 10_000, "<= 4", "<= 2"),
    ):
        before, after = home / "before.db", home / "after.db"
        times, marks = [], []
        promotion.snapshot(database, before)
        for repeat in range(7 if size < 10_000 else 3):
            marks.append(promotion.state(database))
            times.append(promotion.promote(url, key, size, "bulk", ("bulk-target", "bulk-other")[repeat % 2], rng))
        promotion.snapshot(database, after)
        raw = statistics.median(promotion.floor(before, after, marks))
        rows.append(
            Row(
                id_,
                f"promote {size:,} in one request / raw rows (ms)",
                statistics.median(times) * 1e3,
                raw * 1e3,
                must,
                good,
            )
        )
        before.unlink()
        after.unlink()
    return rows


def bench_universal(home: Path, url: str, key: str, server: Running) -> list[Row]:
    """Measure memory and time of a 500 MB upload, its promotion and its download."""
    headers = {"X-ApiKey": key}
    path = home / "big.upack"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as pack:
        pack.writestr("upack.json", json.dumps({"name": "big", "version": "1.0.0"}))
        with pack.open("package/data.bin", "w") as data:
            for _ in range(UNIVERSAL // 1_000_000):
                data.write(os.urandom(1_000_000))
    idle = server.memory()
    with peak_memory(server.process.pid) as peak:
        curl = ["curl", "-sf", "-T", str(path), "-H", f"X-ApiKey: {key}", f"{url}/upack/tools/upload"]
        upload = seconds(lambda: subprocess.run(curl, check=True, stdout=subprocess.DEVNULL))
    body = json.dumps({"fromFeed": "tools", "toFeed": "tools-prod", "name": "big", "version": "1.0.0"}).encode()
    promote = seconds(
        lambda: request("POST", f"{url}/api/promotions/promote", body, {**headers, "Content-Type": "application/json"})
    )
    rate = download_rate(f"{url}/upack/tools-prod/download/big/1.0.0", headers)
    path.unlink()
    print(
        f"  500 MB Universal: up {upload:.2f} s, promoted {promote * 1e3:.1f} ms, down {rate:.0f} MB/s, "
        f"memory {idle:.0f} -> {peak[0]:.0f} MiB"
    )
    return [Row("U6", "memory above idle while 500 MB come in (MiB)", peak[0] - idle, 1, "<= 24", "<= 8")]


def bench_nginx(home: Path, ours: registry.Registry) -> list[Row]:
    """Measure D1 and D2: the same bytes from us and from nginx, in turn."""
    if not have("nginx"):
        return []
    big = registry.tarball("big-0", "1.0.0", registry.BIG)
    server, url = peers.start_nginx(home, {"big.tgz": big})
    addresses = ((registry.tarball_url(ours.base, "big-0", ours.auth), ours.auth), (f"{url}/big.tgz", {}))
    try:
        one = [[download_rate(*each) for each in addresses] for _ in range(5)]
        four = [[requests_per_second(*each, 4) * registry.BIG / 1e6 for each in addresses] for _ in range(3)]
    finally:
        server.stop()
    return [
        Row("D1", "20 MB, one connection / nginx (MB/s)", *_medians(one), ">= 0.6", ">= 0.9"),
        Row("D2", "20 MB, 4 connections / nginx (MB/s)", *_medians(four), ">= 0.4", ">= 0.6"),
    ]


def _medians(pairs: list[list[float]]) -> tuple[float, float]:
    ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    return ours, theirs


def bench_registries(home: Path, port: int, key: str, folder: Path) -> list[Row]:
    """Measure every npm operation of ours and of verdaccio in turn, and our downloads against nginx."""
    server = start_ours(home, port)
    peer, peer_url, token = peers.start_verdaccio(folder / "verdaccio")
    url = f"http://127.0.0.1:{port}"
    ours = registry.Registry(f"{url}/npm/npm-dev", key, server, registry.Figures("ours"))
    theirs = registry.Registry(peer_url, token, peer, registry.Figures("verdaccio"))
    registry.measure(ours, theirs)
    peer.stop()
    rows = bench_nginx(folder / "nginx", ours) + bench_universal(home, url, key, server)
    server.stop()
    starts = []
    for _ in range(3):
        server = start_ours(home, port)
        starts.append(server.seconds_to_ready)
        server.stop()
    ours.found["cold start, s"] = statistics.median(starts)
    theirs.found["cold start, s"] = peer.seconds_to_ready
    return rows + compare(ours.found.of, theirs.found.of) + own_rows(ours.found.of)


def compare(ours: dict[str, float], peer: dict[str, float]) -> list[Row]:
    """Give the rows against verdaccio."""
    wanted = (
        ("R1", "packument 1 version, req/s", ">= 0.8", ">= 1.3"),
        ("R3", "packument 500 versions, req/s", ">= 5", ">= 15"),
        ("R3", "abbreviated 500 versions, req/s", ">= 5", ">= 15"),
        ("D3", "tarball 20 MB 1 connection, MB/s", ">= 1.2", ">= 2"),
        ("D4", "tarball 10 KB, req/s", ">= 0.5", ">= 0.9"),
        ("U4", "publish 20 MB, s", "<= 1.3", "<= 0.9"),
        ("M1", "memory idle", "<= 1", "<= 0.75"),
        ("M2", "memory peak under reads", "<= 0.5", "<= 0.35"),
        ("M3", "cold start, s", "<= 2", "<= 1.2"),
    )
    rows = [Row(id_, f"{what} / verdaccio", ours[what], peer[what], must, good) for id_, what, must, good in wanted]
    pace = "publish 10 KB, ms"
    rows.append(
        Row("U1", "publishes of 10 KB a second / verdaccio", 1e3 / ours[pace], 1e3 / peer[pace], ">= 1", ">= 2")
    )
    return rows


def own_rows(ours: dict[str, float]) -> list[Row]:
    """Give the rows that compare ours with ours."""
    fresh, known = ours["packument 500 versions, req/s"], ours["packument 500 versions 304, req/s"]
    return [Row("R5", "304 / 200 of the same packument (req/s)", known, fresh, ">= 1", ">= 1.1")]


def bench_indexes(home: Path, port: int) -> list[tuple[str, float, float, float, float]]:
    """Measure the index documents of large feeds."""
    runtime = open_runtime(load_settings(data=home))
    key = make_key(runtime, "system", "bench")
    indexes.seed(runtime, home / "promontory.db")
    server = start_ours(home, port)
    try:
        return indexes.measure(runtime, f"http://127.0.0.1:{port}", key)
    finally:
        server.stop()
        runtime.database.close()


def bench_connectors(home: Path) -> list[Row]:
    """Measure C1 and C2."""
    found = connectors.measure(home)
    return [
        Row("C1", "warm packument through a connector / held (us)", *found["warm"], "<= 1.5", "<= 1.2"),
        Row("C2", "pull 200 packages / bare requests (s)", *found["pull"], "<= 8", "<= 4"),
    ]


def show(rows: list[Row]) -> None:
    """Print the table."""
    print(f"\n{'':3} {'what':56} {'ours':>11} {'floor/peer':>11} {'ratio':>8}  must      good")
    for row in sorted(rows, key=lambda each: each.id):
        figures = f"{row.ours:11.2f} {row.floor:11.2f} {row.ratio:8.2f}"
        print(f"{row.id:3} {row.what:56} {figures}  {row.must:8}  {row.good:8}  {row.verdict}")


def main() -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="promontory-bench-") as name:
        folder = Path(name)
        home, port = folder / "ours", free_port()
        key = prepare(home)
        rows = bench_registries(home, port, key, folder)
        formats = open_runtime(load_settings(data=home))
        promotion.seed(home / "promontory.db", 3, formats.get_format("npm").version_key)
        formats.database.close()
        server = start_ours(home, port)
        rows += bench_promotions(home, f"http://127.0.0.1:{port}", key)
        server.stop()
        rows += bench_connectors(folder / "connectors")
        lines = bench_indexes(folder / "many", free_port())
    show(rows)
    indexes.show(lines)
    measured = [{**asdict(row), "ratio": row.ratio, "verdict": row.verdict} for row in rows]
    (ROOT / "bench.json").write_text(json.dumps({"rows": measured, "indexes": lines}, indent=2))


if __name__ == "__main__":
    main()
