"""Filters, globals, looks and READMEs: pure functions, and every macro rendered once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.domain.promotion import Outcome
from app.web import rendering
from app.web.looks import OUTCOMES, STATES, format_tile, look_of, outcome_look, trouble_first
from app.web.readme import README_LIMIT, render_readme
from app.web.rendering import Icons, NavItem, Paging, breakable, link_with, number, relative_time, shorten, size

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 10, 14, tzinfo=UTC)
SQUARE = """<svg
  viewBox="0 0 24 24"
>
  <path stroke="none" d="M0 0h24v24H0z" fill="none" />
  <path d="M4 4h16" />
</svg>"""


# Time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "1 week ago"),
        (timedelta(days=34), "4 weeks ago"),
        (timedelta(days=35), "19 Oct 2026"),
        (timedelta(seconds=-1), "in a moment"),
        (timedelta(minutes=-5), "in 5 min"),
        (timedelta(days=-5), "in 5 days"),
        (timedelta(days=-60), "22 Jan 2027"),
    ],
)
def test_relative_time_reads_like_speech(age: timedelta, words: str) -> None:
    assert relative_time(NOW - age, NOW) == words


@given(st.integers(-(10**9), 10**9))
def test_relative_time_does_not_depend_on_the_zone_a_moment_is_written_in(seconds: int) -> None:
    moment = NOW - timedelta(seconds=seconds)
    elsewhere = moment.astimezone(timezone(timedelta(hours=9)))
    assert relative_time(elsewhere, NOW) == relative_time(moment, NOW) == relative_time(moment.isoformat(), NOW)


def test_exact_time_is_utc_to_the_minute() -> None:
    assert rendering.exact_time("2026-11-23T10:36:59+01:00") == "23 Nov 2026, 09:36 UTC"


def test_a_moment_without_a_zone_is_utc() -> None:
    assert rendering.as_moment("2026-11-23T10:14:00") == NOW


# Figures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, rendering.DASH), (0, "0"), (999, "999"), (1284, "1\u202f284"), (11086321, "11\u202f086\u202f321")],
)
def test_numbers_have_narrow_spaces_between_thousands(value: int | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, rendering.DASH),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (182_400, "182 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (1_340_000, "1.3 MB"),
        (19_100_000, "19.1 MB"),
        (250_000_000, "250 MB"),
        (18_200_000_000, "18.2 GB"),
        (5 * 10**18, "5000 PB"),
    ],
)
def test_sizes_are_decimal_and_short(count: int | None, text: str) -> None:
    assert size(count) == text


@given(st.integers(0, 999 * 10**15))
def test_a_size_is_never_four_digits_and_a_unit(count: int) -> None:
    assert float(size(count).split()[0]) < 1000


def test_plural_follows_the_number() -> None:
    assert (rendering.plural(1, "version"), rendering.plural(0, "version")) == ("1 version", "0 versions")
    assert rendering.plural(2, "entry", "entries") == "2 entries"


def test_a_digest_is_shortened_in_its_middle_and_a_short_one_is_left_alone() -> None:
    assert shorten("9f2c41d0" + "0" * 50 + "98a2f5") == "9f2c41d0…98a2f5"
    assert shorten("abc") == "abc"


def test_a_name_may_break_after_its_separators_and_is_escaped() -> None:
    assert breakable("@acme/<b>") == Markup("@acme/<wbr>&lt;b&gt;")


# Links and paging -------------------------------------------------------------------------------------


def test_a_link_keeps_what_is_in_the_address_and_starts_again_at_the_first_page() -> None:
    now = [("q", "a b"), ("sort", "name"), ("page", "3")]
    assert link_with(now, sort="-name") == "?q=a+b&sort=-name"
    assert link_with(now, page=4) == "?q=a+b&sort=name&page=4"
    assert link_with(now, q=None) == "?sort=name"


@pytest.mark.parametrize(
    ("paging", "shown"),
    [
        (Paging(1, 20, 0), (0, 0, None, None)),
        (Paging(1, 20, 20), (1, 20, None, None)),
        (Paging(1, 20, 21), (1, 20, None, 2)),
        (Paging(2, 20, 21), (21, 21, 1, None)),
    ],
)
def test_paging_knows_its_lines_and_neighbours(paging: Paging, shown: tuple[int, int, int | None, int | None]) -> None:
    assert (paging.first, paging.last, paging.previous, paging.next) == shown


@pytest.mark.parametrize(
    ("cookie", "theme"), [(None, "system"), ("dark", "dark"), ("light", "light"), ('"><script>', "system")]
)
def test_a_theme_is_one_that_we_know(cookie: str | None, theme: str) -> None:
    assert rendering.theme_of(cookie) == theme


# Icons and looks --------------------------------------------------------------------------------------


def test_an_icon_is_inlined_without_its_own_size_and_hidden_from_screen_readers(tmp_path: Path) -> None:
    (tmp_path / "plus.svg").write_text(SQUARE, encoding="utf-8")
    drawn = Icons(tmp_path)("plus", small=True)
    assert drawn == '<svg class="ico ico-s" viewBox="0 0 24 24" aria-hidden="true"><path d="M4 4h16" /></svg>'


def test_a_missing_icon_keeps_the_page_whole(tmp_path: Path) -> None:
    assert Icons(tmp_path)("nowhere") == '<svg class="ico" viewBox="0 0 24 24" aria-hidden="true"></svg>'


@pytest.mark.parametrize("name", ["../secret", "a/b", "A", "", "x.svg"])
def test_an_icon_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no icon name"):
        Icons(tmp_path)(name)


def test_every_outcome_of_a_plan_has_a_look() -> None:
    assert {str(outcome) for outcome in Outcome} == set(OUTCOMES)


def test_no_two_outcomes_look_the_same() -> None:
    assert len({(look.hue, look.icon) for look in OUTCOMES.values()}) == len(OUTCOMES)


def test_an_unknown_state_or_outcome_is_shown_calmly_under_its_own_name() -> None:
    assert (look_of("odd").hue, look_of("odd").word) == ("calm", "odd")
    assert outcome_look("odd").word == "odd"


def test_a_foreign_format_gets_a_steady_tile_of_its_own() -> None:
    assert format_tile("pypi", "PyPI") == format_tile("pypi", "PyPI")
    assert (format_tile("pypi", "PyPI").label, format_tile("pypi", "PyPI").title) == ("pyp", "PyPI")


@dataclass(frozen=True, slots=True)
class Item:
    name: str
    outcome: str
    version: str = "1.0.0"
    size: int = 1
    reason: str = ""


def test_a_plan_shows_trouble_first_and_keeps_the_order_within() -> None:
    items = [Item("a", "unchanged"), Item("b", "add"), Item("c", "refused"), Item("d", "add"), Item("e", "conflict")]
    assert [item.name for item in trouble_first(items)] == ["e", "c", "b", "d", "a"]


def _templates() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_every_icon_that_is_used_is_fetched() -> None:
    listed = set((ROOT / "static" / "icons.txt").read_text(encoding="utf-8").split())
    used = {name for _, text in _templates() for name in re.findall(r'\bicon\("([a-z0-9-]+)"', text)}
    used |= {look.icon for look in (*STATES.values(), *OUTCOMES.values())}
    assert used - listed == set(), "add them to static/icons.txt"


@pytest.mark.parametrize(
    "forbidden", [r"\sstyle=", r"\son[a-z]+=", r"<script(?![^>]*\ssrc=)", r"<style", r"hx-on", "js:"]
)
def test_templates_hold_nothing_that_the_content_security_policy_stops(forbidden: str) -> None:
    found = [name for name, text in _templates() if re.search(forbidden, text)]
    assert found == []


# READMEs ----------------------------------------------------------------------------------------------


def test_a_readme_keeps_headings_lists_code_and_tables() -> None:
    html = render_readme("# Title\n\n- one\n\n```js\na < b\n```\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n## Next")
    assert "<h3>Title</h3>" in html
    assert "<h4>Next</h4>" in html
    assert "<li>one</li>" in html
    assert '<pre tabindex="0"><code>a &lt; b\n</code></pre>' in html
    assert '<div class="scroll"><table class="table">' in html
    assert "<s>2</s>" in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        '<a href="JaVaScRiPt:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        "<svg onload=alert(1)><use href=//e.example/x></svg>",
        "<iframe src=//e.example></iframe>",
        "<form action=//e.example><input name=password></form>",
        "<style>@import '//e.example'</style>",
        '<p style="background:url(//e.example)" onclick=alert(1) id=main class=dialog>x</p>',
        '<a title="<img> onmouseover=alert(1) <img alt=x>" href="//e.example">q</a>',
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        '<h1 title="<h2 onclick=alert(1)>">x</h1>',
        "![a](//e.example/pixel.gif)",
        "<base href=//e.example><meta http-equiv=refresh content=0>",
        "<details open ontoggle=alert(1)>x</details>",
    ],
)
def test_a_hostile_readme_is_harmless(hostile: str) -> None:
    html = str(render_readme(hostile))
    tags = re.findall(r"<([a-z0-9]+)((?:\s[a-z-]+=\"[^\"]*\")*)\s*/?>", html)
    assert len(tags) == len(re.findall(r"<[a-z]", html)), html
    banned = {"script", "style", "img", "svg", "iframe", "form", "input", "base", "meta", "math", "link", "object"}
    assert not banned & {name for name, _ in tags}
    names = {attribute for _, text in tags for attribute in re.findall(r'([a-z-]+)="', text)}
    assert names <= {"href", "rel", "title", "class", "tabindex", "start", "align"}
    assert all(url.startswith(("http://", "https://", "mailto:")) for url in re.findall(r'href="([^"]*)"', html))


def test_an_image_gives_way_to_its_text_and_a_badge_stays_a_link() -> None:
    html = render_readme("[![build](https://ci.example/b.svg)](https://ci.example) ![](x.png)")
    assert '<a href="https://ci.example" rel="noopener noreferrer nofollow">[build]</a> [image]' in html


def test_links_of_a_readme_do_not_lead_into_our_own_pages() -> None:
    assert "href" not in render_readme("[a](docs/a.md) [b](/administration) [c](#usage)")


def test_the_highest_heading_fits_below_the_card_whatever_level_it_has() -> None:
    assert render_readme("### A\n\n#### B").startswith("<h3>A</h3>\n<h4>B</h4>")
    assert "<h6>" in render_readme("# A\n\n###### B")


def test_a_very_long_readme_is_cut_and_says_so() -> None:
    html = render_readme("word " * README_LIMIT)
    assert "download the package to read the rest" in html
    assert len(html) < README_LIMIT * 1.1


@given(st.text(alphabet=st.sampled_from("<>=\"'/ abhimgsrcotn!-[]()`#|\n&;:"), max_size=120))
def test_any_text_gives_only_tags_that_are_allowed(text: str) -> None:
    html = str(render_readme(text))
    assert not re.search(r"<(?!/?(?:[hpaibsuq]\d?|[a-z]{2,10})\b)", html)
    assert not re.search(r"<(img|script|style|svg|form|iframe)\b|<[^>]*\son\w+=", html)


# Macros -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    args: MultiDict[str, str]
    path: str = "/feeds"
    full_path: str = "/feeds?"
    referrer: str | None = None
    method: str = "GET"


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    made = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rendering.furnish(
        made, clock=lambda: NOW, icons=tmp_path, version="1.2.3", asset_url=lambda path: f"/static/{path}"
    )
    made.globals.update(
        request=Request(MultiDict([("q", "x"), ("sort", "-published"), ("page", "2")])),
        csrf_token=lambda: "token",
        get_flashed_messages=lambda **_: [("success", Markup("Done. <a href='/r'>Record</a>")), ("odd", "<i>")],
    )
    return made


def render(env: Environment, source: str, **given: Any) -> str:
    return env.from_string(source).render(**given)


def test_the_frame_shows_what_the_person_may_use(env: Environment) -> None:
    page = '{% extends "base.html" %}{% block title %}Feeds{% endblock %}{% block content %}here{% endblock %}'
    nav = rendering.Nav(
        links=[NavItem("Feeds", "/feeds", current=True)], person="Sam <s>", menu=[NavItem("Keys", "/keys")]
    )
    html = render(env, page, nav=nav, theme="dark")
    assert "<title>Feeds - Promontory</title>" in html
    assert '<a href="/feeds" aria-current="page">Feeds</a>' in html
    assert "Administration" not in html
    assert "Sam &lt;s&gt;" in html
    assert 'data-theme="dark" data-bs-theme="dark"' in html
    assert html.count("<h1>") == 1
    assert "Done. <a href='/r'>Record</a>" in html
    assert "&lt;i&gt;" in html
    assert "Promontory 1.2.3" in html


def test_nobody_signed_in_is_offered_to_sign_in(env: Environment) -> None:
    html = render(env, '{% extends "base.html" %}')
    assert 'href="/sign-in"' in html
    assert "Sign out" not in html


def test_a_sorted_header_turns_round_and_says_its_order(env: Environment) -> None:
    call = (
        '{% from "macros/tables.html" import sort_header with context %}'
        '{{ sort_header("Published", "published", "-published") }}'
    )
    html = render(env, call)
    assert 'aria-sort="descending"' in html
    assert 'href="?q=x&amp;sort=published"' in html


def test_pagination_links_to_its_neighbours_only(env: Environment) -> None:
    call = '{% from "macros/tables.html" import pagination with context %}{{ pagination(paging) }}'
    html = render(env, call, paging=Paging(2, 20, 35))
    assert "21&ndash;35 of 35" in html
    assert 'href="?q=x&amp;sort=-published&amp;page=1"' in html
    assert "Next page" not in html


def test_a_plan_tells_each_outcome_by_word_and_its_reason(env: Environment) -> None:
    items = [Item("debug", "unchanged"), Item("uuid", "refused", reason="Too <new>.")]
    call = (
        '{% from "macros/promotion.html" import plan_table with context %}'
        "{% call(item) plan_table(items) %}way out for {{ item.name }}{% endcall %}"
    )
    html = render(env, call, items=items)
    assert html.index("Refused") < html.index("Already there")
    assert "Too &lt;new&gt;." in html
    assert html.count("way out for") == 1


def test_a_time_is_relative_and_exact_on_hover(env: Environment) -> None:
    html = render(
        env, '{% from "macros/ui.html" import when with context %}{{ when(at) }}', at=NOW - timedelta(minutes=38)
    )
    assert html == (
        '<time datetime="2026-11-23T09:36:00+00:00" title="23 Nov 2026, 09:36 UTC" data-relative>38 min ago</time>'
    )


def test_what_is_copied_is_escaped(env: Environment) -> None:
    html = render(env, '{% from "macros/ui.html" import command with context %}{{ command(line) }}', line='a "b" <c>')
    assert 'data-copy="a &#34;b&#34; &lt;c&gt;"' in html


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_every_error_page_says_what_happened_and_what_now(env: Environment, status: int) -> None:
    error = {"code": "some-code", "message": "What & why.", "details": {}}
    html = env.get_template(f"errors/{status}.html").render(error=error)
    assert "What &amp; why." in html
    assert "some-code" in html
    assert html.count("<h1>") == 1


def test_a_refusal_names_the_right_the_feed_and_who_can_grant_it(env: Environment) -> None:
    details = {"permission": "Feeds_AcceptPackagePromotions", "feed": "npm-prod", "granters": ["Ilse", "Noor"]}
    error = {"code": "forbidden", "message": "No.", "details": details}
    html = env.get_template("errors/403.html").render(error=error, url_for=lambda *_, **__: "/why?feed=npm-prod")
    for words in ("Accept Package Promotions", "npm-prod", "Ilse", "Noor", 'href="/why?feed=npm-prod"'):
        assert words in html


def test_a_conflict_shows_both_sides(env: Environment) -> None:
    details = {"here": {"title": "In npm-test", "sha256": "51be"}, "there": {"title": "In npm-prod", "sha256": "9f2c"}}
    html = env.get_template("errors/409.html").render(error={"code": "conflict", "message": "No.", "details": details})
    assert html.index("In npm-prod") < html.index("9f2c") < html.index("In npm-test") < html.index("51be")
