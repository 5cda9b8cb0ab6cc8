"""Make a package's README safe to show: Markdown to HTML, sanitised, with nothing fetched from elsewhere."""

from __future__ import annotations

import re

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

README_LIMIT = 256 * 1024
"""Characters of a README that are rendered; what is longer is cut with a note."""

_CUT = "\n\n*The text goes on; download the package to read the rest.*\n"

_ALLOWED = """
h1 h2 h3 h4 h5 h6 p br hr div blockquote pre code kbd samp var ul ol li dl dt dd table thead tbody tfoot tr th td
caption a b strong i em s del ins sub sup mark q small abbr details summary
"""
_TAGS = set(_ALLOWED.split())
_ATTRIBUTES = {"a": {"href", "title"}, "abbr": {"title"}, "ol": {"start"}, "th": {"align"}, "td": {"align"}}
_SCHEMES = {"http", "https", "mailto"}

_IMAGE = re.compile(r'<img(?: alt="([^"]*)")?>')
_HEADING = re.compile(r"<(/?)h([1-6])>")
_TABLE = re.compile(r"<(/?)table>")

_markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def render_readme(text: str) -> Markup:
    """Render Markdown (CommonMark, with GFM tables and strikethrough) as HTML that is safe inside our pages.

    Scripts, styles, forms, frames, ids and classes go; images give way to their text, so that showing a page never
    calls another host; links lead to http, https and mailto only and carry ``rel=noopener``. The highest heading
    becomes ``h3``, because the page has its own ``h1`` and the card its ``h2``.
    """
    if len(text) > README_LIMIT:
        text = text[:README_LIMIT] + _CUT
    rough = nh3.clean(
        _markdown.render(text),
        tags=_TAGS | {"img"},
        attributes={**_ATTRIBUTES, "img": {"alt"}},
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel=None,
    )
    return Markup(_clean(_reshape(rough)))  # noqa: S704 - the last step sanitises


def _reshape(html: str) -> str:
    """Replace images, shift headings, wrap tables. Not a safe step by itself: sanitise after it."""
    html = _IMAGE.sub(lambda found: f"[{found[1] or 'image'}]", html)
    highest = min((int(found[2]) for found in _HEADING.finditer(html)), default=3)
    html = _HEADING.sub(lambda found: f"<{found[1]}h{min(6, int(found[2]) - highest + 3)}>", html)
    return _TABLE.sub(lambda found: "</table></div>" if found[1] else '<div class="scroll"><table class="table">', html)


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes={"div": {"scroll"}, "table": {"table"}},
        set_tag_attribute_values={"pre": {"tabindex": "0"}},
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
