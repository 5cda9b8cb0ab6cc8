"""An installation with a few people, and visitors who look at its pages and send its forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.services import feeds, grants, people
from app.services.grants import GrantRequest
from app.services.runtime import Runtime, owner
from app.web import create_app
from app.web.tokens import OneTimeTokens

PAGE = {"Accept": "text/html"}


@dataclass
class Visitor:
    """Be somebody with a browser without scripts."""

    client: FlaskClient

    def get(self, path: str, **query: object) -> TestResponse:
        """Look at a page."""
        return self.client.get(path, query_string=query or None, headers=PAGE)

    def send(self, path: str, *, follow: bool = True, **form: object) -> TestResponse:
        """Send a form with its token, and look at the page that follows."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.client.get("/", headers=PAGE).text)
        assert found, "no page has a token for somebody who is not signed in"
        data = {**form, "csrf_token": found[1]}
        return self.client.post(path, data=data, headers=PAGE, follow_redirects=follow)


@pytest.fixture
def office(sqlite_runtime: Runtime) -> Runtime:
    """Give an installation: sam administers it, wes manages npm-dev, ann and bob work there."""
    with sqlite_runtime.writing(owner("SYSTEM")) as work:
        for name in ("npm-dev", "npm-prod", "npm-other"):
            group = "Web" if name != "npm-other" else None
            feeds.create_feed(work, name, "npm", feeds.FeedChange(group=group))
        people.create_user(work, "sam", display_name="Sam Person", email="sam@example.org")
        for name in ("wes", "ann", "bob"):
            people.create_user(work, name)
        people.create_group(work, "Developers", ["ann", "bob"])
        grants.grant(work, GrantRequest("Administer", user="sam"))
        grants.grant(work, GrantRequest("Manage Feed", user="wes", feed="npm-dev"))
        grants.grant(work, GrantRequest("Publish Packages", group="Developers", feed="npm-dev"))
        grants.grant(work, GrantRequest("View & Download Packages", group="Developers", feed_group="Web"))
        grants.grant(work, GrantRequest("Publish Packages", user="bob", feed="npm-dev", deny=True))
    return sqlite_runtime


@pytest.fixture
def site(office: Runtime) -> Flask:
    """Give its application."""
    return create_app(office)


@pytest.fixture
def visit(site: Flask, office: Runtime) -> Callable[[str], Visitor]:
    """Give a function that signs somebody in; "" is nobody known."""
    tokens = cast("OneTimeTokens", site.extensions["promontory.tokens"])

    def enter(name: str) -> Visitor:
        client = site.test_client()
        if name:
            with office.reading(owner("SYSTEM")) as work:
                number = people.get_user(work, name).id
            assert client.get(f"/enter/{tokens.issue(number)}").status_code == 302
        return Visitor(client)

    return enter


@pytest.fixture
def sam_visits(visit: Callable[[str], Visitor]) -> Visitor:
    """Give the administrator at their browser."""
    return visit("sam")
