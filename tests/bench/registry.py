"""The npm operations that any registry is measured with, ours and the peer's alike."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import random
import statistics
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.bench.machine import (
    Running,
    download_rate,
    dump,
    peak_memory,
    request,
    requests_per_second,
    seconds,
)

ABBREVIATED = {"Accept": "application/vnd.npm.install-v1+json"}
SMALL, BIG = 10_000, 20_000_000


@dataclass
class Figures:
    """Hold what was measured, by name; rates in requests or MB a second, times in seconds, memory in MiB."""

    title: str
    of: dict[str, float] = field(default_factory=dict)

    def __setitem__(self, name: str, value: float) -> None:
        """Keep a figure and show it."""
        print(f"  {self.title:12} {name:42} {value:12.3f}", flush=True)
        self.of[name] = value


def tarball(name: str, version: str, size: int) -> bytes:
    """Make a tarball of about a size that does not compress."""
    rng = random.Random(f"{name}{version}")
    buffer = io.BytesIO()
    manifest = dump({"name": name, "version": version, "description": "bench", "license": "MIT"})
    packed = gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0)
    with packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content in (("package.json", manifest), ("data.bin", rng.randbytes(size - 700))):
            info = tarfile.TarInfo(f"package/{path}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def publish_document(base: str, name: str, version: str, content: bytes) -> bytes:
    """Give the document that npm sends to publish a tarball."""
    filename = f"{name}-{version}.tgz"
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    dist = {
        "integrity": integrity,
        "shasum": hashlib.sha1(content).hexdigest(),
        "tarball": f"{base}/{name}/-/{filename}",
    }
    manifest = {"name": name, "version": version, "description": "bench", "license": "MIT", "_id": f"{name}@{version}"}
    data = base64.b64encode(content).decode()
    attachment = {"content_type": "application/octet-stream", "data": data, "length": len(content)}
    return dump(
        {
            "_id": name,
            "name": name,
            "dist-tags": {"latest": version},
            "versions": {version: {**manifest, "dist": dist}},
            "_attachments": {filename: attachment},
        }
    )


@dataclass
class Registry:
    """Be a registry under measurement, empty of our names; ``key`` is a bearer token."""

    base: str
    key: str
    server: Running
    found: Figures

    @property
    def auth(self) -> dict[str, str]:
        """Give the headers of a reader."""
        return {"Authorization": f"Bearer {self.key}"}

    def publish(self, name: str, version: str, size: int) -> float:
        """Publish a package; give the seconds."""
        document = publish_document(self.base, name, version, tarball(name, version, size))
        headers = {**self.auth, "Content-Type": "application/json"}

        def send() -> None:
            status, answer = request("PUT", f"{self.base}/{name}", document, headers)
            if status not in (200, 201):
                raise RuntimeError(f"{status}: {answer[:300]!r}")

        return seconds(send)


def measure(*registries: Registry) -> None:
    """Measure registries step by step in turn: the machine's speed changes from minute to minute, for all alike."""
    for _ in zip(*map(_steps, registries), strict=True):
        pass


def _steps(of: Registry) -> Iterator[None]:
    found = of.found
    found["memory idle"] = of.server.memory()
    for number in range(20):
        of.publish(f"warm-{number}", "1.0.0", SMALL)
    times = []
    for number in range(200):
        times.append(of.publish(f"one-{number}", "1.0.0", SMALL))
        if number % 10 == 0:
            yield
    found["publish 10 KB, ms"] = 1000 * statistics.median(times)
    yield
    found["publish 20 MB, s"] = statistics.median(of.publish(f"big-{n}", "1.0.0", BIG) for n in range(3))
    yield
    for number in range(500):
        of.publish("many", f"1.0.{number}", SMALL)
    yield
    with peak_memory(of.server.process.pid) as peak:
        yield from _reading_steps(of)
    found["memory peak under reads"] = peak[0]


def _reading_steps(of: Registry) -> Iterator[None]:
    found, auth = of.found, of.auth
    for label, name in (("1 version", "one-0"), ("500 versions", "many")):
        url = f"{of.base}/{name}"
        found[f"packument {label}, req/s"] = requests_per_second(url, auth)
        yield
        found[f"abbreviated {label}, req/s"] = requests_per_second(url, {**auth, **ABBREVIATED})
        yield
        found[f"packument {label} 304, req/s"] = requests_per_second(url, {**auth, "If-None-Match": etag(url, auth)})
        yield
    found["tarball 10 KB, req/s"] = requests_per_second(tarball_url(of.base, "one-0", auth), auth)
    yield
    big = tarball_url(of.base, "big-0", auth)
    found["tarball 20 MB 4 connections, MB/s"] = requests_per_second(big, auth, 4) * BIG / 1e6
    yield
    found["tarball 20 MB 1 connection, MB/s"] = download_rate(big, auth)
    yield


def etag(url: str, headers: Mapping[str, str]) -> str:
    """Give the ETag of an address as wrk gets it."""
    import http.client

    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("GET", parts.path, headers=dict(headers))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.headers["ETag"]


def tarball_url(base: str, name: str, headers: Mapping[str, str]) -> str:
    """Give the address under which a registry says its tarball is."""
    document = json.loads(request("GET", f"{base}/{name}", headers=headers)[1])
    path = urlsplit(next(iter(document["versions"].values()))["dist"]["tarball"]).path
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}{path}"
