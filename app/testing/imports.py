"""The import rule: a plugin knows ``app.plugin``, the standard library and what it declares; nothing else."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

PRODUCT = "promontory"
NOT_FOR_PLUGINS = frozenset(
    {"flask", "werkzeug", "sqlalchemy", "alembic", "flask_sqlalchemy", "flask_login", "flask_wtf"}
)
_REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class ForbiddenImport:
    """Say where a plugin imports what, and why it may not."""

    file: str
    line: int
    module: str
    reason: str

    def __str__(self) -> str:
        """Give the finding as one line."""
        return f"{self.file}:{self.line}: imports {self.module}, {self.reason}"


def forbidden_imports(folder: Path) -> list[ForbiddenImport]:
    """Find what a plugin folder imports against the rule, by its syntax trees; nothing is run.

    A ``pyproject.toml`` in the folder or beside it declares third-party requirements; those of Promontory itself
    need no declaration.
    """
    declared = _declared(folder)
    found: list[ForbiddenImport] = []
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        depth = len(path.relative_to(folder).parts)
        for line, module, level in _imports(ast.parse(path.read_bytes(), str(path))):
            reason = _leaves(level, depth) if level else _why_not(module, declared)
            if reason:
                found.append(ForbiddenImport(name, line, "." * level + module, reason))
    return found


def _imports(tree: ast.Module) -> Iterator[tuple[int, str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "app" and not node.level:
            yield from ((node.lineno, f"app.{alias.name}", 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "", node.level


def _leaves(level: int, depth: int) -> str:
    return "which lies outside its own folder" if level > depth else ""


def _why_not(module: str, declared: frozenset[str]) -> str:
    top = module.split(".", 1)[0]
    if top == "app":
        allowed = module == "app.plugin" or module.startswith("app.plugin.")
        return "" if allowed else "which is no part of the plugin API: import from app.plugin"
    if top in ("plugins", "tests") or top.startswith("promontory_plugin"):
        return "which belongs to another plugin: a plugin stands alone"
    if top in NOT_FOR_PLUGINS:
        return "which is for the core alone: app.plugin.web has what a plugin needs of it"
    if top in sys.stdlib_module_names or top in declared:
        return ""
    return "which is not declared: name it under [project] dependencies in the plugin's pyproject.toml"


def _declared(folder: Path) -> frozenset[str]:
    wanted = {_normal(text) for text in _requirements(folder)}
    modules = packages_distributions()
    return frozenset(m for m, names in modules.items() if wanted & {_normal(name) for name in names})


def _requirements(folder: Path) -> Iterable[str]:
    for place in (folder, folder.parent):
        file = place / "pyproject.toml"
        if file.is_file():
            yield from tomllib.loads(file.read_text("utf-8")).get("project", {}).get("dependencies", [])
    try:
        yield from (text for text in requires(PRODUCT) or () if "extra ==" not in text)
    except PackageNotFoundError:
        return


def _normal(requirement: str) -> str:
    match = _REQUIREMENT_NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""
