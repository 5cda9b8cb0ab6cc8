"""The pages of a gem, as whoever may read a public feed sees them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.services import grants, publishing
from app.services.runtime import Runtime, owner
from app.web import create_app
from plugins.rubygems.kit import make
from tests.fixtures import make_feeds

SAM = owner("sam")


@pytest.fixture
def browser(sqlite_runtime: Runtime) -> FlaskClient:
    """Give somebody unknown before a public feed with a gem for two platforms, and one gem that it needs."""
    make_feeds(sqlite_runtime, "rubygems", "gems")
    samples = [make("left", "1.0", platform=platform) for platform in ("", "java")]
    for sample in (*samples, make("rack", "3.0", needs=())):
        publishing.publish(sqlite_runtime, SAM, "gems", [sample.content], sample.filename)
    with sqlite_runtime.writing(SAM) as work:
        grants.grant(work, grants.GrantRequest("View & Download Packages", principal="anonymous", feed="gems"))
    return create_app(sqlite_runtime).test_client()


def page(browser: FlaskClient, tab: str) -> str:
    answer = browser.get(f"/feeds/gems/versions/1.0/left?tab={tab}", headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.headers
    return answer.text


def test_a_version_s_page_says_licence_links_platforms_and_the_ruby_that_is_asked_for(browser: FlaskClient) -> None:
    shown = page(browser, "overview")
    for text in ("MIT", "example.org/source", "ruby, java", "&gt;= 2.5", "Ada Lovelace", "A sample."):
        assert text in shown
    assert "gem install left --version 1.0 --clear-sources --source http://" in shown
    assert "gem &#34;left&#34;, &#34;1.0&#34;, source: &#34;http://" in shown


def test_dependencies_stand_in_their_groups(browser: FlaskClient) -> None:
    shown = page(browser, "dependencies")
    for text in ("Runtime", "Development", "rack", "&gt;= 2.0, &lt; 4", "rake", "~&gt; 13.0"):
        assert text in shown
    assert "/feeds/gems/versions/3.0/rack" in shown


def test_files_of_both_platforms_are_listed(browser: FlaskClient) -> None:
    shown = page(browser, "files")
    for text in ("left-1.0.gem", "left-1.0-java.gem", "README.md"):
        assert text in shown
