"""Settings by API: shown in the vendor's shape, and changed where the server is, never from afar.

A setting names directories of plugins, the database and whom to believe: whoever could set them by a request could
run code of their own.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.plugin.web import json_response
from app.settings import Settings
from app.web.api.answers import make_blueprint
from app.web.api.calls import receive_from
from app.web.extensions import runtime

blueprint = make_blueprint("settings", "/api/settings")

_HIDDEN = frozenset({"test_hooks"})


@blueprint.get("/list", strict_slashes=False)
def list_settings() -> Response:
    """Give the settings in force; the password of a database is left out."""
    every = bool(receive_from(Permission.CONFIGURE).fields.flag("showAll"))
    current = runtime().settings
    names = [name for name in Settings.model_fields if every or name not in _HIDDEN]
    return json_response([_describe(current, name) for name in names])


@blueprint.post("/set", strict_slashes=False)
def set_setting() -> Response:
    """Refuse to change a setting, and say where it is changed."""
    name = receive_from(Permission.CONFIGURE).fields.required("name")
    if name not in Settings.model_fields:
        raise Invalid(f"There is no setting {name[:60]!r}; list the settings.", code="unknown-setting")
    variable = f"{Settings.model_config['env_prefix']}{name.upper()}"
    raise Invalid(
        f"The setting {name} is not changed by request; write it into promontory.toml in the data directory, or set "
        f"{variable}, and start the server again.",
        code="not-offered",
    )


def _describe(current: Settings, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": _text(current.shown(name)),
        "description": Settings.model_fields[name].description or "",
        "valueType": {bool: "Boolean", int: "Integer"}.get(type(getattr(current, name)), "Text"),
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
