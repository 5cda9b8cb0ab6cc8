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
from collections.abc import Mapping
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

    of: dict[str, float] = field(default_factory=dict)

    def __setitem__(self, name: str, value: float) -> None:
        """Keep a figure and show it."""
        print(f"  {name:42} {value:12.3f}", flush=True)
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


def measure(base: str, key: str, server: Running) -> Figures:
    """Measure a registry that is empty of our names."""
    found = Figures()
    auth = {"Authorization": f"Bearer {key}"}
    write = {**auth, "Content-Type": "application/json"}
    found["memory idle"] = server.memory()

    def publish(name: str, version: str, size: int) -> float:
        document = publish_document(base, name, version, tarball(name, version, size))

        def send() -> None:
            status, answer = request("PUT", f"{base}/{name}", document, write)
            if status not in (200, 201):
                raise RuntimeError(f"{status}: {answer[:300]!r}")

        return seconds(send)

    for number in range(20):
        publish(f"warm-{number}", "1.0.0", SMALL)
    found["publish 10 KB, ms"] = 1000 * statistics.median(publish(f"one-{n}", "1.0.0", SMALL) for n in range(100))
    found["publish 20 MB, s"] = statistics.median(publish(f"big-{n}", "1.0.0", BIG) for n in range(3))
    for number in range(500):
        publish("many", f"1.0.{number}", SMALL)
    with peak_memory(server.process.pid) as peak:
        _measure_reading(found, base, auth)
    found["memory peak under reads"] = peak[0]
    return found


def _measure_reading(found: Figures, base: str, auth: Mapping[str, str]) -> None:
    for label, name in (("1 version", "one-0"), ("500 versions", "many")):
        url = f"{base}/{name}"
        found[f"packument {label}, req/s"] = requests_per_second(url, auth)
        found[f"abbreviated {label}, req/s"] = requests_per_second(url, {**auth, **ABBREVIATED})
        found[f"packument {label} 304, req/s"] = requests_per_second(url, {**auth, "If-None-Match": etag(url, auth)})
    found["tarball 10 KB, req/s"] = requests_per_second(tarball_url(base, "one-0", auth), auth)
    big = tarball_url(base, "big-0", auth)
    found["tarball 20 MB 4 connections, MB/s"] = requests_per_second(big, auth, 4) * BIG / 1e6
    found["tarball 20 MB 1 connection, MB/s"] = download_rate(big, auth)


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
