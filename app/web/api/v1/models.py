"""What the API's models share: names in camel case, nothing unknown, texts that can be kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

_CONTENT = r"^[^\x00]*$"
ABSENT: Any = None
"""The default of what a change may leave out; whoever sends null for it is refused."""


class Model(BaseModel):
    """Be the base of all that the API takes and gives."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


T = TypeVar("T", bound=Model)


class Listed(Model, Generic[T]):
    """Hold one page of a list."""

    items: list[T]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name the schema after what it lists."""
        return f"{params[0].__name__}List"


def _number(value: object) -> object:
    if isinstance(value, str) and not (value.isascii() and value.lstrip("-").isdigit()):
        raise ValueError("a whole number is wanted")
    return value


def _flag(value: object) -> object:
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("true or false is wanted")
    return value


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime, PlainSerializer(_moment, return_type=str), Field(json_schema_extra={"format": "date-time"})
]
Flag = Annotated[bool, BeforeValidator(_flag)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=_CONTENT)]
FeedName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?$", description="The name of a feed.")
]
PackageName = Annotated[str, Field(min_length=1, max_length=500, pattern=_CONTENT)]
VersionText = Annotated[str, Field(min_length=1, max_length=256, pattern=_CONTENT)]
Text = Annotated[str, Field(max_length=200, pattern=_CONTENT)]
Prose = Annotated[str, Field(max_length=2000, pattern=_CONTENT)]
Pattern = Annotated[
    str, Field(min_length=1, max_length=500, pattern=_CONTENT, description="A name; * and ? stand for any characters.")
]
Day = Annotated[
    str, Field(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", description="A day, ISO 8601.")
]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Paging(Model):
    """Say which page of a list is wanted."""

    limit: Annotated[int, BeforeValidator(_number)] = Field(
        default=50, ge=1, le=200, description="How many at most; the default is 50."
    )
    cursor: Annotated[str, Field(max_length=2000)] = Field(default="", description="What `next` of a page gave.")


class FieldError(Model):
    """Say what is wrong with one field."""

    pointer: str = Field(description="Where: a JSON pointer (RFC 6901) into the body, or into the query as an object.")
    message: str


class Problem(BaseModel):
    """Say why a request was refused (RFC 9457); `code` is stable, `detail` says what to do."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str
    code: str
    permission: str | None = Field(default=None, description="The right that is missing.")
    feed: str | None = Field(default=None, description="The feed on which it is missing.")
    granters: list[str] | None = Field(default=None, description="Who can grant it.")
    errors: list[FieldError] | None = Field(default=None, description="What does not fit the schema, with 422.")
