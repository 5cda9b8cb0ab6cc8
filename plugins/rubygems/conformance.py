"""Two requests that only RubyGems' public conformance suite sends; off unless the setting for test hooks is on."""

from __future__ import annotations

from datetime import UTC, datetime

from app.plugin import Invalid, NotFound, Permission
from app.plugin.web import Response, Routes, ServedFeed, text_error, text_response

from .compact import rebuilt

_LONGEST = 100

routes = Routes(error=text_error)


def _only_in_tests(feed: ServedFeed) -> None:
    if not feed.test_hooks:
        raise NotFound("There is nothing here; conformance suites need the setting test_hooks.", code="no-test-hooks")


@routes.route("/set_time", ("POST",), Permission.MANAGE_FEED)
def set_time(feed: ServedFeed) -> Response:
    """Stop the clock at the moment that the body names, in ISO 8601."""
    _only_in_tests(feed)
    text = feed.request.stream.read(_LONGEST).decode("ascii", "replace")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!a} is no moment in ISO 8601.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    feed.set_clock(moment)
    return text_response(f"Time set to {moment.isoformat()}")


@routes.route("/rebuild_versions_list", ("POST",), Permission.MANAGE_FEED)
def rebuild_versions_list(feed: ServedFeed) -> Response:
    """Begin the list of versions anew."""
    _only_in_tests(feed)
    feed.rewrite_journal(rebuilt)
    return text_response("Rebuilt versions list")
