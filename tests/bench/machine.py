"""Start servers, put load on them, read their memory: what every measurement needs."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

CHUNK = 1 << 20
LOAD_SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """Be a server process that was started and answers."""

    def __init__(self, command: Sequence[str], ready: str, log: Path, env: Mapping[str, str] | None = None) -> None:
        began = time.perf_counter()
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command, stdout=file, stderr=file, env={**os.environ, **(env or {})}, start_new_session=True
            )
        wait_until_ready(ready, self.process)
        self.seconds_to_ready = time.perf_counter() - began

    def stop(self) -> None:
        """End the process and everything that it started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)

    def memory(self) -> float:
        """Give the resident memory of the process, in MiB."""
        return resident(self.process.pid)


def resident(pid: int) -> float:
    """Give a process's resident memory in MiB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


def wait_until_ready(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Wait until an address answers 200; raise RuntimeError when it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if request("GET", url)[0] == 200:
                return
        except OSError:
            time.sleep(0.005)
    raise RuntimeError(f"{url} does not answer")


def request(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Send one request on a connection of its own; give status and body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=600)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path or "/", body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def seconds(action: Callable[[], object]) -> float:
    """Give how long something takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def median_seconds(action: Callable[[], object], times: int) -> float:
    """Give the median time of doing something several times."""
    return statistics.median(seconds(action) for _ in range(times))


def requests_per_second(url: str, headers: Mapping[str, str], connections: int = 16) -> float:
    """Give the rate of an address under wrk's load; every answer must be a success."""
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t2", f"-c{connections}", *given]
    subprocess.run([*command, "-d1s", url], check=True, capture_output=True)
    done = subprocess.run([*command, f"-d{LOAD_SECONDS}s", url], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in done and "If-None-Match" not in headers:
        raise RuntimeError(f"{url} failed under load:\n{done}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])  # type: ignore[index]


def download_rate(url: str, headers: Mapping[str, str]) -> float:
    """Give the rate of one connection's download in MB/s, the median of seven."""
    parts = urlsplit(url)

    def once() -> float:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        began, size = time.perf_counter(), 0
        connection.request("GET", parts.path, headers=dict(headers))
        answer = connection.getresponse()
        while chunk := answer.read(CHUNK):
            size += len(chunk)
        connection.close()
        return size / 1e6 / (time.perf_counter() - began)

    once()
    return statistics.median(once() for _ in range(7))


@contextmanager
def peak_memory(pid: int) -> Iterator[list[float]]:
    """Watch a process's resident memory while the block lasts; the list then holds the peak in MiB."""
    peak, done = [resident(pid)], Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], resident(pid))

    thread = Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def have(program: str) -> bool:
    """Tell whether a program is installed; says so where it is not."""
    found = shutil.which(program) is not None
    if not found:
        print(f"({program} is not installed; what needs it is left out)")
    return found


def dump(value: object) -> bytes:
    """Give JSON."""
    return json.dumps(value).encode()
