"""What to copy to point gem and Bundler at a feed, and to install from it."""

from __future__ import annotations

from collections.abc import Sequence

from app.plugin import FeedAddress, Snippet


def setup_snippets(feed: FeedAddress) -> Sequence[Snippet]:
    """Say how gem and Bundler are pointed at a feed."""
    scheme, _, rest = feed.url.partition("://")
    return (
        Snippet("Bundler", "Use the feed in a project", f'source "{feed.url}/"\n', "Gemfile"),
        Snippet("Bundler", "Sign in", f"bundle config set --global {feed.url}/ api:$PROMONTORY_KEY"),
        Snippet(
            "Bundler", "Use the feed instead of another source", f"bundle config set --global mirror.SOURCE {feed.url}/"
        ),
        Snippet("gem", "Use the feed alone", f"gem sources --clear-all\ngem sources --add {feed.url}/"),
        Snippet("gem", "Use the feed with a key", f"gem sources --add {scheme}://api:$PROMONTORY_KEY@{rest}/"),
        Snippet("gem", "Sign in to publish", f"gem signin --host {feed.url}"),
        Snippet("gem", "Publish", f"GEM_HOST_API_KEY=$PROMONTORY_KEY gem push NAME.gem --host {feed.url}"),
    )


def install_snippets(feed: FeedAddress, name: str, version: str) -> Sequence[Snippet]:
    """Say how gem and Bundler install one version."""
    return (
        Snippet("Bundler", "Depend on it", f'gem "{name}", "{version}"', "Gemfile"),
        Snippet("Bundler", "Add it to a project", f"bundle add {name} --version {version}"),
        Snippet("gem", "Install", f"gem install {name} --version {version} --clear-sources --source {feed.url}/"),
        Snippet("gem", "Download", f"gem fetch {name} --version {version} --clear-sources --source {feed.url}/"),
    )
