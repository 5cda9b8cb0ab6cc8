"""The file of people and rights: what stands in it, how it is read within bounds, how it is written to be compared."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from app.domain.errors import Invalid

MAX_BYTES = 1_000_000
_MAX_DEPTH = 12
_BREAKS = re.compile("[\x85\u2028\u2029]")
_HEADER = """\
# People and rights of a Promontory installation; compare, review and change it, then 'promontory config plan FILE'.
# Passwords, sessions and API keys are never in here. A section that is left out is left alone.
"""

Place = tuple[str | int, ...]
"""Where a value stands: section, number of the entry, member."""


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class UserEntry(_Entry):
    """Be a user, without anything secret."""

    name: str
    display_name: str = ""
    email: str = ""
    active: bool = True


class GroupEntry(_Entry):
    """Be a group with all of its members."""

    name: str
    members: list[str] = []


class TaskEntry(_Entry):
    """Be a task of the installation's own, by the codes of its attributes."""

    name: str
    description: str = ""
    attributes: list[str]


class GrantEntry(_Entry):
    """Be a grant or a restriction: of a task, to one of user, group and principal, on a feed, a feed group or all."""

    task: str
    user: str = ""
    group: str = ""
    principal: Literal["", "everyone", "authenticated", "anonymous"] = ""
    feed: str = ""
    feed_group: str = ""


def _check_version(version: int) -> int:
    if version != 1:
        raise ValueError("this Promontory reads files that say promontory: 1")
    return version


class Config(_Entry):
    """Be the whole file; None is a section that is left out."""

    promontory: Annotated[int, AfterValidator(_check_version)]
    users: list[UserEntry] | None = None
    groups: list[GroupEntry] | None = None
    tasks: list[TaskEntry] | None = None
    grants: list[GrantEntry] | None = None
    restrictions: list[GrantEntry] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Hold a file that was read, and on which line each of its values stands; ``name`` is for messages."""

    config: Config
    name: str
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """Give the line of a value, or of what it stands in."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def refuse(self, place: Place, message: str, code: str = "invalid-config") -> NoReturn:
        """Raise Invalid for a value, naming its line."""
        line = self.line(place)
        raise Invalid(f"{self.name}, line {line}: {message}", code=code, line=line)


def write(config: Config) -> str:
    """Give the file's text: the same for the same configuration, a value a line."""
    values = config.model_dump(by_alias=True, exclude_defaults=True)
    body: str = yaml.dump(
        values, None, _Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120
    )
    return _HEADER + body


class _Dumper(yaml.SafeDumper):
    """Write plain values only."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Quote line breaks other than the usual one: unquoted, they would be read back as that."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, '"' if _BREAKS.search(text) else None)


_Dumper.add_representer(str, _represent_text)


def read(content: bytes, name: str = "the file") -> Document:
    """Read the file's bytes; raises Invalid naming the line.

    At most a megabyte, of plain values: references from one place of the file to another are refused, since a short
    file could stand for an endless one.
    """
    if len(content) > MAX_BYTES:
        raise Invalid(f"{name} passes the limit of {MAX_BYTES:,} bytes; split it.", code="too-large")
    try:
        root, value = _load(content)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, problem = mark.line + 1 if mark else 1, error.problem or error.context
        raise Invalid(f"{name}, line {line}: {problem}.", code="invalid-yaml", line=line) from None
    except RecursionError:
        raise Invalid(f"{name} is nested too deeply; write plain lists.", code="invalid-yaml") from None
    except (yaml.YAMLError, ValueError) as error:
        raise Invalid(f"{name} is no valid YAML in UTF-8: {ascii(str(error))[:200]}.", code="invalid-yaml") from None
    document = Document(Config(promontory=1), name, dict(_lines(root, ())))
    try:
        config = Config.model_validate({} if value is None else value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
        document.refuse(first["loc"], f"{where + ': ' if where else ''}{first['msg']}.")
    return Document(config, name, document.lines)


def _load(content: bytes) -> tuple[yaml.Node | None, Any]:
    loader = _Loader(content)
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _wrong(there: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=there.start_mark)


class _Loader(yaml.SafeLoader):
    """Load plain values only."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one value; refuses references and absurd depth."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _wrong(event, "references (*name) are not read here")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _wrong(event, "this is nested too deeply")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        """Construct members; refuses a name that occurs twice, of which one would be lost."""
        names: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _wrong(key, "a name is plain text")
            if key.value in names:
                raise _wrong(key, f"{key.value!r} occurs twice")
            names.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _lines(node: yaml.Node | None, place: Place) -> Iterator[tuple[Place, int]]:
    if node is None:
        return
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for number, each in enumerate(node.value):
            yield from _lines(each, (*place, number))
    elif isinstance(node, yaml.MappingNode):
        for key, each in node.value:
            yield from _lines(each, (*place, str(key.value)))
