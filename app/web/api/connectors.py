"""Connectors by API, in the vendor's shape: one object, filters as it writes them, a password that is never given."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.domain.connectors import Credential
from app.domain.errors import Conflict, Invalid, NotFound
from app.plugin.web import json_response, text_response
from app.services import connectors
from app.services.connectors import ConnectorChange
from app.storage.models import Connector
from app.web.api.answers import as_bad_request, make_blueprint
from app.web.api.calls import Fields, receive
from app.web.extensions import runtime

blueprint = make_blueprint("connectors", "/api/management/connectors")

_CACHE_COUNT = 100


@blueprint.get("/list", strict_slashes=False)
def list_connectors() -> Response:
    """Give the connectors that the caller may manage."""
    return json_response([_describe(each) for each in connectors.list_connectors(receive().work)])


@blueprint.get("/get/<name>", strict_slashes=False)
def get_connector(name: str) -> Response:
    """Describe one connector."""
    return json_response(_describe(connectors.get_connector(receive().work, name)))


@blueprint.route("/create", methods=["POST", "PUT"], strict_slashes=False)
def create() -> Response:
    """Create a connector from at least its name, address and type."""
    call = receive()
    name, kind = call.fields.required("name"), call.fields.required("feedType")
    call.fields.required("url", "feed")
    change = _change(call.fields)
    with as_bad_request(Conflict, NotFound), call.writing() as work:
        return json_response(_describe(connectors.create_connector(work, name, kind, change)))


@blueprint.post("/update/<name>", strict_slashes=False)
def update(name: str) -> Response:
    """Change what is sent of a connector; what is left out or null stays."""
    call = receive()
    with call.writing() as work:
        connector = connectors.get_connector(work, name)
        sent = call.fields.text("feedType")
        with as_bad_request(Conflict, NotFound):
            if sent and work.get_format(sent).key != connector.format:
                raise Invalid(f"{connector.name} leads to {connector.format}; a connector's type stays.")
            changed = _describe(connectors.update_connector(work, name, _change(call.fields)))
    runtime().sources.forget(name)
    return json_response(changed)


@blueprint.route("/delete/<name>", methods=["DELETE", "POST"], strict_slashes=False)
def delete(name: str) -> Response:
    """Delete a connector; what came by it stays."""
    with receive().writing() as work:
        connectors.delete_connector(work, name)
    runtime().sources.forget(name)
    return text_response("")


def _describe(connector: Connector) -> dict[str, Any]:
    """Describe a connector; what it has none of is left out, for the vendor's client reads no null."""
    more = {"feed": connector.feed.name if connector.feed is not None else "", "username": connector.username}
    return {
        "name": connector.name,
        "url": connector.url,
        "feedType": connector.format,
        "enabled": connector.enabled,
        "timeout": connector.timeout,
        "metadataCacheEnabled": connector.cache_minutes > 0,
        "metadataCacheMinutes": connector.cache_minutes,
        "metadataCacheCount": _CACHE_COUNT,
        "filters": list(connector.filters),
        **{name: value for name, value in more.items() if value},
    }


def _change(fields: Fields) -> ConnectorChange:
    name, password = fields.find("username"), fields.find("password")
    return ConnectorChange(
        name=fields.find("name"),
        url=fields.find("url"),
        feed=fields.find("feed"),
        enabled=fields.flag("enabled"),
        timeout=fields.number("timeout") if "timeout" in fields else None,
        cache_minutes=_cache_minutes(fields),
        filters=fields.texts("filters"),
        credential=Credential.NONE if name == "" and not password else None,
        username=name,
        secret=password,
    )


def _cache_minutes(fields: Fields) -> int | None:
    if fields.flag("metadataCacheEnabled") is False:
        return 0
    return fields.number("metadataCacheMinutes") if "metadataCacheMinutes" in fields else None
