"""Refusals as NuGet's clients show them: in the reason phrase, and as text."""

from __future__ import annotations

import re

from app.plugin.web import Response, text_response

_MAX_REASON = 300
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]+")


def error(status: int, code: str, message: str) -> Response:
    """Shape a refusal; most clients show nothing but the reason phrase to people."""
    response = text_response(message, status, {"X-Error-Code": code})
    response.status = f"{status} {_NOT_PLAIN.sub('?', message)[:_MAX_REASON]}"
    return response
