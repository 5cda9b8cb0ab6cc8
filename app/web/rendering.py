"""Filters and globals of the templates: times, figures, icons, links that keep the address bar's state."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, request, url_for
from jinja2 import Environment
from markupsafe import Markup, escape

from app.domain.permissions import LABELS, Permission
from app.services.runtime import Runtime
from app.web.eventwords import event_detail
from app.web.looks import format_tile, look_of, outcome_look, trouble_first
from app.web.readme import render_readme

log = logging.getLogger(__name__)

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
DASH = "\N{EN DASH}"

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800


# Time -------------------------------------------------------------------------------------------------


def as_moment(value: datetime | str) -> datetime:
    """Give a moment in UTC from a datetime (naive means UTC) or from ISO 8601 text; raise ValueError."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def day(value: datetime | str) -> str:
    """Give the UTC date of a moment as ``18 Nov 2026``."""
    moment = as_moment(value)
    return f"{moment.day} {moment:%b %Y}"


def exact_time(value: datetime | str) -> str:
    """Give a moment to the minute as ``23 Nov 2026, 09:36 UTC``."""
    return f"{day(value)}, {as_moment(value):%H:%M} UTC"


def relative_time(value: datetime | str, now: datetime) -> str:
    """Say how long ago a moment was, or how far away it is: ``38 min ago``, ``in 5 days``.

    Counts are rounded down; after five weeks it is the date. ``static/js/times.js`` follows the same rule.
    """
    seconds = int((as_moment(now) - as_moment(value)).total_seconds())
    ahead, age = seconds < 0, abs(seconds)
    if age < MINUTE:
        return "just now" if not ahead else "in a moment"
    if age >= 5 * WEEK:
        return day(value)
    span = _span(age)
    return f"in {span}" if ahead else f"{span} ago"


def _span(age: int) -> str:
    if age < HOUR:
        return f"{age // MINUTE} min"
    if age < DAY:
        return f"{age // HOUR} h"
    count, word = (age // DAY, "day") if age < WEEK else (age // WEEK, "week")
    return f"{count} {word}" + ("s" if count > 1 else "")


# Figures ----------------------------------------------------------------------------------------------


def number(value: int | None) -> str:
    """Write a whole number with narrow spaces between thousands; nothing known is a dash."""
    return DASH if value is None else f"{value:,}".replace(",", NARROW_SPACE)


def size(count: int | None) -> str:
    """Write a count of bytes in decimal units: ``999 B``, ``182 kB``, ``1.3 MB``, ``18.2 GB``."""
    if count is None:
        return DASH
    if count < 1000:
        return f"{count} B"
    value, units = float(count), ("kB", "MB", "GB", "TB", "PB")
    for unit in units:
        value /= 1000
        text = f"{value:.0f}" if unit == "kB" or value >= 100 else f"{value:.1f}".removesuffix(".0")
        if float(text) < 1000 or unit == units[-1]:
            break
    return f"{text} {unit}"


def plural(count: int, one: str, many: str = "") -> str:
    """Write a number with its noun: ``1 version``, ``9 640 versions``."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def shorten(digest: str, head: int = 8, tail: int = 6) -> str:
    """Give the beginning and the end of a digest; the whole of a short one."""
    return digest if len(digest) <= head + tail + 1 else f"{digest[:head]}\N{HORIZONTAL ELLIPSIS}{digest[-tail:]}"


def breakable(text: str) -> Markup:
    """Escape a name or an address and allow a line break after its slashes, dots, equal signs and underscores."""
    return Markup("").join(
        Markup("{}<wbr>").format(part) if part in "/._=" else escape(part)
        for part in re.split(r"([/._=])", text)
        if part
    )


# Links ------------------------------------------------------------------------------------------------


def link_with(pairs: Iterable[tuple[str, str]], **changes: object) -> str:
    """Give the query string of a page with some parameters changed; None removes one, a change drops ``page``.

    ``pairs`` is what is in the address bar now (``request.args.items(multi=True)``).
    """
    kept = [(key, value) for key, value in pairs if key not in changes and key != "page"]
    new = [(key, str(value)) for key, value in changes.items() if value not in (None, "")]
    return "?" + urlencode(kept + new)


@dataclass(frozen=True, slots=True)
class Paging:
    """Say which part of a list a page shows; pages count from 1."""

    page: int
    per_page: int
    total: int

    @property
    def first(self) -> int:
        """Give the number of the first line shown, 0 where there is none."""
        return min((self.page - 1) * self.per_page + 1, self.total)

    @property
    def last(self) -> int:
        """Give the number of the last line shown."""
        return min(self.page * self.per_page, self.total)

    @property
    def previous(self) -> int | None:
        """Give the number of the page before."""
        return self.page - 1 if self.page > 1 else None

    @property
    def next(self) -> int | None:
        """Give the number of the page after."""
        return self.page + 1 if self.last < self.total else None


# Frame ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NavItem:
    """Be one link of the top bar or the user menu."""

    title: str
    url: str
    current: bool = False
    icon: str = ""


@dataclass(frozen=True, slots=True)
class JobsShown:
    """Say in the top bar what runs in the background: a title, its page, percent done where known."""

    title: str
    url: str
    percent: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Nav:
    """Hold everything ``base.html`` needs of the application: addresses, and who is signed in.

    ``links`` has only what the person may use; ``person`` is None for nobody known.
    """

    home: str = "/"
    links: Sequence[NavItem] = ()
    search: str = "/search"
    person: str | None = None
    menu: Sequence[NavItem] = ()
    sign_in: str = "/sign-in"
    sign_out: str = "/sign-out"
    jobs: JobsShown | None = None


THEMES = ("system", "light", "dark")


def theme_of(cookie: str | None) -> str:
    """Give the theme that the cookie ``theme`` asks for; whatever it does not name is the system's."""
    return cookie if cookie in THEMES else "system"


# Icons ------------------------------------------------------------------------------------------------

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_INSIDE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_NOISE = re.compile(r'<!--.*?-->|<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>|\s*\n\s*', re.DOTALL)


@dataclass(frozen=True)
class Icons:
    """Inline outline icons from a folder of SVG files (24 x 24, stroked), fetched at set-up."""

    folder: Path
    _paths: Callable[[str], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep what is read: an icon is on every row."""
        object.__setattr__(self, "_paths", lru_cache(maxsize=None)(self._read))

    def __call__(self, name: str, *, small: bool = False, extra: str = "") -> Markup:
        """Give an icon as SVG that screen readers pass over; the word beside it speaks.

        A missing file gives an empty picture of the same size, and one warning.
        """
        classes = " ".join(filter(None, ("ico", "ico-s" if small else "", extra)))
        inside = Markup(self._paths(name))  # noqa: S704 - our own files; the name is checked
        return Markup('<svg class="{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>').format(classes, inside)

    def _read(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no icon name; use lower case letters, digits and hyphens")
        try:
            text = (self.folder / f"{name}.svg").read_text(encoding="utf-8")
        except FileNotFoundError:
            log.warning("the icon %s is missing; list it in static/icons.txt and fetch the assets again", name)
            return ""
        found = _INSIDE.search(text)
        return _NOISE.sub("", found[1]) if found else ""


# Installing -------------------------------------------------------------------------------------------


def furnish(
    env: Environment, *, clock: Callable[[], datetime], icons: Path, version: str, asset_url: Callable[[str], str]
) -> None:
    """Give an environment every filter and global that our templates use.

    ``icons`` is the folder of SVG files; ``asset_url`` turns a path below ``static`` into its address. ``nav`` and
    ``theme`` get neutral values; a page's context overrides them. The templates also expect Flask's ``request`` and
    ``get_flashed_messages`` and Flask-WTF's ``csrf_token``.
    """
    env.filters.update(
        ago=lambda value: relative_time(value, clock()),
        exact=exact_time,
        day=day,
        moment=lambda value: as_moment(value).isoformat(timespec="seconds"),
        number=number,
        size=size,
        plural=plural,
        shorten=shorten,
        breakable=breakable,
        readme=render_readme,
        trouble_first=trouble_first,
        event_detail=event_detail,
    )
    env.globals.update(
        icon=Icons(icons),
        look_of=look_of,
        outcome_look=outcome_look,
        format_tile=format_tile,
        link_with=link_with,
        permission_label=permission_label,
        asset=asset_url,
        app_version=version,
        nav=Nav(),
        theme="system",
    )


def permission_label(code: str) -> str:
    """Give the words for a permission's code (``Feeds_AddPackage``: Add Package); an unknown code stays."""
    known = Permission._value2member_map_.get(code)
    return LABELS[known] if isinstance(known, Permission) else code


def install(app: Flask) -> None:
    """Furnish an application's templates; ``theme`` follows the reader's cookie."""
    runtime: Runtime = app.extensions["promontory"]
    version = str(app.config["VERSION"])
    furnish(
        app.jinja_env,
        clock=runtime.clock,
        icons=Path(app.static_folder or "static") / "vendor" / "icons",
        version=version,
        asset_url=lambda path: url_for("static", filename=path, v=version),
    )

    @app.context_processor
    def theme() -> dict[str, str]:
        return {"theme": theme_of(request.cookies.get("theme"))}
