"""Conditions of requests: entity tags, and refusing to overwrite what somebody else has changed."""

from __future__ import annotations

import hashlib

from flask import request

from app.domain.errors import AppError
from app.web.api.v1.models import Model


class Changed(AppError):
    """Refuse a change of something that is no longer as its sender saw it."""

    code = "changed-meanwhile"
    status = 412


class MatchWanted(AppError):
    """Ask for If-Match where a lost update would hurt (RFC 6585 section 3)."""

    code = "if-match-required"
    status = 428


def text_of(body: Model) -> str:
    """Give an answer's JSON."""
    return body.model_dump_json(by_alias=True)


def etag_of(text: str) -> str:
    """Give the entity tag of an answer, without its quotes."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def check_match(current: Model, *, required: bool) -> None:
    """Raise Changed unless If-Match names what is there; raise MatchWanted where it is required and missing."""
    if "If-Match" not in request.headers:
        if required:
            raise MatchWanted("Send the ETag of what you saw as If-Match, so that no change of somebody else is lost.")
        return
    if not request.if_match.contains(etag_of(text_of(current))):
        raise Changed("It was changed since you saw it; read it again, then repeat the change.")
