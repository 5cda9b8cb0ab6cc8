"""Contract, part 7: every route says what it needs, redirects no write, shows no page; snippets say how to use it."""
# ruff: noqa: D102 - the names of tests are sentences

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from app.plugin import FeedAddress, FeedFormat, FormatKit, Permission, Request
from app.testing.specimens import stable_versions

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from app.testing.stage import Place

ADDRESS = FeedAddress("prod", "https://packages.example/format/prod", "https://prod.packages.example")
_PARAMETER = re.compile(r"<(?:(?P<converter>\w+)(?:\((?P<arguments>[^)]*)\))?:)?\w+>")
NASTY_SEGMENTS = (
    "..",
    ".",
    "a" * 3000,
    "\u00e4",
    "<script>alert(1)</script>",
    "a b",
    "*",
    "a+b",
    "%",
    "\0",
    "1.0.0",
    "a/b/1.0.0",
)


def filled(rule: str, value: str = "1.0.0") -> str:
    """Give a path that a rule matches, with one value for every parameter."""

    def fill(match: re.Match[str]) -> str:
        if match["converter"] == "any":
            return match["arguments"].split(",")[0].strip("'\" ")
        if match["converter"] in ("int", "float"):
            return "1" if match["converter"] == "int" else "1.5"
        return quote(value)

    return _PARAMETER.sub(fill, rule)


class HygieneContract:
    """Test the table of routes, and how each route answers what nobody should send."""

    def test_routes_that_change_something_need_a_right_to_change_something(self, format: FeedFormat) -> None:
        for route in format.routes().routes:
            reading = route.needs in (None, Permission.VIEW_FEED, Permission.DOWNLOAD_PACKAGE)
            if reading and set(route.methods) - {"GET", "HEAD"}:
                assert len(route.harmless) > 15, f"{route.methods} {route.rule} needs only {route.needs}: say why"

    def test_reading_the_feed_needs_a_right(self, format: FeedFormat) -> None:
        assert any(route.needs is Permission.DOWNLOAD_PACKAGE for route in format.routes().routes)

    def test_no_two_routes_answer_one_request(self, format: FeedFormat) -> None:
        answers = Counter((_PARAMETER.sub("<>", r.rule), m) for r in format.routes().routes for m in r.methods)
        assert [answer for answer, number in answers.items() if number > 1] == []

    def test_routes_lie_below_the_feed(self, format: FeedFormat) -> None:
        assert format.routes().routes
        for route in format.routes().routes:
            assert route.rule.startswith("/")
            assert "//" not in route.rule

    def test_handlers_say_what_they_do(self, format: FeedFormat) -> None:
        silent = [route.rule for route in format.routes().routes if not (route.handler.__doc__ or "").strip()]
        assert silent == []

    def test_the_plugin_s_module_is_documented(self, format: FeedFormat) -> None:
        assert (sys.modules[type(format).__module__].__doc__ or "").strip()

    def test_nothing_that_writes_is_redirected(self, feed: Place, format: FeedFormat) -> None:
        for route in format.routes().routes:
            for method in sorted(set(route.methods) - {"GET", "HEAD"}):
                path = filled(route.rule)
                for spelling in (path, path.rstrip("/") + "/", "/" + path):
                    status = feed.send(Request(method, spelling)).status_code
                    assert not 300 <= status < 400, f"{method} {spelling} is redirected"

    def test_no_route_fails_or_shows_a_page(self, feed: Place, format: FeedFormat) -> None:
        for route in format.routes().routes:
            for method in route.methods:
                for value in NASTY_SEGMENTS:
                    path = filled(route.rule, value)
                    _is_plain(feed.send(Request(method, path)), f"{method} {path[:80]}")

    def test_a_body_of_rubbish_is_refused_and_not_a_failure(self, feed: Place, format: FeedFormat) -> None:
        for body in (b"", b"{", b"null", b"[" * 10_000, b"\xff" * 100):
            for route in format.routes().routes:
                for method in sorted(set(route.methods) - {"GET", "HEAD"}):
                    for kind in ("application/json", "application/octet-stream", "multipart/form-data; boundary=x"):
                        request = Request(method, filled(route.rule), {"Content-Type": kind}, body)
                        _is_plain(feed.send(request), f"{method} {request.path} {kind}")

    def test_head_is_answered_wherever_get_is(self, feed: Place, format: FeedFormat) -> None:
        for route in format.routes().routes:
            if "GET" not in route.methods:
                continue
            path = filled(route.rule)
            got, head = feed.get(path), feed.send(Request("HEAD", path))
            assert (head.status_code, head.data) == (got.status_code, b""), path

    def test_an_unknown_path_is_not_found_in_the_format_s_own_words(self, feed: Place, format: FeedFormat) -> None:
        response = feed.get("/no-such-thing/at/all/here")
        assert response.status_code in (400, 404)
        assert response.mimetype == format.routes().error(404, "not-found", "x").mimetype
        assert "html" not in (response.mimetype or "")
        assert response.data.strip()

    def test_refusals_say_what_was_wrong(self, feed: Place, format: FeedFormat, kit: FormatKit) -> None:
        absent = kit.make(kit.names[0], stable_versions(format, kit, 1)[0])
        for response in (feed.send(kit.download(absent)), feed.send(kit.publish(absent), "reader")):
            assert response.status_code in (403, 404)
            assert len(response.text.strip()) > 15
            assert "Traceback" not in response.text


class SnippetContract:
    """Test what people copy from a feed's page."""

    def test_every_client_is_pointed_at_the_feed(self, format: FeedFormat) -> None:
        snippets = format.setup_snippets(ADDRESS)
        assert snippets
        assert any(ADDRESS.url in s.text or ADDRESS.host_url in s.text for s in snippets)

    @pytest.mark.parametrize("part", ["title", "tool", "text"])
    def test_snippets_have_a_title_a_tool_and_a_text(self, format: FeedFormat, kit: FormatKit, part: str) -> None:
        version = stable_versions(format, kit, 1)[0]
        for snippet in (*format.setup_snippets(ADDRESS), *format.install_snippets(ADDRESS, kit.names[0], version)):
            assert getattr(snippet, part).strip()

    def test_installing_names_package_and_version(self, format: FeedFormat, kit: FormatKit) -> None:
        version = stable_versions(format, kit, 1)[0]
        for name in kit.names:
            bare = format.split_name(name)[1]
            snippets = format.install_snippets(ADDRESS, name, version)
            assert any(bare in s.text and version in s.text for s in snippets), name


def _is_plain(response: TestResponse, what: str) -> None:
    assert response.status_code < 500 or response.status_code == 501, f"{what}: {response.status_code}"
    assert "html" not in (response.mimetype or ""), f"{what} answers with a page"
    assert not 300 <= response.status_code < 400, f"{what} is redirected"
