"""A source that misbehaves, seen through a whole installation: clear answers, nothing kept, and it heals."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.errors import AppError
from app.services import connectors, pulls
from app.services.connectors import ConnectorChange
from tests.connectors.conftest import DOCUMENT, SAM, TARBALL, Place


def other(content: bytes) -> bytes:
    """Give as many bytes, the last of them another."""
    return content[:-1] + bytes([content[-1] ^ 1])


TARBALL_FAULTS: dict[str, Any] = {
    "cut in the middle": lambda content: (content, {"cut": len(content) // 2}),
    "cut before the last byte": lambda content: (content, {"cut": len(content) - 1}),
    "another last byte": lambda content: (other(content), {}),
    "too short, and says so": lambda content: (content[:-100], {}),
    "too long": lambda content: (content + b"more", {}),
    "says more than it sends": lambda content: (content, {"length": len(content) + 100}),
    "chunked and cut": lambda content: (content, {"length": -1, "cut": len(content) // 2}),
    "a page instead": lambda content: (b"<html>sign in</html>", {"headers": {"Content-Type": "text/html"}}),
    "nothing": lambda content: (b"", {}),
    "not found": lambda content: (b"no", {"status": 404}),
    "forbidden": lambda content: (b"no", {"status": 403}),
    "too many requests": lambda content: (b"slow", {"status": 429, "headers": {"Retry-After": "30"}}),
    "down": lambda content: (b"oops", {"status": 503}),
    "a redirect to itself": lambda content: (b"", {"status": 302, "headers": {"Location": TARBALL}}),
    "a redirect into the private net": lambda content: (
        b"", {"status": 302, "headers": {"Location": "http://169.254.169.254/latest/"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", TARBALL_FAULTS)
def test_a_bad_file_reaches_nobody_is_not_kept_and_heals(place: Place, fault: str) -> None:
    before = place.kept()
    body, faults = TARBALL_FAULTS[fault](place.content)
    place.source.replace(TARBALL, body, **faults)
    status, media, got = place.tarball()
    if status == 200:
        assert got is None, "a whole wrong file reached a client"
    else:
        assert status in (404, 502, 503, 504), (status, got)
        assert media == "application/json"
        assert got
        assert b"Traceback" not in got
    assert place.kept() == before
    with pytest.raises(AppError) as refused:
        pulls.pull(place.runtime, SAM, "mine", "left", "1.0.0")
    assert "far" in refused.value.message or "left" in refused.value.message
    assert place.kept() == before
    place.heal()
    status, _, got = place.tarball()
    assert (status, got) == (200, place.content)
    assert place.kept() == (True, before[1] + 1, [])


DOCUMENT_FAULTS: dict[str, Any] = {
    "no JSON": (b"<html>", {}),
    "another shape": (b'["left"]', {}),
    "versions that are none": (b'{"name": "left", "versions": [1, 2]}', {}),
    "cut": (b'{"name": "left"', {"length": 1000}),
    "endless": (b" " * 1_000_000, {"repeat": 300}),
    "a bomb": None,
    "too many requests": (b"", {"status": 429, "headers": {"Retry-After": "30"}}),
    "down": (b"", {"status": 502}),
    "a redirect to itself": (b"", {"status": 301, "headers": {"Location": DOCUMENT}}),
    "a redirect to a file": (b"", {"status": 301, "headers": {"Location": "file:///etc/passwd"}}),
}


@pytest.mark.parametrize("fault", DOCUMENT_FAULTS)
def test_a_bad_document_is_said_and_what_the_feed_holds_goes_on(place: Place, fault: str) -> None:
    place.source.clear(DOCUMENT)
    if DOCUMENT_FAULTS[fault] is None:
        place.source.bomb(DOCUMENT, 400_000_000)
    else:
        body, faults = DOCUMENT_FAULTS[fault]
        place.source.answer(DOCUMENT, body, **faults)
    status, media, got = place.get("/npm/mine/left")
    assert status in (404, 502, 503), (status, got)
    assert media == "application/json"
    assert got
    assert b"Traceback" not in got
    if status != 404:
        assert b"far" in got
    status, media, got = place.get("/feeds/mine/packages/left", page=True)
    assert status in (404, 502, 503)
    assert media == "text/html"
    assert got
    assert b"Traceback" not in got
    assert place.get("/npm/mine/own")[0] == 200
    place.heal()
    status, _, got = place.get("/npm/mine/left")
    assert status == 200
    assert b"left-1.0.0.tgz" in (got or b"")


def test_a_source_that_goes_away_takes_nothing_along(place: Place) -> None:
    with place.runtime.writing(SAM) as work:
        connectors.update_connector(work, "far", ConnectorChange(cache_minutes=0))
    assert place.tarball()[2] == place.content
    place.source.replace(DOCUMENT, b"", status=503)
    place.source.replace(TARBALL, b"", status=503)
    status, _, got = place.get("/npm/mine/left")
    assert status == 200
    assert b"left-1.0.0.tgz" in (got or b"")
    assert place.tarball()[2] == place.content
    page = place.get("/feeds/mine/packages/left?remote=yes", page=True)[2] or b""
    assert b"A source is down" in page
    for name in ("a", "b", "c", "d", "e", "f"):
        place.source.answer(f"/{name}", b"", status=503)
        status, _, got = place.get(f"/npm/mine/{name}")
        assert (status, b"far" in (got or b"")) == (502, True)
    assert place.runtime.network.state("far").open, "a source that only fails is left alone for a while"
    asked = len(place.source.requests)
    assert place.get("/npm/mine/g")[0] == 502
    assert len(place.source.requests) == asked, "while it is left alone, nobody waits for it"
    place.heal()
    assert place.get("/npm/mine/g")[0] == 404
