"""Sample data with which the contract suite proves the RubyGems format."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import quote, urlencode

from app.plugin import FormatKit, Request, Sample, SpecKind

from .hostile import hostile_gems
from .names import file_name
from .packing import Need, gemspec_yaml, make_gem
from .versions import normalize

_FORM = "application/x-www-form-urlencoded"
_NEEDS: tuple[Need, ...] = (("rack", ">= 2.0, < 4", "runtime"), ("rake", "~> 13.0", "development"))

ORDER = (
    "0.a",
    "0",
    "0.0.1",
    "0.9",
    "0.10",
    "1.0.A",
    "1.0.a",
    "1.0.a.1",
    "1.0.a.2",
    "1.0.a10",
    "1.0.b1",
    "1.0.0-beta",
    "1.0.rc1",
    "1.0.rc2",
    "1.0.rc10",
    "1",
    "1.0.1.beta",
    "1.0.1",
    "1.2",
    "1.10",
    "2.0.0.rc",
    "2.0.0",
    "10.0",
    "18446744073709551616",
)

RANGES = (
    ("1.0", "1.0.0", True),
    ("1.0.1", "= 1.0", False),
    ("1.0.1", "!= 1.0", True),
    ("1.0", "!= 1", False),
    ("1.0.1", "> 1.0", True),
    ("1.0", ">= 1", True),
    ("1.0.a", ">= 1", False),
    ("0.9", "< 1", True),
    ("1.0.a", "< 1", True),
    ("1.0.0", "<= 1.0", True),
    ("2.0.9", "~> 2.0.3", True),
    ("2.1", "~> 2.0.3", False),
    ("2.9", "~> 2.0", True),
    ("3.0", "~> 2.0", False),
    ("3.0.a", "~> 2.0", False),
    ("2.9.a", "~> 2.0", True),
    ("2.0.a", "~> 2.0", False),
    ("2.0.b", "~> 2.0.a", True),
    ("2.5", "~> 2.0.a", True),
    ("5", "~> 5", True),
    ("6", "~> 5", False),
    ("1.5", ">= 1, < 2", True),
    ("2", ">= 1, < 2", False),
    ("1.5", ">= 1, < 2, != 1.5.0", False),
    ("1.0", "", True),
    ("0.a", "", False),
    ("1.0", ">> 1", False),
    ("1.0", "latest", False),
)


def make(
    name: str, version: str, *, platform: str = "", needs: Sequence[Need] = _NEEDS, ruby: str = ">= 2.5", more: str = ""
) -> Sample:
    """Make an acceptable gem; ``more`` are further lines of its gemspec."""
    spelled = platform or "ruby"
    gemspec = gemspec_yaml(name, version, platform=spelled, needs=needs, ruby=ruby, more=more)
    files = {
        "README.md": f"# {name}\n\nA sample.\n".encode(),
        f"lib/{name}.rb": f"# {name} {version} {spelled}\n".encode(),
    }
    return Sample(file_name(name, normalize(version), platform), make_gem(gemspec, files), name, normalize(version))


def push(sample: Sample) -> Request:
    """Give the request of ``gem push``."""
    return Request("POST", "/api/v1/gems", {"Content-Type": "application/octet-stream"}, sample.content, (200,))


def yank(name: str, version: str, platform: str = "") -> Request:
    """Give the request of ``gem yank``."""
    wanted = {"gem_name": name, "version": version, **({"platform": platform} if platform else {})}
    return Request("DELETE", "/api/v1/gems/yank", {"Content-Type": _FORM}, urlencode(wanted).encode(), (200,))


def _log_in(user_name: str, password: str) -> Request:
    basic = b64encode(f"{user_name}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": _FORM}
    return Request("POST", "/api/v1/api_key", headers, b"name=test&push_rubygem=true", (200,))


def _shows(body: bytes, version: str) -> bool:
    return normalize(version) in {line.split(" ")[0] for line in body.decode().splitlines()[1:]}


def _remote(samples: Sequence[Sample]) -> Mapping[str, bytes]:
    found = {f"/gems/{sample.filename}": sample.content for sample in samples}
    found["/versions"] = b"created_at: 2026-01-02T03:04:05Z\n---\n"
    lines: dict[str, list[str]] = {}
    for sample in samples:
        digest = hashlib.sha256(sample.content).hexdigest()
        line = f"{sample.version} rack:< 4&>= 2.0|checksum:{digest},ruby:>= 2.5,created_at:2026-01-02T03:04:05Z\n"
        lines.setdefault(sample.name, ["---\n"]).append(line)
    return {**found, **{f"/info/{name}": "".join(text).encode() for name, text in lines.items()}}


@cache
def build_kit() -> FormatKit:
    """Give the kit; its hostile files are made when it is first asked for."""
    return FormatKit(
        make=make,
        names=("left", "pad-right", "Camel_Case", "a", "net.http2"),
        bad_names=(
            "",
            "123",
            "1.2",
            ".left",
            "_left",
            "-left",
            "../left",
            "a/b",
            "le ft",
            "left\n",
            "l\u0435ft",
            "a!",
            "a" * 201,
        ),
        same_names=(),
        order=ORDER,
        prereleases=("0.a", "1.0.0-beta", "1.0.rc1", "1.a1"),
        bad_versions=(
            "",
            " ",
            "a",
            "latest",
            "v1.0",
            "1..0",
            "1.0.",
            ".1",
            "1.0+b",
            "1.0-",
            "1 0",
            "1/0",
            "~> 1",
            "1\u0660",
            "1." * 80 + "1",
        ),
        same_versions=(
            ("1.0", "1.0.0"),
            ("1", "1.0.0.0"),
            ("1.0.0-beta", "1.0.pre.beta"),
            ("1.a1", "1.a.1"),
            ("1.0.a", "1.a"),
        ),
        ranges=RANGES,
        choices=(
            (("1.0", "1.9", "1.10", "2.0"), "~> 1.0", "1.10"),
            (("1.0", "1.1.rc1"), ">= 1.0", "1.0"),
            (("1.0", "1.1.rc1"), ">= 1.1.a", "1.1.rc1"),
            (("1.0.rc1", "1.0.rc2"), "~> 1.0.a", "1.0.rc2"),
            (("1.0",), "~> 2.0", None),
            (("1.0.rc1",), "", None),
        ),
        specs=(
            ("", SpecKind.RANGE),
            (">= 0", SpecKind.RANGE),
            ("1.2.3", SpecKind.RANGE),
            ("~> 1.2, != 1.2.5", SpecKind.RANGE),
            ("^1.0", SpecKind.UNRESOLVABLE),
            ("latest", SpecKind.UNRESOLVABLE),
            (">= 1,", SpecKind.UNRESOLVABLE),
        ),
        hostile=hostile_gems(),
        publish=push,
        listing=lambda name: Request("GET", f"/info/{quote(name)}"),
        download=lambda sample: Request("GET", f"/gems/{quote(sample.filename)}"),
        shows=_shows,
        yank=lambda sample: yank(sample.name, sample.version),
        search=lambda text: Request("GET", f"/api/v1/search.json?{urlencode({'query': text})}"),
        remote=_remote,
        remake=lambda sample: make(sample.name, sample.version, more="x_note: other bytes\n"),
        variants=lambda name, version: [make(name, version, platform=each) for each in ("", "java", "x86_64-linux")],
        login=_log_in,
    )
