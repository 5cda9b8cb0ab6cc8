"""The OpenAPI document and the page that shows it, made once for a process from the declarations."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, Response, render_template, request

from app.plugin.web import json_response
from app.web.api.v1.conditions import etag_of
from app.web.api.v1.contents import OPERATIONS, RESOURCES
from app.web.api.v1.handbook import parts_of, things_of
from app.web.api.v1.openapi import describe


@cache
def document() -> dict[str, Any]:
    """Give the API as an OpenAPI 3.1 document."""
    return describe(RESOURCES, OPERATIONS)


def add_to(blueprint: Blueprint) -> None:
    """Add the addresses of the document and of its page; both are open, for they tell of no installation."""
    blueprint.add_url_rule("/openapi.json", "openapi", _openapi)
    blueprint.add_url_rule("/docs", "docs", _docs)


def _docs() -> Response:
    things = things_of(document())
    about = document()["info"]["description"].replace("`", "").split("\n\n")
    known = {thing.name for thing in things}
    return Response(
        render_template("api/docs.html", about=about, parts=parts_of(document()), things=things, known=known)
    )


def _openapi() -> Response:
    response = json_response(document())
    response.set_etag(etag_of(response.get_data(as_text=True)))
    response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]
