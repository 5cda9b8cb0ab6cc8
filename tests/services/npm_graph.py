"""Publish npm packages that depend on each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.services import publishing
from app.services.runtime import Runtime, owner


def publish(runtime: Runtime, feed: str, name: str, version: str, dependencies: Mapping[str, str], **more: Any) -> None:
    """Publish a package with dependencies; ``more`` are further keys of its package.json."""
    make: Any = runtime.get_format("npm").kit().make
    sample = make(name, version, dependencies=dict(dependencies), **more)
    publishing.publish(runtime, owner("sam"), feed, [sample.content], sample.filename)
