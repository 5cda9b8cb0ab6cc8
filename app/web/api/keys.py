"""API keys by API: list, create and delete them, in the vendor's shape."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.permissions import Permission
from app.plugin.web import json_response, text_response
from app.services import access, keys
from app.services.runtime import Work
from app.storage.models import ApiKey
from app.web.api.answers import as_bad_request, make_blueprint, moment
from app.web.api.calls import Call, Fields, receive, without_nothing

blueprint = make_blueprint("keys", "/api/api-keys")

# Releases of the vendor's client differ in the names of a system key's APIs; it sends all that it knows unless told.
_SYSTEM_APIS = {"full-control": keys.SYSTEM_APIS, "sbom": ("sca",)}
_NO_LOGGING = ("", "none")


@blueprint.get("/list", strict_slashes=False)
def list_keys() -> Response:
    """Give the keys that the caller may manage, never with their secrets."""
    work = _receive().work
    return json_response([_describe(key) for key in keys.list_keys(work)])


@blueprint.post("/create", strict_slashes=False)
def create() -> Response:
    """Create a key; this answer alone holds its secret, as ``key``."""
    call = _receive()
    with as_bad_request(Conflict, NotFound), call.writing() as work:
        key, secret = keys.create_key(work, _request(work, call.fields))
        return json_response({**_describe(key), "key": secret})


@blueprint.route("/delete", methods=["DELETE", "POST"], strict_slashes=False)
def delete() -> Response:
    """Delete a key by its number; it stops working at once."""
    call = _receive()
    number = call.fields.number("id")
    with call.writing() as work:
        keys.delete_key(work, number)
    return text_response("")


def _receive() -> Call:
    """Receive a call of a person or of a key with full control: other keys would make keys that outlive them."""
    call = receive()
    if call.actor.user_id is None:
        access.require(call.work, Permission.CONFIGURE)
    return call


def _request(work: Work, fields: Fields) -> keys.KeyRequest:
    kind = fields.required("type").lower()
    if fields.text("logging").lower() not in _NO_LOGGING:
        raise Invalid("Bodies of requests are not logged here; send the logging None.", code="not-offered")
    expires = fields.moment("expiration")
    if expires is not None and expires <= work.now():
        raise Invalid("The field expiration is in the past; send a later moment, or none.", code="key-expired")
    return keys.KeyRequest(
        kind,
        fields.text("displayName").strip() or f"{kind.capitalize()} key of {work.now():%Y-%m-%d %H.%M.%S}",
        fields.prose("description") or "",
        user=fields.text("user") or (work.actor.name if kind == "personal" and work.actor.user_id else ""),
        feeds=[name for each in fields.text("feed").split(",") if (name := each.strip())],
        feed_group=fields.text("feedGroup"),
        rights=_rights(fields, kind),
        expires=expires,
        secret=fields.text("key"),
    )


def _rights(fields: Fields, kind: str) -> list[str]:
    if kind == "system":
        sent = fields.texts("systemApis")
        if sent == []:
            raise Invalid("The field systemApis is empty; name the APIs, or leave it out for full control.")
        return [api for right in map(str.lower, sent or ()) for api in _SYSTEM_APIS.get(right, (right,))]
    return [right.lower() for right in fields.texts("packagePermissions") or ()]


def _describe(key: ApiKey) -> dict[str, Any]:
    system = key.kind == "system"
    return without_nothing(
        {
            "id": key.id,
            "type": key.kind.capitalize(),
            "displayName": key.name,
            "description": key.description,
            "systemApis": list(key.rights) if system else None,
            "packagePermissions": list(key.rights) if key.kind == "feed" else None,
            "feed": ",".join(feed.name for feed in key.feeds) or None,
            "feedGroup": key.feed_group.name if key.feed_group else None,
            "user": key.user.name if key.user else None,
            "expiration": moment(key.expires) if key.expires else None,
            "logging": "None",
            "enabled": key.enabled,
            "prefix": key.prefix,
            "lastUsed": moment(key.last_used) if key.last_used else None,
        }
    )
