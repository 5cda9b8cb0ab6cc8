"""The requests of the vendor's command-line client, against the real server.

Each is sent as its source says it goes out: JSON in chunks and without a length, no content type on uploads and on
empty posts, file names unescaped. The members that it declares as required are in every answer, and none is null.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from app.services.runtime import Runtime
from app.web.server import Server
from tests.api.conftest import DENIAL, count_nulls
from tests.api.wire import Answer, exchange, send, send_json
from tests.fixtures import make_feeds, make_key, publish_sample, running

FEED = ("name", "feedType")
PROBE = ("name", "feedType", "packageType")
VERSION = ("purl", "name", "version")
METADATA = ("name", "version", "state", "artifacts")
HEALTH = ("applicationName", "databaseStatus", "licenseStatus", "versionNumber", "releaseNumber", "serviceStatus")
COUNTS = ("totalDownloads", "downloads", "size", "listed", "deprecated", "published")


class Client:
    """Be the vendor's client with one key."""

    def __init__(self, server: Server, key: str) -> None:
        self.server, self.key = server, key

    def get(self, target: str) -> Any:
        """Read JSON."""
        answer = send(self.server, "GET", target, self.key)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), answer.text
        return answer.json

    def post(self, target: str, value: object) -> Answer:
        """Post JSON."""
        return send_json(self.server, "POST", target, self.key, value)

    def post_nothing(self, target: str) -> Answer:
        """Post without content: a length of 0 and no type."""
        return send(self.server, "POST", target, self.key, body=b"")


@pytest.fixture
def vendor(runtime: Runtime) -> Iterator[Client]:
    """Give the client of a running server with feeds dev and prod."""
    make_feeds(runtime, "npm", "dev", "prod")
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        publish_sample(runtime, "dev", "left", version)
    publish_sample(runtime, "dev", "@acme/ui", "1.0.0")
    with running(runtime) as server:
        yield Client(server, make_key(runtime, "system", "pgutil"))


def check(value: Any, required: tuple[str, ...]) -> None:
    """Check that an answer, or each of a list, has the required members and no null."""
    for each in value if isinstance(value, list) else [value]:
        assert set(required) <= set(each), f"{set(required) - set(each)} missing"
    assert count_nulls(value) == 0


@pytest.mark.parametrize("target", ["/health", "/health?format=json", "/health/json"])
def test_health(vendor: Client, target: str) -> None:
    answer = vendor.get(target)
    check(answer, HEALTH)
    # Any other status, also of replication, and the client ends with a failure.
    assert {answer[name] for name in ("databaseStatus", "licenseStatus", "serviceStatus")} == {"OK"}
    assert set(answer["replicationStatus"].values()) <= {"OK"}


def test_health_as_text_for_who_wants_only_that(vendor: Client) -> None:
    answer = send(vendor.server, "GET", "/health", headers=["Accept: text/plain"])
    assert (answer.status, answer.text) == (200, "OK")


def test_packages_list_and_versions(vendor: Client) -> None:
    latest = vendor.get("/api/packages/dev/latest")
    check(latest, VERSION + COUNTS)
    assert {each["name"]: each["version"] for each in latest} == {"left": "1.1.0", "ui": "1.0.0"}
    stable = vendor.get("/api/packages/dev/latest?name=left&stableOnly=true")
    assert [each["version"] for each in stable] == ["1.1.0"]
    versions = vendor.get("/api/packages/dev/versions?group=%40acme&name=ui")
    check(versions, VERSION + COUNTS)
    assert [each["purl"] for each in versions] == ["pkg:npm/%40acme/ui@1.0.0"]
    assert vendor.get("/api/packages/dev/versions?name=nothing") == []


@pytest.mark.parametrize(
    ("version", "found"),
    [("1.0.0", "1.0.0"), ("latest", "1.1.0"), ("latest-stable", "1.1.0"), ("latest-unstable", "2.0.0-rc.1")],
)
def test_packages_download(vendor: Client, version: str, found: str) -> None:
    check(vendor.get("/api/packages/dev"), PROBE)
    answer = send(vendor.server, "GET", f"/api/packages/dev/download?name=left&version={version}", vendor.key)
    assert answer.status == 200
    assert re.findall("filename=([^;]+)$", answer.headers["content-disposition"]) == [f"left-{found}.tgz"]
    assert int(answer.headers["content-length"]) == len(answer.body) > 100


@pytest.mark.parametrize("chunked", [False, True], ids=["a file", "standard input"])
def test_packages_upload(vendor: Client, chunked: bool) -> None:
    sample = vendor.server.runtime.get_format("npm").kit().make("@acme/new", "1.0.0")
    target = "/api/packages/dev/upload" + ("" if chunked else "/acme-new-1.0.0 (1).tgz".replace(" ", "%20"))
    answer = send(vendor.server, "PUT", target, vendor.key, body=sample.content, chunked=chunked)
    assert answer.status == 200, answer.text
    assert [each["version"] for each in vendor.get("/api/packages/dev/versions?group=%40acme&name=new")] == ["1.0.0"]


def test_a_large_upload_in_chunks_arrives_whole(vendor: Client) -> None:
    make_feeds(vendor.server.runtime, "parcels", "boxes")
    body = b"parcel big 1.0\n" + b"x" * 700_000
    answer = send(vendor.server, "PUT", "/api/packages/boxes/upload", vendor.key, body=body, chunked=True)
    assert answer.status == 200, answer.text
    assert [each["size"] for each in vendor.get("/api/packages/boxes/versions")] == [len(body)]


def test_packages_delete(vendor: Client) -> None:
    check(vendor.get("/api/packages/dev"), PROBE)
    target = "/api/packages/dev/delete?name=ui&version=1.0.0&group=%40acme"
    assert vendor.post_nothing(target).status == 200
    assert vendor.get("/api/packages/dev/versions?group=%40acme&name=ui") == []
    again = vendor.post_nothing(target)
    assert (again.status, again.headers["content-type"]) == (404, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("sent", "member", "value"),
    [
        ({"listed": False}, "listed", False),
        ({"deprecated": True, "deprecationReason": "old"}, "deprecationReason", "old"),
        ({"allow": True}, "listed", True),
        ({}, "listed", True),
    ],
)
def test_packages_status(vendor: Client, sent: dict[str, object], member: str, value: object) -> None:
    assert vendor.post("/api/packages/dev/status?name=left&version=1.0.0", sent).status == 200
    (info,) = vendor.get("/api/packages/dev/versions?name=left&version=1.0.0")
    assert info[member] == value


def test_packages_metadata_and_audit(vendor: Client) -> None:
    metadata = vendor.get("/api/packages/dev/metadata?name=left&version=1.0.0")
    check(metadata, METADATA)
    check(metadata["artifacts"], ("qualifier", "state"))
    check(metadata["licenses"], ("code", "title"))
    assert metadata["status"]["allowDownload"] is True
    audit = vendor.post_nothing("/api/packages/dev/audit?name=left&version=1.0.0")
    check(audit.json, ("statusText",))


def test_packages_promote(vendor: Client) -> None:
    body = {"fromFeed": "dev", "group": "@acme", "name": "ui", "version": "latest", "toFeed": "prod", "comments": "ok"}
    answer = vendor.post("/api/promotions/promote", body)
    assert answer.status == 200, answer.text
    history = vendor.get("/api/promotions/list?package=ui&group=%40acme")
    check(history, ("packageName", "package", "packageType", "version", "promotions"))
    check(history[0]["promotions"], ("fromFeed", "toFeed", "date", "user", "id"))
    assert history[0]["promotions"][0]["comments"] == "ok"


def test_feeds_list_create_set_and_delete(vendor: Client) -> None:
    listed = vendor.get("/api/management/feeds/list")
    check(listed, (*FEED, "active"))
    created = vendor.post("/api/management/feeds/create", {"name": "new", "feedType": "Universal"})
    assert created.status == 200
    check(created.json, FEED)
    whole = vendor.get("/api/management/feeds/get/new")
    updated = vendor.post("/api/management/feeds/update/new", {**whole, "active": False})
    check(updated.json, FEED)
    assert [each["name"] for each in vendor.get("/api/management/feeds/list") if each["active"]] == ["dev", "prod"]
    assert send(vendor.server, "DELETE", "/api/management/feeds/delete/new", vendor.key).status == 200
    assert send(vendor.server, "GET", "/api/management/feeds/get/new", vendor.key).status == 404


def test_a_name_and_password_are_sent_as_a_key(vendor: Client) -> None:
    denied = send(vendor.server, "GET", "/api/packages/dev", "ann:wrong")
    assert (denied.status, denied.text.startswith(DENIAL)) == (403, True)
    assert "www-authenticate" not in denied.headers


def test_a_refusal_is_one_line_of_text(vendor: Client) -> None:
    for body in ({"fromFeed": "dev"}, {"fromFeed": "dev", "toFeed": "x", "name": "left", "version": "1.0.0"}, []):
        answer = vendor.post("/api/promotions/promote", body)
        assert (answer.status, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert "\n" not in answer.text
        assert "<" not in answer.text


# The wire itself --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1, rebound.example", "rebound.example@127.0.0.1", "[::1"])
def test_a_request_for_somebody_else_s_host_is_refused(vendor: Client, host: str) -> None:
    answer = exchange(vendor.server, f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.status == 421


def test_two_hosts_in_one_request_are_refused(vendor: Client) -> None:
    assert send(vendor.server, "GET", "/health", headers=["Host: rebound.example"]).status in (400, 421)


@pytest.mark.parametrize(
    "tail",
    [
        b"Content-Length: 5\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_body_that_breaks_off_promotes_nothing_and_hurts_nobody(vendor: Client, tail: bytes) -> None:
    head = f"POST /api/promotions/promote HTTP/1.1\r\nHost: 127.0.0.1\r\nX-ApiKey: {vendor.key}\r\n".encode()
    with socket.create_connection(("127.0.0.1", vendor.server.port), timeout=10) as connection:
        connection.sendall(head + tail)
    check(vendor.get("/health"), HEALTH)
    assert vendor.get("/api/promotions/list") == []


def test_several_requests_on_one_connection_do_not_mix(vendor: Client) -> None:
    """A body that is refused unread must not be taken for the next request."""
    host = f"Host: 127.0.0.1:{vendor.server.port}\r\n"
    smuggled = b"GET /api/management/feeds/list HTTP/1.1\r\n\r\n"
    first = f"PUT /api/packages/dev/upload HTTP/1.1\r\n{host}Content-Length: {len(smuggled)}\r\n\r\n".encode()
    second = f"GET /health HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", vendor.server.port), timeout=30) as connection:
        connection.sendall(first + smuggled + second)
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"403", b"200"]
    assert answers.count(b"databaseStatus") == 2  # and its details
