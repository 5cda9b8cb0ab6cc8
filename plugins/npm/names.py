"""The names of npm packages: what is one, how it splits into scope and name, how it stands in a path."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from app.plugin import Invalid, InvalidPackage

MAX_LENGTH = 214
_BARE = r"[A-Za-z0-9~][A-Za-z0-9._~-]*"
_NAME = re.compile(rf"(?:@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?{_BARE}")
_RESERVED = frozenset({"node_modules", "favicon.ico"})
_SCOPED_SEGMENT = re.compile(r"\A(|-/package/|-/npm/v1/attestations/)(@[^/]+)(?:/([^/]+))?")
_SHIPPED_WITH_NODE = frozenset(
    "assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns "  # noqa: SIM905 - a list of it is a page long
    "domain events fs http http2 https inspector module net os path perf_hooks process punycode querystring "
    "readline repl stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads "
    "zlib".split()
)


def check_name(name: str) -> str:
    """Give a full name back when npm could install it, else raise InvalidPackage.

    Capitals are accepted: old packages have them, and they tell packages apart. At most 214 characters.
    """
    if len(name) <= MAX_LENGTH and _NAME.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    raise InvalidPackage(
        f"{name[:MAX_LENGTH]!r} is no npm package name; use at most {MAX_LENGTH} letters, digits, '.', '_', '-' or "
        "'~', beginning with a letter or digit, after an optional '@scope/'.",
        code="invalid-name",
        name=name[:MAX_LENGTH],
    )


def check_new_name(name: str) -> None:
    """Raise Invalid for a name that npm no longer gives to new packages: capitals, or a module of Node's own."""
    if name != name.lower() or name in _SHIPPED_WITH_NODE:
        why = "has capital letters" if name != name.lower() else "is a module of Node itself"
        raise Invalid(
            f"The name {name!r} {why}, which npm gives to no new package; choose another, or upload the file on the "
            "feed's page if it is an old package.",
            code="invalid-new-name",
            name=name,
        )


def split_name(name: str) -> tuple[str, str]:
    """Split ``@scope/name`` into ``@scope`` and ``name``; the scope is empty where there is none."""
    scope, slash, bare = name.partition("/")
    return (scope, bare) if slash and scope.startswith("@") else ("", name)


def join_name(group: str, name: str) -> str:
    """Give the full name of a scope (``s``, ``@s``, ``%40s`` or empty) and a name that may hold the scope already."""
    group, name = unquote(group), unquote(name)
    if not group or name.startswith("@"):
        return name
    return f"@{group.removeprefix('@')}/{name}"


def canonical_path(path: str) -> str:
    """Make a scoped name one segment of a decoded path: ``@s/n/1.0.0`` becomes ``@s%2fn/1.0.0``.

    A percent sign in the name becomes ``%25`` first, so what was encoded twice stays a name that is none.
    """

    def fold(match: re.Match[str]) -> str:
        before, *parts = match.groups()
        return before + "%2f".join(quote(part, safe="@~") for part in parts if part is not None)

    return _SCOPED_SEGMENT.sub(fold, path)


def name_of_segment(segment: str) -> str:
    """Give the name that a path segment made by ``canonical_path`` stands for."""
    return unquote(segment) if segment.startswith("@") else segment


def tarball_name(name: str, version: str) -> str:
    """Give the file name under which every npm client looks for a version: the scope is not part of it."""
    return f"{split_name(name)[1]}-{version}.tgz"


def version_of_tarball(name: str, filename: str) -> str | None:
    """Give the version that a conventional file name of a package speaks of, or None; inverse of ``tarball_name``."""
    start = f"{split_name(name)[1]}-"
    if filename.startswith(start) and filename.endswith(".tgz"):
        return filename[len(start) : -len(".tgz")]
    return None
