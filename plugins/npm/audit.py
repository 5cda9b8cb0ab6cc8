"""What ``npm audit`` asks. The feed knows no advisories, and says so in the shape that each client expects."""

from __future__ import annotations

from typing import Any

from app.plugin import Invalid, Permission
from app.plugin.web import Response, Routes, ServedFeed, json_error, json_response

LIMIT = 20_000_000
_QUESTION = "it answers a question about names and versions, and keeps nothing"
_SEVERITIES = ("info", "low", "moderate", "high", "critical")

routes = Routes(error=json_error)


@routes.route(
    "/-/npm/v1/security/advisories/bulk", ("POST",), Permission.VIEW_FEED, harmless=_QUESTION, accepts_gzip=True
)
def bulk(feed: ServedFeed) -> Response:
    """Answer npm 7 and later, Yarn Berry and pnpm 12: advisories by package name, none."""
    _question(feed)
    return json_response({})


@routes.route("/-/npm/v1/security/audits/quick", ("POST",), Permission.VIEW_FEED, harmless=_QUESTION, accepts_gzip=True)
@routes.route("/-/npm/v1/security/audits", ("POST",), Permission.VIEW_FEED, harmless=_QUESTION, accepts_gzip=True)
def audits(feed: ServedFeed) -> Response:
    """Answer npm 6 and pnpm 9 and 10: a report without findings."""
    return json_response(empty_report(_question(feed)))


def empty_report(question: dict[str, Any]) -> dict[str, Any]:
    """Give a report that nothing is known about the lock file that was sent."""
    count = len(question["dependencies"]) if isinstance(question.get("dependencies"), dict) else 0
    return {
        "actions": [],
        "advisories": {},
        "muted": [],
        "metadata": {
            "vulnerabilities": dict.fromkeys(_SEVERITIES, 0),
            "dependencies": count,
            "devDependencies": 0,
            "optionalDependencies": 0,
            "totalDependencies": count,
        },
    }


def _question(feed: ServedFeed) -> dict[str, Any]:
    body = feed.json_body(LIMIT)
    if not isinstance(body, dict):
        raise Invalid("An audit sends a JSON object.")
    return body
