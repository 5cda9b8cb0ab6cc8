"""Session cookies for pages, and for nothing else: a client's request never sees or sets one."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin


class PageSessions(SecureCookieSessionInterface):
    """Keep the session away from the API, the formats' feeds and static files."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        self._closed = tuple(f"/{prefix}/" for prefix in ("api", "static", "health", *prefixes))

    def _is_page(self, path: str) -> bool:
        return not f"{path}/".startswith(self._closed)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie for a page; an empty session for everything else."""
        return super().open_session(app, request) if self._is_page(request.path) else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie of a page."""
        if self._is_page(request.path):
            super().save_session(app, session, response)
