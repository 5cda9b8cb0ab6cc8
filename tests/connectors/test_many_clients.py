"""A thousand clients ask a caching feed for one file at once: the source is asked once."""

from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.connectors.conftest import DOCUMENT, TARBALL, Place

CLIENTS = 1000


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect; where the machine has no room in its queue of new connections, again, as a client does."""
    for _ in range(100):
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            await asyncio.sleep(0.05)
    raise AssertionError("no connection")


async def download(port: int, gate: asyncio.Event) -> str:
    """Ask for the file as a client does; give the digest of what came."""
    await gate.wait()
    reader, writer = await connect(port)
    writer.write(f"GET /npm/mine{TARBALL} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    digest, size = hashlib.sha256(), 0
    while piece := await reader.read(1 << 18):
        digest.update(piece)
        size += len(piece)
    writer.close()
    return f"{head.split()[1].decode()} {size} {digest.hexdigest()}"


@pytest.mark.timeout(240)
def test_a_thousand_clients_cost_the_source_one_request(place: Place) -> None:
    kit = place.runtime.get_format("npm").kit()
    place.content = kit.make("left", "1.0.0", noise=os.urandom(500_000).hex()).content
    place.source.replace(DOCUMENT, place.document())
    place.source.replace(TARBALL, place.content, wait=1.0)

    async def all_of_them() -> list[str]:
        gate = asyncio.Event()
        tasks = [asyncio.create_task(download(place.server.port, gate)) for _ in range(CLIENTS)]
        gate.set()
        return await asyncio.gather(*tasks)

    with ThreadPoolExecutor(1) as own_thread:  # The browser's tests leave a loop running in theirs.
        got = own_thread.submit(asyncio.run, all_of_them()).result()
    wanted = f"200 {len(place.content)} {hashlib.sha256(place.content).hexdigest()}"
    assert {answer: got.count(answer) for answer in set(got)} == {wanted: CLIENTS}
    assert place.source.count(TARBALL) == 1
    assert place.source.count(DOCUMENT) == 1
    assert place.kept()[0]
