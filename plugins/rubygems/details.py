"""What the page of a version says of gems beyond what every package has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.plugin import Manifest

from .platforms import RUBY
from .requirements import ANY


def about(files: Sequence[Manifest]) -> Mapping[str, str]:
    """Give the platforms of a version, the Ruby and RubyGems that it asks for, and what else installing it needs."""
    data = files[0].data
    named = {
        "Platforms": ", ".join(each.variant or RUBY for each in files),
        "Ruby": _asked(files, "ruby"),
        "RubyGems": _asked(files, "rubygems"),
        "Commands": ", ".join(data["executables"]),
        "Builds": ", ".join(data["extensions"]),
        "Also needs": "; ".join(data["requirements"]),
    }
    return {label: text for label, text in named.items() if text}


def _asked(files: Sequence[Manifest], key: str) -> str:
    """Give a requirement, once for all platforms or once for each of those that differ; empty for any version."""
    asked = {each.variant or RUBY: each.data[key] for each in files}
    if len(set(asked.values())) > 1:
        return "; ".join(f"{platform}: {requirement}" for platform, requirement in asked.items())
    (requirement,) = set(asked.values())
    return "" if requirement == ANY else requirement
