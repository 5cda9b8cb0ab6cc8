"""Load plugins: folders and entry points, built-in ones exactly as a stranger's."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pluggy

from app.domain.errors import AppError, NotFound
from app.plugin import hooks
from app.plugin.format import FeedFormat

ENTRY_POINT_GROUP = "promontory.plugins"


class PluginClash(AppError):
    """Refuse to start with two plugins that claim one format."""

    code = "plugin-clash"


@dataclass(frozen=True, slots=True)
class PluginSource:
    """Say where a plugin came from, what it brought, and why it was skipped if it was."""

    name: str
    origin: str
    formats: tuple[str, ...] = ()
    failure: str = ""


@dataclass(slots=True)
class Plugins:
    """Hold what was loaded: the hooks, the formats by key, and where each plugin came from."""

    hooks: pluggy.PluginManager
    formats: dict[str, FeedFormat] = field(default_factory=dict)
    sources: list[PluginSource] = field(default_factory=list)

    def get_format(self, key: str) -> FeedFormat:
        """Give the format with a key or alias, in any case; raise NotFound."""
        wanted = key.casefold()
        for each in self.formats.values():
            if wanted in {name.casefold() for name in (each.key, each.title, *each.aliases)}:
                return each
        known = ", ".join(sorted(self.formats))
        raise NotFound(
            f"There is no format {key!r}; known are {known}. ('promontory formats' shows what failed to load.)",
            code="unknown-format",
            format=key,
        )

    def by_prefix(self) -> Mapping[str, FeedFormat]:
        """Give the formats by the first segment of their feeds' paths."""
        return {each.prefix: each for each in self.formats.values()}


def load_plugins(directories: Sequence[Path]) -> Plugins:
    """Load every plugin folder of some directories and every installed entry point.

    A plugin that fails is skipped and its reason kept. Raises PluginClash for two plugins with one format.
    """
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    plugins = Plugins(manager)
    for directory in directories:
        for folder in sorted(directory.glob("*/__init__.py")) if directory.is_dir() else ():
            _add(plugins, folder.parent.name, str(folder.parent), lambda f=folder: load_folder(f.parent))
    for point in entry_points(group=ENTRY_POINT_GROUP):
        _add(plugins, point.name, f"entry point {point.value}", point.load)
    return plugins


def load_one(folder: Path) -> Plugins:
    """Load the plugin of one folder and nothing else; its failure is kept in ``sources``, as ``load_plugins`` does."""
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    plugins = Plugins(manager)
    _add(plugins, folder.name, str(folder), lambda: load_folder(folder))
    return plugins


def load_folder(folder: Path) -> ModuleType:
    """Import a plugin folder as a package of its own; raises whatever its code raises."""
    name = f"promontory_plugin_{folder.name}_{abs(hash(str(folder.resolve()))):x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is no plugin folder")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _add(plugins: Plugins, name: str, origin: str, load: object) -> None:
    try:
        module = load() if callable(load) else load
        formats = tuple(_formats_of(module))
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything; it is reported, not hidden
        plugins.sources.append(PluginSource(name, origin, failure=f"{type(error).__name__}: {error}"))
        return
    for each in formats:
        _check_clash(plugins, each, origin)
        plugins.formats[each.key] = each
    plugins.hooks.register(module, name=f"{name} ({origin})")
    plugins.sources.append(PluginSource(name, origin, tuple(each.key for each in formats)))


def _formats_of(module: object) -> Iterator[FeedFormat]:
    register = getattr(module, "register_formats", None)
    for each in register() if register is not None else ():
        _check_identity(each)
        yield each


def _check_identity(each: FeedFormat) -> None:
    if not isinstance(each, FeedFormat):
        raise TypeError(f"register_formats gave {each!r}, which is no FeedFormat")
    missing = [name for name in ("key", "title", "prefix", "purl_type") if not getattr(each, name, "")]
    if missing:
        raise ValueError(f"the format {type(each).__name__} lacks {', '.join(missing)}")
    if not each.promotable and not each.why_not_promotable:
        raise ValueError(f"the format {each.key} is not promotable and does not say why")
    each.routes()


def _check_clash(plugins: Plugins, new: FeedFormat, origin: str) -> None:
    for source in plugins.sources:
        for key in source.formats:
            if key == new.key or plugins.formats[key].prefix == new.prefix:
                raise PluginClash(
                    f"Two plugins bring the format {new.key!r} (address /{new.prefix}/): {source.origin} and {origin}; "
                    "remove one of them."
                )
