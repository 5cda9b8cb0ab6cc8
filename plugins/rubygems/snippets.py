"""What to copy to point gem and Bundler at a feed, and to install from it."""

from __future__ import annotations

from collections.abc import Sequence

from app.plugin import FeedAddress, Snippet

from .names import file_name


def setup_snippets(feed: FeedAddress) -> Sequence[Snippet]:
    """Say how Bundler and gem are pointed at a feed, by its own host name where it has one."""
    url = feed.host_url or feed.url
    return (
        Snippet("Bundler", "Use the feed in a project", f'source "{url}/"\n', "Gemfile"),
        Snippet("Bundler", "Use the feed in place of every source", f"bundle config set --global mirror.all {url}/"),
        Snippet("Bundler", "Send a key", f"bundle config set --global {url}/ api:YOUR_KEY"),
        Snippet("gem", "Use the feed", f"gem sources --clear-all\ngem sources --add {_with_key(url)}/"),
        # RubyGems 3.3 asks its default host in between where the address is an option.
        Snippet("gem", "Log in to publish", f"RUBYGEMS_HOST={url} gem signin"),
        Snippet("gem", "Publish", f"gem push your-1.0.0.gem --host {url}"),
        Snippet("gem", "Publish from a build", f"GEM_HOST_API_KEY=YOUR_KEY gem push your-1.0.0.gem --host {url}"),
    )


def _with_key(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://api:YOUR_KEY@{rest}"


def install_snippets(feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
    """Say how each client installs one version from a feed."""
    url = feed.host_url or feed.url
    return (
        Snippet("gem", "Install", f"gem install {name} --version {version} --clear-sources --source {url}/"),
        Snippet("Bundler", "Depend on it", f'gem "{name}", "{version}", source: "{url}/"', "Gemfile"),
        Snippet("Bundler", "Add it to a project", f'bundle add {name} --version "{version}" --source {url}/'),
        Snippet(
            "gem", "Fetch without installing", f"gem fetch {name} --version {version} --clear-sources --source {url}/"
        ),
        Snippet("file", "Download", f"{url}/gems/{file_name(name, version, '')}"),
    )
