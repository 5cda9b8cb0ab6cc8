"""Target frameworks: the long names that a nuspec may hold, in the short form that people and folders use."""

from __future__ import annotations

import re

_LONG = re.compile(r"(?P<name>\.?[A-Za-z]+),?\s*(?:Version\s*=\s*)?v?(?P<version>[0-9.]+)?(?P<rest>(?:-|,).*)?")
_DOTTED = {"netstandard": "netstandard", "netcoreapp": "netcoreapp"}
_COMPACT = {"netframework": "net", "netportable": "portable", "netcore": "netcore", "netmicroframework": "netmf"}
_OTHERS = {
    "silverlight": "sl",
    "windowsphone": "wp",
    "windows": "win",
    "windowsphoneapp": "wpa",
    "monoandroid": "monoandroid",
    "monotouch": "monotouch",
    "monomac": "monomac",
    "xamarin.ios": "xamarinios",
    "uap": "uap",
    "native": "native",
}
ANY = "any framework"


def short_name(framework: str) -> str:
    """Give the short form of a framework's name where it is a usual one, else the name itself.

    >>> short_name(".NETStandard2.0"), short_name(".NETFramework4.7.2"), short_name(".NETCoreApp,Version=v3.1")
    ('netstandard2.0', 'net472', 'netcoreapp3.1')
    """
    match = _LONG.fullmatch(framework.strip())
    if match is None or match["rest"]:
        return framework.strip()
    name, version = match["name"].lower().lstrip("."), match["version"] or ""
    if name in _DOTTED and version.startswith("5"):
        return f"net{version}"
    if name in _DOTTED:
        return f"{_DOTTED[name]}{version}"
    if name in _COMPACT:
        return f"{_COMPACT[name]}{_compact(version)}"
    if name in _OTHERS:
        return f"{_OTHERS[name]}{version}"
    return framework.strip()


def _compact(version: str) -> str:
    """Give ``472`` for 4.7.2; a zero in third place is left out."""
    parts = version.split(".")
    while len(parts) > 2 and parts[-1] in ("0", ""):
        parts.pop()
    return "".join(parts)
