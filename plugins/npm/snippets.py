"""What to copy to point a client at a feed, and to install from it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from app.plugin import FeedAddress, Snippet

from .names import split_name

_SHARED_HOST = (
    "# This address shares its host with other feeds. pnpm 9 and 10 and Yarn Berry keep what they read by host, not\n"
    "# by path, and may mix feeds up: give them host names of their own where one feed gates another.\n"
)
_OWN_HOST = (
    "# The feed's own host name keeps it apart from other feeds in the caches of pnpm and Yarn Berry.\n"
    "# Where the name does not resolve, the same feed is at {url}/\n"
)


def setup_snippets(feed: FeedAddress) -> Sequence[Snippet]:
    """Say how npm, pnpm, Yarn 1 and Yarn Berry are pointed at a feed, by its own host name where it has one."""
    url = feed.host_url or feed.url
    note = _OWN_HOST.format(url=feed.url) if feed.host_url else _SHARED_HOST
    return (
        Snippet("npm", "Use the feed in a project", note + _npmrc(url), ".npmrc"),
        Snippet("npm", "Use the feed for one scope only", note + _scoped_npmrc(url), ".npmrc"),
        Snippet("npm", "Log in", f"npm login --registry={url}/"),
        Snippet("pnpm", "Use the feed in a project", note + _npmrc(url), ".npmrc"),
        Snippet("Yarn 1", "Use the feed in a project", note + _npmrc(url) + "always-auth=true\n", ".npmrc"),
        Snippet("Yarn Berry", "Use the feed in a project", note + _yarnrc(url), ".yarnrc.yml"),
    )


def _npmrc(url: str) -> str:
    return f"registry={url}/\n{_nerf_dart(url)}:_authToken=${{NPM_TOKEN}}\n"


def _scoped_npmrc(url: str) -> str:
    return f"@your-scope:registry={url}/\n{_nerf_dart(url)}:_authToken=${{NPM_TOKEN}}\n"


def _nerf_dart(url: str) -> str:
    """Give an address as npm's settings spell it: without its scheme, with a slash at the end."""
    return "//" + url.partition("://")[2] + "/"


def _yarnrc(url: str) -> str:
    parts = urlsplit(url)
    lines = [f'npmRegistryServer: "{url}"', "npmAlwaysAuth: true", 'npmAuthToken: "${NPM_TOKEN:-}"']
    if parts.scheme == "http":
        lines += ["unsafeHttpWhitelist:", f'  - "{parts.hostname}"']
    lines += [
        "# Yarn hides versions that are younger than a day. Where the feed decides what is trusted, say so:",
        "npmMinimalAgeGate: 0",
    ]
    return "\n".join(lines) + "\n"


def install_snippets(feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
    """Say how each client installs one version from a feed."""
    url = feed.host_url or feed.url
    spec = f"{name}@{version}"
    return (
        Snippet("npm", "Install", f"npm install {spec} --registry={url}/"),
        Snippet("pnpm", "Install", f"pnpm add {spec} --registry={url}/"),
        Snippet("Yarn 1", "Install", f"yarn add {spec} --registry {url}/"),
        Snippet("Yarn Berry", "Install", f"yarn add {spec}"),
        Snippet("package.json", "Depend on it", f'"{name}": "^{version}"', "package.json"),
        Snippet("file", "Download", f"{url}/{name}/-/{split_name(name)[1]}-{version}.tgz"),
    )
