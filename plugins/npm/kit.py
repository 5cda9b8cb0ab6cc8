"""Sample data with which the contract suite proves the npm format."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from app.plugin import FormatKit, Request, Sample, SpecKind

from .names import tarball_name
from .upstream import packument_path
from .versions import normalize

ORDER = (
    "0.0.0-alpha",
    "0.0.0",
    "0.0.1",
    "0.9.0",
    "0.10.0",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
    "10.0.0",
)


def make_tarball(files: Mapping[str, bytes], folder: str = "package") -> bytes:
    """Pack files as ``npm pack`` does, without dates; paths are below ``folder``."""
    return pack((tarfile.TarInfo(f"{folder}/{path}"), content) for path, content in files.items())


def pack(entries: Any) -> bytes:
    """Pack tar entries, each a TarInfo and its content, into one gzip member."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(target.getvalue(), 6, mtime=0)


def make(name: str, version: str, **more: Any) -> Sample:
    """Make an acceptable package; ``more`` are further keys of its package.json."""
    package = {
        "name": name,
        "version": version,
        "description": f"Sample {name}",
        "license": "MIT",
        "main": "index.js",
        "dependencies": {"ms": "^2.1.0"},
        **more,
    }
    files = {
        "package.json": json.dumps(package, indent=2).encode(),
        "README.md": f"# {name}\n\nA sample.\n".encode(),
        "index.js": f"module.exports = {json.dumps(f'{name}@{version}')}\n".encode(),
    }
    return Sample(tarball_name(name, normalize(version)), make_tarball(files), name, version)


def publish_document(sample: Sample, tag: str = "latest", **more: Any) -> dict[str, Any]:
    """Give the document with which npm publishes a sample; ``more`` are further keys of its version."""
    version = normalize(sample.version)
    sha512 = base64.b64encode(hashlib.sha512(sample.content).digest()).decode()
    package = {
        "name": sample.name,
        "version": version,
        "_id": f"{sample.name}@{version}",
        "dist": {
            "integrity": f"sha512-{sha512}",
            "shasum": hashlib.sha1(sample.content, usedforsecurity=False).hexdigest(),
            "tarball": f"http://somewhere.invalid/{sample.name}/-/{sample.name}-{version}.tgz",
        },
        **more,
    }
    attachment = {
        "content_type": "application/octet-stream",
        "data": base64.b64encode(sample.content).decode(),
        "length": len(sample.content),
    }
    return {
        "_id": sample.name,
        "name": sample.name,
        "dist-tags": {tag: version},
        "versions": {version: package},
        "access": None,
        "_attachments": {f"{sample.name}-{version}.tgz": attachment},
    }


def _put(path: str, body: object) -> Request:
    return Request("PUT", path, {"Content-Type": "application/json"}, json.dumps(body).encode())


def _publish(sample: Sample) -> Request:
    return _put(_path(sample.name), publish_document(sample))


def _path(name: str) -> str:
    return packument_path(name).replace("%2F", "%2f")


def _download(sample: Sample) -> Request:
    return Request("GET", f"/{sample.name}/-/{sample.filename}")


def _deprecate(sample: Sample, message: str) -> Sequence[Request]:
    versions = {normalize(sample.version): {"deprecated": message}}
    return [_put(_path(sample.name), {"name": sample.name, "versions": versions})]


def _tag(sample: Sample, tag: str) -> Request:
    return _put(f"/-/package{_path(sample.name)}/dist-tags/{tag}", normalize(sample.version))


def _delete(sample: Sample) -> Sequence[Request]:
    return [Request("DELETE", f"/{sample.name}/-/{sample.filename}/-rev/*")]


def _search(text: str) -> Request:
    return Request("GET", f"/-/v1/search?text={quote(text, safe='')}&size=20")


def _log_in(user_name: str, password: str) -> Request:
    body = {
        "_id": f"org.couchdb.user:{user_name}",
        "name": user_name,
        "password": password,
        "type": "user",
        "roles": [],
    }
    return _put(f"/-/user/org.couchdb.user:{quote(user_name, safe='')}", body)


def _shows(body: bytes, version: str) -> bool:
    return normalize(version) in json.loads(body)["versions"]


def _remote(samples: Sequence[Sample]) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    documents: dict[str, dict[str, Any]] = {}
    for sample in samples:
        document = documents.setdefault(sample.name, {"name": sample.name, "versions": {}, "time": {}})
        ((version, package),) = publish_document(sample)["versions"].items()
        package["dist"]["tarball"] = f"/{sample.name}/-/{sample.filename}"
        document["versions"][version] = package
        document["time"][version] = "2020-01-02T03:04:05.678Z"
        found[package["dist"]["tarball"]] = sample.content
    return found | {packument_path(name): json.dumps(document).encode() for name, document in documents.items()}


def _hostile() -> dict[str, bytes]:
    def with_package(content: bytes, **files: bytes) -> bytes:
        return make_tarball({"package.json": content, **files})

    def with_entry(kind: bytes, path: str, target: str = "") -> bytes:
        odd = tarfile.TarInfo(path)
        odd.type, odd.linkname = kind, target
        return pack([(tarfile.TarInfo("package/package.json"), fine), (odd, b"")])

    fine = b'{"name":"left","version":"1.0.0"}'
    good = with_package(fine)
    return {
        "no package.json": make_tarball({"index.js": b"1"}),
        "package.json at the root of the archive": pack([(tarfile.TarInfo("package.json"), fine)]),
        "package.json with a capital": make_tarball({"Package.json": fine}),
        "package.json is no JSON": with_package(b"{name: left}"),
        "package.json is a list": with_package(b"[]"),
        "package.json is too large": with_package(fine[:-1] + b',"x":"' + b"x" * 1_100_000 + b'"}'),
        "package.json is too deep": with_package(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        "package.json has a key twice": with_package(b'{"name":"left","name":"right","version":"1.0.0"}'),
        "package.json has a number that is none": with_package(fine[:-1] + b',"config":NaN}'),
        "package.json has an endless number": with_package(fine[:-1] + b',"config":1e999}'),
        "package.json has half a character": with_package(fine[:-1] + b',"description":"\\ud800"}'),
        "package.json has a zero character": with_package(fine[:-1] + b',"description":"\\u0000"}'),
        "no name": with_package(b'{"version":"1.0.0"}'),
        "no version": with_package(b'{"name":"left"}'),
        "a name that is a number": with_package(b'{"name":1,"version":"1.0.0"}'),
        "a name that climbs": with_package(b'{"name":"../left","version":"1.0.0"}'),
        "a version that is none": with_package(b'{"name":"left","version":"1.0"}'),
        "a version that climbs": with_package(b'{"name":"left","version":"1.0.0-../x"}'),
        "two folders with a package.json": pack(
            [(tarfile.TarInfo(f"{folder}/package.json"), fine) for folder in ("package", "zzz")]
        ),
        "package.json twice": pack([(tarfile.TarInfo("package/package.json"), fine)] * 2),
        "a path that climbs": with_package(fine, **{"../../x": b"1"}),
        "an absolute path": pack([(tarfile.TarInfo("package/package.json"), fine), (tarfile.TarInfo("/x/y"), b"1")]),
        "a hard link": with_entry(tarfile.LNKTYPE, "package/x", "package/package.json"),
        "a link that climbs": with_entry(tarfile.SYMTYPE, "package/x", "../../../etc/passwd"),
        "a device": with_entry(tarfile.CHRTYPE, "package/x"),
        "bytes behind the end": good + b"more",
        "a second gzip member": good + good,
        "a bomb": with_package(fine, bomb=bytes(30_000_000)),
        "cut in the middle": good[: len(good) // 2],
    }


@cache
def build_kit() -> FormatKit:
    """Give the kit; its hostile files are made when it is first asked for."""
    return FormatKit(
        make=make,
        names=("left", "@acme/left", "@acme/pad.js", "under_score", "a", "@a/b"),
        bad_names=(
            "",
            ".left",
            "_left",
            "-left",
            "../left",
            "@acme",
            "@acme/",
            "@/left",
            "@acme/left/right",
            "acme/left",
            "node_modules",
            "favicon.ico",
            "le ft",
            "left%2f",
            "l\u0435ft",
            "left!",
            "a" * 215,
        ),
        same_names=(),
        order=ORDER,
        prereleases=("1.0.0-0", "1.0.0-alpha.1", "0.0.0-x-y.z"),
        bad_versions=("", "1", "1.0", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0-a..b", "1.0.0.0", "latest", "^1.0.0"),
        same_versions=(("1.0.0+build.1", "1.0.0+build.2"), ("1.0.0", "1.0.0+x")),
        ranges=(
            ("1.2.3", "^1.0.0", True),
            ("2.0.0", "^1.0.0", False),
            ("0.2.9", "^0.2.3", True),
            ("0.3.0", "^0.2.3", False),
            ("0.0.4", "^0.0.3", False),
            ("1.9.9", "~1", True),
            ("2.0.0", ">1", True),
            ("1.5.0", ">1", False),
            ("2.4.0", "1.2 - 2.4", True),
            ("2.5.0", "1.2 - 2.4", False),
            ("1.2.3", "", True),
            ("3.0.0", "<1 || >=3", True),
            ("1.0.0-rc.2", ">=1.0.0-rc.1", True),
            ("1.1.0-rc.1", ">=1.0.0-rc.1", False),
            ("1.0.0-rc.1", "*", False),
        ),
        choices=(
            (("1.0.0", "1.9.0", "1.10.0", "2.0.0"), "^1.0.0", "1.10.0"),
            (("1.0.0", "1.1.0-rc.1"), ">=1.0.0", "1.0.0"),
            (("1.0.0-rc.1", "1.0.0-rc.2"), "^1.0.0-rc.1", "1.0.0-rc.2"),
            (("1.0.0",), "^2.0.0", None),
        ),
        specs=(
            ("^1.0.0", SpecKind.RANGE),
            ("", SpecKind.RANGE),
            ("*", SpecKind.RANGE),
            ("1.2.3", SpecKind.RANGE),
            ("next", SpecKind.TAG),
            ("npm:other@^1.0.0", SpecKind.ALIAS),
            ("workspace:*", SpecKind.UNRESOLVABLE),
            ("file:../left", SpecKind.UNRESOLVABLE),
            ("git+ssh://git@example.org/u/r.git", SpecKind.UNRESOLVABLE),
            ("github:u/r#semver:^1", SpecKind.UNRESOLVABLE),
            ("u/r", SpecKind.UNRESOLVABLE),
            ("https://example.org/left.tgz", SpecKind.UNRESOLVABLE),
        ),
        hostile=_hostile(),
        publish=_publish,
        listing=lambda name: Request("GET", _path(name)),
        download=_download,
        shows=_shows,
        deprecate=_deprecate,
        tag=_tag,
        delete=_delete,
        search=_search,
        remote=_remote,
        remake=lambda sample: make(sample.name, sample.version, description="Other bytes"),
        login=_log_in,
    )
