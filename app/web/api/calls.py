"""Receive an API request: read its fields once, whatever way they were sent, and find out who sent it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from flask import Request, request

from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.services import access
from app.services.runtime import ANONYMOUS, Actor, Work
from app.web.bodies import parse_json, read_body
from app.web.extensions import reading, runtime
from app.web.identity import gatekeeper

BODY_LIMIT = 16 * 1024 * 1024
_MOST_FIELDS = 1000
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
# Where credentials stand: a member named key in JSON is none, but the text of a new key.
_KEYS, _KEYS_IN_JSON = frozenset({"key", "api_key"}), frozenset({"api_key"})
_SECRETS = _KEYS | {"password"}
_MAX_NUMBER = 2**31 - 1
_MAX_PROSE = 2000
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class Fields:
    """Hold named values; the case of a name does not matter, because the vendor's own samples differ in it."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self._values: dict[str, Any] = {}
        for name, value in pairs:
            if self._values.setdefault(name.lower(), value) != value:
                raise Invalid(f"The field {name} occurs twice with different values; send it once.")

    def __contains__(self, name: str) -> bool:
        """Tell whether a field was sent with any value but null."""
        return self._values.get(name.lower()) is not None

    def get(self, name: str) -> Any:
        """Give a field's value as it was sent, or None."""
        return self._values.get(name.lower())

    def find(self, *names: str) -> str | None:
        """Give the text of a field by the names it goes by, or None; raise Invalid where two of them disagree."""
        sent = [(name, value) for name in names if (value := self._values.get(name.lower())) is not None]
        texts = {_check_text(name, value) for name, value in sent}
        if len(texts) > 1:
            raise Invalid(f"{' and '.join(name for name, _ in sent)} mean the same and differ; send one of them.")
        return texts.pop() if texts else None

    def text(self, *names: str) -> str:
        """Give the text of a field, or an empty one."""
        return self.find(*names) or ""

    def prose(self, name: str) -> str | None:
        """Give a description of at most 2,000 characters, or None where it was not sent."""
        found = self.find(name)
        if found is not None and len(found) > _MAX_PROSE:
            raise Invalid(f"The field {name} is too long; use at most {_MAX_PROSE:,} characters.", code="too-long")
        return found

    def required(self, *names: str) -> str:
        """Give the text of a field; raise Invalid where it is missing or empty."""
        found = self.text(*names).strip()
        if not found:
            raise Invalid(f"The field {names[0]} is missing; send it.", code="missing-field", field=names[0])
        return found

    def number(self, name: str) -> int:
        """Give a positive whole number, from its digits too; raise Invalid where it is missing or none."""
        value = self.get(name)
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else self.required(name)
        if not text.isascii() or not text.isdigit() or len(text) > 10 or not 0 < int(text) <= _MAX_NUMBER:
            raise Invalid(f"The field {name} is {_shown(value)}; send a number of the list.")
        return int(text)

    def moment(self, name: str) -> datetime | None:
        """Give a moment, in UTC where it names no time zone, or None where it was not sent."""
        text = self.text(name).strip()
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Invalid(f"The field {name} is {_shown(text)}; send a moment as ISO 8601.") from None

    def flag(self, name: str) -> bool | None:
        """Give a yes or no, or None where it was not sent."""
        value = self.get(name)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is None or isinstance(value, bool):
            return value
        raise Invalid(f"The field {name} is {_shown(value)}; send true or false.")

    def texts(self, name: str) -> list[str] | None:
        """Give a list of texts (one text counts as a list of one), or None where it was not sent."""
        value = self.get(name)
        if value is None:
            return None
        values = value if isinstance(value, list) else [value]
        return [_check_text(name, each) for each in values]

    def objects(self, name: str) -> list[Fields] | None:
        """Give a list of objects, or None where it was not sent."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise Invalid(f"The field {name} is {_shown(value)}; send a list of objects.")
        return [Fields(each.items()) for each in value]


def _check_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        shown = "no text" if name.lower() in _SECRETS else _shown(value)
        raise Invalid(f"The field {name} is {shown}; send text.")
    if _NO_TEXT.search(value):
        raise Invalid(f"The field {name} holds NUL or half a character; send plain text.")
    return value


def _shown(value: object) -> str:
    return ascii(value)[:60]


@dataclass(frozen=True, slots=True)
class Call:
    """Be one API request: its fields, and work in the name of whoever sent it; ``expires`` as in Identity."""

    fields: Fields
    work: Work
    expires: datetime | None

    @property
    def actor(self) -> Actor:
        """Give who is acting."""
        return self.work.actor

    def end_reading(self) -> None:
        """Let go of the state of the database that was read so far."""
        self.work.session.rollback()
        self.work.cache.clear()

    def writing(self) -> AbstractContextManager[Work]:
        """Work as a writer."""
        self.end_reading()
        return runtime().writing(self.actor)


def receive(*, body: bool = True) -> Call:
    """Give the current request as a call; without ``body`` the body is left alone, for uploads.

    Raises Invalid for a malformed body, Unauthenticated for wrong credentials.
    """
    query = _Sent(request.args.items(multi=True), _KEYS)
    sent = _body(request) if body else _Sent((), _KEYS)
    fields = Fields([*query.fields, *sent.fields])
    work = reading(ANONYMOUS)
    identity = gatekeeper().identify(work, request, body_key=query.key or sent.key)
    work.actor = identity.actor
    return Call(fields, work, identity.expires)


class _Sent:
    """Hold what a query or a body held: its fields, and apart from them the credentials."""

    def __init__(self, pairs: Iterable[tuple[str, Any]], credentials: frozenset[str]) -> None:
        self.fields: list[tuple[str, Any]] = []
        self.key = ""
        for name, value in pairs:
            if name.lower() not in credentials:
                self.fields.append((name, value))
            elif isinstance(value, str):
                self.key = self.key or value


def receive_from(permission: Permission) -> Call:
    """Give the current request as a call of somebody with a right on the installation; raises Forbidden."""
    call = receive()
    access.require(call.work, permission)
    return call


def _body(request: Request) -> _Sent:
    if request.method in ("GET", "HEAD"):
        return _Sent((), _KEYS)
    if request.mimetype == _MULTIPART:
        request.max_content_length = BODY_LIMIT
        return _Sent(request.form.items(multi=True), _KEYS)
    sent = read_body(request, BODY_LIMIT, inflate=True).strip()
    if not sent:
        return _Sent((), _KEYS)
    if request.mimetype == _FORM and not sent.startswith(b"{"):
        return _Sent(_form(sent), _KEYS)
    # JSON under any other content type, or none: so it comes from curl and from scripts.
    value = parse_json(sent)
    if not isinstance(value, dict):
        raise Invalid(f"The body is {_shown(value)}; send one JSON object.")
    return _Sent(value.items(), _KEYS_IN_JSON)


def _form(sent: bytes) -> Iterable[tuple[str, str]]:
    try:
        return parse_qsl(sent.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise Invalid(f"The body is no valid form ({error}); send fields in UTF-8.") from None


def without_nothing(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give values without those that are None: the contract omits what is unknown."""
    return {name: value for name, value in values.items() if value is not None}
