"""Sample data of the RubyGems format: gems, an order, requirements, and hostile files."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import urlencode

from app.plugin import FormatKit, Request, Sample, SpecKind

ORDER = (
    "0.a",
    "0",
    "0.0.0.1",
    "0.1",
    "0.9",
    "0.10",
    "1.A",
    "1.a",
    "1.a.1",
    "1.a.2",
    "1.a.10",
    "1.b",
    "1.0.0.pre",
    "1.0.0.pre.1",
    "1.0.0.rc",
    "1.0.0.rc.1",
    "1",
    "1.0.1.alpha",
    "1.0.1",
    "1.0.9",
    "1.0.10",
    "1.1.a",
    "1.1",
    "2",
    "10",
    "99999999999999999999",
)


def metadata(name: str, version: str, *, platform: str = "ruby", more: str = "") -> str:
    """Give a gemspec's YAML as 'gem build' writes it."""
    return (
        "--- !ruby/object:Gem::Specification\n"
        f"name: {name}\n"
        "version: !ruby/object:Gem::Version\n"
        f"  version: '{version}'\n"
        f"platform: {platform}\n"
        "authors:\n- Ada\n"
        "date: 2026-01-02 00:00:00.000000000 Z\n"
        "dependencies:\n"
        "- !ruby/object:Gem::Dependency\n"
        "  name: base\n"
        "  requirement: !ruby/object:Gem::Requirement\n"
        "    requirements:\n"
        '    - - ">="\n      - !ruby/object:Gem::Version\n        version: 1.0\n'
        "    - - \"<\"\n      - !ruby/object:Gem::Version\n        version: '3'\n"
        "  type: :runtime\n"
        "  prerelease: false\n"
        "description: A sample.\n"
        "email: ada@example.com\n"
        "homepage: https://example.com/gem\n"
        "licenses:\n- MIT\n"
        "metadata:\n  source_code_uri: https://example.com/source\n"
        "required_ruby_version: !ruby/object:Gem::Requirement\n"
        "  requirements:\n"
        "  - - \">=\"\n    - !ruby/object:Gem::Version\n      version: '2.7'\n"
        "rubygems_version: 3.3.15\n"
        f"summary: The gem {name}\n{more}"
    )


def tar(files: Mapping[str, bytes]) -> bytes:
    """Give a tar of some files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def gem(spec: str | bytes, files: Mapping[str, bytes] | None = None, **parts: bytes) -> bytes:
    """Give a gem; ``parts`` replace its own parts (``data``, ``checksums``)."""
    text = spec.encode() if isinstance(spec, str) else spec
    packed = gzip.compress(text, mtime=0)
    data = parts.get("data") or gzip.compress(
        tar(files or {"lib/a.rb": b"puts 1\n", "README.md": b"# Hello\n"}), mtime=0
    )
    lines = ["---"]
    for title, algorithm in (("SHA256", "sha256"), ("SHA512", "sha512")):
        lines.append(f"{title}:")
        lines += [
            f"  {path}: {hashlib.new(algorithm, content).hexdigest()}"
            for path, content in (("metadata.gz", packed), ("data.tar.gz", data))
        ]
    checksums = parts.get("checksums") or gzip.compress("\n".join(lines).encode(), mtime=0)
    return tar({"metadata.gz": packed, "data.tar.gz": data, "checksums.yaml.gz": checksums})


def make(name: str, version: str) -> Sample:
    """Make a gem for Ruby."""
    return Sample(f"{name}-{version}.gem", gem(metadata(name, version), {"lib/a.rb": version.encode()}), name, version)


def _remake(sample: Sample) -> Sample:
    content = gem(metadata(sample.name, sample.version), {"lib/b.rb": b"other"})
    return Sample(sample.filename, content, sample.name, sample.version)


def _variants(name: str, version: str) -> Sequence[Sample]:
    java = gem(metadata(name, version, platform="java"))
    return (make(name, version), Sample(f"{name}-{version}-java.gem", java, name, version))


def hostile() -> dict[str, bytes]:
    """Give files that look like gems and must be refused."""
    good = metadata("a", "1")
    whole = gem(good)
    return {
        "no tar": gzip.compress(good.encode()),
        "no metadata": tar({"data.tar.gz": gzip.compress(tar({}))}),
        "no data": tar({"metadata.gz": gzip.compress(good.encode())}),
        "metadata twice": tar({"metadata.gz": gzip.compress(good.encode())})[:1024] + whole,
        "another class": gem(good.replace("Gem::Specification", "Gem::Installer")),
        "an object inside": gem(metadata("a", "1", more="x: !ruby/object:Gem::Installer {}\n")),
        "a method inside": gem(metadata("a", "1", more="x: !ruby/object:Gem::Requirement\n  !ruby/hash:X y: z\n")),
        "a merge key": gem(metadata("a", "1", more="x: &a {b: c}\ny:\n  <<: *a\n")),
        "itself inside": gem(metadata("a", "1", more="x: &a [*a]\n")),
        "nested deeply": gem(metadata("a", "1", more="x: " + "[" * 100_000)),
        "many aliases": gem(metadata("a", "1", more="x: &a [b]\ny: [" + "*a," * 6_000 + "]\n")),
        "two documents": gem(good + "--- x\n"),
        "a key twice": gem(good + "name: b\n"),
        "not utf-8": gem(good.encode() + b"x: \xff\n"),
        "plain data": gem("name: a\nversion: '1'\n"),
        "path as name": gem(metadata("../a", "1")),
        "no letter in the name": gem(metadata("'1'", "1")),
        "space in the version": gem(metadata("a", "1 2")),
        "huge number": gem(metadata("a", "9" * 200)),
        "endless version": gem(metadata("a", "1." * 5000 + "1")),
        "path as platform": gem(metadata("a", "1", platform="../x")),
        "broken requirement": gem(good.replace('">="', '"=>"')),
        "strange kind": gem(good.replace(":runtime", ":build")),
        "wrong checksum": gem(good, checksums=gzip.compress(b"---\nSHA256:\n  metadata.gz: " + b"0" * 64 + b"\n")),
        "metadata bomb": gem(metadata("a", "1", more="x: " + "a" * 20_000_000)),
        "data bomb": gem(good, {"zeros": bytes(30_000_000)}),
        "path that climbs": gem(good, {"../a": b"a"}),
        "absolute path": gem(good, {"/etc/a": b"a"}),
        "data not gzipped": gem(good, data=tar({"a": b"a"})),
        "junk behind": whole + b"junk",
        "cut in half": whole[: len(whole.rstrip(b"\0")) // 2],
        "cut at its end": whole.rstrip(b"\0")[:-1],
    }


def remote(samples: Sequence[Sample]) -> dict[str, bytes]:
    """Give the answers of a remote server that offers the samples."""
    offered: dict[str, bytes] = {}
    listed: dict[str, str] = {}
    for sample in samples:
        offered[f"/gems/{sample.filename}"] = sample.content
        digest = hashlib.sha256(sample.content).hexdigest()
        line = f"{sample.version} base:< 3&>= 1.0|checksum:{digest},ruby:>= 2.7,created_at:2026-01-02T03:04:05Z\n"
        listed[sample.name] = listed.get(sample.name, "---\n") + line
    return {**offered, **{f"/info/{name}": text.encode() for name, text in listed.items()}}


def _yank(sample: Sample) -> Request:
    form = urlencode({"gem_name": sample.name, "version": sample.version})
    return Request("DELETE", "/api/v1/gems/yank", {"Content-Type": "application/x-www-form-urlencoded"}, form.encode())


def _log_in(name: str, password: str) -> Request:
    secret = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Request("POST", "/api/v1/api_key", {"Authorization": f"Basic {secret}"})


@cache
def make_kit() -> FormatKit:
    """Give the sample data; hostile files are made once, when they are first asked for."""
    return FormatKit(
        make=make,
        names=("hello", "Hello-World_2.x", "a", "net-http2"),
        bad_names=("", "1", "../a", "a/b", "a b", ".a", "-a", "_a", "a" * 201, "\u00e4", "a\n"),
        same_names=(),
        order=ORDER,
        prereleases=("1.a", "1.0.0.pre1", "2.0.0.rc.1", "1.0-x"),
        bad_versions=("1.", ".1", "a", "v1", "1..2", "1 2", "1.0.0\u0661", "junk", "1." * 200 + "1", "9" * 100),
        same_versions=(("1", "1.0"), ("1.0", "1.0.0"), ("1.a", "1.0.a"), ("1.0-x", "1.0.pre.x"), ("1.a1", "1.a.1")),
        ranges=(
            ("1.0", ">= 1", True),
            ("0.9", ">= 1", False),
            ("1.9", "~> 1.0", True),
            ("2.0", "~> 1.0", False),
            ("1.0.9", "~> 1.0.3", True),
            ("1.1", "~> 1.0.3", False),
            ("1.0.0", "1", True),
            ("1.5", ">= 1, < 2", True),
            ("2.0.a", ">= 1, < 2", True),
            ("1.5", "!= 1.5", False),
            ("3", "", True),
            ("1", "nonsense", False),
        ),
        choices=(
            (("1.0", "1.9", "1.10"), "~> 1.0", "1.10"),
            (("1.0", "2.0.a"), ">= 1", "1.0"),
            (("1.0", "2.0.a"), ">= 1.a", "2.0.a"),
            (("1.0",), "~> 2", None),
        ),
        specs=(
            (">= 0", SpecKind.RANGE),
            ("~> 1.2, != 1.2.3", SpecKind.RANGE),
            ("", SpecKind.RANGE),
            ("^1.0", SpecKind.UNRESOLVABLE),
        ),
        hostile=hostile(),
        publish=lambda sample: Request(
            "POST", "/api/v1/gems", {"Content-Type": "application/octet-stream"}, sample.content
        ),
        listing=lambda name: Request("GET", f"/info/{name}"),
        download=lambda sample: Request("GET", f"/gems/{sample.filename}"),
        shows=lambda body, version: any(line.split(b" ")[0] == version.encode() for line in body.splitlines()),
        yank=_yank,
        search=lambda text: Request("GET", f"/api/v1/search.json?{urlencode({'query': text})}"),
        remote=remote,
        remake=_remake,
        variants=_variants,
        login=_log_in,
    )
