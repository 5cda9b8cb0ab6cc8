"""Administration, Users & Tasks: people, what they may do where, and why."""

from __future__ import annotations

from app.web.pages.security import groups, permissions, privileges, tasks, users, why

PARTS = (users, groups, permissions, tasks, privileges, why)
"""The modules with a blueprint each, as the tabs stand in the page."""

NAMES = frozenset(part.blueprint.name for part in PARTS if part is not why)
"""The blueprints' names: pages that belong to Administration in the top bar."""
