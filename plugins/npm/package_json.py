"""What a ``package.json`` says, put into the one shape that registries serve and that Promontory reads.

npm's client does the same before it publishes; here it is done again, because what a client claims about a file
is not believed. Shapes follow npm's package.json documentation and ``@npmcli/package-json``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from app.plugin import Dependency

DEPENDENCY_MAPS = ("dependencies", "optionalDependencies", "devDependencies", "peerDependencies", "acceptDependencies")
_TEXT_MAPS = (*DEPENDENCY_MAPS, "scripts", "engines", "publishConfig")
_LISTS = ("os", "cpu", "libc")
_BUNDLES = ("bundleDependencies", "bundledDependencies")
KEPT = frozenset(
    "description keywords homepage bugs license licenses author contributors maintainers funding files main module "  # noqa: SIM905 - a list of it is a page long
    "browser types typings typesVersions type exports imports sideEffects bin man directories repository scripts "
    "gypfile config dependencies devDependencies peerDependencies peerDependenciesMeta bundleDependencies "
    "optionalDependencies acceptDependencies overrides engines devEngines os cpu libc publishConfig packageManager "
    "gitHead unpkg jsdelivr style sass es2015 esnext".split()
)
_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall")
_PERSON = {"name": re.compile(r"\A([^<(]*)"), "email": re.compile(r"<([^>]*)>"), "url": re.compile(r"\(([^)]*)\)")}
_HOSTS = {"github": "https://github.com/", "gitlab": "https://gitlab.com/", "bitbucket": "https://bitbucket.org/"}
_SHORTHAND = re.compile(r"(?:(github|gitlab|bitbucket):)?([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)")


def normalize_package(package: Mapping[str, Any], name: str, paths: Collection[str]) -> dict[str, Any]:
    """Give the known top-level keys of a package.json in npm's canonical shapes; malformed ones are left out.

    ``paths`` are the files of the package, which decide about ``bin`` and native code.
    """
    kept = {key: value for key, value in package.items() if key in KEPT}
    for key in _TEXT_MAPS:
        _put(kept, key, _text_map(kept.get(key)))
    for key in _LISTS:
        _put(kept, key, _texts(kept.get(key)))
    for key in kept.get("optionalDependencies", ()):
        kept.get("dependencies", {}).pop(key, None)
    _put(kept, "bin", _bin(package, name, paths))
    _put(kept, "bundleDependencies", _bundled(package))
    _put(kept, "keywords", _keywords(kept.get("keywords")))
    if builds_native_code(package, paths):
        kept["scripts"] = {**kept.get("scripts", {}), "install": "node-gyp rebuild"}
        kept["gypfile"] = True
    return kept


def _put(kept: dict[str, Any], key: str, value: Mapping[str, str] | list[str]) -> None:
    kept.pop(key, None)
    if value:
        kept[key] = value


def _text_map(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def _keywords(value: object) -> list[str]:
    if isinstance(value, str):
        return [word for word in re.split(r"[,\s]+", value) if word]
    return _texts(value)


def _bin(package: Mapping[str, Any], name: str, paths: Collection[str]) -> dict[str, str]:
    value, directories = package.get("bin"), package.get("directories")
    if isinstance(value, str):
        value = {name: value}
    elif isinstance(value, list):
        value = {text: text for text in _texts(value)}
    elif value is None and isinstance(directories, dict) and isinstance(directories.get("bin"), str):
        folder = _inside(directories["bin"]) + "/"
        value = {path: path for path in paths if path.startswith(folder) and "/." not in f"/{path}"}
    commands = {posixpath.basename(_inside(command)): _inside(path) for command, path in _text_map(value).items()}
    return {command: path for command, path in commands.items() if command and path}


def _inside(path: str) -> str:
    """Give a path that cannot leave the package's folder."""
    return posixpath.normpath("/" + re.sub(r"[\\:]", "/", path)).lstrip("/")


def _bundled(package: Mapping[str, Any]) -> list[str]:
    value = next((package[key] for key in _BUNDLES if key in package), None)
    if value is True or isinstance(value, dict):
        return list(_text_map(package.get("dependencies")) if value is True else value)
    return _texts(value)


def builds_native_code(package: Mapping[str, Any], paths: Collection[str]) -> bool:
    """Tell whether npm would run node-gyp: a root ``binding.gyp`` and no script or setting that says otherwise."""
    scripts = _text_map(package.get("scripts"))
    own = scripts.get("install") or scripts.get("preinstall")
    return "binding.gyp" in paths and not own and package.get("gypfile") is not False


def has_install_script(kept: Mapping[str, Any]) -> bool:
    """Tell whether installing runs code of the package."""
    scripts = kept.get("scripts", {})
    return any(scripts.get(key) for key in _INSTALL_SCRIPTS)


def dependencies(kept: Mapping[str, Any]) -> Iterator[Dependency]:
    """Give the declared dependencies of a normalised package.json, in groups.

    ``runtime``: installed with the package; ``optional``: too, where it can be; ``peer``: too, unless declared
    optional; ``bundled``: travel inside the file; ``dev``: never installed with it.
    """
    bundled = frozenset(kept.get("bundleDependencies", ()))
    for name, spec in kept.get("dependencies", {}).items():
        inside = name in bundled
        yield Dependency(name, spec, "bundled" if inside else "runtime", runtime=not inside)
    for name, spec in kept.get("optionalDependencies", {}).items():
        inside = name in bundled
        yield Dependency(name, spec, "bundled" if inside else "optional", runtime=not inside, optional=True)
    for name, spec in kept.get("peerDependencies", {}).items():
        optional = _is_optional_peer(kept, name)
        yield Dependency(name, spec, "peer", runtime=not optional, optional=optional)
    for name, spec in kept.get("devDependencies", {}).items():
        yield Dependency(name, spec, "dev", runtime=False)


def _is_optional_peer(kept: Mapping[str, Any], name: str) -> bool:
    meta = kept.get("peerDependenciesMeta")
    facts = meta.get(name) if isinstance(meta, dict) else None
    return isinstance(facts, dict) and facts.get("optional") is True


def license_text(package: Mapping[str, Any]) -> str:
    """Give the licence as one SPDX-like text, from any of the forms that npm ever knew; empty where none is named.

    Several of the legacy ``licenses`` are alternatives.
    """
    named = _license(package.get("license"))
    if named or not isinstance(package.get("licenses"), list | str | dict):
        return named
    legacy = package["licenses"]
    texts = [_license(each) for each in (legacy if isinstance(legacy, list) else [legacy])]
    texts = [text for text in texts if text]
    return texts[0] if len(texts) == 1 else f"({' OR '.join(texts)})" if texts else ""


def _license(value: object) -> str:
    if isinstance(value, list):
        return license_text({"licenses": value})
    if isinstance(value, dict):
        value = value.get("type") or value.get("name") or value.get("url")
    return value.strip() if isinstance(value, str) else ""


def person(value: object) -> dict[str, str]:
    """Give name, email and url of a person written ``Name <email> (url)`` or as an object; nothing where none is."""
    if isinstance(value, dict):
        return {key: value[key] for key in ("name", "email", "url") if isinstance(value.get(key), str)}
    if not isinstance(value, str) or len(value) > 1_000:
        return {}
    found = {key: pattern.search(value) for key, pattern in _PERSON.items()}
    return {key: match[1].strip() for key, match in found.items() if match and match[1].strip()}


def authors(package: Mapping[str, Any]) -> str:
    """Give the names of the author and the contributors, comma separated, at most ten."""
    people = package.get("contributors")
    everybody = [package.get("author"), *(people if isinstance(people, list) else [])]
    names = [person(each).get("name") or person(each).get("email", "") for each in everybody[:10]]
    return ", ".join(dict.fromkeys(name for name in names if name))


def links(package: Mapping[str, Any]) -> dict[str, str]:
    """Give the web addresses that a package names: ``homepage``, ``repository``, ``bugs``, ``funding``."""
    funding = package.get("funding")
    found = {
        "homepage": _address(package.get("homepage")),
        "repository": _address(package.get("repository")),
        "bugs": _address(package.get("bugs")),
        "funding": _address(funding[0] if isinstance(funding, list) and funding else funding),
    }
    return {key: url for key, url in found.items() if url}


def _address(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("url")
    if not isinstance(value, str) or len(value) > 2_000:
        return ""
    short = _SHORTHAND.fullmatch(value)
    if short:
        return _HOSTS[short[1] or "github"] + short[2]
    url = re.sub(r"^git@([^:/]+):", r"https://\1/", value)
    url = re.sub(r"^(?:git\+)?(?:ssh|git|https)://(?:git@)?", "https://", url).removesuffix(".git")
    return url if re.match(r"https?://[^\s/]", url) else ""
