"""The pages of a package and of a version, as each kind of person sees them, and what can be changed there."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.domain.permissions import Permission
from app.plugin.format import Entry
from app.services import access, grants, packages, people, promotions, publishing, sessions, tasks
from app.services.promotions import PromotionRequest, Wanted
from app.services.runtime import Runtime, owner
from app.web import create_app
from app.web.pages.contents import as_text, open_folder, parents
from tests.fixtures import make_feeds, publish_sample

NAME, VERSION = "@acme/payments", "1.0.0+build.5"
SAM = owner("sam")
BROWSER = {"Accept": "text/html"}
SignIn = Callable[[str], FlaskClient]


def _tarball(name: str, version: str, extra: dict[str, bytes]) -> bytes:
    """Pack an npm package with files of any name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        manifest = f'{{"name": "{name}", "version": "{version}", "license": "MIT", "dependencies": {DEPENDENCIES}}}'
        for path, data in {"package.json": manifest.encode(), **extra}.items():
            info = tarfile.TarInfo(f"package/{path}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


DEPENDENCIES = '{"ms": "^2.0.0", "debug": "^9.0.0", "gone": "*", "fork": "git+ssh://git@e.example/x.git"}'
HOSTILE = '"><script>alert(1)<'
FILES = {
    "README.md": b"# Payments\n\n<script>alert(1)</script>",
    "lib/index.js": b"let a = '<b>';",
    "lib/deep/x.bin": b"\0\1",
    f"lib/{HOSTILE}/a&b.txt": b"<script>alert(2)</script>",
    "long.txt": "\N{EURO SIGN}".encode() * 100_000,
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}.txt": b"x",
}


@pytest.fixture
def world(sqlite_runtime: Runtime) -> Runtime:
    """Give feeds dev, test, prod and secret with a package that was promoted, and a reader, a viewer, an admin."""
    make_feeds(sqlite_runtime, "npm", "dev", "test", "prod", "secret")
    publishing.publish(sqlite_runtime, SAM, "dev", [_tarball(NAME, VERSION, FILES)], "p.tgz")
    for name, version in ((NAME, "0.9.0"), (NAME, "1.1.0-rc.1"), ("ms", "2.1.3"), ("debug", "4.4.3")):
        publish_sample(sqlite_runtime, "dev", name, version)
    for source, target, comments in (("dev", "test", "first <b>"), ("test", "prod", ""), ("dev", "secret", "hidden")):
        wanted = PromotionRequest(source, target, (Wanted(NAME, VERSION),), comments)
        promotions.promote(sqlite_runtime, SAM, wanted)
    with sqlite_runtime.writing(SAM) as work:
        for name in ("admin", "reader", "viewer", "nobody"):
            people.create_user(work, name)
        grants.grant(work, grants.GrantRequest("Administer", user="admin"))
        for feed in ("dev", "test", "prod"):
            grants.grant(work, grants.GrantRequest("View & Download Packages", user="reader", feed=feed))
    return sqlite_runtime


@pytest.fixture
def app(world: Runtime) -> Flask:
    """Give the application, with CSRF as in production."""
    made = create_app(world)
    made.testing = True
    return made


@pytest.fixture
def signed_in(app: Flask, world: Runtime) -> SignIn:
    """Give a function that signs somebody in and gives their client."""

    def sign_in(name: str) -> FlaskClient:
        client = app.test_client()
        with world.writing(SAM) as work:
            user, secret = people.get_user(work, name), sessions.begin(work, name)
        with client.session_transaction() as session:
            session.update({"session": secret, "_user_id": str(user.id), "_fresh": 1})
        return client

    return sign_in


def _at(kind: str = "versions", feed: str = "dev", version: str = VERSION, name: str = NAME) -> str:
    return f"/feeds/{feed}/{kind}/{quote(version)}/{quote(name)}"


def _page(client: FlaskClient, url: str, status: int = 200) -> str:
    answer = client.get(url, headers=BROWSER)
    assert answer.status_code == status, answer.text[:2000]
    return answer.text


def _token(client: FlaskClient, url: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', _page(client, url))
    assert found
    return found[1]


# Who sees what ----------------------------------------------------------------------------------------

TABS = ("overview", "dependencies", "files", "promotions")


@pytest.mark.parametrize("tab", TABS)
def test_a_reader_sees_every_tab_and_nothing_to_change(signed_in: SignIn, tab: str) -> None:
    html = _page(signed_in("reader"), f"{_at()}?tab={tab}")
    assert 'aria-current="page">' + tab.capitalize() in html
    assert "Download</a>" in html
    for absent in ("/status", "/delete", "tab=manage", "btn-primary", "/feeds/secret"):
        assert absent not in html


@pytest.mark.parametrize("tab", [*TABS, "manage"])
def test_an_administrator_sees_every_tab_with_promote(signed_in: SignIn, tab: str) -> None:
    html = _page(signed_in("admin"), f"{_at()}?tab={tab}")
    assert re.search(r'class="btn btn-primary" href="/promote\?[^"]*from=dev', html)
    assert "tab=manage" in html


@pytest.mark.parametrize(
    "url", [_at(), _at("download"), f"{_at('files')}?path=long.txt", f"/feeds/dev/packages/{NAME}"]
)
def test_a_stranger_is_asked_to_sign_in_and_who_has_no_right_is_refused(
    app: Flask, signed_in: SignIn, url: str
) -> None:
    answer = app.test_client().get(url, headers=BROWSER)
    assert (answer.status_code, "/sign-in" in answer.headers["Location"]) == (302, True)
    assert signed_in("nobody").get(url, headers=BROWSER).status_code in (403, 404)


def test_who_may_only_view_gets_no_bytes(signed_in: SignIn, world: Runtime) -> None:
    with world.writing(SAM) as work:
        tasks.create_task(work, "Only look", [Permission.VIEW_FEED])
        grants.grant(work, grants.GrantRequest("Only look", user="viewer", feed="dev"))
    client = signed_in("viewer")
    assert "lib" not in _page(client, f"{_at()}?tab=files").split("one needs the right")[1]
    assert "/download/" not in _page(client, _at())
    for url in (_at("download"), f"{_at('files')}?path=long.txt"):
        _page(client, url, 403)


@pytest.mark.parametrize(
    "url",
    [
        _at(version="9.9.9"),
        _at(version="no version"),
        _at(name="absent"),
        f"{_at()}?tab=files&path=absent",
        f"{_at()}?tab=files&folder=absent",
        f"{_at()}?tab=files&variant=absent",
        f"{_at('files')}?path=absent",
        f"{_at('download')}?variant=absent",
        "/feeds/dev/packages/absent",
    ],
)
def test_what_is_not_there_is_not_found(signed_in: SignIn, url: str) -> None:
    _page(signed_in("admin"), url, 404)


def test_an_unknown_tab_is_the_overview_and_latest_is_an_alias(signed_in: SignIn) -> None:
    html = _page(signed_in("reader"), f"{_at(version='latest')}?tab=odd")
    assert "1.0.0+build.5" in html
    assert 'aria-current="page">Overview' in html


# Tabs -------------------------------------------------------------------------------------------------


def test_the_overview_says_how_to_install_where_it_is_and_where_it_came_from(signed_in: SignIn) -> None:
    html = _page(signed_in("reader"), _at(feed="test"))
    assert "npm install @acme/payments@" in html
    assert "<h3>Payments</h3>" in html
    assert "<script>alert" not in html
    assert re.search(r'promoted from <a href="/feeds/dev">dev</a> by sam, <a href="/promotions/1">no. 1</a>', html)
    places = html.split("Where it is", 1)[1].split("</section>")[0]
    assert re.findall(r"(dev|test|prod|secret)</(?:a|b)>", places) == ["dev", "prod", "test"]


def test_dependencies_say_in_words_what_the_feed_has(signed_in: SignIn) -> None:
    html = _page(signed_in("reader"), f"{_at()}?tab=dependencies")
    rows = {}
    for row in re.findall(r"<tr>(<td.*?)</tr>", html, re.DOTALL):
        name, *rest = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "|", row)).replace("|", " ").split()
        rows[name] = " ".join(rest)
    assert "in this feed 2.1.3" in rows["ms"]
    assert "other versions only 4.4.3" in rows["debug"]
    assert "missing" in rows["gone"]
    assert "from no feed" in rows["fork"]


def test_promotions_have_the_columns_in_order_and_the_newest_first(signed_in: SignIn) -> None:
    html = _page(signed_in("admin"), f"{_at()}?tab=promotions")
    table = html.split('<table class="table top history"')[1].split("</table>")[0]
    heads = [re.sub(r"<[^>]+>", "", each).strip() for each in re.findall(r"<th[^>]*>(.*?)</th>", table)]
    assert heads[:5] == ["From Feed", "To Feed", "Date", "User", "Comments"]
    assert re.findall(r'href="/promotions/(\d+)"', table) == ["3", "2", "1"]
    assert "first &lt;b&gt;" in table
    assert "Promote Package</a>" in html


def test_promotions_are_in_pages(signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.pages.version.PER_PAGE", 2)
    client = signed_in("admin")
    assert "page=2" in _page(client, f"{_at()}?tab=promotions")
    assert re.findall(r'href="/promotions/(\d+)"', _page(client, f"{_at()}?tab=promotions&page=2")) == ["1"]


def test_a_version_never_promoted_says_so(signed_in: SignIn) -> None:
    assert "was never promoted" in _page(signed_in("reader"), f"{_at(version='0.9.0')}?tab=promotions")


def test_files_open_folder_by_folder_and_hostile_names_stay_text(signed_in: SignIn) -> None:
    client = signed_in("reader")
    assert "<script>alert" not in _page(client, f"{_at()}?tab=files")
    lib = _page(client, f"{_at()}?tab=files&folder=lib")
    assert "<bdi>&#34;&gt;&lt;script&gt;alert(1)&lt;</bdi>" in lib
    assert "<bdi>index.js</bdi>" in lib
    assert "<script>alert" not in lib
    text = _page(client, f"{_at()}?tab=files&path={quote(f'lib/{HOSTILE}/a&b.txt')}")
    assert "&lt;script&gt;alert(2)" in text
    assert "<script>alert" not in text


def test_a_text_is_cut_and_a_binary_file_is_said_to_be_one(signed_in: SignIn) -> None:
    client = signed_in("reader")
    assert "is binary" in _page(client, f"{_at()}?tab=files&path=lib/deep/x.bin")
    long = _page(client, f"{_at()}?tab=files&path=long.txt")
    assert "Only the first" in long
    assert 87_000 < long.count("\N{EURO SIGN}") < 88_000


# Bytes ------------------------------------------------------------------------------------------------


def test_a_file_inside_is_an_attachment_that_no_browser_shows(signed_in: SignIn) -> None:
    answer = signed_in("reader").get(f"{_at('files')}?path={quote(f'lib/{HOSTILE}/a&b.txt')}")
    assert answer.data == b"<script>alert(2)</script>"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content_type == "application/octet-stream"
    accented = signed_in("reader").get(f"{_at('files')}?path={quote('café.txt')}")
    assert "filename*=UTF-8''caf%C3%A9.txt" in accented.headers["Content-Disposition"]


def test_a_file_inside_that_is_too_large_is_refused(signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.pages.version.ENTRY_LIMIT", 1000)
    client = signed_in("reader")
    assert client.get(f"{_at('files')}?path=long.txt").status_code == 413
    assert client.get(_at("files")).status_code == 400


def test_a_download_gives_the_same_bytes_is_counted_and_kept_by_no_shared_cache(
    app: Flask, signed_in: SignIn, world: Runtime
) -> None:
    answer = signed_in("reader").get(_at("download"))
    assert answer.data == _tarball(NAME, VERSION, FILES)
    assert "private" in answer.headers["Cache-Control"]
    assert "immutable" not in answer.headers["Cache-Control"]
    app.extensions["promontory.serving"].downloads.flush()
    with world.reading(SAM) as work:
        found = packages.get_version(work, access.get_feed(work, "dev"), NAME, VERSION)
    assert found.downloads == 1


# Package ----------------------------------------------------------------------------------------------


def test_a_package_shows_its_versions_newest_first_with_origin_and_other_feeds(signed_in: SignIn) -> None:
    html = _page(signed_in("reader"), f"/feeds/dev/packages/{NAME}")
    assert re.findall(r'class="name mono"[^>]*>([^<]+)<', html) == ["1.1.0-rc.1", VERSION, "0.9.0"]
    assert re.findall(r'class="badge"[^>]*since[^>]*>([^<]+)<', html) == ["prod", "test"]
    assert 'name="item"' not in html
    there = _page(signed_in("reader"), f"/feeds/test/packages/{NAME}")
    assert re.search(r'sam <span class="dim">from dev,</span> <a href="/promotions/1">no. 1</a>', there)


def test_versions_are_selected_for_promotion_without_scripts(signed_in: SignIn) -> None:
    html = _page(signed_in("admin"), f"/feeds/dev/packages/{NAME}")
    assert re.search(r'<form class="selection" action="/promote" method="get"', html)
    assert '<input type="hidden" name="from" value="dev">' in html
    assert f'name="item" value="{NAME}@{VERSION}"' in html


def test_many_versions_are_in_pages(signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.pages.package.PER_PAGE", 2)
    client = signed_in("reader")
    assert "page=2" in _page(client, f"/feeds/dev/packages/{NAME}")
    assert ">0.9.0<" in _page(client, f"/feeds/dev/packages/{NAME}?page=2")


# Changes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["status", "delete"])
def test_a_change_without_the_token_is_refused(signed_in: SignIn, what: str) -> None:
    answer = signed_in("admin").post(f"{_at()}/{what}", data={"listed": "off", "confirm": NAME}, headers=BROWSER)
    assert answer.status_code == 403
    assert "too old or not ours" in answer.text


def test_who_lacks_the_right_changes_nothing(signed_in: SignIn) -> None:
    client = signed_in("reader")
    form = {"csrf_token": _token(client, _at()), "listed": "off", "confirm": NAME}
    for what in ("status", "delete"):
        assert client.post(f"{_at()}/{what}", data=form, headers=BROWSER).status_code == 403
    _page(client, f"{_at()}?tab=manage", 403)


def test_a_version_is_unlisted_deprecated_and_taken_back(signed_in: SignIn) -> None:
    client = signed_in("admin")
    token = _token(client, f"{_at()}?tab=manage")

    def change(**form: str) -> str:
        answer = client.post(f"{_at()}/status", data={"csrf_token": token, **form}, follow_redirects=True)
        assert answer.status_code == 200
        return answer.text

    assert "is unlisted." in (html := change(listed="off"))
    assert "unlisted</span>" in html
    assert "is deprecated." in (html := change(deprecated="use <2>"))
    assert "use &lt;2&gt;" in html
    assert "is listed and no longer deprecated." in change(listed="on", deprecated=" ")


def test_deleting_needs_the_name_and_leaves_history(signed_in: SignIn) -> None:
    client = signed_in("admin")
    token = _token(client, f"{_at()}?tab=manage")

    def delete(confirm: str, version: str = VERSION) -> tuple[str, str]:
        form = {"csrf_token": token, "confirm": confirm}
        answer = client.post(f"{_at(version=version)}/delete", data=form, follow_redirects=True, headers=BROWSER)
        return answer.request.path, answer.text

    assert "type the package&#39;s name" in delete("payments")[1]
    path, html = delete(NAME)
    assert path == f"/feeds/dev/packages/{NAME}"
    assert "its history stays" in html
    _page(client, _at(), 404)
    assert _page(client, f"{_at(feed='test')}?tab=promotions").count('class="open"') == 3
    assert ">0.9.0<" not in delete(NAME, "0.9.0")[1]
    assert delete(NAME, "1.1.0-rc.1")[0] == "/feeds/dev"


def test_a_feed_for_promotions_only_offers_no_change(signed_in: SignIn, world: Runtime) -> None:
    make_feeds(world, "npm", "closed", accepts="promotions")
    promotions.promote(world, SAM, PromotionRequest("dev", "closed", (Wanted(NAME, VERSION),)))
    client = signed_in("admin")
    assert "tab=manage" not in _page(client, _at(feed="closed"))
    _page(client, f"{_at(feed='closed')}?tab=manage", 403)


# Folders and texts, pure ------------------------------------------------------------------------------

PATHS = st.lists(st.text("ab.", min_size=1, max_size=2), min_size=1, max_size=4).map("/".join)


@given(st.sets(PATHS, max_size=12))
def test_walking_all_folders_meets_every_file_once(paths: set[str]) -> None:
    # An archive holds no path that is a file and a folder at once.
    entries = [Entry(p, len(p)) for p in paths if not any(other.startswith(f"{p}/") for other in paths)]
    met: list[str] = []
    todo = [""]
    while todo:
        folder = open_folder(entries, todo.pop())
        todo.extend(line.path for line in folder.lines if line.is_folder)
        met.extend(line.path for line in folder.lines if not line.is_folder)
    assert sorted(met) == sorted(entry.path for entry in entries)
    whole = open_folder(entries, "")
    assert (whole.files, whole.size) == (len(entries), sum(entry.size for entry in entries))


@given(st.text(st.characters(exclude_characters="\0\ufeff", codec="utf-8"), max_size=60), st.integers(1, 60))
def test_a_text_is_cut_at_a_character(text: str, limit: int) -> None:
    shown = as_text("a.txt", text.encode(), limit)
    assert not shown.binary
    assert text.startswith(shown.text)
    assert shown.cut == (len(text.encode()) > limit)


def test_parents_lead_from_the_top_to_the_path() -> None:
    assert parents("a/b/c.js") == [("a", "a"), ("b", "a/b"), ("c.js", "a/b/c.js")]
    assert parents("") == []
