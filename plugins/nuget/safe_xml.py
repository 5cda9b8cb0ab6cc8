"""XML that strangers wrote, read into a small tree: no DOCTYPE, hence no entities; bounded in size and depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from app.plugin import InvalidPackage

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
_ENCODINGS = ("utf-8", "utf-16", "us-ascii", "ascii")


@dataclass(slots=True)
class Element:
    """Hold an element by its local name: whichever namespace it is in does not count."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Give the element's own text without blanks around it."""
        return "".join(self.pieces).strip()

    def all(self, name: str) -> Iterator[Element]:
        """Give the children of a name."""
        return (child for child in self.children if child.name == name)

    def first(self, name: str) -> Element | None:
        """Give the first child of a name, or None."""
        return next(self.all(name), None)

    def get(self, name: str) -> str:
        """Give the text of the first child of a name; empty where there is none."""
        child = self.first(name)
        return "" if child is None else child.text


def parse(content: bytes, what: str, limit: int = MAX_BYTES) -> Element:
    """Give the root of a document; raise InvalidPackage, naming ``what`` it is, for what is refused or no XML."""
    if len(content) > limit:
        raise InvalidPackage(f"{what} has {len(content):,} bytes; at most {limit:,} are read.")
    builder = _Builder(what)
    # Expat's own errors, and what it makes of encodings that it does not know.
    try:
        builder.parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InvalidPackage(f"{what} is no well-formed XML ({error}); pack it again.") from None
    return builder.root


class _Builder:
    """Build the tree as expat reports what it finds."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.root = Element("")
        self._open: list[Element] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self._declared
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise InvalidPackage(f"{self._what} is in the encoding {encoding[:40]!r}; write it in UTF-8.")

    def _doctype(self, *_: object) -> None:
        raise InvalidPackage(f"{self._what} has a DOCTYPE, which no package needs; take it out.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise InvalidPackage(f"{self._what} is nested deeper than {MAX_DEPTH} elements.")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].pieces.append(text)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
