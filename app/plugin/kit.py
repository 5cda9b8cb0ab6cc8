"""The sample data with which a format proves itself in the contract suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.plugin.format import SpecKind


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one acceptable package file and what reading it must give."""

    filename: str
    content: bytes
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Request:
    """Describe one request that a client of the format sends, below the feed's address.

    ``path`` begins with a slash; ``expect`` lists acceptable status codes.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    expect: tuple[int, ...] = (200, 201, 204)


@dataclass(frozen=True, slots=True)
class FormatKit:
    """Hold what the contract suite needs to test a format.

    ``make(name, version)`` builds an acceptable file; ``names`` are acceptable names, ``bad_names`` and
    ``bad_versions`` are refused; ``same_names`` are pairs of one package, ``same_versions`` of one version.
    ``order`` is an ascending chain of at least 15 versions; ``ranges`` are (version, range, satisfied);
    ``choices`` are (candidates, range, chosen); ``specs`` are (dependency text, kind); ``hostile`` are files
    that must be refused. ``publish(sample)``, ``listing(name)`` and ``download(sample)`` are the requests
    of a native client; ``shows(body, version)`` tells whether a listing's body names a version.

    A declared Feature needs its field: ``unlist``, ``yank``, ``deprecate``, ``tag``, ``search``,
    ``variants(name, version)`` (the files of one version that stand side by side), ``login(user name, password)``,
    and ``remote(samples)``: every document and file of a remote source that offers the samples, by path
    (``/name/1.0.0``, with its query).
    ``remake(sample)`` gives other bytes for the same name and version, where ``same_versions`` cannot.
    """

    make: Callable[[str, str], Sample]
    names: Sequence[str]
    bad_names: Sequence[str]
    same_names: Sequence[tuple[str, str]]
    order: Sequence[str]
    prereleases: Sequence[str]
    bad_versions: Sequence[str]
    same_versions: Sequence[tuple[str, str]]
    ranges: Sequence[tuple[str, str, bool]]
    choices: Sequence[tuple[Sequence[str], str, str | None]]
    specs: Sequence[tuple[str, SpecKind]]
    hostile: Mapping[str, bytes]
    publish: Callable[[Sample], Request]
    listing: Callable[[str], Request]
    download: Callable[[Sample], Request]
    shows: Callable[[bytes, str], bool]
    unlist: Callable[[Sample], Request] | None = None
    yank: Callable[[Sample], Request] | None = None
    deprecate: Callable[[Sample, str], Sequence[Request]] | None = None
    tag: Callable[[Sample, str], Request] | None = None
    delete: Callable[[Sample], Sequence[Request]] | None = None
    search: Callable[[str], Request] | None = None
    remote: Callable[[Sequence[Sample]], Mapping[str, bytes]] | None = None
    remake: Callable[[Sample], Sample] | None = None
    variants: Callable[[str, str], Sequence[Sample]] | None = None
    login: Callable[[str, str], Request] | None = None
